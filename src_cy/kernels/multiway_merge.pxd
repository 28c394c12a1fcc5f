"""CHAID's merging of categories: the most similar pair first, until all pairs differ; and the p-value of what is left.

Source: Kass 1980, An exploratory technique for investigating large quantities of categorical data.
"""

from libc.math cimport INFINITY, M_PI_2, expm1, log, tan
from libc.stdint cimport int32_t

from kernels.multiway_nodes cimport ORDINAL, Cells, Column, Options, Target
from kernels.multiway_tails cimport log_chi2_tail, log_choose, log_f_tail, log_partitions

cdef extern from *:
    """
    #define FASTML_NOISE 1e-12
    """
    const double NOISE "FASTML_NOISE"   # of a sum of squares: what is less is rounding

cdef extern from *:
    """
    /* More, and not by rounding: categories with the same counts tie, in whatever order their sums were taken. */
    static inline int fastml_beats(double x, double best) {
        return x > best && (best == -INFINITY || x - best > 1e-10 * (1.0 + fabs(best)));
    }
    """
    bint beats "fastml_beats"(double x, double best) nogil

cdef struct Groups:                 # scratch for a column's categories
    double *sums                    # (most levels + 1, width) of each group
    double *total                   # (most levels + 1,) weight
    int32_t *order                  # (n,) groups that are left; ordered ones ascending, a missing one last
    int32_t *into                   # (most levels + 1,) group of a level; levels without rows are not set
    int32_t *partner                # (most levels + 1,) nominal: the most similar later group
    double *likeness                # (most levels + 1,) and how similar
    double *f_cut                   # (most levels + 1,) an F from which on a pair is less alike for sure
    double *row                     # (most levels + 2,) for log_partitions
    int n
    bint floats                     # the last of `order` is missing values that may join any group
    int width
    bint numbers                    # F tests
    double df                       # chi-square tests: classes in the node - 1


cdef inline double squares(const double *s) noexcept nogil:
    """Sum of squares around the mean from (weight, sum, sum of squares); 0 where it would be rounding."""
    cdef double within = s[2] - s[1] * s[1] / s[0]
    return within if within > NOISE * s[2] else 0.0


cdef inline double pair_f(const Groups *g, int32_t a, int32_t b) noexcept nogil:
    """F of two groups' means; 0 where nothing varies or no degree of freedom is left."""
    cdef const double *x = g.sums + <ptrdiff_t> a * 3
    cdef const double *z = g.sums + <ptrdiff_t> b * 3
    cdef double n = g.total[a], m = g.total[b], gap = x[1] / n - z[1] / m, between, within
    between = n * m / (n + m) * gap * gap
    if n + m <= 2 or between <= NOISE * (x[2] + z[2]):
        return 0.0
    within = squares(x) + squares(z)
    return between * (n + m - 2) / within if within > 0 else INFINITY


cdef inline double least_f(double log_p) noexcept nogil:
    """An F from which on no F test of two groups has a larger p-value, whatever its degrees of freedom.

    The tail is widest with one of them:  p = 1 - 2 / pi atan sqrt F.  It spares most tails of many categories. A
    thousandth more, so that ties are still looked at.
    """
    cdef double root = tan(-M_PI_2 * expm1(log_p))
    return 1.001 * root * root


cdef inline double f_log_p(double between, double within, double df1, double df2, double scale) noexcept nogil:
    """log p of an F test; 0 where nothing varies or no degree of freedom is left."""
    if df2 <= 0 or between <= NOISE * scale:
        return 0.0
    return -INFINITY if within <= 0 else log_f_tail(between / df1 / (within / df2), df1, df2)


cdef inline double pair_likeness(const Groups *g, int32_t a, int32_t b) noexcept nogil:
    """What grows with the p-value of two groups: log p of the F test, or  -chi2,  as all pairs have the same df."""
    cdef const double *x = g.sums + <ptrdiff_t> a * g.width
    cdef const double *z = g.sums + <ptrdiff_t> b * g.width
    cdef double n = g.total[a], m = g.total[b], chi2 = 0, gap
    cdef int k
    if g.numbers:
        return log_f_tail(pair_f(g, a, b), 1.0, n + m - 2)
    for k in range(g.width):
        if x[k] + z[k] > 0:
            gap = x[k] * m - z[k] * n
            chi2 += gap * gap / (x[k] + z[k])
    return -chi2 / (n * m)


cdef inline double pair_log_p(const Groups *g, double likeness) noexcept nogil:
    return likeness if g.numbers else log_chi2_tail(-likeness, g.df)


cdef inline void find_partner(Groups *g, int i) noexcept nogil:
    """The most similar group after place i of a nominal column."""
    cdef int j
    cdef int32_t a = g.order[i]
    cdef double like
    g.likeness[a] = -INFINITY
    g.partner[a] = -1
    g.f_cut[a] = INFINITY
    for j in range(i + 1, g.n):
        if g.numbers and g.f_cut[a] < INFINITY and pair_f(g, a, g.order[j]) > g.f_cut[a]:
            continue
        like = pair_likeness(g, a, g.order[j])
        if g.partner[a] < 0 or beats(like, g.likeness[a]):
            g.partner[a] = g.order[j]
            g.likeness[a] = like
            g.f_cut[a] = least_f(like) if g.numbers else INFINITY


cdef inline double closest_pair(const Groups *g, const Column *column, int *i_out, int *j_out) noexcept nogil:
    """The most similar pair that may merge, as places in `order`; of equal ones the first."""
    cdef int i, j, k
    cdef double like, best = -INFINITY
    i_out[0] = -1
    for i in range(g.n - 1):
        if column.kind != ORDINAL:
            like = g.likeness[g.order[i]]
            if i_out[0] < 0 or beats(like, best):
                best = like
                i_out[0] = i
        else:
            for k in range(2 if g.floats and i < g.n - 2 else 1):
                j = g.n - 1 if k else i + 1
                like = pair_likeness(g, g.order[i], g.order[j])
                if i_out[0] < 0 or beats(like, best):
                    best = like
                    i_out[0] = i
                    j_out[0] = j
    if column.kind != ORDINAL:
        for j in range(g.n):
            if g.order[j] == g.partner[g.order[i_out[0]]]:
                j_out[0] = j
    return best


cdef inline void merge_pair(Groups *g, const Column *column, const Cells *cells, int i, int j) noexcept nogil:
    """Group at place j joins the one at i < j."""
    cdef int32_t a = g.order[i], b = g.order[j], c
    cdef int k
    cdef double like
    for k in range(g.width):
        g.sums[<ptrdiff_t> a * g.width + k] += g.sums[<ptrdiff_t> b * g.width + k]
    g.total[a] += g.total[b]
    for k in range(cells.n_touched):
        if g.into[cells.touched[k]] == b:
            g.into[cells.touched[k]] = a
    if j == g.n - 1:
        g.floats = False
    for k in range(j, g.n - 1):
        g.order[k] = g.order[k + 1]
    g.n -= 1
    if column.kind == ORDINAL:
        return
    for k in range(g.n - 1):
        c = g.order[k]
        if k == i or g.partner[c] == a or g.partner[c] == b:
            find_partner(g, k)
        elif k < i:
            if g.numbers and pair_f(g, c, a) > g.f_cut[c]:
                continue
            like = pair_likeness(g, c, a)
            if beats(like, g.likeness[c]) or (a < g.partner[c] and not beats(g.likeness[c], like)):
                g.likeness[c] = like
                g.partner[c] = a
                g.f_cut[c] = least_f(like) if g.numbers else INFINITY


cdef inline double least_group(Groups *g, const Column *column, int *i_out, int *j_out) noexcept nogil:
    """The lightest group and the most similar one that it may join; returns its weight."""
    cdef int k, small = 0, best = -1
    cdef double like, best_like = -INFINITY
    for k in range(1, g.n):
        if g.total[g.order[k]] < g.total[g.order[small]]:
            small = k
    for k in range(g.n):
        if k == small:
            continue
        if column.kind == ORDINAL and k != small - 1 and k != small + 1:
            if not (g.floats and (k == g.n - 1 or small == g.n - 1)):
                continue
        like = pair_likeness(g, g.order[min(k, small)], g.order[max(k, small)])
        if best < 0 or beats(like, best_like):
            best = k
            best_like = like
    i_out[0] = min(small, best)
    j_out[0] = max(small, best)
    return g.total[g.order[small]]


cdef inline double table_log_p(const Groups *g) noexcept nogil:
    """log p of the groups against the target."""
    cdef double weight = 0, chi2 = 0, column_sum, expected, between = 0, within = 0
    cdef double[3] total
    cdef int i, k
    cdef const double *s
    for i in range(g.n):
        weight += g.total[g.order[i]]
    if g.numbers:
        for k in range(3):
            total[k] = 0
        for i in range(g.n):
            s = g.sums + <ptrdiff_t> g.order[i] * 3
            within += squares(s)
            for k in range(3):
                total[k] += s[k]
        for i in range(g.n):
            s = g.sums + <ptrdiff_t> g.order[i] * 3
            between += s[0] * (s[1] / s[0] - total[1] / weight) ** 2
        return f_log_p(between, within, g.n - 1.0, weight - g.n, total[2])
    for k in range(g.width):
        column_sum = 0
        for i in range(g.n):
            column_sum += g.sums[<ptrdiff_t> g.order[i] * g.width + k]
        if column_sum > 0:
            for i in range(g.n):
                expected = column_sum * g.total[g.order[i]] / weight
                chi2 += (g.sums[<ptrdiff_t> g.order[i] * g.width + k] - expected) ** 2 / expected
    return log_chi2_tail(chi2, (g.n - 1.0) * g.df)


cdef inline double log_multiplier(int c, const Groups *g, const Column *column, bint missing) noexcept nogil:
    """log of the ways in which c categories could have become the groups (Kass 1980, section 3)."""
    cdef double r = g.n
    if column.kind != ORDINAL:
        return log_partitions(c, g.n, g.row)
    if not missing:
        return log_choose(c - 1.0, r - 1)
    # With a floating category:  C(c - 2, r - 2) + r C(c - 2, r - 1) = C(c - 2, r - 2) (r - 1 + r (c - r)) / (r - 1).
    return log_choose(c - 2.0, r - 2) + log((r - 1 + r * (c - r)) / (r - 1))


cdef inline double merge_categories(
    const Column *column,
    const Options *o,
    const Cells *cells,             # of the column in the node; `touched` ascending
    const Target *target,
    Groups *g,                      # overwritten: the groups
) noexcept nogil:
    """Merge; log of the adjusted p-value of the groups, 0 where there is one only. O(c^2 width) for c categories."""
    cdef int32_t i, code
    cdef int k, left = 0, right = 0, c = cells.n_touched
    cdef double like, log_p
    cdef bint missing
    g.n = c
    g.width = target.width
    g.numbers = target.label == NULL
    missing = c > 0 and cells.touched[c - 1] == column.n_levels
    g.floats = missing and column.kind == ORDINAL
    for i in range(c):
        code = cells.touched[i]
        g.order[i] = code
        g.into[code] = code
        g.total[code] = cells.total[code]
        for k in range(g.width):
            g.sums[<ptrdiff_t> code * g.width + k] = cells.sums[<ptrdiff_t> code * g.width + k]
    if column.kind != ORDINAL:
        for k in range(c - 1):
            find_partner(g, k)
    while g.n > 1:
        like = closest_pair(g, column, &left, &right)
        if pair_log_p(g, like) <= o.log_alpha_merge:
            break
        merge_pair(g, column, cells, left, right)
    while g.n > 1 and least_group(g, column, &left, &right) < o.min_leaf:
        merge_pair(g, column, cells, left, right)
    if g.n < 2:
        return 0.0
    log_p = table_log_p(g)
    if o.bonferroni:
        log_p += log_multiplier(c, g, column, missing)
    return min(log_p, 0.0)
