"""Sequential minimal optimisation of problems whose kernel matrix is at hand, see simd/svm_smo.inl."""

from libc.stdint cimport int8_t
from libc.stdlib cimport free, malloc

from simd.svm cimport (
    fastml_smo, fastml_svm_kernel, fastml_svm_kernels, fastml_svm_kernels_chosen,
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
    cdef ptrdiff_t n = K.shape[0], i, steps
    cdef double gap = 0.0
    cdef fastml_smo p
    if n == 0:
        return 0, 0.0
    if K.shape[1] != n or g_inout.shape[0] != n:
        raise ValueError("the matrix must be square, with a variable for each row")
    fill(&p, n, beta_inout, lower, upper, epsilon, group)
    p.g = &g_inout[0]
    cdef real *scratch = <real *> malloc(5 * n * sizeof(real))
    p.row = <void **> malloc(n * sizeof(void *))
    if scratch == NULL or p.row == NULL:
        free(scratch)
        free(p.row)
        raise MemoryError()
    with nogil:
        for i in range(n):
            p.row[i] = &K[i, 0]
            scratch[i] = K[i, i]
        p.diagonal = scratch
        p.scratch = scratch + n
        if real is float:
            steps = table.smo_f32(&p, tol, max_iter, &gap)
        else:
            steps = table.smo_f64(&p, tol, max_iter, &gap)
        free(scratch)
        free(p.row)
    return steps, gap


def solve_rows(
    const real[:, :, ::1] rows, const real[::1] sq, const real[::1] diagonal, int kind, int degree, double gamma,
    double coef0, real[::1] store, real[::1] g_inout, double[::1] beta_inout, const double[::1] lower,
    const double[::1] upper, double epsilon, const int8_t[::1] group, double tol, ptrdiff_t max_iter,
):
    """See smo.pyi."""
    cdef ptrdiff_t n = rows.shape[0] * rows.shape[2], i, steps
    cdef double gap = 0.0
    cdef fastml_svm_kernel kernel = fastml_svm_kernel(kind, degree, gamma, coef0)
    cdef fastml_smo p
    if n == 0:
        return 0, 0.0, 0
    if store.shape[0] < n * n or g_inout.shape[0] != n or diagonal.shape[0] != n or sq.shape[0] != n:
        raise ValueError("the store needs room for all rows, and each variable its numbers")
    fill(&p, n, beta_inout, lower, upper, epsilon, group)
    p.g = &g_inout[0]
    p.diagonal = &diagonal[0]
    p.store = &store[0]
    p.rows = &rows[0, 0, 0]
    p.sq = &sq[0]
    p.d = rows.shape[1]
    p.kernel = &kernel
    p.scratch = malloc(4 * n * sizeof(real))
    p.row = <void **> malloc(n * sizeof(void *))
    if p.scratch == NULL or p.row == NULL:
        free(p.scratch)
        free(p.row)
        raise MemoryError()
    with nogil:
        for i in range(n):
            p.row[i] = NULL
        if real is float:
            steps = table.smo_f32(&p, tol, max_iter, &gap)
        else:
            steps = table.smo_f64(&p, tol, max_iter, &gap)
        free(p.scratch)
        free(p.row)
    return steps, gap, p.n_stored


cdef int fill(
    fastml_smo *p, ptrdiff_t n, double[::1] beta, const double[::1] lower, const double[::1] upper, double epsilon,
    const int8_t[::1] group,
) except -1:
    """What a problem has in either form."""
    if beta.shape[0] != n or lower.shape[0] != n or upper.shape[0] != n or group.shape[0] not in (0, n):
        raise ValueError("each variable needs its beta, its box and, where there are groups, its group")
    p.n = n
    p.beta = &beta[0]
    p.lower = &lower[0]
    p.upper = &upper[0]
    p.epsilon = epsilon
    p.n_groups = 1
    p.group = NULL
    if group.shape[0]:
        p.n_groups = 2
        p.group = &group[0]
    p.n_stored = 0
    return 0
