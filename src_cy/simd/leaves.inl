/* The rows of a tree's leaves: which leaf each is in, and exact sums of its gradients and hessians.

   Limit: in order, about 20 bytes a row moved, and a load, an add and a store; scattered, three lines of memory. */

/* Notes the leaf of each of its rows and sums their gradients and hessians (times weights) in fixed point:
   bits that do not depend on the order. hess NULL: 1; weight NULL: 1. The scales are powers of two such that
   no sum of |values| reaches 2^51. */
static void sum_leaf(const float *restrict grad, const float *restrict hess, const double *restrict weight,
                     const int32_t *restrict rows, ptrdiff_t n, double g_scale, double h_scale, int32_t leaf,
                     int32_t *restrict leaf_of_out, int64_t *restrict sums_out)
{
    uint64_t g = 0, h = 0; /* with n times MAGIC_BITS too much */
    ptrdiff_t i = 0;
#if defined(FASTML_AVX512)
    const __m512d magic = _mm512_set1_pd(MAGIC), gs = _mm512_set1_pd(g_scale), hs = _mm512_set1_pd(h_scale);
    const __m512i leaves = _mm512_set1_epi32(leaf);
    __m512i g_sum = _mm512_setzero_si512(), h_sum = _mm512_setzero_si512();
    if (weight == NULL && hess != NULL)
        for (; i + 8 <= n; i += 8) {
            __m256i r = _mm256_loadu_si256((const __m256i *)(rows + i));
            __m512d gv = _mm512_cvtps_pd(_mm256_i32gather_ps(grad, r, 4));
            __m512d hv = _mm512_cvtps_pd(_mm256_i32gather_ps(hess, r, 4));
            g_sum = _mm512_add_epi64(g_sum, _mm512_castpd_si512(_mm512_add_pd(_mm512_mul_pd(gv, gs), magic)));
            h_sum = _mm512_add_epi64(h_sum, _mm512_castpd_si512(_mm512_add_pd(_mm512_mul_pd(hv, hs), magic)));
            _mm256_i32scatter_epi32(leaf_of_out, r, _mm512_castsi512_si256(leaves), 4);
        }
    g = (uint64_t)_mm512_reduce_add_epi64(g_sum);
    h = (uint64_t)_mm512_reduce_add_epi64(h_sum);
#endif
    for (; i < n; i++) {
        int32_t r = rows[i];
        double w = weight != NULL ? weight[r] : 1.0;
        g += rounded_bits(w * (double)grad[r], g_scale);
        h += rounded_bits(hess != NULL ? w * (double)hess[r] : w, h_scale);
        leaf_of_out[r] = leaf;
    }
    sums_out[0] = (int64_t)(g - (uint64_t)n * MAGIC_BITS);
    sums_out[1] = (int64_t)(h - (uint64_t)n * MAGIC_BITS);
}

/* node_of[number[i]] of each row; n_numbers is how many node_of has, 256 at most. */
static inline void nodes_of_numbers(const uint8_t *restrict number, const int32_t *restrict node_of, int n_numbers,
                                    ptrdiff_t n, int32_t *restrict node_out)
{
    ptrdiff_t i = 0;
#if defined(FASTML_AVX512)
    int32_t padded[32] = {0};
    if (n_numbers <= 32) {
        memcpy(padded, node_of, (size_t)n_numbers * sizeof(int32_t));
        const __m512i low = _mm512_loadu_si512(padded), high = _mm512_loadu_si512(padded + 16);
        for (; i + 16 <= n; i += 16) {
            __m512i index = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(number + i)));
            _mm512_storeu_si512(node_out + i, _mm512_permutex2var_epi32(low, index, high));
        }
    }
#else
    (void)n_numbers;
#endif
    for (; i < n; i++)
        node_out[i] = node_of[number[i]];
}

/* The same for a block of rows in order: row i goes to leaf number[i] of a tree, whose node is in node_of
   (n_numbers,) and whose sums in sums_inout (FASTML_SUM_COPIES, 256, {g, h}). Copies take turns, since sums in one
   place wait for each other. sampled NULL: every row; n <= FASTML_BLOCK. */
static void sum_numbered(const uint8_t *restrict number, const int32_t *restrict node_of, int n_numbers,
                         const float *restrict grad, const float *restrict hess, const double *restrict weight,
                         const uint8_t *restrict sampled, ptrdiff_t n, double g_scale, double h_scale,
                         int32_t *restrict leaf_of_out, int64_t *restrict sums_inout)
{
    int64_t pair[2 * FASTML_BLOCK];
    nodes_of_numbers(number, node_of, n_numbers, n, leaf_of_out);
    if (weight == NULL && hess != NULL)
        for (ptrdiff_t i = 0; i < n; i++) {
            pair[2 * i] = (int64_t)(rounded_bits((double)grad[i], g_scale) - MAGIC_BITS);
            pair[2 * i + 1] = (int64_t)(rounded_bits((double)hess[i], h_scale) - MAGIC_BITS);
        }
    else
        for (ptrdiff_t i = 0; i < n; i++) {
            double w = weight != NULL ? weight[i] : 1.0;
            pair[2 * i] = (int64_t)(rounded_bits(w * (double)grad[i], g_scale) - MAGIC_BITS);
            pair[2 * i + 1] = (int64_t)(rounded_bits(hess != NULL ? w * (double)hess[i] : w, h_scale) - MAGIC_BITS);
        }
    if (sampled != NULL)
        for (ptrdiff_t i = 0; i < n; i++)
            if (!sampled[i])
                pair[2 * i] = pair[2 * i + 1] = 0;
    for (ptrdiff_t i = n; i < ((n + FASTML_SUM_COPIES - 1) & -FASTML_SUM_COPIES); i++)
        pair[2 * i] = pair[2 * i + 1] = 0;
    for (ptrdiff_t i = 0; i < n; i += FASTML_SUM_COPIES)
        for (int copy = 0; copy < FASTML_SUM_COPIES; copy++) {
            int64_t *sum = sums_inout + 2 * (256 * copy + number[i + copy]);
            const int64_t *add = pair + 2 * (i + copy);
#if defined(__GNUC__)
            typedef int64_t two __attribute__((vector_size(16), aligned(8), may_alias));
            *(two *)sum += *(const two *)add;
#else
            sum[0] += add[0];
            sum[1] += add[1];
#endif
        }
}
