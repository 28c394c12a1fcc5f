/* Queries to a kd-tree, block by block; see kd_query.inl. */
#ifndef FASTML_KD_QUERY_H
#define FASTML_KD_QUERY_H

#include <stddef.h>
#include <stdint.h>

#include "metrics.h"
#include "tables.h"

enum {
    FASTML_KD_BLOCK = 64, /* queries that go down the tree together, at most */
    FASTML_KD_STACK = 64  /* nodes that wait, at most: one a level */
};

/* A tree as kd_tree.pyi has it; one of `single` and `wide` is its `packed`. */
struct fastml_kd_view {
    ptrdiff_t n, d, capacity;
    int32_t depth;
    const int32_t *order, *lowest;
    const float *single;
    const double *wide, *boxes;
};

/* Queries that lie together: by column, (d, FASTML_KD_BLOCK), what is behind the last one being copies of it. */
struct fastml_kd_block {
    ptrdiff_t n;
    const double *columns, *box, *centre; /* box : (2, d), centre : (d,) */
};

/* The k nearest of each query, found so far. A query's are sorted by distance and row, or a heap with the last one in
   front where k > FASTML_KD_SORTED; places without a neighbour have infinity and the largest row. */
struct fastml_kd_nearest {
    ptrdiff_t k;
    double *reduced; /* (n, k) */
    int32_t *rows;   /* (n, k) */
    double bound[FASTML_KD_BLOCK];
};

enum { FASTML_KD_SORTED = 32 };

struct fastml_kd_query_kernels {
    /* Of each query of the block the k nearest, sorted. */
    void (*nearest)(const struct fastml_kd_view *tree, const struct fastml_metric *metric,
                    const struct fastml_kd_block *block, struct fastml_kd_nearest *found);
    /* How many points are within each query's reduced radius. */
    void (*count)(const struct fastml_kd_view *tree, const struct fastml_metric *metric,
                  const struct fastml_kd_block *block, const double *reduced_radius, int64_t *count_out);
    /* And which, from rows_out[start[i]] on for query i, in kd order; reduced_out may be NULL. */
    void (*within)(const struct fastml_kd_view *tree, const struct fastml_metric *metric,
                   const struct fastml_kd_block *block, const double *reduced_radius, const int64_t *start,
                   int64_t *rows_out, double *reduced_out);
};

FASTML_TABLES(fastml_kd_query_kernels)

#endif
