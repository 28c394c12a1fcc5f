"""From checked data to labels: which of the ways fits the metric and the rows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml.cluster.density.distinct import distinct_rows
from fastml.cluster.density.memory import bytes_needed, check_memory
from fastml.cluster.density.metrics import IN_ENGINES, Metric
from fastml.cluster.density.rows import cluster_by_slabs, cluster_graph, slab_of
from fastml.cluster.density.sphere import sphere_of
from fastml.cluster.density.steps import Found, Progress, cluster_rows


def cluster(
    X: Any, metric: Metric, eps: float, min_samples: float, weight: NDArray[np.float64] | None, *, units: str,
    n_jobs: int | None, max_memory: float | None, progress: Progress,
) -> Found:  # fmt: skip
    """(labels, is_core) of the rows of X.

    X : (n, d) array of numbers, or CSR
    """
    is_sparse = hasattr(X, "tocsr")
    by_slabs = is_sparse or metric.name not in IN_ENGINES
    needed = bytes_needed(X.shape[0], X.shape[1], metric, by_slabs=by_slabs, is_double=X.dtype == np.float64)
    check_memory(needed, max_memory, by_slabs=by_slabs)
    if metric.name == "precomputed":
        return _precomputed(X, metric, eps, min_samples, weight, progress)
    if by_slabs:
        slab, limit = slab_of(X, metric, eps)
        return cluster_by_slabs(X.shape[0], slab, limit, min_samples, weight, progress)
    X = np.ascontiguousarray(X, dtype=np.float32 if X.dtype == np.float32 else np.float64)
    distinct = distinct_rows(X, weight)
    if distinct is not None:
        X, weight = X[distinct.first], distinct.weight
    if metric.name == "own":
        metric = _compiled(metric, X)
    sphere = sphere_of(X, eps, units) if metric.name == "haversine" else None
    labels, is_core = cluster_rows(X, metric, eps, min_samples, weight, n_jobs, progress, sphere)
    if metric.compiled is not None:
        metric.compiled.raise_pending()
    return (labels, is_core) if distinct is None else (labels[distinct.kind], is_core[distinct.kind])


def _compiled(metric: Metric, X: NDArray[Any]) -> Metric:
    """A function of the user's as the engines call it; checked."""
    from fastml.jit.metrics import compile_metric

    assert metric.function is not None  # noqa: S101 - the metric says so by its name
    step = max(1, len(X) // 8)
    return replace(metric, compiled=compile_metric(metric.function, X[::step], metric.params, compiles=len(X) >= 512))


def _precomputed(
    X: Any, metric: Metric, eps: float, min_samples: float, weight: NDArray[np.float64] | None, progress: Progress
) -> Found:
    n = X.shape[0]
    if X.shape[1] != n:
        raise ValueError(f"Precomputed matrix must be a square matrix. Input is a {n}x{X.shape[1]} matrix.")
    values = X.data if hasattr(X, "tocsr") else X
    if values.size and values.min() < 0:
        raise ValueError(
            f"Negative values in data passed to precomputed distance matrix: {values.min():g} is no distance"
        )
    if hasattr(X, "tocsr"):
        return cluster_graph(X, eps, min_samples, weight)
    slab, limit = slab_of(X, metric, eps)
    return cluster_by_slabs(n, slab, limit, min_samples, weight, progress)
