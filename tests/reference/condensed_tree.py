"""The condensed tree from its definition: sets of points, merged and parted one by one."""

import numpy as np


def single_linkage(first, second, weight, length):
    """(members of the left, members of the right, distance) of every merge, ascending."""
    n = len(weight) + 1
    beside = {v: [] for v in range(n)}
    for a, b in zip(first.tolist(), second.tolist(), strict=True):
        beside[a].append(b)
        beside[b].append(a)
    depth, reached = {0: 0}, [0]
    for v in reached:
        for w in beside[v]:
            if w not in depth:
                depth[w] = depth[v] + 1
                reached.append(w)
    component = {v: frozenset([v]) for v in range(n)}
    merges = []
    for e in np.lexsort((np.maximum(first, second), np.minimum(first, second), length, weight)):
        near, far = sorted((int(first[e]), int(second[e])), key=depth.get)
        left, right = component[near], component[far]
        merges.append((left, right, float(weight[e])))
        component.update(dict.fromkeys(left | right, left | right))
    return merges


def members(left, right, value):
    """What the engine's linkage says, in the same form."""
    sets = [frozenset([v]) for v in range(len(left) + 1)]
    for a, b in zip(left.tolist(), right.tolist(), strict=True):
        sets.append(sets[a] | sets[b])
    return [(sets[a], sets[b], float(v)) for a, b, v in zip(left, right, value, strict=True)]


class Cluster:
    def __init__(self, number, points, birth, parent):
        self.number, self.points, self.birth, self.parent, self.children = number, points, birth, parent, []
        self.leaves = {}  # point -> density at which it leaves
        self.death = self.stability = 0.0

    def below(self):
        return [self, *(c for child in self.children for c in child.below())]


def condense(merges, min_cluster_size):
    """The clusters, breadth first."""
    split = {left | right: (left, right, 1 / value if value > 0 else np.inf) for left, right, value in merges}
    clusters = [Cluster(0, merges[-1][0] | merges[-1][1], 0.0, None)]
    level = [(clusters[0].points, clusters[0])]
    while level:
        following = []
        for points, cluster in level:
            *parts, density = split[points]
            cluster.death = max(cluster.death, density)
            large = [part for part in parts if len(part) >= min_cluster_size]
            if len(large) == 2:
                for part in large:
                    child = Cluster(len(clusters), part, density, cluster)
                    cluster.stability += (density - cluster.birth) * len(part)
                    cluster.children.append(child)
                    clusters.append(child)
                    following.append((part, child))
                continue
            for part in parts:
                if part in large:
                    following.append((part, cluster))
                else:
                    cluster.leaves.update(dict.fromkeys(part, density))
                    for _ in part:
                        cluster.stability += density - cluster.birth
        level = following
    return clusters


def select(clusters, leaf, allow_single_cluster, epsilon, max_cluster_size):
    """The clusters of the largest total stability, or the leaves; then none born closer than epsilon."""
    root = clusters[0]
    most = np.inf if max_cluster_size is None else max_cluster_size

    def best(cluster):
        below = [best(child) for child in cluster.children]
        total = sum(value for value, _ in below)
        size = sum(len(c.points) for c in cluster.children) if cluster is root else len(cluster.points)
        if total > cluster.stability or size > most or (cluster is root and not allow_single_cluster):
            return total, [c for _, taken in below for c in taken]
        return cluster.stability, [cluster]

    taken = [c for c in clusters[1:] if not c.children] if leaf else best(root)[1]
    if epsilon == 0 or taken == [root] or len(clusters) == 1:
        return {c.number for c in taken}
    chosen = set()
    for c in taken:
        if 1 / c.birth < epsilon:
            while c.parent is not root and not 1 / c.parent.birth > epsilon:
                c = c.parent
            if c.parent is not root or allow_single_cluster:
                c = c.parent
        chosen.add(c.number)
    return chosen


def label(clusters, chosen, allow_single_cluster, epsilon):
    """Labels and probabilities."""
    root, order = clusters[0], sorted(chosen)
    labels, probability = np.full(len(root.points), -1), np.zeros(len(root.points))
    for cluster in clusters:
        for point, density in cluster.leaves.items():
            owner = cluster
            while owner is not None and owner.number not in chosen:
                owner = owner.parent
            if owner is root:
                least = 1 / epsilon if epsilon else root.death
                if not allow_single_cluster or len(chosen) > 1 or density < least:
                    owner = None
            if owner is not None:
                labels[point] = order.index(owner.number)
                whole = owner.death == 0 or np.isinf(density)
                probability[point] = 1.0 if whole else min(density, owner.death) / owner.death
    return labels, probability


def cut(merges, distance, min_cluster_size):
    """The components, as a set of sets of points."""
    components = {frozenset([v]) for v in range(len(merges) + 1)}
    for left, right, value in merges:
        if value < distance:
            components -= {left, right}
            components.add(left | right)
    return {c for c in components if len(c) >= min_cluster_size}
