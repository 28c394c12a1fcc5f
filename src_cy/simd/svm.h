/* The kernels of support vector machines: rows of a kernel matrix, their weighted sums, and SMO. */
#ifndef FASTML_SVM_H
#define FASTML_SVM_H

#include <stddef.h>
#include <stdint.h>

#include "tables.h"

enum { FASTML_SVM_PANEL = 8 }; /* vectors that meet a block of rows at once */
enum { FASTML_SVM_LINEAR, FASTML_SVM_POLY, FASTML_SVM_RBF, FASTML_SVM_SIGMOID };

/* K(x, z) from the dot product of the packed rows; see svm_tiles.inl. */
struct fastml_svm_kernel {
    int kind;
    int degree;
    double gamma, coef0; /* of poly and sigmoid; rbf has its gamma in the packed rows */
};

/* Rows of a CSR matrix whose numbers stand elsewhere; slot_of: where a column stands in the panel at hand. */
struct fastml_svm_sparse {
    const int64_t *indptr;
    const int32_t *indices, *slot_of;
};

/* One problem of SMO, see svm_smo.inl: arrays of float or of double. n is a multiple of the lanes; beyond the problem's
   own variables lower = upper = 0. */
struct fastml_smo {
    ptrdiff_t n;
    void *g;                     /* (n,)  z - K beta */
    void *scratch;               /* (n_groups, 2, n) */
    const void *diagonal;        /* (n,)  K(x, x) */
    double *beta;                /* (n,) */
    const double *lower, *upper; /* (n,)  its box */
    double epsilon;              /* of the |beta| term */
    int n_groups;                /* 1 or 2 */
    const int8_t *group;         /* (n,)  0 or 1: beta only moves against one of its own group */
    void **row;                  /* (n,)  row of the kernel matrix, or NULL while it is unknown */
    void *store;                 /* where rows that are unknown go, n numbers each */
    ptrdiff_t n_stored;          /* rows computed */
    const void *rows, *sq;       /* packed rows to compute them from */
    ptrdiff_t d;
    const struct fastml_svm_kernel *kernel;
};

/* Packed rows: in blocks of 64 bytes' numbers (16 float32, 8 float64) that lie column after column,
   (n_blocks, d, lanes); `sq` is half of a row's squared norm (rbf). A panel is FASTML_SVM_PANEL vectors
   likewise, (n_panels, d, FASTML_SVM_PANEL). */
#define FASTML_SVM_TYPED(real, suffix)                                                                                \
    /* out[row] += sum over v of coef[v] K(row, v). */                                                                \
    void (*add_kernel_##suffix)(const real *rows, const real *sq, ptrdiff_t n_blocks, ptrdiff_t d,                    \
                                const real *panels, const real *panels_sq, const real *coef, ptrdiff_t n_panels,      \
                                const struct fastml_svm_kernel *kernel, double *out);                                 \
    /* out[o * stride + row] += sum over v of coef[(panel, o, v)] K(row, v). */                                       \
    void (*add_kernel_many_##suffix)(const real *rows, const real *sq, ptrdiff_t n_blocks, ptrdiff_t d,               \
                                     const real *panels, const real *panels_sq, const real *coef, ptrdiff_t n_panels, \
                                     ptrdiff_t n_out, const struct fastml_svm_kernel *kernel, double *out,            \
                                     ptrdiff_t stride);                                                               \
    /* out[i] += sum over a sparse panel's v of coef[v] K(row index[i], v). */                                        \
    void (*add_sparse_##suffix)(const struct fastml_svm_sparse *x, const real *values, const real *sq,                \
                                const int64_t *index, ptrdiff_t n, const real *panel, const real *panel_sq,           \
                                const real *coef, const struct fastml_svm_kernel *kernel, double *out);               \
    /* Steps made, at most max_iter; the gap that is left goes to gap_out. */                                         \
    ptrdiff_t (*smo_##suffix)(struct fastml_smo *problem, double tol, ptrdiff_t max_iter, double *gap_out);

struct fastml_svm_kernels {
    FASTML_SVM_TYPED(float, f32)
    FASTML_SVM_TYPED(double, f64)
};

FASTML_TABLES(fastml_svm_kernels)

#endif
