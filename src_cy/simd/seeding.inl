/* k-means++: see seeding.h.

   Limit: 3 operations for each point, candidate and column while all points may change, 8 of them an instruction. From
   then on a block is left out when its box is farther from the candidate than its farthest point from its own centre;
   rounding is monotone and boxes are measured in the order of the columns as points are, so that no such point could
   have changed by a bit. What remains is the boxes: 5 operations for each of n / 64, candidate and column. In many
   dimensions a row is left out when the candidate is more than twice as far from its centre as the row itself
   (Elkan 2003, lemma 1). */
#include "seeding.h"
#include "exact_distance.inl"

#define SEED_TWICE_SQ (4.0 * (1.0 + 1e-6)) /* squared, with room for rounding */

enum { SEED_STRIP = 64 }; /* columns between two looks at whether a distance is too long already */

static double seed_add_lanes(const double *sum)
{
    return ((sum[0] + sum[4]) + (sum[2] + sum[6])) + ((sum[1] + sum[5]) + (sum[3] + sum[7]));
}

/* Squared distances of the point to boxes first..first+n. */
static void seed_gaps(const struct fastml_seed_blocks *points, ptrdiff_t first, ptrdiff_t n, const double *point,
                      double *gap_out)
{
    ptrdiff_t i, j;
    for (i = 0; i < n; i++)
        gap_out[i] = 0.0;
    for (j = 0; j < points->d; j++) {
        const double *low = points->low + j * points->n_blocks + first;
        const double *high = points->high + j * points->n_blocks + first;
        const double c = point[j];
        for (i = 0; i < n; i++) {
            const double below = low[i] - c, above = c - high[i];
            double gap = below > above ? below : above;
            gap = gap > 0.0 ? gap : 0.0;
            gap_out[i] += gap * gap;
        }
    }
}

static void seed_distances(const struct fastml_seed_blocks *points, ptrdiff_t block, const double *point,
                           double *sq_out)
{
    ptrdiff_t j, l;
    for (l = 0; l < FASTML_SEED_LANES; l++)
        sq_out[l] = 0.0;
    LLOYD_TYPED(points->kind, {
        const real *own = (const real *)points->x + block * points->d * FASTML_SEED_LANES;
        for (j = 0; j < points->d; j++) {
            const double c = point[j];
            for (l = 0; l < FASTML_SEED_LANES; l++) {
                const double v = (double)own[j * FASTML_SEED_LANES + l] - c;
                sq_out[l] += v * v;
            }
        }
    })
}

static void gains_of_blocks(const struct fastml_seed_blocks *points, ptrdiff_t first, ptrdiff_t n,
                            const double *candidates, ptrdiff_t n_candidates, double *gain_out)
{
    double gap[FASTML_SEED_LANES], sq[FASTML_SEED_LANES];
    ptrdiff_t c, i, l, v;
    for (c = 0; c < n_candidates; c++) {
        const double *candidate = candidates + c * points->d;
        double sum[8] = {0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0};
        seed_gaps(points, first, n, candidate, gap);
        for (i = 0; i < n; i++) {
            const double *nearest = points->nearest + (first + i) * FASTML_SEED_LANES;
            if (!(gap[i] < points->farthest[first + i]))
                continue;
            seed_distances(points, first + i, candidate, sq);
            for (l = 0; l < FASTML_SEED_LANES; l++) {
                const double fall = nearest[l] - sq[l];
                sq[l] = fall > 0.0 ? fall : 0.0;
            }
            if (points->weight != NULL) {
                const double *weight = points->weight + (first + i) * FASTML_SEED_LANES;
                for (l = 0; l < FASTML_SEED_LANES; l++)
                    sq[l] *= weight[l];
            }
            for (v = 0; v < FASTML_SEED_LANES; v += 8)
                for (l = 0; l < 8; l++)
                    sum[l] += sq[v + l];
        }
        gain_out[c] = seed_add_lanes(sum);
    }
}

static void lower_blocks(const struct fastml_seed_blocks *points, ptrdiff_t first, ptrdiff_t n, const double *centre,
                         const uint32_t *row_of, double *nearest_by_row, uint8_t *changed)
{
    double gap[FASTML_SEED_LANES], sq[FASTML_SEED_LANES];
    ptrdiff_t i, l;
    seed_gaps(points, first, n, centre, gap);
    for (i = 0; i < n; i++) {
        const ptrdiff_t at = (first + i) * FASTML_SEED_LANES;
        double *nearest = points->nearest + at, most = 0.0;
        if (!(gap[i] < points->farthest[first + i]))
            continue;
        seed_distances(points, first + i, centre, sq);
        for (l = 0; l < FASTML_SEED_LANES; l++) {
            if (sq[l] < nearest[l]) {
                const uint32_t row = row_of[at + l];
                nearest[l] = nearest_by_row[row] = sq[l];
                changed[row / FASTML_SEED_CHUNK] = 1;
            }
            most = nearest[l] > most ? nearest[l] : most;
        }
        points->farthest[first + i] = most;
    }
}

/* As squared_distance, but where the sum over the first columns reaches the limit, that sum: sums of squares only grow,
   and so does what they are rounded to. */
static double seed_distance_below(const void *x, int kind, ptrdiff_t row, ptrdiff_t d, const double *point,
                                  double limit)
{
    double sum[8] = {0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0};
    ptrdiff_t from = 0, j, l;
    LLOYD_TYPED(kind, {
        const real *own = (const real *)x + row * d;
        for (; from + SEED_STRIP <= d; from += SEED_STRIP) {
            double so_far;
            for (j = from; j < from + SEED_STRIP; j += 8)
                for (l = 0; l < 8; l++) {
                    const double v = (double)own[j + l] - point[j + l];
                    sum[l] += v * v;
                }
            so_far = seed_add_lanes(sum);
            if (so_far >= limit)
                return so_far;
        }
        for (j = from; j + 8 <= d; j += 8)
            for (l = 0; l < 8; l++) {
                const double v = (double)own[j + l] - point[j + l];
                sum[l] += v * v;
            }
        for (l = 0; l < d - j; l++) {
            const double v = (double)own[j + l] - point[j + l];
            sum[l] += v * v;
        }
    })
    return seed_add_lanes(sum);
}

static void gains_of_rows(const struct fastml_seed_rows *points, ptrdiff_t first, ptrdiff_t n,
                          const double *candidates, ptrdiff_t n_candidates, const double *between, ptrdiff_t stride,
                          double *gain_out)
{
    ptrdiff_t c, i;
    for (c = 0; c < n_candidates; c++)
        gain_out[c] = 0.0;
    for (i = first; i < first + n; i++) {
        const double nearest = points->nearest[i], weight = points->weight == NULL ? 1.0 : points->weight[i];
        const double *own = between + points->label[i];
        for (c = 0; c < n_candidates; c++) {
            double sq;
            if (own[c * stride] >= SEED_TWICE_SQ * nearest)
                continue;
            sq = seed_distance_below(points->x, points->kind, i, points->d, candidates + c * points->d, nearest);
            if (sq < nearest)
                gain_out[c] += weight * (nearest - sq);
        }
    }
}

static void lower_rows(const struct fastml_seed_rows *points, ptrdiff_t first, ptrdiff_t n, const double *centre,
                       const double *between, int32_t number)
{
    ptrdiff_t i;
    for (i = first; i < first + n; i++) {
        double sq;
        if (number > 0 && between[points->label[i]] >= SEED_TWICE_SQ * points->nearest[i])
            continue;
        sq = seed_distance_below(points->x, points->kind, i, points->d, centre, points->nearest[i]);
        if (sq < points->nearest[i]) {
            points->nearest[i] = sq;
            points->label[i] = number;
        }
    }
}

static double weighted_sum(const double *sq, const double *weight, ptrdiff_t n)
{
    double sum[8] = {0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0};
    ptrdiff_t i, l;
    for (i = 0; i + 8 <= n; i += 8)
        for (l = 0; l < 8; l++)
            sum[l] += weight == NULL ? sq[i + l] : sq[i + l] * weight[i + l];
    for (l = 0; l < n - i; l++)
        sum[l] += weight == NULL ? sq[i + l] : sq[i + l] * weight[i + l];
    return seed_add_lanes(sum);
}

const struct fastml_seeding_kernels FASTML_NAME(fastml_seeding_kernels) = {
    .gains_of_blocks = gains_of_blocks,
    .lower_blocks = lower_blocks,
    .gains_of_rows = gains_of_rows,
    .lower_rows = lower_rows,
    .weighted_sum = weighted_sum,
};
