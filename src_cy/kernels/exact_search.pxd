"""The best cut of a sorted run: every place between two different values, with missing values on either side."""

from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

from kernels.impurity cimport (
    ABSOLUTE_ERROR, GINI, OWN, POISSON, SQUARED_ERROR, Criterion, Target, Totals, own_impurity, proxy_of_classes,
    proxy_of_sums,
)
from kernels.running_median cimport (
    RunningMedian, Weighed, distances, median_add, median_start, median_value,
)
from kernels.sorted_runs cimport rank_of, row_of
from types cimport CategorySet


cdef struct Limits:                 # on the children of a node
    ptrdiff_t min_samples_leaf
    double min_weight_leaf
    int monotone                    # -1, 0, 1: how predictions go with the column
    double lower                    # bounds on the children's predictions by a monotone column; others are cut to them
    double upper


cdef struct Cut:
    double proxy                    # -inf: there is none
    ptrdiff_t place                 # entries of the run before it that go left
    int missing_left
    int feature
    int categorical                 # the codes in `left` go left
    CategorySet left


cdef inline bint allowed(
    const Limits *limits, double sum_left, double sum_right, double w_left, double w_right
) noexcept nogil:
    """Whether the children's predictions keep to the bounds and rise or fall as they must."""
    cdef double a, b
    if limits.monotone == 0:
        return True
    a = sum_left / w_left
    b = sum_right / w_right
    if a < limits.lower or a > limits.upper or b < limits.lower or b > limits.upper:
        return False
    return (b - a) * limits.monotone >= 0.0


cdef inline void scan_number(
    Criterion criterion, bint weighted, const Target *t, const Totals *totals, const Limits *limits,
    const uint64_t *run, ptrdiff_t present, bint missing_left, Cut *best,
) noexcept nogil:
    """One output of numbers. criterion and weighted are constants after inlining."""
    cdef ptrdiff_t i, n = totals.n, n_missing = n - present, n_left, stop
    cdef double left = 0.0, right, w_left = 0.0, w_right, proxy, total = totals.sums[0]
    cdef double least = limits.min_weight_leaf
    cdef ptrdiff_t row
    n_left = 0
    if missing_left:
        for i in range(present, n):
            row = row_of(run[i])
            if weighted:
                w_left += t.pairs[2 * row]
                left += t.pairs[2 * row + 1]
            else:
                left += t.y[row]
        n_left = n_missing
    # A cut before entry i; with missing values on the right also one behind all that is present.
    stop = present if missing_left or n_missing == 0 else present + 1
    for i in range(stop):
        if i > 0 and (i == present or rank_of(run[i]) != rank_of(run[i - 1])):
            if n_left >= limits.min_samples_leaf and n - n_left >= limits.min_samples_leaf:
                if not weighted:
                    w_left = <double> n_left
                w_right = totals.weight - w_left
                if w_left >= least and w_right >= least and w_left > 0.0 and w_right > 0.0:
                    right = total - left
                    if criterion == SQUARED_ERROR:
                        proxy = left * left / w_left + right * right / w_right
                    else:
                        proxy = proxy_of_sums(criterion, &left, &right, 1, w_left, w_right)
                    if proxy > best.proxy and allowed(limits, left, right, w_left, w_right):
                        best.proxy = proxy
                        best.place = i
                        best.missing_left = missing_left
        if i < present:
            row = row_of(run[i])
            if weighted:
                w_left += t.pairs[2 * row]
                left += t.pairs[2 * row + 1]
            else:
                left += t.y[row]
            n_left += 1


cdef inline void scan_any(
    const Target *t, const Totals *totals, const Limits *limits, const uint64_t *run, ptrdiff_t present,
    bint missing_left, double *left, double *right, Cut *best,
) noexcept nogil:
    """Classes, or several outputs. left, right: (width,) scratch."""
    cdef ptrdiff_t i, n = totals.n, n_missing = n - present, n_left = 0, row, stop, first = 0
    cdef double w_left = 0.0, w_right, w = 1.0, proxy, a = 0.0, b = 0.0
    cdef bint squares = t.n_classes > 0 and t.criterion == GINI
    cdef int o, k, two = t.n_classes == 2
    memset(left, 0, t.width * sizeof(double))
    memcpy(right, totals.sums, t.width * sizeof(double))
    if squares:                     # sums of squares, kept up row by row
        for k in range(t.width):
            b += right[k] * right[k]
    # First the missing entries where they go left, then the others; a cut lies before entry i.
    if missing_left:
        first = -n_missing
    stop = present if missing_left or n_missing == 0 else present + 1
    for i in range(first, stop):
        if i > 0 and (i == present or rank_of(run[i]) != rank_of(run[i - 1])):
            w_right = totals.weight - w_left
            if (
                n_left >= limits.min_samples_leaf and n - n_left >= limits.min_samples_leaf
                and w_left >= limits.min_weight_leaf and w_right >= limits.min_weight_leaf
                and w_left > 0.0 and w_right > 0.0
            ):
                if squares:
                    proxy = a / w_left + b / w_right
                elif t.n_classes > 0:
                    proxy = proxy_of_classes(t.criterion, left, right, t.width, t.n_outputs, w_left, w_right)
                else:
                    proxy = proxy_of_sums(t.criterion, left, right, t.n_outputs, w_left, w_right)
                if proxy > best.proxy and allowed(limits, left[two], right[two], w_left, w_right):
                    best.proxy = proxy
                    best.place = i
                    best.missing_left = missing_left
        if i == present:
            break
        row = row_of(run[i if i >= 0 else n + i])
        if t.weight != NULL:
            w = t.weight[row]
        w_left += w
        n_left += 1
        for o in range(t.n_outputs):
            if t.n_classes > 0:
                k = o * t.n_classes + t.label[o * t.n + row]
                if squares:
                    a += w * (2.0 * left[k] + w)
                    b -= w * (2.0 * right[k] - w)
                left[k] += w
                right[k] -= w
            else:
                left[o] += w * t.y[o * t.n + row]
                right[o] = totals.sums[o] - left[o]


cdef inline void scan_counts(
    const Target *t, const Totals *totals, const Limits *limits, const uint64_t *run, ptrdiff_t present,
    bint missing_left, int64_t *left, int64_t *all, Cut *best,
) noexcept nogil:
    """scan_any, to the bit, for one output without weights by gini: whole numbers below 2^53. left, all: (n_classes,)

    With c = sum all_k left_k the squares on the right are  sum all_k^2 - 2 c + sum left_k^2.
    """
    cdef ptrdiff_t i = 0, n = totals.n, n_missing = n - present, n_left, stop
    cdef int64_t a = 0, c = 0, squares = 0, count
    cdef double proxy, w_left, w_right
    cdef int k, two = t.n_classes == 2
    cdef uint32_t rank
    for k in range(t.n_classes):
        left[k] = 0
        all[k] = <int64_t> totals.sums[k]
        squares += all[k] * all[k]
    if missing_left:
        for i in range(present, n):
            k = t.label[row_of(run[i])]
            count = left[k]
            a += 2 * count + 1
            c += all[k]
            left[k] = count + 1
    stop = present if missing_left or n_missing == 0 else present + 1
    i = 0
    while i < present:              # past the entries of one rank
        rank = rank_of(run[i])
        while i < present and rank_of(run[i]) == rank:
            k = t.label[row_of(run[i])]
            count = left[k]
            a += 2 * count + 1
            c += all[k]
            left[k] = count + 1
            i += 1
        if i >= stop:
            return
        n_left = i + (n_missing if missing_left else 0)
        w_left = <double> n_left
        w_right = totals.weight - w_left
        if (
            n_left >= limits.min_samples_leaf and n - n_left >= limits.min_samples_leaf
            and w_left >= limits.min_weight_leaf and w_right >= limits.min_weight_leaf and w_right > 0.0
        ):
            proxy = <double> a / w_left + <double> (squares - 2 * c + a) / w_right
            if proxy > best.proxy and allowed(
                limits, <double> left[two], <double> (all[two] - left[two]), w_left, w_right
            ):
                best.proxy = proxy
                best.place = i
                best.missing_left = missing_left


cdef inline void scan_distances(
    const Target *t, const Totals *totals, const Limits *limits, const uint64_t *run, ptrdiff_t present,
    bint missing_left, Cut *best,
) noexcept nogil:
    """The absolute error: of every prefix from the front, of every rest from the back. O(n log n)."""
    cdef ptrdiff_t i, k, n = totals.n, n_missing = n - present, row
    cdef ptrdiff_t shift = n_missing if missing_left else 0     # place i of the run is the (i + shift)-th in order
    cdef RunningMedian m
    cdef Weighed *memory = <Weighed *> malloc(2 * (n + 1) * sizeof(Weighed))
    cdef double *error = <double *> malloc(4 * (n + 1) * sizeof(double))    # left + right, of each number left
    cdef double *median_left = error + (n + 1)
    cdef double *median_right = error + 2 * (n + 1)
    cdef double *w_left = error + 3 * (n + 1)
    cdef double w = 1.0, proxy, w_right
    cdef ptrdiff_t uneven, least_uneven = 0
    cdef int o
    if memory == NULL or error == NULL:
        free(memory)
        free(error)
        return
    for o in range(t.n_outputs):
        median_start(&m, memory, n + 1)
        if o == 0:
            memset(error, 0, (n + 1) * sizeof(double))
            w_left[0] = 0.0
        for k in range(n):
            row = row_of(run[(k + present) % n if missing_left else k])
            if t.weight != NULL:
                w = t.weight[row]
            median_add(&m, t.y[o * t.n + row], w)
            error[k + 1] += distances(&m)
            if o == 0:
                median_left[k + 1] = median_value(&m)
                w_left[k + 1] = w_left[k] + w
        median_start(&m, memory, n + 1)
        for k in range(n - 1, 0, -1):
            row = row_of(run[(k + present) % n if missing_left else k])
            if t.weight != NULL:
                w = t.weight[row]
            median_add(&m, t.y[o * t.n + row], w)
            error[k] += distances(&m)
            if o == 0:
                median_right[k] = median_value(&m)
    for i in range(1, present if missing_left or n_missing == 0 else present + 1):
        k = i + shift
        if i < present and rank_of(run[i]) == rank_of(run[i - 1]):
            continue
        w_right = totals.weight - w_left[k]
        if (
            k < limits.min_samples_leaf or n - k < limits.min_samples_leaf or w_left[k] < limits.min_weight_leaf
            or w_right < limits.min_weight_leaf or w_left[k] <= 0.0 or w_right <= 0.0
        ):
            continue
        proxy = -error[k]
        # Of equal cuts, which are frequent among few different targets, the one nearest to the middle: the first one
        # would cut off a row at a time, and trees would be as deep as there are rows.
        uneven = k - (n - k) if 2 * k > n else n - k - k
        if (proxy > best.proxy or (proxy == best.proxy and uneven < least_uneven)) and allowed(
            limits, median_left[k] * w_left[k], median_right[k] * w_right, w_left[k], w_right
        ):
            least_uneven = uneven
            best.proxy = proxy
            best.place = i
            best.missing_left = missing_left
    free(memory)
    free(error)


cdef inline void scan_own(
    const Target *t, const Totals *totals, const Limits *limits, const uint64_t *run, ptrdiff_t present,
    bint missing_left, double *left, double *right, Cut *best,
) noexcept nogil:
    """An impurity of the user's, asked of both sides of every cut. left, right: (width,) scratch."""
    cdef ptrdiff_t i, n = totals.n, n_missing = n - present, n_left = 0, row, stop, first = 0
    cdef double w_left = 0.0, w_right, w = 1.0, proxy, y
    cdef double *statistics = <double *> malloc((t.n_classes + 3) * sizeof(double))
    cdef int o, k, two = t.n_classes == 2
    if statistics == NULL:
        return
    memset(left, 0, t.width * sizeof(double))
    if missing_left:
        first = -n_missing
    stop = present if missing_left or n_missing == 0 else present + 1
    for i in range(first, stop):
        if i > 0 and (i == present or rank_of(run[i]) != rank_of(run[i - 1])):
            w_right = totals.weight - w_left
            if (
                n_left >= limits.min_samples_leaf and n - n_left >= limits.min_samples_leaf
                and w_left >= limits.min_weight_leaf and w_right >= limits.min_weight_leaf
                and w_left > 0.0 and w_right > 0.0
            ):
                for k in range(t.width):
                    right[k] = totals.sums[k] - left[k]
                if allowed(limits, left[two], right[two], w_left, w_right):
                    proxy = -(
                        w_left * own_impurity(t, left, w_left, statistics)
                        + w_right * own_impurity(t, right, w_right, statistics)
                    )
                    if proxy > best.proxy:
                        best.proxy = proxy
                        best.place = i
                        best.missing_left = missing_left
        if i == present:
            break
        row = row_of(run[i if i >= 0 else n + i])
        if t.weight != NULL:
            w = t.weight[row]
        w_left += w
        n_left += 1
        for o in range(t.n_outputs):
            if t.n_classes > 0:
                left[o * t.n_classes + t.label[o * t.n + row]] += w
            else:
                y = t.y[o * t.n + row]
                left[o] += w * y
                left[t.n_outputs + o] += w * y * y
    free(statistics)


cdef inline void scan_once(
    const Target *t, const Totals *totals, const Limits *limits, const uint64_t *run, ptrdiff_t present,
    bint missing_left, double *scratch, Cut *best,
) noexcept nogil:
    cdef Totals ones
    cdef double sum_of_ones
    if t.criterion == ABSOLUTE_ERROR:
        scan_distances(t, totals, limits, run, present, missing_left, best)
        return
    if t.criterion == OWN:
        scan_own(t, totals, limits, run, present, missing_left, scratch, scratch + t.width, best)
        return
    if t.n_outputs == 1 and t.y != NULL and (t.n_classes == 0 or t.criterion == GINI):
        ones = totals[0]
        if t.n_classes == 2:        # gini of two classes is twice the squared error of 0 and 1
            sum_of_ones = totals.sums[1]
            ones.sums = &sum_of_ones
        if t.criterion == POISSON:
            scan_number(POISSON, t.weight != NULL, t, &ones, limits, run, present, missing_left, best)
        elif t.weight != NULL:
            scan_number(SQUARED_ERROR, True, t, &ones, limits, run, present, missing_left, best)
        else:
            scan_number(SQUARED_ERROR, False, t, &ones, limits, run, present, missing_left, best)
    elif t.criterion == GINI and t.n_outputs == 1 and t.weight == NULL and totals.n < 67108864:
        scan_counts(
            t, totals, limits, run, present, missing_left, <int64_t *> scratch, <int64_t *> scratch + t.width, best
        )
    else:
        scan_any(t, totals, limits, run, present, missing_left, scratch, scratch + t.width, best)


cdef inline void scan_run(
    const Target *t, const Totals *totals, const Limits *limits, const uint64_t *run, ptrdiff_t present,
    double *scratch,                # (2 * width,)
    Cut *best,                      # replaced where a cut of this run is better
) noexcept nogil:
    """Every cut of a run of totals.n entries, of which the first `present` are not missing."""
    scan_once(t, totals, limits, run, present, False, scratch, best)
    if present < totals.n:
        scan_once(t, totals, limits, run, present, True, scratch, best)
