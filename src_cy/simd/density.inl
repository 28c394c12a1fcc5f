/* The kernels of density clustering and their table; see density.h. */
#include <math.h>
#include <stdlib.h>
#if defined(FASTML_AVX512)
#include <immintrin.h>
#endif

#include "density.h"
#include "disjoint.h"

#include "cells.inl"

#include "sphere.inl"

#include "blocks.inl"

#include "block_steps.inl"

const struct fastml_density_kernels FASTML_NAME(fastml_density_kernels) = {
    .find_cores = find_cores,
    .join_cells = join_cells,
    .reach_borders = reach_borders,
    .unit_vectors = unit_vectors,
    .find_block_cores = find_block_cores,
    .join_within_blocks = join_within_blocks,
    .join_blocks = join_blocks,
    .reach_block_borders = reach_block_borders,
};
