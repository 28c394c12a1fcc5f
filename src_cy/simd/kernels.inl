/* Every kernel, once; included by kernels_<isa>.c, which set the target and the table's name.

   Bits must not depend on the instruction set: sums are integers, or float sums over a fixed
   number of lanes; no fused multiply-add (-ffp-contract=off), no libm call in a loop. */
#include "simd.h"

const struct fastml_kernels FASTML_TABLE = {
    .name = FASTML_ISA_NAME,
};
