"""Lloyd's algorithm by bounds on distances; see simd/lloyd_bounds.inl."""

cimport numpy as cnp
from cython.parallel cimport parallel, prange, threadid
from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memset

from kernels.lloyd_points cimport kind_of, read_points
from simd.lloyd cimport (
    FASTML_LLOYD_CANDIDATE, fastml_bounds, fastml_lloyd_kernels, fastml_lloyd_kernels_chosen, fastml_points,
)

import numpy as np

cnp.import_array()

cdef enum:
    STRIP = 1024            # rows that a thread takes at once
    MOST_GROUPS = 64


cdef class BoundedLloyd:
    """Rows, bounds on their distances, their labels and the sums of their clusters; see lloyd_bounds.pyi."""

    cdef readonly Py_ssize_t n_samples, n_features, n_clusters
    cdef readonly object labels, sums
    cdef object _points, _groups, _upper, _base, _lower, _member, _group_of
    cdef fastml_points points
    cdef fastml_bounds bounds

    def __init__(self, points, const int32_t[::1] group_start, const int32_t[::1] member, double quantum):
        read_points(points, &self.points)
        cdef Py_ssize_t n = points.X.shape[0], k = member.shape[0], groups = group_start.shape[0] - 1, g, i
        cdef int32_t[::1] group_of = np.full(k, -1, np.int32)
        if n < 1 or not 1 <= groups <= MOST_GROUPS or group_start[0] != 0 or group_start[groups] != k \
                or not quantum > 0.0:
            raise ValueError("there must be rows, 1 to 64 groups of centres, and a quantum > 0")
        for g in range(groups):
            if group_start[g] >= group_start[g + 1] or group_start[g + 1] > k:
                raise ValueError(f"group {g} is empty")
            for i in range(group_start[g], group_start[g + 1]):
                if not 0 <= member[i] < k or group_of[member[i]] >= 0:
                    raise ValueError("member must name each centre once")
                group_of[member[i]] = <int32_t> g
        self._points = points
        self.n_samples, self.n_features, self.n_clusters = n, self.points.d, k
        self._groups, self._member, self._group_of = np.asarray(group_start), np.asarray(member), np.asarray(group_of)
        self.labels = np.full(n, -1, np.int32)
        self.sums = np.zeros((k, self.points.d + 2), np.int64)
        self._upper, self._base = np.zeros(n, np.float32), np.zeros(n, np.float32)
        self.bounds.stride = 16 if groups <= 16 else 32 if groups <= 32 else 64
        self._lower = np.zeros((n, self.bounds.stride), np.uint8)
        self.bounds.points, self.bounds.k, self.bounds.n_groups = &self.points, k, <int32_t> groups
        self.bounds.all_groups = <uint64_t> -1 if groups == 64 else (<uint64_t> 1 << groups) - 1
        self.bounds.group_start = &group_start[0]
        self.bounds.member, self.bounds.group_of = &member[0], <const int32_t *> cnp.PyArray_DATA(self._group_of)
        self.bounds.label = <int32_t *> cnp.PyArray_DATA(self.labels)
        self.bounds.upper = <float *> cnp.PyArray_DATA(self._upper)
        self.bounds.base = <float *> cnp.PyArray_DATA(self._base)
        self.bounds.lower = <uint8_t *> cnp.PyArray_DATA(self._lower)
        self.bounds.per_quantum = 1.0 / quantum

    cdef int read(self, const double[::1] drift, const double[::1] group_drift) except -1:
        """Take the drifts; bounds keep pointers to what lives as long as the call."""
        if drift.shape[0] != self.n_clusters or group_drift.shape[0] != self.bounds.n_groups:
            raise ValueError(f"drifts must have {self.n_clusters} and {self.bounds.n_groups} numbers")
        self.bounds.drift, self.bounds.group_drift = &drift[0], &group_drift[0]
        return 0

    def step(
        self, const double[:, ::1] centres, fast, const double[::1] off, double relative, const double[::1] drift,
        const double[::1] group_drift, const uint8_t[::1] drift_units, const float[::1] half_next,
        const float[:, ::1] half_between=None, const double[::1] sq=None, bint afresh=False, int n_threads=1,
    ):
        """Assign the rows to the nearest of the centres; the number of rows that moved. See lloyd_bounds.pyi."""
        cdef Py_ssize_t k = self.n_clusters, d = self.n_features, n = self.n_samples, strip
        cdef int threads = max(n_threads, 1), own = 0
        cdef int64_t[:, ::1] parts
        cdef int64_t[:, ::1] n_moved = np.zeros((threads, 8), np.int64)
        cdef void *scratch = NULL
        cdef bint failed = False
        cdef const double[::1] norm = None
        cdef const fastml_lloyd_kernels *simd = fastml_lloyd_kernels_chosen()
        if kind_of(fast) != self.points.kind or fast.shape != (k, d) or centres.shape[0] != k or centres.shape[1] != d \
                or off.shape[0] != k or half_next.shape[0] != k or drift_units.shape[0] != self.bounds.stride \
                or (half_between is not None and (half_between.shape[0] != k or half_between.shape[1] != k)):
            raise ValueError(f"what is known of centres must fit {k} of them with {d} columns")
        self.read(drift, group_drift)
        parts = np.empty((threads, k * (d + 2)), np.int64)
        self.bounds.centre, self.bounds.fast = &centres[0, 0], cnp.PyArray_DATA(<cnp.ndarray> fast)
        self.bounds.off, self.bounds.relative = &off[0], relative
        self.bounds.drift_units, self.bounds.half_next = &drift_units[0], &half_next[0]
        if sq is not None:
            if sq.shape[0] != k:
                raise ValueError(f"sq must have {k} numbers")
            norm = np.sqrt(sq)
        self.bounds.sq = self.bounds.norm = NULL
        if sq is not None:
            self.bounds.sq, self.bounds.norm = &sq[0], &norm[0]
        self.bounds.afresh = afresh
        self.bounds.half_between = NULL if half_between is None else &half_between[0, 0]
        with nogil, parallel(num_threads=threads):
            own = threadid()
            memset(&parts[own, 0], 0, k * (d + 2) * sizeof(int64_t))
            scratch = malloc((k + 1) * FASTML_LLOYD_CANDIDATE)
            for strip in prange((n + STRIP - 1) // STRIP, schedule="dynamic"):
                if scratch == NULL:
                    failed = True
                    continue
                n_moved[own, 0] += simd.assign_bounded(&self.bounds, strip * STRIP,
                                                       min(<Py_ssize_t> STRIP, n - strip * STRIP), scratch,
                                                       &parts[own, 0])
            free(scratch)
        if failed:
            raise MemoryError
        moved = int(np.asarray(n_moved)[:, 0].sum())
        if moved:
            self.sums += np.asarray(parts).sum(axis=0).reshape(k, d + 2)
        return moved

    def settle(self, const double[::1] drift, const double[::1] group_drift, const uint8_t[::1] drift_units,
               int n_threads=1):
        """Bring the bounds up to date, so that drifts begin again at 0; after the first step."""
        cdef Py_ssize_t n = self.n_samples, strip
        cdef const fastml_lloyd_kernels *simd = fastml_lloyd_kernels_chosen()
        self.read(drift, group_drift)
        if drift_units.shape[0] != self.bounds.stride or self.bounds.label[0] < 0:
            raise ValueError("bounds are settled after a step, with units for each group")
        self.bounds.drift_units = &drift_units[0]
        for strip in prange((n + STRIP - 1) // STRIP, nogil=True, num_threads=max(n_threads, 1), schedule="static"):
            simd.settle_bounds(&self.bounds, strip * STRIP, min(<Py_ssize_t> STRIP, n - strip * STRIP))

    @property
    def stride(self):
        """Bytes that a row's lower bounds take."""
        return self.bounds.stride

    @property
    def bounds_now(self):
        """(upper, base, lower) as stored, drifts not taken off."""
        return self._upper, self._base, self._lower
