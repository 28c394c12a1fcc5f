"""CHAID's grouping of a column's categories: merge until all pairs differ; and the p-value of what is left.

Source: Kass 1980, An exploratory technique for investigating large quantities of categorical data.
"""

from libc.math cimport INFINITY, log
from libc.stdint cimport int32_t

from kernels.multiway_gain cimport ROUNDING
from kernels.multiway_merge cimport (
    NOISE, Groups, closest_pair, find_partner, least_group, merge_pair, note_moments, pair_log_p, settle, squares,
)
from kernels.multiway_nodes cimport ORDINAL, Cells, Column, Options, Target
from kernels.multiway_resplit cimport resplit
from kernels.multiway_tails cimport log_chi2_tail, log_choose, log_f_tail, log_partitions


cdef inline double f_log_p(double between, double within, double df1, double df2, double scale) noexcept nogil:
    """log p of an F test; 0 where nothing varies or no degree of freedom is left."""
    if df2 <= 0 or between <= NOISE * scale:
        return 0.0
    return -INFINITY if within <= 0 else log_f_tail(between / df1 / (within / df2), df1, df2)


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


cdef inline double adjusted(double log_p, int c, const Groups *g, const Column *column, bint missing) noexcept nogil:
    """log of p times the ways in which c categories could have become the groups (Kass 1980, section 3)."""
    cdef double r = g.n
    if column.kind != ORDINAL:
        if log_p + (c - r) * log(r) >= 0:   # S(c, r) >= r^(c - r): no need to count
            return 0.0
        return log_p + log_partitions(c, g.n, g.row)
    if not missing:
        return log_p + log_choose(c - 1.0, r - 1)
    # With a floating category:  C(c - 2, r - 2) + r C(c - 2, r - 1) = C(c - 2, r - 2) (r - 1 + r (c - r)) / (r - 1).
    return log_p + log_choose(c - 2.0, r - 2) + log((r - 1 + r * (c - r)) / (r - 1))


cdef inline double merge_categories(
    const Column *column,
    const Options *o,
    const Cells *cells,             # of the column in the node; `touched` ascending
    const Target *target,
    Groups *g,                      # overwritten: the groups
) noexcept nogil:
    """Merge; log of the adjusted p-value of the groups, 0 where there is one only. O(c^2 width) for c categories."""
    cdef int32_t i, code
    cdef int k, left = 0, right = 0, resplits = 0, c = cells.n_touched
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
        note_moments(g, code)
    if column.kind != ORDINAL:
        for k in range(c - 1):
            find_partner(g, k)
    while g.n > 2:                          # two are for the test of the split (Kass 1980)
        like = closest_pair(g, column, &left, &right)
        if pair_log_p(g, like) <= o.log_alpha_merge:
            break
        merge_pair(g, column, left, right)
        if o.log_alpha_resplit > -INFINITY and resplits < c:    # or they could go on for ever
            resplits += resplit(g, column, cells, left, o.log_alpha_resplit)
    while g.n > 1 and least_group(g, column, &left, &right) < o.min_leaf - ROUNDING:
        merge_pair(g, column, left, right)
    settle(g, cells)
    if g.n < 2:
        return 0.0
    log_p = table_log_p(g)
    if o.bonferroni:
        log_p = adjusted(log_p, c, g, column, missing)
    return min(log_p, 0.0)
