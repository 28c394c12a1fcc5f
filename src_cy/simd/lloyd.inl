/* Lloyd's algorithm: see lloyd.h. */
#include <math.h>

#include "lloyd.h"

#include "lloyd_rows.inl"

#include "lloyd_lanes.inl"

#include "lloyd_tree.inl"

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
};
