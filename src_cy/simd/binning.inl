/* Values to codes: 0 for NaN, else 1 + #{edges < x}.

   On AVX-512 the edges are a perfect binary tree of float32, node i over nodes 2i and 2i + 1. The whole tree of 255
   edges stays in 16 registers, and a level is one to four permutations for 16 values. */
#include <math.h>

#if defined(FASTML_AVX512) || defined(FASTML_AVX2)
#include <immintrin.h>
#endif

#ifdef FASTML_AVX512
/* The tree in registers: nodes 1..15, 16..31, 32..63, 64..127, 128..255. */
struct tree_registers {
    __m512 top, level4, level5[2], level6[4], level7[8];
};

static inline __attribute__((always_inline)) struct tree_registers load_tree(const float *tree, int levels)
{
    struct tree_registers r;
    int k;
    r.top = _mm512_loadu_ps(tree);
    r.level4 = levels > 4 ? _mm512_loadu_ps(tree + 16) : r.top;
    for (k = 0; k < 2; k++)
        r.level5[k] = levels > 5 ? _mm512_loadu_ps(tree + 32 + 16 * k) : r.top;
    for (k = 0; k < 4; k++)
        r.level6[k] = levels > 6 ? _mm512_loadu_ps(tree + 64 + 16 * k) : r.top;
    for (k = 0; k < 8; k++)
        r.level7[k] = levels > 7 ? _mm512_loadu_ps(tree + 128 + 16 * k) : r.top;
    return r;
}

/* #{edges < x} for 16 values; a permutation looks at the low bits of a node's number only, so a
   level's own registers are addressed without subtracting where the level begins. */
static inline __attribute__((always_inline)) __m512i descend(__m512 x, const struct tree_registers *r, int levels)
{
    const __m512i one = _mm512_set1_epi32(1), bit5 = _mm512_set1_epi32(32), bit6 = _mm512_set1_epi32(64);
    __m512i node = one;
    int k;
#define STEP(pivot) \
    do { \
        __mmask16 right = _mm512_cmp_ps_mask(pivot, x, _CMP_LT_OQ); \
        node = _mm512_add_epi32(node, node); \
        node = _mm512_mask_add_epi32(node, right, node, one); \
    } while (0)
    for (k = 0; k < 4; k++)
        STEP(_mm512_permutexvar_ps(node, r->top));
    if (levels > 4)
        STEP(_mm512_permutexvar_ps(node, r->level4));
    if (levels > 5)
        STEP(_mm512_permutex2var_ps(r->level5[0], node, r->level5[1]));
    if (levels > 6) {
        __m512 low = _mm512_permutex2var_ps(r->level6[0], node, r->level6[1]);
        __m512 high = _mm512_permutex2var_ps(r->level6[2], node, r->level6[3]);
        STEP(_mm512_mask_blend_ps(_mm512_test_epi32_mask(node, bit5), low, high));
    }
    if (levels > 7) {
        __mmask16 odd = _mm512_test_epi32_mask(node, bit5), upper = _mm512_test_epi32_mask(node, bit6);
        __m512 a = _mm512_permutex2var_ps(r->level7[0], node, r->level7[1]);
        __m512 b = _mm512_permutex2var_ps(r->level7[2], node, r->level7[3]);
        __m512 c = _mm512_permutex2var_ps(r->level7[4], node, r->level7[5]);
        __m512 d = _mm512_permutex2var_ps(r->level7[6], node, r->level7[7]);
        a = _mm512_mask_blend_ps(odd, a, b);
        c = _mm512_mask_blend_ps(odd, c, d);
        STEP(_mm512_mask_blend_ps(upper, a, c));
    }
#undef STEP
    return _mm512_sub_epi32(node, _mm512_set1_epi32(1 << levels));
}

static inline __attribute__((always_inline)) void encode_f32_levels(
    const float *x, ptrdiff_t n, const float *tree, uint8_t *codes_out, int levels)
{
    const struct tree_registers r = load_tree(tree, levels);
    const __m512i one = _mm512_set1_epi32(1);
    ptrdiff_t i;
    for (i = 0; i < n; i += 16) {
        __mmask16 live = n - i >= 16 ? 0xFFFF : (__mmask16)((1u << (n - i)) - 1);
        __m512 v = _mm512_maskz_loadu_ps(live, x + i);
        __mmask16 number = _mm512_cmp_ps_mask(v, v, _CMP_ORD_Q);
        __m512i code = _mm512_maskz_add_epi32(number, descend(v, &r, levels), one);
        _mm_mask_storeu_epi8(codes_out + i, live, _mm512_cvtepi32_epi8(code));
    }
}

/* Rounding x down as the edges were keeps the order, so the tree's answer is right up to one edge
   that rounds to the same float32 as x (edges that coincide in float32 are not sent here); the
   edge itself decides. */
static inline __attribute__((always_inline)) void encode_f64_levels(
    const double *x, ptrdiff_t n, const float *tree, const double *edges, uint8_t *codes_out, int levels)
{
    const struct tree_registers r = load_tree(tree, levels);
    const __m512i one = _mm512_set1_epi32(1);
    ptrdiff_t i;
    for (i = 0; i < n; i += 16) {
        __mmask16 live = n - i >= 16 ? 0xFFFF : (__mmask16)((1u << (n - i)) - 1);
        __m512d a = _mm512_maskz_loadu_pd((__mmask8)live, x + i);
        __m512d b = _mm512_maskz_loadu_pd((__mmask8)(live >> 8), x + i + 8);
        __m256 a32 = _mm512_cvt_roundpd_ps(a, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
        __m256 b32 = _mm512_cvt_roundpd_ps(b, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
        __m512 v = _mm512_insertf32x8(_mm512_castps256_ps512(a32), b32, 1);
        __m512i position = descend(v, &r, levels);
        __m512d edge_a = _mm512_i32gather_pd(_mm512_castsi512_si256(position), edges, 8);
        __m512d edge_b = _mm512_i32gather_pd(_mm512_extracti32x8_epi32(position, 1), edges, 8);
        __mmask16 above = (__mmask16)(_mm512_cmp_pd_mask(edge_a, a, _CMP_LT_OQ) |
                                      (_mm512_cmp_pd_mask(edge_b, b, _CMP_LT_OQ) << 8));
        __mmask16 number = _mm512_cmp_ps_mask(v, v, _CMP_ORD_Q);
        __m512i code = _mm512_maskz_add_epi32(number, position, one);
        code = _mm512_mask_add_epi32(code, above, code, one);
        _mm_mask_storeu_epi8(codes_out + i, live, _mm512_cvtepi32_epi8(code));
    }
}
#endif

#ifndef FASTML_AVX512
/* Elsewhere: the number of 16 edges below x by compares side by side, first among every 16th edge, then among the
   16 that follow. */
#ifdef FASTML_AVX2
typedef struct {
    __m256 low, high;
} sixteen;

static inline sixteen load_sixteen(const float *edges)
{
    sixteen e = {_mm256_loadu_ps(edges), _mm256_loadu_ps(edges + 8)};
    return e;
}

static inline unsigned count_below(sixteen e, float x)
{
    const __m256 v = _mm256_set1_ps(x);
    __m256i below = _mm256_packs_epi32(_mm256_castps_si256(_mm256_cmp_ps(e.low, v, _CMP_LT_OQ)),
                                       _mm256_castps_si256(_mm256_cmp_ps(e.high, v, _CMP_LT_OQ)));
    return (unsigned)__builtin_popcount((unsigned)_mm256_movemask_epi8(below)) / 2;
}
#elif defined(FASTML_SSE2)
static inline unsigned first_zero_bit(unsigned bits)
{
#ifdef _MSC_VER
    unsigned long index;
    _BitScanForward(&index, ~bits);
    return (unsigned)index;
#else
    return (unsigned)__builtin_ctz(~bits);
#endif
}

typedef struct {
    __m128 part[4];
} sixteen;

static inline sixteen load_sixteen(const float *edges)
{
    sixteen e = {{_mm_loadu_ps(edges), _mm_loadu_ps(edges + 4), _mm_loadu_ps(edges + 8), _mm_loadu_ps(edges + 12)}};
    return e;
}

static inline unsigned count_below(sixteen e, float x)
{
    const __m128 v = _mm_set1_ps(x);
    __m128i below[4], half[2];
    int k;
    for (k = 0; k < 4; k++)
        below[k] = _mm_castps_si128(_mm_cmplt_ps(e.part[k], v));
    half[0] = _mm_packs_epi32(below[0], below[1]);
    half[1] = _mm_packs_epi32(below[2], below[3]);
    return first_zero_bit((unsigned)_mm_movemask_epi8(_mm_packs_epi16(half[0], half[1]))); /* the ones come first */
}
#else
typedef struct {
    float edge[16];
} sixteen;

static inline sixteen load_sixteen(const float *edges)
{
    sixteen e;
    memcpy(e.edge, edges, sizeof(e.edge));
    return e;
}

static inline unsigned count_below(sixteen e, float x)
{
    unsigned count = 0;
    int k;
    for (k = 0; k < 16; k++)
        count += e.edge[k] < x;
    return count;
}
#endif

/* Every 16th edge, +inf past the last. */
static inline sixteen load_coarse(const struct fastml_bin_search *search)
{
    float coarse[16];
    int k;
    for (k = 0; k < 16; k++)
        coarse[k] = 16 * (k + 1) < 1 << search->levels ? search->sorted32[16 * k + 15] : (float)INFINITY;
    return load_sixteen(coarse);
}

static inline void search_f32(const float *x, ptrdiff_t n, const struct fastml_bin_search *search, uint8_t *positions)
{
    const float *sorted32 = search->sorted32;
    const sixteen coarse = load_coarse(search), first = load_sixteen(sorted32);
    ptrdiff_t i;
    if (search->levels == 4) {
        for (i = 0; i < n; i++)
            positions[i] = (uint8_t)count_below(first, x[i]);
        return;
    }
    for (i = 0; i < n; i++) {
        const unsigned block = 16 * count_below(coarse, x[i]);
        positions[i] = (uint8_t)(block + count_below(load_sixteen(sorted32 + block), x[i]));
    }
}

static void encode_f32(const float *x, ptrdiff_t n, const struct fastml_bin_search *search, uint8_t *codes_out)
{
    ptrdiff_t i;
    search_f32(x, n, search, codes_out);
    for (i = 0; i < n; i++)
        codes_out[i] = (uint8_t)(x[i] == x[i] ? codes_out[i] + 1 : 0);
}

/* Rounding x down as the edges were keeps the order; see encode_f64_levels. */
static void encode_f64(const double *x, ptrdiff_t n, const struct fastml_bin_search *search, uint8_t *codes_out)
{
    enum { BLOCK = 64 };
    const double *sorted = search->sorted;
    float below[BLOCK];
    ptrdiff_t i, k;
    for (i = 0; i < n; i += BLOCK) {
        const ptrdiff_t width = n - i < BLOCK ? n - i : BLOCK;
        for (k = 0; k < width; k++) {
            float f = (float)x[i + k];
            int32_t bits, above = (double)f > x[i + k];
            memcpy(&bits, &f, 4);
            bits += (bits < 0 ? 1 : -1) & -above; /* the next float32 downwards */
            memcpy(&below[k], &bits, 4);
        }
        search_f32(below, width, search, codes_out + i);
        for (k = 0; k < width; k++) {
            const double v = x[i + k];
            const unsigned position = codes_out[i + k];
            codes_out[i + k] = (uint8_t)((position + (sorted[position] < v) + 1) & (0u - (unsigned)(v == v)));
        }
    }
}
#endif /* not FASTML_AVX512 */

/* Edges that coincide in float32: a branchless search among the float64 ones, 16 values at a time. */
static void encode_close(
    const double *x, ptrdiff_t n, const struct fastml_bin_search *search, uint8_t *codes_out)
{
    const double *sorted = search->sorted;
    ptrdiff_t i;
    int lane;
    unsigned half;
    for (i = 0; i < n; i += 16) {
        const int width = n - i < 16 ? (int)(n - i) : 16;
        double v[16];
        unsigned position[16];
        for (lane = 0; lane < 16; lane++) {
            v[lane] = x[i + (lane < width ? lane : 0)];
            position[lane] = 0;
        }
        for (half = 1u << (search->levels - 1); half > 0; half >>= 1)
            for (lane = 0; lane < 16; lane++)
                position[lane] += half * (sorted[position[lane] + half - 1] < v[lane]);
        for (lane = 0; lane < width; lane++)
            codes_out[i + lane] = (uint8_t)(v[lane] == v[lane] ? position[lane] + 1 : 0);
    }
}

static void bin_encode_f32(const float *x, ptrdiff_t n, const struct fastml_bin_search *search, uint8_t *codes_out)
{
    ptrdiff_t i;
    if (search->levels == 0) {
        for (i = 0; i < n; i++)
            codes_out[i] = (uint8_t)(x[i] == x[i]);
        return;
    }
#ifdef FASTML_AVX512
    switch (search->levels) {
    case 4: encode_f32_levels(x, n, search->tree, codes_out, 4); return;
    case 5: encode_f32_levels(x, n, search->tree, codes_out, 5); return;
    case 6: encode_f32_levels(x, n, search->tree, codes_out, 6); return;
    case 7: encode_f32_levels(x, n, search->tree, codes_out, 7); return;
    default: encode_f32_levels(x, n, search->tree, codes_out, 8); return;
    }
#else
    encode_f32(x, n, search, codes_out);
#endif
}

static void bin_encode_f64(const double *x, ptrdiff_t n, const struct fastml_bin_search *search, uint8_t *codes_out)
{
    ptrdiff_t i;
    if (search->levels == 0) {
        for (i = 0; i < n; i++)
            codes_out[i] = (uint8_t)(x[i] == x[i]);
        return;
    }
    if (!search->apart_in_f32) {
        encode_close(x, n, search, codes_out);
        return;
    }
#ifdef FASTML_AVX512
    {
        const float *tree = search->tree;
        switch (search->levels) {
        case 4: encode_f64_levels(x, n, tree, search->sorted, codes_out, 4); return;
        case 5: encode_f64_levels(x, n, tree, search->sorted, codes_out, 5); return;
        case 6: encode_f64_levels(x, n, tree, search->sorted, codes_out, 6); return;
        case 7: encode_f64_levels(x, n, tree, search->sorted, codes_out, 7); return;
        default: encode_f64_levels(x, n, tree, search->sorted, codes_out, 8); return;
        }
    }
#else
    encode_f64(x, n, search, codes_out);
#endif
}
