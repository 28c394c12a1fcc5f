/* What every unit of kernels begins with, behind its instruction set's target (isa_<isa>.h).

   Bits must not depend on the instruction set: sums are integers, or float sums over a fixed number of lanes; no
   multiplication is fused with an addition unless it is everywhere (-ffp-contract=off), no libm call in a loop. */
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SSE2__) || defined(_M_X64)
#include <emmintrin.h>
#ifdef _MSC_VER
#include <intrin.h>
#endif
#define FASTML_SSE2 1
#endif
#if defined(FASTML_AVX2) || defined(FASTML_AVX512)
#include <immintrin.h>
#endif

#if defined(__GNUC__)
#define PREFETCH(p) __builtin_prefetch(p)
#define ALWAYS_INLINE static inline __attribute__((always_inline))
#else
#define PREFETCH(p) ((void)(p))
#define ALWAYS_INLINE static __forceinline
#endif
