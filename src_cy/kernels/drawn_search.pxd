"""The best cut of a node on one column of numbers without missing values, for one output: fast paths.

Numbers, and two classes as 0 and 1: the most (sum left)^2 / W left + (sum right)^2 / W right; more classes: the most
sum over classes of the same with the classes' weights. Both as one fraction, so that equal cuts give equal bits where
the sums are whole numbers. Three ways to see a column in order, chosen by what is least work: keys sorted by counting,
keys sorted by digits, or a cell for each rank between the node's lowest and highest. A key is a rank, above the
lowest, and a place among the node's rows.
"""

from libc.stdint cimport int64_t, uint16_t, uint32_t
from libc.string cimport memset

from kernels.drawn_nodes cimport MOST_CELLS, OF_NUMBERS, SMALL, DrawnCut, DrawnProblem, DrawnWork, Span
from kernels.drawn_runs cimport bits_of, sort_digits
from kernels.impurity cimport Totals
from simd.simd cimport fastml_kernels


cdef inline void take_best(
    const DrawnProblem *p, const DrawnWork *w, const fastml_kernels *simd, const uint32_t *keys, int shift,
    const double *left, double total, const Totals *totals, ptrdiff_t begin, ptrdiff_t end, uint32_t low,
    DrawnCut *out,
) noexcept nogil:
    """The best of the cuts before place begin to end - 1 of w.left or w.a, w.b, and w.w_left."""
    cdef ptrdiff_t at = simd.best_cut(
        keys, shift, left, w.a, w.b, w.w_left, begin, end, total, totals.weight, p.exact.options.min_weight_leaf,
        &out.proxy
    )
    if at >= 0:
        out.below = low + (keys[at - 1] >> shift)
        out.above = low + (keys[at] >> shift)


cdef inline void scan_pairs(
    const DrawnProblem *p, DrawnWork *w, const fastml_kernels *simd, const uint32_t *keys, int shift, uint32_t low,
    double total, const Totals *totals, DrawnCut *out,
) noexcept nogil:
    """Numbers in the order of keys."""
    cdef ptrdiff_t i, n = totals.n, least = max(<ptrdiff_t> 1, p.exact.options.min_samples_leaf)
    cdef uint32_t place, mask = (<uint32_t> 1 << shift) - 1
    cdef double left = 0.0, w_left = 0.0
    for i in range(n):
        place = keys[i] & mask
        w.a[i] = left
        w.w_left[i] = w_left
        w_left += w.w[place]
        left += w.wy[place]
    take_best(p, w, simd, keys, shift, w.a, total, totals, least, n - least + 1, low, out)


cdef inline void scan_two(
    const DrawnProblem *p, DrawnWork *w, const fastml_kernels *simd, const uint32_t *keys, int shift, uint32_t low,
    const Totals *totals, DrawnCut *out,
) noexcept nogil:
    """Rows of two classes in the order of keys."""
    cdef ptrdiff_t i, n = totals.n, least = max(<ptrdiff_t> 1, p.exact.options.min_samples_leaf)
    cdef uint32_t place, mask = (<uint32_t> 1 << shift) - 1
    cdef int64_t left = 0, w_left = 0
    for i in range(n):
        place = keys[i] & mask
        w.a[i] = <double> left
        w.w_left[i] = <double> w_left
        w_left += w.count[place]
        left += w.count[place] * w.label[place]
    take_best(p, w, simd, keys, shift, w.a, totals.sums[1], totals, least, n - least + 1, low, out)


cdef inline void scan_classes(
    const DrawnProblem *p, DrawnWork *w, const fastml_kernels *simd, const uint32_t *keys, int shift, uint32_t low,
    const Totals *totals, DrawnCut *out,
) noexcept nogil:
    """Rows of classes in the order of keys, with the sums of squares kept up row by row."""
    cdef int n_classes = p.exact.target.n_classes, k
    cdef ptrdiff_t i, n = totals.n, least = max(<ptrdiff_t> 1, p.exact.options.min_samples_leaf)
    cdef uint32_t place, mask = (<uint32_t> 1 << shift) - 1
    cdef int64_t *left = <int64_t *> w.base.scratch
    cdef int64_t *right = left + n_classes
    cdef int64_t w_left = 0, count, a = 0, b = 0
    for k in range(n_classes):
        left[k] = 0
        right[k] = <int64_t> totals.sums[k]
        b += right[k] * right[k]
    for i in range(n):
        place = keys[i] & mask
        w.a[i] = <double> a
        w.b[i] = <double> b
        w.w_left[i] = <double> w_left
        count = w.count[place]
        k = w.label[place]
        w_left += count
        a += count * (2 * left[k] + count)
        b -= count * (2 * right[k] - count)
        left[k] += count
        right[k] -= count
    take_best(p, w, simd, keys, shift, NULL, 0.0, totals, least, n - least + 1, low, out)


cdef inline void scan_pair_cells(
    const DrawnProblem *p, DrawnWork *w, const fastml_kernels *simd, ptrdiff_t width, uint32_t low, double total,
    const Totals *totals, DrawnCut *out,
) noexcept nogil:
    """A cell: w, w y. What is not empty becomes a row of w.a, w.w_left, w.keys."""
    cdef ptrdiff_t i, n = totals.n, m = 0
    cdef double *cells = w.cells
    cdef double *cell
    cdef double left = 0.0, w_left = 0.0
    memset(cells, 0, width * 2 * sizeof(double))
    for i in range(n):
        cell = cells + <ptrdiff_t> (w.ranks[i] - low) * 2
        cell[0] += w.w[i]
        cell[1] += w.wy[i]
    for i in range(width):
        w.keys[m] = <uint32_t> i
        w.a[m] = left
        w.w_left[m] = w_left
        w_left += cells[2 * i]
        left += cells[2 * i + 1]
        m += cells[2 * i] != 0.0
    take_best(p, w, simd, w.keys, 0, w.a, total, totals, 1, m, low, out)


cdef inline void scan_two_cells(
    const DrawnProblem *p, DrawnWork *w, const fastml_kernels *simd, ptrdiff_t width, uint32_t low,
    const Totals *totals, DrawnCut *out,
) noexcept nogil:
    """A cell: rows << 32 | those of the second class. As scan_pair_cells."""
    cdef ptrdiff_t i, n = totals.n, m = 0
    cdef int64_t *cells = <int64_t *> w.cells
    cdef int64_t left = 0
    memset(cells, 0, width * sizeof(int64_t))
    for i in range(n):
        cells[w.ranks[i] - low] += (<int64_t> w.count[i] << 32) + <int64_t> (w.count[i] * w.label[i])
    for i in range(width):
        w.keys[m] = <uint32_t> i
        w.a[m] = <double> <uint32_t> left
        w.w_left[m] = <double> (left >> 32)
        left += cells[i]
        m += cells[i] != 0
    take_best(p, w, simd, w.keys, 0, w.a, totals.sums[1], totals, 1, m, low, out)


cdef inline void scan_class_cells(
    const DrawnProblem *p, DrawnWork *w, const fastml_kernels *simd, ptrdiff_t width, uint32_t low,
    const Totals *totals, DrawnCut *out,
) noexcept nogil:
    """A cell: how often each class, in vectors of 32."""
    cdef int k, stride = (p.exact.target.n_classes + 31) // 32 * 32
    cdef ptrdiff_t i, m
    cdef uint16_t *cells = <uint16_t *> w.cells
    cdef uint16_t *sums = <uint16_t *> w.class_counts
    memset(cells, 0, width * stride * sizeof(uint16_t))
    for i in range(totals.n):
        cells[<ptrdiff_t> (w.ranks[i] - low) * stride + w.label[i]] += <uint16_t> w.count[i]
    memset(sums, 0, stride * sizeof(uint16_t))
    for k in range(p.exact.target.n_classes):
        sums[k] = <uint16_t> totals.sums[k]
    m = simd.scan_counts(cells, width, stride, sums, sums + stride, w.keys, w.a, w.b, w.w_left)
    take_best(p, w, simd, w.keys, 0, NULL, 0.0, totals, 1, m, low, out)


cdef inline ptrdiff_t cell_bytes(const DrawnProblem *p, ptrdiff_t width, double weight) noexcept nogil:
    """Of cells for `width` ranks, or more than there can be."""
    if p.fast == OF_NUMBERS:
        return width * 16
    if p.exact.target.n_classes == 2:
        return width * 8
    if weight >= 32768.0:
        return 8 * MOST_CELLS + 1
    return width * ((p.exact.target.n_classes + 31) // 32 * 64)


cdef inline bint search_fast(
    const DrawnProblem *p, DrawnWork *w, const fastml_kernels *simd, Span span, const Totals *totals, DrawnCut *out,
) noexcept nogil:
    """The best cut of the ranks gathered in w.ranks, of which none is missing; False where keys would be too long."""
    cdef bint two = p.exact.target.n_classes == 2
    cdef double total = totals.sums[1 if two else 0]
    cdef ptrdiff_t n = totals.n, i, width = <ptrdiff_t> (span.high - span.low) + 1
    cdef ptrdiff_t cells = cell_bytes(p, width, totals.weight)
    cdef int shift = bits_of(n - 1), n_bits = bits_of(span.high - span.low)
    cdef const uint32_t *keys
    if p.exact.options.min_samples_leaf <= 1 and cells <= 8 * w.n_cells and cells <= (32 * n if n > SMALL else 16 * n):
        if p.fast == OF_NUMBERS:
            scan_pair_cells(p, w, simd, width, span.low, total, totals, out)
        elif two:
            scan_two_cells(p, w, simd, width, span.low, totals, out)
        else:
            scan_class_cells(p, w, simd, width, span.low, totals, out)
        return True
    if shift + n_bits > 32:
        return False
    for i in range(n):
        w.keys[i] = ((w.ranks[i] - span.low) << shift) | <uint32_t> i
    if n <= SMALL:
        simd.sort_few(w.keys, n, w.spare)
        keys = w.spare
    else:
        keys = sort_digits(w.keys, w.spare, n, shift, n_bits)
    if p.fast == OF_NUMBERS:
        scan_pairs(p, w, simd, keys, shift, span.low, total, totals, out)
    elif two:
        scan_two(p, w, simd, keys, shift, span.low, totals, out)
    else:
        scan_classes(p, w, simd, keys, shift, span.low, totals, out)
    return True
