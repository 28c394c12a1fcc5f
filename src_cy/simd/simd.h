/* The table of plain-C kernels; one table a instruction set, one of them chosen at import. */
#ifndef FASTML_SIMD_H
#define FASTML_SIMD_H

#include <stddef.h>
#include <stdint.h>

#include "predict.h"
#include "tables.h"

/* Gradient and hessian of a loss for a block of rows. `param` holds the loss's own numbers (an
   alpha, a delta) or is NULL. Built-in losses and a user's compiled function share this shape. */
typedef void (*fastml_loss_block)(const double *y, const double *raw, double *grad_out,
                                  double *hess_out, ptrdiff_t n, const double *param);

enum {
    FASTML_CELLS = 264, /* words a column of a histogram takes: 256 codes and room against aliasing */
    FASTML_BLOCK = 512, /* rows a loss sees at once; a unit of work and of float sums */
    FASTML_SUM_COPIES = 4,
    FASTML_VOTE_LANES = 32, /* rows that walk through a tree of votes together */
    FASTML_LEAF_SUMS = FASTML_SUM_COPIES * 256 * 2 /* what sum_numbered adds up in */
};

/* How to find a value's bin in one column; see binning.inl. `levels` is 0 (no edge) or 4..8. */
struct fastml_bin_search {
    const float *tree;     /* (1 << levels,) sorted32 as a tree, node i over 2i and 2i + 1 */
    const float *sorted32; /* (1 << levels,) edges rounded down to float32: the same order for every float32 x */
    const double *sorted;  /* (1 << levels,) edges ascending, +inf past the last */
    int32_t levels;
    int32_t apart_in_f32; /* whether no two edges round to the same float32 */
};

struct fastml_vote_node;

struct fastml_kernels {
    const char *name; /* "base", "avx2" or "avx512" */

    /* binning.inl */
    void (*bin_encode_f32)(const float *x, ptrdiff_t n, const struct fastml_bin_search *search, uint8_t *codes_out);
    void (*bin_encode_f64)(const double *x, ptrdiff_t n, const struct fastml_bin_search *search, uint8_t *codes_out);

    /* transpose.inl */
    void (*columns_from_rows)(const char *rows, ptrdiff_t row_stride, ptrdiff_t n_rows, ptrdiff_t n_columns,
                              ptrdiff_t size, char *columns_out, ptrdiff_t column_stride);
    void (*rows_from_columns)(const uint8_t *columns, ptrdiff_t column_stride, ptrdiff_t n_columns,
                              ptrdiff_t n_rows, uint8_t *rows_out, ptrdiff_t row_stride, ptrdiff_t width);

    /* histogram.inl */
    void (*histogram)(const uint8_t *codes, ptrdiff_t row_stride, int n_columns, const int32_t *rows,
                      ptrdiff_t first, ptrdiff_t n, const int64_t *packed, const uint8_t *narrow, int64_t *hist);
    void (*histogram_of_bundles)(const uint16_t *cells, ptrdiff_t row_stride, int n_bundles, const int32_t *rows,
                                 ptrdiff_t first, ptrdiff_t n, const int64_t *packed, const uint8_t *narrow, int64_t *hist);
    void (*histogram_of_members)(const uint16_t *cells, ptrdiff_t row_stride, const int32_t *bundle_of,
                                 const uint8_t *codes, ptrdiff_t codes_stride, int n_columns, const int32_t *rows,
                                 ptrdiff_t first, ptrdiff_t n, const int64_t *packed, const uint8_t *narrow, int64_t *hist);
    void (*pack_gradients)(const float *grad, const float *hess, const double *weight, double g_scale,
                           double h_scale, ptrdiff_t n, int64_t *packed_out);
    void (*pack_narrow)(const float *grad, const float *hess, const double *weight, double g_scale, double h_scale,
                        ptrdiff_t n, uint8_t *narrow_out, ptrdiff_t row_bytes);
    ptrdiff_t (*partition_rows)(const uint8_t *column, int subtract, int threshold, int32_t *rows,
                                int32_t *right_out, ptrdiff_t n);
    ptrdiff_t (*partition_rows_by_table)(const uint8_t *column, const uint8_t *table, int32_t *rows,
                                         int32_t *right_out, ptrdiff_t n);
    int (*scan_bins)(const int64_t *bins, int n, int64_t start, int64_t total, double w, double lambda,
                     int32_t h_min, int64_t *left_out);

    /* leaves.inl */
    void (*sum_leaf)(const float *grad, const float *hess, const double *weight, const int32_t *rows, ptrdiff_t n,
                     double g_scale, double h_scale, int32_t leaf, int32_t *leaf_of_out, int64_t *sums_out);
    void (*sum_numbered)(const uint8_t *number, const int32_t *node_of, int n_numbers, const float *grad,
                         const float *hess, const double *weight, const uint8_t *sampled, ptrdiff_t n,
                         double g_scale, double h_scale, int32_t *leaf_of_out, int64_t *sums_inout);

    /* losses.inl */
    fastml_loss_block squared_error;
    fastml_loss_block binary_logistic;
    fastml_loss_block absolute_error;
    fastml_loss_block quantile;
    fastml_loss_block huber;
    fastml_loss_block exponential;
    void (*softmax_exp)(const double *raw, ptrdiff_t stride, int k, ptrdiff_t n, float *e_out,
                        double *inverse_sum_out);
    void (*softmax_class)(const double *y, const float *e, const double *inverse_sum, double c,
                          double factor, ptrdiff_t n, double *grad_out, double *hess_out);
    void (*add_leaf_values)(const int32_t *leaf, const double *value, ptrdiff_t n, double *raw_inout);
    void (*widen)(const float *x, ptrdiff_t n, double *out);
    void (*store_gradients)(const double *grad, const double *hess, const double *weight, ptrdiff_t n,
                            float *grad_out, float *hess_out, double *stats_out);

    /* sorting.inl */
    void (*sort_few)(uint32_t *keys, ptrdiff_t n, uint32_t *out);
    ptrdiff_t (*best_cut)(const uint32_t *keys, int shift, const double *left, const double *a, const double *b,
                      const double *w_left, ptrdiff_t begin, ptrdiff_t end, double total, double weight, double least,
                      double *proxy);
    ptrdiff_t (*scan_counts)(const uint16_t *cells, ptrdiff_t width, int n_classes, const uint16_t *totals,
                             uint16_t *left, uint32_t *keys_out, double *a_out, double *b_out, double *w_out);
    void (*gather_ranks)(const uint16_t *column, const uint64_t *rows, ptrdiff_t n, uint32_t *out, uint32_t *low_out,
                         uint32_t *high_out);

    /* votes.inl */
    void (*walk_votes)(const struct fastml_vote_node *nodes, const uint16_t *keys, ptrdiff_t stride, uint32_t root,
                       uint32_t *at_out);

    /* Batch prediction, see predict.inl. A block has up to 8 words of 64 rows; codes are read in whole words. */
    void (*compare_codes)(const uint8_t *codes, int n_words, uint8_t shift, const uint8_t *threshold,
                          ptrdiff_t n_conditions, uint64_t *right_out);
    void (*member_codes)(const uint8_t *codes, int n_words, const uint8_t *set, uint64_t *right_out);
    void (*find_leaves)(const struct fastml_bit_tree *tree, const struct fastml_select *program, uint64_t *vectors,
                        int n_words, uint8_t *leaf_out);
    void (*add_leaves)(const struct fastml_bit_tree *trees, ptrdiff_t n_trees, ptrdiff_t step,
                       const struct fastml_select *program, const double *tables, uint64_t *vectors, int n_rows,
                       double *raw_inout);
};

FASTML_TABLES(fastml_kernels)

/* The table for this machine, or the one that FASTML_ISA asks for if the machine can run it. */
const struct fastml_kernels *fastml_simd(void);

#endif
