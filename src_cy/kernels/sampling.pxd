"""Columns for a tree, a level or a node: the ones with the smallest random bits."""

from libc.stdint cimport uint8_t, uint64_t
from libc.stdlib cimport free, malloc, qsort

from kernels.random cimport random_bits


cdef inline int compare_bits(const void *a, const void *b) noexcept nogil:
    cdef uint64_t x = (<const uint64_t *> a)[0], y = (<const uint64_t *> b)[0]
    return (x > y) - (x < y)


cdef inline int sample_columns(
    const uint8_t *allowed,         # (n,)  1: may be drawn
    uint8_t *chosen_out,            # (n,)  1: drawn
    int n, double fraction, uint64_t seed, uint64_t stream,
) noexcept nogil:
    """Draw max(1, floor(fraction * count)) of the allowed columns without replacement; -1: no memory."""
    cdef int j, count = 0, wanted
    cdef uint64_t limit
    cdef uint64_t *bits
    for j in range(n):
        chosen_out[j] = allowed[j]
        count += allowed[j]
    wanted = max(1, <int> (fraction * count + 1e-9))
    if fraction >= 1.0 or wanted >= count:
        return 0
    bits = <uint64_t *> malloc(count * sizeof(uint64_t))
    if bits == NULL:
        return -1
    count = 0
    for j in range(n):
        if allowed[j]:
            bits[count] = random_bits(seed, stream, j)
            count += 1
    qsort(bits, count, sizeof(uint64_t), compare_bits)
    limit = bits[wanted - 1]
    free(bits)
    for j in range(n):
        chosen_out[j] = allowed[j] and random_bits(seed, stream, j) <= limit
    return 0
