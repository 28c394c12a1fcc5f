"""Graphs of neighbours: as transformers, to be the "precomputed" input of what comes next, and as functions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml.base import ClassNamePrefixFeaturesOutMixin, StrOptions, TransformerMixin, check_is_fitted
from fastml.neighbors.classification import constraints
from fastml.neighbors.neighbors_base import NeighborsBase
from fastml.neighbors.queries import NearestQueries, RadiusQueries, check_mode
from fastml.neighbors.unsupervised import NearestNeighbors

MODE = [StrOptions({"distance", "connectivity"})]


class _Graph(ClassNamePrefixFeaturesOutMixin, TransformerMixin, NeighborsBase):
    """What both transformers share."""

    mode: str

    def fit(self, X: Any, y: Any = None) -> Any:
        """Keep the points; as NearestNeighbors.fit."""
        self._fit(X)
        self._n_features_out = self.n_samples_fit_
        return self

    def fit_transform(self, X: Any, y: Any = None) -> Any:
        """The graph of the points among themselves, each of which is its own neighbour."""
        return self.fit(X).transform(X)

    def transform(self, X: Any) -> Any:
        """The graph from the rows of X to the points."""
        raise NotImplementedError


class KNeighborsTransformer(_Graph, NearestQueries):
    """The graph of the k nearest points, CSR, with scikit-learn's parameters.

    Parameters
    ----------
    mode : {"distance", "connectivity"}, default="distance"
        "distance" has one neighbour more, since each point is its own.
    n_neighbors : int, default=5
    **others
        algorithm, leaf_size, metric, p, metric_params, n_jobs, units:
        see :class:`fastml.neighbors.neighbors_base.NeighborsBase`.

    Attributes
    ----------
    effective_metric_, effective_metric_params_, n_samples_fit_, n_features_in_, feature_names_in_
    """

    _parameter_constraints = {**constraints("radius"), "mode": MODE}

    def __init__(
        self, *, mode: str = "distance", n_neighbors: int = 5, algorithm: str = "auto", leaf_size: int = 30,
        metric: Any = "minkowski", p: float = 2, metric_params: dict[str, Any] | None = None, n_jobs: int | None = None,
        units: Any = "radians",
    ) -> None:  # fmt: skip
        self.mode = mode
        self.n_neighbors = n_neighbors
        self.algorithm = algorithm
        self.leaf_size = leaf_size
        self.metric = metric
        self.p = p
        self.metric_params = metric_params
        self.n_jobs = n_jobs
        self.units = units

    def transform(self, X: Any) -> Any:
        """The graph from the rows of X to the points, CSR (n_queries, n_samples_fit); rows are sorted by distance."""
        check_is_fitted(self)
        return self.kneighbors_graph(X, self.n_neighbors + (self.mode == "distance"), self.mode)


class RadiusNeighborsTransformer(_Graph, RadiusQueries):
    """The graph of the points within a radius, CSR, with scikit-learn's parameters.

    Parameters
    ----------
    mode : {"distance", "connectivity"}, default="distance"
    radius : float, default=1.0
    **others
        algorithm, leaf_size, metric, p, metric_params, n_jobs, units:
        see :class:`fastml.neighbors.neighbors_base.NeighborsBase`.

    Attributes
    ----------
    effective_metric_, effective_metric_params_, n_samples_fit_, n_features_in_, feature_names_in_
    """

    _parameter_constraints = {**constraints("n_neighbors"), "mode": MODE}

    def __init__(
        self, *, mode: str = "distance", radius: float = 1.0, algorithm: str = "auto", leaf_size: int = 30,
        metric: Any = "minkowski", p: float = 2, metric_params: dict[str, Any] | None = None, n_jobs: int | None = None,
        units: Any = "radians",
    ) -> None:  # fmt: skip
        self.mode = mode
        self.radius = radius
        self.algorithm = algorithm
        self.leaf_size = leaf_size
        self.metric = metric
        self.p = p
        self.metric_params = metric_params
        self.n_jobs = n_jobs
        self.units = units

    def transform(self, X: Any) -> Any:
        """The graph from the rows of X to the points, CSR (n_queries, n_samples_fit); rows are sorted by distance."""
        check_is_fitted(self)
        return self.radius_neighbors_graph(X, mode=self.mode, sort_results=True)


def kneighbors_graph(
    X: Any, n_neighbors: int, *, mode: str = "connectivity", metric: Any = "minkowski", p: float = 2,
    metric_params: dict[str, Any] | None = None, include_self: Any = False, n_jobs: int | None = None,
    units: Any = "radians",
) -> Any:  # fmt: skip
    """The graph of the k nearest points of each point, CSR (n_samples, n_samples).

    Parameters
    ----------
    X : {array-like, sparse matrix} (n_samples, n_features), or a fitted estimator of this package
    n_neighbors : int
    mode : {"connectivity", "distance"}
        What the edges hold: ones, or the distances.
    metric, p, metric_params, units, n_jobs
        As NearestNeighbors; of a fitted estimator they must be its own.
    include_self : bool or "auto"
        Whether each point is its own first neighbour; "auto": where mode is "connectivity".
    """
    made = _fitted(X, NearestQueries, metric, p, metric_params, units, n_jobs, n_neighbors=n_neighbors)
    return made.kneighbors_graph(_asked(made, include_self, mode), n_neighbors, mode)


def radius_neighbors_graph(
    X: Any, radius: float, *, mode: str = "connectivity", metric: Any = "minkowski", p: float = 2,
    metric_params: dict[str, Any] | None = None, include_self: Any = False, n_jobs: int | None = None,
    units: Any = "radians",
) -> Any:  # fmt: skip
    """The graph of the points within a radius of each point, CSR (n_samples, n_samples).

    Parameters
    ----------
    X : {array-like, sparse matrix} (n_samples, n_features), or a fitted estimator of this package
    radius : float
    mode, metric, p, metric_params, include_self, n_jobs, units
        As `kneighbors_graph`.
    """
    made = _fitted(X, RadiusQueries, metric, p, metric_params, units, n_jobs, radius=radius)
    return made.radius_neighbors_graph(_asked(made, include_self, mode), radius, mode)


def _fitted(
    X: Any, kind: type, metric: Any, p: Any, metric_params: Any, units: Any, n_jobs: Any, **size: Any
) -> Any:  # fmt: skip
    given = {"metric": metric, "p": p, "metric_params": metric_params, "units": units}
    if not isinstance(X, kind):
        return NearestNeighbors(**given, n_jobs=n_jobs, **size).fit(X)
    own = X.get_params()  # type: ignore[attr-defined]
    for name, value in given.items():
        if value != own[name]:
            raise ValueError(f"Got {value} for {name}, while the estimator has {own[name]} for the same parameter.")
    return X


def _asked(made: Any, include_self: Any, mode: str) -> NDArray[np.float64] | None:
    check_mode(mode)
    if isinstance(include_self, str) and include_self != "auto":
        raise ValueError(f"include_self={include_self!r} must be True, False or 'auto'")
    include = mode == "connectivity" if isinstance(include_self, str) else bool(include_self)
    return made._fit_X if include else None
