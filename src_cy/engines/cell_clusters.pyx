"""Density clustering of points in one to three dimensions by the cells of a grid.

A cell's side is a little less than eps / sqrt(d), so that all points of a cell are within eps of each other: a cell
with min_samples points is core as a whole, and core points of a cell are one cluster. So clusters are sets of cells,
and two cells are joined where a core point of one is within eps of one of the other. Limit: simd/cells.inl.
Source: Gunawan 2013; Gan and Tao 2015.
"""

cimport numpy as cnp
from cython.parallel cimport prange
from libc.math cimport floor, sqrt
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memset

from kernels.radix_sort cimport radix_sort
from simd.density cimport (
    FASTML_CELL_PAD,
    FASTML_CELL_REACH,
    FASTML_KEY_PAD,
    fastml_cells,
    fastml_core_cells,
    fastml_density_kernels,
    fastml_density_kernels_chosen,
    fastml_root,
)

import numpy as np

cnp.import_array()

cdef enum:
    CHUNK = 2048            # cells that a thread takes at once: to find the runs of the first costs as much as 50 cells
    POINTS = 1 << 15        # angles that a thread takes at once

# Rounding moves a point by less than 2^-20 of a side among at most 2^31 cells.
cdef double SHRINK = 1.0 - 2.0 ** -18
cdef double MOST_CELLS = 2.0 ** 31


def unit_vectors(const double[:, ::1] angles, int n_threads=1):
    """(n, 3) points on the unit sphere; see cell_clusters.pyi."""
    cdef Py_ssize_t n = angles.shape[0], k
    cdef const fastml_density_kernels *simd = fastml_density_kernels_chosen()
    cdef double[:, ::1] points = np.empty((n, 3))
    if angles.shape[1] != 2:
        raise ValueError("angles must have two columns")
    for k in prange((n + POINTS - 1) // POINTS, nogil=True, num_threads=max(n_threads, 1), schedule="static"):
        simd.unit_vectors(&angles[k * POINTS, 0], min(<Py_ssize_t> POINTS, n - k * POINTS), &points[k * POINTS, 0])
    return np.asarray(points)


cdef class CellClusters:
    """Points in cells; see cell_clusters.pyi."""

    cdef readonly Py_ssize_t n_samples, n_cells
    cdef fastml_cells cells
    cdef fastml_core_cells cores
    cdef const fastml_density_kernels *simd
    cdef uint32_t[::1] order        # (n,) the rows, sorted by cell
    cdef uint8_t[::1] is_core       # (n,) in that order, as all below
    cdef int32_t[::1] start, core_start, parent, label_of_cell, labels
    cdef int64_t[::1] key
    cdef double[:, ::1] x, core_x
    cdef const double[:, ::1] angles
    cdef uint32_t[::1] core_row
    cdef double[::1] weight
    cdef int n_threads

    def __cinit__(self):
        self.core_start = self.labels = None
        self.angles = None
        self.core_row = None

    def __init__(
        self, const double[:, :] X, double eps, double min_samples, const double[::1] sample_weight=None,
        const double[:, ::1] angles=None, double angle_limit=0.0, double sure_sq=-1.0, double never_sq=-1.0,
        int n_threads=1,
    ):
        cdef Py_ssize_t n = X.shape[0], i
        if not 1 <= X.shape[1] <= 3 or not 1 <= n < 2147483647 or not eps > 0:
            raise ValueError("X must have 1 to 3 columns and 1 to 2^31 - 2 rows, eps must be > 0")
        if (sample_weight is not None and sample_weight.shape[0] != n) \
                or (angles is not None and (angles.shape[0] != n or angles.shape[1] != 2)):
            raise ValueError(f"sample_weight and angles must have {n} rows")
        self.n_samples = n
        self.n_threads = max(n_threads, 1)
        self.simd = fastml_density_kernels_chosen()
        memset(&self.cells, 0, sizeof(self.cells))
        memset(&self.cores, 0, sizeof(self.cores))
        self.cells.n_dims = <int> X.shape[1]
        self.cells.min_samples = min_samples
        self.cells.sure_sq = self.cells.never_sq = eps * eps
        if angles is not None:
            self.cells.sure_sq = sure_sq
            self.cells.never_sq = never_sq
            self.cells.angle_limit = angle_limit
        self.sort_points(X, eps)
        if angles is not None:
            self.angles = angles
            self.cells.angles = &angles[0, 0]
            self.cells.row_of = &self.order[0]
        self.gather(X, sample_weight)
        self.cells.early = 1
        if sample_weight is not None:
            for i in range(n):
                if sample_weight[i] < 0:
                    self.cells.early = 0
                    break
        self.is_core = np.empty(n, np.uint8)

    cdef int sort_points(self, const double[:, :] X, double eps) except -1:
        """Gives each point its cell's key, and sorts the rows by them."""
        cdef Py_ssize_t n = X.shape[0], i, c
        cdef int d = self.cells.n_dims, j, r, dy, dz, bits = 0, swapped
        cdef double low[3]
        cdef double high, side = eps / sqrt(<double> d) * SHRINK, whole = 1.0, width
        cdef int64_t stride[4]
        cdef uint64_t cell
        for j in range(d):
            low[j] = high = X[0, j]
            for i in range(n):
                low[j] = min(low[j], X[i, j])
                high = max(high, X[i, j])
            width = floor((high - low[j]) / side) + 1 + 2 * FASTML_CELL_REACH
            if not width < MOST_CELLS:
                raise OverflowError("too many cells")
            stride[j] = <int64_t> whole
            whole *= width
        if not whole < 2.0 ** 62:
            raise OverflowError("too many cells")
        while 2.0 ** bits < whole:
            bits += 1
        cdef uint32_t[::1] order = np.arange(n, dtype=np.uint32), spare_order = np.empty(n, np.uint32)
        cdef uint32_t[::1] short_key, spare_short
        cdef uint64_t[::1] long_key, spare_long
        cdef int shift = max(64 - bits, 0)  # the sort looks at the upper half first
        if bits <= 32:
            short_key, spare_short = np.empty(n, np.uint32), np.empty(n, np.uint32)
            for i in prange(n, nogil=True, num_threads=self.n_threads, schedule="static"):
                cell = 0
                for j in range(d):
                    cell = cell + <uint64_t> (stride[j] * (<int64_t> ((X[i, j] - low[j]) / side) + FASTML_CELL_REACH))
                short_key[i] = <uint32_t> cell
            with nogil:
                swapped = radix_sort(&short_key[0], &spare_short[0], &order[0], &spare_order[0], <uint32_t> n)
            if swapped:
                short_key, order = spare_short, spare_order
            spare_short = None
        else:
            long_key, spare_long = np.empty(n, np.uint64), np.empty(n, np.uint64)
            for i in prange(n, nogil=True, num_threads=self.n_threads, schedule="static"):
                cell = 0
                for j in range(d):
                    cell = cell + <uint64_t> (stride[j] * (<int64_t> ((X[i, j] - low[j]) / side) + FASTML_CELL_REACH))
                long_key[i] = cell << shift
            with nogil:
                swapped = radix_sort(&long_key[0], &spare_long[0], &order[0], &spare_order[0], <uint32_t> n)
            if swapped:
                long_key, order = spare_long, spare_order
            spare_long = None
        spare_order = None
        self.order = order
        self.n_cells = 1
        for i in range(1, n):
            self.n_cells += short_key[i] != short_key[i - 1] if bits <= 32 else long_key[i] != long_key[i - 1]
        self.start = np.empty(self.n_cells + 1, np.int32)
        self.key = np.full(self.n_cells + FASTML_KEY_PAD, np.iinfo(np.int64).max, np.int64)
        c = 0
        for i in range(n):
            if i == 0 or (short_key[i] != short_key[i - 1] if bits <= 32 else long_key[i] != long_key[i - 1]):
                self.start[c] = <int32_t> i
                self.key[c] = <int64_t> (short_key[i] if bits <= 32 else long_key[i] >> shift)
                c += 1
        self.start[c] = <int32_t> n
        offsets = sorted(
            (dy * dy + dz * dz, dz * (stride[2] if d > 2 else 0) + dy * (stride[1] if d > 1 else 0))
            for dz in (range(-2, 3) if d > 2 else (0,)) for dy in (range(-2, 3) if d > 1 else (0,))
        )
        self.cells.n_rows = <int> len(offsets)
        for r in range(self.cells.n_rows):
            self.cells.row[r] = offsets[r][1]
        self.cells.n_cells = self.n_cells
        self.cells.key = &self.key[0]
        self.cells.start = &self.start[0]
        return 0

    cdef int gather(self, const double[:, :] X, const double[::1] sample_weight) except -1:
        """Coordinates by column, in the order of the cells."""
        cdef Py_ssize_t n = self.n_samples, i
        cdef int d = self.cells.n_dims, j
        self.x = np.empty((d, n + FASTML_CELL_PAD))
        self.x[:, n:] = 0.0
        for i in prange(n, nogil=True, num_threads=self.n_threads, schedule="static"):
            for j in range(d):
                self.x[j, i] = X[self.order[i], j]
        for j in range(d):
            self.cells.x[j] = &self.x[j, 0]
        if sample_weight is not None:
            self.weight = np.empty(n)
            for i in range(n):
                self.weight[i] = sample_weight[self.order[i]]
            self.cells.weight = &self.weight[0]
        return 0

    def find_cores(self, Py_ssize_t first, Py_ssize_t last):
        """Which points of some cells are core; see cell_clusters.pyi."""
        cdef Py_ssize_t k
        self.check(first, last)
        for k in prange((last - first + CHUNK - 1) // CHUNK, nogil=True, num_threads=self.n_threads,
                        schedule="dynamic"):
            self.simd.find_cores(&self.cells, first + k * CHUNK, min(first + (k + 1) * CHUNK, last), &self.is_core[0])

    def keep_cores(self):
        """The core points by themselves; their number. Once find_cores has seen all cells."""
        cdef Py_ssize_t c, i, n_core = 0, m
        cdef int d = self.cells.n_dims, j
        self.core_start = np.empty(self.n_cells + 1, np.int32)
        for c in range(self.n_cells):
            self.core_start[c] = <int32_t> n_core
            for i in range(self.start[c], self.start[c + 1]):
                n_core += self.is_core[i]
        self.core_start[self.n_cells] = <int32_t> n_core
        self.parent = np.arange(self.n_cells, dtype=np.int32)
        self.cores.start = &self.core_start[0]
        if n_core == self.n_samples:
            for j in range(d):
                self.cores.x[j] = self.cells.x[j]
            self.cores.row_of = self.cells.row_of
            return n_core
        self.core_x = np.empty((d, n_core + FASTML_CELL_PAD))
        self.core_x[:, n_core:] = 0.0
        if self.angles is not None:
            self.core_row = np.empty(n_core + 1, np.uint32)
            self.cores.row_of = &self.core_row[0]
        for c in prange(self.n_cells, nogil=True, num_threads=self.n_threads, schedule="static"):
            m = self.core_start[c]
            for i in range(self.start[c], self.start[c + 1]):
                if self.is_core[i]:
                    for j in range(d):
                        self.core_x[j, m] = self.x[j, i]
                    if self.angles is not None:
                        self.core_row[m] = self.order[i]
                    m = m + 1
        for j in range(d):
            self.cores.x[j] = &self.core_x[j, 0]
        return n_core

    def join_cells(self, Py_ssize_t first, Py_ssize_t last):
        """Joins some cells with those before them; see cell_clusters.pyi."""
        cdef Py_ssize_t k
        self.check(first, last)
        if self.core_start is None:
            raise ValueError("keep_cores comes first")
        for k in prange((last - first + CHUNK - 1) // CHUNK, nogil=True, num_threads=self.n_threads,
                        schedule="dynamic"):
            self.simd.join_cells(&self.cells, &self.cores, first + k * CHUNK, min(first + (k + 1) * CHUNK, last),
                                 &self.parent[0])

    def number_clusters(self):
        """Numbers clusters by their first core point; how many there are. Once join_cells has seen all cells."""
        cdef Py_ssize_t c, i
        cdef int32_t root
        cdef int64_t[::1] first_of = np.full(self.n_cells, self.n_samples, np.int64)
        if self.core_start is None:
            raise ValueError("keep_cores comes first")
        self.label_of_cell = np.full(self.n_cells, -1, np.int32)
        with nogil:
            for c in range(self.n_cells):
                if self.core_start[c] == self.core_start[c + 1]:
                    continue
                root = fastml_root(&self.parent[0], <int32_t> c)
                for i in range(self.start[c], self.start[c + 1]):  # a cell's rows ascend
                    if self.is_core[i]:
                        first_of[root] = min(first_of[root], <int64_t> self.order[i])
                        break
        firsts = np.asarray(first_of)
        roots = np.flatnonzero(firsts < self.n_samples)
        roots = roots[np.argsort(firsts[roots])]
        cdef const int64_t[::1] ranked = np.ascontiguousarray(roots, np.int64)
        for i in range(ranked.shape[0]):
            self.label_of_cell[ranked[i]] = <int32_t> i
        for c in prange(self.n_cells, nogil=True, num_threads=self.n_threads, schedule="static"):
            if self.core_start[c] != self.core_start[c + 1] and self.parent[c] != c:
                self.label_of_cell[c] = self.label_of_cell[fastml_root(&self.parent[0], <int32_t> c)]
        self.labels = np.empty(self.n_samples, np.int32)
        return ranked.shape[0]

    def reach_borders(self, Py_ssize_t first, Py_ssize_t last):
        """Labels the points of some cells; see cell_clusters.pyi."""
        cdef Py_ssize_t k
        self.check(first, last)
        if self.labels is None:
            raise ValueError("number_clusters comes first")
        for k in prange((last - first + CHUNK - 1) // CHUNK, nogil=True, num_threads=self.n_threads,
                        schedule="dynamic"):
            self.simd.reach_borders(&self.cells, &self.cores, &self.label_of_cell[0], &self.is_core[0],
                                    first + k * CHUNK, min(first + (k + 1) * CHUNK, last), &self.labels[0])

    def results(self):
        """(labels, is_core) of the rows as they came."""
        cdef Py_ssize_t i
        cdef cnp.intp_t[::1] labels = np.empty(self.n_samples, np.intp)
        cdef uint8_t[::1] is_core = np.empty(self.n_samples, np.uint8)
        if self.labels is None:
            raise ValueError("reach_borders comes first")
        for i in prange(self.n_samples, nogil=True, num_threads=self.n_threads, schedule="static"):
            labels[self.order[i]] = self.labels[i]
            is_core[self.order[i]] = self.is_core[i]
        return np.asarray(labels), np.asarray(is_core).view(bool)

    cdef int check(self, Py_ssize_t first, Py_ssize_t last) except -1:
        if not 0 <= first <= last <= self.n_cells:
            raise ValueError(f"cells {first} to {last} are not within {self.n_cells}")
        return 0
