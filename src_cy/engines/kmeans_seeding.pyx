"""k-means++ on dense and sparse rows: distances to the nearest centre so far, draws by them, what candidates gain.

What is drawn hangs on sums in the order of X, so those are kept by row in chunks of 256, whatever order points are
worked on in. Limit: simd/seeding.inl.
"""

cimport cython
cimport numpy as cnp
from cython.parallel cimport prange
from libc.math cimport INFINITY
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t

from kernels.csr cimport check_csr, index_t
from kernels.lloyd_points cimport kind_of
from kernels.neighbour_order cimport cell_of, order_of
from simd.lloyd cimport (
    FASTML_F32, FASTML_F64, fastml_lloyd_kernels, fastml_lloyd_kernels_chosen,
)
from simd.seeding cimport (
    FASTML_SEED_CHUNK, FASTML_SEED_LANES, fastml_seed_blocks, fastml_seed_rows, fastml_seeding_kernels,
    fastml_seeding_kernels_chosen,
)

import numpy as np

cnp.import_array()

cdef double TWICE_SQ = 4.0 * (1.0 + 1e-6)     # squared, with room for rounding

cdef enum:
    LANES = FASTML_SEED_LANES
    CHUNK = FASTML_SEED_CHUNK
    MOST_COLUMNS = 8        # of points in blocks: beyond, boxes of neighbours reach too far to be left out

cdef object in_order(parts):
    """The sum of the parts from the first to the last, whatever NumPy would do."""
    return np.ascontiguousarray(np.add.accumulate(parts, axis=0)[len(parts) - 1])


cdef class _Seeds:
    """What all kinds of rows share: squared distances by row, their sums by chunk, draws."""

    cdef readonly Py_ssize_t n_samples, n_centres, most_centres
    cdef readonly object nearest            # (n,) squared distance of each row to its nearest centre
    cdef object _weight, _sums, _changed
    cdef const double *weight               # (n,) or NULL
    cdef double *by_row
    cdef double *sums                       # (n_chunks,)
    cdef uint8_t *changed                   # (n_chunks,)
    cdef Py_ssize_t n_chunks

    cdef int open(self, Py_ssize_t n, weight, Py_ssize_t most_centres) except -1:
        cdef const double[::1] w
        if n < 1 or most_centres < 1:
            raise ValueError("there must be rows and centres")
        self.n_samples, self.most_centres, self.n_centres = n, most_centres, 0
        self.n_chunks = (n + CHUNK - 1) // CHUNK
        self.nearest = np.full(n, np.inf)
        self._weight, self._sums, self._changed = weight, np.zeros(self.n_chunks), np.ones(self.n_chunks, np.uint8)
        self.weight = NULL
        if weight is not None:
            w = weight
            if w.shape[0] != n:
                raise ValueError(f"weight must have {n} numbers")
            self.weight = &w[0]
        self.by_row = <double *> cnp.PyArray_DATA(self.nearest)
        self.sums = <double *> cnp.PyArray_DATA(self._sums)
        self.changed = <uint8_t *> cnp.PyArray_DATA(self._changed)
        return 0

    cdef int add_up(self, int n_threads) except -1:
        """The sums of chunks that changed."""
        cdef const fastml_seeding_kernels *simd = fastml_seeding_kernels_chosen()
        cdef Py_ssize_t i, size
        for i in prange(self.n_chunks, nogil=True, num_threads=max(n_threads, 1), schedule="static"):
            if self.changed[i]:
                self.changed[i] = 0
                size = min(<Py_ssize_t> CHUNK, self.n_samples - i * CHUNK)
                if self.weight == NULL:
                    self.sums[i] = simd.weighted_sum(self.by_row + i * CHUNK, NULL, size)
                else:
                    self.sums[i] = simd.weighted_sum(self.by_row + i * CHUNK, self.weight + i * CHUNK, size)
        return 0

    @property
    def potential(self):
        """The weighted sum of the squared distances."""
        cdef double total = 0.0
        cdef Py_ssize_t i
        for i in range(self.n_chunks):
            total += self.sums[i]
        return total

    def draw(self, const double[::1] values):
        """(n_values,) int64: for each value the first row up to which the squared distances add up to it."""
        cdef int64_t[::1] rows = np.empty(values.shape[0], np.int64)
        cdef double[::1] until = np.add.accumulate(self._sums)
        cdef Py_ssize_t t, chunk, i, stop, last
        cdef double sum, share
        for t in range(values.shape[0]):
            chunk = min(<Py_ssize_t> np.searchsorted(until, values[t]), self.n_chunks - 1)
            while chunk > 0 and self.sums[chunk] == 0.0:  # beyond the last one that has a share
                chunk -= 1
            sum = until[chunk - 1] if chunk > 0 else 0.0
            stop = min((chunk + 1) * CHUNK, self.n_samples)
            last = chunk * CHUNK
            for i in range(chunk * CHUNK, stop):
                share = self.by_row[i] if self.weight == NULL else self.by_row[i] * self.weight[i]
                sum += share
                if share > 0.0 or i == 0:
                    last = i
                    if sum >= values[t]:
                        break
            rows[t] = last
        return np.asarray(rows)

    cdef int check_rows(self, const int64_t[::1] rows) except -1:
        cdef Py_ssize_t t
        for t in range(rows.shape[0]):
            if not 0 <= rows[t] < self.n_samples:
                raise ValueError(f"row {rows[t]} is none of the {self.n_samples}")
        return 0

    cdef int check_place(self) except -1:
        if self.n_centres == self.most_centres:
            raise ValueError(f"there is room for {self.most_centres} centres")
        return 0


cdef class DenseSeeds(_Seeds):
    """k-means++ on an array; see kmeans_seeding.pyi."""

    cdef object _X, _blocks, _boxes, _block_weight, _block_nearest, _farthest, _row_of, _centres, _labels
    cdef const void *x
    cdef int kind
    cdef Py_ssize_t d
    cdef bint in_blocks
    cdef fastml_seed_blocks blocks
    cdef fastml_seed_rows rows
    cdef uint32_t *row_of
    cdef double *centres            # (most_centres, d) of rows

    def __init__(self, X, weight, Py_ssize_t most_centres, bint sort=True, int n_threads=1):
        self.kind = kind_of(X)
        self.open(X.shape[0], weight, most_centres)
        self._X, self.x, self.d = X, cnp.PyArray_DATA(<cnp.ndarray> X), X.shape[1]
        self.in_blocks = self.d <= MOST_COLUMNS and self.n_samples < (<int64_t> 1 << 32) - LANES
        if self.in_blocks:
            self.make_blocks(sort, n_threads)
        else:
            self._centres = np.empty((most_centres, self.d))
            self._labels = np.zeros(self.n_samples, np.int32)
            self.centres = <double *> cnp.PyArray_DATA(self._centres)
            self.rows.x, self.rows.kind, self.rows.d, self.rows.weight = self.x, self.kind, self.d, self.weight
            self.rows.nearest = self.by_row
            self.rows.label = <int32_t *> cnp.PyArray_DATA(self._labels)

    cdef int make_blocks(self, bint sort, int n_threads) except -1:
        cdef Py_ssize_t n = self.n_samples, d = self.d, b, n_blocks = (n + LANES - 1) // LANES
        cdef bint single = self.kind != FASTML_F64
        self._row_of = order_of(self._X, sort, n_blocks * LANES)
        self.row_of = <uint32_t *> cnp.PyArray_DATA(self._row_of)
        self._blocks = np.empty(n_blocks * d * LANES, np.float32 if single else np.float64)
        self._boxes = np.empty((2, d, n_blocks))
        self._block_nearest = np.full(n_blocks * LANES, np.inf)
        self._farthest = np.full(n_blocks, np.inf)
        self._block_nearest[n:] = 0.0
        self.blocks.x, self.blocks.kind = cnp.PyArray_DATA(self._blocks), FASTML_F32 if single else FASTML_F64
        self.blocks.d, self.blocks.n_blocks = d, n_blocks
        self.blocks.low = <const double *> cnp.PyArray_DATA(self._boxes)
        self.blocks.high = self.blocks.low + d * n_blocks
        self.blocks.nearest = <double *> cnp.PyArray_DATA(self._block_nearest)
        self.blocks.farthest = <double *> cnp.PyArray_DATA(self._farthest)
        self.blocks.weight = NULL
        if self.weight != NULL:
            self._block_weight = self._weight[self._row_of]
            self.blocks.weight = <const double *> cnp.PyArray_DATA(self._block_weight)
        for b in prange(n_blocks, nogil=True, num_threads=max(n_threads, 1), schedule="static"):
            self.fill_block(b, single)
        return 0

    cdef void fill_block(self, Py_ssize_t b, bint single) noexcept nogil:
        cdef Py_ssize_t j, lane, at
        cdef double v, low, high
        for j in range(self.d):
            low, high = INFINITY, -INFINITY
            at = (b * self.d + j) * LANES
            for lane in range(LANES):
                v = cell_of(self.x, self.kind, self.row_of[b * LANES + lane] * self.d + j)
                if single:
                    (<float *> self.blocks.x)[at + lane] = <float> v
                else:
                    (<double *> self.blocks.x)[at + lane] = v
                low = min(low, v)
                high = max(high, v)
            (<double *> self.blocks.low)[j * self.blocks.n_blocks + b] = low
            (<double *> self.blocks.high)[j * self.blocks.n_blocks + b] = high

    cdef object points_of(self, const int64_t[::1] rows):
        """(n_rows, d) float64."""
        cdef double[:, ::1] out = np.empty((rows.shape[0], self.d))
        cdef Py_ssize_t t, j
        self.check_rows(rows)
        for t in range(rows.shape[0]):
            for j in range(self.d):
                out[t, j] = cell_of(self.x, self.kind, rows[t] * self.d + j)
        return np.asarray(out)

    cdef object to_centres(self, const double[:, ::1] points, int n_threads):
        """(n_points, n_centres) squared distances of points to the centres so far; one column where there are none."""
        cdef double[:, ::1] out = np.zeros((points.shape[0], max(self.n_centres, 1)))
        cdef const fastml_lloyd_kernels *simd = fastml_lloyd_kernels_chosen()
        cdef Py_ssize_t t, c
        for c in prange(self.n_centres, nogil=True, num_threads=max(n_threads, 1), schedule="static"):
            for t in range(points.shape[0]):
                out[t, c] = simd.squared_distance(self.centres, FASTML_F64, c, self.d, &points[t, 0])
        return np.asarray(out)

    def gains(self, const int64_t[::1] candidates, int n_threads=1):
        """(n_candidates,) by how much the potential would fall with each of the rows as the next centre."""
        cdef const double[:, ::1] points = self.points_of(candidates), between
        cdef const fastml_seeding_kernels *simd = fastml_seeding_kernels_chosen()
        cdef Py_ssize_t n = candidates.shape[0], i, n_parts, size = LANES if self.in_blocks else CHUNK, total
        cdef double[:, ::1] parts
        if n == 0:
            return np.empty(0)
        total = self.blocks.n_blocks if self.in_blocks else self.n_samples
        n_parts = (total + size - 1) // size
        parts = np.empty((n_parts, n))
        if not self.in_blocks:
            between = self.to_centres(points, n_threads)
        for i in prange(n_parts, nogil=True, num_threads=max(n_threads, 1), schedule="dynamic"):
            if self.in_blocks:
                simd.gains_of_blocks(&self.blocks, i * size, min(size, total - i * size), &points[0, 0], n,
                                     &parts[i, 0])
            else:
                simd.gains_of_rows(&self.rows, i * size, min(size, total - i * size), &points[0, 0], n, &between[0, 0],
                                   between.shape[1], &parts[i, 0])
        return in_order(np.asarray(parts))

    def add(self, int64_t row, int n_threads=1):
        """Make this row the next centre."""
        cdef const double[:, ::1] point = self.points_of(np.array([row])), between
        cdef const fastml_seeding_kernels *simd = fastml_seeding_kernels_chosen()
        cdef Py_ssize_t i, j, size = LANES if self.in_blocks else CHUNK, total
        self.check_place()
        total = self.blocks.n_blocks if self.in_blocks else self.n_samples
        if not self.in_blocks:
            between = self.to_centres(point, n_threads)
        for i in prange((total + size - 1) // size, nogil=True, num_threads=max(n_threads, 1), schedule="dynamic"):
            if self.in_blocks:
                simd.lower_blocks(&self.blocks, i * size, min(size, total - i * size), &point[0, 0], self.row_of,
                                  self.by_row, self.changed)
            else:
                simd.lower_rows(&self.rows, i * size, min(size, total - i * size), &point[0, 0], &between[0, 0],
                                <int32_t> self.n_centres)
                self.changed[i] = 1
        if not self.in_blocks:
            for j in range(self.d):
                self.centres[self.n_centres * self.d + j] = point[0, j]
        self.n_centres += 1
        self.add_up(n_threads)


cdef class SparseSeeds(_Seeds):
    """k-means++ on CSR; see kmeans_seeding.pyi."""

    cdef object _data, _indices, _indptr, _sq, _labels, _centre_rows
    cdef Py_ssize_t d
    cdef const double[::1] sq           # (n,) squared norms
    cdef int32_t[::1] labels            # (n,) nearest centre
    cdef int64_t[::1] centre_rows       # (most_centres,)

    def __init__(self, X, weight, Py_ssize_t most_centres, int n_threads=1):
        self.open(X.shape[0], weight, most_centres)
        self.d = X.shape[1]
        self._data = np.ascontiguousarray(X.data)
        self._indices, self._indptr = np.ascontiguousarray(X.indices), np.ascontiguousarray(X.indptr, X.indices.dtype)
        _check_csr(self._indices, self._indptr, self._data.shape[0], self.d)
        self._sq = _row_squares(self._data, self._indptr, n_threads)
        self.sq = self._sq
        self.labels = np.zeros(self.n_samples, np.int32)
        self.centre_rows = np.zeros(most_centres, np.int64)

    cdef object distances(self, const int64_t[::1] rows, int n_threads):
        """(n_rows, d) dense rows and (n_rows, n_centres) their squared distances to the centres so far."""
        cdef double[:, ::1] dense = np.zeros((rows.shape[0], self.d))
        self.check_rows(rows)
        for t in range(rows.shape[0]):
            own = slice(self._indptr[rows[t]], self._indptr[rows[t] + 1])
            np.asarray(dense)[t, self._indices[own]] = self._data[own]
        centres = np.asarray(self.centre_rows)[:max(self.n_centres, 1)]
        between = np.empty((rows.shape[0], len(centres)))
        sq = self._sq[np.asarray(rows)]
        _some_distances(self._data, self._indices, self._indptr, self.sq, centres, dense, sq, between, n_threads)
        return dense, sq, between

    def gains(self, const int64_t[::1] candidates, int n_threads=1):
        """(n_candidates,) by how much the potential would fall with each of the rows as the next centre."""
        cdef Py_ssize_t n = candidates.shape[0]
        dense, sq, between = self.distances(candidates, n_threads)
        parts = np.zeros((self.n_chunks, n))
        _sparse_pass(self._data, self._indices, self._indptr, self.sq, self._weight, self.nearest, self.labels, dense,
                    sq, between, parts, -1, n_threads)
        return in_order(parts)

    def add(self, int64_t row, int n_threads=1):
        """Make this row the next centre."""
        self.check_place()
        dense, sq, between = self.distances(np.array([row]), n_threads)
        _sparse_pass(self._data, self._indices, self._indptr, self.sq, self._weight, self.nearest, self.labels, dense,
                    sq, between, np.zeros((self.n_chunks, 1)), <int32_t> self.n_centres, n_threads)
        self.centre_rows[self.n_centres] = row
        self.n_centres += 1
        self._changed[:] = 1
        self.add_up(n_threads)


def _check_csr(const index_t[::1] indices, const index_t[::1] indptr, Py_ssize_t n_stored, Py_ssize_t d):
    """check_csr for arrays of either type of indices."""
    check_csr(indices, indptr, n_stored, d)


def _row_squares(const cython.floating[::1] data, const index_t[::1] indptr, int n_threads):
    """(n,) squared norms."""
    cdef double[::1] out = np.zeros(indptr.shape[0] - 1)
    cdef Py_ssize_t i, p
    for i in prange(out.shape[0], nogil=True, num_threads=max(n_threads, 1), schedule="static"):
        for p in range(indptr[i], indptr[i + 1]):
            out[i] += <double> data[p] * data[p]
    return np.asarray(out)


cdef inline double dot(
    const cython.floating[::1] data, const index_t[::1] indices, Py_ssize_t begin, Py_ssize_t end, const double *dense,
) noexcept nogil:
    cdef double sum = 0.0
    cdef Py_ssize_t p
    for p in range(begin, end):
        sum += data[p] * dense[indices[p]]
    return sum


cdef inline double between_of(double sq, double other_sq, double product) noexcept nogil:
    """Squared distance; less than what rounding leaves of two equal rows is 0."""
    cdef double value = sq + other_sq - 2.0 * product
    return value if value > 1e-15 * (sq + other_sq) else 0.0


def _some_distances(
    const cython.floating[::1] data, const index_t[::1] indices, const index_t[::1] indptr, const double[::1] sq,
    const int64_t[::1] rows, const double[:, ::1] points, const double[::1] point_sq, double[:, ::1] out,
    int n_threads,
):
    """out[t, c] = squared distance of point t to row rows[c]."""
    cdef Py_ssize_t c, t
    for c in prange(rows.shape[0], nogil=True, num_threads=max(n_threads, 1), schedule="static"):
        for t in range(points.shape[0]):
            out[t, c] = between_of(sq[rows[c]], point_sq[t],
                                   dot(data, indices, indptr[rows[c]], indptr[rows[c] + 1], &points[t, 0]))


def _sparse_pass(
    const cython.floating[::1] data, const index_t[::1] indices, const index_t[::1] indptr, const double[::1] sq,
    const double[::1] weight,               # (n,) or None
    double[::1] nearest, int32_t[::1] label,
    const double[:, ::1] points, const double[::1] point_sq,
    const double[:, ::1] between,           # (n_points, n_centres)
    double[:, ::1] gain_out,                # (n_chunks, n_points) += what each would gain
    int32_t number,                         # of the centre that the point becomes; -1: only what it would gain
    int n_threads,
):
    """Each row against the points, but for those more than twice as far from its centre as the row."""
    cdef Py_ssize_t n = nearest.shape[0], chunk, i, t
    cdef double value
    for chunk in prange(gain_out.shape[0], nogil=True, num_threads=max(n_threads, 1), schedule="dynamic"):
        for i in range(chunk * CHUNK, min((chunk + 1) * CHUNK, n)):
            for t in range(points.shape[0]):
                if number != 0 and between[t, label[i]] >= TWICE_SQ * nearest[i]:
                    continue
                value = between_of(sq[i], point_sq[t], dot(data, indices, indptr[i], indptr[i + 1], &points[t, 0]))
                if value < nearest[i]:
                    if number < 0:
                        gain_out[chunk, t] += (nearest[i] - value) * (1.0 if weight is None else weight[i])
                    else:
                        nearest[i] = value
                        label[i] = number
