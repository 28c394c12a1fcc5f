/* Density clustering of points in blocks of a tree of boxes; see density.h.

   A row is held against a block's box first, then against its 64 points in float32, whose rounding is covered by the
   margin between `sure` and `never`; only what falls between is decided by the rows themselves, in float64. So what the
   filter computes need not be the same on each machine: the answers are.
   Limit: 2 operations a coordinate and 16 points, less where a few coordinates tell that all 64 are too far away. */

static int rows_within(const struct fastml_blocks *g, int64_t a, int64_t b)
{
    const ptrdiff_t d = g->n_features;
    double total = 0.0;
    if (g->metric.kind == FASTML_COSINE) {
        if (a == b)
            return 0.0 <= g->limit;
        for (ptrdiff_t c = 0; c < d; c++)
            total += g->rows64[a * d + c] * g->rows64[b * d + c];
        return 1.0 - total <= g->limit;
    }
    if (g->rows64 != NULL)
        return fastml_reduced(&g->metric, g->rows64 + a * d, g->rows64 + b * d, d) <= g->limit;
    for (ptrdiff_t c = 0; c < d; c++)
        total = fastml_add_term(&g->metric, total, (double)g->rows32[a * d + c] - (double)g->rows32[b * d + c], c);
    return total <= g->limit;
}

/* How far a box is from a row, or from another box, whose two sides a row is. */
static inline float box_distance(const struct fastml_blocks *g, const float *low, const float *high, int64_t node)
{
    const float *box_low = g->boxes + node * 2 * g->box_stride, *box_high = box_low + g->box_stride;
#if defined(FASTML_AVX512)
    __m512 sum = _mm512_setzero_ps();
    for (int j = 0; j < g->box_stride; j += FASTML_BOX_PAD) {
        const __m512 below = _mm512_sub_ps(_mm512_loadu_ps(box_low + j), _mm512_loadu_ps(high + j));
        const __m512 above = _mm512_sub_ps(_mm512_loadu_ps(low + j), _mm512_loadu_ps(box_high + j));
        const __m512 gap = _mm512_max_ps(_mm512_max_ps(below, above), _mm512_setzero_ps());
        sum = g->norm == FASTML_EUCLIDEAN   ? _mm512_fmadd_ps(gap, gap, sum)
              : g->norm == FASTML_MANHATTAN ? _mm512_add_ps(sum, gap)
                                            : _mm512_max_ps(sum, gap);
    }
    return g->norm == FASTML_CHEBYSHEV ? _mm512_reduce_max_ps(sum) : _mm512_reduce_add_ps(sum);
#else
    float lanes[FASTML_BOX_PAD] = {0.0f};
    for (int j = 0; j < g->box_stride; j += FASTML_BOX_PAD)
        for (int k = 0; k < FASTML_BOX_PAD; k++) {
            float gap = box_low[j + k] - high[j + k], above = low[j + k] - box_high[j + k];
            gap = gap > above ? gap : above;
            gap = gap > 0.0f ? gap : 0.0f;
            if (g->norm == FASTML_EUCLIDEAN)
                lanes[k] += gap * gap;
            else if (g->norm == FASTML_MANHATTAN)
                lanes[k] += gap;
            else
                lanes[k] = gap > lanes[k] ? gap : lanes[k];
        }
    for (int half = FASTML_BOX_PAD / 2; half > 0; half /= 2)
        for (int k = 0; k < half; k++)
            lanes[k] = g->norm != FASTML_CHEBYSHEV ? lanes[k] + lanes[k + half]
                                                   : (lanes[k] > lanes[k + half] ? lanes[k] : lanes[k + half]);
    return lanes[0];
#endif
}

static inline int64_t points_of(const struct fastml_blocks *g, int64_t block)
{
    const int64_t left = g->n - block * FASTML_POINTS;
    return left < FASTML_POINTS ? left : FASTML_POINTS;
}

static inline uint64_t all_points(const struct fastml_blocks *g, int64_t block)
{
    const int64_t m = points_of(g, block);
    return m == FASTML_POINTS ? ~(uint64_t)0 : ((uint64_t)1 << m) - 1;
}

static inline int lowest_bit(uint64_t mask)
{
#if defined(__GNUC__)
    return __builtin_ctzll(mask);
#else
    int k = 0;
    while (!(mask >> k & 1))
        k++;
    return k;
#endif
}

static inline int count_bits(uint64_t mask)
{
    return near_ones((unsigned)(mask & 0xFFFFFFFFu)) + near_ones((unsigned)(mask >> 32));
}

/* Filter coordinates of a block's point, as a row. */
static inline void read_row(const struct fastml_blocks *g, int64_t block, int lane, float *row_out)
{
    const float *columns = g->columns + block * g->n_dims * FASTML_POINTS + lane;
    for (int j = 0; j < g->n_dims; j++)
        row_out[j] = columns[j * FASTML_POINTS];
}

/* Which of a block's points the filter lets through; those that need no look at the rows in sure_out. */
static inline uint64_t filter_points(const struct fastml_blocks *g, const float *row, int64_t block, uint64_t *sure_out)
{
    const float *column = g->columns + block * g->n_dims * FASTML_POINTS;
    uint64_t sure = 0, maybe = 0;
#if defined(FASTML_AVX512)
    const __m512 never = _mm512_set1_ps(g->never), known = _mm512_set1_ps(g->sure);
    __m512 s0 = _mm512_setzero_ps(), s1 = s0, s2 = s0, s3 = s0;
    for (int j = 0; j < g->n_dims;) {
        const int stop = j + 8 < g->n_dims ? j + 8 : g->n_dims;
        for (; j < stop; j++, column += FASTML_POINTS) {
            const __m512 z = _mm512_set1_ps(row[j]);
            const __m512 d0 = _mm512_sub_ps(_mm512_loadu_ps(column), z);
            const __m512 d1 = _mm512_sub_ps(_mm512_loadu_ps(column + 16), z);
            const __m512 d2 = _mm512_sub_ps(_mm512_loadu_ps(column + 32), z);
            const __m512 d3 = _mm512_sub_ps(_mm512_loadu_ps(column + 48), z);
            if (g->norm == FASTML_EUCLIDEAN) {
                s0 = _mm512_fmadd_ps(d0, d0, s0);
                s1 = _mm512_fmadd_ps(d1, d1, s1);
                s2 = _mm512_fmadd_ps(d2, d2, s2);
                s3 = _mm512_fmadd_ps(d3, d3, s3);
            } else if (g->norm == FASTML_MANHATTAN) {
                s0 = _mm512_add_ps(s0, _mm512_abs_ps(d0));
                s1 = _mm512_add_ps(s1, _mm512_abs_ps(d1));
                s2 = _mm512_add_ps(s2, _mm512_abs_ps(d2));
                s3 = _mm512_add_ps(s3, _mm512_abs_ps(d3));
            } else {
                s0 = _mm512_max_ps(s0, _mm512_abs_ps(d0));
                s1 = _mm512_max_ps(s1, _mm512_abs_ps(d1));
                s2 = _mm512_max_ps(s2, _mm512_abs_ps(d2));
                s3 = _mm512_max_ps(s3, _mm512_abs_ps(d3));
            }
        }
        if (j < g->n_dims) {
            const __m512 low = _mm512_min_ps(_mm512_min_ps(s0, s1), _mm512_min_ps(s2, s3));
            if (!_mm512_cmp_ps_mask(low, never, _CMP_LE_OQ)) {
                *sure_out = 0;
                return 0;
            }
        }
    }
#define MASKS(s, at)                                                       \
    maybe |= (uint64_t)_mm512_cmp_ps_mask(s, never, _CMP_LE_OQ) << at;     \
    sure |= (uint64_t)_mm512_cmp_ps_mask(s, known, _CMP_LE_OQ) << at
    MASKS(s0, 0);
    MASKS(s1, 16);
    MASKS(s2, 32);
    MASKS(s3, 48);
#undef MASKS
#else
    for (int first = 0; first < FASTML_POINTS; first += 16, column = g->columns + block * g->n_dims * FASTML_POINTS + first) {
        float sum[16] = {0.0f};
        for (int j = 0; j < g->n_dims;) {
            const int stop = j + 8 < g->n_dims ? j + 8 : g->n_dims;
            float low;
            if (g->norm == FASTML_EUCLIDEAN)
                for (; j < stop; j++, column += FASTML_POINTS)
                    for (int k = 0; k < 16; k++)
                        sum[k] += (column[k] - row[j]) * (column[k] - row[j]);
            else if (g->norm == FASTML_MANHATTAN)
                for (; j < stop; j++, column += FASTML_POINTS)
                    for (int k = 0; k < 16; k++)
                        sum[k] += fabsf(column[k] - row[j]);
            else
                for (; j < stop; j++, column += FASTML_POINTS)
                    for (int k = 0; k < 16; k++) {
                        const float difference = fabsf(column[k] - row[j]);
                        sum[k] = difference > sum[k] ? difference : sum[k];
                    }
            low = sum[0];
            for (int k = 1; k < 16; k++)
                low = sum[k] < low ? sum[k] : low;
            if (!(low <= g->never))
                break;
        }
        for (int k = 0; k < 16; k++) {
            maybe |= (uint64_t)(sum[k] <= g->never) << (first + k);
            sure |= (uint64_t)(sum[k] <= g->sure) << (first + k);
        }
    }
#endif
    *sure_out = sure;
    return maybe;
}

/* Blocks whose boxes come within eps of this one's, nearest first; how many. */
static int order_near(const void *a, const void *b)
{
    const struct fastml_near_block *x = a, *y = b;
    if (x->distance != y->distance)
        return x->distance < y->distance ? -1 : 1;
    return x->block < y->block ? -1 : x->block > y->block;
}

static int64_t find_near_blocks(const struct fastml_blocks *g, int64_t block, int64_t from, struct fastml_near_block *out)
{
    const float *low = g->boxes + (int64_t)g->node[block] * 2 * g->box_stride, *high = low + g->box_stride;
    int64_t node[80], first[80], size[80], n = 0;
    int depth = 1;
    node[0] = first[0] = 0;
    size[0] = g->n_blocks;
    while (depth) {
        const int64_t at = node[--depth], begin = first[depth], m = size[depth], left = (m + 1) / 2;
        float distance;
        if (begin + m <= from)
            continue;
        distance = box_distance(g, low, high, at);
        if (!(distance <= g->never))
            continue;
        if (m == 1) {
            out[n].distance = begin == block ? -1.0f : distance;
            out[n++].block = (int32_t)begin;
            continue;
        }
        node[depth] = at + 2 * left;
        first[depth] = begin + left;
        size[depth++] = m - left;
        node[depth] = at + 1;
        first[depth] = begin;
        size[depth++] = left;
    }
    qsort(out, (size_t)n, sizeof(*out), order_near);
    return n;
}
