"""A grown tree made small: its nodes, and of its leaves what all else follows from."""

from libc.stdint cimport int32_t, int64_t, uint32_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

from kernels.exact_bounds cimport keep_within_bounds
from kernels.exact_nodes cimport ExactNode, ExactProblem, Grown
from kernels.forest_layout cimport CATEGORICAL_BIT, MISSING_LEFT_BIT
from types cimport CategorySet, Node


cdef struct FrozenTree:
    int n_nodes
    int n_sets
    int n_leaves
    ptrdiff_t n_amounts             # of all leaves' classes, or n_leaves * width
    Node *nodes                     # (n_nodes,) a leaf's value is its number; numbered as they are reached, left first
    CategorySet *sets               # (n_sets,)
    double *weight                  # (n_leaves,)
    double *own                     # (n_leaves,) Totals.own
    int32_t *rows                   # (n_leaves,)
    int32_t *start                  # (n_leaves + 1,) of its amounts; NULL: width each
    int32_t *classes                # (n_amounts,) or NULL
    double *amounts                 # (n_amounts,) weight of a class, or statistics of Totals.sums
    double *impurity                # (n_nodes,) and
    double *sums                    # (n_nodes, width) where they do not follow from the leaves; else NULL


cdef inline void frozen_free(FrozenTree *out) noexcept nogil:
    free(out.nodes)
    free(out.sets)
    free(out.weight)
    free(out.own)
    free(out.rows)
    free(out.start)
    free(out.classes)
    free(out.amounts)
    free(out.impurity)
    free(out.sums)
    memset(out, 0, sizeof(FrozenTree))


cdef inline bint reserve_frozen(
    const ExactProblem *p, const Grown *g, bint sparse, bint keep_all, FrozenTree *out
) noexcept nogil:
    cdef int i, k, width = p.target.width
    for i in range(g.n):
        if g.nodes[i].left != 0:
            out.n_sets += g.nodes[i].categorical
            continue
        out.n_leaves += 1
        if sparse:
            for k in range(width):
                out.n_amounts += g.sums[<ptrdiff_t> i * width + k] != 0.0
        else:
            out.n_amounts += width
    out.n_nodes = g.n
    out.nodes = <Node *> malloc(g.n * sizeof(Node))
    out.sets = <CategorySet *> malloc((out.n_sets + 1) * sizeof(CategorySet))
    out.weight = <double *> malloc(out.n_leaves * sizeof(double))
    out.own = <double *> malloc(out.n_leaves * sizeof(double))
    out.rows = <int32_t *> malloc(out.n_leaves * sizeof(int32_t))
    out.amounts = <double *> malloc((out.n_amounts + 1) * sizeof(double))
    if sparse:
        out.start = <int32_t *> malloc((out.n_leaves + 1) * sizeof(int32_t))
        out.classes = <int32_t *> malloc((out.n_amounts + 1) * sizeof(int32_t))
        if out.start == NULL or out.classes == NULL:
            return False
    if keep_all:
        out.impurity = <double *> malloc(g.n * sizeof(double))
        out.sums = <double *> malloc(<size_t> g.n * width * sizeof(double))
        if out.impurity == NULL or out.sums == NULL:
            return False
    return (
        out.nodes != NULL and out.sets != NULL and out.weight != NULL and out.own != NULL and out.rows != NULL
        and out.amounts != NULL
    )


cdef inline void freeze_leaf(
    const ExactProblem *p, const ExactNode *own, const double *sums, int leaf, ptrdiff_t *n_amounts, FrozenTree *out
) noexcept nogil:
    cdef int k, width = p.target.width
    out.weight[leaf] = own.weight
    out.own[leaf] = own.own
    out.rows[leaf] = <int32_t> own.n
    if out.start == NULL:
        memcpy(out.amounts + n_amounts[0], sums, width * sizeof(double))
        n_amounts[0] += width
        return
    out.start[leaf] = <int32_t> n_amounts[0]
    for k in range(width):
        if sums[k] != 0.0:
            out.classes[n_amounts[0]] = k
            out.amounts[n_amounts[0]] = sums[k]
            n_amounts[0] += 1


cdef inline bint freeze(
    const ExactProblem *p, const Grown *g, bint sparse, bint keep_all, int32_t *stack, FrozenTree *out
) noexcept nogil:
    """`out`, which must be zeros, from a grown tree; stack: (2 * g.n,). False where there is no memory."""
    cdef int top = 2, i, at, n = 1, leaf = 0, n_sets = 0, width = p.target.width
    cdef ptrdiff_t n_amounts = 0
    cdef const ExactNode *own
    cdef double *sums
    if p.monotone != NULL:          # before anything is counted: a class that a leaf lacks may get a share
        for i in range(g.n):
            keep_within_bounds(p, &g.nodes[i], g.sums + <ptrdiff_t> i * width)
    if not reserve_frozen(p, g, sparse, keep_all, out):
        return False
    stack[0] = stack[1] = 0         # a node there, its number here
    while top > 0:
        top -= 2
        i = stack[top]
        at = stack[top + 1]
        own = &g.nodes[i]
        sums = g.sums + <ptrdiff_t> i * width
        if keep_all:
            out.impurity[at] = own.impurity
            memcpy(out.sums + <ptrdiff_t> at * width, sums, width * sizeof(double))
        if own.left == 0:
            out.nodes[at].value = leaf
            out.nodes[at].left = 0
            out.nodes[at].feature = 0
            freeze_leaf(p, own, sums, leaf, &n_amounts, out)
            leaf += 1
            continue
        out.nodes[at].value = own.threshold
        out.nodes[at].left = n
        out.nodes[at].feature = <uint32_t> own.feature
        if own.categorical:
            out.nodes[at].value = n_sets
            out.nodes[at].feature |= <uint32_t> 1 << CATEGORICAL_BIT
            out.sets[n_sets] = own.codes_left
            n_sets += 1
        if own.missing_left:
            out.nodes[at].feature |= <uint32_t> 1 << MISSING_LEFT_BIT
        stack[top] = own.left + 1
        stack[top + 1] = n + 1
        stack[top + 2] = own.left
        stack[top + 3] = n
        top += 4
        n += 2
    if out.start != NULL:
        out.start[leaf] = <int32_t> n_amounts
    out.n_amounts = n_amounts
    return True
