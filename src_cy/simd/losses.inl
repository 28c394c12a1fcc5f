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

/* Stores a block as float32 and adds to stats_out = {sum |w g|, max |w g|, sum w h, max w h}, over eight
   fixed lanes so that the sums have the same bits everywhere. hess_out NULL: not stored. */
static void store_gradients(const double *restrict grad, const double *restrict hess,
                            const double *restrict weight, ptrdiff_t n, float *restrict grad_out,
                            float *restrict hess_out, double *restrict stats_out)
{
    double g_sum[8] = {0}, g_max[8] = {0}, h_sum[8] = {0}, h_max[8] = {0};
    ptrdiff_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (int l = 0; l < 8; l++) {
            double w = weight != NULL ? weight[i + l] : 1.0;
            double g = fabs(w * storable_gradient(grad[i + l])), h = w * storable_hessian(hess[i + l]);
            g_sum[l] += g;
            h_sum[l] += h;
            g_max[l] = g > g_max[l] ? g : g_max[l];
            h_max[l] = h > h_max[l] ? h : h_max[l];
        }
    for (; i < n; i++) {
        double w = weight != NULL ? weight[i] : 1.0;
        double g = fabs(w * storable_gradient(grad[i])), h = w * storable_hessian(hess[i]);
        g_sum[0] += g;
        h_sum[0] += h;
        g_max[0] = g > g_max[0] ? g : g_max[0];
        h_max[0] = h > h_max[0] ? h : h_max[0];
    }
    for (i = 0; i < n; i++)
        grad_out[i] = (float)storable_gradient(grad[i]);
    if (hess_out != NULL)
        for (i = 0; i < n; i++)
            hess_out[i] = (float)storable_hessian(hess[i]);
    for (int l = 0; l < 8; l++) {
        stats_out[0] += g_sum[l];
        stats_out[1] = g_max[l] > stats_out[1] ? g_max[l] : stats_out[1];
        stats_out[2] += h_sum[l];
        stats_out[3] = h_max[l] > stats_out[3] ? h_max[l] : stats_out[3];
    }
}
