/* The kernels of Lloyd's algorithm: points against centres, exact sums, boxes of points, bounds. */
#ifndef FASTML_LLOYD_H
#define FASTML_LLOYD_H

#include <stddef.h>
#include <stdint.h>

#include "tables.h"

enum { FASTML_F32, FASTML_F64, FASTML_U8 }; /* what X holds */
enum {
    FASTML_LLOYD_LANES = 64, /* points of a block, which lie column after column */
    FASTML_LLOYD_PANEL = 6,  /* centres that meet a block at once */
    FASTML_LLOYD_CANDIDATE = 96 /* bytes of scratch for each centre, and one more, in assign_bounded */
};

/* X, and the fixed point in which its rows are added up: rint((x - offset) * weight * scale), of at most 2^51, so that
   no sum of them passes 2^62 and sums are exact in any order. A row of sums: d columns, weight, check. */
struct fastml_points {
    const void *x; /* (n, d) */
    int32_t kind;
    ptrdiff_t d;
    const double *weight; /* (n,) or NULL */
    const double *offset; /* (d,) */
    const double *scale;  /* (d,) a power of two */
    double weight_scale;  /* a power of two; 1 without weights */
    double unit;          /* packed points are (x - offset) * unit: of a size for float32 */
};

/* Centres as blocks of points meet them. */
struct fastml_centres {
    ptrdiff_t k;
    const double *centre; /* (k, d) */
    const float *panels;  /* (n_panels, d, PANEL) as packed points are */
    const float *half_sq; /* (n_panels * PANEL,) half of the squared norms; 1e30 beyond k */
    float radius;         /* the largest norm */
};

/* Points in Morton order and the boxes around them; see lloyd_tree.inl. Boxes of all levels lie one after the other. */
struct fastml_box_tree {
    const struct fastml_points *points;
    ptrdiff_t n;
    ptrdiff_t n_fixed;            /* d, or d + 1 where weights lie in `fixed` too */
    const int32_t *rows;          /* (n,) in Morton order */
    float *blocks;                /* (n_blocks, d, LANES) */
    float *radius;                /* (n_blocks,) */
    int64_t *fixed;               /* (n_blocks, n_fixed, LANES) rows in fixed point, 0 beyond the last */
    float *boxes;                 /* (n_boxes, 2, d) least and most of each column */
    int64_t *sums;                /* (n_boxes, d + 2) */
    const ptrdiff_t *level_start; /* (n_levels + 1,) */
    const uint64_t *mixed;        /* (LANES,) */
    float widest;                 /* the largest radius */
};

/* Bounds on the distances of rows; see lloyd_bounds.inl. */
struct fastml_bounds {
    const struct fastml_points *points;
    ptrdiff_t k;
    int32_t n_groups;           /* at most 64; k of them where each centre is one */
    int32_t stride;             /* bytes of a row's lower bounds */
    uint64_t all_groups;        /* a bit each */
    const int32_t *group_start; /* (n_groups + 1,) */
    const int32_t *member;      /* (k,) centres, group by group */
    const int32_t *group_of;    /* (k,) */
    int32_t *label;             /* (n,) */
    float *upper, *base;        /* (n,) */
    uint8_t *lower;             /* (n, stride) */
    double per_quantum;
    const double *drift;        /* (k,) what centres moved since bounds were settled, added up */
    const double *group_drift;  /* (n_groups,) likewise, by the one that moved most */
    const uint8_t *drift_units; /* (stride,) group_drift in quanta, rounded up */
    const double *centre;       /* (k, d) */
    const void *fast;           /* (k, d) of X's type */
    const double *off;          /* (k,) how far `fast` may be from the centre, and what float32 loses near 0 */
    const float *half_between;  /* (k, k) half of the distances between centres, rounded down; or NULL */
    const float *half_next;     /* (k,) least of them; 0 where they are not known */
    double relative;            /* what a distance may be off by, as a share */
    const double *sq, *norm;    /* (k,) squared norms of `fast` and norms; NULL where dot products would lose too much */
    int32_t afresh;             /* whether centres moved so far that bounds say nothing */
};

struct fastml_lloyd_kernels {
    /* lloyd_rows.inl */
    void (*column_stats)(const void *x, int kind, ptrdiff_t first, ptrdiff_t n, ptrdiff_t d, double *min_out,
                         double *max_out, double *sum_out);
    void (*column_squares)(const void *x, int kind, ptrdiff_t first, ptrdiff_t n, ptrdiff_t d, const double *mean,
                           double *sum_out);
    double (*squared_distance)(const void *x, int kind, ptrdiff_t row, ptrdiff_t d, const double *centre);
    void (*add_row)(const struct fastml_points *points, ptrdiff_t row, int64_t check, int64_t sign, int64_t *sums);

    /* lloyd_lanes.inl */
    float (*pack_block)(const struct fastml_points *points, const int32_t *rows, ptrdiff_t first, ptrdiff_t n,
                        float *block_out);
    void (*nearest_in_block)(const float *block, ptrdiff_t d, const struct fastml_centres *centres, float *best_out,
                             float *second_out, int32_t *nearest_out);
    void (*assign_block)(const struct fastml_points *points, const int32_t *rows, ptrdiff_t first, ptrdiff_t n,
                         const float *block, float radius, const struct fastml_centres *centres,
                         int32_t *nearest_out);

    /* lloyd_tree.inl */
    void (*morton_keys)(const struct fastml_points *points, ptrdiff_t first, ptrdiff_t n, uint32_t *keys_out);
    void (*fill_leaf)(const struct fastml_box_tree *tree, ptrdiff_t b);
    void (*fill_box)(const struct fastml_box_tree *tree, ptrdiff_t level, ptrdiff_t b);
    void (*assign_box)(const struct fastml_box_tree *tree, const struct fastml_centres *centres, ptrdiff_t level,
                       ptrdiff_t b, void *scratch, int64_t *sums, int32_t *labels_out);
    uint64_t (*mix)(uint64_t i);

    /* lloyd_bounds.inl */
    ptrdiff_t (*assign_bounded)(const struct fastml_bounds *bounds, ptrdiff_t first, ptrdiff_t n, void *scratch,
                                int64_t *sums);
    void (*settle_bounds)(const struct fastml_bounds *bounds, ptrdiff_t first, ptrdiff_t n);
};

FASTML_TABLES(fastml_lloyd_kernels)

#endif
