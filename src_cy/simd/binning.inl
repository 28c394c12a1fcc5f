/* Values to codes (code 0: NaN, else 1 + #{edges < x}), and codes from columns to rows.

   The search is a perfect binary tree of float32 edges, node i over nodes 2i and 2i + 1; its path
   has no branch and its length is fixed by the number of edges. On AVX-512 the whole tree of 255
   edges stays in 16 registers, and a level is one to four permutations for 16 values. */

#include <string.h>

#if defined(__SSE2__) || defined(_M_X64)
#include <emmintrin.h>
#define FASTML_SSE2 1
#endif
#ifdef FASTML_AVX512
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

/* The same search for any machine: 16 values side by side, so that their loads overlap. */
static inline void search_f32(const float *x, ptrdiff_t n, const float *tree, int levels, uint8_t *codes_out)
{
    ptrdiff_t i;
    int k, lane;
    for (i = 0; i < n; i += 16) {
        const int width = n - i < 16 ? (int)(n - i) : 16;
        float v[16];
        uint32_t node[16];
        for (lane = 0; lane < 16; lane++) {
            v[lane] = x[i + (lane < width ? lane : 0)];
            node[lane] = 1;
        }
        for (k = 0; k < levels; k++)
            for (lane = 0; lane < 16; lane++)
                node[lane] = 2 * node[lane] + (tree[node[lane]] < v[lane]);
        for (lane = 0; lane < width; lane++)
            codes_out[i + lane] = (uint8_t)(v[lane] == v[lane] ? node[lane] - (1u << levels) + 1 : 0);
    }
}

static inline void search_f64(const double *x, ptrdiff_t n, const double *sorted, int levels, uint8_t *codes_out)
{
    ptrdiff_t i;
    int lane;
    uint32_t half;
    for (i = 0; i < n; i += 16) {
        const int width = n - i < 16 ? (int)(n - i) : 16;
        double v[16];
        uint32_t position[16];
        for (lane = 0; lane < 16; lane++) {
            v[lane] = x[i + (lane < width ? lane : 0)];
            position[lane] = 0;
        }
        for (half = 1u << (levels - 1); half > 0; half >>= 1)
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
    search_f32(x, n, search->tree, search->levels, codes_out);
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
#ifdef FASTML_AVX512
    if (search->apart_in_f32) {
        const float *tree = search->tree;
        switch (search->levels) {
        case 4: encode_f64_levels(x, n, tree, search->sorted, codes_out, 4); return;
        case 5: encode_f64_levels(x, n, tree, search->sorted, codes_out, 5); return;
        case 6: encode_f64_levels(x, n, tree, search->sorted, codes_out, 6); return;
        case 7: encode_f64_levels(x, n, tree, search->sorted, codes_out, 7); return;
        default: encode_f64_levels(x, n, tree, search->sorted, codes_out, 8); return;
        }
    }
#endif
    search_f64(x, n, search->sorted, search->levels, codes_out);
}

/* codes_by_column (n_columns, column_stride) -> rows (n_rows, row_stride); `width` bytes of each row
   are written, zeros past the last column. */
static void bin_rows_from_columns(
    const uint8_t *columns, ptrdiff_t column_stride, ptrdiff_t n_columns, ptrdiff_t n_rows,
    uint8_t *rows_out, ptrdiff_t row_stride, ptrdiff_t width)
{
    ptrdiff_t i, j, first = 0;
#ifdef FASTML_SSE2
    /* 16 x 16 bytes at a time, by four rounds of interleaving. */
    for (first = 0; first + 16 <= n_rows; first += 16) {
        __m128i a[16], b[16];
        int k;
        for (k = 0; k < 16; k++)
            a[k] = k < n_columns ? _mm_loadu_si128((const __m128i *)(columns + k * column_stride + first))
                                 : _mm_setzero_si128();
        for (k = 0; k < 8; k++) {
            b[2 * k] = _mm_unpacklo_epi8(a[k], a[k + 8]);
            b[2 * k + 1] = _mm_unpackhi_epi8(a[k], a[k + 8]);
        }
        for (k = 0; k < 8; k++) {
            a[2 * k] = _mm_unpacklo_epi8(b[k], b[k + 8]);
            a[2 * k + 1] = _mm_unpackhi_epi8(b[k], b[k + 8]);
        }
        for (k = 0; k < 8; k++) {
            b[2 * k] = _mm_unpacklo_epi8(a[k], a[k + 8]);
            b[2 * k + 1] = _mm_unpackhi_epi8(a[k], a[k + 8]);
        }
        for (k = 0; k < 8; k++) {
            a[2 * k] = _mm_unpacklo_epi8(b[k], b[k + 8]);
            a[2 * k + 1] = _mm_unpackhi_epi8(b[k], b[k + 8]);
        }
        for (k = 0; k < 16; k++) {
            uint8_t *row = rows_out + (first + k) * row_stride;
            if (width == 16) {
                _mm_storeu_si128((__m128i *)row, a[k]);
            } else {
                _mm_storel_epi64((__m128i *)row, a[k]);
                if (width == 12) {
                    int32_t tail = _mm_cvtsi128_si32(_mm_srli_si128(a[k], 8));
                    memcpy(row + 8, &tail, 4);
                }
            }
        }
    }
#endif
    for (i = first; i < n_rows; i++)
        for (j = 0; j < width; j++)
            rows_out[i * row_stride + j] = j < n_columns ? columns[j * column_stride + i] : 0;
}
