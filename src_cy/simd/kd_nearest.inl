/* The k nearest points of each query of a block. */

static inline int kd_farther(double a, int32_t row_a, double b, int32_t row_b)
{
    return a > b || (a == b && row_a > row_b);
}

/* Put a point among the k nearest of query q if it is nearer than the last of them. */
static inline void kd_offer(struct fastml_kd_nearest *found, ptrdiff_t q, double reduced, int32_t row)
{
    const ptrdiff_t k = found->k;
    double *own = found->reduced + q * k;
    int32_t *rows = found->rows + q * k;
    ptrdiff_t at, child;
    if (k <= FASTML_KD_SORTED) {
        if (reduced > own[k - 1] || (reduced == own[k - 1] && row > rows[k - 1]))
            return;
        for (at = k - 1; at > 0 && own[at - 1] > reduced; at--) { /* ties, which are rare, have a loop of their own */
            own[at] = own[at - 1];
            rows[at] = rows[at - 1];
        }
        for (; at > 0 && own[at - 1] == reduced && rows[at - 1] > row; at--) {
            own[at] = own[at - 1];
            rows[at] = rows[at - 1];
        }
        own[at] = reduced;
        rows[at] = row;
        found->bound[q] = own[k - 1];
        return;
    }
    if (!kd_farther(own[0], rows[0], reduced, row))
        return;
    for (at = 0; (child = 2 * at + 1) < k; at = child) {
        if (child + 1 < k && kd_farther(own[child + 1], rows[child + 1], own[child], rows[child]))
            child++;
        if (!kd_farther(own[child], rows[child], reduced, row))
            break;
        own[at] = own[child];
        rows[at] = rows[child];
    }
    own[at] = reduced;
    rows[at] = row;
    found->bound[q] = own[0];
}

/* A heap of k, last in front, in ascending order. */
static void kd_sort_heap(double *own, int32_t *rows, ptrdiff_t k)
{
    for (ptrdiff_t n = k - 1; n > 0; n--) {
        const double reduced = own[n];
        const int32_t row = rows[n];
        ptrdiff_t at = 0, child;
        own[n] = own[0];
        rows[n] = rows[0];
        for (; (child = 2 * at + 1) < n; at = child) {
            if (child + 1 < n && kd_farther(own[child + 1], rows[child + 1], own[child], rows[child]))
                child++;
            if (!kd_farther(own[child], rows[child], reduced, row))
                break;
            own[at] = own[child];
            rows[at] = rows[child];
        }
        own[at] = reduced;
        rows[at] = row;
    }
}

static inline double kd_farthest(const struct fastml_kd_nearest *found, ptrdiff_t n)
{
    double most = found->bound[0];
    for (ptrdiff_t q = 1; q < n; q++)
        most = found->bound[q] > most ? found->bound[q] : most;
    return most;
}

static inline void kd_nearest_in_leaf(const int kind, const struct fastml_kd_view *tree, const struct fastml_metric *metric,
                                      const struct fastml_kd_block *block, struct fastml_kd_nearest *found, ptrdiff_t leaf,
                                      uint64_t queries)
{
    const ptrdiff_t begin = tree->n * leaf >> tree->depth, n_points = (tree->n * (leaf + 1) >> tree->depth) - begin;
    double reduced[32];
    for (; queries; queries &= queries - 1) {
        const int q = kd_lowest_bit(queries);
        for (ptrdiff_t at = 0; at < n_points; at += 32) {
            uint32_t near = kd_scan(kind, tree, metric, leaf, at, n_points, block->columns + q, found->bound[q], reduced);
            for (; near; near &= near - 1) {
                const int i = kd_lowest_bit(near);
                kd_offer(found, q, reduced[i], tree->order[begin + at + i]);
            }
        }
    }
}

static inline void kd_nearest_kind(const int kind, const struct fastml_kd_view *tree, const struct fastml_metric *metric,
                                   const struct fastml_kd_block *block, struct fastml_kd_nearest *found)
{
    const ptrdiff_t d = tree->d, k = found->k, first_leaf = ((ptrdiff_t)1 << tree->depth) - 1;
    ptrdiff_t waiting[FASTML_KD_STACK];
    double least[FASTML_KD_STACK], own[FASTML_KD_BLOCK], farthest = INFINITY;
    int n = 1;
    waiting[0] = 0;
    least[0] = 0.0;
    while (n > 0) {
        const ptrdiff_t node = waiting[--n];
        uint64_t queries;
        if (least[n] > farthest)
            continue;
        queries = kd_reach(kind, metric, tree->boxes + 2 * d * node, d, block, found->bound, own);
        for (uint64_t rest = queries; rest; rest &= rest - 1) { /* at the bound itself, only for a lower row */
            const int q = kd_lowest_bit(rest);
            const int32_t last = found->rows[q * k + (k <= FASTML_KD_SORTED ? k - 1 : 0)];
            if (own[q] == found->bound[q] && tree->lowest[node] >= last)
                queries &= ~((uint64_t)1 << q);
        }
        if (!queries)
            continue;
        if (node >= first_leaf) {
            kd_nearest_in_leaf(kind, tree, metric, block, found, node - first_leaf, queries);
            farthest = kd_farthest(found, block->n);
            continue;
        }
        const double *left = tree->boxes + 2 * d * (2 * node + 1), *right = left + 2 * d;
        const struct fastml_metric own_metric = {kind, metric->p, metric->weight, metric->own};
        const int right_first = fastml_box_least(&own_metric, block->centre, right, d) <
                                fastml_box_least(&own_metric, block->centre, left, d);
        for (int i = 0; i < 2; i++) {
            const int is_right = i ^ !right_first; /* the nearer one is put on top */
            waiting[n] = 2 * node + 1 + is_right;
            least[n] = kd_apart(kind, metric, block->box, is_right ? right : left, d);
            n += least[n] <= farthest;
        }
    }
    if (k > FASTML_KD_SORTED)
        for (ptrdiff_t q = 0; q < block->n; q++)
            kd_sort_heap(found->reduced + q * k, found->rows + q * k, k);
}

static void kd_nearest(const struct fastml_kd_view *tree, const struct fastml_metric *metric,
                       const struct fastml_kd_block *block, struct fastml_kd_nearest *found)
{
    for (ptrdiff_t i = 0; i < block->n * found->k; i++) {
        found->reduced[i] = INFINITY;
        found->rows[i] = INT32_MAX;
    }
    for (ptrdiff_t q = 0; q < FASTML_KD_BLOCK; q++)
        found->bound[q] = INFINITY;
#define KD_CALL(kind) kd_nearest_kind(kind, tree, metric, block, found)
    KD_BY_KIND(KD_CALL)
#undef KD_CALL
}
