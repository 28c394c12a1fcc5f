"""The start of a tree: the entries of rows that have a weight, and the root."""

from libc.math cimport INFINITY
from libc.stdint cimport uint64_t
from libc.string cimport memcpy

from kernels.exact_nodes cimport ExactNode, ExactProblem, Work, reserve_lists, reserve_nodes
from kernels.impurity cimport Totals, impurity_of, sum_run
from kernels.sorted_runs cimport row_of


cdef inline void keep_weighted(const ExactProblem *p, const uint64_t *entries, ptrdiff_t j) noexcept nogil:
    """Column j's entries of rows that have a weight."""
    cdef uint64_t *out = p.entries + j * p.n
    cdef ptrdiff_t i, kept = 0
    if p.target.weight == NULL:
        memcpy(out, entries, p.n * sizeof(uint64_t))
        return
    for i in range(p.target.n):
        if p.target.weight[row_of(entries[i])] != 0.0:
            out[kept] = entries[i]
            kept += 1


cdef inline bint start_root(ExactProblem *p, Work *w) noexcept nogil:
    """Node 0: all rows, all columns."""
    cdef ExactNode *root
    cdef Totals totals
    cdef int j
    if not reserve_nodes(p, &w.grown, 1) or not reserve_lists(w, p.n_features):
        return False
    for j in range(p.n_features):
        w.lists[j] = j
    w.n_lists = p.n_features
    root = &w.grown.nodes[0]
    totals.sums = w.grown.sums
    sum_run(&p.target, p.entries, p.n, &totals)
    root.begin = 0
    root.n = p.n
    root.n_left = 0
    root.left = 0
    root.depth = 0
    root.gain = 0.0
    root.own = totals.own
    root.weight = totals.weight
    root.impurity = impurity_of(&p.target, &totals)
    root.lower = -INFINITY
    root.upper = INFINITY
    root.key = 0
    root.columns = 0
    root.parent = 0
    root.n_columns = p.n_features
    p.total_weight = totals.weight
    w.grown.n = 1
    return True
