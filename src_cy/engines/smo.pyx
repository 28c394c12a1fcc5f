"""Sequential minimal optimisation of problems whose kernel matrix is at hand, see simd/svm_smo.inl."""

from libc.stdint cimport int8_t
from libc.stdlib cimport free, malloc

from simd.svm cimport (
    fastml_smo_f32, fastml_smo_f64, fastml_svm_kernels, fastml_svm_kernels_chosen,
)

ctypedef fused real:
    float
    double

cdef const fastml_svm_kernels *table = fastml_svm_kernels_chosen()


def solve_matrix(
    real[:, ::1] K, real[::1] g_inout, double[::1] beta_inout, const double[::1] lower, const double[::1] upper,
    double epsilon, const int8_t[::1] group, double tol, ptrdiff_t max_iter,
):
    """See smo.pyi."""
    cdef ptrdiff_t n = K.shape[0], i, steps = 0
    cdef double gap = 0.0
    cdef fastml_smo_f32 p32
    cdef fastml_smo_f64 p64
    if n == 0:
        return 0, 0.0
    cdef real *scratch = <real *> malloc(5 * n * sizeof(real))
    cdef void **row = <void **> malloc(n * sizeof(void *))
    if scratch == NULL or row == NULL:
        free(scratch)
        free(row)
        raise MemoryError()
    with nogil:
        for i in range(n):
            row[i] = &K[i, 0]
            scratch[i] = K[i, i]
        if real is float:
            p32.n = n
            p32.g = &g_inout[0]
            p32.diagonal = scratch
            p32.up[0] = scratch + n
            p32.low[0] = scratch + 2 * n
            p32.up[1] = scratch + 3 * n
            p32.low[1] = scratch + 4 * n
            p32.beta = &beta_inout[0]
            p32.lower = &lower[0]
            p32.upper = &upper[0]
            p32.epsilon = epsilon
            p32.group = &group[0] if group.shape[0] else NULL
            p32.n_groups = 2 if group.shape[0] else 1
            p32.row = <float **> row
            steps = table.smo_f32(&p32, tol, max_iter, &gap)
        else:
            p64.n = n
            p64.g = &g_inout[0]
            p64.diagonal = scratch
            p64.up[0] = scratch + n
            p64.low[0] = scratch + 2 * n
            p64.up[1] = scratch + 3 * n
            p64.low[1] = scratch + 4 * n
            p64.beta = &beta_inout[0]
            p64.lower = &lower[0]
            p64.upper = &upper[0]
            p64.epsilon = epsilon
            p64.group = &group[0] if group.shape[0] else NULL
            p64.n_groups = 2 if group.shape[0] else 1
            p64.row = <double **> row
            steps = table.smo_f64(&p64, tol, max_iter, &gap)
        free(scratch)
        free(row)
    return steps, gap
