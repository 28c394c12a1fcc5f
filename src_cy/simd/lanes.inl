/* The widest vector of doubles there is, LANES of them; one at a time without any. A maximum gives its second argument
   where one is NaN, on every machine. */
#if defined(FASTML_AVX512)
#define LANES 8
typedef __m512d lanes;
#define lanes_load(p) _mm512_loadu_pd(p)
#define lanes_widen(p) _mm512_cvtps_pd(_mm256_loadu_ps(p))
#define lanes_store(p, a) _mm512_storeu_pd(p, a)
#define lanes_set(x) _mm512_set1_pd(x)
#define lanes_add(a, b) _mm512_add_pd(a, b)
#define lanes_sub(a, b) _mm512_sub_pd(a, b)
#define lanes_mul(a, b) _mm512_mul_pd(a, b)
#define lanes_div(a, b) _mm512_div_pd(a, b)
#define lanes_max(a, b) _mm512_max_pd(a, b)
#define lanes_abs(a) _mm512_abs_pd(a)
#define lanes_up_to(a, b) ((uint32_t)_mm512_cmp_pd_mask(a, b, _CMP_LE_OQ)) /* bit i: a[i] <= b[i] */
#elif defined(FASTML_AVX2)
#define LANES 4
typedef __m256d lanes;
#define lanes_load(p) _mm256_loadu_pd(p)
#define lanes_widen(p) _mm256_cvtps_pd(_mm_loadu_ps(p))
#define lanes_store(p, a) _mm256_storeu_pd(p, a)
#define lanes_set(x) _mm256_set1_pd(x)
#define lanes_add(a, b) _mm256_add_pd(a, b)
#define lanes_sub(a, b) _mm256_sub_pd(a, b)
#define lanes_mul(a, b) _mm256_mul_pd(a, b)
#define lanes_div(a, b) _mm256_div_pd(a, b)
#define lanes_max(a, b) _mm256_max_pd(a, b)
#define lanes_abs(a) _mm256_andnot_pd(_mm256_set1_pd(-0.0), a)
#define lanes_up_to(a, b) ((uint32_t)_mm256_movemask_pd(_mm256_cmp_pd(a, b, _CMP_LE_OQ)))
#elif defined(FASTML_SSE2)
#define LANES 2
typedef __m128d lanes;
#define lanes_load(p) _mm_loadu_pd(p)
#define lanes_widen(p) _mm_cvtps_pd(_mm_castpd_ps(_mm_load_sd((const double *)(const void *)(p))))
#define lanes_store(p, a) _mm_storeu_pd(p, a)
#define lanes_set(x) _mm_set1_pd(x)
#define lanes_add(a, b) _mm_add_pd(a, b)
#define lanes_sub(a, b) _mm_sub_pd(a, b)
#define lanes_mul(a, b) _mm_mul_pd(a, b)
#define lanes_div(a, b) _mm_div_pd(a, b)
#define lanes_max(a, b) _mm_max_pd(a, b)
#define lanes_abs(a) _mm_andnot_pd(_mm_set1_pd(-0.0), a)
#define lanes_up_to(a, b) ((uint32_t)_mm_movemask_pd(_mm_cmple_pd(a, b)))
#else
#define LANES 1
typedef double lanes;
#define lanes_load(p) (*(p))
#define lanes_widen(p) ((double)*(p))
#define lanes_store(p, a) (*(p) = (a))
#define lanes_set(x) (x)
#define lanes_add(a, b) ((a) + (b))
#define lanes_sub(a, b) ((a) - (b))
#define lanes_mul(a, b) ((a) * (b))
#define lanes_div(a, b) ((a) / (b))
#define lanes_max(a, b) ((a) > (b) ? (a) : (b))
#define lanes_abs(a) fabs(a)
#define lanes_up_to(a, b) ((uint32_t)((a) <= (b)))
#endif
