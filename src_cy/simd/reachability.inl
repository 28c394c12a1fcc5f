/* Searches over a kd-tree, all points of a leaf together; see reachability.h.

   The way down the tree is walked once for a leaf's box and not for each of its points; then a point looks at a leaf if
   it is nearer than what the point has. Limit: a leaf of 32 points is 64 vectors of 8 differences in 16 columns. A sum's
   order is that of the columns and its lanes are points, so that bits do not depend on the instruction set; and that
   order makes the distance to a box never larger, not even by rounding, than that to a point in it. */
#include <math.h>

#include "reachability.h"

#if defined(_MSC_VER) && !defined(__clang__)
#define FASTML_FORCED static __forceinline
#else
#define FASTML_FORCED static inline __attribute__((always_inline))
#endif

#define REACH_WIDTH FASTML_REACH_WIDTH
#define REACH_DEPTH 64

/* pow() errs by its last bits, so a box may seem farther than a point in it. */
#define REACH_POWER_SLACK (1.0 - 1e-13)

FASTML_FORCED double reach_add(double sum, double gap, int metric, double power)
{
    return metric == FASTML_SQUARES ? sum + gap * gap
         : metric == FASTML_ABSOLUTES ? sum + gap
         : metric == FASTML_LARGEST ? (gap > sum ? gap : sum)
                                    : sum + pow(gap, power);
}

FASTML_FORCED double reach_boxes(const double *a, const double *b, int d, int metric, double power)
{
    double sum = 0.0;
    for (int j = 0; j < d; j++) {
        double gap = a[j] - b[d + j], other = b[j] - a[d + j];
        gap = other > gap ? other : gap;
        sum = reach_add(sum, gap > 0.0 ? gap : 0.0, metric, power);
    }
    return metric == FASTML_POWERS ? sum * REACH_POWER_SLACK : sum;
}

/* From each point of a leaf to a box. */
FASTML_FORCED void reach_to_box(const double *block, const double *box, int d, int width, int metric, double power,
                                double *out)
{
    for (int v = 0; v < width; v += 8) {
        double sum[8] = {0.0};
        for (int j = 0; j < d; j++) {
            const double low = box[j], high = box[d + j], *x = block + (ptrdiff_t)j * width + v;
            for (int l = 0; l < 8; l++) {
                double gap = low - x[l], other = x[l] - high;
                gap = other > gap ? other : gap;
                sum[l] = reach_add(sum[l], gap > 0.0 ? gap : 0.0, metric, power);
            }
        }
        for (int l = 0; l < 8; l++)
            out[v + l] = metric == FASTML_POWERS ? sum[l] * REACH_POWER_SLACK : sum[l];
    }
}

/* From point q of a leaf to each point of another. */
FASTML_FORCED void reach_to_points(const double *from, int q, const double *block, int d, int width, int metric,
                                   double power, double *out)
{
    for (int v = 0; v < width; v += 8) {
        double sum[8] = {0.0};
        for (int j = 0; j < d; j++) {
            const double own = from[(ptrdiff_t)j * width + q], *x = block + (ptrdiff_t)j * width + v;
            for (int l = 0; l < 8; l++)
                sum[l] = reach_add(sum[l], fabs(own - x[l]), metric, power);
        }
        for (int l = 0; l < 8; l++)
            out[v + l] = sum[l];
    }
}

struct reach_step {
    double gap;
    int32_t node;
};

/* ---- k nearest ---- */

struct reach_search {
    const struct fastml_reach_tree *tree;
    const double *block, *box;
    int32_t leaf, n, n_kept;
    double *distance; /* (n, n_kept) ascending */
    int32_t *who;
    double kth[REACH_WIDTH];
    double limit; /* the largest kth */
};

/* Whether another point at the same distance as the last one kept could still matter: not where that is 0, since of
   points on top of each other any will do. */
FASTML_FORCED void reach_nearest_in(struct reach_search *s, int32_t leaf, int d, int metric)
{
    const struct fastml_reach_tree *t = s->tree;
    const int width = t->width, n = t->begin[leaf + 1] - t->begin[leaf], kept = s->n_kept;
    const double *block = t->blocks + (ptrdiff_t)leaf * d * width;
    const int32_t first = t->begin[leaf];
    double gap[REACH_WIDTH], to[REACH_WIDTH], limit = 0.0;
    reach_to_box(s->block, t->boxes + (ptrdiff_t)(t->n_leaves - 1 + leaf) * 2 * d, d, width, metric, t->power, gap);
    for (int q = 0; q < s->n; q++) {
        double kth = s->kth[q];
        if (gap[q] <= kth && kth > 0.0) {
            double *distance = s->distance + (ptrdiff_t)q * kept;
            int32_t *who = s->who + (ptrdiff_t)q * kept;
            reach_to_points(s->block, q, block, d, width, metric, t->power, to);
            for (int j = 0; j < n; j++) {
                if (to[j] <= kth) {
                    const double x = to[j];
                    int at = kept - 1;
                    if (x == kth && (kth == 0.0 || (who[at] >= 0 && t->row[who[at]] < t->row[first + j])))
                        continue;
                    while (at > 0 && (distance[at - 1] > x ||
                                      (distance[at - 1] == x && t->row[who[at - 1]] > t->row[first + j]))) {
                        distance[at] = distance[at - 1];
                        who[at] = who[at - 1];
                        at--;
                    }
                    distance[at] = x;
                    who[at] = first + j;
                    kth = distance[kept - 1];
                }
            }
            s->kth[q] = kth;
        }
        limit = kth > limit ? kth : limit;
    }
    s->limit = limit;
}

FASTML_FORCED void reach_core(const struct fastml_reach_tree *t, int32_t leaf, int32_t k, int32_t n_kept,
                              int32_t n_beside, double *distance, int32_t *who, double *core_out, int32_t *beside_out,
                              int fixed_d, int metric)
{
    const int d = fixed_d ? fixed_d : t->d;
    const int32_t inner = t->n_leaves - 1, first = t->begin[leaf];
    struct reach_step stack[REACH_DEPTH];
    struct reach_search s = {t, t->blocks + (ptrdiff_t)leaf * d * t->width, t->boxes + (ptrdiff_t)(inner + leaf) * 2 * d,
                             leaf, t->begin[leaf + 1] - first, n_kept, distance, who, {0.0}, INFINITY};
    int top = 0;
    for (ptrdiff_t i = 0; i < (ptrdiff_t)s.n * n_kept; i++) {
        distance[i] = INFINITY;
        who[i] = -1;
    }
    for (int q = 0; q < s.n; q++)
        s.kth[q] = INFINITY;
    reach_nearest_in(&s, leaf, d, metric);
    stack[top++] = (struct reach_step){0.0, 0};
    while (top > 0 && s.limit > 0.0) {
        struct reach_step step = stack[--top];
        while (step.gap <= s.limit && step.node < inner) {
            const int32_t child = 2 * step.node + 1;
            const double *boxes = t->boxes + (ptrdiff_t)child * 2 * d;
            const struct reach_step a = {reach_boxes(s.box, boxes, d, metric, t->power), child};
            const struct reach_step b = {reach_boxes(s.box, boxes + 2 * d, d, metric, t->power), child + 1};
            const int swap = b.gap < a.gap;
            stack[top++] = swap ? a : b;
            step = swap ? b : a;
        }
        if (step.gap <= s.limit && step.node != inner + leaf)
            reach_nearest_in(&s, step.node - inner, d, metric);
    }
    for (int q = 0; q < s.n; q++) {
        int32_t *out = beside_out + (ptrdiff_t)(first + q) * n_beside;
        int n_out = 0;
        core_out[first + q] = distance[(ptrdiff_t)q * n_kept + k - 1];
        for (int i = 0; i < n_kept && n_out < n_beside; i++)
            if (who[(ptrdiff_t)q * n_kept + i] != first + q)
                out[n_out++] = who[(ptrdiff_t)q * n_kept + i];
    }
}

/* ---- nearest outside of a component ---- */

struct reach_outside {
    const struct fastml_reach_tree *tree;
    const struct fastml_reach_state *state;
    const double *block, *box;
    int32_t leaf, n, component; /* component: the one of all that are needed, or -2 */
    uint8_t needed[REACH_WIDTH];
    double limit[REACH_WIDTH]; /* nothing beyond matters */
    double best[REACH_WIDTH], length[REACH_WIDTH];
    int32_t who[REACH_WIDTH];
    double least_core, farthest; /* the largest limit */
};

FASTML_FORCED void reach_outside_in(struct reach_outside *s, int32_t leaf, int d, int metric)
{
    const struct fastml_reach_tree *t = s->tree;
    const struct fastml_reach_state *state = s->state;
    const int width = t->width, n = t->begin[leaf + 1] - t->begin[leaf];
    const int32_t first = t->begin[leaf], node = t->n_leaves - 1 + leaf, own_first = t->begin[s->leaf];
    const double *block = t->blocks + (ptrdiff_t)leaf * d * width, *core = state->core + first, scale = t->scale;
    const int32_t *component = state->component + first;
    double gap[REACH_WIDTH], to[REACH_WIDTH], farthest = -1.0;
    reach_to_box(s->block, t->boxes + (ptrdiff_t)node * 2 * d, d, width, metric, t->power, gap);
    for (int q = 0; q < s->n; q++) {
        if (!s->needed[q])
            continue;
        const int32_t own = state->component[own_first + q];
        const double own_core = state->core[own_first + q], bound = fastml_reach_load(state->bound + own);
        double limit = bound < s->limit[q] ? bound : s->limit[q];
        double nearest = gap[q] * scale > own_core ? gap[q] * scale : own_core;
        nearest = state->node_core[node] > nearest ? state->node_core[node] : nearest;
        if (limit > 0.0 && nearest <= limit && state->node_component[node] != own &&
            !(nearest == s->best[q] && gap[q] * scale > s->length[q])) {
            double least = INFINITY;
            reach_to_points(s->block, q, block, d, width, metric, t->power, to);
            for (int j = 0; j < n; j++) {
                double x = to[j] * scale;
                to[j] = x;
                x = core[j] > x ? core[j] : x;
                x = component[j] == own ? INFINITY : x;
                least = x < least ? x : least;
            }
            if (least <= limit) {
                for (int j = 0; j < n; j++) {
                    double reach = to[j] > core[j] ? to[j] : core[j];
                    reach = own_core > reach ? own_core : reach;
                    if (reach <= limit && component[j] != own &&
                        (reach < s->best[q] ||
                         (reach == s->best[q] &&
                          (to[j] < s->length[q] || s->who[q] < 0 ||
                           (to[j] == s->length[q] && t->row[first + j] < t->row[s->who[q]]))))) {
                        s->best[q] = reach;
                        s->length[q] = to[j];
                        s->who[q] = first + j;
                    }
                }
                if (s->best[q] < limit) {
                    limit = s->best[q];
                    fastml_reach_lower(state->bound + own, limit);
                }
            }
        }
        s->limit[q] = limit;
        farthest = limit > farthest ? limit : farthest;
    }
    s->farthest = farthest;
}

FASTML_FORCED struct reach_step reach_seen(const struct reach_outside *s, int32_t node, int d, int metric)
{
    const struct fastml_reach_tree *t = s->tree;
    struct reach_step step = {INFINITY, node};
    if (s->state->node_component[node] != s->component) {
        const double core = s->state->node_core[node];
        step.gap = reach_boxes(s->box, t->boxes + (ptrdiff_t)node * 2 * d, d, metric, t->power) * t->scale;
        step.gap = core > step.gap ? core : step.gap;
        step.gap = s->least_core > step.gap ? s->least_core : step.gap;
    }
    return step;
}

FASTML_FORCED void reach_outside_of(const struct fastml_reach_tree *t, const struct fastml_reach_state *state,
                                    int32_t leaf, const uint8_t *needed, int fixed_d, int metric)
{
    const int d = fixed_d ? fixed_d : t->d;
    const int32_t inner = t->n_leaves - 1, first = t->begin[leaf];
    struct reach_step stack[REACH_DEPTH];
    struct reach_outside s;
    int top = 0;
    s.tree = t;
    s.state = state;
    s.block = t->blocks + (ptrdiff_t)leaf * d * t->width;
    s.box = t->boxes + (ptrdiff_t)(inner + leaf) * 2 * d;
    s.leaf = leaf;
    s.n = t->begin[leaf + 1] - first;
    s.component = -1;
    s.least_core = INFINITY;
    s.farthest = -1.0;
    for (int q = 0; q < s.n; q++) {
        const int32_t own = state->component[first + q];
        s.needed[q] = needed[q];
        s.best[q] = s.length[q] = INFINITY;
        s.who[q] = -1;
        s.limit[q] = fastml_reach_load(state->bound + own);
        if (!needed[q])
            continue;
        s.component = s.component == -1 || s.component == own ? own : -2;
        s.least_core = state->core[first + q] < s.least_core ? state->core[first + q] : s.least_core;
        s.farthest = s.limit[q] > s.farthest ? s.limit[q] : s.farthest;
    }
    if (state->node_component[inner + leaf] < 0)
        reach_outside_in(&s, leaf, d, metric);
    stack[top++] = (struct reach_step){0.0, 0};
    while (top > 0 && s.farthest > 0.0) {
        struct reach_step step = stack[--top];
        while (step.gap <= s.farthest && step.node < inner) {
            const struct reach_step a = reach_seen(&s, 2 * step.node + 1, d, metric);
            const struct reach_step b = reach_seen(&s, 2 * step.node + 2, d, metric);
            const int swap = b.gap < a.gap;
            stack[top++] = swap ? a : b;
            step = swap ? b : a;
        }
        if (step.gap <= s.farthest && step.node != inner + leaf && state->node_component[step.node] != s.component)
            reach_outside_in(&s, step.node - inner, d, metric);
    }
    for (int q = 0; q < s.n; q++) {
        const int32_t p = first + q;
        if (!needed[q])
            continue;
        if (s.best[q] <= s.limit[q]) {
            state->nearest[p] = s.who[q];
            state->least[p] = s.best[q];
        } else if (s.limit[q] > 0.0) { /* nothing at the limit either, so it is farther */
            const double beyond = nextafter(s.limit[q], INFINITY);
            state->least[p] = beyond > state->least[p] ? beyond : state->least[p];
        }
    }
}

/* ---- by metric and number of columns ---- */

#define REACH_CASES(t, call)                                   \
    switch ((t)->metric) {                                     \
    case FASTML_SQUARES:                                       \
        if ((t)->d == 2) {                                     \
            call(2, FASTML_SQUARES);                           \
        } else if ((t)->d == 3) {                              \
            call(3, FASTML_SQUARES);                           \
        } else {                                               \
            call(0, FASTML_SQUARES);                           \
        }                                                      \
        break;                                                 \
    case FASTML_ABSOLUTES: call(0, FASTML_ABSOLUTES); break;   \
    case FASTML_LARGEST: call(0, FASTML_LARGEST); break;       \
    default: call(0, FASTML_POWERS);                           \
    }

static void core_distances(const struct fastml_reach_tree *tree, int32_t leaf, int32_t k, int32_t n_kept,
                           int32_t n_beside, double *distance, int32_t *who, double *core_out, int32_t *beside_out)
{
#define REACH_CALL(d, m) reach_core(tree, leaf, k, n_kept, n_beside, distance, who, core_out, beside_out, d, m)
    REACH_CASES(tree, REACH_CALL)
#undef REACH_CALL
}

static void nearest_outside(const struct fastml_reach_tree *tree, const struct fastml_reach_state *state, int32_t leaf,
                            const uint8_t *needed)
{
#define REACH_CALL(d, m) reach_outside_of(tree, state, leaf, needed, d, m)
    REACH_CASES(tree, REACH_CALL)
#undef REACH_CALL
}

/* Between point a of a leaf and point b of another. */
static double reach_distance(const struct fastml_reach_tree *t, int32_t leaf_a, int32_t a, int32_t leaf_b, int32_t b)
{
    const double *x = t->blocks + (ptrdiff_t)leaf_a * t->d * t->width + a;
    const double *y = t->blocks + (ptrdiff_t)leaf_b * t->d * t->width + b;
    double sum = 0.0;
    for (int j = 0; j < t->d; j++)
        sum = reach_add(sum, fabs(x[(ptrdiff_t)j * t->width] - y[(ptrdiff_t)j * t->width]), t->metric, t->power);
    return sum;
}

const struct fastml_reach_kernels FASTML_NAME(fastml_reach_kernels) = {
    .core_distances = core_distances,
    .nearest_outside = nearest_outside,
    .distance = reach_distance,
};
