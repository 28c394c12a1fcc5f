"""Numbers by the means of neighbours."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml.base import RegressorMixin, check_is_fitted
from fastml.neighbors.classification import WEIGHTS, constraints
from fastml.neighbors.neighbors_base import NeighborsBase
from fastml.neighbors.queries import NearestQueries, RadiusQueries
from fastml.neighbors.votes import means, means_of_lists, weights_in_lists, weights_of


class _Means(RegressorMixin, NeighborsBase):
    """What both regressors share."""

    _y: NDArray[Any]

    def fit(self, X: Any, y: Any) -> Any:
        """Keep the points and their numbers.

        Parameters
        ----------
        X : as NearestNeighbors.fit
        y : (n_samples,) or (n_samples, n_outputs)
        """
        return self._fit(X, y)

    def _columns(self) -> NDArray[Any]:
        return self._y.reshape(len(self._y), -1)

    def _shaped(self, said: NDArray[Any]) -> NDArray[Any]:
        return said.ravel() if self._y.ndim == 1 else said


class KNeighborsRegressor(_Means, NearestQueries):
    """The mean of the k nearest points, with scikit-learn's parameters.

    Parameters
    ----------
    n_neighbors : int, default=5
    weights : {"uniform", "distance"}, callable or None, default="uniform"
        "distance": a point counts 1 / distance, and points at the query itself alone where there are any. A function is
        given the distances (n_queries, n_neighbors) and returns as many weights.
    **others
        algorithm, leaf_size, p, metric, metric_params, n_jobs, units:
        see :class:`fastml.neighbors.neighbors_base.NeighborsBase`.

    Attributes
    ----------
    effective_metric_, effective_metric_params_, n_samples_fit_, n_features_in_, feature_names_in_
    """

    _parameter_constraints = {**constraints("radius"), "weights": WEIGHTS}

    def __init__(
        self, n_neighbors: int = 5, *, weights: Any = "uniform", algorithm: str = "auto", leaf_size: int = 30,
        p: float = 2, metric: Any = "minkowski", metric_params: dict[str, Any] | None = None, n_jobs: int | None = None,
        units: Any = "radians",
    ) -> None:  # fmt: skip
        self.n_neighbors = n_neighbors
        self.weights = weights
        self.algorithm = algorithm
        self.leaf_size = leaf_size
        self.p = p
        self.metric = metric
        self.metric_params = metric_params
        self.n_jobs = n_jobs
        self.units = units

    def predict(self, X: Any) -> NDArray[Any]:
        """The number of each query, (n_queries,) or (n_queries, n_outputs).

        Parameters
        ----------
        X : as in `kneighbors`; None asks for the points themselves, none of which is its own neighbour
        """
        check_is_fitted(self, "_fit_method")
        distance, rows = self.kneighbors(X)
        return self._shaped(means(self._columns(), rows, weights_of(distance, self.weights)))


class RadiusNeighborsRegressor(_Means, RadiusQueries):
    """The mean of the points within a radius, with scikit-learn's parameters; NaN, with a warning, where none are.

    Parameters
    ----------
    radius : float, default=1.0
    weights : as :class:`KNeighborsRegressor`; a function is given an array of arrays
    **others
        algorithm, leaf_size, p, metric, metric_params, n_jobs, units:
        see :class:`fastml.neighbors.neighbors_base.NeighborsBase`.

    Attributes
    ----------
    effective_metric_, effective_metric_params_, n_samples_fit_, n_features_in_, feature_names_in_
    """

    _parameter_constraints = {**constraints("n_neighbors"), "weights": WEIGHTS}

    def __init__(
        self, radius: float = 1.0, *, weights: Any = "uniform", algorithm: str = "auto", leaf_size: int = 30,
        p: float = 2, metric: Any = "minkowski", metric_params: dict[str, Any] | None = None, n_jobs: int | None = None,
        units: Any = "radians",
    ) -> None:  # fmt: skip
        self.radius = radius
        self.weights = weights
        self.algorithm = algorithm
        self.leaf_size = leaf_size
        self.p = p
        self.metric = metric
        self.metric_params = metric_params
        self.n_jobs = n_jobs
        self.units = units

    def predict(self, X: Any) -> NDArray[Any]:
        """The number of each query, (n_queries,) or (n_queries, n_outputs).

        Parameters
        ----------
        X : as in `kneighbors`; None asks for the points themselves, none of which is its own neighbour
        """
        check_is_fitted(self, "_fit_method")
        start, rows, distance = self._lists(X, None, self.weights not in (None, "uniform"))
        said = means_of_lists(self._columns(), start, rows, weights_in_lists(start, distance, self.weights))
        if (np.diff(start) == 0).any():
            warnings.warn(
                "One or more samples have no neighbors within specified radius; predicting NaN.", stacklevel=2
            )
        return self._shaped(said)
