"""Best cut of a sorted run by gradients and hessians: every place between two different values of a node.

A row that is missing in the column is no entry of its run: its side's sums are the node's less those of the entries.
Sums are exact: what is added are multiples of one unit, so that no sum of them needs more than the 53 bits of a float64
(presorted_growth.pack_block). For the formulas see kernels/split.pxd; here a cut is worth `score(left) + score(right)`.
"""

from libc.stdint cimport uint32_t, uint64_t

from kernels.sorted_runs cimport rank_of, row_of
from kernels.split cimport Level, Scale, noise_gain, score, sort_levels
from types cimport CategorySet, GrowOptions

cdef struct Pair:                   # of a row
    float g
    float h


cdef struct WidePair:               # times its weight
    double g
    double h


cdef struct Pairs:                  # of all rows of the data, one or the other
    const Pair *narrow              # where there are no weights; half the memory to gather from
    const WidePair *wide            # else NULL


cdef struct Sums:                   # of rows
    double g
    double h
    ptrdiff_t n


cdef struct Bounds:                 # of the cuts of a tree
    double least_h                  # hessian of a side
    ptrdiff_t least_rows            # of a side
    double share                    # of a node's hessian from one cut that is tried to the next; 0: all are tried
    double dispersion               # see split.noise_gain


cdef struct Cut:
    double worth                    # what there must be more than, and then the cut's own
    Sums left
    ptrdiff_t place                 # entries of the run before it go left; 0: there is no cut
    int feature
    int missing_left
    int categorical
    CategorySet levels              # codes that go left


cdef inline Sums less(Sums a, Sums b) noexcept nogil:
    a.g -= b.g
    a.h -= b.h
    a.n -= b.n
    return a


cdef inline bint allowed(Sums left, Sums right, const Bounds *bounds) noexcept nogil:
    return (
        left.h >= bounds.least_h and right.h >= bounds.least_h
        and left.n >= bounds.least_rows and right.n >= bounds.least_rows
    )


cdef inline bint offer(
    Sums left, Sums right, double toll, ptrdiff_t place, int missing_left, const GrowOptions *options, Cut *best,
) noexcept nogil:
    """Take a cut that is worth more than the best so far; toll: what its kind pays."""
    cdef double worth = score(left.g, left.h, options) + score(right.g, right.h, options) - toll
    if not worth > best.worth:
        return False
    best.worth = worth
    best.left = left
    best.place = place
    best.missing_left = missing_left
    best.categorical = 0
    return True


cdef inline Sums scan_numbers(
    bint plain,                     # a constant: no L1 penalty, no limit on a leaf's value, every cut tried
    bint wide,                      # a constant: which pairs there are
    Pairs pairs,
    const uint64_t *run,            # (present,)
    ptrdiff_t present,
    Sums node,
    Sums left,                      # what goes left before the first entry: nothing, or the missing rows
    int missing_left,
    const GrowOptions *options,
    const Bounds *bounds,
    Cut *best,
) noexcept nogil:
    """Offer the cuts with missing rows on one side; returns the sums of `left` and all entries.

    Without penalties a division is saved where a product says that a cut is worth less than the best so far.
    """
    cdef ptrdiff_t i, row, before = left.n
    cdef bint last = not missing_left and before + present < node.n     # all that is present against what is missing
    cdef double g = left.g, h = left.h, g_right, h_right, a, b, lam = options.reg_lambda, since = h
    cdef double least = bounds.least_h, step = bounds.share * node.h, bar = best.worth * (1.0 - 1e-12)
    for i in range(present):
        row = row_of(run[i])
        if wide:
            g += pairs.wide[row].g
            h += pairs.wide[row].h
        else:
            g += pairs.narrow[row].g
            h += pairs.narrow[row].h
        if i + 1 < present:
            if rank_of(run[i]) == rank_of(run[i + 1]):
                continue
        elif not last:
            break
        g_right = node.g - g
        h_right = node.h - h
        if h < least or h_right < least:
            continue
        if plain:
            a = h + lam
            b = h_right + lam
            if g * g * b + g_right * g_right * a < bar * (a * b):
                continue
        elif h - since < step and i + 1 < present:
            continue
        since = h
        left.g = g
        left.h = h
        left.n = before + i + 1
        if left.n < bounds.least_rows or node.n - left.n < bounds.least_rows:
            continue
        if offer(left, less(node, left), 0.0, i + 1, missing_left, options, best):
            bar = best.worth * (1.0 - 1e-12)
    left.g = g
    left.h = h
    left.n = before + present
    return left


cdef inline Sums scan_either(
    Pairs pairs, const uint64_t *run, ptrdiff_t present, Sums node, Sums left, int missing_left,
    const GrowOptions *options, const Bounds *bounds, Cut *best,
) noexcept nogil:
    """scan_numbers, compiled for what there is."""
    if options.reg_alpha == 0.0 and options.max_delta_step == 0.0 and bounds.share == 0.0:
        if pairs.wide == NULL:
            return scan_numbers(True, False, pairs, run, present, node, left, missing_left, options, bounds, best)
        return scan_numbers(True, True, pairs, run, present, node, left, missing_left, options, bounds, best)
    return scan_numbers(
        False, pairs.wide != NULL, pairs, run, present, node, left, missing_left, options, bounds, best
    )


cdef inline void search_numbers(
    Pairs pairs, const uint64_t *run, ptrdiff_t present, Sums node, const GrowOptions *options, const Bounds *bounds,
    Cut *best,
) noexcept nogil:
    """The best cut of a column of numbers; where nothing is missing, missing goes with the heavier side."""
    cdef Sums seen = scan_either(pairs, run, present, node, less(node, node), 0, options, bounds, best)
    if present == node.n:
        best.missing_left = best.place > 0 and best.left.h > node.h - best.left.h
    else:
        scan_either(pairs, run, present, node, less(node, seen), 1, options, bounds, best)


cdef inline void offer_levels(
    const Sums *of_code, const Level *levels, int n, int step, Sums start, double toll, int missing_left, Sums node,
    const GrowOptions *options, const Bounds *bounds, Cut *best,
) noexcept nogil:
    """The first 1, 2, ... n levels of an order on the left (step 0: each level alone), besides `start`."""
    cdef int k, i, chosen = -1, word
    cdef Sums left = start, own
    for k in range(n):
        if step == 0:
            left = start
        own = of_code[levels[k].code]
        left.g += own.g
        left.h += own.h
        left.n += own.n
        if allowed(left, less(node, left), bounds) and offer(
            left, less(node, left), toll, 1, missing_left, options, best
        ):
            chosen = k
    if chosen < 0:
        return
    best.categorical = 1
    for word in range(8):
        best.levels.bits[word] = 0
    for i in range(0 if step else chosen, chosen + 1):
        best.levels.bits[levels[i].code >> 5] |= <uint32_t> 1 << (levels[i].code & 31)


cdef inline void search_levels(
    Pairs pairs, const uint64_t *run, ptrdiff_t present,
    const double *values,           # codes by rank
    int n_levels,                   # of the column in all the data
    Sums node, const GrowOptions *options, const Bounds *bounds, Cut *best,
) noexcept nogil:
    """The best set of levels, in the order of G / (H + lambda); one against the rest where there are few levels.
    What the node has not seen goes the way of missing."""
    cdef Sums of_code[256]
    cdef Level levels[256]
    cdef Sums none = less(node, node), missing = node
    cdef Scale scale
    cdef ptrdiff_t i, row
    cdef int code = 0, n = 0, step = 0 if n_levels <= options.max_cat_to_onehot else 1
    cdef uint32_t rank = <uint32_t> 0xFFFFFFFF
    cdef double toll = 0.0
    for i in range(present):
        if rank_of(run[i]) != rank:
            rank = rank_of(run[i])
            code = <int> values[rank]
            of_code[code] = none
            levels[n].code = code
            n += 1
        row = row_of(run[i])
        of_code[code].g += pairs.narrow[row].g if pairs.wide == NULL else pairs.wide[row].g
        of_code[code].h += pairs.narrow[row].h if pairs.wide == NULL else pairs.wide[row].h
        of_code[code].n += 1
    for i in range(n):
        missing = less(missing, of_code[levels[i].code])
        levels[i].key = of_code[levels[i].code].g / (of_code[levels[i].code].h + options.reg_lambda)
    sort_levels(levels, n)
    if step and options.cat_penalty > 0.0:
        scale.dispersion = bounds.dispersion
        toll = options.cat_penalty * noise_gain(n, scale)
    # All levels together leave only what is missing to the other side.
    offer_levels(of_code, levels, n if present < node.n else n - step, step, none, toll, 0, node, options, bounds, best)
    if present < node.n:
        offer_levels(of_code, levels, n - step, step, missing, toll, 1, node, options, bounds, best)
    elif best.place > 0:
        best.missing_left = best.left.h > node.h - best.left.h
    if best.place > 0 and best.missing_left:
        for code in range(1, 256):
            for i in range(n):
                if levels[i].code == code:
                    break
            else:
                best.levels.bits[code >> 5] |= <uint32_t> 1 << (code & 31)
