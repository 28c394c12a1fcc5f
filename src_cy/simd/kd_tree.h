/* A kd-tree of points, and its kernels.

   An implicit balanced binary tree: node i has the children 2i + 1 and 2i + 2; node j of level l holds the places
   [n j >> l, n (j + 1) >> l) of the kd order. All leaves are on level `depth`. */
#ifndef FASTML_KD_TREE_H
#define FASTML_KD_TREE_H

#include <stddef.h>
#include <stdint.h>

#include "tables.h"

enum {
    FASTML_KD_LANES = 8,    /* a leaf's columns are filled up to a multiple of that */
    FASTML_KD_COLUMNS = 15, /* columns, at most, that nodes are split by */
    FASTML_KD_SMALL = 2048  /* rows from which on a split counts before it moves */
};

/* A row while the tree grows: its columns to split by, and behind them its number. */
union fastml_kd_word {
    float value;
    int32_t row;
};

/* What a build needs to know of X, (n, d) in C order. */
struct fastml_kd_points {
    const float *single; /* one of the two, the other NULL */
    const double *wide;
    ptrdiff_t n, d;
    int32_t n_columns; /* to split by */
    int32_t columns[FASTML_KD_COLUMNS];
    double centre[FASTML_KD_COLUMNS];
    double scale; /* a record's value is (x - centre) * scale, rounded to float32 */
    int32_t depth;
};

struct fastml_kd_kernels {
    /* Records of rows [begin, end). */
    void (*fill_records)(const struct fastml_kd_points *points, ptrdiff_t begin, ptrdiff_t end,
                         union fastml_kd_word *records_out);
    /* Node j of a level from one buffer to the other, the smaller half first; 0 where all are equal: nothing to do, the
       order below is that of the records and written to order_out. keys : room for n, 0 <= j < 1 << level < 1 << depth.
       Buffers, keys and order are of the whole tree. */
    int (*split_node)(const struct fastml_kd_points *points, int32_t level, ptrdiff_t j, union fastml_kd_word *from,
                      union fastml_kd_word *to, uint64_t *keys, int32_t *order_out);
    /* The whole subtree below it, down to the leaves' rows in ascending order. Both buffers are overwritten. */
    void (*grow_subtree)(const struct fastml_kd_points *points, int32_t level, ptrdiff_t j, union fastml_kd_word *from,
                         union fastml_kd_word *to, uint64_t *keys, int32_t *order_out);
    /* One leaf: its points by column, filled up with NaN, its box and its lowest row. The other packed_out is NULL. */
    void (*pack_leaf)(const struct fastml_kd_points *points, const int32_t *rows, ptrdiff_t n_rows, ptrdiff_t capacity,
                      float *packed_single_out, double *packed_wide_out, double *box_out, int32_t *lowest_out);
};

FASTML_TABLES(fastml_kd_kernels)

#endif
