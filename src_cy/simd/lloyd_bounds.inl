/* Bounds on distances in many columns: a row is read only where they do not decide (Elkan 2003; by groups of centres,
   Ding et al. 2015).

   Of each row: an upper bound on the distance to its own centre, and for each of up to 64 groups of centres a lower
   bound on the distance to all others of the group, one byte: base + quantum * byte; 0 is none. When centres move, bounds
   are not rewritten: what centres have drifted in all is added when bounds are stored and taken away when they are read.
   Limit: with bounds that decide, a load and a comparison a row; else memory, a row of X each. */

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
#define LLOYD_MARGIN 1.15 /* bounds that exceed the own distance by less are renewed too, now that the row is at hand */

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

/* The nearest of the candidates whose lowest distance is within the limit; exact where that leaves more than one. */
static struct lloyd_candidate lloyd_nearest_of(const struct fastml_bounds *b, ptrdiff_t row,
                                               const struct lloyd_candidate *near, ptrdiff_t n_near, double limit)
{
    const ptrdiff_t d = b->points->d;
    struct lloyd_candidate found = near[0];
    double best = -1.0; /* not known */
    ptrdiff_t i, n_left = 0;
    for (i = 0; i < n_near; i++)
        if (near[i].low <= limit && n_left++ == 0)
            found = near[i];
    for (i = 0; n_left > 1 && i < n_near; i++)
        if (near[i].low <= limit) {
            const int32_t c = near[i].c;
            const double sq = squared_distance(b->points->x, b->points->kind, row, d, b->centre + c * d);
            if (best < 0.0 || sq < best || (sq == best && c < found.c)) {
                best = sq;
                found = near[i];
            }
        }
    return found;
}

/* The row joins a cluster, and leaves that of `own` if there was one. */
static inline void lloyd_join(const struct fastml_bounds *b, ptrdiff_t row, int32_t own, int32_t winner, int64_t *sums)
{
    const ptrdiff_t width = b->points->d + 2;
    if (own >= 0)
        add_row(b->points, row, 0, -1, sums + own * width);
    add_row(b->points, row, 0, 1, sums + winner * width);
    b->label[row] = winner;
}

/* A row whose bounds do not decide: looks at the groups that may hold a nearer centre. Whether the row moved. */
static int lloyd_reassign(const struct fastml_bounds *b, ptrdiff_t row, struct lloyd_candidate *near, int64_t *sums)
{
    const ptrdiff_t k = b->k;
    const int32_t own = b->label[row];
    const int single = b->n_groups == k;
    struct lloyd_interval mine = {HUGE_VAL, HUGE_VAL};
    double least[64], next[64], limit, winner_high;
    int32_t least_at[64], winner;
    uint64_t open = b->all_groups, rest;
    struct lloyd_candidate found;
    ptrdiff_t n_near = 0, i;
    if (own >= 0) {
        mine = lloyd_between(b, own, lloyd_distance(b, row, own));
        lloyd_store_upper(b, row, own, mine.high);
        if (mine.high < b->half_next[own])
            return 0;
        if (mine.high < b->base[row])
            lloyd_rebase(b, row, LLOYD_BASE * mine.high, lloyd_nothing);
        open = lloyd_open_groups(b, row, LLOYD_MARGIN * mine.high);
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
            if (own >= 0 && b->half_between != NULL && b->half_between[own * k + c] > LLOYD_MARGIN * mine.high) {
                at.low = 2.0 * b->half_between[own * k + c] - mine.high;
                at.high = HUGE_VAL;
            } else {
                at = lloyd_between(b, c, lloyd_distance(b, row, c));
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
    found = lloyd_nearest_of(b, row, near, n_near, limit);
    winner = found.c;
    winner_high = found.high;
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
    }
    lloyd_join(b, row, own, winner, sums);
    return 1;
}

/* A row of which the distances to all centres are known, each centre a group: all bounds are new. */
static int lloyd_renew(const struct fastml_bounds *b, ptrdiff_t row, const double *low, const double *high,
                       struct lloyd_candidate *near, int64_t *sums)
{
    const ptrdiff_t k = b->k;
    const int32_t own = b->label[row];
    uint8_t *lower = b->lower + row * b->stride;
    struct lloyd_candidate found;
    double limit = HUGE_VAL, base;
    ptrdiff_t c, n_near = 0;
    for (c = 0; c < k; c++)
        limit = high[c] < limit ? high[c] : limit;
    for (c = 0; c < k; c++)
        if (low[c] <= limit) {
            near[n_near].c = (int32_t)c;
            near[n_near].low = low[c];
            near[n_near++].high = high[c];
        }
    found = lloyd_nearest_of(b, row, near, n_near, limit);
    b->base[row] = (float)((own < 0 ? 0.5 : LLOYD_BASE) * found.high);
    base = b->base[row];
    for (c = 0; c < k; c++) {
        double units = (low[c] + b->group_drift[c] - base) * b->per_quantum;
        units = units > 255.0 ? 255.0 : units > 0.0 ? units * (1.0 - 1e-9) : 0.0;
        lower[c] = (uint8_t)(int32_t)units;
    }
    lloyd_store_upper(b, row, found.c, found.high);
    if (found.c == own)
        return 0;
    lloyd_join(b, row, own, found.c, sums);
    return 1;
}

enum { LLOYD_BOUNDS_STRIP = 256 };

/* Rows whose bounds say nothing, four at a time. */
static ptrdiff_t lloyd_begin(const struct fastml_bounds *b, ptrdiff_t first, ptrdiff_t n, void *scratch, int64_t *sums)
{
    struct lloyd_candidate *near = (struct lloyd_candidate *)scratch;
    double *low = (double *)(near + b->k + 1), *high = low + 4 * b->k;
    ptrdiff_t i = first, r, moved = 0;
    for (; b->n_groups == b->k && i + 4 <= first + n; i += 4) {
        lloyd_all_4(b, i, low, high);
        for (r = 0; r < 4; r++)
            moved += lloyd_renew(b, i + r, low + r * b->k, high + r * b->k, near, sums);
    }
    for (; i < first + n; i++)
        moved += lloyd_reassign(b, i, near, sums);
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
            moved += lloyd_reassign(b, undecided[i], (struct lloyd_candidate *)scratch, sums);
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
