/* Lloyd's algorithm: see lloyd.h. */
#include <math.h>

#include "lloyd.h"

#include "lloyd_rows.inl"

#include "lloyd_lanes.inl"

#include "lloyd_tree.inl"

#if defined(__GNUC__) || defined(__clang__)
#define LLOYD_PREFETCH(p) __builtin_prefetch(p)
static inline int lloyd_lowest(uint64_t bits) { return __builtin_ctzll(bits); }
#else
#define LLOYD_PREFETCH(p) ((void)(p))
static inline int lloyd_lowest(uint64_t bits)
{
    unsigned long at;
    _BitScanForward64(&at, bits);
    return (int)at;
}
#endif

#include "lloyd_distance.inl"

#include "lloyd_bounds.inl"

const struct fastml_lloyd_kernels FASTML_NAME(fastml_lloyd_kernels) = {
    .column_stats = column_stats,
    .column_squares = column_squares,
    .squared_distance = squared_distance,
    .add_row = add_row,

    .pack_block = pack_block,
    .nearest_in_block = nearest_in_block,
    .assign_block = assign_block,

    .morton_keys = morton_keys,
    .fill_leaf = fill_leaf,
    .fill_box = fill_box,
    .assign_box = assign_box,
    .mix = lloyd_mix,

    .assign_bounded = assign_bounded,
    .settle_bounds = settle_bounds,
};
