"""The minimum spanning tree of mutual reachability, by Boruvka's rounds over a kd-tree.

The mutual reachability of two points is the largest of their distance and of both core distances, the distance from a
point to the k-th of its nearest, itself among them. In a round every component finds the shortest edge out of it; edges
are compared by reachability, then distance, then the smaller and the larger row, so that there is one tree whatever the
threads do. What a point found remains its nearest until that joins the point's component, and a lower bound after that:
points whose bound is above what their component has are not asked. Limit: simd/reachability.inl.
Source: March, Ram, Gray 2010; McInnes, Healy 2017.
"""

from cython.parallel cimport parallel, prange
from libc.math cimport INFINITY
from libc.stdint cimport int32_t, int64_t, uint8_t
from libc.stdlib cimport free, malloc

from kernels.distances cimport FASTML_CHEBYSHEV, FASTML_EUCLIDEAN, FASTML_MANHATTAN, FASTML_MINKOWSKI
from kernels.edges cimport find
from simd.reachability cimport (
    FASTML_REACH_WIDTH,
    fastml_reach_first,
    fastml_reach_kernels,
    fastml_reach_kernels_chosen,
    fastml_reach_lower,
    fastml_reach_state,
    fastml_reach_tree,
)

import numpy as np

LEAF_SIZE = FASTML_REACH_WIDTH
METRICS = {"euclidean": FASTML_EUCLIDEAN, "manhattan": FASTML_MANHATTAN, "chebyshev": FASTML_CHEBYSHEV,
           "minkowski": FASTML_MINKOWSKI}

cdef enum:
    CHUNK = 8                   # leaves that a thread takes at a time
    N_BESIDE = 4                # neighbours kept of each point
    MOST_OF_MEAN = 4            # components of more points than that times the mean wait
    LEAST_KEPT = 4              # so many are searched for, however few min_samples asks for


cdef class _Points:
    """A KdTree as the kernels take it."""

    cdef fastml_reach_tree tree
    cdef Py_ssize_t n_leaves, n_nodes
    cdef const double[:, :, ::1] packed, boxes
    cdef const int32_t[::1] row, lowest

    def __init__(self, tree):
        cdef Py_ssize_t n = tree.n_samples, d = tree.n_features, i
        self.packed, self.boxes, self.row, self.lowest = tree.packed, tree.boxes, tree.order, tree.lowest
        self.n_leaves = 1 << tree.depth
        self.n_nodes = 2 * self.n_leaves - 1
        if self.row.shape[0] != n or self.boxes.shape[0] != self.n_nodes or self.boxes.shape[1] != 2 \
                or self.boxes.shape[2] != d or self.packed.shape[0] != self.n_leaves or self.packed.shape[1] != d \
                or self.packed.shape[2] > LEAF_SIZE or self.packed.shape[2] % 8 != 0 or n > 1 << 30 \
                or self.packed.shape[2] < -(-n // self.n_leaves) or self.lowest.shape[0] != self.n_nodes:
            raise ValueError(f"a tree of at most 2^30 points with leaves of at most {LEAF_SIZE} is needed")
        for i in range(n):
            if not 0 <= self.row[i] < n:
                raise ValueError(f"the tree's order has {self.row[i]}, which must be in [0, {n})")
        self.tree.packed, self.tree.boxes, self.tree.row = &self.packed[0, 0, 0], &self.boxes[0, 0, 0], &self.row[0]
        self.tree.lowest = &self.lowest[0]
        self.tree.n, self.tree.depth, self.tree.d = <int32_t> n, tree.depth, <int32_t> d
        self.tree.width = <int32_t> self.packed.shape[2]

    cdef inline int32_t begin(self, Py_ssize_t leaf) noexcept nogil:
        return fastml_reach_first(&self.tree, <int32_t> leaf)

    cdef inline int32_t leaf_of(self, int32_t place) noexcept nogil:
        """The leaf l with n l >> depth <= place: by rounding, and a step where that is one too few."""
        cdef int32_t leaf = <int32_t> ((<int64_t> place << self.tree.depth) // self.tree.n)
        return leaf + (place >= self.begin(leaf + 1))


cdef class ReachabilityTree:
    """Core distances, then rounds until one component is left; see mutual_reachability_tree.pyi."""

    cdef _Points points
    cdef fastml_reach_state state
    cdef const fastml_reach_kernels *kernels
    cdef readonly Py_ssize_t n_points, n_leaves, n_components, n_edges
    cdef Py_ssize_t min_samples, n_kept, n_beside
    cdef bint started, finished
    cdef double[::1] core, node_core, bound, least, weight, length
    cdef int32_t[::1] component, node_component, nearest, best, first, second
    cdef int32_t[:, ::1] beside

    def __init__(self, tree, Py_ssize_t min_samples, metric="euclidean", double power=2.0, double scale=1.0):
        cdef Py_ssize_t n = tree.n_samples
        if metric not in METRICS:
            raise ValueError(f"metric={metric!r} must be one of {', '.join(METRICS)}")
        if not 1 <= min_samples <= n:
            raise ValueError(f"min_samples={min_samples} must be in [1, {n}], the number of points")
        if not scale > 0.0 or (metric == "minkowski" and not power >= 1.0):
            raise ValueError(f"scale={scale} must be > 0 and power={power} >= 1")
        self.points = _Points(tree)
        self.points.tree.metric.kind, self.points.tree.metric.p = METRICS[metric], power
        self.points.tree.metric.weight, self.points.tree.scale = NULL, scale
        self.kernels = fastml_reach_kernels_chosen()
        self.n_points, self.n_leaves, self.min_samples, self.n_components = n, self.points.n_leaves, min_samples, n
        self.n_kept = min(n, max(min_samples, <Py_ssize_t> LEAST_KEPT))
        self.n_beside = min(<Py_ssize_t> N_BESIDE, self.n_kept - 1)
        self.core = np.empty(n)
        self.beside = np.full((n, max(self.n_beside, 1)), -1, np.int32)

    def find_core_distances(self, Py_ssize_t begin, Py_ssize_t end, int n_threads=1):
        """Of the points of leaves begin to end; see mutual_reachability_tree.pyi."""
        if not 0 <= begin <= end <= self.n_leaves:
            raise ValueError(f"leaves {begin} to {end} are not within the tree's {self.n_leaves}")
        self.search(self.points, begin, end, self.n_kept, self.n_beside, self.core, &self.beside[0, 0], n_threads)

    cdef int search(
        self, _Points source, Py_ssize_t begin, Py_ssize_t end, Py_ssize_t n_kept, Py_ssize_t n_beside,
        double[::1] core_out, int32_t *beside_out, int n_threads,
    ) except -1:
        cdef Py_ssize_t leaf
        cdef double *distance = NULL
        cdef int32_t *who = NULL
        cdef bint failed = False
        with nogil, parallel(num_threads=max(n_threads, 1)):
            distance = <double *> malloc(FASTML_REACH_WIDTH * n_kept * sizeof(double))
            who = <int32_t *> malloc(FASTML_REACH_WIDTH * n_kept * sizeof(int32_t))
            for leaf in prange(begin, end, schedule="dynamic", chunksize=CHUNK):
                if distance == NULL or who == NULL:
                    failed = True
                    continue
                self.kernels.core_distances(
                    &self.points.tree, &source.tree, <int32_t> leaf, <int32_t> self.min_samples, <int32_t> n_kept,
                    <int32_t> n_beside, distance, who, &core_out[0], beside_out,
                )
            free(distance)
            free(who)
        if failed:
            raise MemoryError
        return 0

    def place(self, tree, const double[::1] core, int n_threads=1):
        """row and reach of each other point's nearest by mutual reachability; see mutual_reachability_tree.pyi."""
        cdef _Points source = _Points(tree)
        cdef Py_ssize_t n = source.tree.n, leaf, i
        cdef fastml_reach_state state
        cdef uint8_t needed[FASTML_REACH_WIDTH]
        cdef int32_t unused = 0
        if core.shape[0] != self.n_points or source.tree.d != self.points.tree.d:
            raise ValueError(f"{self.n_points} core distances and points of {self.points.tree.d} columns are needed")
        for i in range(FASTML_REACH_WIDTH):
            needed[i] = True
        self.core = np.ascontiguousarray(np.asarray(core)[np.asarray(self.points.row)])
        self.find_node_cores()
        cdef double[::1] own_core = np.empty(n), bound = np.full(n, np.inf), least = np.zeros(n)
        cdef int32_t[::1] nearest = np.full(n, -1, np.int32), own = np.arange(n, dtype=np.int32)
        cdef int32_t[::1] nobody = np.full(max(self.n_points, self.points.n_nodes), -3, np.int32)
        self.search(source, 0, source.n_leaves, self.min_samples, 0, own_core, &unused, n_threads)
        state.core, state.node_core, state.own_core = &self.core[0], &self.node_core[0], &own_core[0]
        state.component = state.node_component = &nobody[0]
        state.own_component, state.bound = &own[0], &bound[0]
        state.nearest, state.least = &nearest[0], &least[0]
        for leaf in prange(source.n_leaves, nogil=True, num_threads=max(n_threads, 1), schedule="dynamic",
                           chunksize=CHUNK):
            self.kernels.nearest_outside(&self.points.tree, &source.tree, &state, <int32_t> leaf, needed)
        rows, reach = np.empty(n, np.int32), np.empty(n)
        rows[np.asarray(source.row)] = np.asarray(self.points.row)[np.asarray(nearest)]
        reach[np.asarray(source.row)] = least
        return rows, reach

    def core_distances(self):
        """Reduced, by row."""
        out = np.empty(self.n_points)
        out[np.asarray(self.points.row)] = self.core
        return out

    cdef start(self):
        """Every point is a component."""
        cdef Py_ssize_t n = self.n_points
        self.find_node_cores()
        self.component = np.arange(n, dtype=np.int32)
        self.node_component = np.empty(self.points.n_nodes, np.int32)
        self.bound, self.nearest, self.best = np.empty(n), np.full(n, -1, np.int32), np.empty(n, np.int32)
        self.least = np.array(self.core)
        self.first, self.second = np.empty(n - 1, np.int32), np.empty(n - 1, np.int32)
        self.weight = np.empty(n - 1)
        self.state.core, self.state.node_core = &self.core[0], &self.node_core[0]
        self.state.component, self.state.node_component = &self.component[0], &self.node_component[0]
        self.state.own_core, self.state.own_component = &self.core[0], &self.component[0]
        self.state.bound, self.state.nearest, self.state.least = &self.bound[0], &self.nearest[0], &self.least[0]
        self.started = True

    cdef find_node_cores(self):
        cdef Py_ssize_t leaf, i, node
        self.node_core = np.full(self.points.n_nodes, np.inf)
        for leaf in range(self.n_leaves):
            node = self.n_leaves - 1 + leaf
            for i in range(self.points.begin(leaf), self.points.begin(leaf + 1)):
                self.node_core[node] = min(self.node_core[node], self.core[i])
        for node in range(self.n_leaves - 2, -1, -1):
            self.node_core[node] = min(self.node_core[2 * node + 1], self.node_core[2 * node + 2])

    def join(self, int n_threads=1):
        """One round; see mutual_reachability_tree.pyi."""
        cdef Py_ssize_t leaf
        cdef int threads = max(n_threads, 1)
        if not self.started:
            self.start()
        if self.n_components <= 1:
            return self.n_components
        with nogil:
            self.note_components()
            for leaf in prange(self.n_leaves, num_threads=threads, schedule="dynamic", chunksize=CHUNK):
                self.ask_list(<int32_t> leaf)
            for leaf in prange(self.n_leaves, num_threads=threads, schedule="dynamic", chunksize=CHUNK):
                self.ask_tree(<int32_t> leaf)
            self.pick()
        return self.n_components

    cdef void note_components(self) noexcept nogil:
        """Of each point, and of each node whose points are all in one; and which of them look for an edge now."""
        cdef Py_ssize_t i, leaf, node, largest = 0
        cdef int32_t own
        for i in range(self.n_points):
            self.best[i] = 0
        for i in range(self.n_points):
            self.component[i] = find(&self.component[0], <int32_t> i)
            self.best[self.component[i]] += 1
        for i in range(self.n_points):
            if self.best[i] > self.best[largest]:
                largest = i
        # An edge between a large component and a small one is found from the small one, for less.
        for i in range(self.n_points):
            self.bound[i] = INFINITY if self.best[i] <= MOST_OF_MEAN * self.n_points // self.n_components else -1.0
            self.best[i] = -1
        self.bound[largest] = -1.0
        for leaf in range(self.n_leaves):
            own = self.component[self.points.begin(leaf)]
            for i in range(self.points.begin(leaf), self.points.begin(leaf + 1)):
                if self.component[i] != own:
                    own = -1
                    break
            self.node_component[self.n_leaves - 1 + leaf] = own
        for node in range(self.n_leaves - 2, -1, -1):
            own = self.node_component[2 * node + 1]
            self.node_component[node] = own if own == self.node_component[2 * node + 2] else -1

    cdef inline double distance(self, int32_t a, int32_t b) noexcept nogil:
        cdef const fastml_reach_tree *tree = &self.points.tree
        return self.kernels.distance(tree, self.points.leaf_of(a), a, self.points.leaf_of(b), b) * tree.scale

    cdef void ask_list(self, int32_t leaf) noexcept nogil:
        """What points found before, or the next of the neighbours kept; offered to their components."""
        cdef int32_t p, q, i, own
        for p in range(self.points.begin(leaf), self.points.begin(leaf + 1)):
            own = self.component[p]
            if self.bound[own] < 0.0:
                continue
            if self.nearest[p] >= 0 and self.component[self.nearest[p]] == own:
                self.nearest[p] = -1
            if self.nearest[p] < 0 and self.points.tree.scale <= 1.0 and self.n_kept == self.min_samples:
                # All of them are within the core distance, in ascending order.
                for i in range(self.n_beside):
                    q = self.beside[p, i]
                    if self.component[q] != own and self.core[q] <= self.core[p]:
                        self.nearest[p], self.least[p] = q, self.core[p]
                        break
            if self.nearest[p] >= 0:
                fastml_reach_lower(&self.bound[own], self.least[p])

    cdef void ask_tree(self, int32_t leaf) noexcept nogil:
        """Search for points that know nothing and could have a shorter edge than their component has."""
        cdef uint8_t needed[FASTML_REACH_WIDTH]
        cdef int32_t p, begin = self.points.begin(leaf)
        cdef bint some = False
        cdef double bound
        for p in range(begin, self.points.begin(leaf + 1)):
            bound = self.bound[self.component[p]]
            needed[p - begin] = self.nearest[p] < 0 and self.least[p] <= bound and bound > 0.0
            some = some or needed[p - begin]
        if some:
            self.kernels.nearest_outside(&self.points.tree, &self.points.tree, &self.state, leaf, needed)

    cdef void pick(self) noexcept nogil:
        """The shortest edge of each component, and the components joined by them."""
        cdef int32_t p, q, own, a, b, c, e
        cdef double of_p, of_q
        for p in range(<int32_t> self.n_points):
            own = self.component[p]
            if self.nearest[p] < 0 or self.least[p] != self.bound[own]:
                continue
            q = self.best[own]
            if q >= 0:
                of_p, of_q = self.distance(p, self.nearest[p]), self.distance(q, self.nearest[q])
                a, b = self.points.row[p], self.points.row[self.nearest[p]]
                c, e = self.points.row[q], self.points.row[self.nearest[q]]
                if of_p > of_q or (of_p == of_q and (
                        min(a, b) > min(c, e) or (min(a, b) == min(c, e) and max(a, b) >= max(c, e)))):
                    continue
            self.best[own] = p
        for own in range(<int32_t> self.n_points):
            p = self.best[own]
            if p < 0:
                continue
            q = self.nearest[p]
            a, b = find(&self.component[0], own), find(&self.component[0], q)
            if a == b:
                continue
            self.component[max(a, b)] = min(a, b)
            e = <int32_t> self.n_edges
            self.first[e], self.second[e], self.weight[e] = p, q, self.least[p]
            self.n_edges += 1
            self.n_components -= 1

    def edges(self):
        """first, second, weight, length; see mutual_reachability_tree.pyi."""
        if self.n_components > 1:
            raise ValueError(f"{self.n_components} components are left: join until there is one")
        if not self.started:
            self.start()
        if not self.finished:
            self.finish()
        return np.asarray(self.first), np.asarray(self.second), np.asarray(self.weight), np.asarray(self.length)

    cdef finish(self):
        """Places to rows, and distances; what the rounds needed is given back before that."""
        cdef Py_ssize_t i
        cdef int32_t p, q
        self.beside = None
        self.bound = self.least = None
        self.component = self.nearest = self.best = None
        self.length = np.empty(self.n_points - 1)
        for i in range(self.n_points - 1):
            p, q = self.first[i], self.second[i]
            self.length[i] = self.distance(p, q)
            self.first[i], self.second[i] = self.points.row[p], self.points.row[q]
        self.tidy()
        self.finished = True

    cdef tidy(self):
        """Points on top of each other were joined as it came: now each of them by the one of the smallest row."""
        cdef Py_ssize_t n = self.n_points, i, e = 0
        cdef int32_t[::1] leader = np.arange(n, dtype=np.int32)
        cdef int32_t a, b
        for i in range(n - 1):
            if self.weight[i] == 0.0:
                a, b = find(&leader[0], self.first[i]), find(&leader[0], self.second[i])
                leader[max(a, b)] = min(a, b)
        for i in range(n - 1):
            if self.weight[i] == 0.0:
                while leader[e] == e:
                    e += 1
                self.first[i], self.second[i] = find(&leader[0], <int32_t> e), <int32_t> e
                e += 1
