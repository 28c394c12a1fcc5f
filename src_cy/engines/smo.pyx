"""Sequential minimal optimisation of problems whose kernel matrix is at hand, see simd/svm_smo.inl."""

from cython.parallel cimport parallel, prange
from libc.stdint cimport int8_t, int64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memset

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


def solve_problems(
    const float[:, :, ::1] rows, const float[::1] sq, const float[::1] diagonal, const int64_t[::1] index,
    const int64_t[::1] starts, int kind, int degree, double gamma, double coef0, double[::1] g_inout,
    double[::1] beta_inout, const double[::1] lower, const double[::1] upper, double epsilon, double tol,
    ptrdiff_t max_iter, int64_t[::1] steps_out, double[::1] gap_out, int64_t[::1] kernel_rows_out, int n_threads=1,
):
    """See smo.pyi."""
    cdef ptrdiff_t n_problems = starts.shape[0] - 1, total = index.shape[0], d = rows.shape[1], k, largest = 0
    cdef fastml_svm_kernel kernel = fastml_svm_kernel(kind, degree, gamma, coef0)
    cdef int failed = 0
    cdef workspace *own
    if rows.shape[2] != LANES or g_inout.shape[0] != total or beta_inout.shape[0] != total or lower.shape[0] != total:
        raise ValueError("each variable of each problem needs its numbers")
    if upper.shape[0] != total or min(steps_out.shape[0], gap_out.shape[0], kernel_rows_out.shape[0]) < n_problems:
        raise ValueError("each problem needs room for its results")
    for k in range(n_problems):
        largest = max(largest, starts[k + 1] - starts[k])
    if n_problems == 0 or largest == 0 or starts[n_problems] > total:
        return
    largest = (largest + LANES - 1) // LANES * LANES
    with nogil, parallel(num_threads=max(n_threads, 1)):
        own = new_workspace(largest, d)
        for k in prange(n_problems, schedule="dynamic", chunksize=1):
            if own == NULL:
                failed += 1
            else:
                solve_one(
                    own, &rows[0, 0, 0], &sq[0], &diagonal[0], d, &index[starts[k]], starts[k + 1] - starts[k], &kernel,
                    &g_inout[starts[k]], &beta_inout[starts[k]], &lower[starts[k]], &upper[starts[k]], epsilon, tol,
                    max_iter, &steps_out[k], &gap_out[k], &kernel_rows_out[k],
                )
        free(own)
    if failed:
        raise MemoryError()


cdef enum:
    LANES = 16

cdef struct workspace:
    double *beta        # (n,); lower and upper follow
    float *g            # (n,); the diagonal, sq, 2 n of scratch, the rows and the store follow
    void **row          # (n,)


cdef workspace *new_workspace(ptrdiff_t n, ptrdiff_t d) noexcept nogil:
    """Room for problems of up to n rows, one piece of memory; NULL where there is none."""
    cdef char *memory = <char *> malloc(
        sizeof(workspace) + n * (3 * sizeof(double) + sizeof(void *)) + (5 + d + n) * n * sizeof(float)
    )
    cdef workspace *own = <workspace *> memory
    if own != NULL:
        own.beta = <double *> (memory + sizeof(workspace))
        own.row = <void **> (own.beta + 3 * n)
        own.g = <float *> (own.row + n)
    return own


cdef void solve_one(
    workspace *own, const float *rows, const float *sq, const float *diagonal, ptrdiff_t d, const int64_t *index,
    ptrdiff_t n, const fastml_svm_kernel *kernel, double *g, double *beta, const double *lower, const double *upper,
    double epsilon, double tol, ptrdiff_t max_iter, int64_t *steps_out, double *gap_out, int64_t *kernel_rows_out,
) noexcept nogil:
    """One problem: its rows side by side, SMO, and back."""
    cdef ptrdiff_t padded = (n + LANES - 1) // LANES * LANES, i, j, r
    cdef float *packed = own.g + 5 * padded
    cdef fastml_smo p
    memset(own.beta, 0, 3 * padded * sizeof(double))
    memset(own.g, 0, (5 + d) * padded * sizeof(float))
    for i in range(n):
        r = index[i]
        own.beta[i] = beta[i]
        own.beta[padded + i] = lower[i]
        own.beta[2 * padded + i] = upper[i]
        own.g[i] = <float> g[i]
        own.g[padded + i] = diagonal[r]
        own.g[2 * padded + i] = sq[r]
        for j in range(d):
            packed[(i // LANES * d + j) * LANES + i % LANES] = rows[(r // LANES * d + j) * LANES + r % LANES]
    for i in range(padded):
        own.row[i] = NULL
    p.n = padded
    p.g = own.g
    p.scratch = own.g + 3 * padded
    p.diagonal = own.g + padded
    p.beta = own.beta
    p.lower = own.beta + padded
    p.upper = own.beta + 2 * padded
    p.epsilon = epsilon
    p.n_groups = 1
    p.group = NULL
    p.row = own.row
    p.store = packed + d * padded
    p.n_stored = 0
    p.rows = packed
    p.sq = own.g + 2 * padded
    p.d = d
    p.kernel = kernel
    steps_out[0] = table.smo_f32(&p, tol, max_iter, gap_out)
    kernel_rows_out[0] = p.n_stored
    for i in range(n):
        beta[i] = own.beta[i]
        g[i] = own.g[i]


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
