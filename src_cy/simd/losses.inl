/* Built-in losses over blocks of rows, and what follows each block. Plain loops that vectorise; the
   exponential is our own, so that its bits are the same on every machine. */
#include <float.h>
#include <math.h>

/* e^x to 2 ulp or so for x in [-708, 708], clamped outside: 2^k e^r, |r| <= ln(2)/2, Taylor to r^12. */
ALWAYS_INLINE double exp_block(double x)
{
    const double magic = 6755399441055744.0;
    x = x < -708.0 ? -708.0 : x;
    x = x > 708.0 ? 708.0 : x;
    double t = x * 1.4426950408889634 + magic;
    double k = t - magic;
    double r = (x - k * 0.693147180369123816490) - k * 1.90821492927058770002e-10;
    double p = 1.0 / 479001600.0;
    p = p * r + 1.0 / 39916800.0;
    p = p * r + 1.0 / 3628800.0;
    p = p * r + 1.0 / 362880.0;
    p = p * r + 1.0 / 40320.0;
    p = p * r + 1.0 / 5040.0;
    p = p * r + 1.0 / 720.0;
    p = p * r + 1.0 / 120.0;
    p = p * r + 1.0 / 24.0;
    p = p * r + 1.0 / 6.0;
    p = p * r + 0.5;
    p = p * r + 1.0;
    p = p * r + 1.0;
    int64_t t_bits, p_bits;
    memcpy(&t_bits, &t, 8);
    memcpy(&p_bits, &p, 8);
    p_bits = (int64_t)((uint64_t)p_bits + ((uint64_t)t_bits << 52));
    memcpy(&p, &p_bits, 8);
    return p;
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

/* L = log(1 + e^raw) - y raw, y in {0, 1}; the hessian is kept off zero as XGBoost does. */
static void binary_logistic(const double *restrict y, const double *restrict raw,
                            double *restrict grad_out, double *restrict hess_out, ptrdiff_t n,
                            const double *param)
{
    (void)param;
    for (ptrdiff_t i = 0; i < n; i++) {
        double p = 1.0 / (1.0 + exp_block(-raw[i]));
        double h = p * (1.0 - p);
        grad_out[i] = p - y[i];
        hess_out[i] = h > 1e-16 ? h : 1e-16;
    }
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
        double loss = exp_block(x > 80.0 ? 80.0 : x);
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
            double e = exp_block(from[i] - top[i]);
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

/* What a float32 holds of a gradient, and of a hessian what fixed point can add up: none below zero. */
ALWAYS_INLINE double storable_gradient(double g)
{
    g = g > FLT_MAX ? FLT_MAX : g;
    return g < -FLT_MAX ? -FLT_MAX : g;
}

ALWAYS_INLINE double storable_hessian(double h)
{
    h = h < 0.0 ? 0.0 : h;
    return h > FLT_MAX ? FLT_MAX : h;
}

/* Sum of w |x|^power, power 0, 1 or 2, over eight fixed lanes, so that it has the same bits everywhere. */
static double sum_block(const float *restrict x, int power, const double *restrict weight, ptrdiff_t n)
{
    double terms[FASTML_BLOCK], s0 = 0, s1 = 0, s2 = 0, s3 = 0, s4 = 0, s5 = 0, s6 = 0, s7 = 0;
    const ptrdiff_t padded = (n + 7) & ~(ptrdiff_t)7;
    if (power == 0)
        for (ptrdiff_t i = 0; i < n; i++)
            terms[i] = 1.0;
    else if (power == 1)
        for (ptrdiff_t i = 0; i < n; i++)
            terms[i] = fabs((double)x[i]);
    else
        for (ptrdiff_t i = 0; i < n; i++)
            terms[i] = (double)x[i] * (double)x[i];
    if (weight != NULL)
        for (ptrdiff_t i = 0; i < n; i++)
            terms[i] *= weight[i];
    for (ptrdiff_t i = n; i < padded; i++)
        terms[i] = 0.0;
    for (ptrdiff_t i = 0; i < padded; i += 8) {
        s0 += terms[i];
        s1 += terms[i + 1];
        s2 += terms[i + 2];
        s3 += terms[i + 3];
        s4 += terms[i + 4];
        s5 += terms[i + 5];
        s6 += terms[i + 6];
        s7 += terms[i + 7];
    }
    return ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7));
}

/* Stores a block as float32 and sets stats_out = {sum |w g|, sum w h, sum w g^2}. hess_out NULL: h = 1,
   not stored. */
static void store_gradients(const double *restrict grad, const double *restrict hess,
                            const double *restrict weight, ptrdiff_t n, float *restrict grad_out,
                            float *restrict hess_out, double *restrict stats_out)
{
    for (ptrdiff_t i = 0; i < n; i++)
        grad_out[i] = (float)storable_gradient(grad[i]);
    if (hess_out != NULL)
        for (ptrdiff_t i = 0; i < n; i++)
            hess_out[i] = (float)storable_hessian(hess[i]);
    stats_out[0] = sum_block(grad_out, 1, weight, n);
    stats_out[1] = sum_block(hess_out, hess_out != NULL, weight, n);
    stats_out[2] = sum_block(grad_out, 2, weight, n);
}
