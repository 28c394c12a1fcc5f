"""How a tree with exact thresholds grows: what it holds, and the step from a node to its children.

Depth first a node is searched when its turn comes; best first, as soon as it is there. Either way a search marks the
node's columns that still vary, finds the best cut and moves the entries of the cut's own column; the split moves
those of the others, unless both children stay leaves.
"""

from libc.math cimport INFINITY, isinf
from libc.stdint cimport int8_t, int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memcpy, memset

from kernels.exact_search cimport Cut, Limits, allowed, scan_run
from kernels.impurity cimport (
    ABSOLUTE_ERROR, FRIEDMAN, Target, Totals, impurity_of, proxy_of_classes, proxy_of_sums, sum_run,
)
from kernels.random cimport mix, random_bits
from kernels.sorted_runs cimport (
    count_present, first_beyond, is_constant, rank_of, row_of, split_run,
)

cdef enum:
    NO_MEMORY = -1


cdef struct ExactOptions:
    int max_depth                   # 0: no limit
    int max_leaves                  # 0: no limit, depth first; else best first
    ptrdiff_t min_samples_split
    ptrdiff_t min_samples_leaf
    double min_weight_leaf
    double min_impurity_decrease
    int max_features                # columns drawn for a node
    int random_cuts                 # one random threshold a column
    uint64_t seed


cdef struct ExactProblem:
    uint64_t *entries               # (n_features, n) in the order of the values; moved as the tree grows
    ptrdiff_t n                     # rows with a weight
    int n_features
    const double *values            # distinct values of each column
    const int64_t *values_start
    const int8_t *monotone          # (n_features,) or NULL
    Target target
    ExactOptions options
    double total_weight
    uint8_t *goes_left              # of each row of the data


cdef struct ExactNode:
    ptrdiff_t begin                 # of its runs
    ptrdiff_t n
    ptrdiff_t n_left                # of the best cut; 0: none found
    int32_t left                    # left child; 0: a leaf
    int32_t feature
    int32_t missing_left
    int32_t depth
    double threshold
    double gain                     # weighted decrease of the impurity
    double impurity
    double weight
    double own                      # Totals.own
    double lower                    # bounds on its prediction
    double upper
    uint64_t key                    # of its random numbers: the path, so that they hang on nothing else
    ptrdiff_t columns               # where the list of its parent's varying columns begins
    int32_t n_columns


cdef struct Grown:                  # a tree or a subtree; node 0 is its root
    ExactNode *nodes
    double *sums                    # (capacity, width)
    int n
    int capacity


cdef struct Work:                   # of one thread
    Grown grown
    int32_t *lists                  # columns that vary, one list a node
    ptrdiff_t n_lists
    ptrdiff_t lists_capacity
    int32_t *order                  # (n_features,) columns to search, in order
    int n_order
    uint8_t *varies                 # (n_features,)
    Cut *cuts                       # (n_features,)
    uint64_t *moved                 # (n,) scratch
    double *scratch                 # (6 * width,)
    ptrdiff_t list                  # of the node at hand
    int n_list


cdef inline int work_init(const ExactProblem *p, Work *w, ptrdiff_t n) noexcept nogil:
    """For nodes of at most n rows; 0 where there is no memory. w must be zeros."""
    w.order = <int32_t *> malloc(p.n_features * sizeof(int32_t))
    w.varies = <uint8_t *> malloc(p.n_features)
    w.cuts = <Cut *> malloc(p.n_features * sizeof(Cut))
    w.moved = <uint64_t *> malloc((n + 1) * sizeof(uint64_t))
    w.scratch = <double *> malloc(6 * p.target.width * sizeof(double))
    return (
        w.order != NULL and w.varies != NULL and w.cuts != NULL and w.moved != NULL and w.scratch != NULL
    )


cdef inline void work_free(Work *w) noexcept nogil:
    free(w.grown.nodes)
    free(w.grown.sums)
    free(w.lists)
    free(w.order)
    free(w.varies)
    free(w.cuts)
    free(w.moved)
    free(w.scratch)


cdef inline int reserve_nodes(const ExactProblem *p, Grown *g, int n) noexcept nogil:
    cdef int capacity = max(64, g.capacity)
    cdef void *nodes
    cdef void *sums
    if n <= g.capacity:
        return 1
    while capacity < n:
        capacity *= 2
    nodes = realloc(g.nodes, capacity * sizeof(ExactNode))
    if nodes != NULL:
        g.nodes = <ExactNode *> nodes
    sums = realloc(g.sums, <size_t> capacity * p.target.width * sizeof(double))
    if sums != NULL:
        g.sums = <double *> sums
    if nodes == NULL or sums == NULL:
        return 0
    g.capacity = capacity
    return 1


cdef inline int reserve_lists(Work *w, ptrdiff_t n) noexcept nogil:
    cdef ptrdiff_t capacity = max(<ptrdiff_t> 1024, w.lists_capacity)
    cdef void *lists
    if n <= w.lists_capacity:
        return 1
    while capacity < n:
        capacity *= 2
    lists = realloc(w.lists, capacity * sizeof(int32_t))
    if lists == NULL:
        return 0
    w.lists = <int32_t *> lists
    w.lists_capacity = capacity
    return 1


cdef inline uint64_t *run_of(const ExactProblem *p, const ExactNode *node, int j) noexcept nogil:
    return p.entries + j * p.n + node.begin


cdef inline Totals totals_of(const ExactProblem *p, const Grown *g, int node) noexcept nogil:
    cdef Totals out
    out.weight = g.nodes[node].weight
    out.n = g.nodes[node].n
    out.own = g.nodes[node].own
    out.sums = g.sums + <ptrdiff_t> node * p.target.width
    return out


cdef inline bint stays_leaf(const ExactProblem *p, const ExactNode *node) noexcept nogil:
    """Whether a node is not even searched."""
    cdef const ExactOptions *o = &p.options
    return (
        (o.max_depth > 0 and node.depth >= o.max_depth) or node.n < o.min_samples_split
        or node.n < 2 * o.min_samples_leaf or node.weight < 2.0 * o.min_weight_leaf
        or node.impurity <= 2.220446049250313e-16
    )


cdef inline double prediction_of(const ExactProblem *p, const Totals *totals) noexcept nogil:
    """What monotone columns constrain: the mean, or the share of the second class."""
    return totals.sums[1 if p.target.n_classes == 2 else 0] / totals.weight if totals.weight > 0.0 else 0.0


cdef inline int list_columns(const ExactProblem *p, Work *w, int node) noexcept nogil:
    """The node's columns that vary, of those that did in its parent, to the end of the lists."""
    cdef const ExactNode *own = &w.grown.nodes[node]
    cdef int i, j
    w.list = w.n_lists
    w.n_list = 0
    if not reserve_lists(w, w.n_lists + own.n_columns):
        return NO_MEMORY
    for i in range(own.n_columns):
        j = w.lists[own.columns + i]
        if not is_constant(run_of(p, own, j), own.n):
            w.lists[w.list + w.n_list] = j
            w.n_list += 1
    w.n_lists += w.n_list
    return 0


cdef inline void draw_columns(const ExactProblem *p, Work *w, int node) noexcept nogil:
    """The columns to search, to w.order: all that vary, or max_features drawn from all, and more until one varies."""
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
    for i in range(d):
        w.order[i] = i
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
    if p.options.random_cuts:
        random_cut(p, own, j, run, present, &totals, &limits, scratch, out)
    else:
        scan_run(&p.target, &totals, &limits, run, present, scratch, out)


cdef inline double random_threshold(
    const ExactProblem *p, const ExactNode *node, int j, const uint64_t *run, ptrdiff_t present
) noexcept nogil:
    """Uniform between the smallest and the largest value, below the largest."""
    cdef const double *values = p.values + p.values_start[j]
    cdef double low = values[rank_of(run[0])], high = values[rank_of(run[present - 1])], x
    x = low + (high - low) * ((random_bits(p.options.seed, node.key, 1000003 + j) >> 11) * 1.1102230246251565e-16)
    return low if x >= high else x


cdef inline void sum_apart(
    const ExactProblem *p, const uint64_t *run, ptrdiff_t n, ptrdiff_t place, ptrdiff_t present, bint missing_left,
    Totals *left, Totals *right,
) noexcept nogil:
    """Both sides of a cut, each by itself, for what is no sum."""
    cdef uint64_t *order = <uint64_t *> malloc((n + 1) * sizeof(uint64_t))
    cdef ptrdiff_t n_missing = n - present, n_left = place + (n_missing if missing_left else 0)
    if order == NULL:
        left.n = 0                  # no cut
        return
    memcpy(order, run, place * sizeof(uint64_t))
    if missing_left:
        memcpy(order + place, run + present, n_missing * sizeof(uint64_t))
        memcpy(order + n_left, run + place, (present - place) * sizeof(uint64_t))
    else:
        memcpy(order + place, run + place, (n - place) * sizeof(uint64_t))
    sum_run(&p.target, order, n_left, left)
    sum_run(&p.target, order + n_left, n - n_left, right)
    free(order)


cdef inline void random_cut(
    const ExactProblem *p, const ExactNode *node, int j, uint64_t *run, ptrdiff_t present, const Totals *totals,
    const Limits *limits, double *scratch, Cut *out,
) noexcept nogil:
    """A random threshold, with missing values on a random side."""
    cdef const double *values = p.values + p.values_start[j]
    cdef Totals left, right, more
    cdef ptrdiff_t low = 0, high = present, middle
    cdef double threshold
    cdef int k, width = p.target.width
    cdef bint missing_left = False
    if present < node.n:
        missing_left = <int> (random_bits(p.options.seed, node.key, 2000003 + j) & 1)
    if present == 0 or is_constant(run, present):
        out.place = present         # present against missing is the only cut
        missing_left = False
    else:
        threshold = random_threshold(p, node, j, run, present)
        while low < high:
            middle = (low + high) // 2
            if values[rank_of(run[middle])] <= threshold:
                low = middle + 1
            else:
                high = middle
        out.place = low
    left.sums = scratch
    right.sums = scratch + width
    more.sums = scratch + 2 * width
    sum_run(&p.target, run, out.place, &left)
    if missing_left:
        sum_run(&p.target, run + present, node.n - present, &more)
        left.weight += more.weight
        left.n += more.n
        for k in range(width):
            left.sums[k] += more.sums[k]
    right.weight = totals.weight - left.weight
    right.n = totals.n - left.n
    for k in range(width):
        right.sums[k] = totals.sums[k] - left.sums[k]
    if p.target.criterion == ABSOLUTE_ERROR:
        sum_apart(p, run, node.n, out.place, present, missing_left, &left, &right)
    out.missing_left = missing_left
    if (
        left.n == 0 or right.n == 0 or left.n < limits.min_samples_leaf or right.n < limits.min_samples_leaf
        or left.weight < limits.min_weight_leaf or right.weight < limits.min_weight_leaf
        or left.weight <= 0.0 or right.weight <= 0.0
        or not allowed(limits, left.sums[p.target.n_classes == 2], right.sums[p.target.n_classes == 2],
                       left.weight, right.weight)
    ):
        return
    if p.target.n_classes > 0:
        out.proxy = proxy_of_classes(
            p.target.criterion, left.sums, right.sums, width, p.target.n_outputs, left.weight, right.weight
        )
    elif p.target.criterion == ABSOLUTE_ERROR:
        out.proxy = -left.own - right.own
    else:
        out.proxy = proxy_of_sums(
            p.target.criterion, left.sums, right.sums, p.target.n_outputs, left.weight, right.weight
        )


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
    cdef const uint64_t *run = run_of(p, node, cut.feature)
    cdef ptrdiff_t present = count_present(run, node.n)
    cdef double below, above, middle
    if cut.place == present:
        return INFINITY             # all that is present
    if p.options.random_cuts:
        return random_threshold(p, node, cut.feature, run, present)
    below = values[rank_of(run[cut.place - 1])]
    above = values[rank_of(run[cut.place])]
    middle = below / 2.0 + above / 2.0
    return below if middle == above or isinf(middle) else middle


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
    cdef ptrdiff_t i, present, n_missing
    cdef Totals left, right
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
    if cut.missing_left and n_missing > 0:  # left | missing | right
        memcpy(w.moved, run + cut.place, (present - cut.place) * sizeof(uint64_t))
        for i in range(n_missing):
            run[cut.place + i] = run[present + i]
        memcpy(run + cut.place + n_missing, w.moved, (present - cut.place) * sizeof(uint64_t))
        own.n_left += n_missing
    elif n_missing == 0:            # missing values that come later go with the larger part
        own.missing_left = own.n_left > own.n - own.n_left
    left.sums = w.scratch + 2 * width
    right.sums = w.scratch + 3 * width
    sum_run(&p.target, run, own.n_left, &left)
    sum_run(&p.target, run + own.n_left, own.n - own.n_left, &right)
    own.gain = gain_of(p, own, &left, &right)
    if own.gain + 2.220446049250313e-16 < p.options.min_impurity_decrease:
        own.n_left = 0


cdef inline double gain_of(
    const ExactProblem *p, const ExactNode *node, const Totals *left, const Totals *right
) noexcept nogil:
    cdef double difference = 0.0
    cdef int o
    if p.target.criterion == FRIEDMAN:
        for o in range(p.target.n_outputs):
            difference += right.weight * left.sums[o] - left.weight * right.sums[o]
        difference /= p.target.n_outputs
        return difference * difference / (left.weight * right.weight * node.weight)
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
    cdef Totals left, right
    cdef ExactNode *own
    cdef const uint64_t *run
    cdef double middle
    cdef int first, rises
    if not reserve_nodes(p, &w.grown, w.grown.n + 2):
        return NO_MEMORY
    own = &w.grown.nodes[node]
    run = run_of(p, own, own.feature)
    left.sums = w.scratch + 2 * p.target.width
    right.sums = w.scratch + 3 * p.target.width
    sum_run(&p.target, run, own.n_left, &left)
    sum_run(&p.target, run + own.n_left, own.n - own.n_left, &right)
    first = add_child(p, w, node, 0, &left)
    add_child(p, w, node, 1, &right)
    own.left = first
    if p.monotone != NULL and p.monotone[own.feature] != 0:
        rises = p.monotone[own.feature] > 0
        middle = (prediction_of(p, &left) + prediction_of(p, &right)) / 2.0
        if rises:
            w.grown.nodes[first].upper = middle
            w.grown.nodes[first + 1].lower = middle
        else:
            w.grown.nodes[first].lower = middle
            w.grown.nodes[first + 1].upper = middle
    if stays_leaf(p, &w.grown.nodes[first]) and stays_leaf(p, &w.grown.nodes[first + 1]):
        return 0
    mark_sides(p, own, run, own.n_left)
    return 1


cdef inline int search_node(const ExactProblem *p, Work *w, int node) noexcept nogil:
    """One thread: list, draw, search, take."""
    cdef int i
    if list_columns(p, w, node) < 0:
        return NO_MEMORY
    draw_columns(p, w, node)
    for i in range(w.n_order):
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
    while rc == 0 and top > 0:
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
