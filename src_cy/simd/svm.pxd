"""What Cython sees of svm.h."""

from libc.stdint cimport int8_t, int32_t, int64_t


cdef extern from "svm.h" nogil:
    enum:
        FASTML_SVM_PANEL

    struct fastml_svm_kernel:
        int kind
        int degree
        double gamma
        double coef0

    struct fastml_svm_sparse:
        const int64_t *indptr
        const int32_t *indices
        const int32_t *slot_of

    struct fastml_smo:
        ptrdiff_t n
        void *g
        void *scratch
        const void *diagonal
        double *beta
        const double *lower
        const double *upper
        double epsilon
        int n_groups
        const int8_t *group
        void **row
        void *store
        ptrdiff_t n_stored
        const void *rows
        const void *sq
        ptrdiff_t d
        const fastml_svm_kernel *kernel

    struct fastml_svm_kernels:
        void (*add_kernel_f32)(
            const float *rows, const float *sq, ptrdiff_t n_blocks, ptrdiff_t d, const float *panels,
            const float *panels_sq, const float *coef, ptrdiff_t n_panels, const fastml_svm_kernel *kernel,
            double *out,
        ) noexcept nogil
        void (*add_kernel_f64)(
            const double *rows, const double *sq, ptrdiff_t n_blocks, ptrdiff_t d, const double *panels,
            const double *panels_sq, const double *coef, ptrdiff_t n_panels, const fastml_svm_kernel *kernel,
            double *out,
        ) noexcept nogil
        void (*add_kernel_many_f32)(
            const float *rows, const float *sq, ptrdiff_t n_blocks, ptrdiff_t d, const float *panels,
            const float *panels_sq, const float *coef, ptrdiff_t n_panels, ptrdiff_t n_out,
            const fastml_svm_kernel *kernel, double *out, ptrdiff_t stride,
        ) noexcept nogil
        void (*add_sparse_f32)(
            const fastml_svm_sparse *x, const float *values, const float *sq, const int64_t *index, ptrdiff_t n,
            const float *panel, const float *panel_sq, const float *coef, const fastml_svm_kernel *kernel,
            double *out,
        ) noexcept nogil
        void (*add_kernel_many_f64)(
            const double *rows, const double *sq, ptrdiff_t n_blocks, ptrdiff_t d, const double *panels,
            const double *panels_sq, const double *coef, ptrdiff_t n_panels, ptrdiff_t n_out,
            const fastml_svm_kernel *kernel, double *out, ptrdiff_t stride,
        ) noexcept nogil
        void (*add_sparse_f64)(
            const fastml_svm_sparse *x, const double *values, const double *sq, const int64_t *index, ptrdiff_t n,
            const double *panel, const double *panel_sq, const double *coef, const fastml_svm_kernel *kernel,
            double *out,
        ) noexcept nogil
        ptrdiff_t (*smo_f32)(
            fastml_smo *problem, double tol, ptrdiff_t max_iter, double *gap_out
        ) noexcept nogil
        ptrdiff_t (*smo_f64)(
            fastml_smo *problem, double tol, ptrdiff_t max_iter, double *gap_out
        ) noexcept nogil

    const fastml_svm_kernels *fastml_svm_kernels_chosen()
