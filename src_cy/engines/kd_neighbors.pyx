"""Nearest points and points within a radius, by a kd-tree; see kd_neighbors.pyi.

Queries go down the tree in blocks that lie together: the leaves of a tree of the queries, which for all points against
themselves is the tree itself. A block belongs to one thread, so threads change nothing. Limit: simd/kd_query.inl.
"""

cimport numpy as cnp
from cpython.exc cimport PyErr_CheckSignals
from cython.parallel cimport prange, threadid
from libc.stdint cimport int32_t, int64_t

from kernels.distances cimport FASTML_MINKOWSKI, FASTML_N_BOXED, fastml_distance_of, fastml_metric, fastml_reduced_of
from kernels.metric_of cimport read_metric
from simd.kd_query cimport (
    FASTML_KD_BLOCK, fastml_kd_block, fastml_kd_nearest, fastml_kd_query_kernels, fastml_kd_query_kernels_chosen,
    fastml_kd_view,
)

import numpy as np

from fastml._engines.kd_tree import KdTree

cnp.import_array()

cdef enum:
    BLOCK = FASTML_KD_BLOCK
    LEAF = 32               # queries of a block, about
    BETWEEN_SIGNALS = 4096  # leaves between two looks for Ctrl-C
    MOST_KEPT = 1 << 21     # neighbours that a block keeps at once


cdef int view_of(tree, fastml_kd_view *out) except -1:
    cdef const int32_t[::1] order = tree.order, lowest = tree.lowest
    cdef const double[:, :, ::1] boxes = tree.boxes
    out.n, out.d, out.capacity, out.depth = tree.n_samples, tree.n_features, tree.leaf_capacity, tree.depth
    if order.shape[0] != out.n or lowest.shape[0] != (2 << out.depth) - 1 or boxes.shape[0] != lowest.shape[0] \
            or boxes.shape[2] != out.d or tree.packed.shape != (1 << out.depth, out.d, out.capacity):
        raise ValueError("the arrays of the tree do not belong together: it is damaged")
    out.order, out.lowest, out.boxes = &order[0], &lowest[0], &boxes[0, 0, 0]
    out.single = <const float *> cnp.PyArray_DATA(tree.packed) if tree.packed.dtype == np.float32 else NULL
    out.wide = <const double *> cnp.PyArray_DATA(tree.packed) if tree.packed.dtype == np.float64 else NULL
    return 0


cdef tuple boxed_metric(metric, fastml_metric *out):
    read_metric(metric, out)
    if out.kind >= FASTML_N_BOXED or out.kind == FASTML_MINKOWSKI:
        raise ValueError(f"metric kind {out.kind} is for the ball tree")
    return metric


def _blocks_of(X, Py_ssize_t d, int n_threads):
    """The queries as a tree."""
    if not isinstance(X, np.ndarray) or X.ndim != 2 or X.shape[1] != d:
        raise ValueError(f"queries must be an array (n, {d})")
    return KdTree(X, BLOCK if len(X) <= BLOCK else LEAF, n_threads)


cdef class _Search:
    """A kd-tree, a metric and queries that lie in blocks."""

    cdef object keep
    cdef fastml_kd_view tree, queries
    cdef fastml_metric metric
    cdef const fastml_kd_query_kernels *kernels
    cdef int n_threads
    cdef Py_ssize_t size            # queries of a block, at most
    cdef double[:, :, ::1] columns  # (n_threads, d, BLOCK)
    cdef double[:, ::1] centre      # (n_threads, d)
    cdef double[:, ::1] reduced     # (n_threads, size k)
    cdef int32_t[:, ::1] rows       # (n_threads, size k)

    def __init__(self, tree, metric, X, int n_threads):
        self.n_threads = max(n_threads, 1)
        self.kernels = fastml_kd_query_kernels_chosen()
        asking = tree if X is None else _blocks_of(X, tree.n_features, self.n_threads)
        self.keep = (tree, asking, boxed_metric(metric, &self.metric))
        view_of(tree, &self.tree)
        view_of(asking, &self.queries)

    cdef int make_room(self, Py_ssize_t k) except -1:
        """What each thread needs for a block."""
        self.size = max(1, min(<Py_ssize_t> BLOCK, MOST_KEPT // max(k, 1)))
        self.columns = np.empty((self.n_threads, self.tree.d, <Py_ssize_t> BLOCK))
        self.centre = np.empty((self.n_threads, self.tree.d))
        self.reduced = np.empty((self.n_threads, self.size * k))
        self.rows = np.empty((self.n_threads, self.size * k), np.int32)
        return 0

    cdef Py_ssize_t fill(
        self, Py_ssize_t leaf, Py_ssize_t at, Py_ssize_t n, int thread, fastml_kd_block *out
    ) noexcept nogil:
        """Queries from `at` on of a leaf of n as a block; returns how many there are."""
        cdef Py_ssize_t c, i, size = min(self.size, n - at), d = self.tree.d, first
        cdef const double *box = self.queries.boxes + 2 * d * (((<Py_ssize_t> 1) << self.queries.depth) - 1 + leaf)
        cdef double *columns = &self.columns[thread, 0, 0]
        for c in range(d):
            first = (leaf * d + c) * self.queries.capacity + at
            for i in range(size):
                columns[c * BLOCK + i] = self.queries.wide[first + i] if self.queries.single == NULL \
                    else self.queries.single[first + i]
            for i in range(size, BLOCK):
                columns[c * BLOCK + i] = columns[c * BLOCK + size - 1]
            self.centre[thread, c] = 0.5 * box[c] + 0.5 * box[d + c]
        out.n, out.columns, out.box, out.centre = size, columns, box, &self.centre[thread, 0]
        return size

    cdef int nearest(self, Py_ssize_t k, double[:, ::1] distance_out, int64_t[:, ::1] row_out) except -1:
        cdef Py_ssize_t n_leaves = <Py_ssize_t> 1 << self.queries.depth, leaf, first, last
        self.make_room(k)
        for first in range(0, n_leaves, BETWEEN_SIGNALS):
            last = min(n_leaves, first + BETWEEN_SIGNALS)
            for leaf in prange(first, last, nogil=True, schedule="dynamic", chunksize=8, num_threads=self.n_threads):
                self.nearest_of_leaf(leaf, k, threadid(), distance_out, row_out)
            PyErr_CheckSignals()
        return 0

    cdef void nearest_of_leaf(
        self, Py_ssize_t leaf, Py_ssize_t k, int thread, double[:, ::1] distance_out, int64_t[:, ::1] row_out
    ) noexcept nogil:
        cdef Py_ssize_t begin = (self.queries.n * leaf) >> self.queries.depth, at = 0, i, j, size, who
        cdef Py_ssize_t n = ((self.queries.n * (leaf + 1)) >> self.queries.depth) - begin
        cdef fastml_kd_block block
        cdef fastml_kd_nearest found
        while at < n:
            size = self.fill(leaf, at, n, thread, &block)
            found.k, found.reduced, found.rows = k, &self.reduced[thread, 0], &self.rows[thread, 0]
            self.kernels.nearest(&self.tree, &self.metric, &block, &found)
            for i in range(size):
                who = self.queries.order[begin + at + i]
                for j in range(k):
                    distance_out[who, j] = fastml_distance_of(&self.metric, found.reduced[i * k + j])
                    row_out[who, j] = found.rows[i * k + j]
            at = at + size

    cdef int within(
        self, const double[::1] radius, int64_t[::1] count_out, const int64_t[::1] start, int64_t *rows_out,
        double *distance_out,
    ) except -1:
        """Counts where rows_out is NULL, else lists."""
        cdef Py_ssize_t n_leaves = <Py_ssize_t> 1 << self.queries.depth, leaf, first, last
        self.make_room(0)
        for first in range(0, n_leaves, BETWEEN_SIGNALS):
            last = min(n_leaves, first + BETWEEN_SIGNALS)
            for leaf in prange(first, last, nogil=True, schedule="dynamic", chunksize=8, num_threads=self.n_threads):
                self.within_of_leaf(leaf, threadid(), radius, count_out, start, rows_out, distance_out)
            PyErr_CheckSignals()
        return 0

    cdef void within_of_leaf(
        self, Py_ssize_t leaf, int thread, const double[::1] radius, int64_t[::1] count_out, const int64_t[::1] start,
        int64_t *rows_out, double *distance_out,
    ) noexcept nogil:
        cdef Py_ssize_t begin = (self.queries.n * leaf) >> self.queries.depth, at = 0, i, j, size, who
        cdef Py_ssize_t n = ((self.queries.n * (leaf + 1)) >> self.queries.depth) - begin
        cdef fastml_kd_block block
        cdef double own_radius[BLOCK]
        cdef int64_t own_start[BLOCK]
        cdef int64_t own_count[BLOCK]
        while at < n:
            size = self.fill(leaf, at, n, thread, &block)
            for i in range(BLOCK):
                who = self.queries.order[begin + at + min(i, size - 1)]
                own_radius[i] = fastml_reduced_of(&self.metric, radius[who if radius.shape[0] > 1 else 0])
                own_start[i] = 0 if rows_out == NULL else start[who]
            if rows_out == NULL:
                self.kernels.count(&self.tree, &self.metric, &block, own_radius, own_count)
                for i in range(size):
                    count_out[self.queries.order[begin + at + i]] = own_count[i]
            else:
                self.kernels.within(&self.tree, &self.metric, &block, own_radius, own_start, rows_out, distance_out)
                if distance_out != NULL:
                    for i in range(size):
                        who = self.queries.order[begin + at + i]
                        for j in range(start[who], start[who + 1]):
                            distance_out[j] = fastml_distance_of(&self.metric, distance_out[j])
            at = at + size


def nearest(tree, metric, X, Py_ssize_t k, int n_threads=1):
    """(distances, rows), (n, k) each; see kd_neighbors.pyi."""
    cdef _Search search = _Search(tree, metric, X, n_threads)
    if not 1 <= k <= search.tree.n:
        raise ValueError(f"k={k} must be between 1 and the tree's {search.tree.n} points")
    distance = np.empty((search.queries.n, k))
    rows = np.empty((search.queries.n, k), np.int64)
    search.nearest(k, distance, rows)
    return distance, rows


def count_within(tree, metric, X, radius, int n_threads=1):
    """(n,) int64; see kd_neighbors.pyi."""
    cdef _Search search = _Search(tree, metric, X, n_threads)
    count = np.empty(search.queries.n, np.int64)
    search.within(_radii(radius, len(count)), count, None, NULL, NULL)
    return count


def list_within(tree, metric, X, radius, bint with_distance=True, int n_threads=1):
    """(start, rows, distances or None); see kd_neighbors.pyi."""
    cdef _Search search = _Search(tree, metric, X, n_threads)
    count = np.empty(search.queries.n, np.int64)
    radii = _radii(radius, len(count))
    search.within(radii, count, None, NULL, NULL)
    start = np.zeros(len(count) + 1, np.int64)
    np.cumsum(count, out=start[1:])
    rows = np.empty(start[len(count)], np.int64)
    distance = np.empty(len(rows)) if with_distance else None
    search.within(radii, count, start, <int64_t *> cnp.PyArray_DATA(rows),
                  <double *> cnp.PyArray_DATA(distance) if with_distance else NULL)
    return start, rows, distance


def _radii(radius, Py_ssize_t n):
    radius = np.ascontiguousarray(radius, np.float64).reshape(-1)
    if len(radius) not in (1, n) or not (radius >= 0).all():
        raise ValueError(f"radius must be a number >= 0, or {n} of them")
    return radius
