"""CHAID's groups of categories: which two are most similar, and what becomes of the others when they merge.

Source: Kass 1980, An exploratory technique for investigating large quantities of categorical data.
"""

from libc.math cimport INFINITY, M_PI_2, expm1, tan
from libc.stdint cimport int32_t

from kernels.multiway_nodes cimport ORDINAL, Cells, Column
from kernels.multiway_tails cimport log_chi2_tail, log_f_tail

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

cdef struct Moments:                # of a group, for its F tests
    double weight
    double mean                     # less the node's
    double within                   # sum of squares around the mean
    double square                   # and around the node's

cdef struct Member:                 # of a group that may be split again
    double key
    int32_t level

cdef struct Groups:                 # scratch for a column's categories
    double *sums                    # (most levels + 1, width) of each group
    double *total                   # (most levels + 1,) weight
    int32_t *order                  # (n,) groups that are left; ordered ones ascending, a missing one last
    int32_t *into                   # (most levels + 1,) group that a group has joined, or itself; see settle
    int32_t *partner                # (most levels + 1,) nominal: the most similar later group
    double *likeness                # (most levels + 1,) and how similar
    double *f_cut                   # (most levels + 1,) an F from which on a pair is less alike for sure
    double *row                     # (most levels + 2,) for log_partitions
    Moments *moments                # (most levels + 1,) of numbers
    Member *members                 # (most levels + 1,)
    double *halves                  # (2 width,) sums of the parts of a group
    int n
    bint floats                     # the last of `order` is missing values that may join any group
    int width
    bint numbers                    # F tests
    double df                       # chi-square tests: classes in the node - 1


cdef inline double squares(const double *s) noexcept nogil:
    """Sum of squares around the mean from (weight, sum, sum of squares); 0 where it would be rounding."""
    cdef double within = s[2] - s[1] * s[1] / s[0]
    return within if within > NOISE * s[2] else 0.0


cdef inline void note_moments(Groups *g, int32_t a) noexcept nogil:
    """What F tests need of a group, once for all its pairs."""
    cdef const double *s = g.sums + <ptrdiff_t> a * 3
    if g.numbers:
        g.moments[a].weight = g.total[a]
        g.moments[a].mean = s[1] / g.total[a]
        g.moments[a].within = squares(s)
        g.moments[a].square = s[2]


cdef inline double pair_f(const Moments *x, const Moments *z) noexcept nogil:
    """F of two groups' means; 0 where nothing varies or no degree of freedom is left."""
    cdef double n = x.weight, m = z.weight, gap = x.mean - z.mean, within = x.within + z.within
    cdef double between = n * m / (n + m) * gap * gap
    if n + m <= 2 or between <= NOISE * (x.square + z.square):
        return 0.0
    return between * (n + m - 2) / within if within > 0 else INFINITY


cdef inline bint f_is_above(const Moments *x, const Moments *z, double cut) noexcept nogil:
    """pair_f > cut, without a division: most pairs of many categories are done with here. Never for an infinite cut."""
    cdef double n = x.weight, m = z.weight, gap = x.mean - z.mean
    cdef double between = n * m * gap * gap
    return (
        between * (n + m - 2) > cut * (n + m) * (x.within + z.within)
        and between > NOISE * (n + m) * (x.square + z.square) and n + m > 2
    )


cdef inline double least_f(double log_p) noexcept nogil:
    """An F from which on no F test of two groups has a larger p-value, whatever its degrees of freedom.

    The tail is widest with one of them:  p = 1 - 2 / pi atan sqrt F.  It spares most tails of many categories. A
    thousandth more, so that ties are still looked at.
    """
    cdef double root = tan(-M_PI_2 * expm1(log_p))
    return 1.001 * root * root


cdef inline double chi2_of_pair(const double *x, double n, const double *z, double m, int width) noexcept nogil:
    """Chi-square of two rows of counts that sum to n and m."""
    cdef double chi2 = 0, gap
    cdef int k
    for k in range(width):
        if x[k] + z[k] > 0:
            gap = x[k] * m - z[k] * n
            chi2 += gap * gap / (x[k] + z[k])
    return chi2 / (n * m)


cdef inline double pair_likeness(const Groups *g, int32_t a, int32_t b) noexcept nogil:
    """What grows with the p-value of two groups: log p of the F test, or  -chi2,  as all pairs have the same df."""
    cdef double n = g.total[a], m = g.total[b]
    if g.numbers:
        return log_f_tail(pair_f(&g.moments[a], &g.moments[b]), 1.0, n + m - 2)
    return -chi2_of_pair(g.sums + <ptrdiff_t> a * g.width, n, g.sums + <ptrdiff_t> b * g.width, m, g.width)


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
        if g.numbers and f_is_above(&g.moments[a], &g.moments[g.order[j]], g.f_cut[a]):
            continue
        like = pair_likeness(g, a, g.order[j])
        if g.partner[a] < 0 or beats(like, g.likeness[a]):
            g.partner[a] = g.order[j]
            g.likeness[a] = like
            g.f_cut[a] = least_f(like) if g.numbers else INFINITY


cdef inline void offer(Groups *g, int32_t c, int32_t a) noexcept nogil:
    """A later group of a nominal column, which is new or has changed, as the partner of an earlier one."""
    cdef double like
    if g.numbers and f_is_above(&g.moments[c], &g.moments[a], g.f_cut[c]):
        return
    like = pair_likeness(g, c, a)
    if beats(like, g.likeness[c]) or (a < g.partner[c] and not beats(g.likeness[c], like)):
        g.likeness[c] = like
        g.partner[c] = a
        g.f_cut[c] = least_f(like) if g.numbers else INFINITY


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


cdef inline void merge_pair(Groups *g, const Column *column, int i, int j) noexcept nogil:
    """Group at place j joins the one at i < j."""
    cdef int32_t a = g.order[i], b = g.order[j], c
    cdef int k
    for k in range(g.width):
        g.sums[<ptrdiff_t> a * g.width + k] += g.sums[<ptrdiff_t> b * g.width + k]
    g.total[a] += g.total[b]
    note_moments(g, a)
    g.into[b] = a
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
            offer(g, c, a)


cdef inline void settle(Groups *g, const Cells *cells) noexcept nogil:
    """Let `into` say the group of each level: what a group has joined comes before it."""
    cdef int32_t k, code
    for k in range(cells.n_touched):
        code = cells.touched[k]
        g.into[code] = g.into[g.into[code]]


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
