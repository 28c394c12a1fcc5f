"""Nearest points and points within a radius, by looking at all pairs; see brute_neighbors.pyi.

A screen of float32 sums lets few pairs through, and those are evaluated in float64 from the rows themselves; limit:
simd/brute.inl. Queries go in blocks, each of which belongs to one thread and sees the points in their order, so threads
change nothing.
"""

cimport numpy as cnp
from cpython.exc cimport PyErr_CheckSignals
from cython.parallel cimport parallel, prange
from libc.math cimport INFINITY
from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy

from kernels.distances cimport (
    FASTML_EUCLIDEAN, FASTML_MANHATTAN, fastml_distance_of, fastml_metric, fastml_reduced_of,
)
from kernels.metric_of cimport read_metric
from simd.brute cimport (
    FASTML_PANEL, FASTML_SCREEN_ABSOLUTE, FASTML_SCREEN_NONE, FASTML_SCREEN_SQUARES, FASTML_SCREEN_UNEQUAL,
    FASTML_SINK_COUNT, FASTML_SINK_LIST, FASTML_SINK_NEAREST, FASTML_SPARSE_TILE, FASTML_TILE, fastml_brute_kernels,
    fastml_brute_kernels_chosen, fastml_brute_room, fastml_brute_rows, fastml_brute_screen, fastml_brute_sink,
)

import numpy as np

cnp.import_array()

cdef enum:
    MOST_TILES = 8          # of a block: 48 queries share a chunk of points that lies in the cache
    PER_BATCH = 1 << 31     # screen's terms between two looks for Ctrl-C

PANEL = FASTML_PANEL


cdef class BruteRows:
    """Rows, and what the screen makes of them; see brute_neighbors.pyi."""

    cdef object keep
    cdef fastml_brute_rows rows

    def __init__(self, X, inverse_norm=None, screened=None, bias=None, own=None):
        cdef fastml_brute_rows *rows = &self.rows
        rows.single = rows.screened = rows.bias = NULL
        rows.wide = rows.inverse_norm = rows.own = NULL
        rows.start, rows.columns = NULL, NULL
        if isinstance(X, tuple):
            self.open_sparse(X[0], X[1], X[2], X[3])
        else:
            if not isinstance(X, np.ndarray) or X.ndim != 2 or X.dtype not in (np.float32, np.float64) \
                    or not X.flags.c_contiguous or not X.flags.aligned or not X.dtype.isnative:
                raise ValueError("X must be an aligned float32 or float64 array (n, d) in C order")
            rows.n, rows.d = X.shape[0], X.shape[1]
            self.values(X)
        if rows.n >= 2**31 - 1:
            raise ValueError(f"X has {rows.n} rows, more than 2^31 - 2")
        self.keep = (X, inverse_norm, screened, bias, own)
        rows.inverse_norm = <const double *> data_of(inverse_norm, np.float64, rows.n)
        rows.own = <const double *> data_of(own, np.float64, rows.n)
        rows.screened = <const float *> data_of(screened, np.float32, -1)
        rows.bias = <const float *> data_of(bias, np.float32, -1)

    cdef int values(self, values) except -1:
        self.rows.single = <const float *> cnp.PyArray_DATA(values) if values.dtype == np.float32 else NULL
        self.rows.wide = <const double *> cnp.PyArray_DATA(values) if values.dtype == np.float64 else NULL
        return 0

    cdef int open_sparse(self, data, const int32_t[::1] columns, const int64_t[::1] start, Py_ssize_t d) except -1:
        cdef Py_ssize_t i, e, n = start.shape[0] - 1
        cdef bint good = n >= 0 and start[0] == 0 and start[n] == columns.shape[0] and len(data) == columns.shape[0]
        if good:
            for i in range(n):
                good = good and start[i] <= start[i + 1]
        if good:
            for i in range(n):
                for e in range(start[i], start[i + 1]):
                    good = good and 0 <= columns[e] < d and (e == start[i] or columns[e - 1] < columns[e])
        if not good or data.dtype not in (np.float32, np.float64) or not data.flags.c_contiguous:
            raise ValueError("the arrays of the sparse matrix do not belong together, or columns do not ascend")
        self.rows.n, self.rows.d = n, d
        self.rows.start, self.rows.columns = &start[0], &columns[0] if columns.shape[0] else NULL
        return self.values(data)


cdef const void *data_of(array, dtype, Py_ssize_t n) except? NULL:
    if array is None:
        return NULL
    if array.dtype != dtype or not array.flags.c_contiguous or (n >= 0 and array.size != n):
        raise ValueError(f"an array of {n} {np.dtype(dtype).name} is needed, got {array.dtype} {array.shape}")
    return cnp.PyArray_DATA(array)


cdef class _Search:
    """Points, queries, a metric and the screen that both have been made for."""

    cdef object keep
    cdef const fastml_brute_rows *points
    cdef const fastml_brute_rows *queries
    cdef fastml_metric metric
    cdef fastml_brute_screen screen
    cdef const fastml_brute_kernels *kernels
    cdef int n_threads
    cdef bint exclude_self

    def __init__(
        self, BruteRows points not None, BruteRows queries not None, tuple metric, tuple screen, bint exclude_self,
        int n_threads,
    ):
        cdef Py_ssize_t panels = (points.rows.n + FASTML_PANEL - 1) // FASTML_PANEL
        cdef bint sparse = points.rows.start != NULL
        self.keep = (points, queries, metric)
        self.points, self.queries = &points.rows, &queries.rows
        self.kernels = fastml_brute_kernels_chosen()
        self.n_threads, self.exclude_self = max(n_threads, 1), exclude_self
        read_metric(metric, &self.metric)
        self.screen.kind, self.screen.m, self.screen.factor, self.screen.power, self.screen.scale = screen
        if self.points.d != self.queries.d or sparse != (self.queries.start != NULL):
            raise ValueError("points and queries differ in their columns or their kind")
        if (self.points.inverse_norm != NULL) != (self.queries.inverse_norm != NULL):
            raise ValueError("norms belong to both points and queries")
        if not FASTML_SCREEN_NONE <= self.screen.kind <= FASTML_SCREEN_UNEQUAL:
            raise ValueError(f"no screen of kind {self.screen.kind}")
        if self.screen.kind == FASTML_SCREEN_NONE:
            if sparse:
                raise ValueError("sparse rows need a screen")
            return
        if sparse and (self.screen.kind != FASTML_SCREEN_SQUARES and self.screen.kind != FASTML_SCREEN_ABSOLUTE
                       or self.metric.kind != FASTML_EUCLIDEAN and self.metric.kind != FASTML_MANHATTAN):
            raise ValueError("sparse rows have the Euclidean, the cosine and the Manhattan distance")
        if self.queries.own == NULL or self.points.bias == NULL:
            raise ValueError("a screen needs bias and own")
        if sparse:
            if points.keep[3].size != points.rows.n or points.keep[2] is None \
                    or points.keep[2].size != points.rows.start[points.rows.n]:
                raise ValueError("a sparse screen needs a bias for each row and a number for each entry")
            return
        if self.screen.m < 1 or points.keep[2] is None or queries.keep[2] is None \
                or points.keep[2].shape != (panels, self.screen.m, FASTML_PANEL) \
                or points.keep[3].size != panels * FASTML_PANEL \
                or queries.keep[2].shape != (queries.rows.n, self.screen.m):
            raise ValueError("what is screened has another shape than the screen")

    cdef double distance_of(self, double reduced) noexcept nogil:
        return reduced if self.points.inverse_norm != NULL else fastml_distance_of(&self.metric, reduced)

    cdef int run(self, fastml_brute_sink *sinks, Py_ssize_t begin, Py_ssize_t end) except -1:
        """Queries [begin, end), whose sinks these are."""
        cdef Py_ssize_t block, tiles, size, n_blocks, first, last, n = end - begin
        cdef bint sparse = self.points.start != NULL, failed = False
        cdef void *room = NULL
        cdef int32_t *slots = NULL
        tiles = (n + FASTML_TILE * self.n_threads - 1) // (FASTML_TILE * self.n_threads)
        size = FASTML_SPARSE_TILE if sparse else FASTML_TILE * max(1, min(<Py_ssize_t> MOST_TILES, tiles))
        n_blocks = (n + size - 1) // size
        with nogil, parallel(num_threads=self.n_threads):
            room = malloc(self.room(sparse, begin, end))
            slots = self.new_slots(sparse)
            for block in prange(n_blocks, schedule="dynamic"):
                if room == NULL or (sparse and slots == NULL):
                    failed = True
                    continue
                first = begin + block * size
                last = min(end, first + size)
                if sparse:
                    self.kernels.run_sparse(&self.metric, &self.screen, self.points, self.queries, first, last,
                                            sinks + (first - begin), slots, <float *> room)
                else:
                    self.kernels.run(&self.metric, &self.screen, self.points, self.queries, first, last,
                                     sinks + (first - begin), room)
            free(room)
            free(slots)
        if failed:
            raise MemoryError
        return 0

    cdef size_t room(self, bint sparse, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
        cdef int64_t most = 1
        if not sparse:
            return fastml_brute_room(self.points.d)
        while begin < end:
            most = max(most, self.queries.start[min(end, begin + FASTML_SPARSE_TILE)] - self.queries.start[begin])
            begin += FASTML_SPARSE_TILE
        return <size_t> (most + 1) * FASTML_SPARSE_TILE * sizeof(float)

    cdef int32_t *new_slots(self, bint sparse) noexcept nogil:
        return <int32_t *> calloc(self.points.d + 1, sizeof(int32_t)) if sparse else NULL

    cdef Py_ssize_t batch(self) noexcept:
        """Queries between two looks for Ctrl-C."""
        cdef double terms = <double> self.points.n * max(self.screen.m, <Py_ssize_t> 8) + 1
        cdef Py_ssize_t least = FASTML_TILE * MOST_TILES * self.n_threads
        return max(least, min(<Py_ssize_t> 1 << 20, <Py_ssize_t> (PER_BATCH * <double> self.n_threads / terms)))


def nearest(
    BruteRows points not None, BruteRows queries not None, tuple metric, tuple screen, Py_ssize_t k,
    bint exclude_self=False, int n_threads=1,
):
    """(distances, rows), (n, k) each; see brute_neighbors.pyi."""
    cdef _Search search = _Search(points, queries, metric, screen, exclude_self, n_threads)
    cdef Py_ssize_t n = queries.rows.n, begin, end, i, j
    if not 0 <= k <= points.rows.n - exclude_self:
        raise ValueError(f"k={k} must be between 0 and the {points.rows.n - exclude_self} points there are")
    distance, rows = np.empty((n, k)), np.empty((n, k), np.int64)
    if n == 0 or k == 0:
        return distance, rows
    cdef double[:, ::1] distance_out = distance
    cdef int64_t[:, ::1] row_out = rows
    cdef Py_ssize_t size = search.batch()
    cdef fastml_brute_sink *sinks = <fastml_brute_sink *> calloc(min(size, n), sizeof(fastml_brute_sink))
    if sinks == NULL:
        raise MemoryError
    try:
        for begin in range(0, n, size):
            end = min(n, begin + size)
            for i in range(begin, end):
                prepare(&sinks[i - begin], FASTML_SINK_NEAREST, INFINITY, i if exclude_self else -1)
                sinks[i - begin].k = k
                sinks[i - begin].reduced, sinks[i - begin].rows = &distance_out[i, 0], &row_out[i, 0]
            search.run(sinks, begin, end)
            for i in range(begin, end):
                if sinks[i - begin].count < k:
                    raise ValueError(f"distances from query {i} are NaN for all but {sinks[i - begin].count} points")
                for j in range(k):
                    distance_out[i, j] = search.distance_of(distance_out[i, j])
            PyErr_CheckSignals()
    finally:
        free(sinks)
    return distance, rows


def count_within(
    BruteRows points, BruteRows queries, tuple metric, tuple screen, radius, bint exclude_self=False, int n_threads=1,
):
    """(n,) int64; see brute_neighbors.pyi."""
    return within(_Search(points, queries, metric, screen, exclude_self, n_threads), radius, FASTML_SINK_COUNT, False)


def list_within(
    BruteRows points, BruteRows queries, tuple metric, tuple screen, radius, bint with_distance=True,
    bint exclude_self=False, int n_threads=1,
):
    """(start, rows, distances or None); see brute_neighbors.pyi."""
    return within(_Search(points, queries, metric, screen, exclude_self, n_threads), radius, FASTML_SINK_LIST,
                  with_distance)


cdef void prepare(fastml_brute_sink *sink, int mode, double bound, int64_t self) noexcept:
    sink.mode, sink.failed, sink.bound, sink.self, sink.count, sink.k = mode, 0, bound, self, 0, 0
    sink.reduced, sink.rows = NULL, NULL


cdef within(_Search search, radius, int mode, bint with_distance):
    cdef Py_ssize_t n = search.queries.n, begin, end, i
    cdef double[::1] radii = np.array(np.broadcast_to(np.asarray(radius, np.float64), (n,)))
    count = np.zeros(n, np.int64)
    cdef int64_t[::1] counts = count
    cdef Py_ssize_t size = min(search.batch(), <Py_ssize_t> 1 << 14)
    cdef fastml_brute_sink *sinks
    if not (np.asarray(radii) >= 0).all():
        raise ValueError("radius must be >= 0")
    parts = []
    if n == 0:
        return count if mode == FASTML_SINK_COUNT else joined(count, parts, with_distance)
    sinks = <fastml_brute_sink *> calloc(min(size, n), sizeof(fastml_brute_sink))
    if sinks == NULL:
        raise MemoryError
    try:
        for begin in range(0, n, size):
            end = min(n, begin + size)
            for i in range(begin, end):
                if search.points.inverse_norm == NULL:
                    radii[i] = fastml_reduced_of(&search.metric, radii[i])
                prepare(&sinks[i - begin], mode, radii[i], i if search.exclude_self else -1)
            search.run(sinks, begin, end)
            for i in range(begin, end):
                counts[i] = sinks[i - begin].count
                if sinks[i - begin].failed:
                    raise MemoryError("no room for the lists of neighbours: count them, or take a smaller radius")
            if mode == FASTML_SINK_LIST:
                parts.append(gathered(search, sinks, end - begin, with_distance))
            PyErr_CheckSignals()
    finally:
        for i in range(min(size, n)):
            if sinks[i].mode == FASTML_SINK_LIST:
                free(sinks[i].reduced)
                free(sinks[i].rows)
        free(sinks)
    return count if mode == FASTML_SINK_COUNT else joined(count, parts, with_distance)


cdef gathered(_Search search, fastml_brute_sink *sinks, Py_ssize_t n, bint with_distance):
    """The lists of n sinks behind each other; the sinks are empty afterwards."""
    cdef Py_ssize_t i, at = 0, total = 0
    cdef double *distance_out = NULL
    cdef int64_t *row_out
    cdef int64_t j
    for i in range(n):
        total += sinks[i].count
    rows = np.empty(total, np.int64)
    distance = np.empty(total) if with_distance else None
    row_out = <int64_t *> cnp.PyArray_DATA(rows)
    if with_distance:
        distance_out = <double *> cnp.PyArray_DATA(distance)
    for i in range(n):
        if sinks[i].count:
            memcpy(row_out + at, sinks[i].rows, sinks[i].count * sizeof(int64_t))
            if with_distance:
                for j in range(sinks[i].count):
                    distance_out[at + j] = search.distance_of(sinks[i].reduced[j])
        at += sinks[i].count
        free(sinks[i].reduced)
        free(sinks[i].rows)
        sinks[i].reduced, sinks[i].rows = NULL, NULL
    return rows, distance


cdef joined(count, list parts, bint with_distance):
    start = np.zeros(len(count) + 1, np.int64)
    np.cumsum(count, out=start[1:])
    if not parts:
        return start, np.empty(0, np.int64), np.empty(0) if with_distance else None
    if len(parts) == 1:
        return (start, *parts[0])
    rows = np.concatenate([part[0] for part in parts])
    return start, rows, np.concatenate([part[1] for part in parts]) if with_distance else None


def nearest_in_rows(const double[:, ::1] distances, Py_ssize_t k, Py_ssize_t first_self=-1, int n_threads=1):
    """(distances, columns), (n, k) each, of rows that hold the distances; see brute_neighbors.pyi."""
    cdef Py_ssize_t n = distances.shape[0], i
    cdef const fastml_brute_kernels *kernels = fastml_brute_kernels_chosen()
    cdef fastml_brute_sink *sinks
    if not 0 <= k <= distances.shape[1] - (first_self >= 0):
        raise ValueError(f"k={k} must be between 0 and the {distances.shape[1]} points there are")
    distance, rows = np.empty((n, k)), np.empty((n, k), np.int64)
    if n == 0 or k == 0:
        return distance, rows
    cdef double[:, ::1] distance_out = distance
    cdef int64_t[:, ::1] row_out = rows
    sinks = <fastml_brute_sink *> calloc(n, sizeof(fastml_brute_sink))
    if sinks == NULL:
        raise MemoryError
    try:
        for i in range(n):
            prepare(&sinks[i], FASTML_SINK_NEAREST, INFINITY, first_self + i if first_self >= 0 else -1)
            sinks[i].k, sinks[i].reduced, sinks[i].rows = k, &distance_out[i, 0], &row_out[i, 0]
        for i in prange(n, nogil=True, schedule="static", num_threads=max(n_threads, 1)):
            kernels.offer_row(&distances[i, 0], distances.shape[1], &sinks[i])
        for i in range(n):
            if sinks[i].count < k:
                raise ValueError(f"the distances of row {i} are NaN for all but {sinks[i].count} points")
    finally:
        free(sinks)
    return distance, rows
