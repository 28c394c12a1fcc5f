/* What every unit of kernels ends with. */
#if defined(__clang__) && (defined(FASTML_AVX2) || defined(FASTML_AVX512))
#pragma clang attribute pop
#endif
