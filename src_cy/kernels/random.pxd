"""Counter-based random numbers: a hash of (seed, stream, counter), the same from every thread.

Source: Steele, Lea, Flood 2014, SplitMix64's finaliser over a Weyl sequence.
"""

from libc.stdint cimport uint64_t


cdef inline uint64_t mix(uint64_t z) noexcept nogil:
    z = (z ^ (z >> 30)) * <uint64_t> 0xBF58476D1CE4E5B9
    z = (z ^ (z >> 27)) * <uint64_t> 0x94D049BB133111EB
    return z ^ (z >> 31)


cdef inline uint64_t random_bits(uint64_t seed, uint64_t stream, uint64_t counter) noexcept nogil:
    """64 random bits for the counter-th draw of a stream."""
    cdef uint64_t golden = <uint64_t> 0x9E3779B97F4A7C15
    return mix(mix(mix(seed + golden) + stream * golden) + (counter + 1) * golden)
