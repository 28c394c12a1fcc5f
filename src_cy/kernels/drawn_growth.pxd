"""The growth of one tree on rows whose columns are drawn and sorted node by node, by one thread."""

from libc.math cimport INFINITY
from libc.stdint cimport int32_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy, memset

from kernels.drawn_columns cimport draw_next, gather_ranks, list_allowed, undo_draws
from kernels.drawn_cuts cimport search_drawn, threshold_of_drawn
from kernels.drawn_nodes cimport (
    NONE, OF_NUMBERS, DrawnCut, DrawnProblem, DrawnWork, Span, copy_rows, load_targets, rows_of,
)
from kernels.exact_growth cimport add_child, gain_of
from kernels.exact_levels cimport add_unseen, in_set
from kernels.exact_nodes cimport NO_MEMORY, ExactNode, Work, prediction_of, reserve_nodes, stays_leaf, totals_of
from kernels.interrupt cimport fastml_stopped
from kernels.impurity cimport Totals, sum_run
from kernels.queue cimport Candidate, queue_pop, queue_push
from kernels.sorted_runs cimport MISSING
from simd.simd cimport fastml_kernels


cdef inline Span present_span(const DrawnWork *w, ptrdiff_t n) noexcept nogil:
    cdef Span span
    cdef ptrdiff_t i
    span.low = 0xFFFFFFFF
    span.high = 0
    for i in range(n):
        if w.best_ranks[i] != <uint32_t> MISSING:
            span.low = min(span.low, w.best_ranks[i])
            span.high = max(span.high, w.best_ranks[i])
    return span


cdef inline bint goes_left(
    const DrawnProblem *p, const DrawnCut *cut, bint missing_left, uint32_t rank
) noexcept nogil:
    if not cut.categorical:
        return rank <= cut.below or (missing_left and rank == <uint32_t> MISSING)
    if rank == <uint32_t> MISSING:
        return missing_left
    return in_set(&cut.left, <int> p.exact.values[p.exact.values_start[cut.feature] + rank])


cdef inline ptrdiff_t part_rows(
    const DrawnProblem *p, DrawnWork *w, uint64_t *rows, ptrdiff_t n, const DrawnCut *cut, bint missing_left
) noexcept nogil:
    """Rows that go left to the front, the others behind, both in order, by w.best_ranks; how many go left."""
    cdef ptrdiff_t i, left = 0
    cdef uint64_t row
    cdef bint goes
    for i in range(n):
        row = rows[i]
        goes = goes_left(p, cut, missing_left, w.best_ranks[i])
        rows[left] = row
        w.run[i - left] = row
        left += goes
    memcpy(rows + left, w.run, (n - left) * sizeof(uint64_t))
    return left


cdef inline ptrdiff_t part_and_sum(
    const DrawnProblem *p, DrawnWork *w, uint64_t *rows, ptrdiff_t n, uint32_t below, Totals *left, Totals *right
) noexcept nogil:
    """part_rows by a column of numbers without missing values, with the sums of both sides in the order of the rows."""
    cdef ptrdiff_t i, n_left = 0
    cdef uint64_t row
    cdef bint goes
    cdef int width = p.exact.target.width
    cdef double g, h, of_left = 0.0, of_right = 0.0, w_left = 0.0, w_right = 0.0, own_left = 0.0, own_right = 0.0
    cdef double *side
    if p.fast == OF_NUMBERS:
        for i in range(n):
            row = rows[i]
            goes = w.best_ranks[i] <= below
            rows[n_left] = row
            w.run[i - n_left] = row
            n_left += goes
            g = <double> goes
            h = 1.0 - g
            w_left += g * w.w[i]
            w_right += h * w.w[i]
            of_left += g * w.wy[i]
            of_right += h * w.wy[i]
            own_left += g * (w.wy[i] * w.y[i])
            own_right += h * (w.wy[i] * w.y[i])
        if width == 2:
            left.sums[0] = w_left - of_left
            right.sums[0] = w_right - of_right
        left.sums[width - 1] = of_left
        right.sums[width - 1] = of_right
    else:
        memset(left.sums, 0, width * sizeof(double))
        memset(right.sums, 0, width * sizeof(double))
        for i in range(n):
            row = rows[i]
            goes = w.best_ranks[i] <= below
            rows[n_left] = row
            w.run[i - n_left] = row
            n_left += goes
            side = left.sums if goes else right.sums
            side[w.label[i]] += w.count[i]
        for i in range(width):
            w_left += left.sums[i]
            w_right += right.sums[i]
    memcpy(rows + n_left, w.run, (n - n_left) * sizeof(uint64_t))
    left.weight = w_left
    right.weight = w_right
    left.n = n_left
    right.n = n - n_left
    left.own = own_left
    right.own = own_right
    return n_left


cdef inline void mark_unseen(const DrawnProblem *p, DrawnWork *w, ExactNode *node) noexcept nogil:
    """Codes that no row of the node has go left too."""
    cdef ptrdiff_t i
    for i in range(node.n):
        w.run[i] = <uint64_t> w.best_ranks[i] << 32
    add_unseen(&node.codes_left, w.run, node.n, p.exact.values + p.exact.values_start[node.feature])


cdef inline void sum_parts(const DrawnProblem *p, DrawnWork *w, const ExactNode *own) noexcept nogil:
    """w.base.left and right: the statistics of both sides of the node's cut, whose rows are moved."""
    cdef const uint64_t *rows = rows_of(p, own.begin)
    w.base.left.sums = w.base.scratch + 4 * p.exact.target.width
    w.base.right.sums = w.base.scratch + 5 * p.exact.target.width
    sum_run(&p.exact.target, rows, own.n_left, &w.base.left)
    sum_run(&p.exact.target, rows + own.n_left, own.n - own.n_left, &w.base.right)


cdef inline void take_drawn(const DrawnProblem *p, DrawnWork *w, ExactNode *own) noexcept nogil:
    """Move the node's rows by w.cut, and note the cut, its gain and what it makes of the node."""
    cdef uint64_t *rows = rows_of(p, own.begin)
    cdef Span span = w.span
    own.n_left = 0
    if w.cut.proxy == -INFINITY:
        return
    own.feature = w.cut.feature
    own.categorical = w.cut.categorical
    own.missing_left = w.cut.missing_left
    own.codes_left = w.cut.left
    w.base.left.sums = w.base.scratch + 4 * p.exact.target.width
    w.base.right.sums = w.base.scratch + 5 * p.exact.target.width
    if p.fast != NONE and not own.categorical and span.high != <uint32_t> MISSING:
        own.n_left = part_and_sum(p, w, rows, own.n, w.cut.below, &w.base.left, &w.base.right)
    else:
        own.n_left = part_rows(p, w, rows, own.n, &w.cut, own.missing_left)
        sum_parts(p, w, own)
    if span.high == <uint32_t> MISSING:
        span = present_span(w, own.n)
    else:                           # missing values that come later go with the heavier part
        own.missing_left = w.base.left.weight > w.base.right.weight
    own.threshold = threshold_of_drawn(p, own, &w.cut, span)
    if own.categorical and own.missing_left:
        mark_unseen(p, w, own)
    if p.exact.options.max_leaves == 0 and p.exact.options.min_impurity_decrease <= 0.0:
        return
    own.gain = gain_of(&p.exact, own, &w.base.left, &w.base.right)
    if own.gain + 2.220446049250313e-16 < p.exact.options.min_impurity_decrease:
        own.n_left = 0


cdef inline void search_rows(
    const DrawnProblem *p, DrawnWork *w, const fastml_kernels *simd, int node
) noexcept nogil:
    """Draw columns until enough have been, and one varies; take the best cut. n_left 0: there is none."""
    cdef ExactNode *own = &w.base.grown.nodes[node]
    cdef const uint64_t *rows = rows_of(p, own.begin)
    cdef int d = list_allowed(p, w, node), drawn = 0, searched = 0, j
    cdef Totals totals = totals_of(&p.exact, &w.base.grown, node)
    cdef DrawnCut cut
    cdef Span span
    w.cut.proxy = -INFINITY
    load_targets(p, w, rows, own.n)
    while drawn < d and not fastml_stopped(p.exact.stop) and (drawn < p.exact.options.max_features or searched == 0):
        j = draw_next(p, w, own.key, drawn, d)
        drawn += 1
        span = gather_ranks(p, simd, j, rows, own.n, w.ranks)
        if span.low == span.high:
            continue
        searched += 1
        search_drawn(p, w, simd, own, rows, j, span, &totals, &cut)
        if cut.proxy > w.cut.proxy:
            w.cut = cut
            w.span = span
            w.ranks, w.best_ranks = w.best_ranks, w.ranks
            if own.n == 2:          # any other cut of two rows is the same
                break
    undo_draws(p, w, drawn)
    take_drawn(p, w, own)


cdef inline int split_rows(const DrawnProblem *p, DrawnWork *w, int node) noexcept nogil:
    """Two children by the cut that was taken, whose sums are w.base.left and right; 1, or NO_MEMORY."""
    cdef ExactNode *own
    cdef double middle
    cdef int first, rises
    if not reserve_nodes(&p.exact, &w.base.grown, w.base.grown.n + 2):
        return NO_MEMORY
    own = &w.base.grown.nodes[node]
    first = add_child(&p.exact, &w.base, node, 0, &w.base.left)
    add_child(&p.exact, &w.base, node, 1, &w.base.right)
    own.left = first
    if p.exact.monotone != NULL and p.exact.monotone[own.feature] != 0:
        rises = p.exact.monotone[own.feature] > 0
        middle = (prediction_of(&p.exact, &w.base.left) + prediction_of(&p.exact, &w.base.right)) / 2.0
        w.base.grown.nodes[first + 1 - rises].upper = middle
        w.base.grown.nodes[first + rises].lower = middle
    return 1


cdef inline int grow_rows(
    const DrawnProblem *p, DrawnWork *w, const fastml_kernels *simd, ptrdiff_t left_to_others=0
) noexcept nogil:
    """Depth first from node 0, left children first. 0, or NO_MEMORY.

    left_to_others: nodes of so many rows or fewer stay as they are, with their rows where all of the tree's are.
    """
    cdef int capacity = 64, top = 1, node, left, below = 0
    cdef const DrawnProblem *whole = p
    cdef ExactNode *own
    cdef int32_t *stack = <int32_t *> malloc(capacity * sizeof(int32_t))
    cdef void *grown
    if stack == NULL:
        return NO_MEMORY
    stack[0] = 0
    while top > 0 and not fastml_stopped(p.exact.stop):
        top -= 1
        node = stack[top]
        if top < below:             # the subtree that was copied is done
            p = whole
            below = 0
        own = &w.base.grown.nodes[node]
        if own.n <= left_to_others or stays_leaf(&p.exact, own):
            continue
        if p == whole and left_to_others == 0 and 2 < own.n <= w.local.most:
            p = copy_rows(p, &w.local, own.begin, own.n)
            own.begin = 0
            below = top
        search_rows(p, w, simd, node)
        if w.base.grown.nodes[node].n_left == 0:
            continue
        if split_rows(p, w, node) < 0:
            free(stack)
            return NO_MEMORY
        if top + 2 > capacity:
            capacity *= 2
            grown = realloc(stack, capacity * sizeof(int32_t))
            if grown == NULL:
                free(stack)
                return NO_MEMORY
            stack = <int32_t *> grown
        left = w.base.grown.nodes[node].left
        stack[top] = left + 1
        stack[top + 1] = left
        top += 2
    free(stack)
    return 0


cdef inline void offer(
    const DrawnProblem *p, DrawnWork *w, const fastml_kernels *simd, int node, Candidate *heap, int *n_heap
) noexcept nogil:
    """Search a node and queue it if it can be split."""
    cdef Candidate candidate
    if stays_leaf(&p.exact, &w.base.grown.nodes[node]):
        return
    search_rows(p, w, simd, node)
    if w.base.grown.nodes[node].n_left > 0:
        candidate.key = w.base.grown.nodes[node].gain
        candidate.node = node
        queue_push(heap, n_heap, candidate)


cdef inline int grow_rows_best_first(const DrawnProblem *p, DrawnWork *w, const fastml_kernels *simd) noexcept nogil:
    """The node with the largest gain first, up to max_leaves; 0, or NO_MEMORY."""
    cdef ptrdiff_t most = 2 * min(<ptrdiff_t> p.exact.options.max_leaves, p.exact.n) + 2
    cdef Candidate *heap = <Candidate *> malloc(most * sizeof(Candidate))
    cdef int n_heap = 0, leaves = 1, node, left, rc = 0
    if heap == NULL:
        return NO_MEMORY
    offer(p, w, simd, 0, heap, &n_heap)
    while n_heap > 0 and leaves < p.exact.options.max_leaves and not fastml_stopped(p.exact.stop):
        node = queue_pop(heap, &n_heap).node
        sum_parts(p, w, &w.base.grown.nodes[node])
        rc = split_rows(p, w, node)
        if rc < 0:
            break
        leaves += 1
        left = w.base.grown.nodes[node].left
        offer(p, w, simd, left, heap, &n_heap)
        offer(p, w, simd, left + 1, heap, &n_heap)
    free(heap)
    return min(rc, 0)
