"""The columns that a node of a tree on sorted columns may be split on."""

from libc.stdint cimport uint8_t, uint64_t
from libc.string cimport memcpy, memset

from kernels.interactions cimport allow_columns, holds, put_column
from kernels.presorted_growth cimport Presorted
from kernels.sampling cimport sample_columns


cdef inline const uint8_t *allowed_in_tree(Presorted *p, int node) noexcept nogil:
    """The tree's columns, of which interaction constraints leave those that go with the splits above a node."""
    cdef int j, n = p.interactions.n_words, parent
    if n == 0 or node == 0:
        return p.tree_columns
    memset(p.words, 0, n * sizeof(uint64_t))
    while node != 0:
        parent = p.nodes[node].parent
        put_column(p.words, p.nodes[parent].cut.feature)
        node = parent
    allow_columns(&p.interactions, p.words, p.words + n)
    for j in range(p.n_features):
        p.allowed_columns[j] = p.tree_columns[j] and holds(p.words + n, j)
    return p.allowed_columns


cdef inline int choose_columns(
    Presorted *p, int node, uint64_t tree,
    uint8_t *chosen_out,            # (n_features,)
) noexcept nogil:
    """Drawn as histogram trees draw them, from those that are allowed; -1: no memory. tree: its random stream."""
    cdef const uint8_t *allowed = allowed_in_tree(p, node)
    cdef int d = p.n_features, j
    cdef uint64_t seed = p.options.seed
    if p.options.colsample_bylevel >= 1.0 and p.options.colsample_bynode >= 1.0:
        memcpy(chosen_out, allowed, d)
        return 0
    if sample_columns(p.tree_columns, p.level_columns, d, p.options.colsample_bylevel, seed,
                      tree + 1 + 2 * <uint64_t> p.nodes[node].depth) < 0:
        return -1
    if p.interactions.n_words > 0:
        for j in range(d):
            p.level_columns[j] &= allowed[j]
    return sample_columns(p.level_columns, chosen_out, d, p.options.colsample_bynode, seed,
                          tree + 2 + 2 * <uint64_t> node)
