"""Minimum spanning tree -> single linkage -> condensed tree -> selected clusters -> labels.

A merge is a union of two components, in ascending order of the edges, so that sorting is what costs: by radix, 8 passes
over 12 bytes an edge, and ties by two more keys where there are any. 200,000 points take 0.02 s. The condensed tree is
kept by points (which cluster a point falls out of, and at which density) and by clusters, not as rows; clusters are
numbered breadth first, so that a parent comes before its children and a pass up or down the tree is a loop. Density is
lambda = 1 / distance. Source: Campello, Moulavi, Sander 2013; Campello, Moulavi, Zimek, Sander 2015; Malzer, Baum 2020.
"""

from libc.math cimport INFINITY, NAN, isinf
from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t

from kernels.edges cimport find, sort_edges

import numpy as np

cdef enum:
    MOST_POINTS = 1 << 30       # 2 n - 1 nodes have numbers of 32 bits


cdef int root_at_first(
    const int32_t *first, const int32_t *second,
    int32_t n,
    int32_t *start,             # (n + 2,) overwritten, zeros before
    int32_t *beside,            # (2 n,)   overwritten
    int32_t *queue,             # (n,)     overwritten
    int32_t *parent_out,        # (n,)     the next point on the way to point 0
) noexcept nogil:
    """How many points can be reached from point 0."""
    cdef int32_t e, v, w, k, done = 0, n_queued = 1
    for e in range(n - 1):
        start[first[e] + 2] += 1
        start[second[e] + 2] += 1
    for v in range(1, n + 1):
        start[v + 1] += start[v]
    for e in range(n - 1):
        beside[start[first[e] + 1]] = second[e]
        start[first[e] + 1] += 1
        beside[start[second[e] + 1]] = first[e]
        start[second[e] + 1] += 1
    parent_out[0] = -1
    queue[0] = 0
    while done < n_queued:
        v = queue[done]
        done += 1
        for k in range(start[v], start[v + 1]):
            w = beside[k]
            if w != parent_out[v]:
                if n_queued == n:
                    return -1
                parent_out[w] = v
                queue[n_queued] = w
                n_queued += 1
    return n_queued


def single_linkage(
    const int32_t[::1] first, const int32_t[::1] second, const double[::1] weight, const double[::1] length,
):
    """left, right, value, size of every merge; see condensed_tree.pyi."""
    cdef Py_ssize_t n_edges = weight.shape[0], n = n_edges + 1, i
    cdef int32_t a, b, low, high
    cdef uint32_t edge
    if first.shape[0] != n_edges or second.shape[0] != n_edges or length.shape[0] != n_edges:
        raise ValueError("first, second, weight and length must be equally long")
    if n > MOST_POINTS:
        raise ValueError(f"{n} points are more than the {MOST_POINTS} that a tree of 32-bit numbers can have")
    for i in range(n_edges):
        if not (0 <= first[i] < n and 0 <= second[i] < n):
            raise ValueError(f"edge {i} joins {first[i]} and {second[i]}, which must be in [0, {n})")
    cdef uint64_t[::1] keys = np.empty(n, np.uint64), spare = np.empty(n, np.uint64)
    cdef uint32_t[::1] order = np.empty(n, np.uint32), spare_order = np.empty(n, np.uint32)
    cdef int32_t[::1] left = np.empty(n_edges, np.int32), right = np.empty(n_edges, np.int32)
    cdef int32_t[::1] size = np.empty(n_edges, np.int32)
    cdef double[::1] value = np.empty(n_edges)
    if n_edges == 0:
        return np.asarray(left), np.asarray(right), np.asarray(value), np.asarray(size)
    cdef int32_t[::1] leader = np.arange(n, dtype=np.int32), node = np.arange(n, dtype=np.int32)
    cdef int32_t[::1] parent = np.empty(n, np.int32), start = np.zeros(n + 2, np.int32)
    cdef int32_t reached
    cdef bint is_tree = True
    with nogil:
        sort_edges(&first[0], &second[0], &weight[0], &length[0], <uint32_t> n_edges, &keys[0], &spare[0], &order[0],
                   &spare_order[0])
        # Sorting is done with the two buffers of keys, which hold the neighbours and the queue now.
        reached = root_at_first(&first[0], &second[0], <int32_t> n, &start[0], <int32_t *> &keys[0],
                                <int32_t *> &spare[0], &parent[0])
        for i in range(n_edges if reached == n else 0):
            edge = order[i]
            a, b = first[edge], second[edge]
            if parent[b] != a:              # the side of point 0 is the left one
                a, b = b, a
            low, high = find(&leader[0], a), find(&leader[0], b)
            if low == high:
                is_tree = False
                break
            left[i], right[i] = node[low], node[high]
            value[i] = weight[edge]
            size[i] = (1 if node[low] < n else size[node[low] - n]) + (1 if node[high] < n else size[node[high] - n])
            if (1 if node[low] < n else size[node[low] - n]) < (1 if node[high] < n else size[node[high] - n]):
                low, high = high, low
            leader[high] = low
            node[low] = <int32_t> (n + i)
    if reached != n or not is_tree:
        raise ValueError("the edges do not make a tree of all points")
    return np.asarray(left), np.asarray(right), np.asarray(value), np.asarray(size)


cdef int check_linkage(
    const int32_t[::1] left, const int32_t[::1] right, const double[::1] value, const int32_t[::1] size
) except -1:
    cdef Py_ssize_t n = left.shape[0] + 1, i
    if right.shape[0] != n - 1 or value.shape[0] != n - 1 or size.shape[0] != n - 1 or n > MOST_POINTS:
        raise ValueError("left, right, value and size must be equally long")
    for i in range(n - 1):
        if not (0 <= left[i] < n + i and 0 <= right[i] < n + i and left[i] != right[i]) or size[i] != (
            (1 if left[i] < n else size[left[i] - n]) + (1 if right[i] < n else size[right[i] - n])
        ):
            raise ValueError(f"merge {i} does not fit the others: the tree is damaged")
    if n > 1 and size[n - 2] != n:
        raise ValueError("the merges do not make a tree of all points: it is damaged")
    return 0


def condense(
    const int32_t[::1] left, const int32_t[::1] right, const double[::1] value, const int32_t[::1] size,
    Py_ssize_t min_cluster_size,
):
    """What points fall out of and when, and the clusters; see condensed_tree.pyi."""
    check_linkage(left, right, value, size)
    cdef Py_ssize_t n = left.shape[0] + 1, begin = 0, end, side, top, c, m = 1, p
    cdef int32_t node, child
    cdef double density
    cdef Py_ssize_t most = max(1, 2 * (n // max(min_cluster_size, 1)) + 1)
    cdef int32_t[::1] point_cluster = np.zeros(n, np.int32)
    cdef double[::1] point_density = np.zeros(n)
    cdef int32_t[::1] parent = np.full(most, -1, np.int32), cluster_size = np.full(most, n, np.int32)
    cdef double[::1] birth = np.zeros(most), death = np.zeros(most), stability = np.zeros(most)
    # Nodes that still are clusters, breadth first; at most n of them, each with its cluster.
    cdef int32_t[::1] queue = np.empty(n, np.int32), of = np.empty(n, np.int32), stack = np.empty(n, np.int32)
    cdef int32_t ends_of[2]
    cdef int32_t counts[2]
    if n < 2 or min_cluster_size < 2:
        raise ValueError(f"{n} points, min_cluster_size={min_cluster_size}: both must be 2 at least")
    with nogil:
        queue[0], of[0], end = <int32_t> (2 * n - 2), 0, 1
        while begin < end:
            node, c = queue[begin], of[begin]
            begin += 1
            ends_of[0], ends_of[1] = left[node - n], right[node - n]
            density = 1.0 / value[node - n] if value[node - n] > 0.0 else INFINITY
            death[c] = max(death[c], density)
            for side in range(2):
                counts[side] = 1 if ends_of[side] < n else size[ends_of[side] - n]
            if counts[0] >= min_cluster_size and counts[1] >= min_cluster_size:
                for side in range(2):
                    parent[m], birth[m], cluster_size[m] = <int32_t> c, density, counts[side]
                    stability[c] += (density - birth[c]) * counts[side]
                    queue[end], of[end] = ends_of[side], <int32_t> m
                    m += 1
                    end += 1
                continue
            for side in range(2):
                if counts[side] >= min_cluster_size:
                    queue[end], of[end] = ends_of[side], <int32_t> c
                    end += 1
                    continue
                stack[0], top = ends_of[side], 1
                while top > 0:
                    top -= 1
                    child = stack[top]
                    while child >= n:
                        stack[top] = right[child - n]
                        top += 1
                        child = left[child - n]
                    p = child
                    point_cluster[p], point_density[p] = <int32_t> c, density
                    stability[c] += density - birth[c]
    lasting = np.array(death[:m])
    cdef double[::1] death_below = lasting
    for c in range(m - 1, 0, -1):
        death_below[parent[c]] = max(death_below[parent[c]], death_below[c])
    return (np.asarray(point_cluster), np.asarray(point_density), np.array(parent[:m]), np.array(birth[:m]),
            np.array(cluster_size[:m]), np.array(stability[:m]), np.array(death[:m]), lasting)


def select(
    const int32_t[::1] parent, const double[::1] birth, const int32_t[::1] size, const double[::1] stability, bint leaf,
    bint allow_single_cluster, double epsilon, max_cluster_size=None,
):
    """Which clusters are taken, (m,) bool; see condensed_tree.pyi."""
    cdef Py_ssize_t m = parent.shape[0], c, up
    cdef double most = INFINITY if max_cluster_size is None else float(max_cluster_size)
    if birth.shape[0] != m or size.shape[0] != m or stability.shape[0] != m or m == 0:
        raise ValueError("parent, birth, size and stability must be equally long")
    for c in range(1, m):
        if not 0 <= parent[c] < c:
            raise ValueError(f"cluster {c} has parent {parent[c]}: the tree is damaged")
    cdef uint8_t[::1] taken = np.zeros(m, np.uint8), covered = np.zeros(m, np.uint8), chosen = np.zeros(m, np.uint8)
    cdef double[::1] best = np.zeros(m)         # sum of what is taken below, then of what is taken at or below
    cdef double[::1] own_size = np.array(size, np.float64)
    cdef int32_t[::1] n_children = np.zeros(m, np.int32)
    own_size[0] = 0.0                           # as scikit-learn has it: of the root only what its children hold
    for c in range(1, m):
        n_children[parent[c]] += 1
        if parent[c] == 0:
            own_size[0] += size[c]
    if leaf:
        for c in range(1, m):
            taken[c] = n_children[c] == 0
    else:
        for c in range(m - 1, -1 if allow_single_cluster else 0, -1):
            taken[c] = not (best[c] > stability[c] or own_size[c] > most)
            if taken[c]:
                best[c] = stability[c]
            if c > 0:
                best[parent[c]] += best[c]
        for c in range(1, m):
            covered[c] = covered[parent[c]] or taken[parent[c]]
            taken[c] = taken[c] and not covered[c]
    if epsilon == 0.0 or m == 1 or taken[0]:
        return np.asarray(taken).view(np.bool_)
    # Clusters born closer than epsilon give way to the last of their ancestors that was born farther apart.
    for c in range(1, m):
        if taken[c]:
            up = c
            if 1.0 / birth[c] < epsilon:
                while parent[up] != 0 and not 1.0 / birth[parent[up]] > epsilon:
                    up = parent[up]
                if parent[up] != 0 or allow_single_cluster:
                    up = parent[up]
            chosen[up] = True
    return np.asarray(chosen).view(np.bool_)


def label(
    const int32_t[::1] point_cluster, const double[::1] point_density, const int32_t[::1] parent,
    const double[::1] death, selected, bint allow_single_cluster, double epsilon,
):
    """labels, probabilities, label of every cluster; see condensed_tree.pyi."""
    cdef Py_ssize_t n = point_cluster.shape[0], m = parent.shape[0], c, p
    cdef const uint8_t[::1] taken = np.ascontiguousarray(selected, np.bool_).view(np.uint8)
    cdef int32_t n_labels = 0, own
    cdef double threshold
    if point_density.shape[0] != n or death.shape[0] != m or taken.shape[0] != m:
        raise ValueError("the arrays of points, or those of clusters, differ in length")
    cdef int32_t[::1] label_of = np.full(m, -1, np.int32), labels = np.full(n, -1, np.int32)
    cdef int32_t[::1] cluster_of = np.zeros(m + 1, np.int32)
    cdef double[::1] probability = np.zeros(n)
    for c in range(m):
        if c > 0 and not 0 <= parent[c] < c:
            raise ValueError(f"cluster {c} has parent {parent[c]}: the tree is damaged")
        if taken[c]:
            label_of[c] = n_labels
            cluster_of[n_labels] = <int32_t> c
            n_labels += 1
        elif c > 0:
            label_of[c] = label_of[parent[c]]
    # A single cluster of all points still has noise: what leaves it before its core does, or farther than epsilon.
    threshold = 0.0
    if taken[0]:
        threshold = 1.0 / epsilon if epsilon != 0.0 else death[0]
        if n_labels > 1 or not allow_single_cluster:
            threshold = NAN         # no point reaches it
    with nogil:
        for p in range(n):
            c = point_cluster[p]
            own = label_of[c] if 0 <= c < m else -1
            if own < 0 or (cluster_of[own] == 0 and not point_density[p] >= threshold):
                continue
            labels[p] = own
            c = cluster_of[own]
            if death[c] == 0.0 or isinf(point_density[p]):
                probability[p] = 1.0
            else:
                probability[p] = min(point_density[p], death[c]) / death[c]
    return np.asarray(labels), np.asarray(probability), np.asarray(label_of)


def cut(
    const int32_t[::1] left, const int32_t[::1] right, const double[::1] value, const int32_t[::1] size,
    double distance, Py_ssize_t min_cluster_size,
):
    """Labels of the components below a distance; see condensed_tree.pyi."""
    check_linkage(left, right, value, size)
    cdef Py_ssize_t n = left.shape[0] + 1, i
    cdef int32_t leader, other, n_labels = 0
    cdef int32_t[::1] name = np.arange(2 * n - 1, dtype=np.int32), label_of = np.full(n, -1, np.int32)
    cdef uint8_t[::1] rank = np.zeros(2 * n - 1, np.uint8), top = np.ones(2 * n - 1, np.uint8)
    cdef int32_t[::1] labels = np.empty(n, np.int32)
    with nogil:
        # A component has the name of one of its points: the one that union by rank would leave on top, since
        # scikit-learn numbers the clusters by it.
        for i in range(n - 1):
            if not value[i] < distance:
                continue
            leader, other = left[i], right[i]
            top[leader] = top[other] = False
            if rank[leader] == 0:
                rank[leader] = 1
            if rank[other] >= rank[leader]:
                rank[n + i] = rank[other] + (rank[other] == rank[leader])
                name[n + i] = name[other]
            else:
                rank[n + i] = rank[leader]
                name[n + i] = name[leader]
        for i in range(2 * n - 2, -1, -1):      # from the top of each component down to its points
            if i >= n and not value[i - n] < distance:
                continue
            if top[i]:
                if (1 if i < n else size[i - n]) >= min_cluster_size:
                    label_of[name[i]] = 0
                else:
                    name[i] = -1
            if i >= n:
                name[left[i - n]] = name[right[i - n]] = name[i]
        for i in range(n):
            if label_of[i] == 0:
                label_of[i] = n_labels
                n_labels += 1
        for i in range(n):
            labels[i] = label_of[name[i]] if name[i] >= 0 else -1
    return np.asarray(labels)
