/* Searches over a kd-tree, all points of a leaf together; see reachability.h.

   The way down the tree is walked once for a leaf's box and not for each of its points; then a point looks at a leaf if
   it is nearer than what the point has, four points at a time. Limit: a difference, a square and a sum for each pair and
   column, 8 pairs a vector of 512 bits; 1 cycle a vector and column. A sum's order is that of the columns, and its lanes
   are points: bits do not depend on the instruction set, and a box is never farther, not even by rounding, than a point
   in it. */
#include <math.h>

#include "lanes.inl"
#include "reachability.h"

#define REACH_WIDTH FASTML_REACH_WIDTH
#define REACH_DEPTH 64
#define REACH_ABREAST 4

/* pow() errs by its last bits, so a box may seem farther than a point in it. */
#define REACH_POWER_SLACK (1.0 - 1e-14)

ALWAYS_INLINE lanes reach_add(lanes sum, lanes apart, int metric, double power)
{
    double terms[LANES];
    switch (metric) {
    case FASTML_EUCLIDEAN:
        return lanes_add(sum, lanes_mul(apart, apart));
    case FASTML_MANHATTAN:
        return lanes_add(sum, lanes_abs(apart));
    case FASTML_CHEBYSHEV:
        return lanes_max(lanes_abs(apart), sum);
    default:
        lanes_store(terms, apart);
        for (int l = 0; l < LANES; l++)
            terms[l] = pow(fabs(terms[l]), power);
        return lanes_add(sum, lanes_load(terms));
    }
}

/* From each point of a leaf to a box. */
ALWAYS_INLINE void reach_to_box(const double *block, const double *box, int d, int width, int metric, double power,
                                double *out)
{
    const lanes zero = lanes_set(0.0);
    for (int v = 0; v < width; v += LANES) {
        lanes sum = zero;
        for (int j = 0; j < d; j++) {
            const lanes x = lanes_load(block + (ptrdiff_t)j * width + v);
            const lanes below = lanes_sub(lanes_set(box[j]), x), above = lanes_sub(x, lanes_set(box[d + j]));
            sum = reach_add(sum, lanes_max(lanes_max(below, above), zero), metric, power);
        }
        if (metric == FASTML_MINKOWSKI)
            sum = lanes_mul(sum, lanes_set(REACH_POWER_SLACK));
        lanes_store(out + v, sum);
    }
}

/* From REACH_ABREAST points of a leaf to each point of another. out: (REACH_ABREAST, REACH_WIDTH) */
ALWAYS_INLINE void reach_to_points(const double *from, int from_width, const int *q, const double *block, int d,
                                   int width, int metric, double power, double *out)
{
    const double *a = from + q[0], *b = from + q[1], *c = from + q[2], *e = from + q[3];
    for (int v = 0; v < width; v += LANES) {
        lanes of_a = lanes_set(0.0), of_b = of_a, of_c = of_a, of_e = of_a;
        for (int j = 0; j < d; j++) {
            const ptrdiff_t at = (ptrdiff_t)j * from_width;
            const lanes x = lanes_load(block + (ptrdiff_t)j * width + v);
            of_a = reach_add(of_a, lanes_sub(x, lanes_set(a[at])), metric, power);
            of_b = reach_add(of_b, lanes_sub(x, lanes_set(b[at])), metric, power);
            of_c = reach_add(of_c, lanes_sub(x, lanes_set(c[at])), metric, power);
            of_e = reach_add(of_e, lanes_sub(x, lanes_set(e[at])), metric, power);
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
ALWAYS_INLINE int reach_before(const int32_t *lowest, struct reach_step a, struct reach_step b)
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

ALWAYS_INLINE int reach_matters(const int32_t *lowest, struct reach_step step, struct reach_last last)
{
    return step.reach < last.reach ||
           (step.reach == last.reach &&
            (step.apart < last.apart || (step.apart == last.apart && lowest[step.node] < last.row)));
}

#include "reach_nearest.inl"
#include "reach_outside.inl"

/* By metric, and by the number of columns where few of them are worth unrolled loops. */


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
