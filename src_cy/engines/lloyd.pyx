"""Points against centres by brute force, and what all engines of k-means need: what columns hold, exact distances.

Limit: see simd/lloyd_lanes.inl.
"""

cimport numpy as cnp
from cython.parallel cimport parallel, prange, threadid
from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memset

from kernels.lloyd_points cimport kind_of, read_centres, read_points
from simd.lloyd cimport (
    FASTML_LLOYD_LANES, fastml_centres, fastml_lloyd_kernels, fastml_lloyd_kernels_chosen, fastml_points,
)

import numpy as np

cnp.import_array()

cdef enum:
    LANES = FASTML_LLOYD_LANES
    STRIP = 16              # blocks that a thread takes at once
    LEAST_CHUNK = 1024      # rows whose sums are added up by themselves; by the number of rows alone
    MOST_CHUNKS = 256


cdef inline Py_ssize_t chunk_of(Py_ssize_t n) noexcept nogil:
    return max(<Py_ssize_t> LEAST_CHUNK, (n + MOST_CHUNKS - 1) // MOST_CHUNKS)


cdef object in_order(parts):
    """The sum of the parts from the first to the last, whatever NumPy would do."""
    cdef Py_ssize_t last = len(parts) - 1
    return np.add.accumulate(parts, axis=0)[last]


def column_stats(X, int n_threads=1):
    """(3, d) smallest, largest and sum of each column; see lloyd.pyi."""
    cdef int kind = kind_of(X)
    cdef const void *x = cnp.PyArray_DATA(<cnp.ndarray> X)
    cdef Py_ssize_t n = X.shape[0], d = X.shape[1], size = chunk_of(n), chunks = (n + size - 1) // size, i
    cdef double[:, :, ::1] parts = np.empty((max(chunks, 1), 3, d))
    cdef const fastml_lloyd_kernels *simd = fastml_lloyd_kernels_chosen()
    if n < 1:
        raise ValueError("X has no rows")
    for i in prange(chunks, nogil=True, num_threads=max(n_threads, 1), schedule="dynamic"):
        simd.column_stats(x, kind, i * size, min(size, n - i * size), d, &parts[i, 0, 0], &parts[i, 1, 0],
                          &parts[i, 2, 0])
    every = np.asarray(parts)
    return np.stack([every[:, 0].min(axis=0), every[:, 1].max(axis=0), in_order(every[:, 2])])


def column_squares(X, const double[::1] mean, int n_threads=1):
    """(d,) sums of squares around the mean; see lloyd.pyi."""
    cdef int kind = kind_of(X)
    cdef const void *x = cnp.PyArray_DATA(<cnp.ndarray> X)
    cdef Py_ssize_t n = X.shape[0], d = X.shape[1], size = chunk_of(n), chunks = (n + size - 1) // size, i
    cdef double[:, ::1] parts = np.zeros((max(chunks, 1), d))
    cdef const fastml_lloyd_kernels *simd = fastml_lloyd_kernels_chosen()
    if mean.shape[0] != d:
        raise ValueError(f"mean must have {d} numbers")
    for i in prange(chunks, nogil=True, num_threads=max(n_threads, 1), schedule="dynamic"):
        simd.column_squares(x, kind, i * size, min(size, n - i * size), d, &mean[0], &parts[i, 0])
    return in_order(np.asarray(parts))


def squared_distances(X, const int32_t[::1] labels, const double[:, ::1] centres, int n_threads=1):
    """(n,) float64 of each row to the centre of its label; see lloyd.pyi."""
    cdef int kind = kind_of(X)
    cdef const void *x = cnp.PyArray_DATA(<cnp.ndarray> X)
    cdef Py_ssize_t n = X.shape[0], d = X.shape[1], i
    cdef double[::1] out = np.empty(n)
    cdef const fastml_lloyd_kernels *simd = fastml_lloyd_kernels_chosen()
    check_labels(labels, n, centres, d)
    for i in prange(n, nogil=True, num_threads=max(n_threads, 1), schedule="static"):
        out[i] = simd.squared_distance(x, kind, i, d, &centres[labels[i], 0])
    return np.asarray(out)


def inertia(X, const int32_t[::1] labels, const double[:, ::1] centres, weight=None, int n_threads=1):
    """Weighted sum of squared distances to the own centre, in chunks; see lloyd.pyi."""
    cdef int kind = kind_of(X)
    cdef const void *x = cnp.PyArray_DATA(<cnp.ndarray> X)
    cdef Py_ssize_t n = X.shape[0], d = X.shape[1], size = chunk_of(n), chunks = (n + size - 1) // size, i, r
    cdef double[::1] parts = np.zeros(max(chunks, 1))
    cdef const double[::1] w = weight
    cdef double sum
    cdef const fastml_lloyd_kernels *simd = fastml_lloyd_kernels_chosen()
    check_labels(labels, n, centres, d)
    if w is not None and w.shape[0] != n:
        raise ValueError(f"weight must have {n} numbers")
    for i in prange(chunks, nogil=True, num_threads=max(n_threads, 1), schedule="dynamic"):
        sum = 0.0
        for r in range(i * size, min((i + 1) * size, n)):
            if w is None:
                sum = sum + simd.squared_distance(x, kind, r, d, &centres[labels[r], 0])
            else:
                sum = sum + w[r] * simd.squared_distance(x, kind, r, d, &centres[labels[r], 0])
        parts[i] = sum
    return float(in_order(np.asarray(parts)))


cdef int check_labels(const int32_t[::1] labels, Py_ssize_t n, const double[:, ::1] centres, Py_ssize_t d) except -1:
    cdef Py_ssize_t i
    if labels.shape[0] != n or centres.shape[1] != d:
        raise ValueError(f"labels must have {n} numbers, centres {d} columns")
    for i in range(n):
        if not 0 <= labels[i] < centres.shape[0]:
            raise ValueError(f"label {labels[i]} of row {i} is no number of a centre")
    return 0


def nearest(points, centres, int n_threads=1):
    """(n,) int32 nearest centre of each row; see lloyd.pyi."""
    cdef fastml_points p
    cdef fastml_centres c
    read_points(points, &p)
    read_centres(centres, p.d, &c)
    cdef Py_ssize_t n = points.X.shape[0], n_blocks = (n + LANES - 1) // LANES, strip, b
    cdef int32_t[::1] labels = np.empty(n_blocks * LANES, np.int32)
    cdef const fastml_lloyd_kernels *simd = fastml_lloyd_kernels_chosen()
    cdef float *block = NULL
    cdef float radius
    cdef bint failed = False
    with nogil, parallel(num_threads=max(n_threads, 1)):
        block = <float *> malloc(p.d * LANES * sizeof(float))
        for strip in prange((n_blocks + STRIP - 1) // STRIP, schedule="dynamic"):
            if block == NULL:
                failed = True
                continue
            for b in range(strip * STRIP, min((strip + 1) * STRIP, n_blocks)):
                radius = simd.pack_block(&p, NULL, b * LANES, min(<Py_ssize_t> LANES, n - b * LANES), block)
                simd.assign_block(&p, NULL, b * LANES, min(<Py_ssize_t> LANES, n - b * LANES), block, radius, &c,
                                  &labels[b * LANES])
        free(block)
    if failed:
        raise MemoryError
    return np.asarray(labels)[:n]


cdef class LaneLloyd:
    """Points in lanes, their labels and the sums of their clusters; see lloyd.pyi."""

    cdef readonly Py_ssize_t n_samples, n_features, n_clusters
    cdef object _points, _blocks, _radius, _labels, _sums, _parts
    cdef fastml_points points
    cdef Py_ssize_t n_blocks
    cdef float *blocks
    cdef float *radius
    cdef int32_t *label

    def __init__(self, points, Py_ssize_t n_clusters, int n_threads=1):
        read_points(points, &self.points)
        cdef Py_ssize_t n = points.X.shape[0], b
        cdef const fastml_lloyd_kernels *simd = fastml_lloyd_kernels_chosen()
        if n < 1 or n_clusters < 1:
            raise ValueError("there must be rows and clusters")
        self._points = points
        self.n_samples, self.n_features, self.n_clusters = n, self.points.d, n_clusters
        self.n_blocks = (n + LANES - 1) // LANES
        self._blocks = np.empty(self.n_blocks * LANES * self.points.d + 16, np.float32)
        self._radius = np.empty(self.n_blocks, np.float32)
        self._labels = np.full(self.n_blocks * LANES, -1, np.int32)
        self._sums = np.zeros((n_clusters, self.points.d + 2), np.int64)
        self.blocks = <float *> (((<size_t> cnp.PyArray_DATA(self._blocks)) + 63) & ~(<size_t> 63))
        self.radius = <float *> cnp.PyArray_DATA(self._radius)
        self.label = <int32_t *> cnp.PyArray_DATA(self._labels)
        for b in prange(self.n_blocks, nogil=True, num_threads=max(n_threads, 1), schedule="static"):
            self.radius[b] = simd.pack_block(&self.points, NULL, b * LANES, min(<Py_ssize_t> LANES, n - b * LANES),
                                             self.blocks + b * LANES * self.points.d)

    @property
    def labels(self):
        """(n,) int32 of the last step."""
        return self._labels[:self.n_samples]

    @property
    def sums(self):
        """(k, d + 2) int64 fixed-point sums of the last step's clusters, weight and check."""
        return self._sums

    def step(self, centres, int n_threads=1):
        """Assign the points to the nearest of the centres; the number of points that moved."""
        cdef fastml_centres c
        read_centres(centres, self.points.d, &c)
        if c.k != self.n_clusters:
            raise ValueError(f"there must be {self.n_clusters} centres")
        cdef int threads = max(n_threads, 1)
        if self._parts is None or self._parts.shape[0] < threads:
            self._parts = np.empty((threads, self.n_clusters, self.points.d + 2), np.int64)
        cdef int64_t[:, :, ::1] parts = self._parts
        cdef Py_ssize_t d = self.points.d, strip, n_strips = (self.n_blocks + STRIP - 1) // STRIP, moved = 0
        cdef Py_ssize_t size = self.n_clusters * (d + 2)
        cdef int64_t[:, ::1] n_moved = np.zeros((threads, 8), np.int64)
        cdef int own = 0
        with nogil, parallel(num_threads=threads):
            own = threadid()
            memset(&parts[own, 0, 0], 0, size * sizeof(int64_t))
            for strip in prange(n_strips, schedule="dynamic"):
                n_moved[own, 0] += self.assign_strip(strip, &c, &parts[own, 0, 0])
        moved = np.asarray(n_moved)[:, 0].sum()
        if moved:
            np.asarray(self._sums)[...] += self._parts[:threads].sum(axis=0)
        return moved

    cdef Py_ssize_t assign_strip(self, Py_ssize_t strip, const fastml_centres *c, int64_t *sums) noexcept nogil:
        cdef const fastml_lloyd_kernels *simd = fastml_lloyd_kernels_chosen()
        cdef Py_ssize_t b, lane, first, n, moved = 0, width = self.points.d + 2
        cdef int32_t found[LANES]
        for b in range(strip * STRIP, min((strip + 1) * STRIP, self.n_blocks)):
            first = b * LANES
            n = min(<Py_ssize_t> LANES, self.n_samples - first)
            simd.assign_block(&self.points, NULL, first, n, self.blocks + first * self.points.d, self.radius[b], c,
                              found)
            for lane in range(n):
                if found[lane] != self.label[first + lane]:
                    moved += 1
                    if self.label[first + lane] >= 0:
                        simd.add_row(&self.points, first + lane, 0, -1, sums + self.label[first + lane] * width)
                    simd.add_row(&self.points, first + lane, 0, 1, sums + found[lane] * width)
                    self.label[first + lane] = found[lane]
        return moved
