/* The kernels of k-means++: how far points are from candidates for a centre, and what each candidate would gain. */
#ifndef FASTML_SEEDING_H
#define FASTML_SEEDING_H

#include "lloyd.h"

enum {
    FASTML_SEED_LANES = 64, /* points of a block; blocks of a call at most */
    FASTML_SEED_CHUNK = 256 /* rows whose shares are added up by themselves, in the order of X */
};

/* Points in few dimensions, in blocks of neighbours that lie column after column. */
struct fastml_seed_blocks {
    const void *x; /* (n_blocks, d, LANES) */
    int32_t kind;  /* FASTML_F32 or FASTML_F64 */
    ptrdiff_t d;
    ptrdiff_t n_blocks;
    const double *low, *high; /* (d, n_blocks) each block's box */
    const double *weight;     /* (n_blocks, LANES) or NULL */
    double *nearest;          /* (n_blocks, LANES) squared distance to the nearest centre; 0 in lanes without a point */
    double *farthest;         /* (n_blocks,) the largest of them */
};

/* Rows of X in any number of dimensions. */
struct fastml_seed_rows {
    const void *x; /* (n, d) */
    int32_t kind;
    ptrdiff_t d;
    const double *weight; /* (n,) or NULL */
    double *nearest;      /* (n,) squared distance to the nearest centre */
    int32_t *label;       /* (n,) its number */
};

struct fastml_seeding_kernels {
    /* gain_out[c] = sum of weight * max(0, nearest - distance to candidate c) over blocks first..first+n, n <= LANES. */
    void (*gains_of_blocks)(const struct fastml_seed_blocks *points, ptrdiff_t first, ptrdiff_t n,
                            const double *candidates, ptrdiff_t n_candidates, double *gain_out);
    /* nearest = min(nearest, distance to the centre); where it fell, also by row, and the row's chunk is marked. */
    void (*lower_blocks)(const struct fastml_seed_blocks *points, ptrdiff_t first, ptrdiff_t n, const double *centre,
                         const uint32_t *row_of, double *nearest_by_row, uint8_t *changed);
    /* The same over rows first..first+n; between[c * stride + k] is the squared distance of candidate c to centre k. */
    void (*gains_of_rows)(const struct fastml_seed_rows *points, ptrdiff_t first, ptrdiff_t n, const double *candidates,
                          ptrdiff_t n_candidates, const double *between, ptrdiff_t stride, double *gain_out);
    void (*lower_rows)(const struct fastml_seed_rows *points, ptrdiff_t first, ptrdiff_t n, const double *centre,
                       const double *between, int32_t number);
    /* Sum of weight * squared distance over n points. */
    double (*weighted_sum)(const double *sq, const double *weight, ptrdiff_t n);
};

FASTML_TABLES(fastml_seeding_kernels)

#endif
