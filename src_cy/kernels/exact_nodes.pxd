"""What a tree with exact thresholds holds while it grows, and the memory it takes."""

from libc.stdint cimport int8_t, int32_t, int64_t, uint8_t, uint64_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memset

from kernels.exact_search cimport Cut
from kernels.interactions cimport Interactions, allow_columns, put_column
from kernels.interrupt cimport fastml_interrupt
from kernels.impurity cimport ABSOLUTE_ERROR, Target, Totals
from types cimport CategorySet

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
    const double *values            # distinct values of each column, or the smallest of each bin
    const double *largest           # of each bin; of columns that are not binned `values`
    const int64_t *values_start
    const uint8_t *is_categorical   # (n_features,) or NULL; a categorical column's values are codes, 1 to 255
    const int8_t *monotone          # (n_features,) or NULL
    Interactions interactions
    const fastml_interrupt *stop    # or NULL
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
    int32_t categorical
    CategorySet codes_left
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
    int32_t parent                  # in the same Grown; of node 0 itself


cdef struct Grown:                  # a tree or a subtree; node 0 is its root
    ExactNode *nodes
    double *sums                    # (capacity, width)
    int n
    int capacity
    const Grown *above              # of a subtree: what its root is a node of; else NULL
    int above_node


cdef struct Work:                   # of one thread
    Grown grown
    int32_t *lists                  # columns that vary, one list a node
    ptrdiff_t n_lists
    ptrdiff_t lists_capacity
    int32_t *order                  # (n_features,) columns to search, in order
    int n_order
    uint8_t *varies                 # (n_features,)
    uint64_t *allowed               # (n_words,) columns that the node at hand may be split on
    uint64_t *used                  # (n_words,) scratch
    Cut *cuts                       # (n_features,)
    uint64_t *moved                 # (n,) scratch
    double *scratch                 # (6 * width,) the last third is of left and right
    int cut_node                    # whose best cut was taken last, with what it makes of the node:
    Totals left
    Totals right
    ptrdiff_t list                  # of the node at hand
    int n_list


cdef inline int work_init(const ExactProblem *p, Work *w, ptrdiff_t n) noexcept nogil:
    """For nodes of at most n rows; 0 where there is no memory. w must be zeros."""
    w.order = <int32_t *> malloc(p.n_features * sizeof(int32_t))
    w.varies = <uint8_t *> malloc(p.n_features)
    w.allowed = <uint64_t *> malloc((p.interactions.n_words + 1) * sizeof(uint64_t))
    w.used = <uint64_t *> malloc((p.interactions.n_words + 1) * sizeof(uint64_t))
    w.cuts = <Cut *> malloc(p.n_features * sizeof(Cut))
    w.moved = <uint64_t *> malloc((n + 1) * sizeof(uint64_t))
    w.scratch = <double *> malloc(6 * p.target.width * sizeof(double))
    return (
        w.order != NULL and w.varies != NULL and w.cuts != NULL and w.moved != NULL and w.scratch != NULL
        and w.allowed != NULL and w.used != NULL
    )


cdef inline void work_free(Work *w) noexcept nogil:
    free(w.grown.nodes)
    free(w.grown.sums)
    free(w.lists)
    free(w.order)
    free(w.varies)
    free(w.allowed)
    free(w.used)
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
    """What monotone columns constrain: the mean, the median, or the share of the second class."""
    if p.target.criterion == ABSOLUTE_ERROR:
        return totals.sums[0]
    return totals.sums[1 if p.target.n_classes == 2 else 0] / totals.weight if totals.weight > 0.0 else 0.0


cdef inline void allow_in_node(const ExactProblem *p, Work *w, int node) noexcept nogil:
    """w.allowed: what the splits above a node leave it. Only where there are interaction constraints."""
    cdef const Grown *g = &w.grown
    cdef int parent
    memset(w.used, 0, p.interactions.n_words * sizeof(uint64_t))
    while g != NULL:
        while node != 0:
            parent = g.nodes[node].parent
            put_column(w.used, g.nodes[parent].feature)
            node = parent
        node = g.above_node
        g = g.above
    allow_columns(&p.interactions, w.used, w.allowed)
