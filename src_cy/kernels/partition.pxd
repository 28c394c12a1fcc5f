"""The rows of a node go to its children."""

from libc.stdint cimport int32_t, uint8_t
from libc.string cimport memcpy

from kernels.growth cimport Growth, Problem
from types cimport Split


cdef inline void split_rows(
    const Problem *problem, Growth *g, int thread,
    int32_t *scratch,               # (n_samples,)
) noexcept nogil:
    """Partition the thread's run of g.node into those of its children."""
    cdef const Split *split = &g.growing[g.node].split
    cdef ptrdiff_t run = thread * g.capacity + g.node, child = thread * g.capacity + g.nodes[g.node].left
    cdef int32_t *rows = g.rows + g.begin[run]
    cdef int32_t *right = scratch + g.first_row[thread]
    cdef const uint8_t *column = problem.by_column + split.feature * problem.column_stride
    cdef ptrdiff_t n = g.count[run], n_left
    cdef uint8_t table[256]
    cdef int code
    if split.categorical:
        table[0] = split.missing_left
        for code in range(1, 256):
            table[code] = (split.categories.bits[code >> 5] >> (code & 31)) & 1
        n_left = problem.simd.partition_rows_by_table(column, table, rows, right, n)
    else:
        n_left = problem.simd.partition_rows(
            column, 0 if split.missing_left else 1, split.threshold - (0 if split.missing_left else 1),
            rows, right, n,
        )
    memcpy(rows + n_left, right, (n - n_left) * sizeof(int32_t))
    g.begin[child] = g.begin[run]
    g.count[child] = n_left
    g.begin[child + 1] = g.begin[run] + n_left
    g.count[child + 1] = n - n_left
