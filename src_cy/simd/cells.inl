/* Density clustering on a grid of cells whose points are all within eps of each other; see density.h.

   Limit: a point is compared with those of 5 or 25 runs until min_samples are found; 8 comparisons take 8 operations, so
   what counts is moving the runs' ends, 10 or 50 comparisons of keys a cell, and the loads of coordinates. */

struct cell_runs { /* of cells around a cell: begin[r] <= cell < end[r] */
    int64_t begin[FASTML_CELL_ROWS], end[FASTML_CELL_ROWS];
};

static int64_t first_key_from(const int64_t *key, int64_t n, int64_t wanted)
{
    int64_t low = 0, high = n;
    while (low < high) {
        const int64_t middle = (low + high) >> 1;
        if (key[middle] < wanted)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void start_cell_runs(const struct fastml_cells *g, int64_t cell, struct cell_runs *runs)
{
    if (cell >= g->n_cells)
        return;
    for (int r = 0; r < g->n_rows; r++) {
        runs->begin[r] = first_key_from(g->key, g->n_cells, g->key[cell] + g->row[r] - FASTML_CELL_REACH);
        runs->end[r] = runs->begin[r];
    }
}

/* How many of the eight keys are below the limit. */
static inline int64_t keys_below(const int64_t *key, int64_t limit)
{
#if defined(FASTML_AVX512)
    return __builtin_popcount(_mm512_cmplt_epi64_mask(_mm512_loadu_si512(key), _mm512_set1_epi64(limit)));
#else
    int64_t n = 0;
    for (int k = 0; k < 8; k++)
        n += key[k] < limit;
    return n;
#endif
}

/* Moves a run from an earlier cell to this one; no branch hangs on where the keys lie. Behind the last key are eight that
   are larger than all. */
static inline void move_cell_run(const struct fastml_cells *g, int64_t cell, int r, struct cell_runs *runs)
{
    const int64_t low = g->key[cell] + g->row[r] - FASTML_CELL_REACH;
    int64_t i = runs->begin[r], below;
    do {
        below = keys_below(g->key + i, low);
        i += below;
    } while (below == 8);
    runs->begin[r] = i;
    runs->end[r] = i + keys_below(g->key + i, low + 2 * FASTML_CELL_REACH + 1);
}

struct cell_place {
    double x[FASTML_CELL_DIMS];
    int64_t row;
};

static inline struct cell_place cell_place_of(const double *const *x, const uint32_t *row, int n_dims, int64_t i)
{
    struct cell_place at;
    for (int j = 0; j < n_dims; j++)
        at.x[j] = x[j][i];
    at.row = row != NULL ? row[i] : 0;
    return at;
}

/* Bit k: point i + k, one of n that are left, is within eps of the place. */
static inline unsigned near_eight(const struct fastml_cells *g, const double *const *x, const uint32_t *row,
                                  int n_dims, const struct cell_place *at, int64_t i, int64_t n)
{
    unsigned sure, maybe, mask = n >= 8 ? 255u : (1u << n) - 1u;
#if defined(FASTML_AVX512)
    __m512d sum = _mm512_sub_pd(_mm512_loadu_pd(x[0] + i), _mm512_set1_pd(at->x[0]));
    sum = _mm512_mul_pd(sum, sum);
    for (int j = 1; j < n_dims; j++) {
        const __m512d difference = _mm512_sub_pd(_mm512_loadu_pd(x[j] + i), _mm512_set1_pd(at->x[j]));
        sum = _mm512_add_pd(sum, _mm512_mul_pd(difference, difference));
    }
    sure = _mm512_cmp_pd_mask(sum, _mm512_set1_pd(g->sure_sq), _CMP_LE_OQ) & mask;
    if (row == NULL)
        return sure;
    maybe = _mm512_cmp_pd_mask(sum, _mm512_set1_pd(g->never_sq), _CMP_LE_OQ) & mask & ~sure;
#else
    double sum[8];
    for (int k = 0; k < 8; k++)
        sum[k] = (x[0][i + k] - at->x[0]) * (x[0][i + k] - at->x[0]);
    for (int j = 1; j < n_dims; j++)
        for (int k = 0; k < 8; k++)
            sum[k] += (x[j][i + k] - at->x[j]) * (x[j][i + k] - at->x[j]);
    sure = maybe = 0;
    for (int k = 0; k < 8; k++)
        sure |= (unsigned)(sum[k] <= g->sure_sq) << k;
    sure &= mask;
    if (row == NULL)
        return sure;
    for (int k = 0; k < 8; k++)
        maybe |= (unsigned)(sum[k] <= g->never_sq) << k;
    maybe &= mask & ~sure;
#endif
    for (int k = 0; maybe >> k; k++)
        if (maybe >> k & 1u &&
            fastml_haversine_reduced(g->angles + 2 * at->row, g->angles + 2 * (int64_t)row[i + k]) <= g->angle_limit)
            sure |= 1u << k;
    return sure;
}

static inline int near_ones(unsigned mask)
{
#if defined(__GNUC__)
    return __builtin_popcount(mask);
#else
    int n = 0;
    for (; mask; mask &= mask - 1)
        n++;
    return n;
#endif
}

/* How many of the points first <= i < last are near, as soon as it is known that they are `enough`. */
static inline int64_t count_near(const struct fastml_cells *g, int n_dims, const struct cell_place *at, int64_t first,
                                 int64_t last, int64_t enough)
{
    int64_t found = 0;
    for (int64_t i = first; i < last && found < enough; i += 8)
        found += near_ones(near_eight(g, g->x, g->row_of, n_dims, at, i, last - i));
    return found;
}

/* Adds the weights of near points to a sum that carries its rounding errors along (Neumaier 1974), so that their order
   does not matter. */
static void weigh_near(const struct fastml_cells *g, int n_dims, const struct cell_place *at, int64_t first, int64_t last,
                       double *sum_inout, double *lost_inout)
{
    double sum = *sum_inout, lost = *lost_inout;
    for (int64_t i = first; i < last; i += 8) {
        const unsigned near = near_eight(g, g->x, g->row_of, n_dims, at, i, last - i);
        for (int k = 0; near >> k; k++)
            if (near >> k & 1u) {
                const double w = g->weight[i + k], total = sum + w;
                lost += fabs(sum) >= fabs(w) ? (sum - total) + w : (w - total) + sum;
                sum = total;
            }
    }
    *sum_inout = sum;
    *lost_inout = lost;
}

/* Counts what is near in the rows begin <= r < end of the cell's neighbourhood for the points that lack some. */
static inline int count_rows(const struct fastml_cells *g, int n_dims, const struct cell_runs *runs, int begin, int end,
                             int64_t first, int64_t last, int64_t enough, int64_t *found_inout)
{
    int all = 1;
    for (int64_t i = first; i < last; i++) {
        const struct cell_place at = cell_place_of(g->x, g->row_of, n_dims, i);
        int64_t found = found_inout[i - first];
        for (int r = begin; r < end && found < enough; r++)
            found += count_near(g, n_dims, &at, g->start[runs->begin[r]], g->start[runs->end[r]], enough - found);
        found_inout[i - first] = found;
        all &= found >= enough;
    }
    return all;
}

/* Moves some rows; how many points they hold. */
static inline int64_t move_rows(const struct fastml_cells *g, int64_t cell, int begin, int end, struct cell_runs *runs)
{
    int64_t n = 0;
    for (int r = begin; r < end; r++) {
        move_cell_run(g, cell, r, runs);
        n += g->start[runs->end[r]] - g->start[runs->begin[r]];
    }
    return n;
}

/* Each point is 1. The nearest rows mostly hold enough, and the others then stay where they are. */
static inline void count_cell(const struct fastml_cells *g, int n_dims, int64_t cell, int64_t enough,
                              struct cell_runs *runs, uint8_t *is_core_out)
{
    enum { GROUP = 32, NEAREST = 9 };
    const int nearest = g->n_rows < NEAREST ? g->n_rows : NEAREST;
    const int64_t end = g->start[cell + 1];
    int64_t n_near = move_rows(g, cell, 0, nearest, runs), n_far = -1;
    for (int64_t first = g->start[cell]; first < end; first += GROUP) {
        const int64_t last = first + GROUP < end ? first + GROUP : end;
        int64_t found[GROUP] = {0};
        int counted = n_near >= enough;
        if (!counted || !count_rows(g, n_dims, runs, 0, nearest, first, last, enough, found)) {
            if (n_far < 0)
                n_far = move_rows(g, cell, nearest, g->n_rows, runs);
            if (n_near + n_far >= enough)
                count_rows(g, n_dims, runs, counted ? nearest : 0, g->n_rows, first, last, enough, found);
        }
        for (int64_t i = first; i < last; i++)
            is_core_out[i] = found[i - first] >= enough;
    }
}

static inline void weigh_cell(const struct fastml_cells *g, int n_dims, int64_t cell, struct cell_runs *runs,
                              uint8_t *is_core_out)
{
    move_rows(g, cell, 0, g->n_rows, runs);
    for (int64_t i = g->start[cell]; i < g->start[cell + 1]; i++) {
        const struct cell_place at = cell_place_of(g->x, g->row_of, n_dims, i);
        double sum = 0.0, lost = 0.0;
        for (int r = 0; r < g->n_rows && !(g->early && sum + lost >= g->min_samples); r++)
            weigh_near(g, n_dims, &at, g->start[runs->begin[r]], g->start[runs->end[r]], &sum, &lost);
        is_core_out[i] = sum + lost >= g->min_samples;
    }
}

static inline void find_cores_in(const struct fastml_cells *g, int n_dims, int64_t first, int64_t last,
                                 uint8_t *is_core_out)
{
    struct cell_runs runs;
    int64_t enough = g->min_samples < 2147483647.0 ? (int64_t)g->min_samples : 2147483647;
    enough += (double)enough < g->min_samples;
    start_cell_runs(g, first, &runs);
    for (int64_t c = first; c < last; c++) {
        const int64_t size = g->start[c + 1] - g->start[c];
        if (g->weight != NULL)
            weigh_cell(g, n_dims, c, &runs, is_core_out);
        else if (size >= enough)
            memset(is_core_out + g->start[c], 1, (size_t)size);
        else
            count_cell(g, n_dims, c, enough, &runs, is_core_out);
    }
}

static void find_cores(const struct fastml_cells *g, int64_t first, int64_t last, uint8_t *is_core_out)
{
    if (g->n_dims == 1)
        find_cores_in(g, 1, first, last, is_core_out);
    else if (g->n_dims == 2)
        find_cores_in(g, 2, first, last, is_core_out);
    else
        find_cores_in(g, 3, first, last, is_core_out);
}

/* How far a place is from a box, squared: rounded, it is still no more than for any point in the box. */
static inline double box_gap_sq(const double *low, const double *high, int n_dims, const struct cell_place *at)
{
    double sum = 0.0;
    for (int j = 0; j < n_dims; j++) {
        const double below = low[j] - at->x[j], above = at->x[j] - high[j];
        const double gap = below > above ? below : above;
        sum += gap > 0.0 ? gap * gap : 0.0;
    }
    return sum;
}

/* Whether a core point of one cell is within eps of one of another. Between two full cells the other's box comes first, lest
   two heaps a little more than eps apart cost the product of their sizes. */
static inline int cells_touch(const struct fastml_cells *g, const struct fastml_core_cells *k, int n_dims, int64_t a,
                              int64_t b)
{
    enum { FULL = 4096 };
    const int64_t first = k->start[b], last = k->start[b + 1];
    const int boxed = (last - first) * (k->start[a + 1] - k->start[a]) > FULL;
    double low[FASTML_CELL_DIMS] = {0.0}, high[FASTML_CELL_DIMS] = {0.0};
    for (int j = 0; boxed && j < n_dims; j++) {
        low[j] = high[j] = k->x[j][first];
        for (int64_t i = first + 1; i < last; i++) {
            low[j] = k->x[j][i] < low[j] ? k->x[j][i] : low[j];
            high[j] = k->x[j][i] > high[j] ? k->x[j][i] : high[j];
        }
    }
    for (int64_t i = k->start[a]; i < k->start[a + 1]; i++) {
        const struct cell_place at = cell_place_of(k->x, k->row_of, n_dims, i);
        if (boxed && box_gap_sq(low, high, n_dims, &at) > g->never_sq)
            continue;
        for (int64_t j = first; j < last; j += 8)
            if (near_eight(g, k->x, k->row_of, n_dims, &at, j, last - j))
                return 1;
    }
    return 0;
}

static inline void join_cells_in(const struct fastml_cells *g, const struct fastml_core_cells *k, int n_dims,
                                 int64_t first, int64_t last, int32_t *parent)
{
    struct cell_runs runs;
    start_cell_runs(g, first, &runs);
    for (int64_t c = first; c < last; c++) {
        if (k->start[c] == k->start[c + 1])
            continue;
        for (int r = 0; r < g->n_rows; r++) {
            int64_t stop;
            if (g->row[r] > 0) /* each pair of cells once, from the one with the larger key */
                continue;
            move_cell_run(g, c, r, &runs);
            stop = runs.end[r] < c ? runs.end[r] : c;
            for (int64_t b = stop - 1; b >= runs.begin[r]; b--) {
                if (k->start[b] == k->start[b + 1])
                    continue;
                if (fastml_root(parent, (int32_t)b) == fastml_root(parent, (int32_t)c))
                    continue;
                if (k->start[b + 1] - k->start[b] >= k->start[c + 1] - k->start[c] ? cells_touch(g, k, n_dims, c, b)
                                                                                  : cells_touch(g, k, n_dims, b, c))
                    fastml_join(parent, (int32_t)b, (int32_t)c);
            }
        }
    }
}

static void join_cells(const struct fastml_cells *g, const struct fastml_core_cells *k, int64_t first, int64_t last,
                       int32_t *parent)
{
    if (g->n_dims == 1)
        join_cells_in(g, k, 1, first, last, parent);
    else if (g->n_dims == 2)
        join_cells_in(g, k, 2, first, last, parent);
    else
        join_cells_in(g, k, 3, first, last, parent);
}

static inline void reach_borders_in(const struct fastml_cells *g, const struct fastml_core_cells *k, int n_dims,
                                    const int32_t *label_of_cell, const uint8_t *is_core, int64_t first, int64_t last,
                                    int32_t *label_out)
{
    struct cell_runs runs;
    start_cell_runs(g, first, &runs);
    for (int64_t c = first; c < last; c++) {
        const int64_t begin = g->start[c], end = g->start[c + 1];
        const int n_core = (int)(k->start[c + 1] - k->start[c]);
        int moved = 0;
        for (int64_t i = begin; i < end; i++) {
            struct cell_place at;
            int32_t best = INT32_MAX;
            if (is_core[i]) {
                label_out[i] = label_of_cell[c];
                continue;
            }
            if (!moved)
                for (int r = 0; r < g->n_rows; r++)
                    move_cell_run(g, c, r, &runs);
            moved = 1;
            if (n_core)
                best = label_of_cell[c];
            at = cell_place_of(g->x, g->row_of, n_dims, i);
            for (int r = 0; r < g->n_rows; r++) {
                const int64_t stop = k->start[runs.end[r]];
                int64_t b = runs.begin[r];
                for (int64_t j = k->start[b]; j < stop; j += 8) {
                    const unsigned near = near_eight(g, k->x, k->row_of, n_dims, &at, j, stop - j);
                    for (int l = 0; near >> l; l++)
                        if (near >> l & 1u) {
                            while (k->start[b + 1] <= j + l)
                                b++;
                            if (label_of_cell[b] < best)
                                best = label_of_cell[b];
                        }
                }
            }
            label_out[i] = best == INT32_MAX ? -1 : best;
        }
    }
}

static void reach_borders(const struct fastml_cells *g, const struct fastml_core_cells *k, const int32_t *label_of_cell,
                          const uint8_t *is_core, int64_t first, int64_t last, int32_t *label_out)
{
    if (g->n_dims == 1)
        reach_borders_in(g, k, 1, label_of_cell, is_core, first, last, label_out);
    else if (g->n_dims == 2)
        reach_borders_in(g, k, 2, label_of_cell, is_core, first, last, label_out);
    else
        reach_borders_in(g, k, 3, label_of_cell, is_core, first, last, label_out);
}
