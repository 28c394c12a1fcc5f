"""Rows to clusters at the least cost, with bounds on how many rows a cluster has: exactly, by augmenting paths.

From each row in its cheapest cluster, a cluster that has too many gives one away along the cheapest path through the
clusters, each of which passes one of its rows on, to one that has room; then clusters with too few are filled the same
way. Costs of rows that would move are kept in heaps, one for each pair of clusters, made when a path first comes by.
Potentials keep the lengths of edges from being negative (out-of-kilter method: Fulkerson 1961).

Limit: a step of Dijkstra's algorithm looks at k heaps, and a path settles few clusters where limits are mild.
"""

from libc.math cimport INFINITY
from libc.stdint cimport int32_t
from libc.stdlib cimport calloc, free, realloc
from libc.string cimport memcpy, memset

import numpy as np

cdef enum:
    PATHS_AT_ONCE = 1024    # between two looks at Ctrl-C
    SPARE = 64              # entries of rows that have left, beside as many as there are rows


cdef struct Heap:
    int32_t *rows
    Py_ssize_t n
    Py_ssize_t room


cdef class SizedAssignment:
    """Labels that get within the bounds path by path; see sized_assignment.pyi."""

    cdef readonly Py_ssize_t n_samples, n_clusters, n_paths
    cdef readonly object labels
    cdef object _edges, _fresh, _sizes, _built, _potential, _distance, _before, _settled, _seen
    cdef const double[:, ::1] costs
    cdef int32_t[::1] label, seen
    cdef Py_ssize_t[::1] sizes
    cdef double[:, ::1] edges           # (k, k) least cost of moving a row of the first to the second, where fresh
    cdef unsigned char[::1] built, fresh, settled
    cdef double[::1] potential, distance
    cdef Py_ssize_t[::1] before
    cdef double sink                    # potential beyond the clusters
    cdef Py_ssize_t least, most
    cdef int32_t stamp
    cdef Heap *heaps                    # (k, k): rows of the first by what it costs to move them to the second
    cdef bint failed

    def __cinit__(self):
        self.heaps = NULL

    def __dealloc__(self):
        cdef Py_ssize_t i
        if self.heaps != NULL:
            for i in range(self.n_clusters * self.n_clusters):
                free(self.heaps[i].rows)
            free(self.heaps)

    def __init__(self, const double[:, ::1] costs, Py_ssize_t least, Py_ssize_t most):
        cdef Py_ssize_t n = costs.shape[0], k = costs.shape[1], i, c
        cdef int32_t best
        if self.heaps != NULL:
            raise ValueError("make a new object for other costs")
        if n < 1 or k < 1 or k > 1 << 20 or n > 0x7FFFFFFF:
            raise ValueError(f"costs of shape {(n, k)}: there must be rows and clusters, at most 2^31 rows")
        if not 0 <= least <= most or least * k > n or most < (n + k - 1) // k:
            raise ValueError(f"{n} rows cannot be in {k} clusters of {least} to {most} rows")
        if not np.isfinite(costs).all():
            raise ValueError("costs must be finite")
        self.n_samples, self.n_clusters, self.least, self.most, self.n_paths = n, k, least, most, 0
        self.costs = costs
        self.labels, self._sizes, self._built = np.empty(n, np.int32), np.zeros(k, np.intp), np.zeros(k, np.uint8)
        self._edges, self._fresh = np.empty((k, k)), np.zeros(k, np.uint8)
        self.edges, self.fresh = self._edges, self._fresh
        self._settled, self._seen = np.empty(k, np.uint8), np.zeros(n, np.int32)
        self._potential, self._distance, self._before = np.zeros(k), np.empty(k), np.empty(k, np.intp)
        self.label, self.sizes, self.built, self.settled = self.labels, self._sizes, self._built, self._settled
        self.potential, self.distance, self.before = self._potential, self._distance, self._before
        self.seen = self._seen
        self.sink, self.stamp, self.failed = 0.0, 0, False
        self.heaps = <Heap *> calloc(k * k, sizeof(Heap))
        if self.heaps == NULL:
            raise MemoryError
        for i in range(n):
            best = 0
            for c in range(1, k):
                if costs[i, c] < costs[i, best]:
                    best = <int32_t> c
            self.label[i] = best
            self.sizes[best] += 1

    def run(self):
        """Move rows until all clusters are within the bounds; the number of paths."""
        cdef bint more = True
        while more:
            with nogil:
                more = self.some_paths()
            if self.failed:
                raise MemoryError
        return self.n_paths

    cdef bint some_paths(self) noexcept nogil:
        """Some more paths; False when there is none left to walk."""
        cdef Py_ssize_t _i, c = 0, k = self.n_clusters
        for _i in range(PATHS_AT_ONCE):
            while c < k and self.sizes[c] <= self.most:
                c += 1
            if c < k:
                self.walk(self.nearest_with_room(c))
            else:
                c = 0
                while c < k and self.sizes[c] >= self.least:
                    c += 1
                if c == k:
                    return False
                self.walk(self.from_the_nearest(c))
                c = k
            if self.failed:
                return False
        return True

    cdef Py_ssize_t nearest_with_room(self, Py_ssize_t source) noexcept nogil:
        """The cluster with room to which a row of the source goes at the least cost; updates potentials."""
        cdef Py_ssize_t c, end = -1
        cdef double length = INFINITY, own
        self.start()
        self.distance[source] = 0.0
        while True:
            c = self.settle(length)
            if c < 0:
                break
            if self.sizes[c] < self.most:
                own = self.distance[c] + max(self.potential[c] - self.sink, 0.0)
                if own < length:
                    length, end = own, c
            self.relax(c)
        self.raise_potentials(length)
        self.sink += length
        return end

    cdef Py_ssize_t from_the_nearest(self, Py_ssize_t end) noexcept nogil:
        """The way to a cluster from the one that can spare a row at the least cost; updates potentials."""
        cdef Py_ssize_t c
        self.start()
        for c in range(self.n_clusters):
            if self.sizes[c] > self.least:
                self.distance[c] = max(self.sink - self.potential[c], 0.0)
        while True:
            c = self.settle(INFINITY)
            if c == end or c < 0:
                break
            self.relax(c)
        self.raise_potentials(self.distance[end])
        return end

    cdef void start(self) noexcept nogil:
        cdef Py_ssize_t c
        for c in range(self.n_clusters):
            self.distance[c] = INFINITY
            self.before[c] = -1
            self.settled[c] = False

    cdef Py_ssize_t settle(self, double length) noexcept nogil:
        """The nearest cluster that is not settled, nearer than `length`; -1 if there is none."""
        cdef Py_ssize_t c, best = -1
        for c in range(self.n_clusters):
            if not self.settled[c] and self.distance[c] < length and (
                    best < 0 or self.distance[c] < self.distance[best]):
                best = c
        if best >= 0:
            self.settled[best] = True
        return best

    cdef void relax(self, Py_ssize_t c) noexcept nogil:
        cdef Py_ssize_t other
        cdef double length, own = self.distance[c], height = self.potential[c]
        if not self.fresh[c]:
            self.refresh(c)
        for other in range(self.n_clusters):
            length = own + max(self.edges[c, other] + height - self.potential[other], 0.0)  # below 0 by rounding only
            if length < self.distance[other] and not self.settled[other]:
                self.distance[other] = length
                self.before[other] = c

    cdef void refresh(self, Py_ssize_t c) noexcept nogil:
        """The edges that leave the cluster."""
        cdef Py_ssize_t other
        cdef int32_t row
        if not self.built[c]:
            self.build(c)
        self.fresh[c] = True
        for other in range(self.n_clusters):
            row = -1 if other == c or self.failed else self.cheapest(c, other)
            self.edges[c, other] = INFINITY if row < 0 else self.costs[row, other] - self.costs[row, c]

    cdef void raise_potentials(self, double length) noexcept nogil:
        cdef Py_ssize_t c
        for c in range(self.n_clusters):
            self.potential[c] += min(self.distance[c], length)

    cdef void walk(self, Py_ssize_t end) noexcept nogil:
        """Each cluster of the path gives its cheapest row to the next."""
        cdef Py_ssize_t c = end, giver
        cdef int32_t row
        self.n_paths += 1
        while self.before[c] >= 0:
            giver = self.before[c]
            row = self.cheapest(giver, c)
            self.label[row] = <int32_t> c
            self.join(row, c)
            self.sizes[c] += 1
            self.sizes[giver] -= 1
            self.fresh[c] = self.fresh[giver] = False
            c = giver

    cdef inline bint costs_less(self, int32_t one, int32_t two, Py_ssize_t source, Py_ssize_t target) noexcept nogil:
        cdef double first = self.costs[one, target] - self.costs[one, source]
        cdef double second = self.costs[two, target] - self.costs[two, source]
        return first < second or (first == second and one < two)

    cdef int32_t cheapest(self, Py_ssize_t source, Py_ssize_t target) noexcept nogil:
        """The row of the source that goes to the target at the least cost, -1 where it has none."""
        cdef Heap *heap = &self.heaps[source * self.n_clusters + target]
        while heap.n > 0 and self.label[heap.rows[0]] != source:
            heap.n -= 1
            heap.rows[0] = heap.rows[heap.n]
            self.sink_down(heap, 0, source, target)
        return heap.rows[0] if heap.n > 0 else -1

    cdef void sink_down(self, Heap *heap, Py_ssize_t at, Py_ssize_t source, Py_ssize_t target) noexcept nogil:
        cdef Py_ssize_t child
        cdef int32_t row = heap.rows[at]
        while 2 * at + 1 < heap.n:
            child = 2 * at + 1
            if child + 1 < heap.n and self.costs_less(heap.rows[child + 1], heap.rows[child], source, target):
                child += 1
            if not self.costs_less(heap.rows[child], row, source, target):
                break
            heap.rows[at] = heap.rows[child]
            at = child
        heap.rows[at] = row

    cdef void build(self, Py_ssize_t c) noexcept nogil:
        """The heaps of a cluster, from its rows."""
        cdef Py_ssize_t other, i, n = 0, room = self.sizes[c] + self.sizes[c] // 8 + SPARE
        cdef Heap *heap
        cdef Heap *first = NULL
        self.built[c] = True
        for other in range(self.n_clusters):
            if other == c:
                continue
            heap = &self.heaps[c * self.n_clusters + other]
            if not self.make_room(heap, room):
                return
            if first != NULL:
                continue
            first = heap
            for i in range(self.n_samples):
                if self.label[i] == c:
                    heap.rows[n] = <int32_t> i
                    n += 1
        for other in range(self.n_clusters):
            heap = &self.heaps[c * self.n_clusters + other]
            if other != c:
                heap.n = n
                if heap != first:
                    memcpy(heap.rows, first.rows, n * sizeof(int32_t))
        for other in range(self.n_clusters):
            if other != c:
                self.order(&self.heaps[c * self.n_clusters + other], c, other)

    cdef void order(self, Heap *heap, Py_ssize_t source, Py_ssize_t target) noexcept nogil:
        cdef Py_ssize_t at
        for at in range(heap.n // 2, 0, -1):
            self.sink_down(heap, at - 1, source, target)

    cdef bint make_room(self, Heap *heap, Py_ssize_t room) noexcept nogil:
        cdef int32_t *rows
        if heap.room < room:
            rows = <int32_t *> realloc(heap.rows, room * sizeof(int32_t))
            if rows == NULL:
                self.failed = True
                return False
            heap.rows = rows
            heap.room = room
        return True

    cdef void join(self, int32_t row, Py_ssize_t c) noexcept nogil:
        """Put the row into its new cluster's heaps."""
        cdef Py_ssize_t other, at, above
        cdef Heap *heap
        if not self.built[c]:
            return
        for other in range(self.n_clusters):
            if other == c or self.failed:
                continue
            heap = &self.heaps[c * self.n_clusters + other]
            if heap.n == heap.room:
                self.drop_left(heap, c, other)
                if not self.make_room(heap, heap.n + heap.n // 8 + SPARE):
                    return
            at = heap.n
            heap.n += 1
            while at > 0:
                above = (at - 1) // 2
                if not self.costs_less(row, heap.rows[above], c, other):
                    break
                heap.rows[at] = heap.rows[above]
                at = above
            heap.rows[at] = row

    cdef void drop_left(self, Heap *heap, Py_ssize_t source, Py_ssize_t target) noexcept nogil:
        """Take out rows that have left, and second entries of those that came back."""
        cdef Py_ssize_t i, n = 0
        cdef int32_t row
        if self.stamp == 0x7FFFFFFF:
            memset(&self.seen[0], 0, self.n_samples * sizeof(int32_t))
            self.stamp = 0
        self.stamp += 1
        for i in range(heap.n):
            row = heap.rows[i]
            if self.label[row] == source and self.seen[row] != self.stamp:
                self.seen[row] = self.stamp
                heap.rows[n] = row
                n += 1
        heap.n = n
        self.order(heap, source, target)
