"""The best cut of a node: of each column, the best of all columns, and its threshold."""

from libc.math cimport INFINITY
from libc.stdint cimport uint64_t

from kernels.exact_levels cimport search_levels
from kernels.exact_nodes cimport ExactProblem, ExactNode, Work, run_of, totals_of
from kernels.exact_random cimport random_threshold, random_cut
from kernels.exact_search cimport Cut, Limits, scan_run
from kernels.impurity cimport Totals
from kernels.sorted_runs cimport count_present, rank_of


cdef inline void limits_of(const ExactProblem *p, const ExactNode *node, int j, Limits *out) noexcept nogil:
    out.min_samples_leaf = p.options.min_samples_leaf
    out.min_weight_leaf = p.options.min_weight_leaf
    out.monotone = p.monotone[j] if p.monotone != NULL else 0
    out.lower = node.lower
    out.upper = node.upper


cdef inline void search_column(
    const ExactProblem *p, const Work *w, int node, int j, double *scratch, Cut *out,
) noexcept nogil:
    """The best cut of a node on column j, which varies."""
    cdef const ExactNode *own = &w.grown.nodes[node]
    cdef uint64_t *run = run_of(p, own, j)
    cdef ptrdiff_t present = count_present(run, own.n)
    cdef Totals totals = totals_of(p, &w.grown, node)
    cdef Limits limits
    limits_of(p, own, j, &limits)
    out.proxy = -INFINITY
    out.feature = j
    out.categorical = 0
    if p.is_categorical != NULL and p.is_categorical[j]:
        search_levels(p, own, j, run, present, &totals, &limits, scratch, out)
    elif p.options.random_cuts:
        random_cut(p, own, j, run, present, &totals, &limits, scratch, out)
    else:
        scan_run(&p.target, &totals, &limits, run, present, scratch, out)


cdef inline const Cut *best_of(const Work *w) noexcept nogil:
    """The first of the best cuts in the order of the columns; NULL: there is none."""
    cdef int i
    cdef const Cut *best = NULL
    for i in range(w.n_order):
        if w.cuts[i].proxy > -INFINITY and (best == NULL or w.cuts[i].proxy > best.proxy):
            best = &w.cuts[i]
    return best


cdef inline double threshold_of(const ExactProblem *p, const ExactNode *node, const Cut *cut) noexcept nogil:
    """Halfway between the neighbours of the cut; `x <= threshold` goes left."""
    cdef const double *values = p.values + p.values_start[cut.feature]
    cdef const double *largest = p.largest + p.values_start[cut.feature]
    cdef const uint64_t *run = run_of(p, node, cut.feature)
    cdef ptrdiff_t present = count_present(run, node.n)
    cdef double below, above, middle
    if cut.categorical:
        return 0.0
    if cut.place == present:        # all that is present
        return largest[rank_of(run[present - 1])] if p.options.random_cuts else INFINITY
    below = largest[rank_of(run[cut.place - 1])]
    if p.options.random_cuts:       # never within a bin
        return max(random_threshold(p, node, cut.feature, run, present), below)
    above = values[rank_of(run[cut.place])]
    middle = below / 2.0 + above / 2.0
    return middle if below < middle < above else below
