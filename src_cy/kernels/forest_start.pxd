"""The start of one tree of a forest: which rows it sees how often, and its root."""

from libc.math cimport INFINITY
from libc.stdint cimport int32_t, uint32_t, uint64_t
from libc.string cimport memset

from kernels.drawn_nodes cimport OF_COUNTS, DrawnProblem, DrawnWork
from kernels.exact_nodes cimport ExactNode, reserve_nodes
from kernels.impurity cimport Totals, impurity_of, sum_run
from kernels.random cimport random_bits

cdef enum:
    ROWS_STREAM = 0x526F7773        # of a tree's random numbers; its nodes have streams of their own


cdef inline void draw_rows(
    uint64_t seed, ptrdiff_t n, ptrdiff_t n_draws,
    const double *cumulative,       # (n,) weights summed up, each row drawn by its own; NULL: all alike
    double *count_out,              # (n,)
) noexcept nogil:
    """How often each row is drawn, with replacement. Weights that are whole numbers draw as so many equal rows do."""
    cdef ptrdiff_t i, low, high, middle
    cdef uint64_t bits
    cdef double at, total = 0.0 if cumulative == NULL else cumulative[n - 1]
    cdef bint whole = total == <double> <uint32_t> min(total, 4294967295.0)
    memset(count_out, 0, n * sizeof(double))
    for i in range(n_draws):
        bits = random_bits(seed, ROWS_STREAM, i)
        if cumulative == NULL:
            low = <ptrdiff_t> (((bits >> 32) * <uint64_t> n) >> 32)
        else:
            if whole:
                at = <double> (((bits >> 32) * <uint64_t> total) >> 32)
            else:
                at = <double> (bits >> 11) * 1.1102230246251565e-16 * total
            low = 0
            high = n - 1
            while low < high:       # the first whose sum is above
                middle = (low + high) // 2
                if cumulative[middle] > at:
                    high = middle
                else:
                    low = middle + 1
        count_out[low] += 1.0


cdef inline void balance(
    const int32_t *label, int n_outputs, int n_classes, const int32_t *classes_of, ptrdiff_t n, ptrdiff_t n_draws,
    double *sums,                   # (n_classes,) scratch
    const double *count, double *weight_inout,
) noexcept nogil:
    """Weights times n_draws / (classes drawn * rows of the row's class), for each output. Factors have 24 bits, so that
    the weight of a row that is drawn twice is to the bit that of two equal rows drawn once."""
    cdef ptrdiff_t i
    cdef float factor
    cdef int o, k, present
    for o in range(n_outputs):
        memset(sums, 0, n_classes * sizeof(double))
        for i in range(n):
            sums[label[o * n + i]] += count[i]
        present = 0
        for k in range(classes_of[o]):
            present += sums[k] > 0.0
        for i in range(n):
            if count[i] > 0.0:
                factor = <float> (<double> n_draws / (present * sums[label[o * n + i]]))
                weight_inout[i] *= factor


cdef inline bint start_tree(
    DrawnProblem *p, DrawnWork *w, uint64_t *entries, double *pairs
) noexcept nogil:
    """Entries of the rows that have a weight, w and w y side by side if pairs is not NULL, and the root; False where
    there is no memory."""
    cdef ptrdiff_t i, n = 0
    cdef const double *weight = p.exact.target.weight
    cdef ExactNode *root
    cdef Totals totals
    for i in range(p.exact.target.n):
        if weight == NULL or weight[i] != 0.0:
            entries[n] = <uint64_t> i
            if p.fast == OF_COUNTS:
                entries[n] |= <uint64_t> (weight[i] if weight != NULL else 1.0) << 48
                entries[n] |= <uint64_t> p.exact.target.label[i] << 32
            n += 1
        if pairs != NULL:
            pairs[2 * i] = weight[i]
            pairs[2 * i + 1] = weight[i] * p.exact.target.y[i]
    p.exact.entries = entries
    p.exact.n = n
    p.exact.target.pairs = pairs
    if not reserve_nodes(&p.exact, &w.base.grown, 1):
        return False
    root = &w.base.grown.nodes[0]
    memset(root, 0, sizeof(ExactNode))
    totals.sums = w.base.grown.sums
    sum_run(&p.exact.target, entries, n, &totals)
    root.n = n
    root.own = totals.own
    root.weight = totals.weight
    root.impurity = impurity_of(&p.exact.target, &totals)
    root.lower = -INFINITY
    root.upper = INFINITY
    p.exact.total_weight = totals.weight
    w.base.grown.n = 1
    return True
