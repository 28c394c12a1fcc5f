/* Built-in losses over blocks of rows, and what follows each block. Plain loops that vectorise; the
   exponential is our own, so that its bits are the same on every machine. */
#include <float.h>
#include <math.h>

/* e^x to 3e-10 of it, which float32 gradients do not see, for x in [-708, 708]: 2^k e^r, |r| <= ln(2)/2, Taylor to r^8. */
ALWAYS_INLINE double exp_block(double x)
{
    const double magic = 6755399441055744.0;
    double t = x * 1.4426950408889634 + magic;
    double k = t - magic;
    double r = (x - k * 0.693147180369123816490) - k * 1.90821492927058770002e-10;
    double r2 = r * r, r4 = r2 * r2; /* in pairs: one step after the other would wait for each */
    double high = (1.0 / 24.0 + r * (1.0 / 120.0)) + r2 * (1.0 / 720.0 + r * (1.0 / 5040.0)) + r4 * (1.0 / 40320.0);
    double p = (1.0 + r) + r2 * (0.5 + r * (1.0 / 6.0)) + r4 * high;
    int64_t t_bits, p_bits;
    memcpy(&t_bits, &t, 8);
    memcpy(&p_bits, &p, 8);
    p_bits = (int64_t)((uint64_t)p_bits + ((uint64_t)t_bits << 52));
    memcpy(&p, &p_bits, 8);
    return p;
}

/* x within [least, most]; NaN stays NaN. */
ALWAYS_INLINE double clamped(double x, double least, double most)
{
    x = x < least ? least : x;
    return x > most ? most : x;
}

/* Whether any |x| is limit or more, or not a number; or, where wanted, any x has a minus sign. Blocks without
   need not be clamped, which takes compilers longer than it should: NaN forbids them the instruction. */
ALWAYS_INLINE int any_beyond(const double *x, ptrdiff_t n, double limit, int or_negative)
{
    uint64_t limit_bits, found = 0;
    memcpy(&limit_bits, &limit, 8);
    for (ptrdiff_t i = 0; i < n; i++) {
        uint64_t bits;
        memcpy(&bits, x + i, 8);
        found |= ((bits & INT64_MAX) + (((uint64_t)1 << 63) - limit_bits)) | (or_negative ? bits : 0);
    }
    return (int)(found >> 63);
}

/* 1 / x to 1e-14 for x in [1, 1e38]: a float32 division, whose bits are the same everywhere, and a step of
   Newton's take half the time of a float64 division. */
ALWAYS_INLINE double inverse(double x)
{
    double z = (double)(1.0f / (float)x);
    return z * (2.0 - x * z);
}

/* L = (raw - y)^2 / 2 */
static void squared_error(const double *restrict y, const double *restrict raw, double *restrict grad_out,
                          double *restrict hess_out, ptrdiff_t n, const double *param)
{
    (void)param;
    for (ptrdiff_t i = 0; i < n; i++) {
        grad_out[i] = raw[i] - y[i];
        hess_out[i] = 1.0;
    }
}

/* e^LARGE is a float32. */
#define LARGE 87.0

ALWAYS_INLINE void logistic_block(int clamp, const double *restrict y, const double *restrict raw,
                                  double *restrict grad_out, double *restrict hess_out, ptrdiff_t n)
{
    for (ptrdiff_t i = 0; i < n; i++) {
        double p = inverse(1.0 + exp_block(clamp ? clamped(-raw[i], -LARGE, LARGE) : -raw[i]));
        double h = p * (1.0 - p);
        grad_out[i] = p - y[i];
        hess_out[i] = h > 1e-16 ? h : 1e-16;
    }
}

/* L = log(1 + e^raw) - y raw, y in {0, 1}; the hessian is kept off zero as XGBoost does. */
static void binary_logistic(const double *restrict y, const double *restrict raw,
                            double *restrict grad_out, double *restrict hess_out, ptrdiff_t n,
                            const double *param)
{
    (void)param;
    if (any_beyond(raw, n, LARGE, 0))
        logistic_block(1, y, raw, grad_out, hess_out, n);
    else
        logistic_block(0, y, raw, grad_out, hess_out, n);
}

/* L = |raw - y|; the hessian, which is zero, is given as 1: trees see gradients only, leaves take medians. */
static void absolute_error(const double *restrict y, const double *restrict raw, double *restrict grad_out,
                           double *restrict hess_out, ptrdiff_t n, const double *param)
{
    (void)param;
    for (ptrdiff_t i = 0; i < n; i++) {
        grad_out[i] = raw[i] > y[i] ? 1.0 : -1.0;
        hess_out[i] = 1.0;
    }
}

/* L = alpha max(y - raw, 0) + (1 - alpha) max(raw - y, 0), alpha = param[0]; the hessian as above. */
static void quantile(const double *restrict y, const double *restrict raw, double *restrict grad_out,
                     double *restrict hess_out, ptrdiff_t n, const double *param)
{
    double below = -param[0], above = 1.0 - param[0];
    for (ptrdiff_t i = 0; i < n; i++) {
        grad_out[i] = raw[i] > y[i] ? above : below;
        hess_out[i] = 1.0;
    }
}

/* L = r^2 / 2 for |r| <= delta, delta (|r| - delta / 2) beyond, r = raw - y, delta = param[0]. */
static void huber(const double *restrict y, const double *restrict raw, double *restrict grad_out,
                  double *restrict hess_out, ptrdiff_t n, const double *param)
{
    double delta = param[0];
    for (ptrdiff_t i = 0; i < n; i++) {
        double r = raw[i] - y[i];
        r = r > delta ? delta : r;
        grad_out[i] = r < -delta ? -delta : r;
        hess_out[i] = 1.0;
    }
}

/* L = e^-m, m = raw for y = 1 and -raw for y = 0. e^80 is the most, so that a float32 holds it. */
static void exponential(const double *restrict y, const double *restrict raw, double *restrict grad_out,
                        double *restrict hess_out, ptrdiff_t n, const double *param)
{
    (void)param;
    for (ptrdiff_t i = 0; i < n; i++) {
        double sign = 2.0 * y[i] - 1.0, x = -sign * raw[i];
        double loss = exp_block(clamped(x, -708.0, 80.0));
        grad_out[i] = -sign * loss;
        hess_out[i] = loss;
    }
}

/* Softmax over k classes, first part: e_out[c] = e^(raw_c - max raw), kept as float32, and the inverse of
   their sum. raw and e_out: class c of the block at [c * stride]; n <= FASTML_BLOCK rows. */
static void softmax_exp(const double *restrict raw, ptrdiff_t stride, int k, ptrdiff_t n,
                        float *restrict e_out, double *restrict inverse_sum_out)
{
    double top[FASTML_BLOCK];
    for (ptrdiff_t i = 0; i < n; i++) {
        top[i] = raw[i];
        inverse_sum_out[i] = 0.0;
    }
    for (int c = 1; c < k; c++)
        for (ptrdiff_t i = 0; i < n; i++) {
            double value = raw[c * stride + i];
            top[i] = value > top[i] ? value : top[i];
        }
    for (int c = 0; c < k; c++) {
        const double *restrict from = raw + c * stride;
        float *restrict to = e_out + c * stride;
        for (ptrdiff_t i = 0; i < n; i++) {
            double e = exp_block(clamped(from[i] - top[i], -708.0, 0.0));
            to[i] = (float)e;
            inverse_sum_out[i] += e;
        }
    }
    for (ptrdiff_t i = 0; i < n; i++)
        inverse_sum_out[i] = 1.0 / inverse_sum_out[i];
}

/* Second part, one class: gradient p - [y = c], hessian factor p (1 - p), kept off zero. */
static void softmax_class(const double *restrict y, const float *restrict e,
                          const double *restrict inverse_sum, double c, double factor, ptrdiff_t n,
                          double *restrict grad_out, double *restrict hess_out)
{
    for (ptrdiff_t i = 0; i < n; i++) {
        double p = (double)e[i] * inverse_sum[i];
        double h = factor * p * (1.0 - p);
        grad_out[i] = p - (y[i] == c ? 1.0 : 0.0);
        hess_out[i] = h > 1e-16 ? h : 1e-16;
    }
}

/* raw[i] += value[leaf[i]] */
static void add_leaf_values(const int32_t *restrict leaf, const double *restrict value, ptrdiff_t n,
                            double *restrict raw_inout)
{
    for (ptrdiff_t i = 0; i < n; i++)
        raw_inout[i] += value[leaf[i]];
}

static void widen(const float *restrict x, ptrdiff_t n, double *restrict out)
{
    for (ptrdiff_t i = 0; i < n; i++)
        out[i] = (double)x[i];
}

/* What a float32 holds of gradients, and of hessians what fixed point can add up: none below zero. */
ALWAYS_INLINE void store_block(int clamp, const double *restrict x, double least, ptrdiff_t n,
                               float *restrict x_out)
{
    for (ptrdiff_t i = 0; i < n; i++)
        x_out[i] = (float)(clamp ? clamped(x[i], least, FLT_MAX) : x[i]);
}

/* The largest of n numbers that are not negative: their bits are in order. */
ALWAYS_INLINE double largest_of(const double *x, ptrdiff_t n)
{
    int64_t largest = 0;
    double out;
    for (ptrdiff_t i = 0; i < n; i++) {
        int64_t bits;
        memcpy(&bits, x + i, 8);
        largest = bits > largest ? bits : largest;
    }
    memcpy(&out, &largest, 8);
    return out;
}

/* The same for the sizes of float32 numbers. */
ALWAYS_INLINE double largest_size_of(const float *x, ptrdiff_t n)
{
    int32_t largest = 0;
    float out;
    for (ptrdiff_t i = 0; i < n; i++) {
        int32_t bits;
        memcpy(&bits, x + i, 4);
        bits &= INT32_MAX;
        largest = bits > largest ? bits : largest;
    }
    memcpy(&out, &largest, 4);
    return (double)out;
}

/* stats_out = {sum w |g|, sum w h, sum w g^2, max w |g|, max w h}; sums are over eight fixed lanes, so that they have
   the same bits everywhere. hess NULL: h = 1; weight NULL: w = 1. */
static void sum_block(const float *restrict grad, const float *restrict hess, const double *restrict weight,
                      ptrdiff_t n, double *restrict stats_out)
{
    double terms[3][FASTML_BLOCK], lanes[3][8];
    const ptrdiff_t padded = (n + 7) & ~(ptrdiff_t)7;
    for (ptrdiff_t i = 0; i < n; i++) {
        double g = (double)grad[i];
        terms[0][i] = fabs(g);
        terms[1][i] = hess != NULL ? (double)hess[i] : 1.0;
        terms[2][i] = g * g;
    }
    if (weight != NULL)
        for (int t = 0; t < 3; t++)
            for (ptrdiff_t i = 0; i < n; i++)
                terms[t][i] *= weight[i];
    for (int t = 0; t < 3; t++)
        for (ptrdiff_t i = n; i < padded; i++)
            terms[t][i] = 0.0;
#if defined(__GNUC__)
    typedef double eight __attribute__((vector_size(64), aligned(8), may_alias));
    eight s0 = {0}, s1 = {0}, s2 = {0};
    for (ptrdiff_t i = 0; i < padded; i += 8) {
        s0 += *(const eight *)(terms[0] + i);
        s1 += *(const eight *)(terms[1] + i);
        s2 += *(const eight *)(terms[2] + i);
    }
    memcpy(lanes[0], &s0, sizeof s0);
    memcpy(lanes[1], &s1, sizeof s1);
    memcpy(lanes[2], &s2, sizeof s2);
#else
    memset(lanes, 0, sizeof lanes);
    for (int t = 0; t < 3; t++)
        for (ptrdiff_t i = 0; i < padded; i += 8)
            for (int lane = 0; lane < 8; lane++)
                lanes[t][lane] += terms[t][i + lane];
#endif
    for (int t = 0; t < 3; t++) {
        const double *s = lanes[t];
        stats_out[t] = ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]));
    }
    if (weight != NULL) {
        stats_out[3] = largest_of(terms[0], n);
        stats_out[4] = largest_of(terms[1], n);
    } else {
        stats_out[3] = largest_size_of(grad, n);
        stats_out[4] = hess != NULL ? largest_size_of(hess, n) : 1.0;
    }
}

/* Stores a block as float32 and sets stats_out as sum_block does. hess_out NULL: h = 1, not stored; weight NULL: w = 1. */
static void store_gradients(const double *restrict grad, const double *restrict hess,
                            const double *restrict weight, ptrdiff_t n, float *restrict grad_out,
                            float *restrict hess_out, double *restrict stats_out)
{
    if (any_beyond(grad, n, FLT_MAX, 0))
        store_block(1, grad, -FLT_MAX, n, grad_out);
    else
        store_block(0, grad, 0.0, n, grad_out);
    if (hess_out != NULL && any_beyond(hess, n, FLT_MAX, 1))
        store_block(1, hess, 0.0, n, hess_out);
    else if (hess_out != NULL)
        store_block(0, hess, 0.0, n, hess_out);
    sum_block(grad_out, hess_out, weight, n, stats_out);
}
