/* Every kernel, once; included by kernels_<isa>.c, which set the target and the tables' names.

   Bits must not depend on the instruction set: sums are integers, or float sums over a fixed
   number of lanes; no fused multiply-add (-ffp-contract=off), no libm call in a loop. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "simd.h"

#if defined(__SSE2__) || defined(_M_X64)
#include <emmintrin.h>
#ifdef _MSC_VER
#include <intrin.h>
#endif
#define FASTML_SSE2 1
#endif

#include "binning.inl"
#include "histogram.inl"
#include "leaves.inl"
#include "losses.inl"
#include "sorting.inl"
#include "transpose.inl"
#include "predict.inl"
#include "votes.inl"
#include "kd_tree.inl"
#include "kd_query.inl"
#include "kd_nearest.inl"
#include "kd_within.inl"
#include "reachability.inl"

const struct fastml_kernels FASTML_NAME(fastml_kernels) = {
    .name = FASTML_ISA_NAME,

    .bin_encode_f32 = bin_encode_f32,
    .bin_encode_f64 = bin_encode_f64,
    .columns_from_rows = columns_from_rows,
    .rows_from_columns = rows_from_columns,

    .histogram = histogram,
    .histogram_of_bundles = histogram_of_bundles,
    .histogram_of_members = histogram_of_members,
    .pack_gradients = pack_gradients,
    .pack_narrow = pack_narrow,
    .partition_rows = partition_rows,
    .partition_rows_by_table = partition_rows_by_table,
    .scan_bins = scan_bins,
    .sum_leaf = sum_leaf,
    .sum_numbered = sum_numbered,

    .squared_error = squared_error,
    .binary_logistic = binary_logistic,
    .absolute_error = absolute_error,
    .quantile = quantile,
    .huber = huber,
    .exponential = exponential,
    .softmax_exp = softmax_exp,
    .softmax_class = softmax_class,
    .add_leaf_values = add_leaf_values,
    .widen = widen,
    .store_gradients = store_gradients,

    .sort_few = sort_few,
    .best_cut = best_cut,
    .scan_counts = scan_counts,
    .gather_ranks = gather_ranks,

    .walk_votes = walk_votes,

    .compare_codes = compare_codes,
    .member_codes = member_codes,
    .find_leaves = find_leaves,
    .add_leaves = add_leaves,
};
