"""New points: the cluster of the nearest core point."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml._engines.cell_clusters import unit_vectors
from fastml.cluster.density.metrics import check_range, resolve_metric
from fastml.cluster.density.rows import SLAB, slab_of
from fastml.cluster.density.sphere import angles_of, eps_in_radians

TREE_COLUMNS = 16
"""Columns up to which a kd-tree beats looking at all core points."""


def predict_by_nearest_core(model: Any, X: Any) -> NDArray[np.intp]:
    """(n_rows,) labels. Of core points equally near, the one of the lowest cluster counts."""
    n, n_core = X.shape[0], len(model.core_sample_indices_)
    labels = np.full(n, -1, dtype=np.intp)
    of_core = model.labels_[model.core_sample_indices_]
    if n_core == 0:
        return labels
    if model.metric == "precomputed":
        X = X[:, model.core_sample_indices_]
        if hasattr(X, "tocsr"):
            return _nearest_stored(X.tocsr(), of_core, float(model.eps))
        return _nearest(lambda rows: X[rows], n, of_core, float(model.eps), n_core)
    metric = resolve_metric(model.metric, model.p, model.metric_params, X)
    metric = replace(metric, weight=model._metric_weight)  # variances are those of the fit
    check_range(metric, X, float(model.eps))
    cores, eps = model.components_, float(model.eps)
    if metric.name == "haversine":
        cores, X = (unit_vectors(angles_of(part, model.units)) for part in (cores, X))
        angle = min(eps_in_radians(eps, model.units), np.pi)
        return _by_tree(cores, X, of_core, 2.0 * np.sin(0.5 * angle) * (1 + 1e-12), "euclidean", model.n_jobs)
    by_boxes = metric.name in ("euclidean", "manhattan", "chebyshev")
    if by_boxes and not hasattr(X, "tocsr") and X.shape[1] <= TREE_COLUMNS:
        return _by_tree(cores, X, of_core, eps, metric.name, model.n_jobs)
    order = np.argsort(of_core, kind="stable")
    both = _stacked(X, cores[order])
    slab, limit = slab_of(both, metric, eps)
    columns = np.arange(n, n + n_core)
    return _nearest(lambda rows: slab(rows, columns), n, of_core[order], limit, n_core)


def _stacked(X: Any, cores: Any) -> Any:
    if hasattr(X, "tocsr") or hasattr(cores, "tocsr"):
        from scipy import sparse

        return sparse.vstack([X, cores], format="csr")
    return np.concatenate([X, cores])


def _nearest(
    distances: Any, n: int, of_core: NDArray[np.intp], limit: float, n_core: int
) -> NDArray[np.intp]:
    labels = np.full(n, -1, dtype=np.intp)
    piece = max(1, SLAB // n_core)
    for begin in range(0, n, piece):
        rows = np.arange(begin, min(begin + piece, n))
        slab = np.asarray(distances(rows))
        least = slab.min(axis=1)
        # Of equals the lowest label: what is farther away gets one that is higher than all.
        best = np.where(slab == least[:, None], of_core[None, :], np.iinfo(np.intp).max).min(axis=1)
        labels[rows] = np.where(least <= limit, best, -1)
    return labels


def _nearest_stored(distances: Any, of_core: NDArray[np.intp], eps: float) -> NDArray[np.intp]:
    """Of CSR rows; what is not stored is far apart."""
    labels = np.full(distances.shape[0], -1, dtype=np.intp)
    for i, (a, b) in enumerate(zip(distances.indptr[:-1], distances.indptr[1:], strict=True)):
        values = distances.data[a:b]
        if b > a and values.min() <= eps:
            labels[i] = of_core[distances.indices[a:b][values == values.min()]].min()
    return labels


def _by_tree(
    cores: NDArray[Any], X: NDArray[Any], of_core: NDArray[np.intp], eps: float, metric: str, n_jobs: int | None
) -> NDArray[np.intp]:
    """By a kd-tree, which gives the first of equally near points: cores lie in the order of their clusters."""
    from fastml.neighbors import KDTree

    order = np.argsort(of_core, kind="stable")
    distance, index = KDTree(cores[order], metric=metric, n_jobs=n_jobs).query(X, k=1)
    return np.where(distance[:, 0] <= eps, of_core[order][index[:, 0]], -1)
