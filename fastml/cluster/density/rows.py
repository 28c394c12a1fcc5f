"""DBSCAN by any distance that can be asked for a few rows at a time: matrices, sparse rows, scikit-learn's other
metrics and plain Python functions. No more than a slab of distances is kept, and no lists of neighbours."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml._engines.graph_clusters import reach_by_graph
from fastml.cluster.density.metrics import Metric
from fastml.cluster.density.steps import Found, Progress

SLAB = 1 << 22
"""Distances in memory at once, 32 MB."""
BOOLEAN = ("dice", "jaccard", "rogerstanimoto", "russellrao", "sokalsneath", "yule")

Slab = Callable[[NDArray[np.intp], NDArray[np.intp]], NDArray[Any]]
"""(rows, columns) -> (n_rows, n_columns) distances, or squared ones."""


def slab_of(X: Any, metric: Metric, eps: float) -> tuple[Slab, float]:
    """How distances of a few rows to others are found, and what they are compared with."""
    X = _narrow(X)
    if metric.name == "precomputed":
        return lambda rows, columns: X[rows[:, None], columns] if len(rows) > 1 else X[rows[0]][None, columns], eps
    if metric.name == "own":
        return _plain(X, metric), eps
    if metric.name == "euclidean":
        from sklearn.metrics.pairwise import euclidean_distances

        lengths = (X.multiply(X).sum(axis=1) if hasattr(X, "tocsr") else (X * X).sum(axis=1, keepdims=True))
        norms = np.asarray(lengths, dtype=np.float64).reshape(-1, 1)

        def squares(rows: NDArray[np.intp], columns: NDArray[np.intp]) -> NDArray[Any]:
            return euclidean_distances(X[rows], X[columns], X_norm_squared=norms[rows], Y_norm_squared=norms[columns],
                                       squared=True)  # fmt: skip

        return squares, eps * eps
    from sklearn.metrics import pairwise_distances

    asked: Any = X.astype(bool) if metric.name in BOOLEAN else X
    name, params = metric.name, dict(metric.params)
    if name == "minkowski":
        params = {"p": metric.p}
    if metric.weight is not None:
        params[{"minkowski": "w", "seuclidean": "V", "mahalanobis": "VI"}[name]] = metric.weight
    return lambda rows, columns: pairwise_distances(asked[rows], asked[columns], metric=name, **params), eps


def _narrow(X: Any) -> Any:
    """CSR with 32-bit indices if these suffice: not all of scikit-learn's metrics take others."""
    if not hasattr(X, "tocsr") or X.indices.dtype == np.int32 or X.nnz >= 2**31 or X.shape[1] >= 2**31:
        return X
    return type(X)((X.data, X.indices.astype(np.int32), X.indptr.astype(np.int32)), shape=X.shape)


def _plain(X: Any, metric: Metric) -> Slab:
    """A function of two rows, called pair by pair."""
    function, params = metric.function, metric.params
    assert function is not None  # noqa: S101 - the metric says so by its name

    def distances(rows: NDArray[np.intp], columns: NDArray[np.intp]) -> NDArray[Any]:
        out = np.empty((len(rows), len(columns)))
        for i, a in enumerate(rows):
            for j, b in enumerate(columns):
                out[i, j] = function(X[a], X[b], **params)
        return out

    return distances


def cluster_by_slabs(
    n: int, slab: Slab, limit: float, min_samples: float, weight: NDArray[np.float64] | None, progress: Progress,
    *, slab_size: int = SLAB,
) -> Found:  # fmt: skip
    """Count, then let each cluster grow by what its newest core points reach among what is still free."""
    everyone = np.arange(n)
    is_core = np.zeros(n, dtype=bool)
    piece = max(1, slab_size // max(n, 1))

    def count(first: int, last: int) -> None:
        for begin in range(first, last, piece):
            rows = everyone[begin : min(begin + piece, last)]
            near = slab(rows, everyone) <= limit
            total = near.sum(axis=1) if weight is None else _weigh(near, weight)
            is_core[rows] = total >= min_samples

    progress.over("core points", n, count, piece)
    labels = np.full(n, -1, dtype=np.intp)
    free = everyone
    label = 0
    for start in np.flatnonzero(is_core):
        if labels[start] >= 0:
            continue
        labels[start] = label
        free = free[labels[free] < 0]
        newest = np.array([start])
        while newest.size and free.size:
            reached = np.zeros(free.size, dtype=bool)
            for begin in range(0, newest.size, max(1, slab_size // free.size)):
                left = np.flatnonzero(~reached)
                part = newest[begin : begin + max(1, slab_size // free.size)]
                reached[left] = (slab(part, free[left]) <= limit).any(axis=0)
            labels[free[reached]] = label
            newest = free[reached][is_core[free[reached]]]
            free = free[~reached]
        label += 1
        if progress.verbose and label % 100 == 0:
            progress.over("clusters", 1, lambda *_: None, 1)
    return labels, is_core


def _weigh(near: NDArray[np.bool_], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums of weights, rounded once."""
    from math import fsum

    return np.array([fsum(weight[row]) for row in near])


def cluster_graph(graph: Any, eps: float, min_samples: float, weight: NDArray[np.float64] | None) -> Found:
    """A sparse matrix of distances: what is not stored is far apart, but for the point itself."""
    from scipy import sparse

    graph = sparse.csr_matrix(graph, copy=True)
    graph.sum_duplicates()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sparse.SparseEfficiencyWarning)
        graph.setdiag(graph.diagonal())
    near = graph.data <= eps
    start = np.asarray(graph.indptr, dtype=np.int64)
    if weight is None:
        total = np.diff(np.concatenate([[0], np.cumsum(near)])[start])
    else:
        from math import fsum

        total = np.array([
            fsum(weight[graph.indices[a:b][near[a:b]]]) for a, b in pairwise(start)
        ])  # fmt: skip
    is_core = np.asarray(total >= min_samples)
    labels = reach_by_graph(
        start, graph.indices.astype(np.int32, copy=False), graph.data.astype(np.float64, copy=False), eps,
        is_core.view(np.uint8),
    )  # fmt: skip
    return labels, is_core
