"""A column of a node put in the order of its values."""

from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memset

from kernels.drawn_nodes cimport SMALL, DrawnWork, Span
from kernels.sorted_runs cimport row_of
from simd.simd cimport fastml_kernels

cdef enum:
    NARROW_DIGIT = 8                # bits; 256 counts
    WIDE_DIGIT = 11                 # 2048 counts pay from so many keys on:
    MANY = 2048


cdef inline int bits_of(uint64_t x) noexcept nogil:
    """Of the numbers 0..x."""
    cdef int bits = 0
    while x >> bits:
        bits += 1
    return bits


cdef inline uint32_t *sort_digits(
    uint32_t *keys, uint32_t *spare, ptrdiff_t n, int low_bit, int n_bits
) noexcept nogil:
    """Keys in the order of their bits low_bit to low_bit + n_bits - 1, stable; in one of the two arrays."""
    cdef uint32_t counts[1 << WIDE_DIGIT]
    cdef uint32_t key, total, count, mask
    cdef int digit, stop = low_bit + n_bits
    cdef ptrdiff_t i
    while low_bit < stop:
        digit = WIDE_DIGIT if n >= MANY and stop - low_bit > NARROW_DIGIT else NARROW_DIGIT
        digit = min(digit, stop - low_bit)
        mask = (<uint32_t> 1 << digit) - 1
        memset(counts, 0, (<size_t> mask + 1) * sizeof(uint32_t))
        for i in range(n):
            counts[(keys[i] >> low_bit) & mask] += 1
        total = 0
        for i in range(<ptrdiff_t> mask + 1):
            count = counts[i]
            counts[i] = total
            total += count
        for i in range(n):
            key = keys[i]
            count = counts[(key >> low_bit) & mask]
            counts[(key >> low_bit) & mask] = count + 1
            spare[count] = key
        keys, spare = spare, keys
        low_bit += digit
    return keys


cdef inline void order_entries(DrawnWork *w, const uint64_t *rows, ptrdiff_t n, Span span) noexcept nogil:
    """w.run: the node's entries of a column, as sorted_runs has them."""
    cdef uint64_t *keys = w.run
    cdef uint64_t *spare = w.spare_run
    cdef uint32_t counts[1 << NARROW_DIGIT]
    cdef uint32_t count, total
    cdef int shift = 32
    cdef uint64_t key
    cdef ptrdiff_t i
    for i in range(n):
        keys[i] = (<uint64_t> w.ranks[i] << 32) | row_of(rows[i])
    while shift < 64 and (<uint64_t> (span.low ^ span.high) << 32) >> shift:
        memset(counts, 0, sizeof(counts))
        for i in range(n):
            counts[(keys[i] >> shift) & 255] += 1
        total = 0
        for i in range(256):
            count = counts[i]
            counts[i] = total
            total += count
        for i in range(n):
            key = keys[i]
            count = counts[(key >> shift) & 255]
            counts[(key >> shift) & 255] = count + 1
            spare[count] = key
        keys, spare = spare, keys
        shift += NARROW_DIGIT
    w.run = keys
    w.spare_run = spare
