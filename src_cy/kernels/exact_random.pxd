"""Cuts at random thresholds. Source: Geurts, Ernst, Wehenkel 2006, Extremely randomized trees."""

from libc.stdint cimport uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy

from kernels.exact_nodes cimport ExactProblem, ExactNode, prediction_of
from kernels.exact_search cimport Cut, Limits, allowed
from kernels.impurity cimport (
    ABSOLUTE_ERROR, OWN, Totals, impurity_of, proxy_of_classes, proxy_of_sums, sum_run,
)
from kernels.random cimport random_bits
from kernels.sorted_runs cimport is_constant, rank_of


cdef inline double random_threshold(
    const ExactProblem *p, const ExactNode *node, int j, const uint64_t *run, ptrdiff_t present
) noexcept nogil:
    """Uniform between the smallest and the largest value, below the largest."""
    cdef const double *values = p.values + p.values_start[j]
    cdef double low = values[rank_of(run[0])], high = values[rank_of(run[present - 1])], x
    x = low + (high - low) * ((random_bits(p.options.seed, node.key, 1000003 + j) >> 11) * 1.1102230246251565e-16)
    return low if x >= high else x


cdef inline void sum_apart(
    const ExactProblem *p, const uint64_t *run, ptrdiff_t n, ptrdiff_t place, ptrdiff_t present, bint missing_left,
    Totals *left, Totals *right,
) noexcept nogil:
    """Both sides of a cut, each by itself, for what is no sum."""
    cdef uint64_t *order = <uint64_t *> malloc((n + 1) * sizeof(uint64_t))
    cdef ptrdiff_t n_missing = n - present, n_left = place + (n_missing if missing_left else 0)
    if order == NULL:
        left.n = 0                  # no cut
        return
    memcpy(order, run, place * sizeof(uint64_t))
    if missing_left:
        memcpy(order + place, run + present, n_missing * sizeof(uint64_t))
        memcpy(order + n_left, run + place, (present - place) * sizeof(uint64_t))
    else:
        memcpy(order + place, run + place, (n - place) * sizeof(uint64_t))
    sum_run(&p.target, order, n_left, left)
    sum_run(&p.target, order + n_left, n - n_left, right)
    free(order)


cdef inline void random_cut(
    const ExactProblem *p, const ExactNode *node, int j, uint64_t *run, ptrdiff_t present, const Totals *totals,
    const Limits *limits, double *scratch, Cut *out,
) noexcept nogil:
    """A random threshold, with missing values on a random side."""
    cdef const double *values = p.values + p.values_start[j]
    cdef Totals left, right, more
    cdef ptrdiff_t low = 0, high = present, middle
    cdef double threshold
    cdef int k, width = p.target.width
    cdef bint missing_left = False
    if present < node.n:
        missing_left = <int> (random_bits(p.options.seed, node.key, 2000003 + j) & 1)
    if present == 0 or is_constant(run, present):
        out.place = present         # present against missing is the only cut
        missing_left = False
    else:
        threshold = random_threshold(p, node, j, run, present)
        while low < high:
            middle = (low + high) // 2
            if values[rank_of(run[middle])] <= threshold:
                low = middle + 1
            else:
                high = middle
        out.place = low
    left.sums = scratch
    right.sums = scratch + width
    more.sums = scratch + 2 * width
    sum_run(&p.target, run, out.place, &left)
    if missing_left:
        sum_run(&p.target, run + present, node.n - present, &more)
        left.weight += more.weight
        left.n += more.n
        for k in range(width):
            left.sums[k] += more.sums[k]
    right.weight = totals.weight - left.weight
    right.n = totals.n - left.n
    for k in range(width):
        right.sums[k] = totals.sums[k] - left.sums[k]
    if p.target.criterion == ABSOLUTE_ERROR:
        sum_apart(p, run, node.n, out.place, present, missing_left, &left, &right)
    out.missing_left = missing_left
    if (
        left.n == 0 or right.n == 0 or left.n < limits.min_samples_leaf or right.n < limits.min_samples_leaf
        or left.weight < limits.min_weight_leaf or right.weight < limits.min_weight_leaf
        or left.weight <= 0.0 or right.weight <= 0.0
        or not allowed(limits, prediction_of(p, &left) * left.weight, prediction_of(p, &right) * right.weight,
                       left.weight, right.weight)
    ):
        return
    if p.target.criterion == OWN:
        out.proxy = -(left.weight * impurity_of(&p.target, &left) + right.weight * impurity_of(&p.target, &right))
    elif p.target.n_classes > 0:
        out.proxy = proxy_of_classes(
            p.target.criterion, left.sums, right.sums, width, p.target.n_outputs, left.weight, right.weight
        )
    elif p.target.criterion == ABSOLUTE_ERROR:
        out.proxy = -left.own - right.own
    else:
        out.proxy = proxy_of_sums(
            p.target.criterion, left.sums, right.sums, p.target.n_outputs, left.weight, right.weight
        )
