/* The kernels for AVX2. A compiler without target pragmas builds the base kernels here again. */
#define FASTML_NAME(table) table##_avx2
#define FASTML_ISA_NAME "avx2"
#if defined(__x86_64__) && defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma,bmi,bmi2,lzcnt,popcnt"))), apply_to = function)
#define FASTML_AVX2 1
#elif defined(__x86_64__) && defined(__GNUC__)
#pragma GCC target("avx2,fma,bmi,bmi2,lzcnt,popcnt")
#define FASTML_AVX2 1
#endif
#include "kernels.inl"
#if defined(__x86_64__) && defined(__clang__)
#pragma clang attribute pop
#endif
