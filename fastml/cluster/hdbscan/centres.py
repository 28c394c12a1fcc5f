"""Centres of clusters: weighted means, and the rows nearest to all others."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from fastml.cluster.hdbscan.edges import BLOCK
from fastml.cluster.hdbscan.rows import BALL_METRICS, MetricRows

Floats = NDArray[np.float64]


def centroids(X: Any, labels: NDArray[np.int32], weight: Floats) -> Floats:
    """(n_clusters, d): mean of each cluster's rows, each weighing its probability. O(n d)."""
    n_clusters = int(labels.max(initial=-1)) + 1
    members = np.flatnonzero(labels >= 0)
    share = sp.csr_matrix((weight[members], (labels[members], members)), shape=(n_clusters, X.shape[0]))
    total = share @ X
    total = total.toarray() if sp.issparse(total) else total
    return np.asarray(total / np.bincount(labels[members], weight[members], n_clusters)[:, None])


def medoids(X: Any, labels: NDArray[np.int32], weight: Floats, metric: Any, parameters: dict[str, Any]) -> Floats:
    """(n_clusters, d): of each cluster the row of the least weighted sum of distances. O(sum of squared sizes)."""
    n_clusters = int(labels.max(initial=-1)) + 1
    out = np.empty((n_clusters, X.shape[1]))
    by_tree = isinstance(metric, str) and metric in BALL_METRICS and not sp.issparse(X)
    order = np.argsort(labels, kind="stable")
    begins = np.searchsorted(labels[order], np.arange(n_clusters + 1))
    for k in range(n_clusters):
        members = order[begins[k] : begins[k + 1]]
        own, share = X[members], weight[members]
        rows = MetricRows(own[:2], metric, parameters, by_tree)
        step = max(1, BLOCK // len(members))
        sums = [rows.between(own[at : at + step], own) @ share for at in range(0, len(members), step)]
        best = own[int(np.argmin(np.concatenate(sums)))]
        out[k] = best.toarray().ravel() if sp.issparse(best) else best
    return out
