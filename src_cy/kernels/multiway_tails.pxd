"""Logarithms of upper tails, which order splits whose p-values are all 0 in floating point, and of Kass's multipliers.

Continued fractions by Lentz's method, as in Abramowitz and Stegun 1964, 6.5.31 and 26.5.8.
"""

from libc.math cimport INFINITY, exp, fabs, lgamma, log, log1p

cdef enum:
    MAX_STEPS = 100000              # about 10 sqrt(a) are taken

cdef extern from *:
    """
    #define FASTML_TINY 1e-300
    #define FASTML_CLOSE 1e-15
    """
    const double TINY "FASTML_TINY"     # stands for a denominator of 0 in Lentz's method
    const double CLOSE "FASTML_CLOSE"   # to 1: the last factor


cdef inline double log_gamma_tail(
    double a,                       # > 0
    double x,                       # >= 0
) noexcept nogil:
    """log of  Q(a, x) = 1 / Gamma(a) * integral from x to infinity of t^(a - 1) e^-t."""
    cdef double front, term, total, b, c, d, h, step
    cdef int i
    if x <= 0:
        return 0.0
    if x == INFINITY:
        return -INFINITY
    front = a * log(x) - x - lgamma(a)
    if x < a + 1:
        term = 1 / a
        total = term
        for i in range(1, MAX_STEPS):
            term *= x / (a + i)
            total += term
            if term < total * CLOSE:
                break
        return log1p(-min(exp(front) * total, 1.0))
    b = x + 1 - a
    c = 1 / TINY
    d = 1 / b
    h = d
    for i in range(1, MAX_STEPS):
        b += 2
        step = i * (a - i)
        d = step * d + b
        d = 1 / (d if fabs(d) > TINY else TINY)
        c = b + step / c
        c = c if fabs(c) > TINY else TINY
        h *= d * c
        if fabs(d * c - 1) < CLOSE:
            break
    return front + log(h)


cdef inline double beta_fraction(double a, double b, double x) noexcept nogil:
    """The continued fraction of the incomplete beta function; converges fast for x < (a + 1) / (a + b + 2)."""
    cdef double c = 1, d = 1 - (a + b) * x / (a + 1), h, step
    cdef int i
    d = 1 / (d if fabs(d) > TINY else TINY)
    h = d
    for i in range(1, MAX_STEPS):
        step = i * (b - i) * x / ((a + 2 * i - 1) * (a + 2 * i))
        d = 1 + step * d
        d = 1 / (d if fabs(d) > TINY else TINY)
        c = 1 + step / c
        c = c if fabs(c) > TINY else TINY
        h *= d * c
        step = -(a + i) * (a + b + i) * x / ((a + 2 * i) * (a + 2 * i + 1))
        d = 1 + step * d
        d = 1 / (d if fabs(d) > TINY else TINY)
        c = 1 + step / c
        c = c if fabs(c) > TINY else TINY
        h *= d * c
        if fabs(d * c - 1) < CLOSE:
            break
    return h


cdef inline double log_f_tail(
    double f,                       # >= 0
    double df1,                     # > 0
    double df2,                     # > 0
) noexcept nogil:
    """log P(F > f), which is the incomplete beta function at df2 / (df2 + df1 f)."""
    cdef double a = df2 / 2, b = df1 / 2, x, rest, front
    if f <= 0:
        return 0.0
    if f == INFINITY:
        return -INFINITY
    x = df2 / (df2 + df1 * f)
    rest = df1 * f / (df2 + df1 * f)
    front = a * (log(x) if x < 0.5 else log1p(-rest)) + b * log(rest) + lgamma(a + b) - lgamma(a) - lgamma(b)
    if x < (a + 1) / (a + b + 2):
        return min(front + log(beta_fraction(a, b, x) / a), 0.0)
    return log1p(-min(exp(front) * beta_fraction(b, a, rest) / b, 1.0))


cdef inline double log_chi2_tail(double chi2, double df) noexcept nogil:
    return log_gamma_tail(df / 2, chi2 / 2)


cdef inline double log_choose(double n, double k) noexcept nogil:
    """log of n over k; -infinity where there is no way."""
    if k < 0 or k > n:
        return -INFINITY
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


cdef inline double log_add(double a, double b) noexcept nogil:
    """log (e^a + e^b)."""
    cdef double high = max(a, b), low = min(a, b)
    return high if low == -INFINITY else high + log1p(exp(low - high))


cdef inline double log_partitions(
    int c,                          # categories, >= 1
    int r,                          # groups, 1..c
    double *row_out,                # (r + 1,) scratch
) noexcept nogil:
    """log of the ways to group c categories into r (Stirling's number of the second kind). O(c r).

    By  S(c, r) = r S(c - 1, r) + S(c - 1, r - 1),  because Kass's alternating sum cancels.
    """
    cdef int i, k
    row_out[0] = 0.0
    for k in range(1, r + 1):
        row_out[k] = -INFINITY
    for i in range(1, c + 1):
        for k in range(min(i, r), 0, -1):
            row_out[k] = log_add(row_out[k] + log(<double> k), row_out[k - 1])
        row_out[0] = -INFINITY
    return row_out[r]
