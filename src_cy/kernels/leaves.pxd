"""The leaves of a grown tree: which rows end in each, and its value."""

from libc.stdint cimport int32_t, int64_t, uint8_t

from kernels.growth cimport Growth, Problem
from kernels.split cimport leaf_weight
from simd.simd cimport FASTML_BLOCK
from types cimport Split


cdef inline int walk(const Problem *problem, const Growth *g, ptrdiff_t row) noexcept nogil:
    """The leaf of a row that was not sampled."""
    cdef int node = 0, code, goes_left
    cdef const Split *split
    while g.nodes[node].left != 0:
        split = &g.growing[node].split
        code = problem.by_column[split.feature * problem.column_stride + row]
        if code == 0:
            goes_left = split.missing_left
        elif split.categorical:
            goes_left = (split.categories.bits[code >> 5] >> (code & 31)) & 1
        else:
            goes_left = code <= split.threshold
        node = g.nodes[node].left + (1 - goes_left)
    return node


cdef inline void sum_leaves(const Problem *problem, Growth *g, int thread, int32_t *leaf_of_out) noexcept nogil:
    cdef int node
    cdef ptrdiff_t run, first, i
    for node in range(g.n_nodes):
        run = thread * g.capacity + node
        if g.nodes[node].left == 0:
            problem.simd.sum_leaf(
                g.input.grad, g.input.leaf_hess, g.input.weight, g.rows + g.begin[run], g.count[run],
                g.leaf_g_scale, g.leaf_h_scale, node, leaf_of_out, &g.leaves[run].g,
            )
    if g.input.sampled != NULL:
        first = thread * FASTML_BLOCK
        while first < problem.n_samples:
            for i in range(first, min(first + FASTML_BLOCK, problem.n_samples)):
                if not g.input.sampled[i]:
                    leaf_of_out[i] = walk(problem, g, i)
            first += g.team * FASTML_BLOCK


cdef inline void set_leaf_values(const Problem *problem, Growth *g) noexcept nogil:
    """Serial: Newton's step of each leaf, shrunk by the learning rate."""
    cdef int node, t
    cdef int64_t G, H
    for node in range(g.n_nodes):
        if g.nodes[node].left != 0:
            continue
        G = 0
        H = 0
        for t in range(g.team):
            G += g.leaves[t * g.capacity + node].g
            H += g.leaves[t * g.capacity + node].h
        g.nodes[node].feature = 0
        g.nodes[node].value = problem.options.learning_rate * leaf_weight(
            G / g.leaf_g_scale, H / g.leaf_h_scale, &problem.options
        )
