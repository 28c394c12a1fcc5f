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

/* Where the distances of four rows to all centres lie: out[r * k + c]. */
static void lloyd_all_4(const struct fastml_bounds *b, ptrdiff_t row, struct lloyd_interval *out)
{
    const ptrdiff_t k = b->k;
    ptrdiff_t c, r;
#if defined(FASTML_AVX512)
    if (b->points->kind == FASTML_F32 && b->sq != NULL) {
        const ptrdiff_t d = b->points->d;
        const float *x = (const float *)b->points->x + row * d;
        const double share = ((double)d / 16 + 12) * 6.0e-8; /* of (|x| + |c|)^2 that roundings may take */
        double own[4], norm[4];
        for (r = 0; r < 4; r++) {
            own[r] = lloyd_sum_squares(x + r * d, d);
            norm[r] = sqrt(own[r]);
        }
        for (c = 0; c < k; c += FASTML_LLOYD_PANEL) {
            const float *at[FASTML_LLOYD_PANEL];
            float dot[4][FASTML_LLOYD_PANEL];
            ptrdiff_t p;
            for (p = 0; p < FASTML_LLOYD_PANEL; p++)
                at[p] = (const float *)b->fast + (c + p < k ? c + p : k - 1) * d;
            lloyd_tile_f32(x, at, d, dot);
            for (p = 0; p < FASTML_LLOYD_PANEL && c + p < k; p++)
                for (r = 0; r < 4; r++) {
                    const double sq = own[r] + b->sq[c + p] - 2.0 * (double)dot[r][p];
                    const double reach = norm[r] + b->norm[c + p], lost = share * reach * reach;
                    out[r * k + c + p].low = sqrt(sq > lost ? sq - lost : 0.0) * (1.0 - 1e-12) - b->off[c + p];
                    out[r * k + c + p].high = sqrt((sq > 0.0 ? sq : 0.0) + lost) * (1.0 + 1e-12) + b->off[c + p];
                }
        }
        return;
    }
#endif
    for (c = 0; c < k; c++) {
        double at[4];
        lloyd_distances_4(b, row, c, at);
        for (r = 0; r < 4; r++)
            out[r * k + c] = lloyd_between(b, c, at[r]);
    }
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

#define LLOYD_BASE 0.9   /* of a row's own distance: no lower bound below it is of use */
#define LLOYD_MARGIN 1.06 /* bounds that exceed the own distance by less are renewed too, now that the row is at hand */

/* Lower bounds of a row counted from another base, less `taken` quanta each; 0 stays none. */
static inline void lloyd_rebase(const struct fastml_bounds *b, ptrdiff_t row, double base, const uint8_t *taken)
{
    uint8_t *lower = b->lower + row * b->stride;
    const float to = (float)base;
    const double more = floor(((double)b->base[row] - (double)to) * b->per_quantum - 1e-6);
    const int shift = (int)(more < -255.0 ? -255.0 : more > 255.0 ? 255.0 : more);
    int g;
    b->base[row] = to;
    for (g = 0; g < b->stride; g++) {
        const int left = (int)lower[g] - (int)taken[g], now = left + shift;
        lower[g] = (uint8_t)(left <= 0 || now <= 0 ? 0 : now > 255 ? 255 : now);
    }
}

static const uint8_t lloyd_nothing[64] = {0};

struct lloyd_candidate {
    int32_t c;
    double low, high;
};

/* A row whose bounds do not decide: looks at the groups that may hold a nearer centre. Whether the row moved. `known`:
   where its distances to all centres lie, or NULL. */
static int lloyd_reassign(const struct fastml_bounds *b, ptrdiff_t row, const struct lloyd_interval *known,
                          struct lloyd_candidate *near, int64_t *sums)
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
        mine = known != NULL ? known[own] : lloyd_between(b, own, lloyd_distance(b, row, own));
        lloyd_store_upper(b, row, own, mine.high);
        if (mine.high < b->half_next[own])
            return 0;
        if (mine.high < b->base[row] || known != NULL)
            lloyd_rebase(b, row, LLOYD_BASE * mine.high, lloyd_nothing);
        open = known != NULL ? b->all_groups : lloyd_open_groups(b, row, LLOYD_MARGIN * mine.high);
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
            if (own >= 0 && known == NULL && b->half_between != NULL && b->half_between[own * k + c] > LLOYD_MARGIN * mine.high) {
                at.low = 2.0 * b->half_between[own * k + c] - mine.high;
                at.high = HUGE_VAL;
            } else {
                at = known != NULL ? known[c] : lloyd_between(b, c, lloyd_distance(b, row, c));
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

/* Rows whose bounds say nothing, four at a time. */
static ptrdiff_t lloyd_begin(const struct fastml_bounds *b, ptrdiff_t first, ptrdiff_t n, void *scratch, int64_t *sums)
{
    struct lloyd_candidate *near = (struct lloyd_candidate *)scratch;
    struct lloyd_interval *known = (struct lloyd_interval *)(near + b->k + 1);
    ptrdiff_t i = first, r, moved = 0;
    for (; i + 4 <= first + n; i += 4) {
        lloyd_all_4(b, i, known);
        for (r = 0; r < 4; r++)
            moved += lloyd_reassign(b, i + r, known + r * b->k, near, sums);
    }
    for (; i < first + n; i++)
        moved += lloyd_reassign(b, i, NULL, near, sums);
    return moved;
}

/* Rows first..first+n to their nearest centres; how many moved. `scratch` has FASTML_LLOYD_CANDIDATE bytes for each
   centre and one more. Either all of the rows have labels or none. */
static ptrdiff_t assign_bounded(const struct fastml_bounds *b, ptrdiff_t first, ptrdiff_t n, void *scratch,
                                int64_t *sums)
{
    const ptrdiff_t bytes = b->points->d * (b->points->kind == FASTML_F32 ? 4 : b->points->kind == FASTML_F64 ? 8 : 1);
    const int single = b->n_groups == b->k;
    ptrdiff_t undecided[LLOYD_BOUNDS_STRIP], n_undecided, from, i, at, moved = 0;
    if (n > 0 && (b->afresh || b->label[first] < 0))
        return lloyd_begin(b, first, n, scratch, sums);
    for (from = first; from < first + n; from += LLOYD_BOUNDS_STRIP) {
        n_undecided = 0;
        for (i = from; i < from + LLOYD_BOUNDS_STRIP && i < first + n; i++) {
            const int32_t own = b->label[i];
            const double upper = (double)b->upper[i] + b->drift[own];
            uint64_t open;
            if (upper < b->half_next[own])
                continue;
            open = lloyd_open_groups(b, i, upper);
            if (single)
                open &= ~((uint64_t)1 << b->group_of[own]);
            if (open)
                undecided[n_undecided++] = i;
        }
        for (i = 0; i < n_undecided; i++) {
            if (i + 2 < n_undecided) {
                const char *ahead = (const char *)b->points->x + undecided[i + 2] * bytes;
                for (at = 0; at < bytes && at < 4096; at += 64)
                    LLOYD_PREFETCH(ahead + at);
            }
            moved += lloyd_reassign(b, undecided[i], NULL, (struct lloyd_candidate *)scratch, sums);
        }
    }
    return moved;
}

/* Bounds as they are now, so that drifts can begin again at 0, from a base near the upper bound. */
static void settle_bounds(const struct fastml_bounds *b, ptrdiff_t first, ptrdiff_t n)
{
    ptrdiff_t i;
    for (i = first; i < first + n; i++) {
        const double v = (double)b->upper[i] + b->drift[b->label[i]];
        b->upper[i] = (float)(v + fabs(v) * 1.2e-7);
        lloyd_rebase(b, i, LLOYD_BASE * v, b->drift_units);
    }
}
