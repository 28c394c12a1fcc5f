/* Bounds on distances in many columns: a row is read only where they do not decide (Elkan 2003; by groups of centres,
   Ding et al. 2015).

   Of each row: an upper bound on the distance to its own centre, and for each of up to 64 groups of centres a lower
   bound on the distance to all others of the group, one byte: base + quantum * byte; 0 is none. When centres move, bounds
   are not rewritten: what centres have drifted in all is added when bounds are stored and taken away when they are read.
   Limit: with bounds that decide, a load and a comparison a row; else memory, a row of X each. */

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

struct lloyd_interval {
    double low, high;
};

/* Where the distance of a row to centre c lies for certain. */
static inline struct lloyd_interval lloyd_between(const struct fastml_bounds *b, ptrdiff_t row, ptrdiff_t c)
{
    const ptrdiff_t d = b->points->d;
    struct lloyd_interval found;
    double at;
    if (b->points->kind == FASTML_F32)
        at = lloyd_distance_f32((const float *)b->points->x + row * d, (const float *)b->fast + c * d, d);
    else if (b->points->kind == FASTML_F64)
        at = lloyd_distance_f64((const double *)b->points->x + row * d, (const double *)b->fast + c * d, d);
    else
        at = lloyd_distance_u8((const uint8_t *)b->points->x + row * d, (const uint8_t *)b->fast + c * d, d);
    found.low = at * (1.0 - b->relative) - b->off[c];
    found.high = at * (1.0 + b->relative) + b->off[c];
    return found;
}

/* Groups of which a centre may be as near to a row as `upper`, a bit each. */
static inline uint64_t lloyd_open_groups(const struct fastml_bounds *b, ptrdiff_t row, double upper)
{
    const uint8_t *lower = b->lower + row * b->stride;
    const double units = (upper - b->base[row]) * b->per_quantum;
    const int needed = units >= 255.0 ? 256 : units < 0.0 ? 1 : (int)units + 1; /* so that the bound is above `upper` */
    uint64_t open = 0;
    int g;
    if (needed > 255)
        return b->all_groups;
#if defined(FASTML_AVX512)
    if (b->stride == 64) {
        const __m512i left = _mm512_subs_epu8(_mm512_loadu_si512(lower), _mm512_loadu_si512(b->drift_units));
        return _mm512_cmplt_epu8_mask(left, _mm512_set1_epi8((char)needed)) & b->all_groups;
    }
#endif
    for (g = 0; g < b->n_groups; g++) {
        const int left = (int)lower[g] - (int)b->drift_units[g];
        open |= (uint64_t)(left < needed) << g;
    }
    return open;
}

static inline void lloyd_store_upper(const struct fastml_bounds *b, ptrdiff_t row, ptrdiff_t c, double upper)
{
    const double v = upper - b->drift[c];
    b->upper[row] = (float)(v + fabs(v) * 1.2e-7);
}

static inline void lloyd_store_lower(const struct fastml_bounds *b, ptrdiff_t row, int g, double lower)
{
    const double units = (lower + b->group_drift[g] - b->base[row]) * b->per_quantum;
    b->lower[row * b->stride + g] = (uint8_t)(units >= 255.0 ? 255.0 : units >= 0.0 ? units * (1.0 - 1e-9) : 0.0);
}

struct lloyd_candidate {
    int32_t c;
    double low, high;
};

/* A row whose bounds do not decide: looks at the groups that may hold a nearer centre. Whether the row moved. */
static int lloyd_reassign(const struct fastml_bounds *b, ptrdiff_t row, struct lloyd_candidate *near, int64_t *sums)
{
    const ptrdiff_t d = b->points->d, k = b->k, width = d + 2;
    const int32_t own = b->label[row];
    const int single = b->n_groups == k;
    struct lloyd_interval mine = {HUGE_VAL, HUGE_VAL};
    double least[64], next[64], limit, winner_high = HUGE_VAL;
    int32_t least_at[64], winner = own;
    uint64_t open = b->all_groups, rest;
    ptrdiff_t n_near = 0, i, n_left = 0;
    if (own >= 0) {
        mine = lloyd_between(b, row, own);
        lloyd_store_upper(b, row, own, mine.high);
        if (mine.high < b->half_next[own])
            return 0;
        open = lloyd_open_groups(b, row, mine.high);
        if (single)
            open &= ~((uint64_t)1 << b->group_of[own]);
        if (!open)
            return 0;
        near[n_near].c = own;
        near[n_near].low = mine.low;
        near[n_near++].high = mine.high;
    }
    limit = mine.high;
    for (rest = open; rest; rest &= rest - 1) {
        const int g = lloyd_lowest(rest);
        least[g] = next[g] = HUGE_VAL;
        least_at[g] = -1;
        for (i = b->group_start[g]; i < b->group_start[g + 1]; i++) {
            const int32_t c = b->member[i];
            struct lloyd_interval at;
            if (c == own)
                continue;
            if (own >= 0 && b->half_between != NULL && b->half_between[own * k + c] > mine.high) {
                at.low = 2.0 * b->half_between[own * k + c] - mine.high;
                at.high = HUGE_VAL;
            } else {
                at = lloyd_between(b, row, c);
                if (at.low <= limit) {
                    near[n_near].c = c;
                    near[n_near].low = at.low;
                    near[n_near++].high = at.high;
                    limit = at.high < limit ? at.high : limit;
                }
            }
            if (at.low < least[g]) {
                next[g] = least[g];
                least[g] = at.low;
                least_at[g] = c;
            } else if (at.low < next[g]) {
                next[g] = at.low;
            }
        }
    }
    for (i = 0; i < n_near; i++)
        if (near[i].low <= limit) {
            near[n_left++] = near[i];
            winner = near[i].c;
            winner_high = near[i].high;
        }
    if (n_left > 1) {
        double best = HUGE_VAL;
        for (i = 0; i < n_left; i++) {
            const int32_t c = near[i].c;
            const double sq = squared_distance(b->points->x, b->points->kind, row, d, b->centre + c * d);
            if (sq < best || (sq == best && c < winner)) {
                best = sq;
                winner = c;
                winner_high = near[i].high;
            }
        }
    }
    if (own < 0)
        b->base[row] = (float)(0.5 * winner_high);
    for (rest = open; rest; rest &= rest - 1) {
        const int g = lloyd_lowest(rest);
        lloyd_store_lower(b, row, g, least_at[g] == winner ? next[g] : least[g]);
    }
    if (winner == own)
        return 0;
    lloyd_store_upper(b, row, winner, winner_high);
    if (own >= 0) { /* now one of the others of its group */
        const int g = b->group_of[own];
        const int open_too = (int)(open >> g & 1);
        const uint8_t before = b->lower[row * b->stride + g];
        lloyd_store_lower(b, row, g, mine.low);
        if (!single || open_too)
            b->lower[row * b->stride + g] = before < b->lower[row * b->stride + g] ? before : b->lower[row * b->stride + g];
        add_row(b->points, row, 0, -1, sums + own * width);
    }
    add_row(b->points, row, 0, 1, sums + winner * width);
    b->label[row] = winner;
    return 1;
}

enum { LLOYD_BOUNDS_STRIP = 256 };

/* Rows first..first+n to their nearest centres; how many moved. `scratch` has room for k + 1 candidates. */
static ptrdiff_t assign_bounded(const struct fastml_bounds *b, ptrdiff_t first, ptrdiff_t n, void *scratch,
                                int64_t *sums)
{
    const ptrdiff_t bytes = b->points->d * (b->points->kind == FASTML_F32 ? 4 : b->points->kind == FASTML_F64 ? 8 : 1);
    const int single = b->n_groups == b->k;
    ptrdiff_t undecided[LLOYD_BOUNDS_STRIP], n_undecided, from, i, at, moved = 0;
    for (from = first; from < first + n; from += LLOYD_BOUNDS_STRIP) {
        n_undecided = 0;
        for (i = from; i < from + LLOYD_BOUNDS_STRIP && i < first + n; i++) {
            const int32_t own = b->label[i];
            if (own >= 0) {
                const double upper = (double)b->upper[i] + b->drift[own];
                uint64_t open;
                if (upper < b->half_next[own])
                    continue;
                open = lloyd_open_groups(b, i, upper);
                if (single)
                    open &= ~((uint64_t)1 << b->group_of[own]);
                if (!open)
                    continue;
            }
            undecided[n_undecided++] = i;
        }
        for (i = 0; i < n_undecided; i++) {
            if (i + 2 < n_undecided) {
                const char *ahead = (const char *)b->points->x + undecided[i + 2] * bytes;
                for (at = 0; at < bytes && at < 4096; at += 64)
                    LLOYD_PREFETCH(ahead + at);
            }
            moved += lloyd_reassign(b, undecided[i], (struct lloyd_candidate *)scratch, sums);
        }
    }
    return moved;
}

/* Bounds as they are now, so that drifts can begin again at 0. */
static void settle_bounds(const struct fastml_bounds *b, ptrdiff_t first, ptrdiff_t n)
{
    ptrdiff_t i;
    int g;
    for (i = first; i < first + n; i++) {
        uint8_t *lower = b->lower + i * b->stride;
        const double v = (double)b->upper[i] + b->drift[b->label[i]];
        b->upper[i] = (float)(v + fabs(v) * 1.2e-7);
        for (g = 0; g < b->n_groups; g++)
            lower[g] = lower[g] > b->drift_units[g] ? (uint8_t)(lower[g] - b->drift_units[g]) : 0;
    }
}
