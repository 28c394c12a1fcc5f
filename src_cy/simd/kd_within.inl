/* Points within a radius of each query of a block: how many, or which. */

/* Which queries have the whole box within their radius. */
static inline uint64_t kd_hold(const int kind, const struct fastml_metric *metric, const double *box, ptrdiff_t d,
                               const struct fastml_kd_block *block, const double *radius)
{
    uint64_t found = 0;
    for (ptrdiff_t q = 0; q < block->n; q += LANES) {
        lanes total = lanes_set(0.0);
        for (ptrdiff_t c = 0; c < d; c++) {
            const lanes x = lanes_load(block->columns + c * FASTML_KD_BLOCK + q);
            const lanes below = lanes_sub(lanes_set(box[d + c]), x), above = lanes_sub(x, lanes_set(box[c]));
            total = kd_term(kind, total, lanes_max(below, above),
                            kind == FASTML_SEUCLIDEAN ? metric->weight[c] : 0.0);
        }
        found |= (uint64_t)lanes_up_to(total, lanes_load(radius + q)) << q;
    }
    return found;
}

/* Counts, or lists where rows_out is not NULL: query q's from start[q] on. */
static inline void kd_within_kind(const int kind, const struct fastml_kd_view *tree, const struct fastml_metric *metric,
                                  const struct fastml_kd_block *block, const double *radius, int64_t *count,
                                  const int64_t *start, int64_t *rows_out, double *reduced_out)
{
    const ptrdiff_t d = tree->d, first_leaf = ((ptrdiff_t)1 << tree->depth) - 1;
    ptrdiff_t waiting[FASTML_KD_STACK];
    uint64_t asking[FASTML_KD_STACK];
    double own[FASTML_KD_BLOCK], reduced[32], farthest = radius[0];
    int n = 1, level;
    for (ptrdiff_t q = 0; q < block->n; q++) {
        count[q] = 0;
        farthest = radius[q] > farthest ? radius[q] : farthest;
    }
    waiting[0] = 0;
    asking[0] = ~(uint64_t)0;
    while (n > 0) {
        const ptrdiff_t node = waiting[--n];
        const double *box = tree->boxes + 2 * d * node;
        uint64_t queries = asking[n], whole;
        if (kd_apart(kind, metric, block->box, box, d) > farthest)
            continue;
        queries &= kd_reach(kind, metric, box, d, block, radius, own);
        if (!queries)
            continue;
        for (level = 0; ((ptrdiff_t)2 << level) - 1 <= node; level++)
            ;
        const ptrdiff_t j = node + 1 - ((ptrdiff_t)1 << level);
        const ptrdiff_t begin = tree->n * j >> level, size = (tree->n * (j + 1) >> level) - begin;
        if (reduced_out == NULL) {
            whole = queries & kd_hold(kind, metric, box, d, block, radius);
            queries &= ~whole;
            for (; whole; whole &= whole - 1) {
                const int q = kd_lowest_bit(whole);
                if (rows_out != NULL)
                    for (ptrdiff_t i = 0; i < size; i++)
                        rows_out[start[q] + count[q] + i] = tree->order[begin + i];
                count[q] += size;
            }
            if (!queries)
                continue;
        }
        if (node < first_leaf) {
            waiting[n] = 2 * node + 2;
            waiting[n + 1] = 2 * node + 1;
            asking[n] = asking[n + 1] = queries;
            n += 2;
            continue;
        }
        for (; queries; queries &= queries - 1) {
            const int q = kd_lowest_bit(queries);
            for (ptrdiff_t at = 0; at < size; at += 32) {
                uint32_t near = kd_scan(kind, tree, metric, node - first_leaf, at, size, block->columns + q, radius[q], reduced);
                if (rows_out == NULL) {
                    for (; near; near &= near - 1)
                        count[q]++;
                    continue;
                }
                for (; near; near &= near - 1) {
                    const int i = kd_lowest_bit(near);
                    rows_out[start[q] + count[q]] = tree->order[begin + at + i];
                    if (reduced_out != NULL)
                        reduced_out[start[q] + count[q]] = reduced[i];
                    count[q]++;
                }
            }
        }
    }
}

static void kd_count(const struct fastml_kd_view *tree, const struct fastml_metric *metric,
                     const struct fastml_kd_block *block, const double *radius, int64_t *count)
{
#define KD_CALL(kind) kd_within_kind(kind, tree, metric, block, radius, count, NULL, NULL, NULL)
    KD_BY_KIND(KD_CALL)
#undef KD_CALL
}

static void kd_within(const struct fastml_kd_view *tree, const struct fastml_metric *metric,
                      const struct fastml_kd_block *block, const double *radius, const int64_t *start, int64_t *rows_out,
                      double *reduced_out)
{
    int64_t count[FASTML_KD_BLOCK];
#define KD_CALL(kind) kd_within_kind(kind, tree, metric, block, radius, count, start, rows_out, reduced_out)
    KD_BY_KIND(KD_CALL)
#undef KD_CALL
}

const struct fastml_kd_query_kernels FASTML_NAME(fastml_kd_query_kernels) = {
    .nearest = kd_nearest,
    .count = kd_count,
    .within = kd_within,
};
