"""The best set of levels of a categorical column to go left.

Levels are put in the order of what their rows predict (the mean, or the share of the second class; of three classes
or more, that of the node's most frequent one), and a prefix of them goes left. For one output of numbers or two classes
no other set is better, but for the absolute error (Fisher 1958; Breiman et al. 1984, theorem 4.5); otherwise it is a
good one.
"""

from libc.math cimport INFINITY
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memset

from kernels.exact_nodes cimport ExactNode, ExactProblem
from kernels.exact_search cimport Cut, Limits, scan_run
from kernels.impurity cimport Target, Totals
from kernels.random cimport random_bits
from kernels.sorted_runs cimport MISSING, rank_of, row_of
from kernels.split cimport Level, sort_levels
from types cimport CategorySet


cdef inline bint in_set(const CategorySet *set, int code) noexcept nogil:
    return (set.bits[code >> 5] >> (code & 31)) & 1


cdef inline void put_in_set(CategorySet *set, int code) noexcept nogil:
    set.bits[code >> 5] |= <uint32_t> 1 << (code & 31)


cdef inline int class_to_order_by(const Target *t, const Totals *totals) noexcept nogil:
    """The second of two classes, or the most frequent of several."""
    cdef int k, best = 0
    if t.n_classes == 2:
        return 1
    for k in range(1, t.n_classes):
        if totals.sums[k] > totals.sums[best]:
            best = k
    return best


cdef inline double level_key(
    const ExactProblem *p, const ExactNode *node, const uint64_t *run, ptrdiff_t n, int j, int code, int of_class,
) noexcept nogil:
    """What a level's rows predict; or a random number where cuts are random."""
    cdef const Target *t = &p.target
    cdef double total = 0.0, weight = 0.0, w = 1.0
    cdef ptrdiff_t i, row
    if p.options.random_cuts:
        return <double> (random_bits(p.options.seed, node.key, 3000017 + 256 * <uint64_t> j + code) >> 11)
    for i in range(n):
        row = row_of(run[i])
        if t.weight != NULL:
            w = t.weight[row]
        weight += w
        if t.n_classes > 0:
            total += w if t.label[row] == of_class else 0.0
        else:
            total += w * t.y[row]
    return total / weight if weight > 0.0 else 0.0


cdef inline void search_levels(
    const ExactProblem *p, const ExactNode *node, int j, const uint64_t *run, ptrdiff_t present,
    const Totals *totals, const Limits *limits, double *scratch, Cut *out,
) noexcept nogil:
    """The run in the order of its levels' keys, searched as that of a number is."""
    cdef Level levels[256]
    cdef ptrdiff_t start[256]
    cdef const double *values = p.values + p.values_start[j]
    cdef uint64_t *ordered = <uint64_t *> malloc((totals.n + 1) * sizeof(uint64_t))
    cdef ptrdiff_t i = 0, k = 0, stop
    cdef int n = 0, m, level, left, of_class = class_to_order_by(&p.target, totals)
    if ordered == NULL:
        return
    while i < present:
        stop = i + 1
        while stop < present and rank_of(run[stop]) == rank_of(run[i]):
            stop += 1
        levels[n].code = n
        levels[n].key = level_key(p, node, run + i, stop - i, j, <int> values[rank_of(run[i])], of_class)
        start[n] = i
        n += 1
        i = stop
    sort_levels(levels, n)
    left = n
    if p.options.random_cuts and n > 1:     # so many of the levels, in random order
        left = 1 + <int> (random_bits(p.options.seed, node.key, 4000037 + j) % <uint64_t> (n - 1))
    for m in range(n):
        level = levels[m].code
        stop = start[level + 1] if level + 1 < n else present
        for i in range(start[level], stop):
            ordered[k] = <uint64_t> row_of(run[i])
            ordered[k] |= <uint64_t> ((m >= left) if p.options.random_cuts else m) << 32
            k += 1
    for i in range(present, totals.n):
        ordered[i] = run[i]
    scan_run(&p.target, totals, limits, ordered, present, scratch, out)
    out.categorical = 1
    memset(&out.left, 0, sizeof(CategorySet))
    if out.proxy > -INFINITY:
        k = 0
        for m in range(n):
            level = levels[m].code
            stop = start[level + 1] if level + 1 < n else present
            if k < out.place:
                put_in_set(&out.left, <int> values[rank_of(run[start[level]])])
            k += stop - start[level]
    free(ordered)


cdef inline ptrdiff_t split_by_levels(
    uint64_t *run,                  # (n,)  in place
    ptrdiff_t n,
    const double *values,           # code of each rank
    bint missing_left,
    const CategorySet *left,
    uint64_t *right,                # (n,)  scratch
) noexcept nogil:
    """Entries of levels that go left to the front, the others behind, both in order; returns how many go left."""
    cdef ptrdiff_t i, n_left = 0, n_right = 0
    cdef uint32_t rank
    cdef bint goes
    for i in range(n):
        rank = rank_of(run[i])
        if rank == <uint32_t> MISSING:
            goes = missing_left
        else:
            goes = in_set(left, <int> values[rank])
        if goes:
            run[n_left] = run[i]
            n_left += 1
        else:
            right[n_right] = run[i]
            n_right += 1
    for i in range(n_right):
        run[n_left + i] = right[i]
    return n_left


cdef inline void add_unseen(CategorySet *left, const uint64_t *run, ptrdiff_t n, const double *values) noexcept nogil:
    """Codes that no entry has go left too."""
    cdef uint8_t seen[256]
    cdef ptrdiff_t i
    cdef int code
    memset(seen, 0, 256)
    for i in range(n):
        if rank_of(run[i]) != <uint32_t> MISSING:
            seen[<int> values[rank_of(run[i])]] = 1
    for code in range(1, 256):
        if not seen[code]:
            put_in_set(left, code)
