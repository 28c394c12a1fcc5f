"""What a tree on sorted columns holds while it grows, and what is done to a node and a column at a time.

A node has a run of each column: its entries [begin, begin + count) of that column, in the order of their values and
without those that are missing. Of the root they lie in the sorted columns themselves; its children's are copied to
`moving`, where all later ones stay within their parent's place:

    column 0   [ node 3 | node 4 |     node 2      ]
    column 1   [ node 3 | 4 |   node 2      ]           less present, more missing
    rows       [ node 3 |  node 4  |    node 2     ]    all rows in order; kept only where something is missing
"""

from libc.math cimport INFINITY, exp2, floor, log2
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memcpy

from kernels.presorted_search cimport Bounds, Cut, Pair, Pairs, Sums, WidePair, search_levels, search_numbers
from kernels.interactions cimport Interactions
from kernels.interrupt cimport fastml_interrupt
from kernels.queue cimport Candidate
from kernels.sorted_runs cimport is_constant, rank_of, row_of
from kernels.split cimport score
from types cimport GrowOptions


cdef struct Run:
    uint32_t begin
    uint32_t count                  # 0 too where all rows have one value: nothing is left to cut


cdef struct SortedNode:
    Sums sums
    int depth
    int left                        # the left child; 0: a leaf
    int parent
    int slot                        # its runs, or -1
    double gain
    double threshold
    Cut cut


cdef struct Presorted:
    GrowOptions options
    Bounds bounds                   # of the tree at hand
    double least_gain
    int n_features
    ptrdiff_t n                     # rows of the data
    const uint64_t *entries         # (n_features, n)
    const uint64_t *all_rows        # (n,) 0, 1, ..., where something is missing; else NULL
    const uint32_t *present         # (n_features,) entries of a column that are not missing
    const double *values
    const int64_t *values_start
    const uint8_t *is_categorical   # NULL: no column is
    Interactions interactions
    const fastml_interrupt *stop    # or NULL

    Pairs pairs
    Pair *narrow                    # (n,)
    WidePair *wide                  # (n,) from the first tree with weights on
    double unit_g                   # of which gradients are multiples in the tree at hand
    double unit_h
    uint8_t *goes_left              # (n,) of the rows of nodes that are being split
    int32_t *leaf_of                # (n,) node that a row is in
    uint64_t *moving                # (n_features + 1, n)
    int root_moves                  # the root's runs lie in `moving` too: rows were drawn
    uint8_t *tree_columns           # (n_features,) that the tree may use
    uint8_t *level_columns          # (n_features,) scratch, and
    uint8_t *allowed_columns        # (n_features,)
    uint64_t *words                 # (2 n_words,) scratch

    int capacity
    int n_nodes
    SortedNode *nodes
    Candidate *heap
    int n_heap
    Run *runs                       # (n_slots, n_features + 1)
    int *free_slots
    int n_slots
    int n_free


cdef inline bint reserve(Presorted *p, int n_nodes) noexcept nogil:
    """Room for so many nodes; False where there is no memory."""
    cdef int capacity = max(64, p.capacity)
    cdef void *memory
    if n_nodes <= p.capacity:
        return True
    while capacity < n_nodes:
        capacity *= 2
    memory = realloc(p.nodes, capacity * sizeof(SortedNode))
    if memory == NULL:
        return False
    p.nodes = <SortedNode *> memory
    memory = realloc(p.heap, capacity * sizeof(Candidate))
    if memory == NULL:
        return False
    p.heap = <Candidate *> memory
    p.capacity = capacity
    return True


cdef inline int take_slot(Presorted *p) noexcept nogil:
    """Room for the runs of a node; -1 where there is no memory."""
    cdef int n_slots = max(16, 2 * p.n_slots), i
    cdef void *memory
    if p.n_free == 0:
        memory = realloc(p.runs, <size_t> n_slots * (p.n_features + 1) * sizeof(Run))
        if memory == NULL:
            return -1
        p.runs = <Run *> memory
        memory = realloc(p.free_slots, n_slots * sizeof(int))
        if memory == NULL:
            return -1
        p.free_slots = <int *> memory
        for i in range(n_slots - 1, p.n_slots - 1, -1):
            p.free_slots[p.n_free] = i
            p.n_free += 1
        p.n_slots = n_slots
    p.n_free -= 1
    return p.free_slots[p.n_free]


cdef inline void give_slot(Presorted *p, SortedNode *node) noexcept nogil:
    if node.slot >= 0:
        p.free_slots[p.n_free] = node.slot
        p.n_free += 1
    node.slot = -1


cdef inline bint presorted_init(Presorted *p) noexcept nogil:
    """Memory that all trees use; False where there is none."""
    cdef size_t d = p.n_features, n = p.n
    p.narrow = <Pair *> malloc(n * sizeof(Pair))
    p.goes_left = <uint8_t *> calloc(n, 1)
    p.moving = <uint64_t *> malloc((d + (p.all_rows != NULL)) * n * sizeof(uint64_t))
    p.tree_columns = <uint8_t *> malloc(d)
    p.level_columns = <uint8_t *> malloc(d)
    p.allowed_columns = <uint8_t *> malloc(d)
    p.words = <uint64_t *> malloc((2 * p.interactions.n_words + 1) * sizeof(uint64_t))
    return (
        p.narrow != NULL and p.goes_left != NULL and p.moving != NULL and p.tree_columns != NULL
        and p.level_columns != NULL and p.allowed_columns != NULL and p.words != NULL
    )


cdef inline void presorted_free(Presorted *p) noexcept nogil:
    free(p.narrow)
    free(p.wide)
    free(p.goes_left)
    free(p.moving)
    free(p.tree_columns)
    free(p.level_columns)
    free(p.allowed_columns)
    free(p.words)
    free(p.nodes)
    free(p.heap)
    free(p.runs)
    free(p.free_slots)


cdef inline Run *run_of(const Presorted *p, const SortedNode *node, int j) noexcept nogil:
    return p.runs + <ptrdiff_t> node.slot * (p.n_features + 1) + j


cdef inline const uint64_t *entries_of(const Presorted *p, int node, int j) noexcept nogil:
    """The first entry of a node's run."""
    cdef const uint64_t *column = p.moving + <ptrdiff_t> j * p.n
    if node == 0 and not p.root_moves:
        column = p.all_rows if j == p.n_features else p.entries + <ptrdiff_t> j * p.n
    return column + run_of(p, &p.nodes[node], j).begin


cdef inline bint splittable(const Presorted *p, const SortedNode *node) noexcept nogil:
    """Whether depth, weight and number of rows leave a node any split."""
    cdef const GrowOptions *options = &p.options
    if options.max_depth > 0 and node.depth >= options.max_depth:
        return False
    return (
        node.sums.n >= max(2 * p.bounds.least_rows, <ptrdiff_t> options.min_samples_split)
        and node.sums.h >= 2.0 * p.bounds.least_h
        and node.sums.h >= options.min_node_weight * (1.0 - 1e-12)
    )


cdef inline bint prunes_later(const GrowOptions *options) noexcept nogil:
    """Whether splits that gain less than min_split_gain are taken away from the grown tree: where they take no other
    split's place. As XGBoost's exact method, which keeps those that have a better one below them."""
    return not options.first_order and not options.lossguide and options.max_leaves == 0


cdef inline double threshold_of(const Presorted *p, int node) noexcept nogil:
    """Halfway between the neighbours of the cut; `x <= threshold` goes left."""
    cdef const Cut *cut = &p.nodes[node].cut
    cdef const double *values = p.values + p.values_start[cut.feature]
    cdef const uint64_t *run = entries_of(p, node, cut.feature)
    cdef double below, above, middle
    if cut.categorical:
        return 0.0
    if cut.place == run_of(p, &p.nodes[node], cut.feature).count:
        return INFINITY             # all that is present
    below = values[rank_of(run[cut.place - 1])]
    above = values[rank_of(run[cut.place])]
    middle = below / 2.0 + above / 2.0
    return middle if below < middle < above else below  # between neighbours of a float or infinities there is nothing


cdef inline void search_column(Presorted *p, int node, int j, Cut *best) noexcept nogil:
    """The best cut of a node on one column that gains anything."""
    cdef SortedNode *own = &p.nodes[node]
    cdef Run *run = run_of(p, own, j)
    cdef const uint64_t *entries = entries_of(p, node, j)
    cdef const double *values = p.values + p.values_start[j]
    best.worth = score(own.sums.g, own.sums.h, &p.options) + p.least_gain
    best.place = 0
    best.feature = j
    if run.count == 0:
        return
    if run.count == own.sums.n and is_constant(entries, run.count):
        run.count = 0
    elif p.is_categorical != NULL and p.is_categorical[j]:
        search_levels(
            p.pairs, entries, run.count, values, <int> (p.values_start[j + 1] - p.values_start[j]), own.sums,
            &p.options, &p.bounds, best,
        )
    else:
        search_numbers(p.pairs, entries, run.count, own.sums, &p.options, &p.bounds, best)


cdef inline void mark_missing(Presorted *p, int node, ptrdiff_t first, ptrdiff_t stop) noexcept nogil:
    """All rows of a node, first to stop - 1 of them, to the side of the missing ones."""
    cdef const SortedNode *own = &p.nodes[node]
    cdef const uint64_t *rows = entries_of(p, node, p.n_features)
    cdef uint8_t side = own.cut.missing_left
    cdef ptrdiff_t i
    for i in range(first, stop):
        p.goes_left[row_of(rows[i])] = side


cdef inline void mark_present(Presorted *p, int node, ptrdiff_t first, ptrdiff_t stop) noexcept nogil:
    """The rows of a node's entries first to stop - 1, in the column of its cut, to their sides."""
    cdef const SortedNode *own = &p.nodes[node]
    cdef const uint64_t *run = entries_of(p, node, own.cut.feature)
    cdef const double *values = p.values + p.values_start[own.cut.feature]
    cdef ptrdiff_t i
    cdef int code
    if own.cut.categorical:
        for i in range(first, stop):
            code = <int> values[rank_of(run[i])]
            p.goes_left[row_of(run[i])] = (own.cut.levels.bits[code >> 5] >> (code & 31)) & 1
        return
    for i in range(first, stop):
        p.goes_left[row_of(run[i])] = i < own.cut.place


cdef inline void follow_all(Presorted *p, ptrdiff_t first, ptrdiff_t stop) noexcept nogil:
    """Rows first to stop - 1, of whatever node, to their child where it was split."""
    cdef ptrdiff_t i
    cdef int left
    for i in range(first, stop):
        left = p.nodes[p.leaf_of[i]].left
        if left != 0:
            p.leaf_of[i] = left + 1 - <int32_t> p.goes_left[i]


cdef inline void follow(Presorted *p, int node) noexcept nogil:
    """The rows of one node to their children."""
    cdef const SortedNode *own = &p.nodes[node]
    cdef const Run *run = run_of(p, own, own.cut.feature)
    cdef int j = own.cut.feature if run.count == own.sums.n else p.n_features
    cdef const uint64_t *rows = entries_of(p, node, j)
    cdef ptrdiff_t i
    for i in range(own.sums.n):
        p.leaf_of[row_of(rows[i])] = own.left + 1 - <int32_t> p.goes_left[row_of(rows[i])]


cdef inline void move_column(
    Presorted *p, int node, int j,
    uint64_t *right,                # (n,) scratch
) noexcept nogil:
    """Entries of rows that go left to the front of the run's place, the others behind; both children's runs."""
    cdef const SortedNode *own = &p.nodes[node]
    cdef Run run = run_of(p, own, j)[0]
    cdef const uint64_t *source = entries_of(p, node, j)
    cdef uint64_t *target = p.moving + <ptrdiff_t> j * p.n + run.begin
    cdef ptrdiff_t i, left = 0
    cdef uint64_t entry
    cdef Run *child
    for i in range(<ptrdiff_t> run.count):
        entry = source[i]
        target[left] = entry
        right[i - left] = entry
        left += p.goes_left[row_of(entry)]
    memcpy(target + left, right, (run.count - left) * sizeof(uint64_t))
    child = run_of(p, &p.nodes[own.left], j)
    child.begin = run.begin
    child.count = <uint32_t> left
    child = run_of(p, &p.nodes[own.left + 1], j)
    child.begin = run.begin + <uint32_t> left
    child.count = run.count - <uint32_t> left


cdef inline void draw_column(Presorted *p, int j, const uint8_t *sampled) noexcept nogil:
    """The entries of the rows that were drawn, as the root's run."""
    cdef const uint64_t *source = p.all_rows if j == p.n_features else p.entries + <ptrdiff_t> j * p.n
    cdef uint64_t *target = p.moving + <ptrdiff_t> j * p.n
    cdef ptrdiff_t i, kept = 0
    for i in range(<ptrdiff_t> run_of(p, &p.nodes[0], j).count):
        target[kept] = source[i]
        kept += sampled[row_of(source[i])]
    run_of(p, &p.nodes[0], j).count = <uint32_t> kept


cdef inline double unit_of(double total) noexcept nogil:
    """A power of two such that numbers of this sum of absolute values, rounded to multiples, have exact sums: below
    2^51 units and half a unit a row."""
    return exp2(floor(log2(max(total, 1e-280))) - 50.0)


cdef inline double to_multiple(double x, double unit) noexcept nogil:
    """The nearest multiple of the unit; |x| is at most 2^51 units."""
    cdef double shift = 6755399441055744.0 * unit    # 1.5 * 2^52
    return (x + shift) - shift


cdef inline Sums pack_block(
    Presorted *p, ptrdiff_t first, ptrdiff_t stop,
    const float *grad, const float *hess, const double *weight, const uint8_t *sampled,    # (n,), all but grad or NULL
) noexcept nogil:
    """Pairs of a block of rows, in units, and the sums of those that were drawn."""
    cdef Sums sums
    cdef ptrdiff_t i
    cdef double g, h
    sums.g = 0.0
    sums.h = 0.0
    sums.n = 0
    for i in range(first, stop):
        g = grad[i]
        h = 1.0 if hess == NULL else hess[i]
        if weight != NULL:
            g = to_multiple(weight[i] * g, p.unit_g)
            h = to_multiple(weight[i] * h, p.unit_h)
            p.wide[i].g = g
            p.wide[i].h = h
        else:
            g = to_multiple(g, p.unit_g)
            h = to_multiple(h, p.unit_h)
            p.narrow[i].g = <float> g       # exact: no more digits than before
            p.narrow[i].h = <float> h
        if sampled == NULL or sampled[i]:
            sums.g += g
            sums.h += h
            sums.n += 1
    return sums


cdef inline int prune(
    Presorted *p,
    int32_t *number_out,            # (n_nodes,) in the tree that is left; of what is gone, its leaf's
) noexcept nogil:
    """Splits into two leaves that gain less than min_split_gain become leaves, from the last node to the first.
    Returns the number of nodes left, which keep their order."""
    cdef int i, n = 0
    cdef SortedNode *node
    if prunes_later(&p.options) and p.options.min_split_gain > 0.0:
        for i in range(p.n_nodes - 1, -1, -1):
            node = &p.nodes[i]
            if node.left > 0 and node.gain < p.options.min_split_gain and (
                p.nodes[node.left].left <= 0 and p.nodes[node.left + 1].left <= 0
            ):
                p.nodes[node.left].depth = -1   # gone
                p.nodes[node.left + 1].depth = -1
                node.left = -node.left
    # A parent comes before its children; one that was pruned has a negative `left` that still leads to them.
    for i in range(p.n_nodes):
        node = &p.nodes[i]
        if node.depth >= 0:
            number_out[i] = n
            n += 1
        if node.left < 0:
            number_out[-node.left] = number_out[i]
            number_out[1 - node.left] = number_out[i]
    return n
