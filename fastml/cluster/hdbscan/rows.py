"""Rows of distances for metrics without a space: scikit-learn's, SciPy's, a user's function, and given distances."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

Floats = NDArray[np.float64]

KD_METRICS = {"euclidean", "l2", "minkowski", "p", "manhattan", "cityblock", "l1", "chebyshev", "infinity"}
BALL_METRICS = KD_METRICS | {
    "seuclidean", "mahalanobis", "hamming", "canberra", "braycurtis", "jaccard", "dice", "rogerstanimoto",
    "russellrao", "sokalmichener", "sokalsneath", "haversine", "pyfunc",
}  # fmt: skip
METRICS = BALL_METRICS | {
    "correlation", "cosine", "matching", "nan_euclidean", "precomputed", "sqeuclidean", "wminkowski", "yule",
}  # fmt: skip
MATRIX_AT_MOST = 1 << 22  # distances, 32 MB, that are made at once instead of row by row
TRIED_PAIRS = 10  # of rows, for which a function is asked both ways round


class MetricRows:
    """rows(i, j): the distances of rows i to j of X to all of `others`, by default those of X.

    metric, parameters : as scikit-learn's pairwise_distances takes them, or its trees where `by_tree`
    """

    def __init__(self, X: Any, metric: Any, parameters: dict[str, Any], by_tree: bool, n_jobs: Any = None) -> None:
        from sklearn.metrics import pairwise_distances
        from sklearn.metrics.pairwise import PAIRWISE_BOOLEAN_FUNCTIONS

        self.X, self.metric, self.parameters, self.by_tree = X, metric, dict(parameters), by_tree
        self._matrix: Any = None
        if metric in PAIRWISE_BOOLEAN_FUNCTIONS and not by_tree and not sp.issparse(X):
            self.X = X != 0
        if metric == "seuclidean":
            self.parameters.setdefault("V", np.var(X, axis=0, ddof=1))
        if metric == "mahalanobis" and not {"VI", "V"} & set(parameters):
            self.parameters["VI"] = np.linalg.inv(np.cov(X.T)).T
        if callable(metric):
            self._try(metric)
        n = X.shape[0]
        if n * n <= MATRIX_AT_MOST and not by_tree:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", category=RuntimeWarning)
                self._matrix = pairwise_distances(self.X, metric=metric, n_jobs=n_jobs, **self.parameters)

    def _try(self, metric: Any) -> None:
        """ValueError for a function that depends on the order of its two rows."""
        if sp.issparse(self.X):
            return
        n = len(self.X)
        for k in range(min(TRIED_PAIRS, n // 2)):
            a, b = self.X[k], self.X[n - 1 - k]
            there, back = float(metric(a, b, **self.parameters)), float(metric(b, a, **self.parameters))
            if not np.isclose(there, back, equal_nan=True):
                raise ValueError(
                    f"metric={metric!r} is not symmetric: it gives {there!r} for rows {k} and {n - 1 - k} and {back!r} "
                    "for the same two the other way round. Clusters need a distance: average the two, for instance"
                )

    def __call__(self, begin: int, end: int) -> Floats:
        if self._matrix is not None:
            return self._checked(self._matrix[begin:end], begin)
        block = self.between(self.X[begin:end], self.X)
        if not self.by_tree:  # as all at once have it
            block[np.arange(end - begin), np.arange(begin, end)] = 0.0
        return self._checked(block, begin)

    def between(self, rows: Any, others: Any) -> Floats:
        """Distances of some rows to others."""
        from sklearn.metrics import DistanceMetric, pairwise_distances

        if self.by_tree:
            return np.asarray(DistanceMetric.get_metric(self.metric, **self.parameters).pairwise(rows, others))
        if isinstance(self.X, np.ndarray) and self.X.dtype == np.bool_:
            rows = rows != 0
        return np.asarray(pairwise_distances(rows, others, metric=self.metric, **self.parameters), np.float64)

    def _checked(self, block: Floats, begin: int) -> Floats:
        if np.isnan(block).any():
            i, j = np.argwhere(np.isnan(block))[0]
            raise ValueError(
                f"metric={self.metric!r} gives NaN for rows {begin + i} and {j}: a distance must be a number >= 0 for "
                "every two rows"
            )
        return block


def given_rows(D: Floats) -> Any:
    """Rows of a matrix of distances. ValueError where it is not square, not symmetric, or holds NaN."""
    n = D.shape[0]
    if D.ndim != 2 or D.shape[1] != n:
        raise ValueError(
            f"The precomputed distance matrix is expected to be symmetric, however it has shape {D.shape}. Please "
            "verify that the distance matrix was constructed correctly."
        )
    step = max(1, (1 << 20) // max(n, 1))
    for begin in range(0, n, step):
        if not np.allclose(D[begin : begin + step], D[:, begin : begin + step].T):
            raise ValueError(
                "The precomputed distance matrix is expected to be symmetric, however its values appear to be "
                "asymmetric. Please verify that the distance matrix was constructed correctly."
            )
    return lambda begin, end: D[begin:end]


def given_graph(D: Any) -> Any:
    """A sparse matrix of distances as CSR, with the same errors."""
    if D.shape[0] != D.shape[1]:
        raise ValueError(
            f"The precomputed distance matrix is expected to be symmetric, however it has shape {D.shape}. Please "
            "verify that the distance matrix was constructed correctly."
        )
    graph = D.tocsr()
    apart = abs(graph - graph.T)
    if apart.nnz and (apart.data > 1e-8 + 1e-5 * abs(graph).max()).any():
        raise ValueError(
            "The precomputed distance matrix is expected to be symmetric, however its values appear to be "
            "asymmetric. Please verify that the distance matrix was constructed correctly."
        )
    return graph
