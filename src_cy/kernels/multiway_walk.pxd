"""Rows through a grown multiway tree: down one branch, or down all of them by their shares."""

from libc.stdint cimport int32_t, int64_t

from kernels.multiway_nodes cimport SPREAD, STOP

cdef struct Frozen:                 # fastml.tree.multiway_structure.MultiwayTree
    const int32_t *feature          # (n_nodes,) -1: a leaf
    const int32_t *first_child
    const int32_t *n_children
    const int64_t *table            # (n_nodes,) -1: a threshold
    const int32_t *n_entries        # (n_nodes,)
    const double *threshold
    const double *share             # (n_nodes,) of the known rows of the parent
    const int32_t *heaviest         # (n_nodes,) branch with the largest share
    const double *value             # (n_nodes, width)
    const int32_t *levels           # of each split the levels it knows, ascending
    const int32_t *branches         # and where they go
    int width

cdef struct Rows:                   # columns that the tree asks
    const int32_t *codes            # (n_coded, n)
    const double *numbers           # (n_numbers, n) NaN is missing
    const int32_t *place            # (n_features,) row of `codes` or `numbers`
    const int32_t *n_levels         # (n_features,) code of a missing value; a larger one is no level at all
    ptrdiff_t n

cdef struct Share:
    int32_t node
    double part


cdef inline int32_t branch_of(const Frozen *tree, const Rows *rows, int32_t node, ptrdiff_t i) noexcept nogil:
    """A branch, STOP or SPREAD, of row i at a split."""
    cdef int32_t j = tree.feature[node], code, n, half
    cdef int64_t start
    cdef double x
    if tree.table[node] < 0:
        x = rows.numbers[rows.place[j] * rows.n + i]
        return SPREAD if x != x else x > tree.threshold[node]
    code = rows.codes[rows.place[j] * rows.n + i]
    n = tree.n_entries[node]
    if code > rows.n_levels[j] or n == 0:
        return STOP
    start = tree.table[node]
    if n == rows.n_levels[j] + 1:       # it knows them all
        return tree.branches[start + code]
    while n > 1:
        half = n // 2
        if tree.levels[start + half] <= code:
            start += half
        n -= half                       # of an odd number the middle is looked at again
    return tree.branches[start] if tree.levels[start] == code else STOP


cdef inline int32_t last_node(const Frozen *tree, const Rows *rows, ptrdiff_t i) noexcept nogil:
    """Where row i ends; it follows the heaviest branch where it goes down several."""
    cdef int32_t node = 0, branch
    while tree.feature[node] >= 0:
        branch = branch_of(tree, rows, node, i)
        if branch == STOP:
            break
        node = tree.first_child[node] + (tree.heaviest[node] if branch == SPREAD else branch)
    return node


cdef inline void add_shares(
    const Frozen *tree, const Rows *rows, ptrdiff_t i,
    Share *stack,                   # (n_nodes,) scratch
    double *out,                    # (width,) += in place
) noexcept nogil:
    """The mean of what the nodes say where row i ends, by its shares. Source: Quinlan 1993, chapter 3."""
    cdef ptrdiff_t n = 1
    cdef int32_t node, branch, child
    cdef double part
    cdef int k
    stack[0].node = 0
    stack[0].part = 1.0
    while n > 0:
        n -= 1
        node = stack[n].node
        part = stack[n].part
        branch = STOP
        while tree.feature[node] >= 0:
            branch = branch_of(tree, rows, node, i)
            if branch < 0:
                break
            node = tree.first_child[node] + branch
        if tree.feature[node] < 0 or branch == STOP:
            for k in range(tree.width):
                out[k] += part * tree.value[<ptrdiff_t> node * tree.width + k]
            continue
        for child in range(tree.first_child[node] + tree.n_children[node] - 1, tree.first_child[node] - 1, -1):
            stack[n].node = child
            stack[n].part = part * tree.share[child]
            n += 1
