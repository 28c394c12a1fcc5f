"""The k nearest of one query: a heap by distance and row, the last one in front."""

from libc.stdint cimport int32_t, int64_t

ctypedef fused row_number:
    int32_t
    int64_t


cdef inline bint farther(double a, int64_t row_a, double b, int64_t row_b) noexcept nogil:
    return a > b or (a == b and row_a > row_b)


cdef inline void sift(
    double *reduced, row_number *rows, Py_ssize_t at, Py_ssize_t n, double own, row_number row,
) noexcept nogil:
    """Put a pair in place of the one at `at`, whose descendants among n are heaps."""
    cdef Py_ssize_t child = 2 * at + 1
    while child < n:
        if child + 1 < n and farther(reduced[child + 1], rows[child + 1], reduced[child], rows[child]):
            child += 1
        if not farther(reduced[child], rows[child], own, row):
            break
        reduced[at] = reduced[child]
        rows[at] = rows[child]
        at = child
        child = 2 * at + 1
    reduced[at] = own
    rows[at] = row


cdef inline void sink(
    double *reduced, row_number *rows, Py_ssize_t n, double own, row_number row,
) noexcept nogil:
    """Put a pair in place of the first one of a heap of n."""
    sift(reduced, rows, 0, n, own, row)


cdef inline void sort_heap(double *reduced, row_number *rows, Py_ssize_t n) noexcept nogil:
    """The heap in ascending order."""
    cdef Py_ssize_t last
    cdef double own
    cdef row_number row
    for last in range(n - 1, 0, -1):
        own = reduced[last]
        row = rows[last]
        reduced[last] = reduced[0]
        rows[last] = rows[0]
        sink(reduced, rows, last, own, row)


cdef inline void sort_pairs(double *reduced, row_number *rows, Py_ssize_t n) noexcept nogil:
    """Pairs in any order, in ascending order."""
    cdef Py_ssize_t first
    for first in range(n // 2 - 1, -1, -1):
        sift(reduced, rows, first, n, reduced[first], rows[first])
    sort_heap(reduced, rows, n)
