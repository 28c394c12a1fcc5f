"""Rows of CSR against centres, all in float64; sums of clusters in fixed point.

Limit: a multiplication and an addition for each stored number and centre; centres lie column after column, so that a
stored number meets all of them in one run of memory.
"""

cimport cython
cimport numpy as cnp
from cython.parallel cimport parallel, prange
from libc.math cimport rint
from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport free, malloc

from kernels.csr cimport check_csr, index_t

import numpy as np

cnp.import_array()

cdef void assign(
    const cython.floating[::1] data, const index_t[::1] indices, const index_t[::1] indptr,
    const double[:, ::1] columns,       # (d, k) centres, column after column
    const double[::1] half_sq,          # (k,) half of their squared norms
    int32_t[::1] labels_out, int n_threads,
) except *:
    """The centre of the least half_sq - x.c for each row; ties to the lowest number."""
    cdef Py_ssize_t n = labels_out.shape[0], k = half_sq.shape[0], i, c, p
    cdef double *value = NULL
    cdef const double *column
    cdef double x
    cdef int32_t best
    cdef bint failed = False
    with nogil, parallel(num_threads=n_threads):
        value = <double *> malloc(k * sizeof(double))
        for i in prange(n, schedule="dynamic", chunksize=64):
            if value == NULL:
                failed = True
                continue
            for c in range(k):
                value[c] = half_sq[c]
            for p in range(indptr[i], indptr[i + 1]):
                x = data[p]
                column = &columns[indices[p], 0]
                for c in range(k):
                    value[c] = value[c] - x * column[c]
            best = 0
            for c in range(1, k):
                if value[c] < value[best]:
                    best = <int32_t> c
            labels_out[i] = best
        free(value)
    if failed:
        raise MemoryError


def sparse_labels(
    const cython.floating[::1] data, const index_t[::1] indices, const index_t[::1] indptr,
    const double[:, :] centres, int n_threads=1,
):
    """(n,) int32 nearest centre of each row; see lloyd_sparse.pyi."""
    check_csr(indices, indptr, data.shape[0], centres.shape[1])
    cdef int32_t[::1] labels = np.empty(indptr.shape[0] - 1, np.int32)
    if centres.shape[0] < 1:
        raise ValueError("there must be a centre")
    cdef const double[:, ::1] columns = np.ascontiguousarray(np.asarray(centres).T)
    cdef const double[::1] half_sq = 0.5 * squares(centres)
    assign(data, indices, indptr, columns, half_sq, labels, max(n_threads, 1))
    return np.asarray(labels)


def squares(centres):
    """(k,) squared norms, each summed from the first column to the last."""
    values = np.asarray(centres)
    out = np.zeros(len(values))
    for j in range(values.shape[1]) if len(values) > values.shape[1] else ():
        out += values[:, j] * values[:, j]
    if len(values) <= values.shape[1]:
        out = np.ascontiguousarray(np.add.accumulate(values * values, axis=1)[:, values.shape[1] - 1])
    return out


def squared_distances(
    const cython.floating[::1] data, const index_t[::1] indices, const index_t[::1] indptr,
    const int32_t[::1] labels, const double[:, ::1] centres, int n_threads=1,
):
    """(n,) float64 of each row to the centre of its label; see lloyd_sparse.pyi."""
    cdef Py_ssize_t n = indptr.shape[0] - 1, i, p
    cdef double[::1] out = np.empty(n), sq = squares(centres)
    cdef double sum, c, v
    check_csr(indices, indptr, data.shape[0], centres.shape[1])
    if labels.shape[0] != n:
        raise ValueError(f"labels must have {n} numbers")
    for i in range(n):
        if not 0 <= labels[i] < centres.shape[0]:
            raise ValueError(f"label {labels[i]} of row {i} is no number of a centre")
    for i in prange(n, nogil=True, num_threads=max(n_threads, 1), schedule="static"):
        sum = 0.0
        for p in range(indptr[i], indptr[i + 1]):
            c = centres[labels[i], indices[p]]
            v = data[p] - c
            sum = sum + (v * v - c * c)
        sum = sum + sq[labels[i]]
        out[i] = sum if sum > 0.0 else 0.0
    return np.asarray(out)


cdef class SparseLloyd:
    """Rows of CSR, their labels and the sums of their clusters; see lloyd_sparse.pyi."""

    cdef readonly object labels, sums
    cdef object data, indices, indptr, weight, scale
    cdef double weight_scale

    def __init__(self, data, indices, indptr, weight, const double[::1] scale, double weight_scale,
                 Py_ssize_t n_clusters):
        n, d = len(indptr) - 1, scale.shape[0]
        if n < 1 or n_clusters < 1 or (weight is not None and len(weight) != n):
            raise ValueError("there must be rows, clusters, and as many weights as rows")
        self.data, self.indices, self.indptr, self.weight = data, indices, indptr, weight
        self.scale, self.weight_scale = np.asarray(scale), weight_scale
        self.labels = np.full(n, -1, np.int32)
        self.sums = np.zeros((n_clusters, d + 2), np.int64)

    def step(self, const double[:, :] centres, int n_threads=1):
        """Assign the rows to the nearest of the centres; the number of rows that moved."""
        if centres.shape[0] != self.sums.shape[0] or centres.shape[1] != self.scale.shape[0]:
            raise ValueError(f"centres must be of shape {(self.sums.shape[0], self.scale.shape[0])}")
        found = sparse_labels(self.data, self.indices, self.indptr, centres, n_threads)
        moved = add_moved(self.data, self.indices, self.indptr, self.weight, self.scale, self.weight_scale,
                          self.labels, found, self.sums)
        self.labels = found
        return moved


def add_moved(
    const cython.floating[::1] data, const index_t[::1] indices, const index_t[::1] indptr, weight,
    const double[::1] scale, double weight_scale, const int32_t[::1] before, const int32_t[::1] after,
    int64_t[:, ::1] sums_inout,
):
    """Take rows that moved from the sums of their clusters and add them to the others'; how many there were."""
    cdef Py_ssize_t n = after.shape[0], d = scale.shape[0], i, p, moved = 0
    cdef const double[::1] weights = weight
    cdef double w = 1.0
    cdef int64_t value
    for i in range(n):
        if before[i] == after[i]:
            continue
        moved += 1
        if weights is not None:
            w = weights[i]
        for p in range(indptr[i], indptr[i + 1]):
            value = <int64_t> rint(data[p] * w * scale[indices[p]])
            sums_inout[after[i], indices[p]] += value
            if before[i] >= 0:
                sums_inout[before[i], indices[p]] -= value
        value = <int64_t> rint(w * weight_scale)
        sums_inout[after[i], d] += value
        if before[i] >= 0:
            sums_inout[before[i], d] -= value
    return moved
