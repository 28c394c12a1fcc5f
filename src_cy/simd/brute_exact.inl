/* Distances of pairs, evaluated in float64 from the rows themselves, terms in the order of the columns: the numbers that
   trees give, bit for bit. What the screen lets through comes here. */

enum { EXACT_AT_ONCE = 4, EXACT_STEP = 32 };

static inline double brute_value(const struct fastml_brute_rows *rows, ptrdiff_t at)
{
    return rows->single != NULL ? (double)rows->single[at] : rows->wide[at];
}

/* Row i as float64; of the cosine, at length 1. */
static void brute_read(const struct fastml_brute_rows *rows, ptrdiff_t i, double *out)
{
    const double by = rows->inverse_norm != NULL ? rows->inverse_norm[i] : 1.0;
    for (ptrdiff_t c = 0; c < rows->d; c++)
        out[c] = brute_value(rows, i * rows->d + c) * by;
}

/* Four sums of squares side by side, for one waits for its last addition; none goes on once all are beyond the bound.
   rows : one of the two is read, by `wide`. */
#define EXACT_SQUARES(TYPE, name)                                                                                       \
    static void name(const TYPE *const *rows, const double *by, const double *query, ptrdiff_t d, double bound,         \
                     double *out)                                                                                       \
    {                                                                                                                   \
        const TYPE *r0 = rows[0], *r1 = rows[1], *r2 = rows[2], *r3 = rows[3];                                          \
        double s0 = 0.0, s1 = 0.0, s2 = 0.0, s3 = 0.0;                                                                  \
        for (ptrdiff_t first = 0; first < d; first += EXACT_STEP) {                                                     \
            const ptrdiff_t last = first + EXACT_STEP < d ? first + EXACT_STEP : d;                                     \
            for (ptrdiff_t c = first; c < last; c++) {                                                                  \
                const double q = query[c];                                                                              \
                const double a0 = r0[c] * by[0] - q, a1 = r1[c] * by[1] - q;                                            \
                const double a2 = r2[c] * by[2] - q, a3 = r3[c] * by[3] - q;                                            \
                s0 += a0 * a0;                                                                                          \
                s1 += a1 * a1;                                                                                          \
                s2 += a2 * a2;                                                                                          \
                s3 += a3 * a3;                                                                                          \
            }                                                                                                           \
            if (s0 > bound && s1 > bound && s2 > bound && s3 > bound)                                                   \
                break;                                                                                                  \
        }                                                                                                               \
        out[0] = s0;                                                                                                    \
        out[1] = s1;                                                                                                    \
        out[2] = s2;                                                                                                    \
        out[3] = s3;                                                                                                    \
    }

EXACT_SQUARES(float, exact_squares_single)
EXACT_SQUARES(double, exact_squares_wide)

enum { FAR_LANES = 32, FAR_FROM = 64 };

/* Whether a point is beyond the bound for sure: a sum of squares in lanes, whose rounding stays below `slack` of it. In
   many columns few of the pairs that come through a screen of fewer coordinates pass this. */
#define EXACT_FAR(TYPE, name)                                                                                           \
    static int name(const TYPE *row, const TYPE *query, ptrdiff_t d, double bound)               \
    {                                                                                                                   \
        const double slack = (double)(d / FAR_LANES + 32) * (sizeof(TYPE) == 4 ? 2.4e-7 : 4.5e-16);                     \
        TYPE sums[FAR_LANES] = {0};                                                                                     \
        double total = 0.0;                                                                                             \
        ptrdiff_t c = 0;                                                                                                \
        for (; c + FAR_LANES <= d; c += FAR_LANES)                                                                      \
            for (int l = 0; l < FAR_LANES; l++) {                                                                       \
                const TYPE apart = row[c + l] - query[c + l];                                                      \
                sums[l] += apart * apart;                                                                               \
            }                                                                                                           \
        for (; c < d; c++) {                                                                                            \
            const TYPE apart = row[c] - query[c];                                                                  \
            sums[0] += apart * apart;                                                                                   \
        }                                                                                                               \
        for (int l = 0; l < FAR_LANES; l++)                                                                             \
            total += (double)sums[l];                                                                                   \
        return total * (1.0 - 2.0 * slack) > bound && total < FLT_MAX;                                                  \
    }

EXACT_FAR(float, exact_far_single)
EXACT_FAR(double, exact_far_wide)

/* Rows `which` (n <= 4 of them) into the sink. query : as brute_read leaves it. buffer : (d,). */
static void brute_offer_exact(const struct fastml_metric *metric, const struct fastml_brute_rows *points,
                              const int32_t *which, int n, const double *query, int query_is_zero, double *buffer,
                              struct fastml_brute_sink *sink)
{
    const ptrdiff_t d = points->d;
    const int cosine = points->inverse_norm != NULL;
    if (!cosine && metric->kind != FASTML_EUCLIDEAN) {
        for (int i = 0; i < n; i++) {
            const double *row = points->wide != NULL ? points->wide + which[i] * d : buffer;
            if (points->wide == NULL)
                brute_read(points, which[i], buffer);
            sink_offer(sink, fastml_reduced(metric, query, row, d), which[i]);
        }
        return;
    }
    {
        double out[EXACT_AT_ONCE], by[EXACT_AT_ONCE], bound = cosine ? 2.0 * sink->bound : sink->bound;
        const float *single[EXACT_AT_ONCE];
        const double *wide[EXACT_AT_ONCE];
        for (int i = 0; i < EXACT_AT_ONCE; i++) {
            const ptrdiff_t row = which[i < n ? i : 0];
            by[i] = cosine ? points->inverse_norm[row] : 1.0;
            if (points->single != NULL)
                single[i] = points->single + row * d;
            else
                wide[i] = points->wide + row * d;
        }
        if (points->single != NULL)
            exact_squares_single(single, by, query, d, bound, out);
        else
            exact_squares_wide(wide, by, query, d, bound, out);
        for (int i = 0; i < n; i++) {
            double reduced = out[i];
            if (cosine)
                reduced = query_is_zero || by[i] == 0.0 ? 1.0 : 0.5 * out[i];
            sink_offer(sink, reduced, which[i]);
        }
    }
}
