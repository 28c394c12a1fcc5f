/* Columns from rows and rows from columns, for tiles of up to 16 columns of values of 1, 2, 4 or 8 bytes. */

#ifdef FASTML_SSE2
/* 16 lines of 16 bytes, in place. Interleaving line k with line k + 8 moves one bit of a line's number
   into the place within a line; four rounds exchange the two. */
static inline void transpose_16x16_bytes(__m128i a[16])
{
    __m128i b[16];
    int round, k;
    for (round = 0; round < 4; round++) {
        for (k = 0; k < 8; k++) {
            b[2 * k] = _mm_unpacklo_epi8(a[k], a[k + 8]);
            b[2 * k + 1] = _mm_unpackhi_epi8(a[k], a[k + 8]);
        }
        for (k = 0; k < 16; k++)
            a[k] = b[k];
    }
}

static inline void transpose_8x8_words(__m128i a[8])
{
    __m128i b[8];
    int round, k;
    for (round = 0; round < 3; round++) {
        for (k = 0; k < 4; k++) {
            b[2 * k] = _mm_unpacklo_epi16(a[k], a[k + 4]);
            b[2 * k + 1] = _mm_unpackhi_epi16(a[k], a[k + 4]);
        }
        for (k = 0; k < 8; k++)
            a[k] = b[k];
    }
}

static inline void transpose_4x4_longs(__m128i a[4])
{
    __m128i b0 = _mm_unpacklo_epi32(a[0], a[2]), b1 = _mm_unpackhi_epi32(a[0], a[2]);
    __m128i b2 = _mm_unpacklo_epi32(a[1], a[3]), b3 = _mm_unpackhi_epi32(a[1], a[3]);
    a[0] = _mm_unpacklo_epi32(b0, b2);
    a[1] = _mm_unpackhi_epi32(b0, b2);
    a[2] = _mm_unpacklo_epi32(b1, b3);
    a[3] = _mm_unpackhi_epi32(b1, b3);
}

static inline void transpose_2x2_quads(__m128i a[2])
{
    __m128i b = _mm_unpacklo_epi64(a[0], a[1]);
    a[1] = _mm_unpackhi_epi64(a[0], a[1]);
    a[0] = b;
}

/* Squares of W values of `size` bytes that fit in a register. */
#define SQUARES(W, size, transpose) \
    for (i = 0; i + W <= n_rows; i += W) \
        for (j = 0; j + W <= n_columns; j += W) { \
            __m128i a[W]; \
            int k; \
            for (k = 0; k < W; k++) \
                a[k] = _mm_loadu_si128((const __m128i *)(rows + (i + k) * row_stride + j * size)); \
            transpose(a); \
            for (k = 0; k < W; k++) \
                _mm_storeu_si128((__m128i *)(columns_out + (j + k) * column_stride + i * size), a[k]); \
        } \
    done_rows = n_rows - n_rows % W; \
    done_columns = n_columns - n_columns % W;
#endif

/* rows[i, j] -> columns_out[j, i]; both strides and `size` (1, 2, 4, 8) in bytes. */
static void columns_from_rows(
    const char *rows, ptrdiff_t row_stride, ptrdiff_t n_rows, ptrdiff_t n_columns, ptrdiff_t size,
    char *columns_out, ptrdiff_t column_stride)
{
    ptrdiff_t i, j, done_rows = 0, done_columns = 0;
#ifdef FASTML_SSE2
    switch (size) {
    case 1: SQUARES(16, 1, transpose_16x16_bytes) break;
    case 2: SQUARES(8, 2, transpose_8x8_words) break;
    case 4: SQUARES(4, 4, transpose_4x4_longs) break;
    default: SQUARES(2, 8, transpose_2x2_quads) break;
    }
#endif
#define REST(type) \
    for (i = 0; i < n_rows; i++) \
        for (j = i < done_rows ? done_columns : 0; j < n_columns; j++) \
            memcpy(columns_out + j * column_stride + i * sizeof(type), rows + i * row_stride + j * sizeof(type), \
                   sizeof(type));
    switch (size) {
    case 1: REST(uint8_t) break;
    case 2: REST(uint16_t) break;
    case 4: REST(uint32_t) break;
    default: REST(uint64_t) break;
    }
#undef REST
}

/* Codes: columns (n_columns <= 16, column_stride) -> rows (n_rows, row_stride). `width` bytes of each row are
   written (8, 12 and 16 by whole registers), zeros past the last column. */
static void rows_from_columns(
    const uint8_t *columns, ptrdiff_t column_stride, ptrdiff_t n_columns, ptrdiff_t n_rows,
    uint8_t *rows_out, ptrdiff_t row_stride, ptrdiff_t width)
{
    ptrdiff_t i, j, first = 0;
#ifdef FASTML_SSE2
    for (; first + 16 <= n_rows; first += 16) {
        __m128i a[16];
        int k;
        for (k = 0; k < 16; k++)
            a[k] = k < n_columns ? _mm_loadu_si128((const __m128i *)(columns + k * column_stride + first))
                                 : _mm_setzero_si128();
        transpose_16x16_bytes(a);
        for (k = 0; k < 16; k++) {
            uint8_t *row = rows_out + (first + k) * row_stride;
            if (width == 16) {
                _mm_storeu_si128((__m128i *)row, a[k]);
            } else if (width != 8 && width != 12) {
                uint8_t line[16];
                _mm_storeu_si128((__m128i *)line, a[k]);
                memcpy(row, line, (size_t)width);
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
