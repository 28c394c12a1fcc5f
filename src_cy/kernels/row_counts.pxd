"""How many rows of a node have each code: for limits that count rows where weights make the sums something else."""

from libc.stdint cimport int32_t, uint8_t
from libc.string cimport memset

from kernels.growth cimport Growth, Problem
from kernels.split cimport RowCounts


cdef inline ptrdiff_t count_rows(const Growth *g, int node) noexcept nogil:
    """Rows of a node, over the runs of all threads."""
    cdef ptrdiff_t total = 0
    cdef int t
    for t in range(g.team):
        total += g.count[t * g.capacity + node]
    return total


cdef inline void count_codes(
    const Problem *problem, const Growth *g, int node, int j,
    int32_t *of_code,               # (256,)  overwritten
    RowCounts *out,
) noexcept nogil:
    """The rows of a node by their code in column j. O(rows of the node)."""
    cdef const uint8_t *column = problem.by_column + j * problem.column_stride
    cdef const int32_t *rows
    cdef ptrdiff_t run, i
    cdef int t
    memset(of_code, 0, 256 * sizeof(int32_t))
    for t in range(g.team):
        run = t * g.capacity + node
        rows = g.rows + g.begin[run]
        for i in range(g.count[run]):
            of_code[column[rows[i]]] += 1
    out.of_code = of_code
    out.total = count_rows(g, node)
    out.least = problem.options.min_samples_leaf
