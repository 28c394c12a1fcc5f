"""What one growing tree holds, and the memory it takes.

A team of threads grows a tree together. Blocks of rows are dealt out to the threads (kernels/deal.pxd); a thread
keeps its rows for the whole tree, in `rows`, where each node has a run:

    rows of thread 0                   | rows of thread 1
    [ node 3 | node 4 |    node 2    ] | [ node 3 |   node 4   | node 2 ]
      ^ begin, count of (thread, node)
"""

from libc.math cimport exp2, floor, log2
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint64_t
from libc.stdlib cimport calloc, free, malloc, realloc

from kernels.interactions cimport Interactions
from kernels.interrupt cimport fastml_interrupt
from kernels.leaf_program cimport MAX_VECTORS, LeafProgram
from kernels.queue cimport Candidate
from kernels.split cimport Scale
from kernels.threads cimport fastml_barrier
from simd.simd cimport FASTML_BLOCK_WORDS, FASTML_CELLS, fastml_kernels
from types cimport GrowOptions, Node, Split


cdef enum:
    MEAN_UNITS = 256                # of fixed point in a mean gradient, where 16 bits are to do


cdef struct Bundles:                # fastml.data.bundles.Bundles
    int n                           # 0: there are none
    ptrdiff_t least_rows            # of a node that they count faster
    const uint16_t *by_row
    ptrdiff_t row_stride
    const int32_t *start            # (n + 1,)
    const int32_t *of_column        # (n_features,)
    const uint8_t *codes            # (n_features, codes_stride), of each cell
    ptrdiff_t codes_stride


cdef struct Problem:                # what all trees of a fit share
    const fastml_kernels *simd
    GrowOptions options
    const uint8_t *by_row           # NULL where there are bundles
    ptrdiff_t row_stride
    const uint8_t *by_column
    ptrdiff_t column_stride
    ptrdiff_t n_samples
    int n_features
    const int32_t *n_bins
    const uint8_t *is_categorical
    const double *edges
    const int64_t *edges_start
    Interactions interactions
    Bundles bundles
    uint8_t *narrow                 # room in row 0, of its codes or cells, for a gradient of 32 bits; NULL: none
    ptrdiff_t row_bytes


cdef struct Gradients:              # what one tree is grown on
    const float *grad
    const float *hess               # NULL: 1
    const double *weight            # NULL: 1
    const uint8_t *sampled          # NULL: every row
    const float *leaf_hess          # what leaf values divide by; NULL: 1
    double g_sum                    # sum |w g|
    double g_sq_sum                 # sum w g^2
    double g_max                    # max |w g|
    double h_max                    # max w h of what splits see
    double h_sum                    # sum w h of what splits see
    double leaf_h_sum


cdef struct Leaf:                   # exact sums in fixed point, as sum_leaf writes them
    int64_t g
    int64_t h


cdef struct GrowingNode:
    int64_t total                   # packed sums
    int depth
    int parent
    int slot                        # its histogram, or -1
    Split split


cdef struct Growth:
    int team                        # threads at work on this tree
    int max_team
    fastml_barrier barrier
    int failed                      # out of memory
    const fastml_interrupt *stop    # or NULL
    Gradients input
    Scale scale
    double least_gain               # of a split
    double leaf_g_scale
    double leaf_h_scale
    int64_t stream                  # counts trees, for random numbers

    int narrow                      # gradients are in the rows, 32 bits each, and not in `packed`
    int64_t *packed                 # (n_samples,)
    int32_t *rows                   # (n_samples,)
    ptrdiff_t *first_row            # (max_team + 1,) start of each thread's rows
    int64_t **own_hist              # (max_team,) private histograms of threads 1, 2, ...
    int64_t **bundle_cells          # (max_team,) where there are bundles: their cells, all 0 between counts
    int64_t **slots                 # (n_slots,) histograms of nodes; the first two are for passing use
    int n_slots
    int max_slots
    int *free_slots
    int n_free

    ptrdiff_t capacity              # of all that is counted by node
    int n_nodes
    int n_leaves
    GrowingNode *growing
    Node *nodes
    Candidate *heap
    int n_heap
    ptrdiff_t *begin                # (max_team, capacity)
    ptrdiff_t *count                # (max_team, capacity)
    Leaf *leaves                    # (max_team, capacity)
    LeafProgram *program            # the grown tree, where rows go to their leaves in blocks; else NULL
    LeafProgram *program_memory
    uint64_t **vectors              # (max_team,) what the program works on

    uint8_t *tree_columns           # (n_features,)
    uint8_t *level_columns          # (n_features,)
    uint8_t *allowed_columns        # (n_features,)
    uint64_t *words                 # (2 n_words,) scratch
    uint8_t *node_columns           # (2, n_features)
    Split *best                     # (2, n_features) of the children at hand
    int node                        # that is being split; -1: done
    int small                       # child whose histogram is counted
    int large                       # child whose histogram is the difference
    int counted                     # histograms are needed
    int subtract                    # the larger child's is a difference, not counted
    int by_columns                  # threads count columns, not rows


cdef inline int64_t *histogram_new(const Problem *problem) noexcept nogil:
    """Of zeros: the cells beyond a column's bins stay 0, as scan_bins wants them."""
    return <int64_t *> calloc(<size_t> problem.n_features * FASTML_CELLS, sizeof(int64_t))


cdef inline int growth_reserve(Growth *g, int n_nodes) noexcept nogil:
    """Make room for n_nodes; 0 if there is no memory, and all is as before. The runs move, as their rows are
    as long as capacity."""
    cdef ptrdiff_t capacity = max(64, g.capacity), i
    cdef int t
    if n_nodes <= g.capacity:
        return 1
    while capacity < n_nodes:
        capacity *= 2
    cdef ptrdiff_t *begin = <ptrdiff_t *> malloc(capacity * g.max_team * sizeof(ptrdiff_t))
    cdef ptrdiff_t *count = <ptrdiff_t *> malloc(capacity * g.max_team * sizeof(ptrdiff_t))
    cdef Leaf *leaves = <Leaf *> malloc(capacity * g.max_team * sizeof(Leaf))
    cdef void *growing = realloc(g.growing, capacity * sizeof(GrowingNode))
    cdef void *nodes = realloc(g.nodes, capacity * sizeof(Node))
    cdef void *heap = realloc(g.heap, capacity * sizeof(Candidate))
    if growing != NULL:
        g.growing = <GrowingNode *> growing
    if nodes != NULL:
        g.nodes = <Node *> nodes
    if heap != NULL:
        g.heap = <Candidate *> heap
    if begin == NULL or count == NULL or leaves == NULL or growing == NULL or nodes == NULL or heap == NULL:
        free(begin)
        free(count)
        free(leaves)
        return 0
    for t in range(g.max_team):
        for i in range(g.capacity):
            begin[t * capacity + i] = g.begin[t * g.capacity + i]
            count[t * capacity + i] = g.count[t * g.capacity + i]
    free(g.begin)
    free(g.count)
    free(g.leaves)
    g.begin = begin
    g.count = count
    g.leaves = leaves
    g.capacity = capacity
    return 1


cdef inline Growth *growth_new(const Problem *problem, int max_team, int max_slots) noexcept nogil:
    """Memory for one tree at a time; NULL if there is none."""
    cdef Growth *g = <Growth *> calloc(1, sizeof(Growth))
    cdef size_t n = problem.n_samples, d = problem.n_features
    cdef int t, ok
    if g == NULL:
        return NULL
    g.max_team = max_team
    g.max_slots = max_slots
    g.packed = <int64_t *> malloc((n + 1) * sizeof(int64_t))
    g.rows = <int32_t *> malloc((n + 1) * sizeof(int32_t))
    g.first_row = <ptrdiff_t *> calloc(max_team + 1, sizeof(ptrdiff_t))
    g.own_hist = <int64_t **> calloc(max_team, sizeof(void *))
    g.bundle_cells = <int64_t **> calloc(max_team, sizeof(void *))
    g.program_memory = <LeafProgram *> malloc(sizeof(LeafProgram))
    g.vectors = <uint64_t **> calloc(max_team, sizeof(void *))
    g.slots = <int64_t **> calloc(max_slots, sizeof(void *))
    g.free_slots = <int *> calloc(max_slots, sizeof(int))
    g.tree_columns = <uint8_t *> malloc(d)
    g.level_columns = <uint8_t *> malloc(d)
    g.allowed_columns = <uint8_t *> malloc(d)
    g.words = <uint64_t *> malloc((2 * problem.interactions.n_words + 1) * sizeof(uint64_t))
    g.node_columns = <uint8_t *> malloc(2 * d)
    g.best = <Split *> malloc(2 * d * sizeof(Split))
    ok = (
        g.packed != NULL and g.rows != NULL and g.first_row != NULL and g.own_hist != NULL
        and g.program_memory != NULL and g.vectors != NULL and g.bundle_cells != NULL and g.slots != NULL
        and g.free_slots != NULL and g.tree_columns != NULL
        and g.level_columns != NULL and g.allowed_columns != NULL and g.words != NULL
        and g.node_columns != NULL and g.best != NULL
    )
    if ok:
        for t in range(1, max_team):
            g.own_hist[t] = histogram_new(problem)
            ok = ok and g.own_hist[t] != NULL
        if problem.bundles.n > 0:
            for t in range(max_team):
                g.bundle_cells[t] = <int64_t *> calloc(problem.bundles.start[problem.bundles.n], sizeof(int64_t))
                ok = ok and g.bundle_cells[t] != NULL
        for t in range(max_team):
            g.vectors[t] = <uint64_t *> malloc(MAX_VECTORS * FASTML_BLOCK_WORDS * sizeof(uint64_t))
            ok = ok and g.vectors[t] != NULL
        for t in range(2):
            g.slots[t] = histogram_new(problem)
            ok = ok and g.slots[t] != NULL
        g.n_slots = 2
    if not ok or not growth_reserve(g, 64):
        growth_free(g)
        return NULL
    return g


cdef inline void growth_free(Growth *g) noexcept nogil:
    cdef int i
    if g == NULL:
        return
    if g.own_hist != NULL:
        for i in range(g.max_team):
            free(g.own_hist[i])
    if g.bundle_cells != NULL:
        for i in range(g.max_team):
            free(g.bundle_cells[i])
    if g.vectors != NULL:
        for i in range(g.max_team):
            free(g.vectors[i])
    if g.slots != NULL:
        for i in range(g.max_slots):
            free(g.slots[i])
    free(g.packed)
    free(g.rows)
    free(g.first_row)
    free(g.own_hist)
    free(g.bundle_cells)
    free(g.program_memory)
    free(g.vectors)
    free(g.slots)
    free(g.free_slots)
    free(g.growing)
    free(g.nodes)
    free(g.heap)
    free(g.begin)
    free(g.count)
    free(g.leaves)
    free(g.tree_columns)
    free(g.level_columns)
    free(g.allowed_columns)
    free(g.words)
    free(g.node_columns)
    free(g.best)
    free(g)


cdef inline int take_slot(const Problem *problem, Growth *g) noexcept nogil:
    """A histogram to keep, or -1 where the limit on memory is reached."""
    if g.n_free > 0:
        g.n_free -= 1
        return g.free_slots[g.n_free]
    if g.n_slots < g.max_slots:
        g.slots[g.n_slots] = histogram_new(problem)
        if g.slots[g.n_slots] != NULL:
            g.n_slots += 1
            return g.n_slots - 1
    return -1


cdef inline int keep_or_pass(const Problem *problem, Growth *g, int passing) noexcept nogil:
    """A histogram to keep, or else one of the two for passing use."""
    cdef int slot = take_slot(problem, g)
    return slot if slot >= 0 else passing


cdef inline void give_slot(Growth *g, int slot) noexcept nogil:
    if slot >= 2:
        g.free_slots[g.n_free] = slot
        g.n_free += 1


cdef inline double power_of_two_below(double x) noexcept nogil:
    return exp2(floor(log2(x)))


cdef inline void set_scales(const Problem *problem, Growth *g) noexcept nogil:
    """Fixed point: no sum of n rounded gradients reaches 2^31, no leaf's sum 2^51. Powers of two keep
    hessians of 1, weights that are integers and the like exact."""
    cdef double n = problem.n_samples
    cdef double g_sum = max(g.input.g_sum, 1e-280), h_sum = max(g.input.h_sum, 1e-280)
    g.scale.g = power_of_two_below((2147483646.0 - n) / g_sum)
    g.scale.h = power_of_two_below((2147483646.0 - n) / h_sum)
    # In 16 bits each, as long as a mean gradient still has some eight of them.
    cdef double g_16 = min(g.scale.g, power_of_two_below(32767.0 / max(g.input.g_max, 1e-280)))
    cdef double h_16 = min(g.scale.h, power_of_two_below(65535.0 / max(g.input.h_max, 1e-280)))
    g.narrow = problem.narrow != NULL and (g_16 == g.scale.g or g_16 * g_sum >= MEAN_UNITS * n) and (
        h_16 == g.scale.h or h_16 * h_sum >= MEAN_UNITS * n
    )
    if g.narrow:
        g.scale.g = g_16
        g.scale.h = h_16
    # Second order: as XGBoost. First order, as scikit-learn: any gain that is not rounding, in whatever unit y has.
    g.least_gain = 1e-12 * g_sum * g_sum / h_sum if problem.options.first_order else 1e-6
    g.scale.dispersion = g.input.g_sq_sum / h_sum
    g.leaf_g_scale = power_of_two_below(exp2(51.0) / g_sum)
    g.leaf_h_scale = power_of_two_below(exp2(51.0) / max(g.input.leaf_h_sum, 1e-280))
