"""DBSCAN and `dbscan`: scikit-learn's labels, without lists of neighbours."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics.pairwise import _VALID_METRICS
from sklearn.utils.validation import _check_sample_weight, validate_data

from fastml.base import BaseEstimator, ClusterMixin, Interval, StrOptions, check_is_fitted
from fastml.cluster.density.fit import cluster
from fastml.cluster.density.metrics import check_range, resolve_metric
from fastml.cluster.density.predict import predict_by_nearest_core
from fastml.cluster.density.sphere import UNITS
from fastml.cluster.density.steps import Progress
from fastml.data.validation import check_parameters
from fastml.io import ModelFiles


class DBSCAN(ClusterMixin, ModelFiles, BaseEstimator):
    """Clusters of dense regions, apart from noise.

    A point is core if points of weight `min_samples`, itself included, are within `eps` of it. Core points within `eps`
    of each other are one cluster; another point belongs to the lowest cluster of a core point within `eps`, or is
    noise.
    Clusters are numbered in the order of their first core point. Labels are scikit-learn's, whatever the number of
    threads.

    Parameters
    ----------
    eps : float, default=0.5
        Largest distance between neighbours, inclusive, in the units of X; see `units` for the haversine.
        `fastml.cluster.suggest_eps` reads one off the data.
    min_samples : int, default=5
        Weight of neighbours, the point's own included, that makes it core.
    metric : str or callable, default="euclidean"
        A name of scikit-learn's, "precomputed" (X is a matrix of distances, dense or sparse; what a sparse one does not
        hold is far apart), or (a, b, **metric_params) -> float, which is compiled if it can be.
    metric_params : dict, optional
        Of the metric: `p` and `w` of "minkowski", `V` of "seuclidean", `VI` of "mahalanobis".
    algorithm : {"auto", "ball_tree", "kd_tree", "brute"}, default="auto"
        Accepted for scikit-learn's sake. The data choose the way, and the labels are the same.
    leaf_size : int, default=30
        As `algorithm`.
    p : float, optional
        Power of metric="minkowski"; None is 2.
    n_jobs : int, optional
        Threads; None and -1 are all.
    units : {"radians", "degrees", "km", "miles"}, default="radians"
        Of metric="haversine", whose columns are latitude and longitude. "degrees": X and eps in degrees. "km", "miles":
        X in degrees, eps along the ground, on a sphere of the Earth's mean radius, 6371.0088 km.
    max_memory : int, optional
        Bytes over the data that a fit may take; MemoryError before any work if it would take more.
    verbose : bool, default=False
        Print how far a long fit is.

    Attributes
    ----------
    labels_ : (n_samples,) int
        Number of the cluster, -1 for noise.
    core_sample_indices_ : (n_core,) int
    components_ : (n_core, n_features)
        The core points.
    n_features_in_ : int
    feature_names_in_ : (n_features_in_,) str
        Where X has names.

    Notes
    -----
    One to three columns and the haversine: cells of a grid, O(n) but for what eps holds. More columns: blocks of a
    kd-tree along the principal axes, compared in float32 and near eps in float64. Both take 60 to 100 bytes a point and
    4 a value. Sparse rows, precomputed distances and the rest of scikit-learn's metrics: slabs of n x 32 MB / n
    distances. Source: Ester, Kriegel, Sander, Xu 1996.

    Examples
    --------
    >>> from fastml.cluster import DBSCAN
    >>> model = DBSCAN(eps=3, min_samples=2).fit([[1, 2], [2, 2], [2, 3], [8, 7], [8, 8], [25, 80]])
    >>> model.labels_
    array([ 0,  0,  0,  1,  1, -1])
    >>> model.predict([[7, 7], [50, 50]])
    array([ 1, -1])
    """

    _parameter_constraints = {
        "eps": [Interval(Real, 0.0, None, closed="neither")],
        "min_samples": [Interval(Integral, 1, None, closed="left")],
        "metric": [StrOptions({*_VALID_METRICS, "precomputed"}), callable],
        "metric_params": [dict, None],
        "algorithm": [StrOptions({"auto", "ball_tree", "kd_tree", "brute"})],
        "leaf_size": [Interval(Integral, 1, None, closed="left")],
        "p": [Interval(Real, 0.0, None, closed="left"), None],
        "n_jobs": [Integral, None],
        "units": [StrOptions(set(UNITS))],
        "max_memory": [Interval(Real, 0, None, closed="neither"), None],
        "verbose": ["verbose"],
    }
    _parameter_notes = {"eps": "it must be > 0; it is a distance in the units of X"}

    labels_: NDArray[np.intp]
    core_sample_indices_: NDArray[np.intp]
    components_: Any

    def __init__(
        self,
        eps: float = 0.5,
        *,
        min_samples: int = 5,
        metric: Any = "euclidean",
        metric_params: dict[str, Any] | None = None,
        algorithm: str = "auto",
        leaf_size: int = 30,
        p: float | None = None,
        n_jobs: int | None = None,
        units: str = "radians",
        max_memory: int | None = None,
        verbose: bool = False,
    ) -> None:
        self.eps = eps
        self.min_samples = min_samples
        self.metric = metric
        self.metric_params = metric_params
        self.algorithm = algorithm
        self.leaf_size = leaf_size
        self.p = p
        self.n_jobs = n_jobs
        self.units = units
        self.max_memory = max_memory
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> DBSCAN:
        """Cluster the rows of X.

        Parameters
        ----------
        X : (n_samples, n_features) array, sparse matrix or frame; (n_samples, n_samples) for metric="precomputed"
        y : ignored
        sample_weight : (n_samples,), optional
            Each row counts as so many towards `min_samples`; a negative weight keeps its neighbours from being core.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            NaN or infinity; values whose squares overflow; a haversine of other than two columns or out of range; a
            metric of one's own that is not symmetric or gives no number.
        MemoryError
            More than `max_memory` bytes would be needed.
        """
        check_parameters(self)
        X = validate_data(self, X, accept_sparse="csr")
        weight = None if sample_weight is None else _check_sample_weight(sample_weight, X, dtype=np.float64)
        metric = resolve_metric(self.metric, self.p, self.metric_params, X)
        check_range(metric, X, float(self.eps))
        self.labels_, is_core = cluster(
            X, metric, float(self.eps), float(self.min_samples), weight, units=self.units, n_jobs=self.n_jobs,
            max_memory=self.max_memory, progress=Progress(self.verbose),
        )  # fmt: skip
        self._metric_weight = metric.weight
        self.core_sample_indices_ = np.flatnonzero(is_core)
        self.components_ = X[self.core_sample_indices_] if is_core.any() else np.empty((0, X.shape[1]))
        return self

    def fit_predict(self, X: Any, y: Any = None, sample_weight: Any = None) -> NDArray[np.intp]:
        """`fit(X).labels_`."""
        return self.fit(X, sample_weight=sample_weight).labels_

    def predict(self, X: Any) -> NDArray[np.intp]:
        """The cluster of the nearest core point, if that is within eps; else -1.

        So a core point of the fit gets its own label, and noise -1. A border point between clusters, which `labels_`
        gives to the lowest one, gets the nearest one.

        Parameters
        ----------
        X : (n_rows, n_features); for metric="precomputed" (n_rows, n_samples) distances to the rows of the fit

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            X of another width.
        """
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", reset=False)
        return predict_by_nearest_core(self, X)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.pairwise = self.metric == "precomputed"
        tags.input_tags.sparse = True
        return tags


def dbscan(
    X: Any,
    eps: float = 0.5,
    *,
    min_samples: int = 5,
    metric: Any = "minkowski",
    metric_params: dict[str, Any] | None = None,
    algorithm: str = "auto",
    leaf_size: int = 30,
    p: float | None = 2,
    sample_weight: Any = None,
    n_jobs: int | None = None,
    units: str = "radians",
    max_memory: int | None = None,
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """`DBSCAN(...).fit(X)` as a function; parameters as there.

    Returns
    -------
    core_samples : (n_core,) int
    labels : (n_samples,) int
    """
    model = DBSCAN(
        eps, min_samples=min_samples, metric=metric, metric_params=metric_params, algorithm=algorithm,
        leaf_size=leaf_size, p=p, n_jobs=n_jobs, units=units, max_memory=max_memory,
    ).fit(X, sample_weight=sample_weight)  # fmt: skip
    return model.core_sample_indices_, model.labels_
