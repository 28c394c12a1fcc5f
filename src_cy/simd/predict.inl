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

/* Bits of 64 rows: whether code > threshold. */
static inline uint64_t compare_word(const uint8_t *codes, uint8_t threshold)
{
#if defined(FASTML_AVX512)
    return _mm512_cmpgt_epu8_mask(_mm512_loadu_si512(codes), _mm512_set1_epi8((char)threshold));
#elif defined(FASTML_AVX2)
    uint64_t word = 0;
    __m256i limit = _mm256_set1_epi8((char)threshold);
    for (int i = 0; i < 2; i++) {
        __m256i code = _mm256_loadu_si256((const __m256i *)codes + i);
        __m256i left = _mm256_cmpeq_epi8(_mm256_min_epu8(code, limit), code);
        word |= (uint64_t)(uint32_t)_mm256_movemask_epi8(left) << (32 * i);
    }
    return ~word;
#elif defined(__SSE2__)
    uint64_t word = 0;
    __m128i limit = _mm_set1_epi8((char)threshold);
    for (int i = 0; i < 4; i++) {
        __m128i code = _mm_loadu_si128((const __m128i *)codes + i);
        __m128i left = _mm_cmpeq_epi8(_mm_min_epu8(code, limit), code);
        word |= (uint64_t)(uint32_t)_mm_movemask_epi8(left) << (16 * i);
    }
    return ~word;
#else
    uint64_t word = 0;
    for (int i = 0; i < 64; i++)
        word |= (uint64_t)(codes[i] > threshold) << i;
    return word;
#endif
}

/* Conditions on one column: whether code - shift > threshold, in bytes that wrap around. */
static void compare_codes(const uint8_t *codes, int n_words, uint8_t shift, const uint8_t *threshold,
                          ptrdiff_t n_conditions, uint64_t *right_out)
{
    uint8_t moved[FASTML_BLOCK_ROWS] = {0};
    for (int i = 0; i < 64 * n_words; i++)
        moved[i] = (uint8_t)(codes[i] - shift);
    for (ptrdiff_t c = 0; c < n_conditions; c++)
        for (int w = 0; w < FASTML_BLOCK_WORDS; w++) /* all words: the compiler keeps them in registers */
            right_out[c * FASTML_BLOCK_WORDS + w] = compare_word(moved + 64 * w, threshold[c]);
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

/* Leaf numbers of the 64 rows of word w: a byte each, the first row's lowest, eight in a word. */
static inline void leaf_words(const struct fastml_bit_tree *tree, const uint64_t *vectors, int w, uint64_t *eight_out)
{
#if defined(FASTML_AVX512)
    __m512i leaf = _mm512_setzero_si512();
    for (int b = 0; b < tree->n_planes; b++)
        leaf = _mm512_mask_add_epi8(leaf, vectors[(ptrdiff_t)tree->plane[b] * FASTML_BLOCK_WORDS + w], leaf,
                                    _mm512_set1_epi8((char)(1 << b)));
    _mm512_storeu_si512(eight_out, leaf);
#elif defined(FASTML_AVX2)
    const __m256i bit = _mm256_set1_epi64x((long long)0x8040201008040201ULL);
    const __m256i spread = _mm256_setr_epi64x(0, 0x0101010101010101LL, 0x0202020202020202LL, 0x0303030303030303LL);
    __m256i low = _mm256_setzero_si256(), high = low;
    for (int b = 0; b < tree->n_planes; b++) {
        uint64_t plane = vectors[(ptrdiff_t)tree->plane[b] * FASTML_BLOCK_WORDS + w];
        __m256i value = _mm256_set1_epi8((char)(1 << b));
        __m256i first = _mm256_shuffle_epi8(_mm256_set1_epi32((int)plane), spread);
        __m256i second = _mm256_shuffle_epi8(_mm256_set1_epi32((int)(plane >> 32)), spread);
        first = _mm256_cmpeq_epi8(_mm256_and_si256(first, bit), bit);
        second = _mm256_cmpeq_epi8(_mm256_and_si256(second, bit), bit);
        low = _mm256_or_si256(low, _mm256_and_si256(first, value));
        high = _mm256_or_si256(high, _mm256_and_si256(second, value));
    }
    _mm256_storeu_si256((__m256i *)eight_out, low);
    _mm256_storeu_si256((__m256i *)(eight_out + 4), high);
#else
    for (int i = 0; i < 8; i++)
        eight_out[i] = 0;
    for (int b = 0; b < tree->n_planes; b++) {
        uint64_t plane = vectors[(ptrdiff_t)tree->plane[b] * FASTML_BLOCK_WORDS + w];
        for (int i = 0; i < 8; i++) {
            /* Bit j of the byte to bit 0 of byte j: eight copies, keep bit j in byte j, make it a one. */
            uint64_t spread = ((plane >> (8 * i) & 0xFF) * 0x0101010101010101ULL) & 0x8040201008040201ULL;
            spread = ((spread + 0x7F7F7F7F7F7F7F7FULL) >> 7) & 0x0101010101010101ULL;
            eight_out[i] |= spread << b;
        }
    }
#endif
}

/* Leaf number of each row of a block, one tree. */
static void find_leaves(const struct fastml_bit_tree *tree, const struct fastml_select *program, uint64_t *vectors,
                        int n_words, uint8_t *leaf_out)
{
    select_planes(program + tree->select_begin, tree->select_end - tree->select_begin, vectors);
    for (int w = 0; w < n_words; w++) {
        uint64_t eight[8];
        leaf_words(tree, vectors, w, eight);
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        for (int i = 0; i < 64; i++)
            leaf_out[64 * w + i] = (uint8_t)(eight[i / 8] >> (8 * (i % 8)));
#else
        memcpy(leaf_out + 64 * w, eight, 64);
#endif
    }
}

#if defined(FASTML_AVX512)
/* Sums of a word's rows are kept in the order in which shifts by whole bytes bring the leaf numbers to the low
   end of the eight 64-bit lanes: row 8 q + i at 8 i + q. */
static inline int sum_of_row(int row)
{
    return (row & ~63) | (row & 7) << 3 | (row >> 3 & 7);
}

/* sum[0..63] += table[leaf], for tables of 16 << HIGH_BITS values held in registers, or larger ones in memory. */
#define ADD_FROM_REGISTERS(NAME, HIGH_BITS)                                                                        \
    static inline void NAME(const struct fastml_bit_tree *tree, const double *table, const uint64_t *vectors,      \
                            int n_words, double *sum)                                                              \
    {                                                                                                              \
        __m512d part[2 << (HIGH_BITS)];                                                                            \
        for (int j = 0; j < 2 << (HIGH_BITS); j++)                                                                 \
            part[j] = _mm512_loadu_pd(table + 8 * j);                                                              \
        for (int w = 0; w < n_words; w++) {                                                                        \
            uint64_t eight[8];                                                                                     \
            leaf_words(tree, vectors, w, eight);                                                                   \
            __m512i leaf = _mm512_loadu_si512(eight);                                                              \
            for (int i = 0; i < 8; i++) {                                                                          \
                __m512d value = _mm512_permutex2var_pd(part[0], leaf, part[1]);                                    \
                if ((HIGH_BITS) > 0)                                                                               \
                    value = _mm512_mask_mov_pd(value, _mm512_test_epi64_mask(leaf, _mm512_set1_epi64(16)),         \
                                               _mm512_permutex2var_pd(part[2], leaf, part[3]));                    \
                _mm512_storeu_pd(sum + 64 * w + 8 * i, _mm512_add_pd(_mm512_loadu_pd(sum + 64 * w + 8 * i), value)); \
                leaf = _mm512_srli_epi64(leaf, 8);                                                                 \
            }                                                                                                      \
        }                                                                                                          \
    }
ADD_FROM_REGISTERS(add_from_16, 0)
ADD_FROM_REGISTERS(add_from_32, 1)

static inline void add_from_256(const struct fastml_bit_tree *tree, const double *table, const uint64_t *vectors,
                                int n_words, double *sum)
{
    for (int w = 0; w < n_words; w++) {
        uint64_t eight[8];
        leaf_words(tree, vectors, w, eight);
        __m512i leaf = _mm512_loadu_si512(eight);
        for (int i = 0; i < 8; i++) {
            __m512d value = _mm512_i64gather_pd(_mm512_and_si512(leaf, _mm512_set1_epi64(255)), table, 8);
            _mm512_storeu_pd(sum + 64 * w + 8 * i, _mm512_add_pd(_mm512_loadu_pd(sum + 64 * w + 8 * i), value));
            leaf = _mm512_srli_epi64(leaf, 8);
        }
    }
}

static inline void add_values(const struct fastml_bit_tree *tree, const double *table, const uint64_t *vectors,
                              int n_words, double *sum)
{
    if (tree->n_planes <= 4)
        add_from_16(tree, table, vectors, n_words, sum);
    else if (tree->n_planes == 5)
        add_from_32(tree, table, vectors, n_words, sum);
    else
        add_from_256(tree, table, vectors, n_words, sum);
}
#else
static inline int sum_of_row(int row)
{
    return row;
}

static inline void add_values(const struct fastml_bit_tree *tree, const double *table, const uint64_t *vectors,
                              int n_words, double *sum)
{
    for (int w = 0; w < n_words; w++) {
        uint64_t eight[8];
        leaf_words(tree, vectors, w, eight);
        for (int i = 0; i < 8; i++)
            for (int j = 0; j < 8; j++)
                sum[64 * w + 8 * i + j] += table[eight[i] >> (8 * j) & 255];
    }
}
#endif

/* raw_inout[row] += leaf value, tree after tree: trees[0], trees[step], ... */
static void add_leaves(const struct fastml_bit_tree *trees, ptrdiff_t n_trees, ptrdiff_t step,
                       const struct fastml_select *program, const double *tables, uint64_t *vectors, int n_rows,
                       double *raw_inout)
{
    double sum[FASTML_BLOCK_ROWS] = {0};
    int n_words = (n_rows + 63) / 64;
    for (int i = 0; i < n_rows; i++)
        sum[sum_of_row(i)] = raw_inout[i];
    for (ptrdiff_t t = 0; t < n_trees; t += step) {
        const struct fastml_bit_tree *tree = trees + t;
        select_planes(program + tree->select_begin, tree->select_end - tree->select_begin, vectors);
        add_values(tree, tables + tree->table, vectors, n_words, sum);
    }
    for (int i = 0; i < n_rows; i++)
        raw_inout[i] = sum[sum_of_row(i)];
}
