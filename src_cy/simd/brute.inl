/* All pairs of queries and points, see brute_neighbors.pyx.

   Limit: a multiplication and addition a pair and column of the screen, m / 32 cycles a pair with two units of 16 floats.
   The screen is float32 and gives a lower bound: points start at their `bias`, which holds the rounding of every step
   back, so that no pair is lost; what stays below the query's limit is evaluated from the rows themselves. Hence the
   answer does not depend on the screen, on the instruction set or on multiplications fused with additions, which are
   allowed here for that reason. About k (1 + log(n / first chunk)) pairs a query come through a tight screen. */

#include <float.h>

#include "brute.h"
#include "brute_sink.inl"
#include "brute_exact.inl"

#if defined(_MSC_VER) && !defined(__clang__)
static inline int brute_first_bit(uint64_t bits)
{
    unsigned long at = 0;
    _BitScanForward64(&at, bits);
    return (int)at;
}
#define BRUTE_INLINE static __forceinline
#else
#define brute_first_bit __builtin_ctzll
#define BRUTE_INLINE static inline __attribute__((always_inline))
#endif

/* The screen's limit for reduced distances up to r, rounded up; never infinity, which is what pads have. */
static inline float brute_limit(const struct fastml_brute_screen *screen, double r, double own)
{
    const double power = screen->power == 1.0 ? r : pow(r, screen->power) * (1.0 + 1e-14);
    double limit = screen->factor * power + own;
    limit += fabs(limit) * 1e-6 + 1e-36;
    return limit < FLT_MAX ? (float)limit : FLT_MAX;
}

struct brute_found {
    float lower[FASTML_CHUNK];
    int32_t rows[FASTML_CHUNK];
};

/* Of one panel and one query: the points whose sums are within the limit are put behind the others. */
BRUTE_INLINE int32_t brute_keep(uint64_t mask, const float *sums, int32_t first, struct brute_found *found, int32_t n)
{
    while (mask) {
        const int b = brute_first_bit(mask);
        mask &= mask - 1;
        found->lower[n] = sums[b];
        found->rows[n++] = first + b;
    }
    return n;
}

#if defined(FASTML_AVX512)

BRUTE_INLINE __m512 brute_step(int kind, __m512 sum, __m512 x, __m512 q)
{
    if (kind == FASTML_SCREEN_SQUARES)
        return _mm512_fmadd_ps(x, q, sum);
    if (kind == FASTML_SCREEN_ABSOLUTE)
        return _mm512_add_ps(sum, _mm512_abs_ps(_mm512_sub_ps(x, q)));
    if (kind == FASTML_SCREEN_LARGEST)
        return _mm512_max_ps(sum, _mm512_abs_ps(_mm512_sub_ps(x, q)));
    return _mm512_mask_add_ps(sum, _mm512_cmp_ps_mask(x, q, _CMP_NEQ_UQ), sum, _mm512_set1_ps(1.0f));
}

/* n_q queries against n_panels panels; kind and n_q are constants. */
BRUTE_INLINE void brute_tile(const int kind, const int n_q, const float *panels, const float *bias, ptrdiff_t n_panels,
                             ptrdiff_t m, const float *queries, const float *limits, int32_t first,
                             struct brute_found *found, int32_t *n_found)
{
    for (ptrdiff_t p = 0; p < n_panels; p++, panels += m * FASTML_PANEL, bias += FASTML_PANEL) {
        __m512 sum[FASTML_TILE][4];
        float sums[FASTML_PANEL];
        for (int v = 0; v < 4; v++) {
            const __m512 start = _mm512_loadu_ps(bias + 16 * v);
            for (int r = 0; r < n_q; r++)
                sum[r][v] = start;
        }
        for (ptrdiff_t j = 0; j < m; j++) {
            const float *x = panels + j * FASTML_PANEL;
            const __m512 x0 = _mm512_loadu_ps(x), x1 = _mm512_loadu_ps(x + 16);
            const __m512 x2 = _mm512_loadu_ps(x + 32), x3 = _mm512_loadu_ps(x + 48);
            for (int r = 0; r < n_q; r++) {
                const __m512 q = _mm512_set1_ps(queries[r * m + j]);
                sum[r][0] = brute_step(kind, sum[r][0], x0, q);
                sum[r][1] = brute_step(kind, sum[r][1], x1, q);
                sum[r][2] = brute_step(kind, sum[r][2], x2, q);
                sum[r][3] = brute_step(kind, sum[r][3], x3, q);
            }
        }
        for (int r = 0; r < n_q; r++) {
            const __m512 limit = _mm512_set1_ps(limits[r]);
            uint64_t mask = 0;
            for (int v = 0; v < 4; v++)
                mask |= (uint64_t)_mm512_cmp_ps_mask(sum[r][v], limit, _CMP_LE_OQ) << (16 * v);
            if (mask) {
                for (int v = 0; v < 4; v++)
                    _mm512_storeu_ps(sums + 16 * v, sum[r][v]);
                n_found[r] = brute_keep(mask, sums, first + (int32_t)p * FASTML_PANEL, &found[r], n_found[r]);
            }
        }
    }
}

#else

enum { BRUTE_LANES = 16 };

BRUTE_INLINE float brute_step(int kind, float sum, float x, float q)
{
    const float apart = x - q, size = apart < 0.0f ? -apart : apart;
    if (kind == FASTML_SCREEN_SQUARES)
        return sum + x * q;
    if (kind == FASTML_SCREEN_ABSOLUTE)
        return sum + size;
    if (kind == FASTML_SCREEN_LARGEST)
        return size > sum ? size : sum;
    return sum + (x != q ? 1.0f : 0.0f);
}

/* Two queries and 16 points at a time: their sums are what registers hold. */
BRUTE_INLINE void brute_pair(const int kind, const int n_q, const float *panel, const float *bias, ptrdiff_t m,
                             const float *queries, float (*sums)[FASTML_PANEL])
{
    for (int at = 0; at < FASTML_PANEL; at += BRUTE_LANES) {
        float a[BRUTE_LANES], b[BRUTE_LANES];
        for (int l = 0; l < BRUTE_LANES; l++)
            a[l] = b[l] = bias[at + l];
        for (ptrdiff_t j = 0; j < m; j++) {
            const float *x = panel + j * FASTML_PANEL + at;
            const float q0 = queries[j], q1 = queries[(n_q - 1) * m + j];
            for (int l = 0; l < BRUTE_LANES; l++)
                a[l] = brute_step(kind, a[l], x[l], q0);
            if (n_q > 1)
                for (int l = 0; l < BRUTE_LANES; l++)
                    b[l] = brute_step(kind, b[l], x[l], q1);
        }
        for (int l = 0; l < BRUTE_LANES; l++) {
            sums[0][at + l] = a[l];
            if (n_q > 1)
                sums[1][at + l] = b[l];
        }
    }
}

BRUTE_INLINE void brute_tile(const int kind, const int n_q, const float *panels, const float *bias, ptrdiff_t n_panels,
                             ptrdiff_t m, const float *queries, const float *limits, int32_t first,
                             struct brute_found *found, int32_t *n_found)
{
    for (ptrdiff_t p = 0; p < n_panels; p++, panels += m * FASTML_PANEL, bias += FASTML_PANEL) {
        float sums[FASTML_TILE][FASTML_PANEL];
        for (int r = 0; r < n_q; r += 2) {
            if (r + 1 < n_q)
                brute_pair(kind, 2, panels, bias, m, queries + r * m, sums + r);
            else
                brute_pair(kind, 1, panels, bias, m, queries + r * m, sums + r);
        }
        for (int r = 0; r < n_q; r++) {
            uint64_t mask = 0;
            float least = sums[r][0];
            for (int l = 1; l < FASTML_PANEL; l++)
                least = sums[r][l] < least ? sums[r][l] : least;
            if (least > limits[r])
                continue;
            for (int l = 0; l < FASTML_PANEL; l++)
                mask |= (uint64_t)(sums[r][l] <= limits[r]) << l;
            n_found[r] = brute_keep(mask, sums[r], first + (int32_t)p * FASTML_PANEL, &found[r], n_found[r]);
        }
    }
}

#endif

#define BRUTE_TILES(kind)                                                                                              \
    switch (n_q) {                                                                                                     \
    case 1:                                                                                                            \
        brute_tile(kind, 1, panels, bias, n_panels, m, queries, limits, first, found, n_found);                        \
        break;                                                                                                         \
    case 2:                                                                                                            \
        brute_tile(kind, 2, panels, bias, n_panels, m, queries, limits, first, found, n_found);                        \
        break;                                                                                                         \
    case 3:                                                                                                            \
        brute_tile(kind, 3, panels, bias, n_panels, m, queries, limits, first, found, n_found);                        \
        break;                                                                                                         \
    case 4:                                                                                                            \
        brute_tile(kind, 4, panels, bias, n_panels, m, queries, limits, first, found, n_found);                        \
        break;                                                                                                         \
    case 5:                                                                                                            \
        brute_tile(kind, 5, panels, bias, n_panels, m, queries, limits, first, found, n_found);                        \
        break;                                                                                                         \
    default:                                                                                                           \
        brute_tile(kind, FASTML_TILE, panels, bias, n_panels, m, queries, limits, first, found, n_found);              \
    }

static void brute_tiles(int kind, int n_q, const float *panels, const float *bias, ptrdiff_t n_panels, ptrdiff_t m,
                        const float *queries, const float *limits, int32_t first, struct brute_found *found,
                        int32_t *n_found)
{
    if (kind == FASTML_SCREEN_SQUARES) {
        BRUTE_TILES(FASTML_SCREEN_SQUARES)
    } else if (kind == FASTML_SCREEN_ABSOLUTE) {
        brute_tile(FASTML_SCREEN_ABSOLUTE, n_q, panels, bias, n_panels, m, queries, limits, first, found, n_found);
    } else if (kind == FASTML_SCREEN_LARGEST) {
        brute_tile(FASTML_SCREEN_LARGEST, n_q, panels, bias, n_panels, m, queries, limits, first, found, n_found);
    } else {
        brute_tile(FASTML_SCREEN_UNEQUAL, n_q, panels, bias, n_panels, m, queries, limits, first, found, n_found);
    }
}

/* The start of a row is asked for before it is read: they lie all over memory. */
BRUTE_INLINE void brute_fetch(const struct fastml_brute_rows *points, ptrdiff_t row)
{
#if defined(__GNUC__)
    const char *at = points->single != NULL ? (const char *)(points->single + row * points->d)
                                            : (const char *)(points->wide + row * points->d);
    for (int line = 0; line < 4; line++)
        __builtin_prefetch(at + 64 * line);
#endif
}

/* What the screen let through of query `at` of those given, evaluated, four at a time. query : as brute_read has it. */
static void brute_evaluate(const struct fastml_metric *metric, const struct fastml_brute_screen *screen,
                           const struct fastml_brute_rows *points, const struct fastml_brute_rows *given, ptrdiff_t at,
                           const struct brute_found *found, int32_t n, const double *query, double *buffer,
                           struct fastml_brute_sink *sink)
{
    const ptrdiff_t d = points->d;
    const double own = given->own[at];
    const int query_is_zero = given->inverse_norm != NULL && given->inverse_norm[at] == 0.0;
    const int looks = metric->kind == FASTML_EUCLIDEAN && points->inverse_norm == NULL && d >= FAR_FROM;
    int32_t which[EXACT_AT_ONCE];
    double bound = sink->bound;
    float limit = brute_limit(screen, bound, own);
    int held = 0;
    for (int32_t i = 0; i < n; i++) {
        if (!(found->lower[i] <= limit))
            continue;
        if (looks) {
            if (i + 2 < n)
                brute_fetch(points, found->rows[i + 2]);
            if (points->single != NULL ? given->single != NULL && exact_far_single(points->single + found->rows[i] * d,
                                                                                  given->single + at * d, d, bound)
                                       : exact_far_wide(points->wide + found->rows[i] * d, query, d, bound))
                continue;
        }
        which[held++] = found->rows[i];
        if (held == EXACT_AT_ONCE || i + 1 == n) {
            brute_offer_exact(metric, points, which, held, query, query_is_zero, buffer, sink);
            held = 0;
            if (sink->bound != bound) {
                bound = sink->bound;
                limit = brute_limit(screen, bound, own);
            }
        }
    }
    if (held)
        brute_offer_exact(metric, points, which, held, query, query_is_zero, buffer, sink);
}

/* Without a screen: a row of points is read once for the tile's queries. rows : (FASTML_TILE + 1, d) numbers. */
static void brute_all(const struct fastml_metric *metric, const struct fastml_brute_rows *points,
                      const struct fastml_brute_rows *queries, ptrdiff_t begin, int n_q, double *rows,
                      struct fastml_brute_sink *sinks)
{
    const ptrdiff_t d = points->d;
    for (int r = 0; r < n_q; r++)
        brute_read(queries, begin + r, rows + r * d);
    for (ptrdiff_t i = 0; i < points->n; i++) {
        const double *row = points->wide + i * d;
        if (points->wide == NULL) {
            brute_read(points, i, rows + FASTML_TILE * d);
            row = rows + FASTML_TILE * d;
        }
        for (int r = 0; r < n_q; r++)
            sink_offer(&sinks[r], fastml_reduced(metric, rows + r * d, row, d), i);
    }
}

static void brute_run(const struct fastml_metric *metric, const struct fastml_brute_screen *screen,
                      const struct fastml_brute_rows *points, const struct fastml_brute_rows *queries, ptrdiff_t begin,
                      ptrdiff_t end, struct fastml_brute_sink *sinks, void *room)
{
    struct brute_found *found = (struct brute_found *)room;
    double *numbers = (double *)(void *)((char *)room + FASTML_TILE * sizeof(struct brute_found));
    const ptrdiff_t m = screen->m, d = points->d, n_panels = (points->n + FASTML_PANEL - 1) / FASTML_PANEL;
    if (screen->kind == FASTML_SCREEN_NONE) {
        for (ptrdiff_t q = begin; q < end; q += FASTML_TILE) {
            const int n_q = (int)(end - q < FASTML_TILE ? end - q : FASTML_TILE);
            brute_all(metric, points, queries, q, n_q, numbers, sinks + (q - begin));
            for (int r = 0; r < n_q; r++)
                sink_sort(&sinks[q - begin + r]);
        }
        return;
    }
    /* Chunks grow, so that bounds are tight before many points are held against them; a chunk stays in the cache while
       the block's tiles go over it. */
    ptrdiff_t size, most = (1 << 18) / (m * FASTML_PANEL * (ptrdiff_t)sizeof(float));
    most = most > FASTML_CHUNK / FASTML_PANEL ? FASTML_CHUNK / FASTML_PANEL : most < 2 ? 2 : most;
    size = most < 4 ? most : 4;
    for (ptrdiff_t first = 0; first < n_panels; first += size, size = 2 * size < most ? 2 * size : most) {
        if (size > n_panels - first)
            size = n_panels - first;
        for (ptrdiff_t q = begin; q < end; q += FASTML_TILE) {
            const int n_q = (int)(end - q < FASTML_TILE ? end - q : FASTML_TILE);
            float limits[FASTML_TILE];
            int32_t n_found[FASTML_TILE] = {0};
            for (int r = 0; r < n_q; r++)
                limits[r] = brute_limit(screen, sinks[q - begin + r].bound, queries->own[q + r]);
            brute_tiles(screen->kind, n_q, points->screened + first * m * FASTML_PANEL, points->bias + first * FASTML_PANEL,
                        size, m, queries->screened + q * m, limits, (int32_t)(first * FASTML_PANEL), found, n_found);
            for (int r = 0; r < n_q; r++) {
                if (n_found[r] == 0)
                    continue;
                brute_read(queries, q + r, numbers);
                brute_evaluate(metric, screen, points, queries, q + r, &found[r], n_found[r], numbers, numbers + d,
                               &sinks[q - begin + r]);
            }
        }
    }
    for (ptrdiff_t q = begin; q < end; q++)
        sink_sort(&sinks[q - begin]);
}

#include "brute_sparse.inl"

const struct fastml_brute_kernels FASTML_NAME(fastml_brute_kernels) = {
    .run = brute_run,
    .run_sparse = brute_run_sparse,
    .offer_row = brute_offer_row,
};
