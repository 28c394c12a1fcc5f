"""Twin of kd_neighbors: all distances, by the plain loop over the columns, then sorted."""

import numpy as np


def reduced(queries, X, metric="euclidean", weight=None):
    """(m, n) float64: squares or sums as the engine adds them up, column by column."""
    total = np.zeros((len(queries), len(X)))
    with np.errstate(over="ignore"):
        for c in range(X.shape[1]):
            apart = X[None, :, c].astype(float) - queries[:, None, c].astype(float)
            match metric:
                case "manhattan":
                    total += np.abs(apart)
                case "chebyshev":
                    total = np.maximum(total, np.abs(apart))
                case "seuclidean":
                    total += apart * apart / weight[c]
                case _:
                    total += apart * apart
    return total


def distance(total, metric):
    return np.sqrt(total) if metric in ("euclidean", "seuclidean") else total


def nearest(total, k, metric):
    """(distances, rows) of the k nearest; at equal distances the lowest rows."""
    rows = np.array([np.lexsort((np.arange(len(row)), row))[:k] for row in total])
    return distance(np.take_along_axis(total, rows, axis=1), metric), rows


def within(total, radius, metric):
    """For each query the rows within its radius, ascending."""
    limit = radius * radius if metric in ("euclidean", "seuclidean") else radius
    return [np.flatnonzero(row <= r) for row, r in zip(total, np.broadcast_to(limit, len(total)), strict=True)]
