"""Kernel densities by a tree: what a node's points say together is known between two bounds; see kernel_density.pyi.

For each query, the nearer child first: a node is left as it is once the kernel varies so little over it that its share
of the tolerance is not used up. Sums are taken relative to the kernel at the nearest point, so that a query far out has
a logarithm too. Limit: one exponential a point that is looked at, 5 ns.
"""

cimport numpy as cnp
from cpython.exc cimport PyErr_CheckSignals
from cython.parallel cimport prange
from libc.math cimport INFINITY, M_PI, cos, exp, isnan, log

from kernels.bounded_tree cimport (
    BoundedTree, bind_tree, bound_of, least, most, node_begin, node_end, push_children, reduced_to,
)
from kernels.distances cimport fastml_distance_of

import numpy as np

cnp.import_array()

cdef enum:
    GAUSSIAN = 0
    TOPHAT = 1
    EPANECHNIKOV = 2
    EXPONENTIAL = 3
    LINEAR = 4
    COSINE = 5
    N_KERNELS = 6
    BETWEEN_SIGNALS = 256   # queries between two looks for Ctrl-C


cdef struct Density:
    int kernel
    double h
    double log_norm             # of the kernel, in d columns
    double atol
    double rtol
    const double *weight        # (n,) at each place of the order
    const double *before        # (n + 1,) sums of weights before each place


cdef inline double kernel_at(int kernel, double z, double nearest) noexcept nogil:
    """The kernel at distance z, in bandwidths, over that at `nearest`, which is 0 for kernels that end."""
    if kernel == GAUSSIAN:
        return exp(-0.5 * (z - nearest) * (z + nearest))
    if kernel == EXPONENTIAL:
        return exp(nearest - z)
    if z >= 1.0:
        return 0.0
    if kernel == TOPHAT:
        return 1.0
    if kernel == EPANECHNIKOV:
        return 1.0 - z * z
    if kernel == LINEAR:
        return 1.0 - z
    return cos(0.5 * M_PI * z)


cdef double nearest_distance(const BoundedTree *tree, const double *x) noexcept nogil:
    cdef Py_ssize_t waiting[64]
    cdef double near[64]
    cdef Py_ssize_t node, i, n = 1, first_leaf = ((<Py_ssize_t> 1) << tree.depth) - 1
    cdef double best = INFINITY, bound = INFINITY, own
    waiting[0] = 0
    near[0] = 0.0
    while n > 0:
        n -= 1
        node = waiting[n]
        if near[n] >= bound:
            continue
        if node < first_leaf:
            n = push_children(tree, node, x, waiting, near, n)
            continue
        for i in range(node_begin(tree, node), node_end(tree, node)):
            own = reduced_to(tree, i, x)
            if own < best:
                best = own
        bound = bound_of(tree, best)
    return fastml_distance_of(&tree.metric, best)


cdef inline double to_distance(const BoundedTree *tree, double bound) noexcept nogil:
    return fastml_distance_of(&tree.metric, bound) if tree.boxes != NULL else bound


cdef double log_density(const BoundedTree *tree, const Density *ask, const double *x) noexcept nogil:
    """The logarithm of the density at x."""
    cdef Py_ssize_t waiting[64]
    cdef Py_ssize_t node, i, begin, end, n = 1, first_leaf = ((<Py_ssize_t> 1) << tree.depth) - 1
    cdef double nearest = 0.0, start = ask.log_norm, total = 0.0, lower = 0.0, high, low, weight, all_weight, allowed
    cdef double near[64]
    if ask.kernel == GAUSSIAN or ask.kernel == EXPONENTIAL:
        nearest = nearest_distance(tree, x) / ask.h
        start += -0.5 * nearest * nearest if ask.kernel == GAUSSIAN else -nearest
        if not start > -INFINITY:
            return -INFINITY
    all_weight = ask.before[tree.n]
    allowed = ask.atol * exp(-start) if ask.atol > 0.0 else 0.0
    waiting[0] = 0
    while n > 0:
        n -= 1
        node = waiting[n]
        begin = node_begin(tree, node)
        end = node_end(tree, node)
        weight = ask.before[end] - ask.before[begin]
        high = kernel_at(ask.kernel, to_distance(tree, least(tree, node, x)) / ask.h, nearest)
        if nearest > 0.0:
            high = min(high, 1.0)
        if high == 0.0:
            continue
        low = kernel_at(ask.kernel, to_distance(tree, most(tree, node, x)) / ask.h, nearest)
        if 0.5 * (high - low) * all_weight <= allowed + ask.rtol * lower:
            total += 0.5 * (high + low) * weight
            lower += low * weight
            continue
        if node < first_leaf:
            n = push_children(tree, node, x, waiting, near, n)
            continue
        for i in range(begin, end):
            high = kernel_at(ask.kernel, fastml_distance_of(&tree.metric, reduced_to(tree, i, x)) / ask.h, nearest)
            if not isnan(high):
                high = high * ask.weight[i]
                total += high
                lower += high
    return log(total) + start


def log_densities(
    tree, X, int kernel, double h, double log_norm, double atol, double rtol, weights=None, int n_threads=1
):
    """(n,) float64; see kernel_density.pyi."""
    cdef BoundedTree bound
    cdef Density ask
    bind_tree(tree, &bound)
    cdef const double[:, ::1] queries = np.ascontiguousarray(X, np.float64)
    cdef double[::1] sums = np.zeros(bound.n + 1)
    cdef Py_ssize_t n = queries.shape[0], first, last, q
    if queries.shape[1] != bound.d or not 0 <= kernel < N_KERNELS or not h > 0.0:
        raise ValueError(f"queries must be an array (n, {bound.d}), kernel below {N_KERNELS}, h={h} positive")
    if weights is not None and np.shape(weights) != (bound.n,):
        raise ValueError(f"weights must be {bound.n} numbers")
    cdef const double[::1] own = np.ones(bound.n) if weights is None else np.asarray(weights, np.float64)[tree.order]
    np.cumsum(own, out=np.asarray(sums)[1:])
    ask.kernel, ask.h, ask.log_norm, ask.atol, ask.rtol = kernel, h, log_norm, atol, rtol
    ask.weight, ask.before = &own[0], &sums[0]
    out_ = np.empty(n)
    cdef double[::1] out = out_
    for first in range(0, n, BETWEEN_SIGNALS):
        last = min(n, first + BETWEEN_SIGNALS)
        for q in prange(first, last, nogil=True, schedule="dynamic", chunksize=4, num_threads=max(n_threads, 1)):
            out[q] = log_density(&bound, &ask, &queries[q, 0])
        PyErr_CheckSignals()
    return out_
