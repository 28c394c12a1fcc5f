"""CHAID's second look at a merged group: its most significant split in two, if that is significant enough.

Source: Kass 1980, step 3; alpha3 of R's package CHAID.
"""

from libc.math cimport INFINITY
from libc.stdint cimport int32_t
from libc.stdlib cimport qsort

from kernels.multiway_merge cimport (
    Groups, Member, Moments, beats, chi2_of_pair, find_partner, note_moments, offer, pair_f, settle, squares,
)
from kernels.multiway_nodes cimport ORDINAL, Cells, Column
from kernels.multiway_tails cimport log_chi2_tail, log_f_tail

cdef struct Halves:                 # the best split of a group so far
    double worth                    # F, or chi-square
    int key                         # the class by whose share the members are in order
    int n_left                      # the first of them
    bint last_left                  # and the last one, missing values of an ordered column


cdef inline int by_key(const void *x, const void *z) noexcept nogil:
    cdef const Member *a = <const Member *> x
    cdef const Member *b = <const Member *> z
    if a.key != b.key:
        return -1 if a.key < b.key else 1
    return -1 if a.level < b.level else 1


cdef inline void put_in_order(Groups *g, const Cells *cells, int m, int key) noexcept nogil:
    """Nominal members by their mean, or by their share of a class; equal ones by their level."""
    cdef int i
    cdef int32_t level
    for i in range(m):
        level = g.members[i].level
        g.members[i].key = cells.sums[<ptrdiff_t> level * g.width + (1 if g.numbers else key)] / cells.total[level]
    qsort(g.members, m, sizeof(Member), by_key)


cdef inline double worth_of(const Groups *g, const double *x, const double *z) noexcept nogil:
    """F or chi-square of two parts from their sums."""
    cdef double n = 0, m = 0
    cdef Moments a, b
    cdef int k
    for k in range(1 if g.numbers else g.width):
        n += x[k]
        m += z[k]
    if not g.numbers:
        return chi2_of_pair(x, n, z, m, g.width)
    a = Moments(n, x[1] / n, squares(x), x[2])
    b = Moments(m, z[1] / m, squares(z), z[2])
    return pair_f(&a, &b)


cdef inline void move(const Groups *g, const Cells *cells, int32_t level, double *out, double sign) noexcept nogil:
    cdef int k
    for k in range(g.width):
        out[k] += sign * cells.sums[<ptrdiff_t> level * g.width + k]


cdef inline void try_cuts(Groups *g, const Cells *cells, int m, int key, bint last_left, Halves *best) noexcept nogil:
    """Each cut of the first m members in their order; with `last_left` the one after them is on the left of all."""
    cdef double *left = g.halves
    cdef double *right = g.halves + g.width
    cdef double found
    cdef int i, k
    for k in range(2 * g.width):
        g.halves[k] = 0
    for i in range(m):
        move(g, cells, g.members[i].level, right, 1.0)
    if last_left:
        move(g, cells, g.members[m].level, left, 1.0)
    for i in range(m - 1):
        move(g, cells, g.members[i].level, left, 1.0)
        move(g, cells, g.members[i].level, right, -1.0)
        found = worth_of(g, left, right)
        if beats(found, best.worth):
            best[0] = Halves(found, key, i + 1, last_left)


cdef inline void find_halves(Groups *g, const Column *column, const Cells *cells, int m, Halves *best) noexcept nogil:
    """The most significant split of m members, which are left in its order; of ordered levels a cut between two.

    Of numbers and of two classes no other split of nominal levels is better (Fisher 1958); of more classes it is the
    best in order of the share of some class.
    """
    cdef int key
    best.worth = -INFINITY
    if column.kind == ORDINAL:
        try_cuts(g, cells, m, 0, False, best)
        if g.members[m - 1].level == column.n_levels:
            try_cuts(g, cells, m - 1, 0, True, best)
        return
    for key in range(1 if g.numbers or g.width == 2 else g.width):
        put_in_order(g, cells, m, key)
        try_cuts(g, cells, m, key, False, best)
    put_in_order(g, cells, m, best.key)


cdef inline void sum_up(Groups *g, const Cells *cells, int32_t a) noexcept nogil:
    """The sums of a group from its levels'."""
    cdef int32_t i, code
    cdef int k
    for k in range(g.width):
        g.sums[<ptrdiff_t> a * g.width + k] = 0
    g.total[a] = 0
    for i in range(cells.n_touched):
        code = cells.touched[i]
        if g.into[code] == a:
            move(g, cells, code, g.sums + <ptrdiff_t> a * g.width, 1.0)
            g.total[a] += cells.total[code]
    note_moments(g, a)


cdef inline void part(Groups *g, const Column *column, const Cells *cells, int m, const Halves *h) noexcept nogil:
    """Make two groups of the one whose members are in order. A group bears the number of its first level."""
    cdef int32_t a = column.n_levels, b = column.n_levels, c
    cdef int i, k
    cdef bint left, first_left = False
    for i in range(m):
        if g.members[i].level <= a:
            a = g.members[i].level
            first_left = i < h.n_left or (h.last_left and i == m - 1)
    for i in range(m):
        left = i < h.n_left or (h.last_left and i == m - 1)
        if left != first_left:
            b = min(b, g.members[i].level)
    for i in range(m):
        left = i < h.n_left or (h.last_left and i == m - 1)
        g.into[g.members[i].level] = a if left == first_left else b
    sum_up(g, cells, a)
    sum_up(g, cells, b)
    k = g.n
    while g.order[k - 1] > b:
        g.order[k] = g.order[k - 1]
        k -= 1
    g.order[k] = b
    g.n += 1
    if column.kind == ORDINAL:
        g.floats = g.floats or b == column.n_levels
        return
    for k in range(g.n - 1):
        c = g.order[k]
        if c == a or c == b or g.partner[c] == a:
            find_partner(g, k)
        else:
            if c < a:
                offer(g, c, a)
            if c < b:
                offer(g, c, b)


cdef inline bint resplit(
    Groups *g,                      # groups; `into` is settled here
    const Column *column,
    const Cells *cells,
    int place,                      # of the merged group
    double log_alpha,
) noexcept nogil:
    """Split a group of three categories or more again where that is significant; whether it was.

    O(m log m width) for m members, times the classes where they are more than two; and O(c) for c categories.
    """
    cdef int32_t i, a = g.order[place]
    cdef int m = 0
    cdef double log_p
    cdef Halves best
    settle(g, cells)
    for i in range(cells.n_touched):
        if g.into[cells.touched[i]] == a:
            g.members[m].level = cells.touched[i]
            m += 1
    if m < 3:
        return False
    find_halves(g, column, cells, m, &best)
    log_p = log_f_tail(best.worth, 1.0, g.total[a] - 2) if g.numbers else log_chi2_tail(best.worth, g.df)
    if log_p > log_alpha:
        return False
    part(g, column, cells, m, &best)
    return True
