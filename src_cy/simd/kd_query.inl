/* What queries to a kd-tree share: distances from a block of queries to the points of a leaf, and to boxes.

   The block goes down the tree once. A node is left aside if its box is farther from the block's box than the farthest
   bound of any query, or farther from each query than that query's bound; a leaf's points stand in the lanes for one query
   after the other. Sums run over the columns in their order, for boxes and points alike, so that a bound never passes a
   distance in the last bit: what is left aside could not have been found, ties included.
   Limit: d subtractions, multiplications and additions a pair that is looked at, 8 lanes wide: 0.1 ns a pair and column. */

#include "kd_query.h"
#include "lanes.inl"

enum { KD_WIDE = 32 / LANES, KD_GIVE_UP = 8 };

static inline lanes kd_term(const int kind, lanes total, lanes apart, double weight)
{
    switch (kind) {
    case FASTML_MANHATTAN:
        return lanes_add(total, lanes_abs(apart));
    case FASTML_CHEBYSHEV:
        return lanes_max(lanes_abs(apart), total);
    case FASTML_SEUCLIDEAN:
        return lanes_add(total, lanes_div(lanes_mul(apart, apart), lanes_set(weight)));
    default:
        return lanes_add(total, lanes_mul(apart, apart));
    }
}

/* Reduced distances from a query to 8 v points of a leaf from the first one on; 0 if none can be within the bound. */
static inline int kd_distances(const int kind, const int v, const struct fastml_kd_view *tree,
                               const struct fastml_metric *metric, ptrdiff_t first, const double *query, double bound,
                               double *reduced_out)
{
    enum { MOST = 4 * 8 / LANES };
    lanes total[MOST];
    const ptrdiff_t capacity = tree->capacity, d = tree->d;
    const lanes limit = lanes_set(bound);
    for (int i = 0; i < v * 8 / LANES; i++)
        total[i] = lanes_set(0.0);
    for (ptrdiff_t c = 0; c < d; c++) {
        const lanes x = lanes_set(query[c * FASTML_KD_BLOCK]);
        const double weight = kind == FASTML_SEUCLIDEAN ? metric->weight[c] : 0.0;
        if (tree->single != NULL) {
            const float *points = tree->single + first + c * capacity;
            for (int i = 0; i < v * 8 / LANES; i++)
                total[i] = kd_term(kind, total[i], lanes_sub(lanes_widen(points + i * LANES), x), weight);
        } else {
            const double *points = tree->wide + first + c * capacity;
            for (int i = 0; i < v * 8 / LANES; i++)
                total[i] = kd_term(kind, total[i], lanes_sub(lanes_load(points + i * LANES), x), weight);
        }
        if (c % KD_GIVE_UP == KD_GIVE_UP - 1 && c + 1 < d) {
            uint32_t any = 0;
            for (int i = 0; i < v * 8 / LANES; i++)
                any |= lanes_up_to(total[i], limit);
            if (!any)
                return 0;
        }
    }
    for (int i = 0; i < v * 8 / LANES; i++)
        lanes_store(reduced_out + i * LANES, total[i]);
    return 1;
}

/* Which of at most 32 reduced distances are within the bound. */
static inline uint32_t kd_which(const double *reduced, ptrdiff_t n, double bound)
{
    const lanes limit = lanes_set(bound);
    uint32_t found = 0;
    for (ptrdiff_t i = 0; i < n; i += LANES)
        found |= lanes_up_to(lanes_load(reduced + i), limit) << i;
    return n < 32 ? found & ((1u << n) - 1) : found;
}

/* Points [at, at + 32) of a leaf that are within the bound of the query. */
static inline uint32_t kd_scan(const int kind, const struct fastml_kd_view *tree, const struct fastml_metric *metric,
                               ptrdiff_t leaf, ptrdiff_t at, ptrdiff_t n_points, const double *query, double bound,
                               double *reduced_out)
{
    const ptrdiff_t first = leaf * tree->capacity * tree->d + at, left = tree->capacity - at;
    int near;
    if (left >= 32)
        near = kd_distances(kind, 4, tree, metric, first, query, bound, reduced_out);
    else if (left == 24)
        near = kd_distances(kind, 3, tree, metric, first, query, bound, reduced_out);
    else if (left == 16)
        near = kd_distances(kind, 2, tree, metric, first, query, bound, reduced_out);
    else
        near = kd_distances(kind, 1, tree, metric, first, query, bound, reduced_out);
    return near ? kd_which(reduced_out, n_points - at < 32 ? n_points - at : 32, bound) : 0;
}

/* The reduced distance of each query to the node's box, and which of them, as bits, are within their bounds. */
static inline uint64_t kd_reach(const int kind, const struct fastml_metric *metric, const double *box, ptrdiff_t d,
                                const struct fastml_kd_block *block, const double *bound, double *least_out)
{
    uint64_t found = 0;
    for (ptrdiff_t q = 0; q < block->n; q += LANES) {
        lanes total = lanes_set(0.0);
        for (ptrdiff_t c = 0; c < d; c++) {
            const lanes x = lanes_load(block->columns + c * FASTML_KD_BLOCK + q);
            const lanes below = lanes_sub(lanes_set(box[c]), x), above = lanes_sub(x, lanes_set(box[d + c]));
            total = kd_term(kind, total, lanes_max(lanes_max(below, above), lanes_set(0.0)),
                            kind == FASTML_SEUCLIDEAN ? metric->weight[c] : 0.0);
        }
        lanes_store(least_out + q, total);
        found |= (uint64_t)lanes_up_to(total, lanes_load(bound + q)) << q;
    }
    return block->n < 64 ? found & (((uint64_t)1 << block->n) - 1) : found;
}

static inline int kd_lowest_bit(uint64_t bits)
{
#if defined(__GNUC__)
    return __builtin_ctzll(bits);
#else
    int at = 0;
    for (; !(bits & 1); bits >>= 1)
        at++;
    return at;
#endif
}


/* The bound of a block of queries, which lie in a box. */
static inline double kd_apart(const int kind, const struct fastml_metric *metric, const double *a, const double *b, ptrdiff_t d)
{
    const struct fastml_metric own = {kind, metric->p, metric->weight, metric->own};
    return fastml_boxes_least(&own, a, b, d);
}

/* Calls a function of the kind with the kind as a constant. */
#define KD_BY_KIND(call)                          \
    switch (metric->kind) {                       \
    case FASTML_MANHATTAN:                        \
        call(FASTML_MANHATTAN);                   \
        break;                                    \
    case FASTML_CHEBYSHEV:                        \
        call(FASTML_CHEBYSHEV);                   \
        break;                                    \
    case FASTML_SEUCLIDEAN:                       \
        call(FASTML_SEUCLIDEAN);                  \
        break;                                    \
    default:                                      \
        call(FASTML_EUCLIDEAN);                   \
    }
