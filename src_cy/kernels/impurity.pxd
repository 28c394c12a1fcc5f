"""How mixed the targets of a node are, and how good a cut is.

A node's statistics are its weight W, its number of rows, and for each output the weight of each class, or the sum
of w y. With p_k = (weight of class k) / W and the mean m = sum w y / W, averaged over outputs:

    gini       1 - sum p_k^2                     squared error   sum w y^2 / W - m^2
    entropy    -sum p_k log2 p_k                 poisson         sum w y log(y / m) / W   (half the deviance)
    absolute error    sum w |y - median| / W, and the statistic is the median
    own               what a function of the user's says of the p_k, or of W, sum w y, sum w y^2

A cut is judged by what of its children's impurity hangs on the cut ("proxy", the larger the better): for gini and
squared error  sum over sides and outputs of (sum of squares) / W.  Source: Breiman et al. 1984, chapters 4 and 8.
"""

from libc.math cimport INFINITY, NAN, isfinite, log, log2
from libc.stdint cimport int32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memset

from kernels.running_median cimport (
    RunningMedian, Weighed, distances, median_add, median_start, median_value,
)
from kernels.sorted_runs cimport row_of

cdef enum Criterion:
    GINI
    ENTROPY
    SQUARED_ERROR
    POISSON
    ABSOLUTE_ERROR
    OWN

ctypedef double (*OwnImpurity)(const double *statistics, ptrdiff_t n) noexcept nogil

cdef struct Target:
    Criterion criterion
    int n_outputs
    int n_classes                   # most classes of an output; 0: numbers
    int width                       # statistics of a node: n_outputs * max(n_classes, 1), and sums of w y^2 (OWN)
    ptrdiff_t n
    const int32_t *label            # (n_outputs, n)  classes; else NULL
    const double *y                 # (n_outputs, n)  numbers, or of one output with two classes: 0 and 1; else NULL
    const double *weight            # (n,) or NULL: 1
    const double *pairs             # (n, 2)  w and w y side by side, of one weighted output of numbers; else NULL
    OwnImpurity own                 # of shares (n_classes,), or of w, w y, w y^2
    double *fault                   # (1 + max(n_classes, 3),) 1 and what OWN said nothing finite of; else zeros


cdef struct Totals:
    double weight
    ptrdiff_t n
    double own                      # of numbers: sum over outputs of w y^2, of w y log y, or of w |y - median|
    double *sums                    # (width,)


cdef inline double xlogx(double x) noexcept nogil:
    return x * log(x) if x > 0.0 else 0.0


cdef inline void sum_distances(const Target *t, const uint64_t *run, ptrdiff_t n, Totals *out) noexcept nogil:
    """sum_run for the absolute error: sums are the medians. NaN where there is no memory."""
    cdef RunningMedian m
    cdef Weighed *memory = <Weighed *> malloc(2 * (n + 1) * sizeof(Weighed))
    cdef ptrdiff_t i, row
    cdef int o
    out.weight = 0.0
    out.own = 0.0 if memory != NULL else NAN
    out.n = n
    for i in range(n):
        out.weight += t.weight[row_of(run[i])] if t.weight != NULL else 1.0
    for o in range(t.n_outputs):
        out.sums[o] = 0.0
        if memory == NULL:
            continue
        median_start(&m, memory, n + 1)
        for i in range(n):
            row = row_of(run[i])
            median_add(&m, t.y[o * t.n + row], t.weight[row] if t.weight != NULL else 1.0)
        out.sums[o] = median_value(&m)
        out.own += distances(&m)
    free(memory)


cdef inline void sum_run(const Target *t, const uint64_t *run, ptrdiff_t n, Totals *out) noexcept nogil:
    """The statistics of some rows, added in the order of the run."""
    cdef ptrdiff_t i, row
    cdef int o
    cdef double w = 1.0, y
    if t.criterion == ABSOLUTE_ERROR:
        sum_distances(t, run, n, out)
        return
    memset(out.sums, 0, t.width * sizeof(double))
    out.weight = 0.0
    out.own = 0.0
    out.n = n
    for i in range(n):
        row = row_of(run[i])
        if t.weight != NULL:
            w = t.weight[row]
        out.weight += w
        if t.n_classes > 0:
            for o in range(t.n_outputs):
                out.sums[o * t.n_classes + t.label[o * t.n + row]] += w
        else:
            for o in range(t.n_outputs):
                y = t.y[o * t.n + row]
                out.sums[o] += w * y
                out.own += w * xlogx(y) if t.criterion == POISSON else w * y * y
                if t.criterion == OWN:
                    out.sums[t.n_outputs + o] += w * y * y


cdef inline double own_impurity(
    const Target *t, const double *sums, double weight,
    double *statistics,             # (max(n_classes, 3),) scratch
) noexcept nogil:
    """Added over the outputs; NaN is noted."""
    cdef int o, k, n = t.n_classes if t.n_classes > 0 else 3
    cdef double total = 0.0, said
    for o in range(t.n_outputs):
        if t.n_classes > 0:
            for k in range(n):      # what is left of a class by subtraction may lie below 0
                statistics[k] = max(sums[o * n + k] / weight, 0.0)
        else:
            statistics[0] = weight
            statistics[1] = sums[o]
            statistics[2] = sums[t.n_outputs + o]
        said = t.own(statistics, n)
        if not isfinite(said) and t.fault[0] == 0.0:
            t.fault[0] = 1.0
            for k in range(n):
                t.fault[1 + k] = statistics[k]
        total += said
    return total


cdef inline double impurity_of_own(const Target *t, const Totals *totals) noexcept nogil:
    cdef double *statistics = <double *> malloc((t.n_classes + 3) * sizeof(double))
    cdef double total = NAN
    if statistics != NULL:
        total = own_impurity(t, totals.sums, totals.weight, statistics) / t.n_outputs
    free(statistics)
    return total


cdef inline double impurity_of(const Target *t, const Totals *totals) noexcept nogil:
    cdef int o, k
    cdef double total = 0.0, p, W = totals.weight, m, squares
    if W <= 0.0:
        return 0.0
    if t.criterion == OWN:
        return impurity_of_own(t, totals)
    if t.n_classes > 0 and t.criterion == GINI:
        for o in range(t.n_outputs):
            squares = 0.0
            for k in range(t.n_classes):
                p = totals.sums[o * t.n_classes + k]
                squares += p * p
            total += 1.0 - squares / (W * W)
        return total / t.n_outputs
    if t.n_classes > 0:
        for k in range(t.width):
            p = totals.sums[k] / W
            if p > 0.0:
                total -= p * log2(p)
        return total / t.n_outputs
    if t.criterion == ABSOLUTE_ERROR:
        return totals.own / W / t.n_outputs
    if t.criterion == POISSON:
        total = totals.own / W
        for o in range(t.n_outputs):
            m = totals.sums[o] / W
            if m <= 2.220446049250313e-16:
                return INFINITY     # a mean of zero has no deviance
            total -= m * log(m)
        return total / t.n_outputs
    total = totals.own / W
    for o in range(t.n_outputs):
        m = totals.sums[o] / W
        total -= m * m
    return total / t.n_outputs


cdef inline double proxy_of_sums(
    Criterion criterion, const double *left, const double *right, int n_outputs, double w_left, double w_right
) noexcept nogil:
    """Of a cut, for numbers."""
    cdef double total = 0.0
    cdef int o
    for o in range(n_outputs):
        if criterion == POISSON:
            if left[o] <= 2.220446049250313e-16 or right[o] <= 2.220446049250313e-16:
                return -INFINITY    # a side without events
            total += left[o] * log(left[o] / w_left) + right[o] * log(right[o] / w_right)
        else:
            total += left[o] * left[o] / w_left + right[o] * right[o] / w_right
    return total


cdef inline double proxy_of_classes(
    Criterion criterion, const double *left, const double *right, int width, int n_outputs, double w_left,
    double w_right,
) noexcept nogil:
    """Of a cut, for classes."""
    cdef double a = 0.0, b = 0.0
    cdef int k
    if criterion == GINI:
        for k in range(width):
            a += left[k] * left[k]
            b += right[k] * right[k]
        return a / w_left + b / w_right
    for k in range(width):
        a += xlogx(left[k]) + xlogx(right[k])
    return a - n_outputs * (xlogx(w_left) + xlogx(w_right))
