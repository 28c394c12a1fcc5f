"""Rows through the trees of a forest to the leaves' numbers, and the leaves' shares added up.

A value becomes the number of thresholds of its column below it, so that a node is 8 bytes and a step one comparison of
integers; twice for each column, since a missing value goes left at some nodes and right at others. A leaf leads to
itself, and LANES rows step together to hide the latency of their loads. Limit: simd/votes.inl.
"""

cimport numpy as cnp
from cython.parallel cimport parallel, prange
from libc.math cimport isnan
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc

from kernels.forest_layout cimport CATEGORICAL_BIT, FEATURE_BITS, MISSING_LEFT_BIT, check_forest, nodes_of
from kernels.radix_sort cimport key64, number64, radix_sort
from simd.simd cimport FASTML_VOTE_LANES, fastml_kernels, fastml_simd, fastml_vote_node
from types cimport Node

import numpy as np

cnp.import_array()

cdef enum:
    LANES = FASTML_VOTE_LANES
    LEAST_BLOCK = 64                # rows that go through a tree together: many, since a tree fits in the second-level
    BLOCK_BYTES = 1 << 17           # cache and a forest does not, but so few that their keys fit there too
    TO_RIGHT = 0xFFFF               # key of a missing value at a node that sends it right; and a leaf's threshold
    MOST_THRESHOLDS = 0xFFFE        # of a column


cdef struct VoteNode:               # 8 bytes: key > threshold goes to left + 1
    uint32_t left
    uint16_t threshold
    uint16_t slot


cdef struct Bucketed:               # thresholds of a column, and a table of where to start looking
    const double *sorted
    int64_t n
    double low
    double scale
    const int32_t *start            # (N_BUCKETS + 1,)

cdef enum:
    N_BUCKETS = 1024


cdef inline uint16_t key_of(const Bucketed *b, double x) noexcept nogil:
    """How many thresholds are below x."""
    cdef double at = (x - b.low) * b.scale
    cdef int64_t bucket, first, last, middle
    bucket = 0 if not at > 0.0 else (N_BUCKETS - 1 if at >= N_BUCKETS - 1 else <int64_t> at)
    first = b.start[bucket]
    last = b.start[bucket + 1]
    while first < last:
        middle = (first + last) >> 1
        if b.sorted[middle] < x:
            first = middle + 1
        else:
            last = middle
    return <uint16_t> first


def can_vote(nodes, Py_ssize_t n_features):
    """Whether VoteForest can take these nodes: no split by category, few enough columns."""
    cdef const Node *node = nodes_of(nodes)
    cdef Py_ssize_t i
    for i in range(len(nodes)):
        if node[i].left != 0 and node[i].feature >> CATEGORICAL_BIT & 1:
            return False
    return 2 * n_features < 65536


cdef class VoteForest:
    """Trees ready to walk; see vote_predictor.pyi."""

    cdef readonly Py_ssize_t n_trees, n_features
    cdef object _nodes, _leaf, _pure, _root, _thresholds, _starts
    cdef const VoteNode *nodes
    cdef const int32_t *leaf        # (n_nodes,) number of each leaf in its tree
    cdef const int32_t *pure        # (n_nodes,) class of a leaf that has but one, else -1; or NULL
    cdef const int64_t *root        # (n_trees + 1,)
    cdef Bucketed *columns          # (n_used,)
    cdef object _used
    cdef const int32_t *used
    cdef Py_ssize_t n_used

    def __cinit__(self):
        self.columns = NULL

    def __dealloc__(self):
        free(self.columns)

    def __init__(
        self, nodes, tree_start, Py_ssize_t n_features, const int64_t[::1] leaf_start=None,
        const int32_t[::1] share_start=None, const int32_t[::1] classes=None,
    ):
        cdef const int64_t[::1] start = np.ascontiguousarray(tree_start, np.int64)
        cdef Py_ssize_t n = len(nodes), t, i, j
        cdef const Node *node
        cdef VoteNode *out
        cdef int64_t number
        cdef int32_t[::1] leaf, code, pure, slot_of = np.full(n_features + 1, -1, np.int32)
        check_forest(nodes, start, 0, n_features)
        self.n_trees = start.shape[0] - 1
        self.n_features = n_features
        self._root = np.asarray(start)
        self.root = <const int64_t *> cnp.PyArray_DATA(self._root)
        self._leaf = np.zeros(n, np.int32)
        leaf = self._leaf
        node = nodes_of(nodes)
        for i in range(n):
            if node[i].left != 0:
                slot_of[node[i].feature & FEATURE_BITS] = 0
        self._used = np.flatnonzero(np.asarray(slot_of)[:n_features] == 0).astype(np.int32)
        self.used = <const int32_t *> cnp.PyArray_DATA(self._used)
        self.n_used = len(self._used)
        for j in range(self.n_used):
            slot_of[self.used[j]] = <int32_t> j
        code = self.find_codes(node, n, slot_of)
        self._nodes = np.empty(n, np.uint64)
        out = <VoteNode *> cnp.PyArray_DATA(self._nodes)
        for t in range(self.n_trees):
            for i in range(start[t], start[t + 1]):
                if node[i].left == 0:
                    out[i].left = <uint32_t> i
                    out[i].threshold = TO_RIGHT
                    out[i].slot = 0
                    leaf[i] = <int32_t> node[i].value
                else:
                    out[i].left = <uint32_t> (start[t] + node[i].left)
                    out[i].threshold = <uint16_t> code[i]
                    out[i].slot = <uint16_t> (2 * slot_of[node[i].feature & FEATURE_BITS])
                    out[i].slot += node[i].feature >> MISSING_LEFT_BIT
        self.nodes = out
        self.leaf = &leaf[0]
        self.pure = NULL
        if share_start is None:
            return
        if leaf_start.shape[0] != self.n_trees + 1 or share_start.shape[0] != leaf_start[self.n_trees] + 1 \
                or classes.shape[0] != share_start[share_start.shape[0] - 1]:
            raise ValueError("share_start and classes do not fit the leaves: they are damaged")
        self._pure = np.full(n, -1, np.int32)
        pure = self._pure
        for t in range(self.n_trees):
            for i in range(start[t], start[t + 1]):
                number = leaf_start[t] + leaf[i]
                if node[i].left == 0 and share_start[number + 1] == share_start[number] + 1:
                    pure[i] = classes[share_start[number]]
        self.pure = &pure[0]

    cdef object find_codes(self, const Node *node, Py_ssize_t n_nodes, const int32_t[::1] slot_of):
        """The number of each node's threshold among those of its column, and the columns' tables."""
        cdef int64_t[::1] begin = np.zeros(self.n_used + 1, np.int64), place
        cdef Py_ssize_t n, i, k, m, at
        for i in range(n_nodes):
            if node[i].left != 0:
                begin[slot_of[node[i].feature & FEATURE_BITS] + 1] += 1
        for k in range(self.n_used):
            begin[k + 1] += begin[k]
        place = np.array(begin)
        n = begin[self.n_used]
        cdef uint64_t[::1] keys = np.empty(n + 1, np.uint64), spare = np.empty(n + 1, np.uint64)
        cdef uint32_t[::1] who = np.empty(n + 1, np.uint32), spare_who = np.empty(n + 1, np.uint32)
        cdef int32_t[::1] code = np.zeros(n_nodes + 1, np.int32)
        cdef double[::1] thresholds = np.empty(n + 1)
        cdef int32_t[:, ::1] starts = np.empty((self.n_used + 1, N_BUCKETS + 1), np.int32)
        cdef uint64_t *key
        cdef uint32_t *own
        cdef Bucketed *b
        for i in range(n_nodes):
            if node[i].left != 0:
                k = slot_of[node[i].feature & FEATURE_BITS]
                keys[place[k]] = key64(node[i].value)
                who[place[k]] = <uint32_t> i
                place[k] += 1
        free(self.columns)
        self.columns = <Bucketed *> malloc((self.n_used + 1) * sizeof(Bucketed))
        if self.columns == NULL:
            raise MemoryError
        self._thresholds, self._starts = np.asarray(thresholds), np.asarray(starts)
        for k in range(self.n_used):
            at = begin[k]
            n = begin[k + 1] - at
            key, own = &keys[at], &who[at]
            if radix_sort(key, &spare[at], own, &spare_who[at], <uint32_t> n):
                key, own = &spare[at], &spare_who[at]
            m = 0
            for i in range(n):
                if i == 0 or key[i] != key[i - 1]:
                    thresholds[at + m] = number64(key[i])
                    m += 1
                code[own[i]] = <int32_t> (m - 1)
            if m > MOST_THRESHOLDS:
                raise OverflowError(f"column {self.used[k]} has {m} thresholds, more than {MOST_THRESHOLDS}")
            b = &self.columns[k]
            b.sorted = &thresholds[at]
            b.n = m
            fill_buckets(b, &starts[k, 0])
        return np.asarray(code)

    def leaf_numbers(self, X, Py_ssize_t tree_begin=0, tree_end=None, int n_threads=1):
        """(n, trees) int32; see vote_predictor.pyi."""
        cdef Py_ssize_t stop = self.n_trees if tree_end is None else tree_end
        self.check(X, tree_begin, stop)
        cdef int32_t[:, ::1] out = np.empty((X.shape[0], stop - tree_begin), np.int32)
        if out.size:
            self.run(X, &out[0, 0], NULL, NULL, NULL, NULL, NULL, 0, NULL, tree_begin, stop, n_threads)
        return np.asarray(out)

    def add_shares(
        self, X, const int64_t[::1] leaf_start, const double[::1] shares, double[:, ::1] total_inout,
        const int32_t[::1] share_start=None, const int32_t[::1] classes=None, const uint8_t[::1] use=None,
        Py_ssize_t tree_begin=0, tree_end=None, int n_threads=1,
    ):
        """total_inout (n, width) += shares of each row's leaves; see vote_predictor.pyi."""
        cdef Py_ssize_t stop = self.n_trees if tree_end is None else tree_end, n_leaves
        self.check(X, tree_begin, stop)
        if total_inout.shape[0] != X.shape[0] or leaf_start.shape[0] != self.n_trees + 1:
            raise ValueError(f"total_inout must have {X.shape[0]} rows, leaf_start {self.n_trees + 1} numbers")
        n_leaves = leaf_start[self.n_trees]
        if share_start is None and shares.shape[0] != n_leaves * total_inout.shape[1]:
            raise ValueError(f"shares must have {n_leaves} x {total_inout.shape[1]} numbers")
        if share_start is not None and (share_start.shape[0] != n_leaves + 1 or classes.shape[0] != shares.shape[0]):
            raise ValueError("share_start and classes do not fit the leaves: they are damaged")
        if use is not None and use.shape[0] != X.shape[0]:
            raise ValueError(f"use must have {X.shape[0]} numbers")
        if total_inout.size:
            self.run(X, NULL, &leaf_start[0], &shares[0] if shares.shape[0] else NULL, &total_inout[0, 0],
                     NULL if share_start is None else &share_start[0],
                     NULL if classes is None or classes.shape[0] == 0 else &classes[0], total_inout.shape[1],
                     NULL if use is None else &use[0], tree_begin, stop, n_threads)

    cdef int check(self, X, Py_ssize_t begin, Py_ssize_t end) except -1:
        if not isinstance(X, np.ndarray) or X.ndim != 2 or X.dtype not in (np.float32, np.float64) \
                or not X.dtype.isnative or not X.flags.aligned or X.shape[1] != self.n_features:
            raise ValueError(f"X must be an aligned float32 or float64 array of shape (n, {self.n_features})")
        if not 0 <= begin <= end <= self.n_trees:
            raise ValueError(f"trees {begin} to {end} are not within the forest's {self.n_trees}")
        return 0

    cdef int run(
        self, object X, int32_t *leaf_out, const int64_t *leaf_start, const double *shares, double *total,
        const int32_t *share_start, const int32_t *classes, Py_ssize_t width, const uint8_t *use, Py_ssize_t begin,
        Py_ssize_t end, int n_threads,
    ) except -1:
        cdef const char *data = <const char *> cnp.PyArray_DATA(<cnp.ndarray> X)
        cdef Py_ssize_t row_stride = X.strides[0], column_stride = X.strides[1], n = X.shape[0], block, rows, i
        cdef Py_ssize_t stride = 2 * self.n_used + 2, threads = max(n_threads, 1)
        cdef Py_ssize_t size = max(<Py_ssize_t> LEAST_BLOCK, <Py_ssize_t> BLOCK_BYTES // (2 * stride))
        cdef bint single = X.dtype == np.float32, failed = False
        cdef uint16_t *keys = NULL
        size = (min(size, (n + threads - 1) // threads) + LANES - 1) // LANES * LANES
        with nogil, parallel(num_threads=threads):
            keys = <uint16_t *> malloc(size * stride * sizeof(uint16_t))
            for block in prange((n + size - 1) // size, schedule="static"):
                if keys == NULL:
                    failed = True
                    continue
                rows = min(size, n - block * size)
                for i in range((rows + LANES - 1) // LANES * LANES):  # lanes are filled up with the last row
                    self.make_keys(data + (block * size + min(i, rows - 1)) * row_stride, column_stride, single,
                                   keys + i * stride)
                self.walk(keys, stride, block * size, rows, begin, end, leaf_out, leaf_start, shares, total,
                          share_start, classes, width, use)
            free(keys)
        if failed:
            raise MemoryError
        return 0

    cdef inline void make_keys(
        self, const char *row, Py_ssize_t column_stride, bint single, uint16_t *keys_out
    ) noexcept nogil:
        cdef Py_ssize_t k
        cdef const char *cell
        cdef double x
        keys_out[0] = keys_out[1] = 0
        for k in range(self.n_used):
            cell = row + self.used[k] * column_stride
            x = (<const float *> cell)[0] if single else (<const double *> cell)[0]
            if isnan(x):
                keys_out[2 * k] = TO_RIGHT
                keys_out[2 * k + 1] = 0
            else:
                keys_out[2 * k] = keys_out[2 * k + 1] = key_of(&self.columns[k], x)

    cdef inline void walk(
        self, const uint16_t *keys, Py_ssize_t stride, Py_ssize_t first, Py_ssize_t n_rows, Py_ssize_t begin,
        Py_ssize_t end, int32_t *leaf_out, const int64_t *leaf_start, const double *shares, double *total,
        const int32_t *share_start, const int32_t *classes, Py_ssize_t width, const uint8_t *use,
    ) noexcept nogil:
        """Tree by tree over a block of rows, which are first, first + 1, ... of all."""
        cdef Py_ssize_t t, i, j, r, k
        cdef int64_t leaf
        cdef uint32_t at[LANES]
        cdef const fastml_kernels *simd = fastml_simd()
        for t in range(begin, end):
            for i in range(0, n_rows, 32):  # LANES
                simd.walk_votes(<const fastml_vote_node *> self.nodes, keys + i * stride, stride,
                                <uint32_t> self.root[t], at)
                for j in range(min(<Py_ssize_t> LANES, n_rows - i)):
                    r = first + i + j
                    if leaf_out != NULL:
                        leaf_out[r * (end - begin) + t - begin] = self.leaf[at[j]]
                        continue
                    if use != NULL and not use[r]:
                        continue
                    if self.pure != NULL and self.pure[at[j]] >= 0:  # a share of 1, found without another miss
                        total[r * width + self.pure[at[j]]] += 1.0
                        continue
                    leaf = leaf_start[t] + self.leaf[at[j]]
                    if share_start == NULL:
                        for k in range(width):
                            total[r * width + k] += shares[leaf * width + k]
                    else:
                        for k in range(share_start[leaf], share_start[leaf + 1]):
                            total[r * width + classes[k]] += shares[k]


cdef void fill_buckets(Bucketed *b, int32_t *start) noexcept nogil:
    """start[k]: the first threshold that a value in bucket k can be compared with. Values are put in buckets as key_of
    does it, so that rounding cannot part the two."""
    cdef int64_t i, k, bucket = 0
    cdef double low = b.sorted[0], at
    # An infinite threshold sends all that is present to the left; it must not widen the buckets.
    cdef double width = b.sorted[b.n - 1 if b.n == 1 or b.sorted[b.n - 1] < 1e308 else b.n - 2] - low
    b.start = start
    b.low = low
    b.scale = (N_BUCKETS - 1) / width if 0.0 < width < 1e300 and (N_BUCKETS - 1) / width < 1e300 else 0.0
    k = 0
    for i in range(b.n):            # thresholds of bucket k lie between start[k] and start[k + 1]
        at = (b.sorted[i] - low) * b.scale
        bucket = 0 if not at > 0.0 else (N_BUCKETS - 1 if at >= N_BUCKETS - 1 else <int64_t> at)
        while k <= bucket:
            start[k] = <int32_t> i
            k += 1
    while k <= N_BUCKETS:
        start[k] = <int32_t> b.n
        k += 1


def add_leaf_shares(
    const int64_t[:, ::1] leaves, const double[::1] shares, double[:, ::1] total_inout,
    const int32_t[::1] share_start=None, const int32_t[::1] classes=None, const uint8_t[::1] use=None,
    int n_threads=1,
):
    """total_inout (n, width) += shares of leaves that are known; see vote_predictor.pyi."""
    cdef Py_ssize_t n = leaves.shape[0], r, t, k, width = total_inout.shape[1]
    cdef int64_t leaf
    if total_inout.shape[0] != n or (use is not None and use.shape[0] != n):
        raise ValueError(f"total_inout and use must have {n} rows")
    for r in prange(n, nogil=True, num_threads=max(n_threads, 1), schedule="static"):
        if use is not None and not use[r]:
            continue
        for t in range(leaves.shape[1]):
            leaf = leaves[r, t]
            if share_start is None:
                for k in range(width):
                    total_inout[r, k] += shares[leaf * width + k]
            else:
                for k in range(share_start[leaf], share_start[leaf + 1]):
                    total_inout[r, classes[k]] += shares[k]
