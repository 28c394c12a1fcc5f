/* For AVX-512 (F, BW, DQ, VL, CD: Skylake-X, Zen 4 and later). */
#define FASTML_NAME(table) table##_avx512
#define FASTML_ISA_NAME "avx512"
#if defined(__x86_64__) && defined(__clang__)
#pragma clang attribute push(__attribute__((target( \
    "avx2,bmi,bmi2,lzcnt,popcnt,avx512f,avx512bw,avx512dq,avx512vl,avx512cd"))), apply_to = function)
#define FASTML_AVX512 1
#elif defined(__x86_64__) && defined(__GNUC__)
#pragma GCC target("avx2,bmi,bmi2,lzcnt,popcnt,avx512f,avx512bw,avx512dq,avx512vl,avx512cd")
#pragma GCC target("prefer-vector-width=512")
#define FASTML_AVX512 1
#endif
#include "unit.h"
