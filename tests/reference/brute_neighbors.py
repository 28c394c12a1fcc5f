"""Twin of brute_neighbors: every pair, one column after the other; the nearest by distance, then by row."""

import numpy as np


def pair(name, a, b, p=2.0, weight=None, root=True):
    """The distance of two rows; without a root, what orders pairs as it does."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if name == "cosine":
        lengths = np.sqrt((a**2).sum()), np.sqrt((b**2).sum())
        if 0.0 in lengths:
            return 1.0
        return 0.5 * sum((x / lengths[0] - y / lengths[1]) ** 2 for x, y in zip(a, b, strict=True))
    if name == "haversine":
        up, along = np.sin(0.5 * (a - b))
        return 2 * np.arcsin(np.sqrt(min(1.0, up**2 + np.cos(a[0]) * np.cos(b[0]) * along**2)))
    if name == "hamming":
        return np.mean(a != b)
    if name == "mahalanobis":
        return np.sqrt(max(0.0, (a - b) @ weight @ (a - b)))
    total = 0.0
    for c, apart in enumerate(np.abs(a - b)):
        if name == "euclidean":
            total += apart * apart
        elif name == "seuclidean":
            total += apart * apart / weight[c]
        elif name == "manhattan":
            total += apart
        elif name == "chebyshev":
            total = max(total, apart)
        else:
            total += (1.0 if weight is None else weight[c]) * apart**p
    if name in ("euclidean", "seuclidean"):
        return np.sqrt(total) if root else total
    return total if name in ("manhattan", "chebyshev") else total ** (1.0 / p)


def table(X, Q, name, p=2.0, weight=None, root=True):
    """(n_queries, n_points) distances."""
    return np.array([[pair(name, q, x, p, weight, root) for x in X] for q in Q]).reshape(len(Q), len(X))


def nearest(distances, k):
    """(distances, rows) of the k smallest of each row, by distance and then by row."""
    order = np.argsort(distances, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(distances, order, 1), order


def within(distances, radius):
    """Of each row the columns within the radius."""
    return [np.flatnonzero(row <= radius) for row in distances]
