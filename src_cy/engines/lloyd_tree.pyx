"""Lloyd's algorithm over boxes of points in few columns; see simd/lloyd_tree.inl."""

cimport numpy as cnp
from cython.parallel cimport parallel, prange, threadid
from libc.stddef cimport ptrdiff_t
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memset

from kernels.lloyd_points cimport read_centres, read_points
from kernels.radix_sort cimport radix_sort
from simd.lloyd cimport (
    FASTML_LLOYD_LANES, fastml_box_tree, fastml_centres, fastml_lloyd_kernels, fastml_lloyd_kernels_chosen,
    fastml_points,
)

import numpy as np

cnp.import_array()

cdef enum:
    LANES = FASTML_LLOYD_LANES
    MOST_LEVELS = 18        # of 2^31 points
    LEAST_PARTS = 64        # boxes of the level at which threads begin; by the number of points alone
    STRIP = 4096            # rows whose keys a thread makes at once
    MOST_COLUMNS = 3


cdef class BoxLloyd:
    """Points in Morton order with boxes around them; see lloyd_tree.pyi."""

    cdef readonly Py_ssize_t n_samples, n_features, n_clusters
    cdef readonly object sums
    cdef object _points, _rows, _blocks, _radius, _fixed, _boxes, _box_sums, _mixed
    cdef fastml_points points
    cdef fastml_box_tree tree
    cdef ptrdiff_t level_start[MOST_LEVELS + 1]
    cdef Py_ssize_t n_levels

    def __init__(self, points, Py_ssize_t n_clusters, int n_threads=1):
        read_points(points, &self.points)
        cdef Py_ssize_t n = points.X.shape[0], d = self.points.d, n_blocks = (n + LANES - 1) // LANES, level, b, size
        cdef int threads = max(n_threads, 1)
        cdef const fastml_lloyd_kernels *simd = fastml_lloyd_kernels_chosen()
        cdef uint64_t[::1] mixed
        if n < 1 or n_clusters < 1 or n >= <Py_ssize_t> 1 << 31 or d > MOST_COLUMNS:
            raise ValueError(f"there must be clusters, fewer than 2^31 rows and at most {MOST_COLUMNS} columns")
        self._points = points
        self.n_samples, self.n_features, self.n_clusters = n, d, n_clusters
        size, self.n_levels = n_blocks, 0
        self.level_start[0] = 0
        while True:
            self.level_start[self.n_levels + 1] = self.level_start[self.n_levels] + size
            self.n_levels += 1
            if size == 1:
                break
            size = (size + 3) // 4
        self._rows = in_morton_order(&self.points, n, threads)
        self.tree.points, self.tree.n = &self.points, n
        self.tree.n_fixed = d if self.points.weight == NULL else d + 1
        self._blocks = np.empty(n_blocks * LANES * d + 16, np.float32)
        self._radius = np.empty(n_blocks, np.float32)
        self._fixed = np.empty(n_blocks * LANES * self.tree.n_fixed, np.int64)
        self._boxes = np.empty(self.level_start[self.n_levels] * 2 * d, np.float32)
        self._box_sums = np.empty(self.level_start[self.n_levels] * (d + 2), np.int64)
        self._mixed = np.empty(LANES, np.uint64)
        mixed = self._mixed
        for b in range(LANES):
            mixed[b] = simd.mix(<uint64_t> b)
        self.tree.rows = <const int32_t *> cnp.PyArray_DATA(self._rows)
        self.tree.blocks = <float *> (((<size_t> cnp.PyArray_DATA(self._blocks)) + 63) & ~(<size_t> 63))
        self.tree.radius = <float *> cnp.PyArray_DATA(self._radius)
        self.tree.fixed = <int64_t *> cnp.PyArray_DATA(self._fixed)
        self.tree.boxes = <float *> cnp.PyArray_DATA(self._boxes)
        self.tree.sums = <int64_t *> cnp.PyArray_DATA(self._box_sums)
        self.tree.mixed = &mixed[0]
        self.tree.level_start = self.level_start
        for b in prange(n_blocks, nogil=True, num_threads=threads, schedule="static"):
            simd.fill_leaf(&self.tree, b)
        for level in range(1, self.n_levels):
            for b in prange(self.level_start[level + 1] - self.level_start[level], nogil=True, num_threads=threads,
                            schedule="static"):
                simd.fill_box(&self.tree, level, b)
        self.tree.widest = self._radius.max()
        self.sums = np.zeros((n_clusters, d + 2), np.int64)

    def step(self, centres, int n_threads=1, labels_out=None):
        """Assign the points to the nearest of the centres; whether any moved. See lloyd_tree.pyi."""
        cdef fastml_centres c
        read_centres(centres, self.points.d, &c)
        if c.k != self.n_clusters:
            raise ValueError(f"there must be {self.n_clusters} centres")
        cdef int threads = max(n_threads, 1), own = 0
        cdef Py_ssize_t level = self.n_levels - 1, b, size = self.n_clusters * (self.points.d + 2)
        cdef int64_t[:, ::1] parts = np.empty((threads, size), np.int64)
        cdef int32_t[::1] labels
        cdef int32_t *label = NULL
        cdef void *scratch = NULL
        cdef bint failed = False
        cdef const fastml_lloyd_kernels *simd = fastml_lloyd_kernels_chosen()
        if labels_out is not None:
            labels = labels_out
            if labels.shape[0] != self.n_samples:
                raise ValueError(f"labels_out must have {self.n_samples} numbers")
            label = &labels[0]
        while level > 0 and self.level_start[level + 1] - self.level_start[level] < LEAST_PARTS:
            level -= 1
        with nogil, parallel(num_threads=threads):
            own = threadid()
            memset(&parts[own, 0], 0, size * sizeof(int64_t))
            scratch = malloc((level + 2) * size * sizeof(float))
            for b in prange(self.level_start[level + 1] - self.level_start[level], schedule="dynamic"):
                if scratch == NULL:
                    failed = True
                    continue
                simd.assign_box(&self.tree, &c, level, b, scratch, &parts[own, 0], label)
            free(scratch)
        if failed:
            raise MemoryError
        sums = np.asarray(parts).sum(axis=0).reshape(self.n_clusters, self.points.d + 2)
        moved = not np.array_equal(sums, self.sums)
        self.sums = sums
        return moved


cdef object in_morton_order(const fastml_points *points, Py_ssize_t n, int n_threads):
    """(n,) int32 rows in the order of their keys, equal ones in their own."""
    cdef uint32_t[::1] keys = np.empty(n, np.uint32), spare = np.empty(n, np.uint32)
    cdef uint32_t[::1] rows = np.arange(n, dtype=np.uint32), spare_rows = np.empty(n, np.uint32)
    cdef Py_ssize_t strip
    cdef bint swapped
    cdef const fastml_lloyd_kernels *simd = fastml_lloyd_kernels_chosen()
    for strip in prange((n + STRIP - 1) // STRIP, nogil=True, num_threads=n_threads, schedule="static"):
        simd.morton_keys(points, strip * STRIP, min(<Py_ssize_t> STRIP, n - strip * STRIP), &keys[strip * STRIP])
    with nogil:
        swapped = radix_sort(&keys[0], &spare[0], &rows[0], &spare_rows[0], <uint32_t> n)
    return np.asarray(spare_rows if swapped else rows).view(np.int32)
