"""The step from a node to its children, and a whole subtree by one thread.

Depth first a node is searched when its turn comes; best first, as soon as it is there. Either way a search finds the
best cut and moves the entries of the cut's own column; the split moves those of the others, unless both children stay
leaves.
"""

from libc.stdint cimport int32_t, uint64_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy, memset

from kernels.exact_columns cimport list_columns, draw_columns
from kernels.exact_cuts cimport search_column, best_of, threshold_of
from kernels.exact_levels cimport add_unseen, split_by_levels
from kernels.exact_nodes cimport (
    NO_MEMORY, ExactNode, ExactProblem, Grown, Work, prediction_of, reserve_lists, reserve_nodes, run_of, stays_leaf,
    work_free, work_init,
)
from kernels.exact_search cimport Cut
from kernels.interrupt cimport fastml_stopped
from kernels.impurity cimport Totals, impurity_of, sum_run
from kernels.random cimport mix
from kernels.sorted_runs cimport count_present, row_of, split_run


cdef inline void mark_sides(
    const ExactProblem *p, ExactNode *node, const uint64_t *run, ptrdiff_t n_left
) noexcept nogil:
    """goes_left of the node's rows, of which the first n_left of the run go left."""
    cdef ptrdiff_t i
    for i in range(n_left):
        p.goes_left[row_of(run[i])] = 1
    for i in range(n_left, node.n):
        p.goes_left[row_of(run[i])] = 0


cdef inline void take_cut(const ExactProblem *p, Work *w, int node) noexcept nogil:
    """Choose among w.cuts, move the entries of that column, and note the cut and its gain."""
    cdef ExactNode *own = &w.grown.nodes[node]
    cdef const Cut *cut = best_of(w)
    cdef uint64_t *run
    cdef const double *values
    cdef ptrdiff_t i, present, n_missing
    cdef int width = p.target.width
    own.n_left = 0
    if cut == NULL:
        return
    own.feature = cut.feature
    own.missing_left = cut.missing_left
    own.threshold = threshold_of(p, own, cut)
    run = run_of(p, own, cut.feature)
    present = count_present(run, own.n)
    n_missing = own.n - present
    own.n_left = cut.place
    own.categorical = cut.categorical
    if cut.categorical:
        own.codes_left = cut.left
        values = p.values + p.values_start[cut.feature]
        own.n_left = split_by_levels(run, own.n, values, cut.missing_left, &own.codes_left, w.moved)
        if n_missing == 0:
            own.missing_left = own.n_left > own.n - own.n_left
        if own.missing_left:
            add_unseen(&own.codes_left, run, own.n, values)
    elif cut.missing_left and n_missing > 0:  # left | missing | right
        memcpy(w.moved, run + cut.place, (present - cut.place) * sizeof(uint64_t))
        for i in range(n_missing):
            run[cut.place + i] = run[present + i]
        memcpy(run + cut.place + n_missing, w.moved, (present - cut.place) * sizeof(uint64_t))
        own.n_left += n_missing
    elif n_missing == 0:            # missing values that come later go with the larger part
        own.missing_left = own.n_left > own.n - own.n_left
    w.left.sums = w.scratch + 4 * width
    w.right.sums = w.scratch + 5 * width
    sum_sides(p, w, node)
    own.gain = gain_of(p, own, &w.left, &w.right)
    if own.gain + 2.220446049250313e-16 < p.options.min_impurity_decrease:
        own.n_left = 0


cdef inline void sum_sides(const ExactProblem *p, Work *w, int node) noexcept nogil:
    """w.left and w.right: the statistics of both sides of the node's cut."""
    cdef const ExactNode *own = &w.grown.nodes[node]
    cdef const uint64_t *run = run_of(p, own, own.feature)
    sum_run(&p.target, run, own.n_left, &w.left)
    sum_run(&p.target, run + own.n_left, own.n - own.n_left, &w.right)
    w.cut_node = node


cdef inline double gain_of(
    const ExactProblem *p, const ExactNode *node, const Totals *left, const Totals *right
) noexcept nogil:
    return node.weight / p.total_weight * (
        node.impurity - right.weight / node.weight * impurity_of(&p.target, right)
        - left.weight / node.weight * impurity_of(&p.target, left)
    )


cdef inline int add_child(
    const ExactProblem *p, Work *w, int parent, int side, const Totals *totals
) noexcept nogil:
    """A new node from the split column's run; returns its number. Room must be there."""
    cdef Grown *g = &w.grown
    cdef const ExactNode *above = &g.nodes[parent]
    cdef ExactNode *node = &g.nodes[g.n]
    memset(node, 0, sizeof(ExactNode))
    node.begin = above.begin + (above.n_left if side else 0)
    node.n = totals.n
    node.depth = above.depth + 1
    node.weight = totals.weight
    node.own = totals.own
    node.impurity = impurity_of(&p.target, totals)
    node.key = mix(above.key * 2 + 1 + <uint64_t> side)
    node.parent = parent
    node.columns = w.list
    node.n_columns = w.n_list
    node.lower = above.lower
    node.upper = above.upper
    memcpy(g.sums + <ptrdiff_t> g.n * p.target.width, totals.sums, p.target.width * sizeof(double))
    g.n += 1
    return g.n - 1


cdef inline int split_node(const ExactProblem *p, Work *w, int node) noexcept nogil:
    """Two children by the cut that was taken; 1 where one of them may be split, so that the other columns must
    move, 0 where both stay leaves. w.list is the list of the node's columns."""
    cdef ExactNode *own
    cdef double middle
    cdef int first, rises
    if not reserve_nodes(p, &w.grown, w.grown.n + 2):
        return NO_MEMORY
    own = &w.grown.nodes[node]
    if w.cut_node != node:          # best first, others were searched since
        sum_sides(p, w, node)
    first = add_child(p, w, node, 0, &w.left)
    add_child(p, w, node, 1, &w.right)
    own.left = first
    if p.monotone != NULL and p.monotone[own.feature] != 0:
        rises = p.monotone[own.feature] > 0
        middle = (prediction_of(p, &w.left) + prediction_of(p, &w.right)) / 2.0
        if rises:
            w.grown.nodes[first].upper = middle
            w.grown.nodes[first + 1].lower = middle
        else:
            w.grown.nodes[first].lower = middle
            w.grown.nodes[first + 1].upper = middle
    if stays_leaf(p, &w.grown.nodes[first]) and stays_leaf(p, &w.grown.nodes[first + 1]):
        return 0
    mark_sides(p, own, run_of(p, own, own.feature), own.n_left)
    return 1


cdef inline int search_node(const ExactProblem *p, Work *w, int node) noexcept nogil:
    """One thread: list, draw, search, take."""
    cdef int i
    if list_columns(p, w, node) < 0:
        return NO_MEMORY
    draw_columns(p, w, node)
    for i in range(w.n_order):
        if fastml_stopped(p.stop):
            w.n_order = 0           # no cut: it stays a leaf
            break
        search_column(p, w, node, w.order[i], w.scratch, &w.cuts[i])
    take_cut(p, w, node)
    return 0


cdef inline int grow_below(const ExactProblem *p, Work *w) noexcept nogil:
    """Depth first from node 0 of w, by one thread; 0, or NO_MEMORY."""
    cdef int32_t *stack = NULL
    cdef ptrdiff_t *ends = NULL     # of the lists that a waiting node still needs
    cdef int capacity = 64, top = 0, node, i, j, moves
    cdef int rc = NO_MEMORY
    cdef ExactNode *own
    cdef void *grown
    stack = <int32_t *> malloc(capacity * sizeof(int32_t))
    ends = <ptrdiff_t *> malloc(capacity * sizeof(ptrdiff_t))
    if stack != NULL and ends != NULL:
        rc = 0
        stack[0] = 0
        ends[0] = w.n_lists
        top = 1
    while rc == 0 and top > 0 and not fastml_stopped(p.stop):
        top -= 1
        node = stack[top]
        w.n_lists = ends[top]
        own = &w.grown.nodes[node]
        if stays_leaf(p, own):
            continue
        rc = search_node(p, w, node)
        if rc < 0 or w.grown.nodes[node].n_left == 0:
            continue
        moves = split_node(p, w, node)
        if moves < 0:
            rc = NO_MEMORY
        if moves <= 0:
            continue
        own = &w.grown.nodes[node]
        for i in range(w.n_list):
            j = w.lists[w.list + i]
            if j != own.feature:
                split_run(run_of(p, own, j), own.n, p.goes_left, w.moved)
        if top + 2 > capacity:
            capacity *= 2
            grown = realloc(stack, capacity * sizeof(int32_t))
            if grown != NULL:
                stack = <int32_t *> grown
            if grown == NULL:
                rc = NO_MEMORY
                break
            grown = realloc(ends, capacity * sizeof(ptrdiff_t))
            if grown != NULL:
                ends = <ptrdiff_t *> grown
            else:
                rc = NO_MEMORY
                break
        stack[top] = own.left + 1
        stack[top + 1] = own.left
        ends[top] = ends[top + 1] = w.n_lists
        top += 2
    free(stack)
    free(ends)
    return rc


cdef inline int grow_subtree(const ExactProblem *p, const Work *above, int root, Grown *out) noexcept nogil:
    """The subtree of a node of `above`, to `out`."""
    cdef Work w
    cdef const ExactNode *own = &above.grown.nodes[root]
    cdef int rc = NO_MEMORY
    memset(&w, 0, sizeof(Work))
    if (
        work_init(p, &w, own.n) and reserve_nodes(p, &w.grown, 1) and reserve_lists(&w, own.n_columns)
    ):
        w.grown.nodes[0] = own[0]
        w.grown.nodes[0].columns = 0
        w.grown.n = 1
        w.grown.above = &above.grown
        w.grown.above_node = root
        memcpy(w.grown.sums, above.grown.sums + <ptrdiff_t> root * p.target.width, p.target.width * sizeof(double))
        memcpy(w.lists, above.lists + own.columns, own.n_columns * sizeof(int32_t))
        w.n_lists = own.n_columns
        rc = grow_below(p, &w)
    out[0] = w.grown
    w.grown.nodes = NULL
    w.grown.sums = NULL
    work_free(&w)
    return rc
