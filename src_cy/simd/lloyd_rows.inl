/* Rows of X, of float32, float64 or bytes: what their columns hold, exact distances, exact sums. */

#include "exact_distance.inl"

enum { LLOYD_STRIP = 256 };

/* Smallest, largest and sum of each column over rows first..first+n. Where rows are narrow, as many as fill a strip are
   read as one: a strip's place r * d + j belongs to column j. */
static void column_stats(const void *x, int kind, ptrdiff_t first, ptrdiff_t n, ptrdiff_t d, double *min_out,
                         double *max_out, double *sum_out)
{
    const ptrdiff_t together = d < LLOYD_STRIP ? LLOYD_STRIP / d : 1;
    ptrdiff_t i, j, from;
    for (j = 0; j < d; j++) {
        min_out[j] = HUGE_VAL;
        max_out[j] = -HUGE_VAL;
        sum_out[j] = 0.0;
    }
    for (from = 0; from < d; from += LLOYD_STRIP) {
        const ptrdiff_t width = together > 1 ? together * d : (d - from < LLOYD_STRIP ? d - from : LLOYD_STRIP);
        const ptrdiff_t steps = n / together;
        double least[LLOYD_STRIP], most[LLOYD_STRIP], sum[LLOYD_STRIP];
        for (j = 0; j < width; j++) {
            least[j] = HUGE_VAL;
            most[j] = -HUGE_VAL;
            sum[j] = 0.0;
        }
        LLOYD_TYPED(kind, {
            const real *own = (const real *)x + first * d + from;
            for (i = 0; i < steps; i++, own += together * d)
                for (j = 0; j < width; j++) {
                    const double v = (double)own[j];
                    least[j] = v < least[j] ? v : least[j];
                    most[j] = v > most[j] ? v : most[j];
                    sum[j] += v;
                }
            for (i = 0; i < (n - steps * together) * d; i++) { /* only where rows are read together */
                const double v = (double)own[i];
                least[i] = v < least[i] ? v : least[i];
                most[i] = v > most[i] ? v : most[i];
                sum[i] += v;
            }
        })
        for (j = 0; j < width; j++) {
            const ptrdiff_t column = from + (together > 1 ? j % d : j);
            min_out[column] = least[j] < min_out[column] ? least[j] : min_out[column];
            max_out[column] = most[j] > max_out[column] ? most[j] : max_out[column];
            sum_out[column] += sum[j];
        }
    }
}

/* sum_out[j] = sum of (x - mean)^2 over rows first..first+n. */
static void column_squares(const void *x, int kind, ptrdiff_t first, ptrdiff_t n, ptrdiff_t d, const double *mean,
                           double *sum_out)
{
    ptrdiff_t i, j, from;
    for (from = 0; from < d; from += LLOYD_STRIP) {
        const ptrdiff_t width = d - from < LLOYD_STRIP ? d - from : LLOYD_STRIP;
        double sum[LLOYD_STRIP] = {0};
        LLOYD_TYPED(kind, {
            const real *own = (const real *)x + first * d + from;
            for (i = 0; i < n; i++, own += d)
                for (j = 0; j < width; j++) {
                    const double v = (double)own[j] - mean[from + j];
                    sum[j] += v * v;
                }
        })
        for (j = 0; j < width; j++)
            sum_out[from + j] = sum[j];
    }
}

#define LLOYD_ROUND_BITS 0x4338000000000000LL /* of LLOYD_ROUND */
#define LLOYD_ROUND 6755399441055744.0 /* 1.5 * 2^52: added to a number below 2^51, it leaves the integer in the low bits */

/* sums += sign * the row in fixed point; sign is 1 or -1. */
static void add_row(const struct fastml_points *points, ptrdiff_t row, int64_t check, int64_t sign, int64_t *sums)
{
    const ptrdiff_t d = points->d;
    const double weight = points->weight == NULL ? 1.0 : points->weight[row];
    const double *offset = points->offset, *scale = points->scale;
    ptrdiff_t from, j;
    for (from = 0; from < d; from += 64) {
        const ptrdiff_t width = d - from < 64 ? d - from : 64;
        double rounded[64];
        int64_t bits[64];
        LLOYD_TYPED(points->kind, {
            const real *own = (const real *)points->x + row * d + from;
            if (points->weight == NULL)
                for (j = 0; j < width; j++)
                    rounded[j] = ((double)own[j] - offset[from + j]) * scale[from + j] + LLOYD_ROUND;
            else
                for (j = 0; j < width; j++)
                    rounded[j] = ((double)own[j] - offset[from + j]) * weight * scale[from + j] + LLOYD_ROUND;
        })
        memcpy(bits, rounded, (size_t)width * sizeof(double));
        if (sign > 0)
            for (j = 0; j < width; j++)
                sums[from + j] += bits[j] - LLOYD_ROUND_BITS;
        else
            for (j = 0; j < width; j++)
                sums[from + j] -= bits[j] - LLOYD_ROUND_BITS;
    }
    {
        const double rounded = weight * points->weight_scale + LLOYD_ROUND;
        int64_t bits;
        memcpy(&bits, &rounded, sizeof(double));
        sums[d] += sign * (bits - LLOYD_ROUND_BITS);
    }
    sums[d + 1] = (int64_t)((uint64_t)sums[d + 1] + (uint64_t)(sign * check));
}
