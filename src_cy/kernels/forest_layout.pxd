"""The node that is walked, and the check that a fitted forest can be."""

cimport numpy as cnp
from libc.stdint cimport INT64_MAX, int32_t, int64_t, uint8_t, uint32_t
from libc.stdlib cimport free, malloc
from libc.string cimport memset

from types cimport Node

cdef enum:
    FEATURE_BITS = 0x3FFFFFFF
    CATEGORICAL_BIT = 30
    MISSING_LEFT_BIT = 31

# A node to walk: x > threshold goes to left + 1. Children count from the forest's first node and a leaf leads to
# itself (threshold INT64_MAX). slot: bits 0..29 where to read, bit 30 subtract one (codes), bit 31 a set of codes,
# whose number is the threshold.
cdef struct WalkNode:
    int64_t threshold
    int32_t left
    uint32_t slot

cdef enum Damage:
    SOUND, BAD_CHILD, BAD_PARENTS, BAD_FEATURE, BAD_SET


cdef inline Damage check_tree(
    const Node *nodes,  # (n_nodes,)  one tree
    int64_t n_nodes,
    int64_t n_features,
    int64_t n_sets,
    uint8_t *seen,            # (n_nodes,)  scratch
) noexcept nogil:
    """Whether walking the tree ends and stays in bounds: children after their parent, one parent each."""
    cdef int64_t i, left, n_children = 0
    memset(seen, 0, n_nodes)
    for i in range(n_nodes):
        left = nodes[i].left
        if left == 0:
            continue
        if left <= i or left + 1 >= n_nodes:
            return BAD_CHILD
        if seen[left] or seen[left + 1]:
            return BAD_PARENTS
        seen[left] = seen[left + 1] = 1
        n_children += 2
        if (nodes[i].feature & FEATURE_BITS) >= n_features:
            return BAD_FEATURE
        if nodes[i].feature >> CATEGORICAL_BIT & 1:
            if not (0 <= nodes[i].value < n_sets) or nodes[i].value != <double><int64_t>nodes[i].value:
                return BAD_SET
    return SOUND if n_children == n_nodes - 1 else BAD_PARENTS


cdef inline const Node *nodes_of(object nodes) except? NULL:
    """Address of the nodes of an array that check_forest has passed."""
    return <const Node *>cnp.PyArray_DATA(<cnp.ndarray>nodes)


cdef inline int check_forest(object nodes, const int64_t[::1] tree_start, int64_t n_sets, int64_t n_features) except -1:
    """Raises ValueError unless the arrays are trees that can be walked without another look. O(nodes)."""
    cdef int64_t t, n_trees = tree_start.shape[0] - 1, n_nodes = len(nodes), largest = 0
    cdef Damage damage = SOUND
    cdef uint8_t *seen
    if not isinstance(nodes, cnp.ndarray) or nodes.dtype.itemsize != sizeof(Node) \
            or not nodes.flags.c_contiguous or not nodes.flags.aligned or nodes.ndim != 1:
        raise ValueError("nodes must be a contiguous 1-D array of fastml.tree.structure.NODE")
    if n_trees < 0 or tree_start[0] != 0 or tree_start[n_trees] != n_nodes or n_nodes >= 2**31:
        raise ValueError("tree_start must rise from 0 to the number of nodes (below 2**31): the arrays are damaged")
    for t in range(n_trees):
        if tree_start[t + 1] <= tree_start[t]:
            raise ValueError(f"tree {t} has no nodes: the arrays are damaged")
        largest = max(largest, tree_start[t + 1] - tree_start[t])
    seen = <uint8_t *>malloc(largest + 1)
    if seen == NULL:
        raise MemoryError
    for t in range(n_trees):
        damage = check_tree(nodes_of(nodes) + tree_start[t], tree_start[t + 1] - tree_start[t], n_features, n_sets,
                            seen)
        if damage != SOUND:
            break
    free(seen)
    if damage != SOUND:
        fault = {BAD_CHILD: "a node's children lie outside the tree or before their parent",
                 BAD_PARENTS: "a node has no parent, or two",
                 BAD_FEATURE: f"a split reads a column beyond n_features={n_features}",
                 BAD_SET: "a categorical split names a row that categories does not have"}[damage]
        raise ValueError(f"tree {t}: {fault}: the arrays are damaged")
    return 0


cdef inline void walk_leaf(WalkNode *node_out, int32_t itself) noexcept nogil:
    node_out.threshold = INT64_MAX
    node_out.left = itself
    node_out.slot = 0


cdef inline object own_sets(object nodes, object categories):
    """Copy of the categories' rows in which bit 0, missing, says what the split's node says."""
    import numpy as np
    sets = np.array(categories, dtype=np.uint32, order="C").reshape(-1, 8)
    if len(sets):
        split = nodes[(nodes["left"] != 0) & ((nodes["feature"] >> CATEGORICAL_BIT & 1) != 0)]
        row = split["value"].astype(np.int64)
        sets[row, 0] = (sets[row, 0] & np.uint32(0xFFFFFFFE)) | (split["feature"] >> MISSING_LEFT_BIT)
    return np.ascontiguousarray(np.concatenate([sets, np.zeros((1, 8), np.uint32)]))  # never of length 0
