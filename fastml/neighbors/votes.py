"""What neighbours say of a query: their classes counted, their numbers averaged, each with its weight."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml.neighbors.queries import split

Floats = NDArray[np.float64]
BLOCK = 1 << 20
"""Neighbours whose votes are counted at once."""


def weights_of(distance: Floats, weights: Any) -> Floats | None:
    """The weights of k neighbours each, (n, k); None where all count alike.

    "distance": 1 / distance; where some are at the query itself, those alone count.
    """
    if weights in (None, "uniform"):
        return None
    if callable(weights):
        return np.asarray(weights(distance))
    with np.errstate(divide="ignore", over="ignore"):
        own = 1.0 / distance
    on_top = np.isinf(own)
    rows = on_top.any(axis=1)
    own[rows] = on_top[rows]
    return own


def weights_in_lists(start: NDArray[np.int64], distance: Floats, weights: Any) -> Floats | None:
    """The same of lists of neighbours, behind each other."""
    if weights in (None, "uniform"):
        return None
    if callable(weights):
        given = weights(split(distance, start))
        return np.concatenate([np.empty(0), *(np.asarray(one, np.float64) for one in given)])
    query = np.repeat(np.arange(len(start) - 1), np.diff(start))
    with np.errstate(divide="ignore", over="ignore"):
        own = 1.0 / distance
    on_top = np.isinf(own)
    has = np.bincount(query, on_top, len(start) - 1) > 0
    return np.where(has[query], on_top, own)


def row_runs(n: int, k: int) -> Iterator[slice]:
    """Runs of n rows of k neighbours."""
    size = max(1, BLOCK // max(k, 1))
    for begin in range(0, n, size):
        yield slice(begin, min(n, begin + size))


def class_sums(classes: NDArray[Any], rows: NDArray[np.int64], weights: Floats | None, n_classes: int) -> Floats:
    """(n, n_classes) summed weights of the neighbours (n, k) of each class."""
    n, k = rows.shape
    out = np.empty((n, n_classes))
    for run in row_runs(n, k):
        size = run.stop - run.start
        cell = (np.arange(size) * n_classes)[:, None] + classes[rows[run]]
        own = None if weights is None else np.asarray(weights[run], np.float64).ravel()
        out[run] = np.bincount(cell.ravel(), own, size * n_classes).reshape(size, n_classes)
    return out


def class_sums_of_lists(
    classes: NDArray[Any], start: NDArray[np.int64], rows: NDArray[np.int64], weights: Floats | None, n_classes: int
) -> Floats:
    """The same of lists."""
    n = len(start) - 1
    cell = np.repeat(np.arange(n) * n_classes, np.diff(start)) + classes[rows]
    return np.bincount(cell, weights, n * n_classes).reshape(n, n_classes).astype(np.float64)


def shares(sums: Floats, empty: float = 0.0) -> Floats:
    """Sums as parts of their row; rows that sum to 0 are left, or divided by `empty`."""
    total = sums.sum(axis=1)[:, None]
    if empty:
        total[total == 0.0] = empty
    with np.errstate(invalid="ignore"):
        return sums / total


def means(y: NDArray[Any], rows: NDArray[np.int64], weights: Floats | None) -> NDArray[Any]:
    """(n, n_outputs) means of y (n_points, n_outputs) over the neighbours (n, k)."""
    n, k = rows.shape
    parts = []
    for run in row_runs(n, k * y.shape[1]):
        if weights is None:
            parts.append(np.mean(y[rows[run]], axis=1))
        else:
            own = np.asarray(weights[run], np.float64)
            with np.errstate(invalid="ignore"):
                parts.append(np.einsum("nkj,nk->nj", y[rows[run]].astype(np.float64), own) / own.sum(axis=1)[:, None])
    return np.concatenate(parts) if parts else np.empty((0, y.shape[1]))


def means_of_lists(
    y: NDArray[Any], start: NDArray[np.int64], rows: NDArray[np.int64], weights: Floats | None
) -> Floats:
    """The same of lists, NaN of empty ones."""
    n = len(start) - 1
    query = np.repeat(np.arange(n), np.diff(start))
    total = np.bincount(query, weights, n).astype(np.float64)
    out = np.empty((n, y.shape[1]))
    for j in range(y.shape[1]):
        values = y[rows, j].astype(np.float64)
        out[:, j] = np.bincount(query, values if weights is None else values * weights, n)
    with np.errstate(invalid="ignore", divide="ignore"):
        out /= total[:, None]
    out[np.diff(start) == 0] = np.nan
    return out
