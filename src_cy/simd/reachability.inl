/* Searches over a kd-tree, all points of a leaf together; see reachability.h.

   The way down the tree is walked once for a leaf's box and not for each of its points; then a point looks at a leaf if
   it is nearer than what the point has, four points at a time. Limit: a difference, a square and a sum for each pair and
   column, 8 pairs a vector; with 512 bits 1 cycle a vector and column. A sum's order is that of the columns, and its lanes
   are points: bits do not depend on the instruction set, and a box is never farther, not even by rounding, than a point
   in it. */
#include <math.h>

#include "lanes.h"
#include "reachability.h"

#define REACH_WIDTH FASTML_REACH_WIDTH
#define REACH_DEPTH 64
#define REACH_ABREAST 4

/* pow() errs by its last bits, so a box may seem farther than a point in it. */
#define REACH_POWER_SLACK (1.0 - 1e-14)

FASTML_FORCED fastml_lanes reach_add(fastml_lanes sum, fastml_lanes apart, int metric, double power)
{
    double terms[FASTML_LANES];
    switch (metric) {
    case FASTML_EUCLIDEAN:
        return lanes_add(sum, lanes_mul(apart, apart));
    case FASTML_MANHATTAN:
        return lanes_add(sum, lanes_abs(apart));
    case FASTML_CHEBYSHEV:
        return lanes_max(lanes_abs(apart), sum);
    default:
        lanes_store(terms, apart);
        for (int l = 0; l < FASTML_LANES; l++)
            terms[l] = pow(fabs(terms[l]), power);
        return lanes_add(sum, lanes_load(terms));
    }
}

/* From each point of a leaf to a box. */
FASTML_FORCED void reach_to_box(const double *block, const double *box, int d, int width, int metric, double power,
                                double *out)
{
    const fastml_lanes zero = lanes_of(0.0);
    for (int v = 0; v < width; v += FASTML_LANES) {
        fastml_lanes sum = zero;
        for (int j = 0; j < d; j++) {
            const fastml_lanes x = lanes_load(block + (ptrdiff_t)j * width + v);
            const fastml_lanes below = lanes_sub(lanes_of(box[j]), x), above = lanes_sub(x, lanes_of(box[d + j]));
            sum = reach_add(sum, lanes_max(lanes_max(below, above), zero), metric, power);
        }
        if (metric == FASTML_MINKOWSKI)
            sum = lanes_mul(sum, lanes_of(REACH_POWER_SLACK));
        lanes_store(out + v, sum);
    }
}

/* From REACH_ABREAST points of a leaf to each point of another. out: (REACH_ABREAST, REACH_WIDTH) */
FASTML_FORCED void reach_to_points(const double *from, int from_width, const int *q, const double *block, int d,
                                   int width, int metric, double power, double *out)
{
    const double *a = from + q[0], *b = from + q[1], *c = from + q[2], *e = from + q[3];
    for (int v = 0; v < width; v += FASTML_LANES) {
        fastml_lanes of_a = lanes_of(0.0), of_b = of_a, of_c = of_a, of_e = of_a;
        for (int j = 0; j < d; j++) {
            const ptrdiff_t at = (ptrdiff_t)j * from_width;
            const fastml_lanes x = lanes_load(block + (ptrdiff_t)j * width + v);
            of_a = reach_add(of_a, lanes_sub(x, lanes_of(a[at])), metric, power);
            of_b = reach_add(of_b, lanes_sub(x, lanes_of(b[at])), metric, power);
            of_c = reach_add(of_c, lanes_sub(x, lanes_of(c[at])), metric, power);
            of_e = reach_add(of_e, lanes_sub(x, lanes_of(e[at])), metric, power);
        }
        lanes_store(out + v, of_a);
        lanes_store(out + REACH_WIDTH + v, of_b);
        lanes_store(out + 2 * REACH_WIDTH + v, of_c);
        lanes_store(out + 3 * REACH_WIDTH + v, of_e);
    }
}

/* A node on the way down: nothing in it has a smaller reachability than `reach`, or is nearer than `apart`. */
struct reach_step {
    double reach, apart;
    int32_t node;
};

/* The nearer one of two nodes first; of equal ones that of the smallest row, which ends the search among equal points. */
FASTML_FORCED int reach_before(const int32_t *lowest, struct reach_step a, struct reach_step b)
{
    return a.reach != b.reach ? a.reach < b.reach
         : a.apart != b.apart ? a.apart < b.apart
                              : lowest[a.node] < lowest[b.node];
}

/* What a leaf's points still look for: anything that comes before the last of what they have. */
struct reach_last {
    double reach, apart;
    int32_t row;
};

FASTML_FORCED int reach_matters(const int32_t *lowest, struct reach_step step, struct reach_last last)
{
    return step.reach < last.reach ||
           (step.reach == last.reach &&
            (step.apart < last.apart || (step.apart == last.apart && lowest[step.node] < last.row)));
}

/* ---- k nearest ---- */

struct reach_search {
    const struct fastml_reach_tree *tree;
    const double *block, *box; /* of the leaf whose points ask */
    int32_t n, width, n_kept;
    double *distance; /* (n, n_kept) ascending */
    int32_t *who;
    double kth[REACH_WIDTH];
    struct reach_last last; /* of all points; reach and apart are the largest kth */
};

/* One point's distances to the points of a leaf: those that are nearer than the last one kept, or as near and of a
   smaller row, move in. Where the last one kept is at 0, nothing does: of points on top of each other any will do. */
FASTML_FORCED void reach_keep(struct reach_search *s, int q, const double *to, int32_t first, int n)
{
    const int kept = s->n_kept;
    const int32_t *row = s->tree->row;
    double *distance = s->distance + (ptrdiff_t)q * kept, kth = s->kth[q];
    int32_t *who = s->who + (ptrdiff_t)q * kept;
    for (int j = 0; j < n; j++) {
        if (to[j] <= kth) {
            const double x = to[j];
            int at = kept - 1;
            if (x == kth && (kth == 0.0 || (who[at] >= 0 && row[who[at]] < row[first + j])))
                continue;
            while (at > 0 && (distance[at - 1] > x || (distance[at - 1] == x && row[who[at - 1]] > row[first + j]))) {
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

/* Whether a node has a smaller row than the last one that point q keeps. */
FASTML_FORCED int reach_may_tie(const struct reach_search *s, int q, int32_t node)
{
    const int32_t who = s->who[(ptrdiff_t)q * s->n_kept + s->n_kept - 1];
    return who < 0 || s->tree->lowest[node] < s->tree->row[who];
}

FASTML_FORCED void reach_nearest_in(struct reach_search *s, int32_t leaf, int d, int metric)
{
    const struct fastml_reach_tree *t = s->tree;
    const int32_t first = fastml_reach_first(t, leaf), node = (1 << t->depth) - 1 + leaf;
    const int width = t->width, n = fastml_reach_first(t, leaf + 1) - first;
    const double *block = t->packed + (ptrdiff_t)leaf * d * width;
    double gap[REACH_WIDTH], to[REACH_ABREAST * REACH_WIDTH];
    int near[REACH_WIDTH + REACH_ABREAST], n_near = 0;
    reach_to_box(s->block, t->boxes + (ptrdiff_t)node * 2 * d, d, s->width, metric, t->metric.p, gap);
    for (int q = 0; q < s->n; q++)
        if (s->kth[q] > 0.0 && (gap[q] < s->kth[q] || (gap[q] == s->kth[q] && reach_may_tie(s, q, node))))
            near[n_near++] = q;
    if (n_near == 0)
        return;
    for (int i = 0; i < REACH_ABREAST; i++) /* the last four are filled up */
        near[n_near + i] = near[n_near - 1];
    for (int i = 0; i < n_near; i += REACH_ABREAST) {
        reach_to_points(s->block, s->width, near + i, block, d, width, metric, t->metric.p, to);
        for (int a = 0; a < REACH_ABREAST && i + a < n_near; a++)
            reach_keep(s, near[i + a], to + a * REACH_WIDTH, first, n);
    }
    s->last.reach = 0.0;
    s->last.row = -1;
    for (int q = 0; q < s->n; q++) {
        const int32_t who = s->who[(ptrdiff_t)q * s->n_kept + s->n_kept - 1], row = who < 0 ? INT32_MAX : t->row[who];
        s->last.reach = s->kth[q] > s->last.reach ? s->kth[q] : s->last.reach;
        s->last.row = s->kth[q] > 0.0 && row > s->last.row ? row : s->last.row;
    }
    s->last.apart = s->last.reach;
}

FASTML_FORCED void reach_core(const struct fastml_reach_tree *t, const struct fastml_reach_tree *from, int32_t leaf,
                              int32_t k, int32_t n_kept, int32_t n_beside, double *distance, int32_t *who,
                              double *core_out, int32_t *beside_out, int fixed_d, int metric)
{
    const int d = fixed_d ? fixed_d : t->d;
    const int32_t inner = (1 << t->depth) - 1, first = fastml_reach_first(from, leaf);
    const int32_t own = from == t ? inner + leaf : -1;
    const struct fastml_metric m = {metric, t->metric.p, NULL, NULL};
    struct reach_step stack[REACH_DEPTH];
    struct reach_search s;
    int top = 0;
    s.tree = t;
    s.block = from->packed + (ptrdiff_t)leaf * d * from->width;
    s.box = from->boxes + ((ptrdiff_t)(1 << from->depth) - 1 + leaf) * 2 * d;
    s.n = fastml_reach_first(from, leaf + 1) - first;
    s.width = from->width;
    s.n_kept = n_kept;
    s.distance = distance;
    s.who = who;
    s.last = (struct reach_last){INFINITY, INFINITY, INT32_MAX};
    for (ptrdiff_t i = 0; i < (ptrdiff_t)s.n * n_kept; i++) {
        distance[i] = INFINITY;
        who[i] = -1;
    }
    for (int q = 0; q < s.n; q++)
        s.kth[q] = INFINITY;
    if (own >= 0)
        reach_nearest_in(&s, leaf, d, metric);
    stack[top++] = (struct reach_step){0.0, 0.0, 0};
    while (top > 0 && s.last.reach > 0.0) {
        struct reach_step step = stack[--top];
        while (step.node < inner && reach_matters(t->lowest, step, s.last)) {
            const int32_t child = 2 * step.node + 1;
            const double *boxes = t->boxes + (ptrdiff_t)child * 2 * d;
            const double to_a = fastml_boxes_least(&m, s.box, boxes, d);
            const double to_b = fastml_boxes_least(&m, s.box, boxes + 2 * d, d);
            const struct reach_step a = {to_a, to_a, child}, b = {to_b, to_b, child + 1};
            const int swap = reach_before(t->lowest, b, a);
            stack[top++] = swap ? a : b;
            step = swap ? b : a;
        }
        if (step.node >= inner && step.node != own && reach_matters(t->lowest, step, s.last))
            reach_nearest_in(&s, step.node - inner, d, metric);
    }
    for (int q = 0; q < s.n; q++) {
        int32_t *out = beside_out + (ptrdiff_t)(first + q) * n_beside;
        int n_out = 0;
        core_out[first + q] = distance[(ptrdiff_t)q * n_kept + k - 1];
        for (int i = 0; i < n_kept && n_out < n_beside; i++)
            if (own < 0 || who[(ptrdiff_t)q * n_kept + i] != first + q)
                out[n_out++] = who[(ptrdiff_t)q * n_kept + i];
    }
}

/* ---- nearest outside of a component ---- */

struct reach_outside {
    const struct fastml_reach_tree *tree;
    const struct fastml_reach_state *state;
    const double *block, *box;
    int32_t first, n, width, component; /* component: the one of all that are needed, or -2 */
    uint8_t needed[REACH_WIDTH];
    double limit[REACH_WIDTH]; /* nothing beyond matters */
    double best[REACH_WIDTH], length[REACH_WIDTH];
    int32_t who[REACH_WIDTH];
    double least_core;
    struct reach_last last; /* of all points; its reach is the largest limit */
};

/* One point's distances to the points of a leaf, of which those outside are compared with its best. */
FASTML_FORCED void reach_compare(struct reach_outside *s, int q, double *to, int32_t first, int n)
{
    const struct fastml_reach_state *state = s->state;
    const int32_t *row = s->tree->row, *component = state->component + first;
    const int32_t place = s->first + q, own = state->own_component[place];
    const double *core = state->core + first, own_core = state->own_core[place], scale = s->tree->scale;
    double limit = s->limit[q], least = INFINITY;
    for (int j = 0; j < n; j++) {
        double x = to[j] * scale;
        to[j] = x;
        x = core[j] > x ? core[j] : x;
        x = component[j] == own ? INFINITY : x;
        least = x < least ? x : least;
    }
    if (!(least <= limit))
        return;
    for (int j = 0; j < n; j++) {
        double reach = to[j] > core[j] ? to[j] : core[j];
        reach = own_core > reach ? own_core : reach;
        if (reach <= limit && component[j] != own &&
            (reach < s->best[q] ||
             (reach == s->best[q] && (to[j] < s->length[q] || s->who[q] < 0 ||
                                      (to[j] == s->length[q] && row[first + j] < row[s->who[q]]))))) {
            s->best[q] = reach;
            s->length[q] = to[j];
            s->who[q] = first + j;
        }
    }
    if (s->best[q] < limit) {
        s->limit[q] = s->best[q];
        fastml_reach_lower(state->bound + own, s->best[q]);
    }
}

FASTML_FORCED void reach_note_last(struct reach_outside *s)
{
    s->last = (struct reach_last){-1.0, -1.0, -1};
    for (int q = 0; q < s->n; q++) {
        if (!s->needed[q])
            continue;
        const int32_t row = s->who[q] < 0 ? INT32_MAX : s->tree->row[s->who[q]];
        s->last.reach = s->limit[q] > s->last.reach ? s->limit[q] : s->last.reach;
        s->last.apart = s->length[q] > s->last.apart ? s->length[q] : s->last.apart;
        s->last.row = row > s->last.row ? row : s->last.row;
    }
}

FASTML_FORCED void reach_outside_in(struct reach_outside *s, int32_t leaf, int d, int metric)
{
    const struct fastml_reach_tree *t = s->tree;
    const struct fastml_reach_state *state = s->state;
    const int32_t first = fastml_reach_first(t, leaf), node = (1 << t->depth) - 1 + leaf;
    const int width = t->width, n = fastml_reach_first(t, leaf + 1) - first;
    const double *block = t->packed + (ptrdiff_t)leaf * d * width;
    double gap[REACH_WIDTH], to[REACH_ABREAST * REACH_WIDTH];
    int near[REACH_WIDTH + REACH_ABREAST], n_near = 0;
    reach_to_box(s->block, t->boxes + (ptrdiff_t)node * 2 * d, d, s->width, metric, t->metric.p, gap);
    for (int q = 0; q < s->n; q++) {
        if (!s->needed[q])
            continue;
        const int32_t own = state->own_component[s->first + q];
        const double own_core = state->own_core[s->first + q], bound = fastml_reach_load(state->bound + own);
        double nearest = gap[q] * t->scale > own_core ? gap[q] * t->scale : own_core;
        nearest = state->node_core[node] > nearest ? state->node_core[node] : nearest;
        s->limit[q] = bound < s->limit[q] ? bound : s->limit[q];
        if (s->limit[q] > 0.0 && nearest <= s->limit[q] && state->node_component[node] != own &&
            (nearest < s->best[q] || s->who[q] < 0 || gap[q] * t->scale < s->length[q] ||
             (gap[q] * t->scale == s->length[q] && t->lowest[node] < t->row[s->who[q]])))
            near[n_near++] = q;
    }
    for (int i = 0; i < REACH_ABREAST && n_near > 0; i++)
        near[n_near + i] = near[n_near - 1];
    for (int i = 0; i < n_near; i += REACH_ABREAST) {
        reach_to_points(s->block, s->width, near + i, block, d, width, metric, t->metric.p, to);
        for (int a = 0; a < REACH_ABREAST && i + a < n_near; a++)
            reach_compare(s, near[i + a], to + a * REACH_WIDTH, first, n);
    }
    reach_note_last(s);
}

FASTML_FORCED struct reach_step reach_seen(const struct reach_outside *s, int32_t node, int d, int metric)
{
    const struct fastml_reach_tree *t = s->tree;
    const struct fastml_metric m = {metric, t->metric.p, NULL, NULL};
    struct reach_step step = {INFINITY, INFINITY, node};
    if (s->state->node_component[node] != s->component) {
        const double core = s->state->node_core[node];
        step.apart = fastml_boxes_least(&m, s->box, t->boxes + (ptrdiff_t)node * 2 * d, d) * t->scale;
        step.reach = core > step.apart ? core : step.apart;
        step.reach = s->least_core > step.reach ? s->least_core : step.reach;
    }
    return step;
}

FASTML_FORCED void reach_outside_of(const struct fastml_reach_tree *t, const struct fastml_reach_tree *from,
                                    const struct fastml_reach_state *state, int32_t leaf, const uint8_t *needed,
                                    int fixed_d, int metric)
{
    const int d = fixed_d ? fixed_d : t->d;
    const int32_t inner = (1 << t->depth) - 1, first = fastml_reach_first(from, leaf);
    const int32_t own_leaf = from == t ? inner + leaf : -1;
    struct reach_step stack[REACH_DEPTH];
    struct reach_outside s;
    int top = 0;
    s.tree = t;
    s.state = state;
    s.block = from->packed + (ptrdiff_t)leaf * d * from->width;
    s.box = from->boxes + ((ptrdiff_t)(1 << from->depth) - 1 + leaf) * 2 * d;
    s.first = first;
    s.n = fastml_reach_first(from, leaf + 1) - first;
    s.width = from->width;
    s.component = -1;
    s.least_core = INFINITY;
    for (int q = 0; q < s.n; q++) {
        const int32_t own = state->own_component[first + q];
        s.needed[q] = needed[q];
        s.best[q] = s.length[q] = INFINITY;
        s.who[q] = -1;
        s.limit[q] = fastml_reach_load(state->bound + own);
        if (!needed[q])
            continue;
        s.component = s.component == -1 || s.component == own ? own : -2;
        s.least_core = state->own_core[first + q] < s.least_core ? state->own_core[first + q] : s.least_core;
    }
    reach_note_last(&s);
    if (own_leaf >= 0 && state->node_component[own_leaf] < 0)
        reach_outside_in(&s, leaf, d, metric);
    stack[top++] = (struct reach_step){0.0, 0.0, 0};
    while (top > 0 && s.last.reach > 0.0) {
        struct reach_step step = stack[--top];
        while (step.node < inner && reach_matters(t->lowest, step, s.last)) {
            const struct reach_step a = reach_seen(&s, 2 * step.node + 1, d, metric);
            const struct reach_step b = reach_seen(&s, 2 * step.node + 2, d, metric);
            const int swap = reach_before(t->lowest, b, a);
            stack[top++] = swap ? a : b;
            step = swap ? b : a;
        }
        if (step.node >= inner && step.node != own_leaf && reach_matters(t->lowest, step, s.last) &&
            state->node_component[step.node] != s.component)
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

#define REACH_CASES(t, call)                                    \
    switch ((t)->metric.kind) {                                 \
    case FASTML_EUCLIDEAN:                                      \
        if ((t)->d == 2) {                                      \
            call(2, FASTML_EUCLIDEAN);                          \
        } else if ((t)->d == 3) {                               \
            call(3, FASTML_EUCLIDEAN);                          \
        } else {                                                \
            call(0, FASTML_EUCLIDEAN);                          \
        }                                                       \
        break;                                                  \
    case FASTML_MANHATTAN: call(0, FASTML_MANHATTAN); break;    \
    case FASTML_CHEBYSHEV: call(0, FASTML_CHEBYSHEV); break;    \
    default: call(0, FASTML_MINKOWSKI);                         \
    }

static void core_distances(const struct fastml_reach_tree *tree, const struct fastml_reach_tree *from, int32_t leaf,
                           int32_t k, int32_t n_kept, int32_t n_beside, double *distance, int32_t *who,
                           double *core_out, int32_t *beside_out)
{
#define REACH_CALL(d, m) reach_core(tree, from, leaf, k, n_kept, n_beside, distance, who, core_out, beside_out, d, m)
    REACH_CASES(tree, REACH_CALL)
#undef REACH_CALL
}

static void nearest_outside(const struct fastml_reach_tree *tree, const struct fastml_reach_tree *from,
                            const struct fastml_reach_state *state, int32_t leaf, const uint8_t *needed)
{
#define REACH_CALL(d, m) reach_outside_of(tree, from, state, leaf, needed, d, m)
    REACH_CASES(tree, REACH_CALL)
#undef REACH_CALL
}

/* The reduced distance of two places in different leaves or one. */
static double reach_distance(const struct fastml_reach_tree *t, int32_t leaf_a, int32_t a, int32_t leaf_b, int32_t b)
{
    const double *x = t->packed + (ptrdiff_t)leaf_a * t->d * t->width + (a - fastml_reach_first(t, leaf_a));
    const double *y = t->packed + (ptrdiff_t)leaf_b * t->d * t->width + (b - fastml_reach_first(t, leaf_b));
    double sum = 0.0;
    for (int j = 0; j < t->d; j++)
        sum = fastml_add_term(&t->metric, sum, x[(ptrdiff_t)j * t->width] - y[(ptrdiff_t)j * t->width], j);
    return sum;
}

const struct fastml_reach_kernels FASTML_NAME(fastml_reach_kernels) = {
    .core_distances = core_distances,
    .nearest_outside = nearest_outside,
    .distance = reach_distance,
};
