"""Density clustering over a graph of distances: who is near whom is known, and need not be mutual.

A cluster is what its first core point reaches over core points; clusters take their members in order of these. So a
label is final as soon as it is given. Limit: each edge is read twice.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t

import numpy as np


def reach_by_graph(
    const int64_t[::1] start,
    const int32_t[::1] neighbour,
    const double[::1] distance,
    double eps,
    const uint8_t[::1] is_core,
):
    """(n,) labels; see graph_clusters.pyi."""
    cdef Py_ssize_t n = start.shape[0] - 1, i, e, n_stacked = 0
    cdef int32_t at, other, label = 0
    if n < 0 or is_core.shape[0] != n or distance.shape[0] != neighbour.shape[0] or n >= 2147483647:
        raise ValueError("start must have one number more than is_core, distance as many as neighbour")
    if n and (start[0] < 0 or start[n] > neighbour.shape[0]):
        raise ValueError("start points outside of neighbour")
    for i in range(n):
        if start[i] > start[i + 1]:
            raise ValueError("start must ascend")
    for e in range(neighbour.shape[0]):
        if not 0 <= neighbour[e] < n:
            raise ValueError(f"neighbour {neighbour[e]} is none of {n} points")
    labels = np.full(n, -1, np.intp)
    cdef Py_ssize_t[::1] label_of = labels
    cdef int32_t[::1] stack = np.empty(n, np.int32)
    with nogil:
        for i in range(n):
            if not is_core[i] or label_of[i] >= 0:
                continue
            label_of[i] = label
            stack[0] = <int32_t> i
            n_stacked = 1
            while n_stacked:
                n_stacked -= 1
                at = stack[n_stacked]
                for e in range(start[at], start[at + 1]):
                    other = neighbour[e]
                    if distance[e] <= eps and label_of[other] < 0:
                        label_of[other] = label
                        if is_core[other]:
                            stack[n_stacked] = other
                            n_stacked += 1
            label += 1
    return labels
