"""Grows trees with exact thresholds from columns that are kept in the order of their values.

Limit: a level of the tree reads each entry of each column twice (8 bytes in order, and the row's target and side from
anywhere in the cache), to search and to move it. Large nodes are shared by the threads column by column; below, each
thread grows whole subtrees. Sums are added in the order of one column's entries, so that bits do not depend on the
threads.
"""

from cpython.exc cimport PyErr_CheckSignals
from cython.parallel cimport prange, threadid
from libc.math cimport INFINITY
from libc.stdint cimport int8_t, int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy, memset

from kernels.exact_bounds cimport keep_within_bounds
from kernels.exact_columns cimport draw_columns, list_columns
from kernels.exact_cuts cimport search_column
from kernels.exact_growth cimport grow_below, grow_subtree, split_node, take_cut
from kernels.exact_nodes cimport (
    NO_MEMORY, ExactNode, ExactProblem, Grown, Work, run_of, stays_leaf, work_free, work_init,
)
from kernels.exact_options cimport set_options
from kernels.exact_start cimport keep_weighted, start_root
from kernels.interactions cimport open_interactions
from kernels.interrupt cimport fastml_interrupt, fastml_stopped
from kernels.impurity cimport OWN, Criterion, OwnImpurity
from kernels.queue cimport Candidate, queue_pop, queue_push
from kernels.sorted_runs cimport split_run
from types cimport Node

import numpy as np

from fastml._engines.runtime import stop_address

NODE = np.dtype([("value", "<f8"), ("left", "<i4"), ("feature", "<u4")])
CRITERIA = {"gini": 0, "entropy": 1, "log_loss": 1, "squared_error": 2, "poisson": 3, "absolute_error": 4, "own": 5}

cdef enum:
    CATEGORICAL_BIT = 30
    MISSING_LEFT_BIT = 31
    SHARED_ENTRIES = 32768          # of a node, over its columns, from which on threads share it
    TASKS_A_THREAD = 8              # subtrees, so that threads end together


cdef class ExactGrower:
    """Trees on one set of sorted columns; see exact_grower.pyi."""

    cdef const uint64_t[:, ::1] entries
    cdef const double[::1] values
    cdef const double[::1] largest
    cdef const int64_t[::1] values_start
    cdef const uint8_t[::1] is_categorical
    cdef ptrdiff_t n_samples
    cdef int n_threads

    def __cinit__(
        self, const uint64_t[:, ::1] entries, const double[::1] values, const int64_t[::1] values_start,
        int n_threads=1, const uint8_t[::1] is_categorical=None, const double[::1] largest=None,
    ):
        self.largest = values if largest is None else largest
        self.is_categorical = is_categorical
        self.entries = entries
        self.values = values
        self.values_start = values_start
        self.n_samples = entries.shape[1]
        self.n_threads = max(n_threads, 1)

    def grow(
        self, criterion, options, const int32_t[:, ::1] label=None, int n_classes=0, const double[:, ::1] y=None,
        const double[::1] weight=None, const int8_t[::1] monotone=None, bint in_place=False,
        own=None,
    ):
        """One tree; see exact_grower.pyi."""
        cdef ExactProblem p
        cdef Work w
        cdef ptrdiff_t j
        cdef uint64_t[:, ::1] moving
        cdef double[:, ::1] pairs
        cdef double[::1] fault = np.zeros(n_classes + 4)
        cdef int n_threads = self.n_threads
        cdef uint8_t[::1] goes_left = np.zeros(self.n_samples + 1, np.uint8)
        cdef int rc
        options = dict(options)
        interactions = options.pop("interactions", None)
        set_options(&p, options)
        p.n_features = <int> self.entries.shape[0]
        p.interactions.n_words = 0
        if interactions is not None:
            open_interactions(&p.interactions, interactions.sets, interactions.most, p.n_features)
        p.stop = <const fastml_interrupt *> <size_t> stop_address()
        p.values = &self.values[0] if self.values.shape[0] else NULL
        p.largest = &self.largest[0] if self.largest.shape[0] else NULL
        p.values_start = &self.values_start[0]
        p.is_categorical = NULL if self.is_categorical is None else &self.is_categorical[0]
        p.monotone = NULL if monotone is None else &monotone[0]
        p.goes_left = &goes_left[0]
        p.target.criterion = <Criterion> <int> CRITERIA[criterion]
        p.target.n = self.n_samples
        p.target.n_classes = n_classes
        p.target.n_outputs = <int> (label.shape[0] if label is not None else y.shape[0])
        p.target.width = p.target.n_outputs * max(n_classes, 1)
        p.target.own = NULL
        p.target.fault = &fault[0]
        if p.target.criterion == OWN:
            p.target.own = <OwnImpurity> <size_t> own.address
            p.target.width *= 1 if n_classes else 2
        p.target.label = NULL if label is None else &label[0, 0]
        p.target.y = NULL if y is None else &y[0, 0]
        p.target.weight = NULL if weight is None else &weight[0]
        p.n = self.n_samples if weight is None else np.count_nonzero(weight)
        if p.n == 0:
            raise ValueError("no row has a weight")
        p.target.pairs = NULL
        if p.target.weight != NULL and p.target.y != NULL and p.target.n_outputs == 1:
            pairs = np.empty((self.n_samples, 2))
            for j in range(self.n_samples):
                pairs[j, 0] = weight[j]
                pairs[j, 1] = weight[j] * y[0, j]
            p.target.pairs = &pairs[0, 0]
        if in_place and p.n == self.n_samples:
            moving = np.asarray(self.entries)
            p.entries = &moving[0, 0]
        else:
            moving = np.empty((p.n_features, p.n), np.uint64)
            p.entries = &moving[0, 0]
            for j in prange(p.n_features, nogil=True, num_threads=self.n_threads, schedule="static"):
                keep_weighted(&p, &self.entries[j, 0], j)
        memset(&w, 0, sizeof(Work))
        if own is not None and own.is_interpreted:
            self.n_threads = 1      # others could not get the lock that the caller holds
        try:
            if not work_init(&p, &w, p.n) or not start_root(&p, &w):
                raise MemoryError
            if p.options.max_leaves > 0:
                with nogil:
                    rc = self.grow_best_first(&p, &w)
                if rc < 0:
                    raise MemoryError
                grown = frozen(&p, &w.grown, NULL, NULL, 0)
            else:
                grown = self.grow_depth_first(&p, &w)
            if fastml_stopped(p.stop):
                PyErr_CheckSignals()
            if fault[0] != 0.0:
                own.refuse(np.asarray(fault)[1 : 1 + (n_classes or 3)])
            return grown
        finally:
            self.n_threads = n_threads
            work_free(&w)

    cdef bint is_shared(self, const ExactProblem *p, const Work *w, int node) noexcept nogil:
        return self.n_threads > 1 and w.grown.nodes[node].n * w.n_order >= SHARED_ENTRIES and w.n_order > 1

    cdef int search(self, const ExactProblem *p, Work *w, int node) except -2 nogil:
        """search_node, by all threads where that pays."""
        cdef int i, threads, wide = 2 * p.target.width
        cdef double *scratch = NULL
        if list_columns(p, w, node) < 0:
            return NO_MEMORY
        draw_columns(p, w, node)
        if self.is_shared(p, w, node):
            threads = min(self.n_threads, w.n_order)
            scratch = <double *> malloc(<size_t> (threads * (4 * p.target.width + 8)) * sizeof(double))
            if scratch == NULL:
                return NO_MEMORY
            for i in prange(w.n_order, num_threads=threads, schedule="dynamic", chunksize=1):
                w.cuts[i].proxy = -INFINITY
                if not fastml_stopped(p.stop):
                    search_column(p, w, node, w.order[i], scratch + threadid() * (2 * wide + 8), &w.cuts[i])
            free(scratch)
        else:
            for i in range(w.n_order):
                w.cuts[i].proxy = -INFINITY
                if not fastml_stopped(p.stop):
                    search_column(p, w, node, w.order[i], w.scratch, &w.cuts[i])
        if fastml_stopped(p.stop):
            w.n_order = 0           # no cut: it stays a leaf
        take_cut(p, w, node)
        return 0

    cdef int split(self, const ExactProblem *p, Work *w, int node) except -2 nogil:
        """split_node, and the other columns' entries, by all threads where that pays; 1 where entries moved."""
        cdef int moves = split_node(p, w, node), i, j, threads
        cdef const ExactNode *own = &w.grown.nodes[node]
        cdef uint64_t *moved
        if moves <= 0:
            return moves
        if self.n_threads > 1 and own.n * w.n_list >= SHARED_ENTRIES and w.n_list > 1:
            threads = min(self.n_threads, w.n_list)
            moved = <uint64_t *> malloc(<size_t> (threads * (own.n + 8)) * sizeof(uint64_t))
            if moved == NULL:
                return NO_MEMORY
            for i in prange(w.n_list, num_threads=threads, schedule="dynamic", chunksize=1):
                if w.lists[w.list + i] != own.feature:
                    split_run(run_of(p, own, w.lists[w.list + i]), own.n, p.goes_left,
                              moved + threadid() * (own.n + 8))
            free(moved)
        else:
            for i in range(w.n_list):
                j = w.lists[w.list + i]
                if j != own.feature:
                    split_run(run_of(p, own, j), own.n, p.goes_left, w.moved)
        return 1

    cdef int grow_best_first(self, const ExactProblem *p, Work *w) except -2 nogil:
        """The node with the largest gain first, up to max_leaves."""
        cdef ptrdiff_t most = 2 * min(<ptrdiff_t> p.options.max_leaves, p.n) + 2
        cdef Candidate *heap = <Candidate *> malloc(most * sizeof(Candidate))
        cdef int n_heap = 0, leaves = 1, node, child, rc
        if heap == NULL:
            return NO_MEMORY
        rc = self.offer(p, w, 0, heap, &n_heap)
        while rc >= 0 and n_heap > 0 and leaves < p.options.max_leaves and not fastml_stopped(p.stop):
            node = queue_pop(heap, &n_heap).node
            w.list = w.grown.nodes[node].columns    # its own by now, see offer
            w.n_list = w.grown.nodes[node].n_columns
            rc = self.split(p, w, node)
            leaves += 1
            if rc == 1:
                for child in range(2):
                    if rc >= 0:
                        rc = self.offer(p, w, w.grown.nodes[node].left + child, heap, &n_heap)
        free(heap)
        return rc

    cdef int offer(
        self, const ExactProblem *p, Work *w, int node, Candidate *heap, int *n_heap
    ) except -2 nogil:
        """Search a node and queue it if it can be split. `columns` becomes the list of its own varying columns."""
        cdef Candidate candidate
        if stays_leaf(p, &w.grown.nodes[node]):
            return 0
        if self.search(p, w, node) < 0:
            return NO_MEMORY
        w.grown.nodes[node].columns = w.list
        w.grown.nodes[node].n_columns = w.n_list
        if w.grown.nodes[node].n_left > 0:
            candidate.key = w.grown.nodes[node].gain
            candidate.node = node
            queue_push(heap, n_heap, candidate)
        return 0

    cdef object grow_depth_first(self, const ExactProblem *p, Work *w):
        """Large nodes by all threads, then subtrees side by side."""
        cdef int rc, n_tasks = 0, node, t, threads = self.n_threads
        cdef Grown *subtrees
        cdef ptrdiff_t task_rows = p.n // (TASKS_A_THREAD * threads)
        if threads == 1:
            with nogil:
                rc = grow_below(p, w)
            if rc < 0:
                raise MemoryError
            return frozen(p, &w.grown, NULL, NULL, 0)
        waiting, tasks = [0], []
        while waiting and not fastml_stopped(p.stop):
            node = waiting.pop()
            if stays_leaf(p, &w.grown.nodes[node]):
                continue
            if w.grown.nodes[node].n <= task_rows or w.grown.nodes[node].n * p.n_features < SHARED_ENTRIES:
                tasks.append(node)
                continue
            with nogil:
                rc = self.search(p, w, node)
            if rc < 0:
                raise MemoryError
            if w.grown.nodes[node].n_left == 0:
                continue
            with nogil:
                rc = self.split(p, w, node)
            if rc < 0:
                raise MemoryError
            if rc == 1:
                waiting += [w.grown.nodes[node].left + 1, w.grown.nodes[node].left]
        # The largest first, so that threads end together.
        tasks.sort(key=lambda node: -w.grown.nodes[<int> node].n)
        cdef int32_t[::1] roots = np.array(tasks, np.int32)
        n_tasks = len(tasks)
        subtrees = <Grown *> calloc(n_tasks + 1, sizeof(Grown))
        if subtrees == NULL:
            raise MemoryError
        rc = 0
        try:
            for t in prange(n_tasks, nogil=True, num_threads=threads, schedule="dynamic", chunksize=1):
                if grow_subtree(p, w, roots[t], &subtrees[t]) < 0:
                    rc += NO_MEMORY
            if rc < 0:
                raise MemoryError
            return frozen(p, &w.grown, subtrees, &roots[0] if n_tasks else NULL, n_tasks)
        finally:
            for t in range(n_tasks):
                free(subtrees[t].nodes)
                free(subtrees[t].sums)
            free(subtrees)


cdef tuple frozen(
    const ExactProblem *p, const Grown *top, const Grown *subtrees, const int32_t *roots, int n_subtrees
):
    """(nodes, categories, impurity, n_node_samples, weight, sums) with the children of each node numbered as it is
    reached, left subtrees first: whoever grew what."""
    cdef dict subtree_of = {roots[t]: t for t in range(n_subtrees)}
    cdef ptrdiff_t total = top.n
    cdef int t, i, n = 1, left
    cdef const Grown *g
    cdef const ExactNode *own
    for t in range(n_subtrees):
        total += subtrees[t].n - 1
    codes_left = []
    nodes = np.zeros(total, NODE)
    impurity = np.empty(total)
    n_samples = np.empty(total, np.int64)
    weight = np.empty(total)
    sums = np.empty((total, p.target.width))
    cdef Node[::1] nodes_view = nodes
    cdef double[::1] impurity_view = impurity
    cdef int64_t[::1] n_samples_view = n_samples
    cdef double[::1] weight_view = weight
    cdef double[:, ::1] sums_view = sums
    cdef int32_t[::1] stack = np.empty(3 * (total + 1), np.int32)   # subtree (-1: top), node there, number
    cdef ptrdiff_t top_of_stack = 3
    stack[0] = -1
    stack[1] = 0
    stack[2] = 0
    while top_of_stack > 0:
        top_of_stack -= 3
        t = stack[top_of_stack]
        i = stack[top_of_stack + 1]
        out = stack[top_of_stack + 2]
        if t < 0 and i in subtree_of:
            t = subtree_of[i]
            i = 0
        g = top if t < 0 else &subtrees[t]
        own = &g.nodes[i]
        impurity_view[out] = own.impurity
        n_samples_view[out] = own.n
        weight_view[out] = own.weight
        memcpy(&sums_view[out, 0], g.sums + <ptrdiff_t> i * p.target.width, p.target.width * sizeof(double))
        if p.monotone != NULL:
            keep_within_bounds(p, own, &sums_view[out, 0])
        left = own.left
        if left == 0:
            continue
        nodes_view[out].value = own.threshold
        nodes_view[out].left = n
        nodes_view[out].feature = <uint32_t> own.feature
        if own.categorical:
            nodes_view[out].value = len(codes_left)
            nodes_view[out].feature |= <uint32_t> 1 << CATEGORICAL_BIT
            codes_left.append([own.codes_left.bits[k] for k in range(8)])
        if own.missing_left:
            nodes_view[out].feature |= <uint32_t> 1 << MISSING_LEFT_BIT
        stack[top_of_stack] = t
        stack[top_of_stack + 1] = left + 1
        stack[top_of_stack + 2] = n + 1
        stack[top_of_stack + 3] = t
        stack[top_of_stack + 4] = left
        stack[top_of_stack + 5] = n
        top_of_stack += 6
        n += 2
    categories = np.array(codes_left, np.uint32).reshape(-1, 8)
    return nodes, categories, impurity, n_samples, weight, sums
