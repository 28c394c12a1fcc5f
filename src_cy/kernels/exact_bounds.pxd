"""What monotone columns above a node leave of its prediction."""

from kernels.exact_nodes cimport ExactNode, ExactProblem
from kernels.impurity cimport ABSOLUTE_ERROR


cdef inline void keep_within_bounds(const ExactProblem *p, const ExactNode *node, double *sums) noexcept nogil:
    """Cut a node's prediction to what monotone columns above it allow."""
    cdef int one = p.target.n_classes == 2
    cdef double scale = 1.0 if p.target.criterion == ABSOLUTE_ERROR else node.weight
    cdef double bounded = min(max(sums[one], node.lower * scale), node.upper * scale)
    if one:
        sums[0] += sums[1] - bounded
    sums[one] = bounded
