"""Grows kd-trees: rows in kd order, points gathered by leaf with their columns apart, boxes; see kd_tree.pyi.

Nodes are halved in the middle of their widest column, level by level from one buffer to another; below the first levels
each thread grows subtrees of its own. Who computes a node has no influence on it. Limit: simd/kd_tree.inl.
"""

cimport numpy as cnp
from cython.parallel cimport prange
from libc.math cimport frexp, ldexp
from libc.stdint cimport int32_t, uint8_t, uint64_t

from simd.kd_tree cimport (
    FASTML_KD_COLUMNS, FASTML_KD_LANES, fastml_kd_kernels, fastml_kd_kernels_chosen, fastml_kd_points, fastml_kd_word,
)

import numpy as np

cnp.import_array()

cdef enum:
    SAMPLE = 2048           # rows that tell which columns to split by, and their middle
    SUBTREES_A_THREAD = 8   # levels are shared until there are so many nodes


cdef class KdTree:
    """Points in kd order; see kd_tree.pyi."""

    cdef readonly Py_ssize_t n_samples, n_features, leaf_capacity
    cdef readonly int depth
    cdef readonly object order, packed, boxes, lowest

    def __init__(self, X, Py_ssize_t leaf_size=32, int n_threads=1):
        if not isinstance(X, np.ndarray) or X.ndim != 2 or X.dtype not in (np.float32, np.float64) \
                or not X.flags.c_contiguous or not X.flags.aligned or not X.dtype.isnative:
            raise ValueError("X must be an aligned float32 or float64 array (n, d) in C order")
        if X.shape[0] < 1 or X.shape[1] < 1 or X.shape[0] >= 2**31 - 1:
            raise ValueError(f"X has shape {X.shape}: a tree takes 1 to 2^31 - 2 rows, and a column or more")
        if leaf_size < 1:
            raise ValueError(f"leaf_size={leaf_size} must be >= 1: it is a number of points")
        cdef double low = float(X.min()), high = float(X.max())
        if not (low - low == 0.0 and high - high == 0.0):
            raise ValueError("X holds NaN or infinity: a tree needs finite numbers")
        cdef Py_ssize_t n = X.shape[0], size = n
        self.n_samples, self.n_features, self.depth = n, X.shape[1], 0
        while size > leaf_size and (n >> (self.depth + 1)) > 0:
            self.depth += 1
            size = (n + (<Py_ssize_t> 1 << self.depth) - 1) >> self.depth
        self.leaf_capacity = (size + FASTML_KD_LANES - 1) // FASTML_KD_LANES * FASTML_KD_LANES
        cdef fastml_kd_points points
        describe(X, max(high, -low), self.depth, &points)
        self.order = np.empty(n, np.int32)
        grow(&points, self.order, max(n_threads, 1))
        n_leaves = 1 << self.depth
        self.packed = np.empty((n_leaves, self.n_features, self.leaf_capacity), X.dtype)
        self.boxes = np.empty((2 * n_leaves - 1, 2, self.n_features))
        self.lowest = np.empty(2 * n_leaves - 1, np.int32)
        self.pack(&points, max(n_threads, 1))

    cdef int pack(self, const fastml_kd_points *points, int n_threads) except -1:
        cdef const fastml_kd_kernels *kernels = fastml_kd_kernels_chosen()
        cdef Py_ssize_t j, first, n_leaves = <Py_ssize_t> 1 << self.depth, d = self.n_features, a, b, c
        cdef Py_ssize_t capacity = self.leaf_capacity
        cdef int depth = self.depth
        cdef bint single = points.single != NULL
        cdef void *packed = cnp.PyArray_DATA(self.packed)
        cdef const int32_t[::1] order = self.order
        cdef double[:, :, ::1] boxes = self.boxes
        cdef int32_t[::1] lowest = self.lowest
        for j in prange(n_leaves, nogil=True, schedule="static", num_threads=n_threads):
            first = (points.n * j) >> depth
            kernels.pack_leaf(
                points, &order[first], ((points.n * (j + 1)) >> depth) - first, capacity,
                <float *> packed + j * d * capacity if single else NULL,
                NULL if single else <double *> packed + j * d * capacity,
                &boxes[n_leaves - 1 + j, 0, 0], &lowest[n_leaves - 1 + j],
            )
        for j in range(n_leaves - 2, -1, -1):
            a = 2 * j + 1
            b = 2 * j + 2
            for c in range(d):
                boxes[j, 0, c] = min(boxes[a, 0, c], boxes[b, 0, c])
                boxes[j, 1, c] = max(boxes[a, 1, c], boxes[b, 1, c])
            lowest[j] = min(lowest[a], lowest[b])
        return 0

    def begins(self):
        """(n_leaves + 1,) int64: where each leaf begins in the order."""
        return (self.n_samples * np.arange((1 << self.depth) + 1)) >> self.depth


cdef int describe(X, double size, int depth, fastml_kd_points *points) except -1:
    """What the kernels need of X: where it lies, the columns of most variance, their middles, a scale for float32."""
    cdef Py_ssize_t n = X.shape[0], k
    cdef int exponent
    frexp(size, &exponent)
    points.scale = ldexp(1.0, min(100 - exponent, 1000)) if size > 0.0 else 1.0
    sample = np.ascontiguousarray(X[::(n + SAMPLE - 1) // SAMPLE], np.float64) * points.scale
    columns = np.arange(X.shape[1])
    if len(columns) > FASTML_KD_COLUMNS:
        columns = np.sort(np.argsort(-sample.std(axis=0), kind="stable")[:FASTML_KD_COLUMNS])
    middle = np.sort(sample[:, columns], axis=0)[len(sample) // 2] / points.scale
    points.single = <const float *> cnp.PyArray_DATA(X) if X.dtype == np.float32 else NULL
    points.wide = <const double *> cnp.PyArray_DATA(X) if X.dtype == np.float64 else NULL
    points.n, points.d, points.depth, points.n_columns = n, X.shape[1], depth, len(columns)
    for k in range(len(columns)):
        points.columns[k] = columns[k]
        points.centre[k] = middle[k]
    return 0


cdef int grow(const fastml_kd_points *points, order, int n_threads) except -1:
    """The order of all rows. Level l of the tree lies in buffer l % 2."""
    cdef const fastml_kd_kernels *kernels = fastml_kd_kernels_chosen()
    cdef Py_ssize_t n = points.n, width = points.n_columns + 1, j, n_nodes = 1, chunks, chunk
    cdef int32_t level = 0
    cdef object one_, two_, keys_ = np.empty(n, np.uint64)
    one_, two_ = np.empty(n * width, np.float32), np.empty(n * width, np.float32)
    cdef fastml_kd_word *one = <fastml_kd_word *> cnp.PyArray_DATA(one_)
    cdef fastml_kd_word *two = <fastml_kd_word *> cnp.PyArray_DATA(two_)
    cdef fastml_kd_word *swapped
    cdef uint64_t *keys = <uint64_t *> cnp.PyArray_DATA(keys_)
    cdef int32_t *out = <int32_t *> cnp.PyArray_DATA(order)
    cdef uint8_t[::1] done = np.zeros(4 * SUBTREES_A_THREAD * n_threads + 2, np.uint8)  # nodes without a split below
    chunks = min(<Py_ssize_t> n_threads, n)
    for chunk in prange(chunks, nogil=True, schedule="static", num_threads=n_threads):
        kernels.fill_records(points, n * chunk // chunks, n * (chunk + 1) // chunks, one)
    while n_threads > 1 and n_nodes < SUBTREES_A_THREAD * n_threads and level < points.depth:
        for j in prange(n_nodes, nogil=True, schedule="dynamic", num_threads=n_threads):
            if not done[n_nodes - 1 + j]:
                done[n_nodes - 1 + j] = not kernels.split_node(points, level, j, one, two, keys, out)
            if done[n_nodes - 1 + j]:
                done[2 * (n_nodes - 1 + j) + 1] = done[2 * (n_nodes - 1 + j) + 2] = 1
        swapped = one
        one = two
        two = swapped
        level += 1
        n_nodes *= 2
    for j in prange(n_nodes, nogil=True, schedule="dynamic", num_threads=n_threads):
        if not done[n_nodes - 1 + j]:
            kernels.grow_subtree(points, level, j, one, two, keys, out)
    return 0
