"""Rows of a kernel matrix, computed from packed rows when they are needed: only their weighted sums leave it.

Limit: d multiplications and additions a value, and an exponential; see simd/svm_tiles.inl.
"""

from cython.parallel cimport prange
from libc.stdint cimport int32_t, int64_t

from simd.svm cimport (
    FASTML_SVM_PANEL, fastml_svm_kernel, fastml_svm_kernels, fastml_svm_kernels_chosen, fastml_svm_sparse,
)

ctypedef fused real:
    float
    double

ctypedef fused number:
    float
    double


cdef enum:
    CHUNK = 16          # blocks that a thread takes at once
    SPARSE_CHUNK = 256  # rows

cdef const fastml_svm_kernels *table = fastml_svm_kernels_chosen()


def pack_rows(
    const number[:, :] X, const int64_t[::1] index, const double[::1] mean, double scale, real[:, :, ::1] rows_out,
    real[::1] sq_out, int n_threads=1,
):
    """See kernel_rows.pyi."""
    cdef ptrdiff_t n = index.shape[0], d = X.shape[1], lanes = rows_out.shape[2], b, i, j, lane
    cdef double x, total
    if rows_out.shape[1] != d or rows_out.shape[0] * lanes < n or sq_out.shape[0] < rows_out.shape[0] * lanes:
        raise ValueError("the packed rows need room for every row and column")
    for b in prange(rows_out.shape[0], nogil=True, num_threads=max(n_threads, 1), schedule="static"):
        for lane in range(lanes):
            i = b * lanes + lane
            total = 0.0
            for j in range(d):
                x = 0.0
                if i < n:
                    x = (<double> X[index[i], j] - mean[j]) * scale
                rows_out[b, j, lane] = <real> x
                total = total + <double> rows_out[b, j, lane] * <double> rows_out[b, j, lane]
            sq_out[i] = <real> (total / 2.0)


def take_rows(
    const real[:, :, ::1] rows, const real[::1] sq, const int64_t[::1] index, real[:, :, ::1] rows_out,
    real[::1] sq_out,
):
    """See kernel_rows.pyi."""
    cdef ptrdiff_t lanes = rows_out.shape[2], from_lanes = rows.shape[2], d = rows.shape[1], v, i, j
    if rows_out.shape[0] * lanes < index.shape[0] or rows_out.shape[1] != d:
        raise ValueError("the rows need room for every row and column")
    with nogil:
        for v in range(rows_out.shape[0] * lanes):
            i = index[v] if v < index.shape[0] else -1
            for j in range(d):
                rows_out[v // lanes, j, v % lanes] = rows[i // from_lanes, j, i % from_lanes] if i >= 0 else 0
            sq_out[v] = sq[i] if i >= 0 else 0


def add_kernel(
    const real[:, :, ::1] rows, const real[::1] sq, const real[:, :, ::1] panels, const real[::1] panels_sq,
    const real[::1] coef, int kind, int degree, double gamma, double coef0, double[::1] out, int n_threads=1,
):
    """See kernel_rows.pyi."""
    cdef fastml_svm_kernel kernel = fastml_svm_kernel(kind, degree, gamma, coef0)
    cdef ptrdiff_t n_blocks = rows.shape[0], lanes = rows.shape[2], d = rows.shape[1], c, begin, n
    cdef ptrdiff_t n_panels = panels.shape[0]
    if n_blocks == 0 or n_panels == 0:
        return
    if out.shape[0] < n_blocks * lanes or coef.shape[0] < n_panels * FASTML_SVM_PANEL or panels.shape[1] != d:
        raise ValueError("the sums need room for every row, and each vector a coefficient")
    for c in prange((n_blocks + CHUNK - 1) // CHUNK, nogil=True, num_threads=max(n_threads, 1), schedule="dynamic"):
        begin = c * CHUNK
        n = min(CHUNK, n_blocks - begin)
        if real is float:
            table.add_kernel_f32(
                &rows[begin, 0, 0], &sq[begin * lanes], n, d, &panels[0, 0, 0], &panels_sq[0], &coef[0], n_panels,
                &kernel, &out[begin * lanes],
            )
        else:
            table.add_kernel_f64(
                &rows[begin, 0, 0], &sq[begin * lanes], n, d, &panels[0, 0, 0], &panels_sq[0], &coef[0], n_panels,
                &kernel, &out[begin * lanes],
            )


def add_kernel_many(
    const real[:, :, ::1] rows, const real[::1] sq, const real[:, :, ::1] panels, const real[::1] panels_sq,
    const real[:, :, ::1] coef, int kind, int degree, double gamma, double coef0, double[:, ::1] out, int n_threads=1,
):
    """See kernel_rows.pyi."""
    cdef fastml_svm_kernel kernel = fastml_svm_kernel(kind, degree, gamma, coef0)
    cdef ptrdiff_t n_blocks = rows.shape[0], lanes = rows.shape[2], d = rows.shape[1], c, begin, n
    cdef ptrdiff_t n_panels = panels.shape[0], n_out = coef.shape[1], stride = out.shape[1]
    if n_blocks == 0 or n_panels == 0 or n_out == 0:
        return
    if stride < n_blocks * lanes or out.shape[0] < n_out or coef.shape[0] < n_panels or panels.shape[1] != d:
        raise ValueError("the sums need room for every row, and each vector its coefficients")
    for c in prange((n_blocks + CHUNK - 1) // CHUNK, nogil=True, num_threads=max(n_threads, 1), schedule="dynamic"):
        begin = c * CHUNK
        n = min(CHUNK, n_blocks - begin)
        if real is float:
            table.add_kernel_many_f32(
                &rows[begin, 0, 0], &sq[begin * lanes], n, d, &panels[0, 0, 0], &panels_sq[0], &coef[0, 0, 0], n_panels,
                n_out, &kernel, &out[0, begin * lanes], stride,
            )
        else:
            table.add_kernel_many_f64(
                &rows[begin, 0, 0], &sq[begin * lanes], n, d, &panels[0, 0, 0], &panels_sq[0], &coef[0, 0, 0], n_panels,
                n_out, &kernel, &out[0, begin * lanes], stride,
            )


def add_sparse(
    const int64_t[::1] indptr, const int32_t[::1] indices, const real[::1] values, const real[::1] sq,
    const int64_t[::1] index, const int32_t[::1] slot_of, const real[:, ::1] panel, const real[::1] panel_sq,
    const real[::1] coef, int kind, int degree, double gamma, double coef0, double[::1] out, int n_threads=1,
):
    """See kernel_rows.pyi."""
    cdef fastml_svm_kernel kernel = fastml_svm_kernel(kind, degree, gamma, coef0)
    cdef fastml_svm_sparse x = fastml_svm_sparse(&indptr[0], NULL, &slot_of[0])
    cdef ptrdiff_t n = index.shape[0], c, begin, width = panel.shape[1]
    cdef real none = 0
    cdef const real *numbers = &none
    if values.shape[0]:
        x.indices = &indices[0]
        numbers = &values[0]
    if width != 256 // sizeof(real) or panel_sq.shape[0] != width or coef.shape[0] != width or out.shape[0] < n:
        raise ValueError("a sparse panel has 256 bytes a column, and each of its vectors a coefficient")
    cdef ptrdiff_t n_chunks = (n + SPARSE_CHUNK - 1) // SPARSE_CHUNK
    for c in prange(n_chunks, nogil=True, num_threads=max(n_threads, 1), schedule="dynamic"):
        begin = c * SPARSE_CHUNK
        if real is float:
            table.add_sparse_f32(
                &x, numbers, &sq[0], &index[begin], min(SPARSE_CHUNK, n - begin), &panel[0, 0], &panel_sq[0], &coef[0],
                &kernel, &out[begin],
            )
        else:
            table.add_sparse_f64(
                &x, numbers, &sq[0], &index[begin], min(SPARSE_CHUNK, n - begin), &panel[0, 0], &panel_sq[0], &coef[0],
                &kernel, &out[begin],
            )
