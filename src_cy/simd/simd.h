/* The table of plain-C kernels; one table a instruction set, one of them chosen at import. */
#ifndef FASTML_SIMD_H
#define FASTML_SIMD_H

#include <stddef.h>
#include <stdint.h>

/* Gradient and hessian of a loss for a block of rows. `param` holds the loss's own numbers (an
   alpha, a delta) or is NULL. Built-in losses and a user's compiled function share this shape. */
typedef void (*fastml_loss_block)(const double *y, const double *raw, double *grad_out,
                                  double *hess_out, ptrdiff_t n, const double *param);

struct fastml_kernels {
    const char *name; /* "base", "avx2" or "avx512" */
};

/* The table for this machine, or the one that FASTML_ISA asks for if the machine can run it. */
const struct fastml_kernels *fastml_simd(void);

extern const struct fastml_kernels fastml_kernels_base;
extern const struct fastml_kernels fastml_kernels_avx2;
extern const struct fastml_kernels fastml_kernels_avx512;

#endif
