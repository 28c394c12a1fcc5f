/* The kernels for any machine. */
#define FASTML_TABLE fastml_kernels_base
#define FASTML_ISA_NAME "base"
#include "kernels.inl"
