/* The steps of density clustering over blocks, on the distances of blocks.inl. */

enum { NOISE, CORE, ALONE }; /* state of a point: not core; core; not core and nobody near */

static inline void add_weight(double w, double *sum_inout, double *lost_inout)
{
    const double sum = *sum_inout, total = sum + w;
    *lost_inout += fabs(sum) >= fabs(w) ? (sum - total) + w : (w - total) + sum;
    *sum_inout = total;
}

static void find_block_cores(const struct fastml_blocks *g, int64_t first, int64_t last,
                             struct fastml_near_block *scratch, float *row, uint8_t *state_out)
{
    for (int64_t a = first; a < last; a++) {
        const int64_t n_near = find_near_blocks(g, a, 0, scratch);
        for (int lane = 0; lane < points_of(g, a); lane++) {
            const int64_t i = a * FASTML_POINTS + lane;
            double sum = 0.0, lost = 0.0;
            int64_t found = 0;
            int is_core = 0;
            read_row(g, a, lane, row);
            for (int64_t k = 0; k < n_near && !is_core; k++) {
                const int64_t b = scratch[k].block;
                uint64_t sure, maybe;
                if (b != a && !(box_distance(g, row, row, g->node[b]) <= g->never))
                    continue;
                maybe = filter_points(g, row, b, &sure) & all_points(g, b);
                sure &= maybe;
                maybe &= ~sure;
                if (b == a) { /* a point is its own neighbour */
                    sure |= (uint64_t)1 << lane;
                    maybe &= ~sure;
                }
                found += count_bits(sure);
                if (g->weight != NULL)
                    for (uint64_t m = sure; m; m &= m - 1)
                        add_weight(g->weight[b * FASTML_POINTS + lowest_bit(m)], &sum, &lost);
                else if ((double)found >= g->min_samples)
                    is_core = 1;
                for (; maybe && !is_core; maybe &= maybe - 1) {
                    const int64_t j = b * FASTML_POINTS + lowest_bit(maybe);
                    if (!rows_within(g, g->order[i], g->order[j]))
                        continue;
                    found++;
                    if (g->weight != NULL)
                        add_weight(g->weight[j], &sum, &lost);
                    else
                        is_core = (double)found >= g->min_samples;
                }
                if (g->weight != NULL && g->early)
                    is_core = sum + lost >= g->min_samples;
            }
            if (g->weight != NULL)
                is_core = sum + lost >= g->min_samples;
            state_out[i] = is_core ? CORE : found > 1 ? NOISE : ALONE;
        }
    }
}

/* Whether all core points of a block are in one set already. */
static int block_is_whole(const uint64_t *cores, int64_t block, int32_t *parent)
{
    int32_t root = -1;
    for (uint64_t m = cores[block]; m; m &= m - 1) {
        const int32_t r = fastml_root(parent, (int32_t)(block * FASTML_POINTS + lowest_bit(m)));
        if (root >= 0 && r != root)
            return 0;
        root = r;
    }
    return 1;
}

static void join_within_blocks(const struct fastml_blocks *g, const uint64_t *cores, int64_t first, int64_t last,
                               float *row, int32_t *parent, uint8_t *is_whole_out)
{
    for (int64_t a = first; a < last; a++) {
        for (uint64_t left = cores[a] & (cores[a] - 1), own = cores[a]; left; own &= own - 1, left &= left - 1) {
            const int lane = lowest_bit(own);
            const int32_t i = (int32_t)(a * FASTML_POINTS + lane);
            uint64_t sure, maybe;
            read_row(g, a, lane, row);
            maybe = filter_points(g, row, a, &sure) & left;
            for (; maybe; maybe &= maybe - 1) {
                const int bit = lowest_bit(maybe);
                const int32_t j = (int32_t)(a * FASTML_POINTS + bit);
                if (fastml_root(parent, i) != fastml_root(parent, j) &&
                    (sure >> bit & 1 || rows_within(g, g->order[i], g->order[j])))
                    fastml_join(parent, i, j);
            }
        }
        is_whole_out[a] = (uint8_t)block_is_whole(cores, a, parent);
    }
}

/* Joins what is within eps between two blocks; both have core points. */
static void join_two_blocks(const struct fastml_blocks *g, const uint64_t *cores, int64_t a, int64_t b, float *row,
                            int32_t *parent, uint8_t *is_whole_inout)
{
    const int32_t first_b = (int32_t)(b * FASTML_POINTS + lowest_bit(cores[b]));
    const int b_is_whole = is_whole_inout[b];
    int joined = 0;
    for (uint64_t own = cores[a]; own; own &= own - 1) {
        const int lane = lowest_bit(own);
        const int32_t i = (int32_t)(a * FASTML_POINTS + lane);
        uint64_t sure, maybe;
        if (b_is_whole && fastml_root(parent, i) == fastml_root(parent, first_b))
            continue;
        read_row(g, a, lane, row);
        if (!(box_distance(g, row, row, g->node[b]) <= g->never))
            continue;
        maybe = filter_points(g, row, b, &sure) & cores[b];
        sure &= maybe;
        if (b_is_whole && sure) {
            fastml_join(parent, i, first_b);
            joined = 1;
            continue;
        }
        for (; maybe; maybe &= maybe - 1) {
            const int bit = lowest_bit(maybe);
            const int32_t j = (int32_t)(b * FASTML_POINTS + bit);
            if (fastml_root(parent, i) != fastml_root(parent, j) &&
                (sure >> bit & 1 || rows_within(g, g->order[i], g->order[j]))) {
                fastml_join(parent, i, j);
                joined = 1;
                if (b_is_whole)
                    break;
            }
        }
        if (joined && is_whole_inout[a] && b_is_whole)
            return;
    }
    if (joined) {
        is_whole_inout[a] |= (uint8_t)block_is_whole(cores, a, parent);
        is_whole_inout[b] |= (uint8_t)block_is_whole(cores, b, parent);
    }
}

static void join_blocks(const struct fastml_blocks *g, const uint64_t *cores, int64_t first, int64_t last,
                        struct fastml_near_block *scratch, float *row, int32_t *parent, uint8_t *is_whole_inout)
{
    for (int64_t a = first; a < last; a++) {
        int64_t n_near;
        int32_t first_a;
        if (!cores[a])
            continue;
        first_a = (int32_t)(a * FASTML_POINTS + lowest_bit(cores[a]));
        n_near = find_near_blocks(g, a, a + 1, scratch);
        for (int64_t k = 0; k < n_near; k++) {
            const int64_t b = scratch[k].block;
            if (b <= a || !cores[b])
                continue;
            if (is_whole_inout[a] && is_whole_inout[b] &&
                fastml_root(parent, first_a) == fastml_root(parent, (int32_t)(b * FASTML_POINTS + lowest_bit(cores[b]))))
                continue;
            join_two_blocks(g, cores, a, b, row, parent, is_whole_inout);
        }
    }
}

static void reach_block_borders(const struct fastml_blocks *g, const uint64_t *cores, const uint8_t *state,
                                const uint8_t *is_whole, int64_t first, int64_t last, struct fastml_near_block *scratch,
                                float *row, int32_t *label_inout)
{
    for (int64_t a = first; a < last; a++) {
        int64_t n_near = -1;
        for (int lane = 0; lane < points_of(g, a); lane++) {
            const int64_t i = a * FASTML_POINTS + lane;
            int32_t best = INT32_MAX;
            if (state[i] != NOISE)
                continue;
            if (n_near < 0)
                n_near = find_near_blocks(g, a, 0, scratch);
            read_row(g, a, lane, row);
            for (int64_t k = 0; k < n_near; k++) {
                const int64_t b = scratch[k].block;
                uint64_t sure, maybe;
                if (!cores[b] || (is_whole[b] && label_inout[b * FASTML_POINTS + lowest_bit(cores[b])] >= best) ||
                    !(box_distance(g, row, row, g->node[b]) <= g->never))
                    continue;
                maybe = filter_points(g, row, b, &sure) & cores[b];
                for (; maybe; maybe &= maybe - 1) {
                    const int bit = lowest_bit(maybe);
                    const int64_t j = b * FASTML_POINTS + bit;
                    if (label_inout[j] < best && (sure >> bit & 1 || rows_within(g, g->order[i], g->order[j])))
                        best = label_inout[j];
                }
            }
            label_inout[i] = best == INT32_MAX ? -1 : best;
        }
    }
}
