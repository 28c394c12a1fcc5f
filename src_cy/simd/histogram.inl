/* Histograms of packed gradients, and the partition of rows by a split.

   A gradient is one 64-bit word, g * 2^32 + h with h >= 0: one add updates both sums, and integer
   sums are exact in any order. A histogram has FASTML_CELLS words a column: cell 0 for missing, then
   one a bin; 264 and not 256, so that the same bin of neighbouring columns falls into other sets of
   the cache (256 * 8 bytes apart they would evict each other).

   In large data a gradient is a word of 32 bits in the last bytes of its row's codes ("narrow"), g * 2^16 + h: rows
   of a small node lie far apart, and each costs the lines of memory that it is spread over. 800,000 rows, 5 bundles,
   every sixteenth row: 8 ns a row instead of 18.

   Limit: one load, add and store a value, at best one store a cycle. */
#include <string.h>

#if defined(FASTML_AVX512)
#include <immintrin.h>
#endif

enum { MAX_TILE = 16, PREFETCH_AHEAD = 32, FAR_AHEAD = 64 };

/* The packed gradient of row r: packed[r], or what stands in the row, which is 32 bits, at narrow + r * row_bytes. */
ALWAYS_INLINE int64_t gradient_of(const int64_t *packed, const uint8_t *narrow, ptrdiff_t row_bytes, ptrdiff_t r)
{
    int32_t word;
    if (narrow == NULL)
        return packed[r];
    memcpy(&word, narrow + r * row_bytes, 4);
    return (int64_t)(word >> 16) * ((int64_t)1 << 32) + (word & 0xffff);
}

/* One tile of k columns (k, bundled and whether narrow is NULL are constants after inlining) for rows[0..n), or for
   first + [0..n). Columns: a byte each, whose cells begin at j * FASTML_CELLS. Bundles: 16 bits each, the cell itself. */
ALWAYS_INLINE void count_tile(int k, int bundled, int ahead, const uint8_t *codes, ptrdiff_t row_bytes,
                              const int32_t *rows, ptrdiff_t first, ptrdiff_t n, const int64_t *packed,
                              const uint8_t *narrow, int64_t *hist)
{
    for (ptrdiff_t i = 0; i < n; i++) {
        ptrdiff_t r = rows != NULL ? rows[i] : first + i;
        if (ahead && rows != NULL) {
            ptrdiff_t next = rows[i + PREFETCH_AHEAD < n ? i + PREFETCH_AHEAD : n - 1];
            PREFETCH(codes + next * row_bytes);
            if (narrow == NULL)
                PREFETCH(packed + next);
            else
                PREFETCH(narrow + next * row_bytes);
        } else if (ahead) { /* rows in order: the processor does not look beyond a page by itself */
            PREFETCH(codes + (r + FAR_AHEAD) * row_bytes);
        }
        const uint8_t *row = codes + r * row_bytes;
        int64_t p = gradient_of(packed, narrow, row_bytes, r);
        for (int j = 0; j < k; j++)
            hist[bundled ? (ptrdiff_t)((const uint16_t *)row)[j] : j * FASTML_CELLS + row[j]] += p;
    }
}

#define TILE_CASE(K)                                                                                     \
    case K:                                                                                              \
        if (rows == NULL)                                                                                \
            count_tile(K, bundled, 1, codes, row_bytes, NULL, first, n, packed, narrow, hist);           \
        else if (ahead)                                                                                  \
            count_tile(K, bundled, 1, codes, row_bytes, rows, 0, n, packed, narrow, hist);               \
        else                                                                                             \
            count_tile(K, bundled, 0, codes, row_bytes, rows, 0, n, packed, narrow, hist);               \
        break;

ALWAYS_INLINE void one_tile(int k, int bundled, int ahead, const uint8_t *codes, ptrdiff_t row_bytes,
                            const int32_t *rows, ptrdiff_t first, ptrdiff_t n, const int64_t *packed,
                            const uint8_t *narrow, int64_t *hist)
{
    switch (k) {
        TILE_CASE(1) TILE_CASE(2) TILE_CASE(3) TILE_CASE(4) TILE_CASE(5) TILE_CASE(6)
        TILE_CASE(7) TILE_CASE(8) TILE_CASE(9) TILE_CASE(10) TILE_CASE(11) TILE_CASE(12)
        TILE_CASE(13) TILE_CASE(14) TILE_CASE(15) TILE_CASE(16)
    }
}

/* Wide data go in blocks of rows by tiles of columns, so that a tile's cells and the block's codes stay in
   the first-level cache. */
ALWAYS_INLINE void count_in_tiles(int n_columns, int bundled, const uint8_t *codes, ptrdiff_t row_bytes,
                                  const int32_t *rows, ptrdiff_t first, ptrdiff_t n, const int64_t *packed,
                                  const uint8_t *narrow, int64_t *hist)
{
    int n_tiles = (n_columns + MAX_TILE - 1) / MAX_TILE;
    int width = n_tiles > 0 ? (n_columns + n_tiles - 1) / n_tiles : 0;
    ptrdiff_t block = n_tiles == 1 ? n : n_columns <= 64 ? 512 : 2048;
    for (ptrdiff_t start = 0; start < n; start += block) {
        ptrdiff_t size = n - start < block ? n - start : block;
        for (int column = 0; column < n_columns; column += width) {
            int k = n_columns - column < width ? n_columns - column : width;
            one_tile(k, bundled, n_columns > 64 || column == 0, codes + (bundled ? 2 : 1) * column, row_bytes,
                     rows != NULL ? rows + start : NULL, first + start, size, packed, narrow,
                     hist + (bundled ? 0 : (ptrdiff_t)column * FASTML_CELLS));
        }
    }
}

/* hist (n_columns, FASTML_CELLS) += the gradient of each row at its codes. Rows are rows[0..n), or first + [0..n)
   where rows is NULL; gradients as gradient_of has them. */
static void histogram(const uint8_t *codes, ptrdiff_t row_stride, int n_columns, const int32_t *rows,
                      ptrdiff_t first, ptrdiff_t n, const int64_t *packed, const uint8_t *narrow, int64_t *hist)
{
    if (narrow == NULL)
        count_in_tiles(n_columns, 0, codes, row_stride, rows, first, n, packed, NULL, hist);
    else
        count_in_tiles(n_columns, 0, codes, row_stride, rows, first, n, NULL, narrow, hist);
}

/* hist[cells[r, b]] += the gradient of each row r, for each bundle b of columns. */
static void histogram_of_bundles(const uint16_t *cells, ptrdiff_t row_stride, int n_bundles,
                                 const int32_t *rows, ptrdiff_t first, ptrdiff_t n, const int64_t *packed,
                                 const uint8_t *narrow, int64_t *hist)
{
    const uint8_t *codes = (const uint8_t *)cells;
    if (narrow == NULL)
        count_in_tiles(n_bundles, 1, codes, 2 * row_stride, rows, first, n, packed, NULL, hist);
    else
        count_in_tiles(n_bundles, 1, codes, 2 * row_stride, rows, first, n, NULL, narrow, hist);
}

/* hist (n_columns, FASTML_CELLS) += gradients at the codes that bundles hold of each column: codes[j, cell]. For
   nodes too small to count by bundle. */
static void histogram_of_members(const uint16_t *cells, ptrdiff_t row_stride, const int32_t *bundle_of,
                                 const uint8_t *codes, ptrdiff_t codes_stride, int n_columns, const int32_t *rows,
                                 ptrdiff_t first, ptrdiff_t n, const int64_t *packed, const uint8_t *narrow,
                                 int64_t *hist)
{
    for (ptrdiff_t i = 0; i < n; i++) {
        ptrdiff_t r = rows != NULL ? rows[i] : first + i;
        if (rows != NULL) {
            ptrdiff_t next = rows[i + PREFETCH_AHEAD < n ? i + PREFETCH_AHEAD : n - 1];
            PREFETCH(cells + next * row_stride);
            if (narrow == NULL)
                PREFETCH(packed + next);
        }
        const uint16_t *row = cells + r * row_stride;
        int64_t p = gradient_of(packed, narrow, 2 * row_stride, r);
        for (int j = 0; j < n_columns; j++)
            hist[j * FASTML_CELLS + codes[j * codes_stride + row[bundle_of[j]]]] += p;
    }
}

/* v times scale as an integer, plus MAGIC_BITS: adding 1.5 * 2^52 rounds to nearest even and leaves the
   integer in the low bits. */
#define MAGIC 6755399441055744.0
#define MAGIC_BITS 0x4338000000000000u

ALWAYS_INLINE uint64_t rounded_bits(double v, double scale)
{
    double x = v * scale + MAGIC;
    uint64_t bits;
    memcpy(&bits, &x, 8);
    return bits;
}

/* packed_out[i] = round(g * w * g_scale) * 2^32 + round(h * w * h_scale); hess NULL: h = 1; weight NULL: w = 1. */
static void pack_gradients(const float *restrict grad, const float *restrict hess,
                           const double *restrict weight, double g_scale, double h_scale, ptrdiff_t n,
                           int64_t *restrict packed_out)
{
    for (ptrdiff_t i = 0; i < n; i++) {
        double w = weight != NULL ? weight[i] : 1.0;
        double h = hess != NULL ? (double)hess[i] : 1.0;
        uint64_t g_bits = rounded_bits(w * (double)grad[i], g_scale), h_bits = rounded_bits(w * h, h_scale);
        packed_out[i] = (int64_t)((g_bits << 32) + (h_bits & 0xffffffffu));
    }
}

/* The same where g and h fit 16 bits each: round(...) * 2^16 + round(...), 32 bits at narrow_out + i * row_bytes. */
static void pack_narrow(const float *restrict grad, const float *restrict hess, const double *restrict weight,
                        double g_scale, double h_scale, ptrdiff_t n, uint8_t *restrict narrow_out, ptrdiff_t row_bytes)
{
    uint32_t word[FASTML_BLOCK];
    for (ptrdiff_t start = 0; start < n; start += FASTML_BLOCK) {
        ptrdiff_t size = n - start < FASTML_BLOCK ? n - start : FASTML_BLOCK;
        for (ptrdiff_t i = 0; i < size; i++) {
            double w = weight != NULL ? weight[start + i] : 1.0;
            double h = hess != NULL ? (double)hess[start + i] : 1.0;
            uint64_t g_bits = rounded_bits(w * (double)grad[start + i], g_scale), h_bits = rounded_bits(w * h, h_scale);
            word[i] = (uint32_t)((g_bits << 16) + (h_bits & 0xffffu));
        }
        for (ptrdiff_t i = 0; i < size; i++)
            memcpy(narrow_out + (start + i) * row_bytes, word + i, 4);
    }
}

/* Moves the rows whose code goes left to the front of rows, in order, and the others to right_out
   (room for n), in order; returns how many went left. A code goes left if
   (uint8)(code - subtract) <= threshold: with subtract 1 a missing value (code 0) wraps to 255. */
static ptrdiff_t partition_rows(const uint8_t *column, int subtract, int threshold, int32_t *rows,
                                int32_t *right_out, ptrdiff_t n)
{
    ptrdiff_t left = 0, right = 0, i = 0;
#if defined(FASTML_AVX512)
    const __m512i bias = _mm512_set1_epi32(subtract), limit = _mm512_set1_epi32(threshold);
    const __m512i byte = _mm512_set1_epi32(0xff);
    for (; i + 16 <= n; i += 16) {
        /* A full store stays within the 16 rows just read, as left <= i and right <= i. The gather reads 3
           bytes past a code: columns are padded. */
        __m512i r = _mm512_loadu_si512(rows + i);
        __m512i code = _mm512_i32gather_epi32(r, column, 1);
        code = _mm512_and_si512(_mm512_sub_epi32(code, bias), byte);
        __mmask16 goes_left = _mm512_cmple_epu32_mask(code, limit);
        int n_left = __builtin_popcount(goes_left);
        _mm512_storeu_si512(rows + left, _mm512_maskz_compress_epi32(goes_left, r));
        _mm512_storeu_si512(right_out + right, _mm512_maskz_compress_epi32((__mmask16)~goes_left, r));
        left += n_left;
        right += 16 - n_left;
    }
#endif
    for (; i < n; i++) {
        int32_t r = rows[i];
        int goes_left = (uint8_t)(column[r] - subtract) <= threshold;
        rows[left] = r;
        right_out[right] = r;
        left += goes_left;
        right += !goes_left;
    }
    return left;
}

/* The same for a table of 256 directions by code, as categories need it. */
static ptrdiff_t partition_rows_by_table(const uint8_t *column, const uint8_t *table, int32_t *rows,
                                         int32_t *right_out, ptrdiff_t n)
{
    ptrdiff_t left = 0, right = 0;
    for (ptrdiff_t i = 0; i < n; i++) {
        int32_t r = rows[i];
        int goes_left = table[column[r]];
        rows[left] = r;
        right_out[right] = r;
        left += goes_left;
        right += !goes_left;
    }
    return left;
}

/* Best place to cut one number column of a node; see kernels/split.pxd for the formula.

   after bin k the left side has the sums GL, HL of `start` (the missing cell, or 0) and bins[0..k]. With
   d = GL - w HL and w = G / (H + lambda), twice the gain is
       (d - w lambda)^2 / (HL + lambda) + d^2 / (HR + lambda) - w^2 lambda,
   which does not subtract large numbers as GL^2/HL + GR^2/HR - G^2/H does: d is in float64, what
   follows in float32. All in units of the packed sums. Gains are non-negative, so their bits as
   int32 are in order. bins[n..256) must be readable and 0. Returns the first best k and the left side's sums, or -1
   if no cut leaves h_min on both sides. */
static int scan_bins(const int64_t *bins, int n, int64_t start, int64_t total, double w, double lambda,
                     int32_t h_min, int64_t *left_out)
{
    int64_t prefix[256];
    int32_t gain_bits[256];
    const int32_t h_total = (int32_t)(uint32_t)total;
    const float lambda_f = (float)lambda, w_lambda = (float)(w * lambda);
    const int padded = (n + 15) & ~15, part = padded / 4;
    int32_t best = -1, first = INT32_MAX;

    /* Four running sums side by side: one alone waits for itself at every step. */
    const int64_t *restrict b0 = bins, *restrict b1 = bins + part, *restrict b2 = b1 + part, *restrict b3 = b2 + part;
    int64_t *restrict p0 = prefix, *restrict p1 = prefix + part, *restrict p2 = p1 + part, *restrict p3 = p2 + part;
    int64_t s0 = start, s1 = 0, s2 = 0, s3 = 0;
    for (ptrdiff_t k = 0; k < part; k++) {
        p0[k] = s0 += b0[k];
        p1[k] = s1 += b1[k];
        p2[k] = s2 += b2[k];
        p3[k] = s3 += b3[k];
    }
    s1 += s0;
    s2 += s1;
    for (ptrdiff_t k = 0; k < part; k++) {
        p1[k] += s0;
        p2[k] += s1;
        p3[k] += s2;
    }
    for (int k = 0; k < padded; k++) {
        int32_t gl = (int32_t)(prefix[k] >> 32), hl = (int32_t)prefix[k];
        int32_t hr = h_total - hl;
        float d = (float)((double)gl - w * (double)hl);
        float e = d - w_lambda;
        float a = (float)hl + lambda_f, b = (float)hr + lambda_f;
        float gain = (e * e * b + d * d * a) / (a * b);
        int32_t bits;
        memcpy(&bits, &gain, 4);
        bits = (hl >= h_min) & (hr >= h_min) & (k < n) ? bits : -1;
        gain_bits[k] = bits;
        best = bits > best ? bits : best;
    }
    for (int k = 0; k < padded; k++) {
        int32_t place = (k | -(int32_t)(gain_bits[k] != best)) & INT32_MAX; /* INT32_MAX unless best */
        first = place < first ? place : first;
    }
    if (best < 0)
        return -1;
    *left_out = prefix[first];
    return first;
}
