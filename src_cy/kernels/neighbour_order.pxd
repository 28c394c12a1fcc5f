"""Rows in an order in which neighbours lie close together, by the interleaved bits of their cells (Morton 1966)."""

cimport numpy as cnp
from libc.stdint cimport uint8_t, uint32_t, uint64_t

from kernels.lloyd_points cimport kind_of
from kernels.radix_sort cimport radix_sort
from simd.lloyd cimport FASTML_F32, FASTML_F64

import numpy as np

cdef enum:
    KEY_BITS = 60


cdef inline double cell_of(const void *x, int kind, Py_ssize_t at) noexcept nogil:
    if kind == FASTML_F32:
        return (<const float *> x)[at]
    if kind == FASTML_F64:
        return (<const double *> x)[at]
    return (<const uint8_t *> x)[at]


cdef inline object order_of(X, bint sort, Py_ssize_t n_lanes):
    """(n_lanes,) uint32 rows such that neighbours lie close together (by the interleaved bits of their cells), or as
    they are; beyond the last row that one again."""
    cdef Py_ssize_t n = X.shape[0], d = X.shape[1], i, j, bits = max(KEY_BITS // d, 1), b
    cdef uint32_t[::1] rows = np.empty(n_lanes, np.uint32), spare_rows
    cdef uint64_t[::1] keys, spare
    cdef double[::1] low, scale
    cdef double v, most
    cdef uint64_t code, cell
    cdef int kind = kind_of(X)
    cdef const void *x = cnp.PyArray_DATA(<cnp.ndarray> X)
    for i in range(n_lanes):
        rows[i] = <uint32_t> min(i, n - 1)
    if not sort:
        return np.asarray(rows)
    # Between the mean and 4 standard deviations on each side: single rows far out must not widen everybody's cells.
    mean = X.mean(axis=0, dtype=np.float64)
    width = 4.0 * np.sqrt(np.maximum(np.einsum("ij,ij->j", X, X, dtype=np.float64) / n - mean * mean, 0.0))
    bits = min(bits, 20)
    most = <double> ((<uint64_t> 1 << bits) - 1)
    low = mean - width
    scale = np.divide(most, 2.0 * width, out=np.zeros(d), where=width > 1e-300)
    keys, spare, spare_rows = np.empty(n, np.uint64), np.empty(n, np.uint64), np.empty(n, np.uint32)
    with nogil:
        for i in range(n):
            code = 0
            for j in range(d):
                v = (cell_of(x, kind, i * d + j) - low[j]) * scale[j]
                cell = 0 if not v > 0.0 else (<uint64_t> most if v >= most else <uint64_t> v)
                for b in range(bits):
                    code |= ((cell >> b) & 1) << (b * d + j)
            keys[i] = code << (64 - bits * d)
        i = radix_sort(&keys[0], &spare[0], &rows[0], &spare_rows[0], <uint32_t> n)
    if i:
        np.asarray(rows)[:n] = spare_rows
    np.asarray(rows)[n:] = rows[n - 1]
    return np.asarray(rows)
