"""Minimum spanning trees of mutual reachability where distances come by rows (Prim), or as a sparse graph (Kruskal).

For metrics without bounds by boxes, functions of the user's, and distances that are given. Memory is linear in the
points, or in the graph's entries. Edges are compared as in mutual_reachability_tree: by reachability, distance, the
smaller and the larger row. Limit: three comparisons of doubles a pair; making the row of distances costs more.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t

from kernels.edges cimport find, sort_edges

import numpy as np


cdef class PrimTree:
    """Grows from point 0 by one point a row; see spanning_tree.pyi."""

    cdef readonly Py_ssize_t n_points, n_edges
    cdef readonly Py_ssize_t current    # whose row comes next
    cdef const double[::1] core
    cdef double[::1] reach, distance, weight, length
    cdef int32_t[::1] source, first, second
    cdef uint8_t[::1] done

    def __init__(self, const double[::1] core):
        cdef Py_ssize_t n = core.shape[0]
        if not 1 <= n <= 1 << 30:
            raise ValueError(f"{n} points: there must be 1 to 2^30")
        self.core, self.n_points = core, n
        self.reach, self.distance, self.source = np.full(n, np.inf), np.full(n, np.inf), np.full(n, -1, np.int32)
        self.done = np.zeros(n, np.uint8)
        self.first, self.second = np.empty(n - 1, np.int32), np.empty(n - 1, np.int32)
        self.weight, self.length = np.empty(n - 1), np.empty(n - 1)

    def add(self, const double[::1] row):
        """Take the current point's distances to all points; the next current point, or -1 at the end."""
        cdef Py_ssize_t n = self.n_points, j, best = -1
        cdef int32_t own = <int32_t> self.current, s, t
        cdef double core, reach, x
        if row.shape[0] != n:
            raise ValueError(f"the row has {row.shape[0]} distances, not {n}")
        if self.current < 0:
            raise ValueError("the tree has all of its points")
        core = self.core[own]
        with nogil:
            self.done[own] = True
            for j in range(n):
                if self.done[j]:
                    continue
                x = row[j]
                reach = max(max(core, self.core[j]), x)
                if reach < self.reach[j] or self.source[j] < 0 or (reach == self.reach[j] and (
                        x < self.distance[j] or (x == self.distance[j] and own < self.source[j]))):
                    self.reach[j], self.distance[j], self.source[j] = reach, x, own
                if best < 0 or self.reach[j] < self.reach[best]:
                    best = j
                elif self.reach[j] == self.reach[best]:
                    if self.distance[j] < self.distance[best]:
                        best = j
                    elif self.distance[j] == self.distance[best]:
                        s, t = self.source[j], self.source[best]
                        if min(s, j) < min(t, best) or (min(s, j) == min(t, best) and max(s, j) < max(t, best)):
                            best = j
        if best >= 0:
            self.first[self.n_edges], self.second[self.n_edges] = self.source[best], <int32_t> best
            self.weight[self.n_edges], self.length[self.n_edges] = self.reach[best], self.distance[best]
            self.n_edges += 1
        self.current = best
        return best

    def edges(self):
        """first, second, weight, length."""
        if self.n_edges != self.n_points - 1:
            raise ValueError(f"{self.n_points - 1 - self.n_edges} points are not in the tree yet: add their rows")
        return np.asarray(self.first), np.asarray(self.second), np.asarray(self.weight), np.asarray(self.length)


def graph_tree(
    const int32_t[::1] first, const int32_t[::1] second, const double[::1] weight, const double[::1] length,
    Py_ssize_t n_points,
):
    """The spanning forest of a graph; see spanning_tree.pyi."""
    cdef Py_ssize_t n_edges = weight.shape[0], i, n_taken = 0
    cdef int32_t a, b
    if first.shape[0] != n_edges or second.shape[0] != n_edges or length.shape[0] != n_edges:
        raise ValueError("first, second, weight and length must be equally long")
    if not 1 <= n_points <= 1 << 30 or n_edges >= <int64_t> 1 << 32:
        raise ValueError(f"{n_points} points, {n_edges} edges: at most 2^30 and 2^32")
    for i in range(n_edges):
        if not (0 <= first[i] < n_points and 0 <= second[i] < n_points):
            raise ValueError(f"edge {i} joins {first[i]} and {second[i]}, which must be in [0, {n_points})")
    cdef uint64_t[::1] keys = np.empty(n_edges + 1, np.uint64), spare = np.empty(n_edges + 1, np.uint64)
    cdef uint32_t[::1] order = np.empty(n_edges + 1, np.uint32), spare_order = np.empty(n_edges + 1, np.uint32)
    cdef int32_t[::1] leader = np.arange(n_points, dtype=np.int32)
    taken_ = np.empty(max(n_points - 1, 0), np.int64)
    cdef int64_t[::1] taken = taken_
    if n_edges:
        with nogil:
            sort_edges(&first[0], &second[0], &weight[0], &length[0], <uint32_t> n_edges, &keys[0], &spare[0],
                       &order[0], &spare_order[0])
            for i in range(n_edges):
                a, b = find(&leader[0], first[order[i]]), find(&leader[0], second[order[i]])
                if a != b:
                    leader[max(a, b)] = min(a, b)
                    taken[n_taken] = order[i]
                    n_taken += 1
                    if n_taken == n_points - 1:
                        break
    return taken_[:n_taken]
