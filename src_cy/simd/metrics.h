/* Distances between two rows, and between rows and boxes: what every engine of neighbours means by a metric.

   A reduced distance orders pairs as the distance does and is cheaper: the square for Euclidean ones, the sum of powers
   for Minkowski's, the sine's square for the haversine. Terms are added in the order of the columns, so that numbers are
   those of the plain loop, bit for bit, and a box's bound never passes the distance to a point in it. */
#ifndef FASTML_METRICS_H
#define FASTML_METRICS_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

/* The first FASTML_N_BOXED kinds have bounds by boxes. */
enum {
    FASTML_EUCLIDEAN,
    FASTML_MANHATTAN,
    FASTML_CHEBYSHEV,
    FASTML_MINKOWSKI,   /* sum w |a - b|^p, p >= 1 */
    FASTML_SEUCLIDEAN,  /* sum (a - b)^2 / weight */
    FASTML_N_BOXED,
    FASTML_MAHALANOBIS = FASTML_N_BOXED, /* (a - b)' weight (a - b) */
    FASTML_HAVERSINE,                    /* columns are latitude and longitude, radians */
    FASTML_HAMMING,
    FASTML_CANBERRA,
    FASTML_BRAYCURTIS,
    FASTML_JACCARD, /* from here on a value is true if it is not 0 */
    FASTML_DICE,
    FASTML_ROGERSTANIMOTO,
    FASTML_RUSSELLRAO,
    FASTML_SOKALSNEATH,
    FASTML_OWN, /* a user's function */
    FASTML_N_METRICS
};

/* The distance between rows a and b of d numbers; a compiled function of the user's has this shape. */
typedef double (*fastml_row_distance)(const double *a, const double *b, ptrdiff_t d);

struct fastml_metric {
    int32_t kind;
    double p;             /* of FASTML_MINKOWSKI */
    const double *weight; /* (d,) of FASTML_MINKOWSKI (or NULL) and FASTML_SEUCLIDEAN, (d, d) of FASTML_MAHALANOBIS */
    fastml_row_distance own;
};

/* total with the term of column c, whose values differ by `apart`; for the kinds with boxes. */
static inline double fastml_add_term(const struct fastml_metric *m, double total, double apart, ptrdiff_t c)
{
    switch (m->kind) {
    case FASTML_EUCLIDEAN:
        return total + apart * apart;
    case FASTML_MANHATTAN:
        return total + fabs(apart);
    case FASTML_CHEBYSHEV:
        return fabs(apart) > total ? fabs(apart) : total;
    case FASTML_SEUCLIDEAN:
        return total + apart * apart / m->weight[c];
    default:
        if (m->weight == NULL)
            return total + pow(fabs(apart), m->p);
        return m->weight[c] == 0.0 ? total : total + m->weight[c] * pow(fabs(apart), m->p);
    }
}

static inline double fastml_haversine_reduced(const double *a, const double *b)
{
    const double up = sin(0.5 * (a[0] - b[0])), along = sin(0.5 * (a[1] - b[1]));
    return up * up + cos(a[0]) * cos(b[0]) * along * along;
}

/* Of two rows, read as truths where kind >= FASTML_JACCARD. */
static inline double fastml_counted(int32_t kind, const double *a, const double *b, ptrdiff_t d)
{
    double both = 0.0, one = 0.0, sum = 0.0, of_all = (double)d;
    ptrdiff_t c;
    switch (kind) {
    case FASTML_HAMMING:
        for (c = 0; c < d; c++)
            one += a[c] != b[c];
        return one / of_all;
    case FASTML_CANBERRA:
        for (c = 0; c < d; c++) {
            const double size = fabs(a[c]) + fabs(b[c]);
            if (size > 0.0)
                sum += fabs(a[c] - b[c]) / size;
        }
        return sum;
    case FASTML_BRAYCURTIS:
        for (c = 0; c < d; c++) {
            one += fabs(a[c] - b[c]);
            sum += fabs(a[c]) + fabs(b[c]);
        }
        return sum > 0.0 ? one / sum : 0.0;
    default:
        break;
    }
    for (c = 0; c < d; c++) {
        both += a[c] != 0.0 && b[c] != 0.0;
        one += (a[c] != 0.0) != (b[c] != 0.0);
    }
    switch (kind) {
    case FASTML_JACCARD:
        return one > 0.0 ? one / (both + one) : 0.0;
    case FASTML_DICE:
        return one > 0.0 ? one / (2.0 * both + one) : 0.0;
    case FASTML_ROGERSTANIMOTO:
        return 2.0 * one / (of_all + one);
    case FASTML_RUSSELLRAO:
        return (of_all - both) / of_all;
    default: /* FASTML_SOKALSNEATH */
        return one > 0.0 ? one / (0.5 * both + one) : 0.0;
    }
}

/* The reduced distance between rows a and b of d numbers. */
static inline double fastml_reduced(const struct fastml_metric *m, const double *a, const double *b, ptrdiff_t d)
{
    double total = 0.0, inner;
    ptrdiff_t c, e;
    if (m->kind < FASTML_N_BOXED) {
        for (c = 0; c < d; c++)
            total = fastml_add_term(m, total, a[c] - b[c], c);
        return total;
    }
    if (m->kind == FASTML_OWN)
        return m->own(a, b, d);
    if (m->kind == FASTML_HAVERSINE)
        return fastml_haversine_reduced(a, b);
    if (m->kind != FASTML_MAHALANOBIS)
        return fastml_counted(m->kind, a, b, d);
    for (c = 0; c < d; c++) {
        inner = 0.0;
        for (e = 0; e < d; e++)
            inner += m->weight[c * d + e] * (a[e] - b[e]);
        total += inner * (a[c] - b[c]);
    }
    return total;
}

static inline double fastml_distance_of(const struct fastml_metric *m, double reduced)
{
    switch (m->kind) {
    case FASTML_EUCLIDEAN:
    case FASTML_SEUCLIDEAN:
        return sqrt(reduced);
    case FASTML_MAHALANOBIS:
        return sqrt(reduced > 0.0 ? reduced : 0.0);
    case FASTML_MINKOWSKI:
        return pow(reduced, 1.0 / m->p);
    case FASTML_HAVERSINE:
        return 2.0 * asin(sqrt(reduced < 1.0 ? reduced : 1.0));
    default:
        return reduced;
    }
}

/* A radius on the reduced scale: as the distance itself is reduced, so that a radius that is a distance finds its pair
   but for rounding. */
static inline double fastml_reduced_of(const struct fastml_metric *m, double distance)
{
    switch (m->kind) {
    case FASTML_EUCLIDEAN:
    case FASTML_SEUCLIDEAN:
    case FASTML_MAHALANOBIS:
        return distance * distance;
    case FASTML_MINKOWSKI:
        return pow(distance, m->p);
    case FASTML_HAVERSINE: {
        const double half = sin(0.5 * distance);
        return distance >= 3.141592653589793 ? INFINITY : half * half; /* rounding takes some pairs past 1 */
    }
    default:
        return distance;
    }
}

/* The least and the largest reduced distance from x to a point of the box. box : (2, d), lower and upper corner.
   powers in the C library are not always monotone in the last bit: Minkowski's bounds give way by a little. */
static inline double fastml_box_least(const struct fastml_metric *m, const double *x, const double *box, ptrdiff_t d)
{
    double total = 0.0, below, above;
    for (ptrdiff_t c = 0; c < d; c++) {
        below = box[c] - x[c];
        above = x[c] - box[d + c];
        above = above > below ? above : below;
        if (above > 0.0)
            total = fastml_add_term(m, total, above, c);
    }
    return m->kind == FASTML_MINKOWSKI ? total * (1.0 - 1e-14) : total;
}

static inline double fastml_box_most(const struct fastml_metric *m, const double *x, const double *box, ptrdiff_t d)
{
    double total = 0.0, below, above;
    for (ptrdiff_t c = 0; c < d; c++) {
        below = box[d + c] - x[c];
        above = x[c] - box[c];
        total = fastml_add_term(m, total, above > below ? above : below, c);
    }
    return m->kind == FASTML_MINKOWSKI ? total * (1.0 + 1e-14) : total;
}

/* The least reduced distance between points of two boxes. */
static inline double fastml_boxes_least(const struct fastml_metric *m, const double *a, const double *b, ptrdiff_t d)
{
    double total = 0.0, below, above;
    for (ptrdiff_t c = 0; c < d; c++) {
        below = b[c] - a[d + c];
        above = a[c] - b[d + c];
        above = above > below ? above : below;
        if (above > 0.0)
            total = fastml_add_term(m, total, above, c);
    }
    return m->kind == FASTML_MINKOWSKI ? total * (1.0 - 1e-14) : total;
}

/* The largest reduced distance between points of two boxes. */
static inline double fastml_boxes_most(const struct fastml_metric *m, const double *a, const double *b, ptrdiff_t d)
{
    double total = 0.0, below, above;
    for (ptrdiff_t c = 0; c < d; c++) {
        below = b[d + c] - a[c];
        above = a[d + c] - b[c];
        total = fastml_add_term(m, total, above > below ? above : below, c);
    }
    return m->kind == FASTML_MINKOWSKI ? total * (1.0 + 1e-14) : total;
}

#endif
