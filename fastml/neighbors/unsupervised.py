"""NearestNeighbors: the questions alone."""

from __future__ import annotations

from typing import Any

from fastml.neighbors.queries import NearestQueries, RadiusQueries


class NearestNeighbors(NearestQueries, RadiusQueries):
    """Neighbours of points: the nearest k, those within a radius, how many, and graphs of them.

    Parameters
    ----------
    n_neighbors : int, default=5
    radius : float, default=1.0
    **others
        algorithm, leaf_size, metric, p, metric_params, n_jobs, units:
        see :class:`fastml.neighbors.neighbors_base.NeighborsBase`.

    Attributes
    ----------
    effective_metric_, effective_metric_params_ : the metric by its simplest name, and its parameters
    n_samples_fit_, n_features_in_, feature_names_in_

    Notes
    -----
    float32 is kept as it is; distances are those of a float64 loop over the columns, whatever finds them, so all
    algorithms give the same bits. Points at equal distances come in the order of their rows.

    Examples
    --------
    >>> from fastml.neighbors import NearestNeighbors
    >>> near = NearestNeighbors(n_neighbors=2).fit([[0.0], [1.0], [3.0]])
    >>> near.kneighbors([[0.9]], return_distance=False)
    array([[1, 0]])
    """

    def __init__(
        self, *, n_neighbors: int = 5, radius: float = 1.0, algorithm: str = "auto", leaf_size: int = 30,
        metric: Any = "minkowski", p: float = 2, metric_params: dict[str, Any] | None = None, n_jobs: int | None = None,
        units: Any = "radians",
    ) -> None:  # fmt: skip
        self.n_neighbors = n_neighbors
        self.radius = radius
        self.algorithm = algorithm
        self.leaf_size = leaf_size
        self.metric = metric
        self.p = p
        self.metric_params = metric_params
        self.n_jobs = n_jobs
        self.units = units

    def fit(self, X: Any, y: Any = None) -> NearestNeighbors:
        """Keep the points.

        Parameters
        ----------
        X : {array-like, sparse matrix} (n_samples, n_features), KDTree, BallTree or a fitted estimator of this package
            With "precomputed", distances (n_samples, n_samples).
        y : ignored
        """
        return self._fit(X)
