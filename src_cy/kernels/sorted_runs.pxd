"""Columns in the order of their values, kept so while a tree grows.

An entry is a row and the rank of its value in a column: rank * 2^32 + row. Equal values have one rank, missing ones
the largest. A node is a run of entries at the same place in each column that still varies in it; a split
moves every run's entries of rows that go left to its front, in order, so that runs stay sorted.
"""

from libc.stdint cimport UINT32_MAX, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

cdef enum:
    MISSING = 0xFFFFFFFF            # rank


cdef inline uint32_t rank_of(uint64_t entry) noexcept nogil:
    return <uint32_t> (entry >> 32)


cdef inline uint32_t row_of(uint64_t entry) noexcept nogil:
    return <uint32_t> entry


cdef inline bint is_constant(const uint64_t *run, ptrdiff_t n) noexcept nogil:
    return rank_of(run[0]) == rank_of(run[n - 1])


cdef inline ptrdiff_t first_beyond(const uint64_t *run, ptrdiff_t n, uint32_t rank) noexcept nogil:
    """How many entries have a rank up to this one. O(log n)."""
    cdef ptrdiff_t low = 0, high = n, middle
    while low < high:
        middle = (low + high) // 2
        if rank_of(run[middle]) <= rank:
            low = middle + 1
        else:
            high = middle
    return low


cdef inline ptrdiff_t count_present(const uint64_t *run, ptrdiff_t n) noexcept nogil:
    return n if rank_of(run[n - 1]) != <uint32_t> MISSING else first_beyond(run, n, <uint32_t> MISSING - 1)


cdef inline void split_run(
    uint64_t *run,                  # (n,)  in place
    ptrdiff_t n,
    const uint8_t *goes_left,       # of each row of the data
    uint64_t *right,                # (n,)  scratch
) noexcept nogil:
    """Entries of rows that go left to the front, the others behind, both in order."""
    cdef ptrdiff_t i, left = 0
    cdef uint64_t entry
    cdef uint8_t goes
    for i in range(n):
        entry = run[i]
        goes = goes_left[row_of(entry)]
        run[left] = entry
        right[i - left] = entry
        left += goes
    memcpy(run + left, right, (n - left) * sizeof(uint64_t))
