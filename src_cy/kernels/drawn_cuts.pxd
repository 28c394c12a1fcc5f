"""The best cut of a node on one column drawn for it, whatever the column and the criterion."""

from libc.math cimport INFINITY
from libc.stdint cimport uint32_t, uint64_t

from kernels.drawn_nodes cimport NONE, DrawnCut, DrawnProblem, DrawnWork, Span
from kernels.drawn_runs cimport order_entries
from kernels.drawn_search cimport search_fast
from kernels.exact_cuts cimport limits_of
from kernels.exact_levels cimport search_levels
from kernels.exact_nodes cimport ExactNode
from kernels.exact_random cimport random_cut, random_threshold
from kernels.exact_search cimport Cut, Limits, scan_run
from kernels.impurity cimport Totals
from kernels.sorted_runs cimport MISSING, count_present, rank_of
from simd.simd cimport fastml_kernels


cdef inline void search_any(
    const DrawnProblem *p, DrawnWork *w, const ExactNode *node, const uint64_t *rows, int j, Span span,
    const Totals *totals, DrawnCut *out,
) noexcept nogil:
    """By a sorted run of entries, as trees that keep their columns sorted do it."""
    cdef Limits limits
    cdef Cut cut
    cdef ptrdiff_t present
    order_entries(w, rows, node.n, span)
    present = count_present(w.run, node.n)
    limits_of(&p.exact, node, j, &limits)
    cut.proxy = -INFINITY
    cut.feature = j
    cut.missing_left = 0
    cut.categorical = 0
    if p.exact.is_categorical != NULL and p.exact.is_categorical[j]:
        search_levels(&p.exact, node, j, w.run, present, totals, &limits, w.base.scratch, &cut)
    elif p.exact.options.random_cuts:
        random_cut(&p.exact, node, j, w.run, present, totals, &limits, w.base.scratch, &cut)
    else:
        scan_run(&p.exact.target, totals, &limits, w.run, present, w.base.scratch, &cut)
    out.proxy = cut.proxy
    if cut.proxy == -INFINITY:
        return
    out.missing_left = cut.missing_left
    out.categorical = cut.categorical
    if cut.categorical:
        out.left = cut.left
    else:
        out.below = rank_of(w.run[cut.place - 1])
        out.above = rank_of(w.run[cut.place]) if cut.place < node.n else <uint32_t> MISSING


cdef inline void search_drawn(
    const DrawnProblem *p, DrawnWork *w, const fastml_kernels *simd, const ExactNode *node, const uint64_t *rows, int j,
    Span span, const Totals *totals, DrawnCut *out,
) noexcept nogil:
    """The best cut of column j, which varies and whose ranks are in w.ranks."""
    out.proxy = -INFINITY
    out.feature = j
    out.missing_left = 0
    out.categorical = 0
    if (
        p.fast != NONE and span.high != <uint32_t> MISSING and (p.exact.monotone == NULL or p.exact.monotone[j] == 0)
        and (p.exact.is_categorical == NULL or not p.exact.is_categorical[j])
    ):
        if search_fast(p, w, simd, span, totals, out):
            return
    search_any(p, w, node, rows, j, span, totals, out)


cdef inline double threshold_of_drawn(
    const DrawnProblem *p, const ExactNode *node, const DrawnCut *cut, Span span
) noexcept nogil:
    """Halfway between the neighbours of the cut, or the random one again; span: of the node's present ranks."""
    cdef const double *values = p.exact.values + p.exact.values_start[cut.feature]
    cdef const double *largest = p.exact.largest + p.exact.values_start[cut.feature]
    cdef double below, above, middle
    cdef uint64_t[2] ends
    if cut.categorical:
        return 0.0
    if cut.above == <uint32_t> MISSING:
        return largest[cut.below] if p.exact.options.random_cuts else INFINITY
    if p.exact.options.random_cuts:
        ends[0] = <uint64_t> span.low << 32
        ends[1] = <uint64_t> span.high << 32
        return max(random_threshold(&p.exact, node, cut.feature, ends, 2), largest[cut.below])   # never within a bin
    below = largest[cut.below]
    above = values[cut.above]
    middle = below / 2.0 + above / 2.0
    return middle if below < middle < above else below
