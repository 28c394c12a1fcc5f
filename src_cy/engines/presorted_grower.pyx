"""Grows trees with exact thresholds from gradients and hessians, on columns that were sorted once for all trees.

A level of a tree is grown at a time (best first: a node). Its rows are marked with their sides; then each pair of a
node and a column is one thread's: the entries are moved to the children and searched there while they are near.
Limit: for each entry, a level takes a side and a gradient pair from anywhere in the cache, and 24 bytes in order.
Sums are exact, see kernels/presorted_search.pxd: the same bits for any number of threads.
"""

from cython.parallel cimport prange, threadid
from libc.float cimport FLT_MAX
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memset

from kernels.grow_options cimport set_options
from kernels.interactions cimport open_interactions
from kernels.interrupt cimport fastml_interrupt, fastml_stopped
from kernels.presorted_columns cimport choose_columns
from kernels.presorted_growth cimport (
    Presorted, SortedNode, draw_column, follow, follow_all, give_slot, mark_missing, mark_present, move_column,
    pack_block, presorted_free, presorted_init, prune, prunes_later, reserve, run_of, search_column, splittable,
    take_slot, threshold_of, unit_of,
)
from kernels.presorted_search cimport Cut, Sums, WidePair, less
from kernels.queue cimport Candidate, queue_pop, queue_push
from kernels.sampling cimport sample_columns
from kernels.sorted_runs cimport count_present
from kernels.split cimport leaf_weight, score
from types cimport Node

import numpy as np

from fastml._engines.runtime import stop_address

NODE = np.dtype([("value", "<f8"), ("left", "<i4"), ("feature", "<u4")])

cdef enum:
    CATEGORICAL_BIT = 30
    MISSING_LEFT_BIT = 31
    BLOCK = 4096                    # rows of a step of work
    SERIAL_BELOW = 16384            # entries that are moved and searched faster by one thread
    SHARED_ROWS = 131072            # rows from which on threads share what goes over them: they write to the same lines
    MOST_CUTS = 131072              # of a batch of nodes: 12 MB


cdef class PresortedGrower:
    """Grows one tree a call and output, on the same sorted columns each time; see presorted_grower.pyi."""

    cdef Presorted p
    cdef int n_threads, n_outputs, batch_size
    cdef int64_t n_rounds
    cdef uint64_t **scratch         # (n_threads,) of n entries
    cdef Cut *cuts                  # (2 batch_size, n_features)
    cdef uint8_t *chosen            # (2 batch_size, n_features)
    cdef int32_t[::1] batch
    cdef object arrays              # keeps the memory alive that p points to

    def __cinit__(
        self, const uint64_t[:, ::1] entries, const double[::1] values, const int64_t[::1] values_start, dict options,
        const uint8_t[::1] is_categorical=None, int n_outputs=1, int n_threads=1, int64_t first_round=0,
        double share=0.0,
    ):
        cdef Presorted *p = &self.p
        cdef ptrdiff_t d = entries.shape[0], j
        cdef uint32_t[::1] present = np.zeros(d + 1, np.uint32)
        cdef uint64_t[::1] all_rows
        cdef int t
        p.n_features = <int> d
        p.n = entries.shape[1]
        if d == 0 or p.n == 0:
            raise ValueError(f"entries of shape ({d}, {p.n}) hold no value to split")
        options = dict(options)
        interactions = options.pop("interactions", None)
        set_options(&p.options, options)
        if interactions is not None:
            open_interactions(&p.interactions, interactions.sets, interactions.most, p.n_features)
        p.bounds.share = share
        p.entries = &entries[0, 0]
        p.values = &values[0] if values.shape[0] else NULL
        p.values_start = &values_start[0]
        p.is_categorical = NULL if is_categorical is None else &is_categorical[0]
        for j in range(d):
            present[j] = <uint32_t> count_present(&entries[j, 0], p.n)
        p.present = &present[0]
        p.all_rows = NULL
        if np.min(present[:d]) < p.n:
            all_rows = np.arange(p.n, dtype=np.uint64)
            p.all_rows = &all_rows[0]
        self.arrays = (entries, values, values_start, is_categorical, present, interactions,
                       all_rows if p.all_rows != NULL else None)
        self.n_threads = max(n_threads, 1)
        self.n_outputs = n_outputs
        self.n_rounds = first_round
        self.batch_size = <int> max(1, min(p.n, MOST_CUTS // (2 * d)))
        self.batch = np.empty(self.batch_size, np.int32)
        self.cuts = <Cut *> malloc(<size_t> 2 * self.batch_size * d * sizeof(Cut))
        self.chosen = <uint8_t *> malloc(<size_t> 2 * self.batch_size * d)
        self.scratch = <uint64_t **> calloc(self.n_threads, sizeof(void *))
        if not presorted_init(p) or self.cuts == NULL or self.chosen == NULL or self.scratch == NULL:
            raise MemoryError
        for t in range(self.n_threads):
            self.scratch[t] = <uint64_t *> malloc(p.n * sizeof(uint64_t))
            if self.scratch[t] == NULL:
                raise MemoryError

    def __dealloc__(self):
        cdef int t
        presorted_free(&self.p)
        free(self.cuts)
        free(self.chosen)
        if self.scratch != NULL:
            for t in range(self.n_threads):
                free(self.scratch[t])
            free(self.scratch)

    def set_learning_rate(self, double learning_rate):
        self.p.options.learning_rate = learning_rate

    def set_least(self, double min_child_weight, double min_split_gain):
        """Other limits from the next tree on, where they hang on the rows that were drawn for it."""
        self.p.options.min_child_weight = min_child_weight
        self.p.options.min_split_gain = min_split_gain

    def grow(
        self, const float[:, ::1] grad, const float[:, ::1] hess, const double[::1] weight,
        const uint8_t[::1] sampled, const double[:, ::1] stats, int32_t[:, ::1] leaf_of_out,
    ):
        cdef int k, rc
        cdef Presorted *p = &self.p
        cdef double h_sum
        p.stop = <const fastml_interrupt *> <size_t> stop_address()
        trees = []
        for k in range(self.n_outputs):
            p.leaf_of = &leaf_of_out[k, 0]
            h_sum = p.n if weight is None else np.sum(weight)
            if hess is not None and not p.options.first_order:
                h_sum = stats[k, 1]
            h_sum = max(h_sum, 1e-280)
            p.unit_g = unit_of(stats[k, 0])
            p.unit_h = unit_of(h_sum)
            p.bounds.dispersion = stats[k, 2] / h_sum
            p.bounds.least_h = p.options.min_child_weight * (1.0 - 1e-12)
            p.bounds.least_rows = max(1, p.options.min_samples_leaf)
            # Second order: as XGBoost. First order, as scikit-learn: any gain that is not rounding.
            p.least_gain = 1e-12 * stats[k, 0] * stats[k, 0] / h_sum if p.options.first_order else 1e-6
            with nogil:
                rc = self.start(
                    &grad[k, 0], NULL if hess is None or p.options.first_order else &hess[k, 0],
                    NULL if weight is None else &weight[0], NULL if sampled is None else &sampled[0],
                    self.n_rounds * self.n_outputs + k + 1,
                )
                if rc == 0:
                    rc = self.grow_tree(self.n_rounds * self.n_outputs + k + 1)
            if rc < 0:
                raise MemoryError("no memory left for a tree's nodes: lower max_leaves or max_depth")
            trees.append(finished_tree(p, np.asarray(leaf_of_out[k])))
        self.n_rounds += 1
        return trees

    cdef int start(
        self, const float *grad, const float *hess, const double *weight, const uint8_t *sampled, int64_t stream
    ) except -2 nogil:
        """Pairs, the root's sums and runs; 0, or -1 where there is no memory."""
        cdef Presorted *p = &self.p
        cdef ptrdiff_t n_blocks = (p.n + BLOCK - 1) // BLOCK, b
        cdef int j, n_runs = p.n_features + (p.all_rows != NULL), threads = self.n_threads if p.n >= SHARED_ROWS else 1
        cdef SortedNode *root
        cdef Sums *sums = <Sums *> malloc(n_blocks * sizeof(Sums))
        if weight != NULL and p.wide == NULL:
            p.wide = <WidePair *> malloc(p.n * sizeof(WidePair))
        p.pairs.narrow = p.narrow
        p.pairs.wide = p.wide if weight != NULL else NULL
        if sums == NULL or not reserve(p, 1) or (weight != NULL and p.wide == NULL):
            free(sums)
            return -1
        for b in prange(n_blocks, num_threads=threads, schedule="static"):
            sums[b] = pack_block(p, b * BLOCK, min(p.n, (b + 1) * BLOCK), grad, hess, weight, sampled)
        root = &p.nodes[0]
        memset(root, 0, sizeof(SortedNode))
        for b in range(n_blocks):
            root.sums.g += sums[b].g
            root.sums.h += sums[b].h
            root.sums.n += sums[b].n
        free(sums)
        p.n_nodes = 1
        p.n_heap = 0
        p.n_free = 0
        for j in range(p.n_slots - 1, -1, -1):
            p.free_slots[p.n_free] = j
            p.n_free += 1
        root.slot = take_slot(p)
        memset(p.tree_columns, 1, p.n_features)
        if root.slot < 0 or sample_columns(
            p.tree_columns, p.tree_columns, p.n_features, p.options.colsample_bytree, p.options.seed,
            <uint64_t> stream << 32,
        ) < 0:
            return -1
        for j in range(n_runs):
            run_of(p, root, j).begin = 0
            run_of(p, root, j).count = <uint32_t> p.n if j == p.n_features else p.present[j]
            if j < p.n_features and not p.tree_columns[j]:
                run_of(p, root, j).count = 0
        p.root_moves = sampled != NULL
        if sampled != NULL:
            for j in prange(n_runs, num_threads=threads, schedule="dynamic", chunksize=1):
                draw_column(p, j, sampled)
        memset(p.leaf_of, 0, p.n * sizeof(int32_t))
        return 0

    cdef int grow_tree(self, int64_t stream) except -2 nogil:
        """0, or -1 where there is no memory."""
        cdef Presorted *p = &self.p
        cdef int j, i, node, n_batch, n_leaves = 1, depth, most = p.options.max_leaves
        cdef bint in_order = not p.options.lossguide
        if splittable(p, &p.nodes[0]):
            if choose_columns(p, 0, <uint64_t> stream << 32, self.chosen) < 0:
                return -1
            i = self.threads_for(p.nodes[0].sums.n)
            for j in prange(p.n_features, num_threads=i, schedule="dynamic", chunksize=1):
                self.search(0, 0, j)
            self.offer(0, 0)
        while p.n_heap > 0 and (most == 0 or n_leaves < most) and not fastml_stopped(p.stop):
            n_batch = 0
            depth = p.nodes[p.heap[0].node].depth
            if not reserve(p, p.n_nodes + 2 * self.batch_size):
                return -1
            while p.n_heap > 0 and n_batch < (self.batch_size if in_order else 1) and (
                (most == 0 or n_leaves < most) and p.nodes[p.heap[0].node].depth == depth
            ):
                node = queue_pop(p.heap, &p.n_heap).node
                self.batch[n_batch] = node
                n_batch += 1
                n_leaves += 1
                if self.add_children(node) < 0:
                    return -1
            self.mark(n_batch)
            if self.descend(n_batch, most > 0 and n_leaves >= most, stream) < 0:
                return -1
            for i in range(n_batch):
                give_slot(p, &p.nodes[self.batch[i]])
        return 0

    cdef int threads_for(self, ptrdiff_t rows) noexcept nogil:
        return self.n_threads if rows * self.p.n_features >= SERIAL_BELOW else 1

    cdef int add_children(self, int node) noexcept nogil:
        """Two nodes with the sums of their sides; room for them is there. -1: no memory for their runs."""
        cdef Presorted *p = &self.p
        cdef SortedNode *own = &p.nodes[node]
        cdef SortedNode *child
        cdef int side
        own.threshold = threshold_of(p, node)
        own.left = p.n_nodes
        p.n_nodes += 2
        for side in range(2):
            child = &p.nodes[own.left + side]
            memset(child, 0, sizeof(SortedNode))
            child.slot = -1
            child.parent = node
            child.depth = own.depth + 1
            child.sums = own.cut.left if side == 0 else less(own.sums, own.cut.left)
        if splittable(p, &p.nodes[own.left]) or splittable(p, &p.nodes[own.left + 1]):
            for side in range(2):
                p.nodes[own.left + side].slot = take_slot(p)
                if p.nodes[own.left + side].slot < 0:
                    return -1
        return 0

    cdef int mark(self, int n_batch) except -2 nogil:
        """The sides and the new nodes of all rows of the batch, a block of a run at a time."""
        cdef Presorted *p = &self.p
        cdef ptrdiff_t rows = 0, most = 0, n_blocks, t, first, present
        cdef int i, node, side, threads
        for i in range(n_batch):
            rows += p.nodes[self.batch[i]].sums.n
            most = max(most, p.nodes[self.batch[i]].sums.n)
        n_blocks = (most + BLOCK - 1) // BLOCK
        threads = self.n_threads if rows >= SHARED_ROWS else 1
        for side in range(0 if p.all_rows != NULL else 1, 2):   # 0: missing rows, 1: the others
            for t in prange(n_batch * n_blocks, num_threads=threads, schedule="dynamic", chunksize=1):
                node = self.batch[t // n_blocks]
                first = t % n_blocks * BLOCK
                present = run_of(p, &p.nodes[node], p.nodes[node].cut.feature).count
                if side == 1:
                    mark_present(p, node, first, min(first + BLOCK, present))
                elif present < p.nodes[node].sums.n:
                    mark_missing(p, node, first, min(first + BLOCK, p.nodes[node].sums.n))
        if rows < p.n // 8:         # jumping from row to row is faster than going over all of them
            for i in range(n_batch):
                follow(p, self.batch[i])
            return 0
        n_blocks = (p.n + BLOCK - 1) // BLOCK
        for t in prange(n_blocks, num_threads=threads, schedule="static"):
            follow_all(p, t * BLOCK, min(p.n, (t + 1) * BLOCK))
        return 0

    cdef int descend(self, int n_batch, bint is_last, int64_t stream) except -2 nogil:
        """Move the entries of the batch's nodes to their children, search these and queue what can be split."""
        cdef Presorted *p = &self.p
        cdef ptrdiff_t t, rows = 0, n_tasks, chunk
        cdef int i, side, n_moving = 0, node, j, threads, d = p.n_features + (p.all_rows != NULL)
        if is_last:
            return 0
        for i in range(n_batch):
            node = self.batch[i]
            if p.nodes[p.nodes[node].left].slot < 0:
                continue
            rows += p.nodes[node].sums.n
            for side in range(2):
                if choose_columns(p, p.nodes[node].left + side, <uint64_t> stream << 32,
                                  self.chosen + (2 * <ptrdiff_t> n_moving + side) * p.n_features) < 0:
                    return -1
            self.batch[n_moving], self.batch[i] = node, self.batch[n_moving]
            n_moving += 1
        threads = self.threads_for(rows)
        n_tasks = <ptrdiff_t> n_moving * d
        chunk = max(<ptrdiff_t> 1, min(<ptrdiff_t> d, n_tasks // (16 * threads)))
        for t in prange(n_tasks, num_threads=threads, schedule="dynamic", chunksize=chunk):
            node = self.batch[t // d]
            j = <int> (t % d)
            if fastml_stopped(p.stop):
                continue
            move_column(p, node, j, self.scratch[threadid()])
            if j < p.n_features:
                self.search(<int> (2 * (t // d)), p.nodes[node].left, j)
                self.search(<int> (2 * (t // d) + 1), p.nodes[node].left + 1, j)
        if fastml_stopped(p.stop):  # what was not moved is not searched: leaves
            return 0
        for i in range(n_moving):
            for side in range(2):
                self.offer(2 * i + side, p.nodes[self.batch[i]].left + side)
        return 0

    cdef void search(self, int place, int node, int j) noexcept nogil:
        """The best cut of the node on column j, to the batch's place."""
        cdef Presorted *p = &self.p
        cdef Cut *cut = self.cuts + <ptrdiff_t> place * p.n_features + j
        cut.place = 0
        if splittable(p, &p.nodes[node]) and self.chosen[<ptrdiff_t> place * p.n_features + j]:
            search_column(p, node, j, cut)

    cdef void offer(self, int place, int node) noexcept nogil:
        """Queue a node whose columns were searched, if any cut gains enough; else it stays a leaf."""
        cdef Presorted *p = &self.p
        cdef SortedNode *own = &p.nodes[node]
        cdef const Cut *cuts = self.cuts + <ptrdiff_t> place * p.n_features
        cdef int j, best = -1
        for j in range(p.n_features):
            if cuts[j].place > 0 and (best < 0 or cuts[j].worth > cuts[best].worth):
                best = j
        if best >= 0:
            own.cut = cuts[best]
            own.gain = own.cut.worth - score(own.sums.g, own.sums.h, &p.options)
            # A level at a time, a split that gains too little stays if one below it gains enough, as in XGBoost.
            if own.gain < p.options.min_split_gain and not prunes_later(&p.options):
                best = -1
        if best < 0:
            give_slot(p, own)
            return
        queue_push(p.heap, &p.n_heap, Candidate(own.gain if p.options.lossguide else -own.depth, node))


cdef tuple finished_tree(Presorted *p, leaf_of):
    """(nodes, gain, cover, categories) of the tree just grown, as arrays of their own; leaf_of in its numbers."""
    cdef int32_t[::1] number = np.empty(p.n_nodes, np.int32)
    cdef int n = prune(p, &number[0]), i
    cdef Node[::1] nodes = np.zeros(n, NODE)
    cdef float[::1] gain = np.zeros(n, np.float32)
    cdef float[::1] cover = np.empty(n, np.float32)
    cdef const SortedNode *own
    cdef Node *out
    codes_left = []
    if n < p.n_nodes:
        np.take(number, leaf_of, out=leaf_of)
    for i in range(p.n_nodes):
        own = &p.nodes[i]
        if own.depth < 0:
            continue
        out = &nodes[number[i]]
        cover[number[i]] = <float> own.sums.h
        if own.left <= 0:
            out.value = p.options.learning_rate * leaf_weight(own.sums.g, own.sums.h, &p.options)
            continue
        out.left = number[own.left]
        out.feature = <uint32_t> own.cut.feature
        out.value = own.threshold
        gain[number[i]] = <float> min(own.gain, <double> FLT_MAX)
        if own.cut.missing_left:
            out.feature |= <uint32_t> 1 << MISSING_LEFT_BIT
        if own.cut.categorical:
            out.feature |= <uint32_t> 1 << CATEGORICAL_BIT
            out.value = len(codes_left)
            codes_left.append([own.cut.levels.bits[k] for k in range(8)])
    categories = np.array(codes_left, np.uint32) if codes_left else None
    return np.asarray(nodes), np.asarray(gain), np.asarray(cover), categories
