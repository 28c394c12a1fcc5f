"""Counting a node: the packed gradients of its rows go to the cells of a histogram.

Large nodes are counted by bundles of columns, then each bundle's cells are spread to its columns: exact, as all
sums are integers.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t
from libc.string cimport memset

from kernels.deal cimport first_block, next_block, run_blocks
from kernels.growth cimport Bundles, Growth, Problem
from simd.simd cimport FASTML_BLOCK, FASTML_CELLS


cdef inline void clear_columns(const Problem *problem, int64_t *hist, int first, int stop) noexcept nogil:
    cdef int j
    for j in range(first, stop):
        memset(hist + <ptrdiff_t> j * FASTML_CELLS, 0, (problem.n_bins[j] + 1) * sizeof(int64_t))


cdef inline int64_t *target_histogram(const Problem *problem, Growth *g, int thread, int slot) noexcept nogil:
    """Where a thread counts, cleared: the node's own histogram for thread 0, a private one for the others."""
    cdef int64_t *hist = g.slots[slot] if thread == 0 else g.own_hist[thread]
    clear_columns(problem, hist, 0, problem.n_features)
    return hist


cdef inline const uint8_t *narrow_of(const Problem *problem, const Growth *g) noexcept nogil:
    """The 32-bit gradient of row 0, where they are in the rows, else NULL."""
    return problem.narrow if g.narrow else NULL


cdef inline void add_columns(
    const Problem *problem, const Growth *g, int column, int n_columns,
    const int32_t *rows,            # or NULL: first, first + 1, ...
    ptrdiff_t first, ptrdiff_t n, int64_t *hist,
) noexcept nogil:
    """Count n rows into the histograms of the columns from `column` on."""
    cdef const Bundles *bundles = &problem.bundles
    cdef int64_t *out = hist + <ptrdiff_t> column * FASTML_CELLS
    if bundles.n > 0:
        problem.simd.histogram_of_members(
            bundles.by_row, bundles.row_stride, bundles.of_column + column,
            bundles.codes + column * bundles.codes_stride, bundles.codes_stride, n_columns, rows, first, n,
            g.packed, narrow_of(problem, g), out,
        )
    else:
        problem.simd.histogram(
            problem.by_row + column, problem.row_stride, n_columns, rows, first, n, g.packed,
            narrow_of(problem, g), out,
        )


cdef inline void add_rows(
    const Problem *problem, const Growth *g, const int32_t *rows, ptrdiff_t first, ptrdiff_t n,
    int64_t *cells,                 # of the bundles, or NULL
    int64_t *hist,
) noexcept nogil:
    """Count n rows into the cells of bundles if there are any, else into all columns' histograms."""
    if cells != NULL:
        problem.simd.histogram_of_bundles(
            problem.bundles.by_row, problem.bundles.row_stride, problem.bundles.n, rows, first, n, g.packed,
            narrow_of(problem, g), cells,
        )
    else:
        add_columns(problem, g, 0, problem.n_features, rows, first, n, hist)


cdef inline int64_t *cells_for(const Problem *problem, Growth *g, int thread, ptrdiff_t n) noexcept nogil:
    """Cells of bundles, all 0, if n rows are worth it; else NULL."""
    return g.bundle_cells[thread] if problem.bundles.n > 0 and n >= problem.bundles.least_rows else NULL


cdef inline void spread_cells(const Problem *problem, int64_t *cells, int64_t *hist) noexcept nogil:
    """Add the cells of bundles to the columns' histograms and clear them."""
    cdef const Bundles *bundles = &problem.bundles
    cdef const uint8_t *code
    cdef const int64_t *own
    cdef int64_t *column
    cdef int j, c, n
    if cells == NULL:
        return
    for j in range(problem.n_features):
        code = bundles.codes + j * bundles.codes_stride + bundles.start[bundles.of_column[j]]
        own = cells + bundles.start[bundles.of_column[j]]
        n = bundles.start[bundles.of_column[j] + 1] - bundles.start[bundles.of_column[j]]
        column = hist + <ptrdiff_t> j * FASTML_CELLS
        for c in range(n):
            column[code[c]] += own[c]
    memset(cells, 0, bundles.start[bundles.n] * sizeof(int64_t))


cdef inline void pack_block(const Problem *problem, Growth *g, ptrdiff_t first, ptrdiff_t size) noexcept nogil:
    """Round the gradients of the rows from `first` on, to where they are counted from."""
    cdef const float *grad = g.input.grad + first
    cdef const float *hess = NULL if g.input.hess == NULL else g.input.hess + first
    cdef const double *weight = NULL if g.input.weight == NULL else g.input.weight + first
    if g.narrow:
        problem.simd.pack_narrow(
            grad, hess, weight, g.scale.g, g.scale.h, size, problem.narrow + first * problem.row_bytes,
            problem.row_bytes,
        )
    else:
        problem.simd.pack_gradients(grad, hess, weight, g.scale.g, g.scale.h, size, g.packed + first)


cdef inline void start_rows(const Problem *problem, Growth *g, int thread) noexcept nogil:
    """Pack the gradients of the thread's blocks, list its rows and count them into the root's histogram."""
    cdef ptrdiff_t n = problem.n_samples, run = run_blocks(n, g.team), first = first_block(run, thread)
    cdef ptrdiff_t size, i, count = 0
    cdef int32_t *rows = g.rows + g.first_row[thread]
    cdef int64_t *hist = target_histogram(problem, g, thread, g.growing[0].slot)
    cdef int64_t *cells = cells_for(problem, g, thread, n // g.team)
    while first < n:
        size = min(<ptrdiff_t> FASTML_BLOCK, n - first)
        pack_block(problem, g, first, size)
        if g.input.sampled == NULL:
            add_rows(problem, g, NULL, first, size, cells, hist)
            for i in range(size):
                rows[count + i] = <int32_t> (first + i)
            count += size
        else:
            for i in range(first, first + size):
                rows[count] = <int32_t> i
                count += g.input.sampled[i] != 0
        first = next_block(first, run, g.team)
    if g.input.sampled != NULL:
        add_rows(problem, g, rows, 0, count, cells, hist)
    spread_cells(problem, cells, hist)
    g.begin[thread * g.capacity] = g.first_row[thread]
    g.count[thread * g.capacity] = count


cdef inline void count_node(const Problem *problem, Growth *g, int thread, int node) noexcept nogil:
    """Count the thread's rows of a node."""
    cdef int64_t *hist = target_histogram(problem, g, thread, g.growing[node].slot)
    cdef ptrdiff_t run = thread * g.capacity + node
    cdef int64_t *cells = cells_for(problem, g, thread, g.count[run])
    add_rows(problem, g, g.rows + g.begin[run], 0, g.count[run], cells, hist)
    spread_cells(problem, cells, hist)


cdef inline int first_column(const Problem *problem, const Growth *g, int thread) noexcept nogil:
    """Of those that the thread searches; thread = team: one past the last."""
    return problem.n_features * thread // g.team


cdef inline void count_columns(const Problem *problem, Growth *g, int thread, int node) noexcept nogil:
    """Count the thread's columns of a node, over the rows of all threads."""
    cdef int first = first_column(problem, g, thread), stop = first_column(problem, g, thread + 1), t
    cdef int64_t *hist = g.slots[g.growing[node].slot]
    cdef ptrdiff_t run
    clear_columns(problem, hist, first, stop)
    for t in range(g.team):
        run = t * g.capacity + node
        add_columns(problem, g, first, stop - first, g.rows + g.begin[run], 0, g.count[run], hist)


cdef inline void merge_column(Growth *g, int64_t *cells, ptrdiff_t offset, int n_cells) noexcept nogil:
    """Add the private histograms of the other threads."""
    cdef int t, k
    cdef const int64_t *other
    for t in range(1, g.team):
        other = g.own_hist[t] + offset
        for k in range(n_cells):
            cells[k] += other[k]


cdef inline void subtract_column(const int64_t *part, int64_t *whole, int n_cells) noexcept nogil:
    cdef int k
    for k in range(n_cells):
        whole[k] -= part[k]
