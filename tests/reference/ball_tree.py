"""Twin of ball_tree: metrics of two rows as their definitions have them, and all pairs."""

import numpy as np


def counts(a, b):
    """(both true, one true, neither true) of two rows as truths."""
    a, b = a != 0, b != 0
    return (a & b).sum(), (a != b).sum(), (~a & ~b).sum()


def share(part, whole):
    return part / whole if whole else 0.0


def haversine(a, b):
    up, along = np.sin((a - b) / 2) ** 2
    return 2 * np.arcsin(np.sqrt(min(1.0, up + np.cos(a[0]) * np.cos(b[0]) * along)))


def canberra(a, b):
    size = np.abs(a) + np.abs(b)
    return (np.abs(a - b)[size > 0] / size[size > 0]).sum()


METRICS = {
    "minkowski": lambda a, b, p=2.0, w=1.0: ((w * np.abs(a - b) ** p).sum()) ** (1 / p),
    "mahalanobis": lambda a, b, VI: np.sqrt(max(0.0, (a - b) @ VI @ (a - b))),
    "haversine": haversine,
    "hamming": lambda a, b: (a != b).mean(),
    "canberra": canberra,
    "braycurtis": lambda a, b: share(np.abs(a - b).sum(), (np.abs(a) + np.abs(b)).sum()),
    "jaccard": lambda a, b: share(counts(a, b)[1], counts(a, b)[0] + counts(a, b)[1]),
    "dice": lambda a, b: share(counts(a, b)[1], 2 * counts(a, b)[0] + counts(a, b)[1]),
    "rogerstanimoto": lambda a, b: 2 * counts(a, b)[1] / (len(a) + counts(a, b)[1]),
    "russellrao": lambda a, b: (len(a) - counts(a, b)[0]) / len(a),
    "sokalsneath": lambda a, b: share(counts(a, b)[1], counts(a, b)[0] / 2 + counts(a, b)[1]),
}


def distances(queries, X, metric, **arguments):
    return np.array([[METRICS[metric](a.astype(float), b.astype(float), **arguments) for b in X] for a in queries])
