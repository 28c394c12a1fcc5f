"""Twin of block_clusters: all pairs, by the metric's own sum in the order of the columns."""

import numpy as np


def distances(X, metric, p=2.0, weight=None):
    """(n, n) reduced distances: squares for "euclidean", powers for "minkowski", the distance itself for others."""
    X = X.astype(np.float64)
    total = np.zeros((len(X), len(X)))
    for j, column in enumerate(X.T):
        apart = np.abs(column[:, None] - column[None, :])
        if metric == "euclidean":
            total += apart * apart
        elif metric == "manhattan":
            total += apart
        elif metric == "chebyshev":
            total = np.maximum(total, apart)
        elif metric == "minkowski":
            total += apart**p * (1.0 if weight is None else weight[j])
        elif metric == "hamming":
            total += (apart > 0) / X.shape[1]
        else:
            raise NotImplementedError(metric)
    return total
