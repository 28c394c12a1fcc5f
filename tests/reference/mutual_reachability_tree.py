"""The minimum spanning tree of mutual reachability by Kruskal's algorithm over all pairs."""

import numpy as np


def distances(X, metric, power=2.0):
    """All reduced distances, terms added in the order of the columns."""
    apart = np.abs(X[:, None, :] - X[None, :, :])
    total = np.zeros(apart.shape[:2])
    for j in range(X.shape[1]):
        term = apart[:, :, j]
        if metric == "chebyshev":
            total = np.maximum(total, term)
        else:
            total = total + {"euclidean": term * term, "manhattan": term, "minkowski": term**power}[metric]
    return total


def core_distances(D, min_samples):
    return np.sort(D, axis=1)[:, min_samples - 1].copy()


def spanning_tree(D, core, scale=1.0):
    """{(smaller row, larger row): (reachability, distance)}: of equal edges the one of smaller distance, then rows."""
    i, j = np.triu_indices(len(D), 1)
    length = D[i, j] * scale
    reach = np.maximum(np.maximum(core[i], core[j]), length)
    component, tree = list(range(len(D))), {}
    for e in np.lexsort((j, i, length, reach)):
        a, b = component[i[e]], component[j[e]]
        if a != b:
            component = [a if c == b else c for c in component]
            tree[int(i[e]), int(j[e])] = (float(reach[e]), float(length[e]))
    return tree
