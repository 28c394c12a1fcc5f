/* Distances of rows to centres in many columns, as fast as may be; how far they may be off is known. */

static inline double lloyd_distance_f32(const float *x, const float *c, ptrdiff_t d)
{
    ptrdiff_t j = 0;
    float total = 0.0f;
#if defined(FASTML_AVX512)
    __m512 s0 = _mm512_setzero_ps(), s1 = s0, s2 = s0, s3 = s0;
    for (; j + 64 <= d; j += 64) {
        const __m512 v0 = _mm512_sub_ps(_mm512_loadu_ps(x + j), _mm512_loadu_ps(c + j));
        const __m512 v1 = _mm512_sub_ps(_mm512_loadu_ps(x + j + 16), _mm512_loadu_ps(c + j + 16));
        const __m512 v2 = _mm512_sub_ps(_mm512_loadu_ps(x + j + 32), _mm512_loadu_ps(c + j + 32));
        const __m512 v3 = _mm512_sub_ps(_mm512_loadu_ps(x + j + 48), _mm512_loadu_ps(c + j + 48));
        s0 = _mm512_fmadd_ps(v0, v0, s0);
        s1 = _mm512_fmadd_ps(v1, v1, s1);
        s2 = _mm512_fmadd_ps(v2, v2, s2);
        s3 = _mm512_fmadd_ps(v3, v3, s3);
    }
    for (; j + 16 <= d; j += 16) {
        const __m512 v = _mm512_sub_ps(_mm512_loadu_ps(x + j), _mm512_loadu_ps(c + j));
        s0 = _mm512_fmadd_ps(v, v, s0);
    }
    total = _mm512_reduce_add_ps(_mm512_add_ps(_mm512_add_ps(s0, s1), _mm512_add_ps(s2, s3)));
#else
    float sum[16] = {0};
    int l;
    for (; j + 16 <= d; j += 16)
        for (l = 0; l < 16; l++) {
            const float v = x[j + l] - c[j + l];
            sum[l] += v * v;
        }
    for (l = 0; l < 16; l++)
        total += sum[l];
#endif
    for (; j < d; j++)
        total += (x[j] - c[j]) * (x[j] - c[j]);
    return sqrt((double)total);
}

static inline double lloyd_distance_f64(const double *x, const double *c, ptrdiff_t d)
{
    double sum[16] = {0}, total = 0.0;
    ptrdiff_t j;
    int l;
    for (j = 0; j + 16 <= d; j += 16)
        for (l = 0; l < 16; l++) {
            const double v = x[j + l] - c[j + l];
            sum[l] += v * v;
        }
    for (; j < d; j++)
        total += (x[j] - c[j]) * (x[j] - c[j]);
    for (l = 0; l < 16; l++)
        total += sum[l];
    return sqrt(total);
}

static inline double lloyd_distance_u8(const uint8_t *x, const uint8_t *c, ptrdiff_t d)
{
    ptrdiff_t j = 0;
    int64_t total = 0;
#if defined(FASTML_AVX512)
    __m512i s0 = _mm512_setzero_si512(), s1 = s0;
    for (; j + 64 <= d; j += 64) {
        const __m512i a = _mm512_loadu_si512(x + j), b = _mm512_loadu_si512(c + j), zero = _mm512_setzero_si512();
        const __m512i v = _mm512_or_si512(_mm512_subs_epu8(a, b), _mm512_subs_epu8(b, a));
        const __m512i low = _mm512_unpacklo_epi8(v, zero), high = _mm512_unpackhi_epi8(v, zero);
        s0 = _mm512_add_epi32(s0, _mm512_madd_epi16(low, low));
        s1 = _mm512_add_epi32(s1, _mm512_madd_epi16(high, high));
    }
    total = _mm512_reduce_add_epi32(_mm512_add_epi32(s0, s1));
#else
    for (; j + 64 <= d; j += 64) {
        int32_t sum = 0;
        int l;
        for (l = 0; l < 64; l++) {
            const int32_t v = (int32_t)x[j + l] - (int32_t)c[j + l];
            sum += v * v;
        }
        total += sum;
    }
#endif
    for (; j < d; j++)
        total += ((int)x[j] - (int)c[j]) * ((int)x[j] - (int)c[j]);
    return sqrt((double)total);
}

static inline double lloyd_distance(const struct fastml_bounds *b, ptrdiff_t row, ptrdiff_t c)
{
    const ptrdiff_t d = b->points->d;
    if (b->points->kind == FASTML_F32)
        return lloyd_distance_f32((const float *)b->points->x + row * d, (const float *)b->fast + c * d, d);
    if (b->points->kind == FASTML_F64)
        return lloyd_distance_f64((const double *)b->points->x + row * d, (const double *)b->fast + c * d, d);
    return lloyd_distance_u8((const uint8_t *)b->points->x + row * d, (const uint8_t *)b->fast + c * d, d);
}

struct lloyd_interval {
    double low, high;
};

/* Where a distance lies for certain that was found to be `at`. */
static inline struct lloyd_interval lloyd_between(const struct fastml_bounds *b, ptrdiff_t c, double at)
{
    struct lloyd_interval found;
    found.low = at * (1.0 - b->relative) - b->off[c];
    found.high = at * (1.0 + b->relative) + b->off[c];
    return found;
}

/* Distances of four rows to a centre, which is then read once for all of them. */
static inline void lloyd_distances_4(const struct fastml_bounds *b, ptrdiff_t row, ptrdiff_t c, double *out)
{
    ptrdiff_t r;
#if defined(FASTML_AVX512)
    const ptrdiff_t d = b->points->d;
    ptrdiff_t j = 0;
    if (b->points->kind == FASTML_F32) {
        const float *x = (const float *)b->points->x + row * d, *own = (const float *)b->fast + c * d;
        __m512 s[8];
        for (r = 0; r < 8; r++)
            s[r] = _mm512_setzero_ps();
        for (; j + 32 <= d; j += 32) {
            const __m512 c0 = _mm512_loadu_ps(own + j), c1 = _mm512_loadu_ps(own + j + 16);
            for (r = 0; r < 4; r++) {
                const __m512 v0 = _mm512_sub_ps(_mm512_loadu_ps(x + r * d + j), c0);
                const __m512 v1 = _mm512_sub_ps(_mm512_loadu_ps(x + r * d + j + 16), c1);
                s[2 * r] = _mm512_fmadd_ps(v0, v0, s[2 * r]);
                s[2 * r + 1] = _mm512_fmadd_ps(v1, v1, s[2 * r + 1]);
            }
        }
        for (r = 0; r < 4; r++) {
            float total = _mm512_reduce_add_ps(_mm512_add_ps(s[2 * r], s[2 * r + 1]));
            ptrdiff_t i;
            for (i = j; i < d; i++)
                total += (x[r * d + i] - own[i]) * (x[r * d + i] - own[i]);
            out[r] = sqrt((double)total);
        }
        return;
    }
    if (b->points->kind == FASTML_U8) {
        const uint8_t *x = (const uint8_t *)b->points->x + row * d, *own = (const uint8_t *)b->fast + c * d;
        __m512i s[4];
        for (r = 0; r < 4; r++)
            s[r] = _mm512_setzero_si512();
        for (; j + 32 <= d; j += 32) {
            const __m512i c0 = _mm512_cvtepu8_epi16(_mm256_loadu_si256((const __m256i *)(own + j)));
            for (r = 0; r < 4; r++) {
                const __m512i v = _mm512_sub_epi16(
                    _mm512_cvtepu8_epi16(_mm256_loadu_si256((const __m256i *)(x + r * d + j))), c0);
                s[r] = _mm512_add_epi32(s[r], _mm512_madd_epi16(v, v));
            }
        }
        for (r = 0; r < 4; r++) {
            int64_t total = _mm512_reduce_add_epi32(s[r]);
            ptrdiff_t i;
            for (i = j; i < d; i++)
                total += ((int)x[r * d + i] - (int)own[i]) * ((int)x[r * d + i] - (int)own[i]);
            out[r] = sqrt((double)total);
        }
        return;
    }
#endif
    for (r = 0; r < 4; r++)
        out[r] = lloyd_distance(b, row + r, c);
}

#if defined(FASTML_AVX512)
/* Four rows against six centres by dot products; 24 accumulators, 10 loads for 24 multiplications. */
static void lloyd_tile_f32(const float *x, const float *const *c, ptrdiff_t d, float dot[4][FASTML_LLOYD_PANEL])
{
    __m512 s[4][FASTML_LLOYD_PANEL];
    ptrdiff_t j, r, p;
    for (r = 0; r < 4; r++)
        for (p = 0; p < FASTML_LLOYD_PANEL; p++)
            s[r][p] = _mm512_setzero_ps();
    for (j = 0; j + 16 <= d; j += 16) {
        const __m512 x0 = _mm512_loadu_ps(x + j), x1 = _mm512_loadu_ps(x + d + j);
        const __m512 x2 = _mm512_loadu_ps(x + 2 * d + j), x3 = _mm512_loadu_ps(x + 3 * d + j);
        for (p = 0; p < FASTML_LLOYD_PANEL; p++) {
            const __m512 own = _mm512_loadu_ps(c[p] + j);
            s[0][p] = _mm512_fmadd_ps(x0, own, s[0][p]);
            s[1][p] = _mm512_fmadd_ps(x1, own, s[1][p]);
            s[2][p] = _mm512_fmadd_ps(x2, own, s[2][p]);
            s[3][p] = _mm512_fmadd_ps(x3, own, s[3][p]);
        }
    }
    if (j < d) {
        const __mmask16 rest = (__mmask16)((1u << (d - j)) - 1);
        for (p = 0; p < FASTML_LLOYD_PANEL; p++)
            for (r = 0; r < 4; r++)
                s[r][p] = _mm512_fmadd_ps(_mm512_maskz_loadu_ps(rest, x + r * d + j),
                                          _mm512_maskz_loadu_ps(rest, c[p] + j), s[r][p]);
    }
    for (r = 0; r < 4; r++)
        for (p = 0; p < FASTML_LLOYD_PANEL; p++)
            dot[r][p] = _mm512_reduce_add_ps(s[r][p]);
}

static inline double lloyd_sum_squares(const float *x, ptrdiff_t d)
{
    double sum[8] = {0};
    ptrdiff_t j;
    int l;
    for (j = 0; j + 8 <= d; j += 8)
        for (l = 0; l < 8; l++)
            sum[l] += (double)x[j + l] * (double)x[j + l];
    for (; j < d; j++)
        sum[0] += (double)x[j] * (double)x[j];
    return ((sum[0] + sum[4]) + (sum[2] + sum[6])) + ((sum[1] + sum[5]) + (sum[3] + sum[7]));
}
#endif

/* Where the distances of four rows to all centres lie: those of row r from low_out[r * k] and high_out[r * k]. */
static void lloyd_all_4(const struct fastml_bounds *b, ptrdiff_t row, double *low_out, double *high_out)
{
    const ptrdiff_t k = b->k;
    ptrdiff_t c, r;
#if defined(FASTML_AVX512)
    if (b->points->kind == FASTML_F32 && b->sq != NULL) {
        const ptrdiff_t d = b->points->d;
        const float *x = (const float *)b->points->x + row * d;
        const double share = ((double)d / 16 + 12) * 6.0e-8; /* of (|x| + |c|)^2 that roundings may take */
        for (c = 0; c < k; c += FASTML_LLOYD_PANEL) {
            const float *at[FASTML_LLOYD_PANEL];
            float dot[4][FASTML_LLOYD_PANEL];
            ptrdiff_t p;
            for (p = 0; p < FASTML_LLOYD_PANEL; p++)
                at[p] = (const float *)b->fast + (c + p < k ? c + p : k - 1) * d;
            lloyd_tile_f32(x, at, d, dot);
            for (r = 0; r < 4; r++)
                for (p = 0; p < FASTML_LLOYD_PANEL && c + p < k; p++)
                    low_out[r * k + c + p] = (double)dot[r][p];
        }
        for (r = 0; r < 4; r++) {
            const double own = lloyd_sum_squares(x + r * d, d), norm = sqrt(own);
            double *low = low_out + r * k, *high = high_out + r * k;
            for (c = 0; c < k; c++) {
                const double sq = own + b->sq[c] - 2.0 * low[c], reach = norm + b->norm[c];
                const double lost = share * reach * reach;
                low[c] = sqrt(sq > lost ? sq - lost : 0.0) * (1.0 - 1e-12) - b->off[c];
                high[c] = sqrt((sq > 0.0 ? sq : 0.0) + lost) * (1.0 + 1e-12) + b->off[c];
            }
        }
        return;
    }
#endif
    for (c = 0; c < k; c++) {
        double at[4];
        lloyd_distances_4(b, row, c, at);
        for (r = 0; r < 4; r++) {
            low_out[r * k + c] = at[r];
        }
    }
    for (r = 0; r < 4; r++)
        for (c = 0; c < k; c++) {
            const struct lloyd_interval found = lloyd_between(b, c, low_out[r * k + c]);
            low_out[r * k + c] = found.low;
            high_out[r * k + c] = found.high;
        }
}
