"""Nearest points and points within a radius by any metric, over balls or boxes; see ball_tree.pyi.

One query at a time goes down the tree, the nearer child first. Balls stand on the nodes of the kd order: a centre, the
mean where that is a point like the others and one of the node's own rows where it need not be, and the largest distance
to it. Limit: the metric itself, n log n times for the balls and twice a level for each query.
"""

cimport numpy as cnp
from cpython.exc cimport PyErr_CheckSignals
from cython.parallel cimport prange, threadid
from libc.math cimport INFINITY, isnan, sqrt
from libc.stdint cimport INT32_MAX, int32_t, int64_t, uint8_t

from kernels.bounded_tree cimport (
    BoundedTree, bind_tree, bound_of, least, most, node_begin, node_end, push_children, reduced_to,
)
from kernels.distances cimport (
    FASTML_BRAYCURTIS, FASTML_CANBERRA, FASTML_CHEBYSHEV, FASTML_DICE, FASTML_EUCLIDEAN, FASTML_HAMMING,
    FASTML_HAVERSINE, FASTML_JACCARD, FASTML_MAHALANOBIS, FASTML_MANHATTAN, FASTML_MINKOWSKI, FASTML_N_BOXED,
    FASTML_OWN, FASTML_ROGERSTANIMOTO, FASTML_RUSSELLRAO, FASTML_SEUCLIDEAN, FASTML_SOKALSNEATH, fastml_distance_of,
    fastml_haversine_reduced, fastml_metric, fastml_reduced, fastml_reduced_of,
)
from kernels.nearest_heap cimport farther, sink, sort_heap, sort_pairs

import numpy as np

cnp.import_array()

KINDS = {
    "euclidean": FASTML_EUCLIDEAN, "manhattan": FASTML_MANHATTAN, "chebyshev": FASTML_CHEBYSHEV,
    "minkowski": FASTML_MINKOWSKI, "seuclidean": FASTML_SEUCLIDEAN, "mahalanobis": FASTML_MAHALANOBIS,
    "haversine": FASTML_HAVERSINE, "hamming": FASTML_HAMMING, "canberra": FASTML_CANBERRA,
    "braycurtis": FASTML_BRAYCURTIS, "jaccard": FASTML_JACCARD, "dice": FASTML_DICE,
    "rogerstanimoto": FASTML_ROGERSTANIMOTO, "russellrao": FASTML_RUSSELLRAO, "sokalsneath": FASTML_SOKALSNEATH,
    "own": FASTML_OWN,
}

cdef enum:
    BETWEEN_SIGNALS = 8192  # queries between two looks for Ctrl-C


cdef class BallTree:
    """Balls over the nodes of a kd order; see ball_tree.pyi."""

    cdef BoundedTree tree
    cdef readonly object points, order, lowest, boxes, centres, radii
    cdef readonly tuple metric
    cdef readonly int depth
    cdef readonly int64_t nan_row       # of a pair without a distance, -1 while there was none; and its query
    cdef readonly int64_t nan_query

    def __init__(self, kd, X, tuple metric, bint triangle=True, int n_threads=1):
        self.order, self.lowest, self.boxes, self.depth, self.metric = kd.order, kd.lowest, kd.boxes, kd.depth, metric
        if X.shape != (kd.n_samples, kd.n_features):
            raise ValueError(f"X has shape {X.shape}, the tree is of {kd.n_samples} x {kd.n_features} numbers")
        self.points = np.ascontiguousarray(X, np.float64)[kd.order]
        self.centres = self.radii = None
        self.nan_row = self.nan_query = -1
        if metric[0] >= FASTML_N_BOXED:
            self.centres = np.zeros((len(self.lowest), kd.n_features))
            self.radii = np.full(len(self.lowest), np.inf)
        bind_tree(self, &self.tree)
        if metric[0] >= FASTML_N_BOXED:
            self.find_balls(triangle and metric[0] not in (FASTML_BRAYCURTIS, FASTML_DICE), max(n_threads, 1))

    cdef int find_balls(self, bint triangle, int n_threads) except -1:
        cdef Py_ssize_t n_nodes = len(self.lowest), node, i, c, begin, end, d = self.tree.d
        cdef bint mean = self.tree.metric.kind < FASTML_HAMMING
        cdef double[:, ::1] centres = self.centres
        cdef double[::1] radii = self.radii
        cdef double apart, far
        for node in prange(n_nodes, nogil=True, schedule="dynamic", num_threads=n_threads):
            begin = node_begin(&self.tree, node)
            end = node_end(&self.tree, node)
            if mean:
                for i in range(begin, end):
                    for c in range(d):
                        centres[node, c] += self.tree.points[i * d + c] / (end - begin)
            else:
                for c in range(d):
                    centres[node, c] = self.tree.points[(begin + end) // 2 * d + c]
            far = 0.0
            if triangle:
                for i in range(begin, end):
                    apart = fastml_reduced(&self.tree.metric, &centres[node, 0], self.tree.points + i * d, d)
                    if isnan(apart):
                        apart = INFINITY
                    far = max(far, apart)
                radii[node] = fastml_distance_of(&self.tree.metric, far)
        return 0

    cdef const double[:, ::1] check(self, X):
        cdef const double[:, ::1] queries = np.ascontiguousarray(X, np.float64)
        if queries.shape[1] != self.tree.d:
            raise ValueError(f"queries must be an array (n, {self.tree.d})")
        return queries

    def nearest(self, X, Py_ssize_t k, int n_threads=1):
        """(distances, rows), (n, k) each; see ball_tree.pyi."""
        cdef const double[:, ::1] queries = self.check(X)
        cdef Py_ssize_t n = queries.shape[0], first, last, q
        if not 1 <= k <= self.tree.n:
            raise ValueError(f"k={k} must be between 1 and the tree's {self.tree.n} points")
        n_threads = max(n_threads, 1)
        distance_, row_ = np.empty((n, k)), np.empty((n, k), np.int64)
        cdef double[:, ::1] distance = distance_
        cdef int64_t[:, ::1] row = row_
        cdef int32_t[:, ::1] rows = np.empty((n_threads, k), np.int32)
        for first in range(0, n, BETWEEN_SIGNALS):
            last = min(n, first + BETWEEN_SIGNALS)
            for q in prange(first, last, nogil=True, schedule="dynamic", chunksize=16, num_threads=n_threads):
                self.nearest_to(q, &queries[q, 0], k, &distance[q, 0], &rows[threadid(), 0], &row[q, 0])
            PyErr_CheckSignals()
        return distance_, row_

    cdef void nearest_to(
        self, Py_ssize_t q, const double *x, Py_ssize_t k, double *reduced, int32_t *rows, int64_t *row_out
    ) noexcept nogil:
        cdef Py_ssize_t waiting[64]
        cdef double near[64]
        cdef Py_ssize_t node, i, n = 1, first_leaf = ((<Py_ssize_t> 1) << self.tree.depth) - 1
        cdef double bound = INFINITY, own
        cdef const BoundedTree *tree = &self.tree
        for i in range(k):
            reduced[i] = INFINITY
            rows[i] = INT32_MAX
        waiting[0] = 0
        near[0] = 0.0
        while n > 0:
            n -= 1
            node = waiting[n]
            if near[n] > bound or (near[n] == bound and tree.lowest[node] >= rows[0]):
                continue
            if node < first_leaf:
                n = push_children(tree, node, x, waiting, near, n)
                continue
            for i in range(node_begin(tree, node), node_end(tree, node)):
                own = reduced_to(tree, i, x)
                if isnan(own):
                    own = INFINITY
                    self.nan_query = q
                    self.nan_row = tree.order[i]
                if farther(reduced[0], rows[0], own, tree.order[i]):
                    sink(reduced, rows, k, own, tree.order[i])
            bound = bound_of(tree, reduced[0])
        sort_heap(reduced, rows, k)
        for i in range(k):
            reduced[i] = fastml_distance_of(&tree.metric, reduced[i])
            row_out[i] = rows[i]

    cdef int64_t within(
        self, Py_ssize_t q, const double *x, double radius, int64_t *rows_out, double *distance_out
    ) noexcept nogil:
        """How many points are within the radius, and which where rows_out is not NULL."""
        cdef Py_ssize_t waiting[64]
        cdef Py_ssize_t node, i, n = 1, first_leaf = ((<Py_ssize_t> 1) << self.tree.depth) - 1
        cdef const BoundedTree *tree = &self.tree
        cdef double reduced_radius = fastml_reduced_of(&tree.metric, radius), own
        cdef double bound = reduced_radius if tree.boxes != NULL else radius
        cdef int64_t count = 0
        waiting[0] = 0
        while n > 0:
            n -= 1
            node = waiting[n]
            if least(tree, node, x) > bound:
                continue
            if distance_out == NULL and most(tree, node, x) <= bound:
                if rows_out != NULL:
                    for i in range(node_begin(tree, node), node_end(tree, node)):
                        rows_out[count + i - node_begin(tree, node)] = tree.order[i]
                count += node_end(tree, node) - node_begin(tree, node)
                continue
            if node < first_leaf:
                waiting[n] = 2 * node + 2
                waiting[n + 1] = 2 * node + 1
                n += 2
                continue
            for i in range(node_begin(tree, node), node_end(tree, node)):
                own = reduced_to(tree, i, x)
                if own <= reduced_radius:
                    if rows_out != NULL:
                        rows_out[count] = tree.order[i]
                    if distance_out != NULL:
                        distance_out[count] = fastml_distance_of(&tree.metric, own)
                    count += 1
                elif isnan(own):
                    self.nan_query = q
                    self.nan_row = tree.order[i]
        return count

    def count_within(self, X, radius, int n_threads=1):
        """(n,) int64; see ball_tree.pyi."""
        cdef const double[:, ::1] queries = self.check(X)
        count = np.empty(queries.shape[0], np.int64)
        self.each_within(queries, radius, count, None, None, None, n_threads)
        return count

    def list_within(self, X, radius, bint with_distance=True, int n_threads=1):
        """(start, rows, distances or None); see ball_tree.pyi."""
        cdef const double[:, ::1] queries = self.check(X)
        count = np.empty(queries.shape[0], np.int64)
        self.each_within(queries, radius, count, None, None, None, n_threads)
        start = np.zeros(len(count) + 1, np.int64)
        np.cumsum(count, out=start[1:])
        rows = np.empty(start[len(count)] + 1, np.int64)
        distance = np.empty(len(rows)) if with_distance else None
        self.each_within(queries, radius, count, start, rows, distance, n_threads)
        return start, rows[:start[len(count)]], distance[:start[len(count)]] if with_distance else None

    cdef int each_within(
        self, const double[:, ::1] queries, radius, int64_t[::1] count, const int64_t[::1] start, int64_t[::1] rows,
        double[::1] distance, int n_threads,
    ) except -1:
        cdef const double[::1] radii = np.ascontiguousarray(radius, np.float64).reshape(-1)
        cdef Py_ssize_t n = queries.shape[0], first, last, q
        cdef bint counts = start is None, plain = distance is None, single = radii.shape[0] == 1
        if radii.shape[0] not in (1, n) or not (np.asarray(radii) >= 0).all():
            raise ValueError(f"radius must be a number >= 0, or {n} of them")
        n_threads = max(n_threads, 1)
        for first in range(0, n, BETWEEN_SIGNALS):
            last = min(n, first + BETWEEN_SIGNALS)
            for q in prange(first, last, nogil=True, schedule="dynamic", chunksize=16, num_threads=n_threads):
                count[q] = self.within(
                    q, &queries[q, 0], radii[0 if single else q], NULL if counts else &rows[start[q]],
                    NULL if plain else &distance[start[q]],
                )
            PyErr_CheckSignals()
        return 0


def sort_lists(const int64_t[::1] start, int64_t[::1] rows, double[::1] distances, int n_threads=1):
    """Each query's list by distance and row, in place; see ball_tree.pyi."""
    cdef Py_ssize_t i, n = start.shape[0] - 1
    if rows.shape[0] != distances.shape[0] or start[n] != rows.shape[0] or (np.diff(start) < 0).any() or start[0] != 0:
        raise ValueError("start does not belong to rows and distances")
    for i in prange(n, nogil=True, schedule="dynamic", chunksize=64, num_threads=max(n_threads, 1)):
        if start[i + 1] > start[i] + 1:
            sort_pairs(&distances[start[i]], &rows[start[i]], start[i + 1] - start[i])


def _are_rows(rows, Py_ssize_t n):
    found = np.asarray(rows)
    return not found.size or (found.min() >= 0 and found.max() < n)


def nearest_arcs(
    const double[:, ::1] angles, const double[:, ::1] queries, const double[:, ::1] chords, int64_t[:, ::1] rows,
    Py_ssize_t k, int n_threads=1,
):
    """(distances, settled) of candidates that are the nearest by their chords; see ball_tree.pyi."""
    cdef Py_ssize_t i, j, n = rows.shape[0], m = rows.shape[1]
    cdef fastml_metric metric
    cdef bint all_there = m == angles.shape[0]
    metric.kind = FASTML_HAVERSINE
    if not 1 <= k <= m or chords.shape[0] != n or chords.shape[1] != m or queries.shape[0] != n \
            or queries.shape[1] != 2 or angles.shape[1] != 2 or not _are_rows(rows, angles.shape[0]):
        raise ValueError("queries, chords and rows do not belong together")
    distance_, settled_ = np.empty((n, m)), np.empty(n, np.uint8)
    cdef double[:, ::1] distance = distance_
    cdef uint8_t[::1] settled = settled_
    for i in prange(n, nogil=True, schedule="static", num_threads=max(n_threads, 1)):
        for j in range(m):
            distance[i, j] = fastml_haversine_reduced(&queries[i, 0], &angles[rows[i, j], 0])
        sort_pairs(&distance[i, 0], &rows[i, 0], m)
        settled[i] = all_there or distance[i, k - 1] == 0.0 \
            or chords[i, m - 1] > 2.0 * sqrt(distance[i, k - 1]) * (1.0 + 1e-14) + 4e-15
        for j in range(k):
            distance[i, j] = fastml_distance_of(&metric, distance[i, j])
    return distance_[:, :k], settled_


def arcs_within(
    const double[:, ::1] angles, const double[:, ::1] queries, const double[::1] radius, const int64_t[::1] start,
    const int64_t[::1] rows, int n_threads=1,
):
    """(distances, within) of lists of candidates; see ball_tree.pyi."""
    cdef Py_ssize_t i, j, n = start.shape[0] - 1
    cdef fastml_metric metric
    cdef double limit, own
    metric.kind = FASTML_HAVERSINE
    distance_, inside_ = np.empty(rows.shape[0]), np.empty(rows.shape[0], np.uint8)
    cdef double[::1] distance = distance_
    cdef uint8_t[::1] inside = inside_
    if start[n] != rows.shape[0] or queries.shape[0] != n or radius.shape[0] != n or queries.shape[1] != 2 \
            or angles.shape[1] != 2 or not _are_rows(rows, angles.shape[0]):
        raise ValueError("start, rows and queries do not belong together")
    for i in prange(n, nogil=True, schedule="dynamic", chunksize=64, num_threads=max(n_threads, 1)):
        limit = fastml_reduced_of(&metric, radius[i])
        for j in range(start[i], start[i + 1]):
            own = fastml_haversine_reduced(&queries[i, 0], &angles[rows[j], 0])
            inside[j] = own <= limit
            distance[j] = fastml_distance_of(&metric, own)
    return distance_, inside_
