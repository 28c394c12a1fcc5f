"""How a team grows a tree: count, search, choose, split, until nothing gains; then the leaves' values.

Every thread runs grow_tree. Between two barriers the threads either work on their own rows or on their own
share of the columns; the last to reach a barrier does the serial step.
"""

from libc.math cimport INFINITY
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from kernels.count cimport count_columns, count_node, first_column, merge_column, start_rows, subtract_column
from kernels.deal cimport dealt_rows, run_blocks
from kernels.growth cimport (
    GrowingNode, Growth, Problem, give_slot, growth_reserve, keep_or_pass, set_scales, take_slot,
)
from kernels.interactions cimport allow_columns, holds, put_column
from kernels.interrupt cimport fastml_stopped
from kernels.leaves cimport prepare_leaves, set_leaf_values, sum_leaves
from kernels.partition cimport split_rows
from kernels.queue cimport Candidate, queue_pop, queue_push
from kernels.row_counts cimport count_codes, count_rows
from kernels.sampling cimport sample_columns
from kernels.split cimport (
    RowCounts, best_category_split, best_number_split, hessian_sum, least_hessian,
)
from kernels.threads cimport fastml_barrier_arrive, fastml_barrier_open, fastml_barrier_wait
from simd.simd cimport FASTML_CELLS
from types cimport GrowOptions, Node, Split

cdef enum:
    CATEGORICAL_BIT = 30
    MISSING_LEFT_BIT = 31
    # Rows of a node below which a histogram takes longer on its way between processors than its child's rows do.
    ROWS_BY_COLUMNS = 8192


cdef inline void grow_start(const Problem *problem, Growth *g) noexcept nogil:
    """Serial: forget the last tree."""
    cdef int j
    set_scales(problem, g)
    g.n_nodes = 1
    g.n_leaves = 1
    g.n_heap = 0
    g.failed = 0
    g.n_free = 0
    for j in range(g.n_slots - 1, 1, -1):
        give_slot(g, j)
    memset(g.tree_columns, 1, problem.n_features)
    if sample_columns(g.tree_columns, g.tree_columns, problem.n_features, problem.options.colsample_bytree,
                      problem.options.seed, (g.stream << 32)) < 0:
        g.failed = 1
    g.nodes[0].left = 0
    g.growing[0].depth = 0
    g.node = 0
    g.small = 0
    g.large = -1
    g.counted = 1
    g.subtract = 0
    g.growing[0].slot = take_slot(problem, g)
    if g.growing[0].slot < 0:
        g.growing[0].slot = 0
    choose_columns(problem, g, 0, g.node_columns)
    cdef int t
    cdef ptrdiff_t run = run_blocks(problem.n_samples, g.team)
    g.first_row[0] = 0
    for t in range(1, g.team):
        g.first_row[t] = g.first_row[t - 1] + dealt_rows(problem.n_samples, run, g.team, t - 1)


cdef inline const uint8_t *allowed_in_tree(const Problem *problem, Growth *g, int node) noexcept nogil:
    """The tree's columns, of which interaction constraints leave those that go with the splits above a node."""
    cdef int j, n = problem.interactions.n_words, parent
    if n == 0 or node == 0:
        return g.tree_columns
    memset(g.words, 0, n * sizeof(uint64_t))
    while node != 0:
        parent = g.growing[node].parent
        put_column(g.words, g.growing[parent].split.feature)
        node = parent
    allow_columns(&problem.interactions, g.words, g.words + n)
    for j in range(problem.n_features):
        g.allowed_columns[j] = g.tree_columns[j] and holds(g.words + n, j)
    return g.allowed_columns


cdef inline void choose_columns(const Problem *problem, Growth *g, int node, uint8_t *chosen_out) noexcept nogil:
    """The columns that a node is searched on, drawn from those that it may be split on. Streams: tree << 32, then one
    for each level and node."""
    cdef uint64_t tree = <uint64_t> g.stream << 32
    cdef uint64_t seed = problem.options.seed
    cdef const uint8_t *allowed = allowed_in_tree(problem, g, node)
    cdef int j
    if problem.options.colsample_bylevel >= 1.0 and problem.options.colsample_bynode >= 1.0:
        memcpy(chosen_out, allowed, problem.n_features)
        return
    if sample_columns(g.tree_columns, g.level_columns, problem.n_features, problem.options.colsample_bylevel, seed,
                      tree + 1 + 2 * <uint64_t> g.growing[node].depth) < 0:
        g.failed = 1
    if allowed != g.tree_columns:
        for j in range(problem.n_features):
            g.level_columns[j] &= allowed[j]
    if sample_columns(g.level_columns, chosen_out, problem.n_features, problem.options.colsample_bynode, seed,
                      tree + 2 + 2 * <uint64_t> node) < 0:
        g.failed = 1


cdef inline void search_column(const Problem *problem, Growth *g, int child, int node, int j) noexcept nogil:
    """Best split of a child (0 small, 1 large) on column j."""
    cdef Split *best = g.best + <ptrdiff_t> child * problem.n_features + j
    cdef const int64_t *cells = g.slots[g.growing[node].slot] + <ptrdiff_t> j * FASTML_CELLS
    cdef RowCounts counts
    cdef const RowCounts *rows = NULL
    cdef int32_t of_code[256]
    if g.node_columns[child * problem.n_features + j] and problem.options.min_samples_leaf > 1:
        count_codes(problem, g, node, j, of_code, &counts)
        rows = &counts
    if not g.node_columns[child * problem.n_features + j]:
        best.gain = -1.0
    elif problem.is_categorical[j]:
        best_category_split(cells, problem.n_bins[j], g.growing[node].total, g.scale, &problem.options, rows, best)
    else:
        best_number_split(
            problem.simd, cells, problem.n_bins[j], g.growing[node].total, g.scale, &problem.options, rows, best
        )
    best.feature = j


cdef inline void search_columns(
    const Problem *problem, Growth *g, int thread, int child, int node, int difference, int merge
) noexcept nogil:
    """Search the thread's columns of `node`, after adding up what the team counted (`merge`), and those of its
    sibling, whose histogram is the difference (or -1), each column while its cells are in the cache."""
    cdef int j, n_cells
    cdef ptrdiff_t offset
    cdef int64_t *cells = g.slots[g.growing[node].slot]
    for j in range(first_column(problem, g, thread), first_column(problem, g, thread + 1)):
        offset = <ptrdiff_t> j * FASTML_CELLS
        n_cells = problem.n_bins[j] + 1
        if merge:
            merge_column(g, cells + offset, offset, n_cells)
        if node != 0 and splittable(problem, g, node):  # the root's sum is not known before all is merged
            search_column(problem, g, child, node, j)
        if difference >= 0:
            subtract_column(cells + offset, g.slots[g.growing[difference].slot] + offset, n_cells)
            if splittable(problem, g, difference):
                search_column(problem, g, 1 - child, difference, j)


cdef inline bint splittable(const Problem *problem, Growth *g, int node) noexcept nogil:
    """Whether depth and weight leave a node any split."""
    cdef const GrowOptions *options = &problem.options
    if options.max_depth > 0 and g.growing[node].depth >= options.max_depth:
        return False
    return hessian_sum(g.growing[node].total) >= max(
        2.0 * least_hessian(g.scale, options), options.min_node_weight * g.scale.h * (1.0 - 1e-12)
    )


cdef inline void total_of_root(const Problem *problem, Growth *g) noexcept nogil:
    """The sums of all rows: those of any column."""
    cdef int k
    cdef int64_t total = 0
    cdef const int64_t *cells = g.slots[g.growing[0].slot]
    for k in range(problem.n_bins[0] + 1):
        total += cells[k]
    g.growing[0].total = total


cdef inline void offer_node(const Problem *problem, Growth *g, int child, int node) noexcept nogil:
    """Queue a node whose columns were searched, if any split gains enough; else it stays a leaf."""
    cdef GrowingNode *growing = &g.growing[node]
    cdef const Split *best = g.best + <ptrdiff_t> child * problem.n_features
    cdef int j, winner = 0
    cdef Candidate candidate
    if not splittable(problem, g, node) or count_rows(g, node) < problem.options.min_samples_split:
        best = NULL
    else:
        for j in range(1, problem.n_features):
            if best[j].gain > best[winner].gain:
                winner = j
        if best[winner].gain <= g.least_gain or best[winner].gain < problem.options.min_split_gain:
            best = NULL
    if best == NULL:
        give_slot(g, growing.slot)
        growing.slot = -1
        return
    growing.split = best[winner]
    if growing.slot < 2:
        growing.slot = -1           # a passing histogram: the children will be counted anew
    candidate.node = node
    candidate.key = growing.split.gain if problem.options.lossguide else -growing.depth
    queue_push(g.heap, &g.n_heap, candidate)


cdef inline void choose_next(const Problem *problem, Growth *g) noexcept nogil:
    """Serial: queue the nodes just searched, take the best of the queue and lay out its children."""
    cdef GrowingNode *parent
    cdef int left, small, large, child
    if g.counted:
        offer_node(problem, g, 0, g.small)
        if g.large >= 0:
            offer_node(problem, g, 1, g.large)
    if (
        g.failed or g.n_heap == 0 or fastml_stopped(g.stop)
        or (problem.options.max_leaves > 0 and g.n_leaves >= problem.options.max_leaves)
    ):
        g.node = -1
        prepare_leaves(problem, g)
        return
    if not growth_reserve(g, g.n_nodes + 2):
        g.failed = 1
        g.node = -1
        return
    g.node = queue_pop(g.heap, &g.n_heap).node
    parent = &g.growing[g.node]
    left = g.n_nodes
    g.n_nodes += 2
    g.n_leaves += 1
    write_split(problem, g, g.node, left)
    for child in range(2):
        g.growing[left + child].depth = parent.depth + 1
        g.growing[left + child].parent = g.node
        g.growing[left + child].slot = -1
        g.nodes[left + child].left = 0
    g.growing[left].total = parent.split.left
    g.growing[left + 1].total = parent.total - parent.split.left
    small = left + (hessian_sum(g.growing[left].total) > hessian_sum(g.growing[left + 1].total))
    large = 2 * left + 1 - small
    g.small = small
    g.large = large
    g.counted = (
        (problem.options.max_leaves == 0 or g.n_leaves < problem.options.max_leaves)
        and (splittable(problem, g, small) or splittable(problem, g, large))
    )
    g.subtract = parent.slot >= 2
    g.by_columns = g.team > 1 and problem.n_features >= g.team and count_rows(g, g.node) < ROWS_BY_COLUMNS
    if not g.counted:
        give_slot(g, parent.slot)
    else:
        g.growing[large].slot = parent.slot if g.subtract else keep_or_pass(problem, g, 1)
        g.growing[small].slot = keep_or_pass(problem, g, 0)
        choose_columns(problem, g, small, g.node_columns)
        choose_columns(problem, g, large, g.node_columns + problem.n_features)
    parent.slot = -1


cdef inline void write_split(const Problem *problem, Growth *g, int node, int left) noexcept nogil:
    """The node as the fitted tree has it; a categorical one gets its row of the table when it is frozen."""
    cdef const Split *split = &g.growing[node].split
    cdef Node *out = &g.nodes[node]
    cdef int64_t edge
    out.left = left
    out.feature = <uint32_t> split.feature
    if split.missing_left:
        out.feature |= <uint32_t> 1 << MISSING_LEFT_BIT
    if split.categorical:
        out.feature |= <uint32_t> 1 << CATEGORICAL_BIT
        out.value = 0.0
    else:
        edge = problem.edges_start[split.feature] + split.threshold - 1
        out.value = problem.edges[edge] if edge < problem.edges_start[split.feature + 1] else INFINITY


cdef inline void search_root(const Problem *problem, Growth *g, int thread) noexcept nogil:
    cdef int j
    search_columns(problem, g, thread, 0, 0, -1, True)
    if fastml_barrier_arrive(&g.barrier, g.team):
        total_of_root(problem, g)
        fastml_barrier_open(&g.barrier)
    if splittable(problem, g, 0):
        for j in range(first_column(problem, g, thread), first_column(problem, g, thread + 1)):
            search_column(problem, g, 0, 0, j)


cdef inline void count_and_search(
    const Problem *problem, Growth *g, int thread, int child, int node, int difference
) noexcept nogil:
    """The team counts a node: each thread its rows, or all rows of its columns."""
    if g.by_columns:
        fastml_barrier_wait(&g.barrier, g.team)     # the rows of all threads are in place
        count_columns(problem, g, thread, node)
    else:
        count_node(problem, g, thread, node)
        fastml_barrier_wait(&g.barrier, g.team)
    search_columns(problem, g, thread, child, node, difference, not g.by_columns)


cdef inline void search_children(const Problem *problem, Growth *g, int thread) noexcept nogil:
    """Count the smaller child; the larger one is the difference, unless the parent's histogram was not kept."""
    count_and_search(problem, g, thread, 0, g.small, g.large if g.subtract else -1)
    if not g.subtract:
        fastml_barrier_wait(&g.barrier, g.team)
        count_and_search(problem, g, thread, 1, g.large, -1)


cdef inline void grow_tree(const Problem *problem, Growth *g, int thread, int32_t *leaf_of_out) noexcept nogil:
    """One thread's part in growing a tree; grow_start came before. leaf_of_out: (n_samples,) node of each row."""
    start_rows(problem, g, thread)
    fastml_barrier_wait(&g.barrier, g.team)
    search_root(problem, g, thread)
    if fastml_barrier_arrive(&g.barrier, g.team):
        choose_next(problem, g)
        fastml_barrier_open(&g.barrier)
    while g.node >= 0:
        split_rows(problem, g, thread, leaf_of_out)     # which nobody needs before the tree stands
        if g.counted:
            search_children(problem, g, thread)
        if fastml_barrier_arrive(&g.barrier, g.team):
            choose_next(problem, g)
            fastml_barrier_open(&g.barrier)
    if g.failed:
        return
    sum_leaves(problem, g, thread, leaf_of_out)
    if fastml_barrier_arrive(&g.barrier, g.team):
        set_leaf_values(problem, g)
        fastml_barrier_open(&g.barrier)
