/* Kernels of density clustering: points in cells of a grid, points in blocks of a tree. */
#ifndef FASTML_DENSITY_H
#define FASTML_DENSITY_H

#include <stddef.h>
#include <stdint.h>

#include "metrics.h"
#include "tables.h"

enum {
    FASTML_CELL_DIMS = 3,  /* a grid's dimensions at most */
    FASTML_CELL_REACH = 2, /* cells to either side that a ball of radius eps can touch */
    FASTML_CELL_ROWS = 25, /* rows of five cells around a cell: 1, 5 or 25 */
    FASTML_CELL_PAD = 8,   /* numbers behind the last coordinate, which may be read */
    FASTML_KEY_PAD = 8     /* keys behind the last one, larger than all */
};

/* Points sorted by the key of their cell; cells that are empty are not there. Keys count along the first coordinate, with
   two cells free on either side, so that the neighbours of a cell are the keys row[r] - 2 .. row[r] + 2 away from its own. */
struct fastml_cells {
    int64_t n_cells;
    int n_dims, n_rows;
    int64_t row[FASTML_CELL_ROWS];     /* of cells; nearest first, row[0] is 0 */
    const int64_t *key;                /* (n_cells + FASTML_KEY_PAD,) ascending */
    const int32_t *start;              /* (n_cells + 1,) first point of each */
    const double *x[FASTML_CELL_DIMS]; /* (n + FASTML_CELL_PAD,) coordinates */
    const double *weight;              /* (n,) or NULL: each is 1 */
    double min_samples;
    int early;                         /* whether counting may stop at min_samples: no weight is negative */
    double sure_sq, never_sq;          /* squared distances: up to the one within eps, beyond the other not */
    const double *angles;              /* (n_rows, 2) latitude and longitude, which decide between the two; or NULL */
    const uint32_t *row_of;            /* (n,) row of each point, or NULL where there are no angles */
    double angle_limit;                /* sin(eps / 2)^2 */
};

/* The core points alone, in the same cells. */
struct fastml_core_cells {
    const int32_t *start;              /* (n_cells + 1,) */
    const double *x[FASTML_CELL_DIMS]; /* (n_core + FASTML_CELL_PAD,) */
    const uint32_t *row_of;            /* (n_core,) or NULL */
};

enum {
    FASTML_POINTS = 64, /* of a block */
    FASTML_BOX_PAD = 16 /* numbers of a side of a box come in multiples of this */
};

/* Beside the metrics of metrics.h: 1 - the product of rows of length 1. */
enum { FASTML_COSINE = FASTML_N_METRICS };

/* Points in blocks of FASTML_POINTS, leaves of a tree of boxes in preorder: a node over m blocks has the first (m + 1) / 2
   of them in the node behind it, and the others in the node 2 * ((m + 1) / 2) behind it. */
struct fastml_blocks {
    int64_t n, n_blocks;
    int n_dims, box_stride;   /* of the filter; may be 0: nothing is known before the rows are looked at */
    const int32_t *order;     /* (n,) row of each point */
    const float *columns;     /* (n_blocks, n_dims, FASTML_POINTS) filter coordinates */
    const float *boxes;       /* (n_nodes, 2, box_stride) smallest and largest */
    const int32_t *node;      /* (n_blocks,) node of each block */
    int norm;                 /* of the filter: FASTML_EUCLIDEAN (squared), FASTML_MANHATTAN or FASTML_CHEBYSHEV */
    float sure, never;        /* filter distances: up to the one within eps, beyond the other not */
    struct fastml_metric metric; /* decides, or FASTML_COSINE */
    ptrdiff_t n_features;
    const double *rows64;     /* (n, n_features), or NULL and */
    const float *rows32;      /* for the metrics that have boxes */
    double limit;             /* of the reduced distance */
    const double *weight;     /* (n,) in the order of points, or NULL: each is 1 */
    double min_samples;
    int early;                /* whether counting may stop at min_samples: no weight is negative */
};

/* A block that may hold points within eps of another one, and how far away its box is. */
struct fastml_near_block {
    float distance;
    int32_t block;
};

struct fastml_density_kernels {
    /* cells.inl: of the cells first <= c < last */
    void (*find_cores)(const struct fastml_cells *cells, int64_t first, int64_t last, uint8_t *is_core_out);
    void (*join_cells)(const struct fastml_cells *cells, const struct fastml_core_cells *cores, int64_t first, int64_t last,
                       int32_t *parent);
    void (*reach_borders)(const struct fastml_cells *cells, const struct fastml_core_cells *cores,
                          const int32_t *label_of_cell, const uint8_t *is_core, int64_t first, int64_t last,
                          int32_t *label_out);

    /* sphere.inl */
    void (*unit_vectors)(const double *angles, int64_t n, double *points_out);

    /* block_steps.inl: of the blocks first <= b < last; scratch has n_blocks entries, row box_stride zeros or more */
    void (*find_block_cores)(const struct fastml_blocks *blocks, int64_t first, int64_t last,
                             struct fastml_near_block *scratch, float *row, uint8_t *state_out);
    void (*join_within_blocks)(const struct fastml_blocks *blocks, const uint64_t *cores, int64_t first, int64_t last,
                               float *row, int32_t *parent, uint8_t *is_whole_out);
    void (*join_blocks)(const struct fastml_blocks *blocks, const uint64_t *cores, int64_t first, int64_t last,
                        struct fastml_near_block *scratch, float *row, int32_t *parent, uint8_t *is_whole_inout);
    void (*reach_block_borders)(const struct fastml_blocks *blocks, const uint64_t *cores, const uint8_t *state,
                                const uint8_t *is_whole, int64_t first, int64_t last,
                                struct fastml_near_block *scratch, float *row, int32_t *label_inout);
};
FASTML_TABLES(fastml_density_kernels)

#endif
