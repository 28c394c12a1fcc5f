"""What estimators with centres share: the nearest centre of new rows, distances to all of them, the score."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from fastml.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, ClusterMixin, TransformerMixin, check_is_fitted
from fastml.cluster.kmeans.lloyd import all_squared, inertia_of, nearest_centres, points_of
from fastml.cluster.kmeans.means import unit_rows
from fastml.cluster.rows import predict_rows
from fastml.data.weights import check_sample_weight
from fastml.threads import effective_threads


class CentreModel(ClassNamePrefixFeaturesOutMixin, TransformerMixin, ClusterMixin, BaseEstimator):
    """Base of clusterings that are known by `cluster_centers_`; has parameters `metric` and `n_jobs` or neither."""

    cluster_centers_: NDArray[Any]
    labels_: NDArray[np.int32]

    @property
    def _n_features_out(self) -> int:
        return len(self.cluster_centers_)

    def _threads(self, X: Any, n_clusters: int) -> int:
        """Threads for one assignment of the rows."""
        n_numbers = X.nnz if sp.issparse(X) else X.size
        return effective_threads(getattr(self, "n_jobs", None), float(n_numbers) * (n_clusters / 16 + 1))

    def _rows(self, X: Any) -> Any:
        """New rows as the fit saw its own."""
        check_is_fitted(self)
        rows = predict_rows(self, X)
        if getattr(self, "metric", "euclidean") == "cosine":
            points_of(rows)  # names what is not finite before it is divided
            return unit_rows(rows)
        return rows

    def fit_predict(self, X: Any, y: Any = None, sample_weight: Any = None) -> NDArray[np.int32]:
        """Fit, and return `labels_`. Parameters as `fit`."""
        return self.fit(X, sample_weight=sample_weight).labels_  # type: ignore[attr-defined]

    def fit_transform(self, X: Any, y: Any = None, sample_weight: Any = None) -> NDArray[Any]:
        """Fit, and return the distances of the rows to all centres. Parameters as `fit`."""
        return self.fit(X, sample_weight=sample_weight).transform(X)  # type: ignore[attr-defined]

    def predict(self, X: Any) -> NDArray[np.int32]:
        """The number of the nearest centre of each row; ties go to the lowest.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        (n_samples,) int32
        """
        rows = self._rows(X)
        return nearest_centres(rows, self.cluster_centers_, self._threads(rows, len(self.cluster_centers_)))

    def transform(self, X: Any) -> NDArray[Any]:
        """Distances of the rows to all centres: Euclidean ones, or 1 - cosine where metric="cosine".

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        (n_samples, n_clusters) of the centres' type
        """
        rows = self._rows(X)
        points_of(rows)  # for what is not finite
        sq = all_squared(rows, self.cluster_centers_, self._threads(rows, len(self.cluster_centers_)))
        distances = sq / 2 if getattr(self, "metric", "euclidean") == "cosine" else np.sqrt(sq)
        return distances.astype(rows.dtype if rows.dtype in (np.float32, np.float64) else np.float64, copy=False)

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """The negative weighted sum of squared distances of the rows to their nearest centres.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : ignored
        sample_weight : array-like of shape (n_samples,), optional
        """
        rows = self._rows(X)
        weight = check_sample_weight(sample_weight, rows.shape[0])
        threads = self._threads(rows, len(self.cluster_centers_))
        labels = nearest_centres(rows, self.cluster_centers_, threads)
        return -inertia_of(rows, labels, self.cluster_centers_, weight, threads)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
