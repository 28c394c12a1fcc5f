"""What AdaBoost does to the rows' weights after a member: which rows it gets wrong, its error, the new weights.

Limit: a pass over the weights for the error and one for the update, 8 bytes a row each; the member's column is read
once, a line of the cache a row where it lies in a table of many.
"""

from libc.stdint cimport int32_t, uint8_t
from libc.string cimport memset

cdef enum:
    LANES = 4                       # sums side by side, so that an addition does not wait for the last one

ctypedef fused number:
    float
    double


cdef struct Sums:
    double[LANES] sum
    double[LANES] rest              # what rounding took from it


cdef inline void add(Sums *s, int lane, double w) noexcept nogil:
    """Adds without loss (Knuth's two-sum): a row of weight 2 and two rows of weight 1 must not differ in the last bit,
    which decides between cuts that are equally good."""
    cdef double before = s.sum[lane], after = before + w, of_w = after - before
    s.rest[lane] += (before - (after - of_w)) + (w - of_w)
    s.sum[lane] = after


cdef double total_of(Sums *s) noexcept nogil:
    cdef int lane
    for lane in range(1, LANES):
        add(s, 0, s.sum[lane])
        s.rest[0] += s.rest[lane]
    return s.sum[0] + s.rest[0]


cdef inline void take_down(
    bint is_wrong, double w, ptrdiff_t i, uint8_t *wrong_out, Sums *error, Sums *total
) noexcept nogil:
    wrong_out[i] = is_wrong
    add(error, i % LANES, w if is_wrong else 0.0)
    add(total, i % LANES, w)


def judge_stump(
    const number[:, :] X, int feature, double threshold, bint missing_left, int left, int right,
    const int32_t[::1] codes, const double[::1] weight, uint8_t[::1] wrong_out,
):
    """(weight of the rows that a stump gets wrong, of all rows); see weight_updater.pyi."""
    cdef Sums error, total
    cdef ptrdiff_t i, n = codes.shape[0]
    cdef double x
    cdef bint goes_left
    memset(&error, 0, sizeof(Sums))
    memset(&total, 0, sizeof(Sums))
    if X.shape[0] != n or weight.shape[0] != n or wrong_out.shape[0] != n or not 0 <= feature < X.shape[1]:
        raise ValueError(f"a table of {X.shape[0]} x {X.shape[1]} does not fit {n} rows and column {feature}")
    with nogil:
        for i in range(n):
            x = X[i, feature]
            goes_left = x <= threshold or (missing_left and x != x)
            take_down((left if goes_left else right) != codes[i], weight[i], i, &wrong_out[0], &error, &total)
    return total_of(&error), total_of(&total)


def judge_leaves(
    const int32_t[::1] leaf_of, const int32_t[::1] said, const int32_t[::1] codes, const double[::1] weight,
    uint8_t[::1] wrong_out,
):
    """judge_stump for any tree: each row's leaf, and the class that each leaf says; see weight_updater.pyi."""
    cdef Sums error, total
    cdef ptrdiff_t i, n = codes.shape[0]
    memset(&error, 0, sizeof(Sums))
    memset(&total, 0, sizeof(Sums))
    if leaf_of.shape[0] != n or weight.shape[0] != n or wrong_out.shape[0] != n:
        raise ValueError(f"leaves of {leaf_of.shape[0]} rows do not fit {n}")
    with nogil:
        for i in range(n):
            take_down(said[leaf_of[i]] != codes[i], weight[i], i, &wrong_out[0], &error, &total)
    return total_of(&error), total_of(&total)


def raise_weights(double[::1] weight, const uint8_t[::1] wrong, double factor):
    """Multiplies the weights of rows that are wrong by the factor."""
    cdef double[2] times
    cdef ptrdiff_t i, n = weight.shape[0]
    times[0] = 1.0
    times[1] = factor
    if wrong.shape[0] != n:
        raise ValueError(f"{wrong.shape[0]} flags do not fit {n} weights")
    with nogil:
        for i in range(n):
            weight[i] *= times[wrong[i] != 0]


def sum_weights(const double[::1] weight):
    """The sum; see weight_updater.pyi."""
    cdef Sums total
    cdef ptrdiff_t i
    memset(&total, 0, sizeof(Sums))
    with nogil:
        for i in range(weight.shape[0]):
            add(&total, i % LANES, weight[i])
    return total_of(&total)
