"""ScaledClustering: a clustering of columns in units of their spread, with predictions in the units of X."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml.base import BaseEstimator, ClusterMixin, MetaEstimatorMixin, StrOptions, check_is_fitted, clone
from fastml.cluster.kmeans.lloyd import points_of
from fastml.cluster.rows import fit_rows, predict_rows
from fastml.data.validation import check_parameters
from fastml.data.weights import check_sample_weight


class ScaledClustering(ClusterMixin, MetaEstimatorMixin, BaseEstimator):
    """A clustering after each column was divided by its standard deviation or its range.

    Distances add up what columns differ by, so that a column in metres counts a thousand times what it would in
    kilometres. In units of its spread each column counts about the same.

    Parameters
    ----------
    clustering : estimator
        Such as `KMeans` or `DBSCAN`; it is cloned.
    scale : {"deviation", "range"}, default="deviation"
        A column of one value is left as it is.

    Attributes
    ----------
    clustering_ : the fitted clone
    mean_, scale_ : (n_features,) float64
        What is taken off (the mean, or the smallest value), and what is divided by.
    labels_ : (n_samples,) int32
    cluster_centers_ : (n_clusters, n_features) float64
        In the units of X, where the clustering has centres.
    inertia_, n_iter_
        Of the clustering, where it has them: in its units.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Raises
    ------
    ValueError
        Sparse X, and what the clustering raises.

    Examples
    --------
    >>> import numpy as np
    >>> from fastml.cluster import KMeans, ScaledClustering
    >>> X = np.array([[0, 1000.0], [0, 3000], [1, 1000], [1, 3000]])
    >>> model = ScaledClustering(KMeans(4, random_state=0)).fit(X)
    >>> sorted(model.labels_.tolist())
    [0, 1, 2, 3]
    """

    _parameter_constraints: dict[str, list[Any]] = {"scale": [StrOptions({"deviation", "range"})]}

    def __init__(self, clustering: Any, *, scale: str = "deviation") -> None:
        self.clustering = clustering
        self.scale = scale

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> ScaledClustering:
        """Scale and cluster.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : ignored
        sample_weight : array-like of shape (n_samples,), optional
            Weight 2 counts a row twice, 0 leaves it out.

        Returns
        -------
        self
        """
        check_parameters(self)
        rows = self._dense(fit_rows(self, X))
        weight = check_sample_weight(sample_weight, rows.shape[0])
        points_of(rows)  # names what is not finite
        self.mean_, self.scale_ = self._spread(rows, weight)
        scaled = (rows - self.mean_) / self.scale_
        self.clustering_ = clone(self.clustering).fit(scaled, **({} if weight is None else {"sample_weight": weight}))
        has_labels = hasattr(self.clustering_, "labels_")
        self.labels_ = self.clustering_.labels_ if has_labels else self.clustering_.predict(scaled)
        return self

    def _spread(
        self, rows: NDArray[np.float64], weight: NDArray[np.float64] | None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """What to take off each column, and what to divide it by."""
        heavy = rows if weight is None else rows[weight > 0]
        low, high = heavy.min(axis=0), heavy.max(axis=0)
        if self.scale == "range":
            origin, spread = low, high - low
        else:
            origin = np.average(rows, axis=0, weights=weight)
            spread = np.sqrt(np.average((rows - origin) ** 2, axis=0, weights=weight))
        return origin, np.where((high > low) & (spread > 0), spread, 1.0)

    def predict(self, X: Any) -> NDArray[np.int32]:
        """The clusters of rows, in the units of the fit's X.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        (n_samples,) int32
        """
        check_is_fitted(self)
        return self.clustering_.predict((self._dense(predict_rows(self, X)) - self.mean_) / self.scale_)

    def __getattr__(self, name: str) -> Any:
        if name in ("inertia_", "n_iter_", "cluster_centers_") and "clustering_" in self.__dict__:
            value = getattr(self.clustering_, name)
            return value * self.scale_ + self.mean_ if name == "cluster_centers_" else value
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    @staticmethod
    def _dense(rows: Any) -> NDArray[np.float64]:
        if hasattr(rows, "tocsr"):
            raise TypeError("Sparse data was passed, but ScaledClustering needs dense data: X.toarray()")
        return rows.astype(np.float64, copy=False)
