"""Which columns a node is searched on: those that vary, all of them or some that are drawn."""

from libc.stdint cimport int32_t, uint64_t
from libc.string cimport memcpy, memset

from kernels.exact_nodes cimport NO_MEMORY, ExactProblem, ExactNode, Work, allow_in_node, reserve_lists, run_of
from kernels.interactions cimport holds
from kernels.random cimport random_bits
from kernels.sorted_runs cimport is_constant


cdef inline int list_columns(const ExactProblem *p, Work *w, int node) noexcept nogil:
    """The node's columns that vary and that it may be split on, of those of its parent, to the end of the lists."""
    cdef const ExactNode *own = &w.grown.nodes[node]
    cdef int i, j
    cdef bint all_allowed = p.interactions.n_words == 0
    if not all_allowed:
        allow_in_node(p, w, node)
    w.list = w.n_lists
    w.n_list = 0
    if not reserve_lists(w, w.n_lists + own.n_columns):
        return NO_MEMORY
    for i in range(own.n_columns):
        j = w.lists[own.columns + i]
        if (all_allowed or holds(w.allowed, j)) and not is_constant(run_of(p, own, j), own.n):
            w.lists[w.list + w.n_list] = j
            w.n_list += 1
    w.n_lists += w.n_list
    return 0


cdef inline void draw_columns(const ExactProblem *p, Work *w, int node) noexcept nogil:
    """The columns to search, to w.order: all of the node's list, or max_features drawn from all that it may be split
    on, and more until one varies."""
    cdef int d = p.n_features, i, j, wanted = p.options.max_features, drawn = 0
    cdef uint64_t key = w.grown.nodes[node].key
    cdef uint64_t bits
    w.n_order = 0
    if wanted >= d:
        memcpy(w.order, w.lists + w.list, w.n_list * sizeof(int32_t))
        w.n_order = w.n_list
        return
    memset(w.varies, 0, d)
    for i in range(w.n_list):
        w.varies[w.lists[w.list + i]] = 1
    if p.interactions.n_words == 0:
        for i in range(d):
            w.order[i] = i
    else:
        d = 0
        for i in range(p.n_features):
            w.order[d] = i
            d += holds(w.allowed, i)
    while drawn < d and (drawn < wanted or w.n_order == 0) and w.n_order < w.n_list:
        bits = random_bits(p.options.seed, key, drawn)
        i = drawn + <int> (((bits >> 32) * <uint64_t> (d - drawn)) >> 32)
        j = w.order[i]
        w.order[i] = w.order[drawn]
        w.order[drawn] = w.order[w.n_order]
        if w.varies[j]:
            w.order[w.n_order] = j
            w.n_order += 1
        else:
            w.order[drawn] = j
        drawn += 1
