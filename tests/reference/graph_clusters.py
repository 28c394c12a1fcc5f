"""Twin of graph_clusters: DBSCAN as it is defined, over a matrix that says who is near whom."""

from math import fsum

import numpy as np


def core_points(near, min_samples, weight=None):
    """(n,) whether points of weight min_samples are near; near[i, j]: j is a neighbour of i."""
    weight = np.ones(len(near)) if weight is None else weight
    return np.array([fsum(weight[row]) >= min_samples for row in near], dtype=bool)


def reach(near, is_core):
    """(n,) labels: a cluster is what its first core point reaches over core points, less what earlier ones took."""
    labels = np.full(len(near), -1)
    label = 0
    for start in np.flatnonzero(is_core):
        if labels[start] >= 0:
            continue
        labels[start] = label
        newest = [start]
        while newest:
            for j in np.flatnonzero(near[newest.pop()]):
                if labels[j] < 0:
                    labels[j] = label
                    if is_core[j]:
                        newest.append(j)
        label += 1
    return labels
