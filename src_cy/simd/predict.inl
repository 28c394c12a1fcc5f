/* Batch prediction: 512 rows at once through trees that were turned into Boolean programs.

   1. compare_codes / member_codes: each distinct condition of a group of trees ("row goes right") becomes
      a vector, one bit a row; trees share conditions.
   2. add_leaves: a tree's program selects, from the leaves up, the bits of each row's leaf number
      (`bit = right ? bit of the right child : bit of the left child`), all rows of the block in a few
      instructions a node; then the leaf's value is looked up and added in float64.
   No branch depends on data. Bits are exact, and a row's sum is in the order of the trees. */
#include "predict.h"

#if defined(FASTML_AVX512) || defined(FASTML_AVX2)
#include <immintrin.h>
#elif defined(__SSE2__)
#include <emmintrin.h>
#endif

/* Bits of 64 rows: whether code - shift > threshold, in bytes that wrap around. */
static inline uint64_t compare_word(const uint8_t *codes, uint8_t threshold, uint8_t shift)
{
#if defined(FASTML_AVX512)
    __m512i moved = _mm512_sub_epi8(_mm512_loadu_si512(codes), _mm512_set1_epi8((char)shift));
    return _mm512_cmpgt_epu8_mask(moved, _mm512_set1_epi8((char)threshold));
#elif defined(FASTML_AVX2)
    uint64_t word = 0;
    __m256i limit = _mm256_set1_epi8((char)threshold), by = _mm256_set1_epi8((char)shift);
    for (int i = 0; i < 2; i++) {
        __m256i moved = _mm256_sub_epi8(_mm256_loadu_si256((const __m256i *)codes + i), by);
        __m256i left = _mm256_cmpeq_epi8(_mm256_min_epu8(moved, limit), moved);
        word |= (uint64_t)(uint32_t)_mm256_movemask_epi8(left) << (32 * i);
    }
    return ~word;
#elif defined(__SSE2__)
    uint64_t word = 0;
    __m128i limit = _mm_set1_epi8((char)threshold), by = _mm_set1_epi8((char)shift);
    for (int i = 0; i < 4; i++) {
        __m128i moved = _mm_sub_epi8(_mm_loadu_si128((const __m128i *)codes + i), by);
        __m128i left = _mm_cmpeq_epi8(_mm_min_epu8(moved, limit), moved);
        word |= (uint64_t)(uint32_t)_mm_movemask_epi8(left) << (16 * i);
    }
    return ~word;
#else
    uint64_t word = 0;
    for (int i = 0; i < 64; i++)
        word |= (uint64_t)((uint8_t)(codes[i] - shift) > threshold) << i;
    return word;
#endif
}

static void compare_codes(const uint8_t *codes, int n_words, const uint8_t *threshold, const uint8_t *shift,
                          ptrdiff_t n_conditions, uint64_t *right_out)
{
    for (ptrdiff_t c = 0; c < n_conditions; c++)
        for (int w = 0; w < n_words; w++)
            right_out[c * FASTML_BLOCK_WORDS + w] = compare_word(codes + 64 * w, threshold[c], shift[c]);
}

/* Bits of 64 rows: whether the code is not in the set of 256 bits. */
static inline uint64_t member_word(const uint8_t *codes, const uint8_t *set)
{
#if defined(FASTML_AVX512) || defined(FASTML_AVX2)
    /* A shuffle finds byte code >> 3 of the set among 16, from the low or the high half by the code's top
       bit; another makes 1 << (code & 7). */
    const __m256i low = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)set));
    const __m256i high = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)set + 1));
    const __m256i power = _mm256_set1_epi64x((long long)0x8040201008040201ULL);
    uint64_t word = 0;
    for (int i = 0; i < 2; i++) {
        __m256i code = _mm256_loadu_si256((const __m256i *)codes + i);
        __m256i byte = _mm256_and_si256(_mm256_srli_epi16(code, 3), _mm256_set1_epi8(15));
        __m256i in = _mm256_blendv_epi8(_mm256_shuffle_epi8(low, byte), _mm256_shuffle_epi8(high, byte), code);
        __m256i bit = _mm256_shuffle_epi8(power, _mm256_and_si256(code, _mm256_set1_epi8(7)));
        __m256i absent = _mm256_cmpeq_epi8(_mm256_and_si256(in, bit), _mm256_setzero_si256());
        word |= (uint64_t)(uint32_t)_mm256_movemask_epi8(absent) << (32 * i);
    }
    return word;
#else
    uint64_t word = 0;
    for (int i = 0; i < 64; i++)
        word |= (uint64_t)(~(set[codes[i] >> 3] >> (codes[i] & 7)) & 1) << i;
    return word;
#endif
}

static void member_codes(const uint8_t *codes, int n_words, const uint8_t *set, uint64_t *right_out)
{
    for (int w = 0; w < n_words; w++)
        right_out[w] = member_word(codes + 64 * w, set);
}

/* Runs a tree's program over a block. */
static inline void select_planes(const struct fastml_select *select, ptrdiff_t n, uint64_t *vectors)
{
    for (ptrdiff_t s = 0; s < n; s++) {
        const uint64_t *right = vectors + (ptrdiff_t)select[s].right * FASTML_BLOCK_WORDS;
        const uint64_t *if_left = vectors + (ptrdiff_t)select[s].if_left * FASTML_BLOCK_WORDS;
        const uint64_t *if_right = vectors + (ptrdiff_t)select[s].if_right * FASTML_BLOCK_WORDS;
        uint64_t *out = vectors + (ptrdiff_t)select[s].out * FASTML_BLOCK_WORDS;
#if defined(FASTML_AVX512)
        __m512i m = _mm512_loadu_si512(right);
        _mm512_storeu_si512(out, _mm512_ternarylogic_epi64(m, _mm512_loadu_si512(if_right),
                                                           _mm512_loadu_si512(if_left), 0xCA));
#else
        uint64_t chosen[FASTML_BLOCK_WORDS]; /* out may be one of the inputs */
        for (int w = 0; w < FASTML_BLOCK_WORDS; w++)
            chosen[w] = if_left[w] ^ (right[w] & (if_left[w] ^ if_right[w]));
        for (int w = 0; w < FASTML_BLOCK_WORDS; w++)
            out[w] = chosen[w];
#endif
    }
}

/* Leaf numbers of the 64 rows of word w, a byte each. */
static inline void gather_planes(const struct fastml_bit_tree *tree, const uint64_t *vectors, int w, uint8_t *leaf_out)
{
#if defined(FASTML_AVX512)
    __m512i leaf = _mm512_setzero_si512();
    for (int b = 0; b < tree->n_planes; b++)
        leaf = _mm512_mask_add_epi8(leaf, vectors[(ptrdiff_t)tree->plane[b] * FASTML_BLOCK_WORDS + w], leaf,
                                    _mm512_set1_epi8((char)(1 << b)));
    _mm512_storeu_si512(leaf_out, leaf);
#else
    uint64_t eight[8] = {0}; /* eight rows' bytes in a word */
    for (int b = 0; b < tree->n_planes; b++) {
        uint64_t plane = vectors[(ptrdiff_t)tree->plane[b] * FASTML_BLOCK_WORDS + w];
        for (int i = 0; i < 8; i++) {
            /* Bit j of the byte to bit 0 of byte j: eight copies, keep bit j in byte j, make it a one. */
            uint64_t spread = ((plane >> (8 * i) & 0xFF) * 0x0101010101010101ULL) & 0x8040201008040201ULL;
            spread = ((spread + 0x7F7F7F7F7F7F7F7FULL) >> 7) & 0x0101010101010101ULL;
            eight[i] |= spread << b;
        }
    }
    for (int i = 0; i < 64; i++)
        leaf_out[i] = (uint8_t)(eight[i / 8] >> (8 * (i % 8)));
#endif
}

/* Leaf number of each row of a block, one tree. */
static void find_leaves(const struct fastml_bit_tree *tree, const struct fastml_select *program, uint64_t *vectors,
                        int n_words, uint8_t *leaf_out)
{
    select_planes(program + tree->select_begin, tree->select_end - tree->select_begin, vectors);
    for (int w = 0; w < n_words; w++)
        gather_planes(tree, vectors, w, leaf_out + 64 * w);
}

/* raw_inout[row] += leaf value, tree after tree: trees[0], trees[step], ... */
static void add_leaves(const struct fastml_bit_tree *trees, ptrdiff_t n_trees, ptrdiff_t step,
                       const struct fastml_select *program, const double *tables, uint64_t *vectors, int n_rows,
                       double *raw_inout)
{
    uint8_t leaf[64];
    double sum[FASTML_BLOCK_ROWS];
    int n_words = (n_rows + 63) / 64;
    for (int i = 0; i < FASTML_BLOCK_ROWS; i++)
        sum[i] = i < n_rows ? raw_inout[i] : 0.0;
    for (ptrdiff_t t = 0; t < n_trees; t += step) {
        const struct fastml_bit_tree *tree = trees + t;
        const double *table = tables + tree->table;
        select_planes(program + tree->select_begin, tree->select_end - tree->select_begin, vectors);
        for (int w = 0; w < n_words; w++) {
            gather_planes(tree, vectors, w, leaf);
            for (int i = 0; i < 64; i++)
                sum[64 * w + i] += table[leaf[i]];
        }
    }
    for (int i = 0; i < n_rows; i++)
        raw_inout[i] = sum[i];
}
