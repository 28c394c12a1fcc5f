"""Questions that estimators of neighbours answer: the nearest k, those within a radius, how many, graphs."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml._engines.ball_tree import sort_lists
from fastml.base import check_is_fitted
from fastml.neighbors.neighbors_base import NeighborsBase
from fastml.neighbors.searches import without_self


class NearestQueries(NeighborsBase):
    """The nearest k."""

    def kneighbors(self, X: Any = None, n_neighbors: int | None = None, return_distance: bool = True) -> Any:
        """The nearest points of each query, by distance and, where distances are equal, by row.

        Parameters
        ----------
        X : {array-like, sparse matrix} (n_queries, n_features), or None
            None asks for the points themselves, none of which is then its own neighbour. With "precomputed", the
            distances to all points, (n_queries, n_samples_fit).
        n_neighbors : int or None
            None: as the parameter says.
        return_distance : bool

        Returns
        -------
        neigh_dist : (n_queries, n_neighbors) float64, only with return_distance
        neigh_ind : (n_queries, n_neighbors) int64

        Raises
        ------
        ValueError
            There are fewer points than that; X has another width, or is not finite.
        """
        check_is_fitted(self)
        k = self._k(n_neighbors)
        asked = self._asked(X)
        n = self.n_samples_fit_
        if k + (X is None) > n:
            sign = "<" if X is None else "<="
            raise ValueError(
                f"Expected n_neighbors {sign} n_samples_fit, but n_neighbors = {k}, n_samples_fit = {n}, "
                f"n_samples = {n if X is None else asked.shape[0]}"
            )
        distance, rows = self._searcher().nearest(asked, k + (X is None), self.n_jobs)
        if X is None:
            distance, rows = without_self(distance, rows)
        return (distance, rows) if return_distance else rows

    def _k(self, n_neighbors: Any) -> int:
        if n_neighbors is None:
            n_neighbors = self.n_neighbors
        elif isinstance(n_neighbors, bool) or not isinstance(n_neighbors, Integral):
            if isinstance(n_neighbors, Real) and n_neighbors <= 0:
                raise ValueError(f"Expected n_neighbors > 0. Got {n_neighbors}")
            raise TypeError(f"n_neighbors does not take {type(n_neighbors)} value, enter integer value")
        if n_neighbors <= 0:
            raise ValueError(f"Expected n_neighbors > 0. Got {n_neighbors}")
        return int(n_neighbors)

    def kneighbors_graph(self, X: Any = None, n_neighbors: int | None = None, mode: str = "connectivity") -> Any:
        """The graph from each query to its nearest points, CSR (n_queries, n_samples_fit).

        Parameters
        ----------
        X, n_neighbors
            As in `kneighbors`.
        mode : {"connectivity", "distance"}
            What the edges hold: ones, or the distances.
        """
        check_is_fitted(self)
        check_mode(mode)
        k = self._k(n_neighbors)
        distance, rows = self.kneighbors(X, k)
        values = np.ones(rows.size) if mode == "connectivity" else distance.ravel()
        return graph_of(values, rows.ravel(), np.arange(0, rows.size + 1, k), self.n_samples_fit_)


class RadiusQueries(NeighborsBase):
    """All within a radius."""

    def radius_neighbors(
        self, X: Any = None, radius: Any = None, return_distance: bool = True, sort_results: bool = False
    ) -> Any:
        """The points within a radius of each query; those at the radius itself are.

        Parameters
        ----------
        X : as in `kneighbors`
        radius : float, (n_queries,) or None
            None: as the parameter says.
        return_distance : bool
        sort_results : bool
            By distance, and by row where distances are equal; else in an order of the search's own.

        Returns
        -------
        neigh_dist : (n_queries,) object array of float64 arrays, only with return_distance
        neigh_ind : (n_queries,) object array of int64 arrays
        """
        check_is_fitted(self)
        if sort_results and not return_distance:
            raise ValueError("return_distance must be True if sort_results is True.")
        start, rows, distance = self._lists(X, radius, return_distance, sort_results)
        neighbours = split(rows, start)
        return (split(distance, start), neighbours) if return_distance else neighbours

    def radius_neighbors_count(self, X: Any = None, radius: Any = None) -> NDArray[np.int64]:
        """How many points are within a radius of each query, (n_queries,); no list is made for it.

        Parameters
        ----------
        X, radius
            As in `radius_neighbors`.
        """
        check_is_fitted(self)
        asked = self._asked(X)
        return self._searcher().count_within(asked, self._radius(radius, X, asked), self.n_jobs, X is None)

    def radius_neighbors_graph(
        self, X: Any = None, radius: Any = None, mode: str = "connectivity", sort_results: bool = False
    ) -> Any:
        """The graph from each query to the points within a radius, CSR (n_queries, n_samples_fit).

        Parameters
        ----------
        X, radius
            As in `radius_neighbors`.
        mode : {"connectivity", "distance"}
            What the edges hold: ones, or the distances.
        sort_results : bool
            Each row's entries by distance instead of as they come.
        """
        check_is_fitted(self)
        check_mode(mode)
        start, rows, distance = self._lists(X, radius, mode == "distance", mode == "distance" and sort_results)
        return graph_of(np.ones(len(rows)) if distance is None else distance, rows, start, self.n_samples_fit_)

    def _lists(self, X: Any, radius: Any, with_distance: bool, sort: bool = False) -> Any:
        """(start, rows, distances or None)."""
        asked = self._asked(X)
        own = self._radius(radius, X, asked)
        start, rows, distance = self._searcher().list_within(asked, own, with_distance, self.n_jobs, X is None)
        if sort:
            sort_lists(start, rows, distance)
        return start, rows, distance if with_distance else None

    def _radius(self, radius: Any, X: Any, asked: Any) -> Any:
        radius = self.radius if radius is None else radius
        given = np.asarray(radius, np.float64)
        n = self.n_samples_fit_ if X is None else asked.shape[0]
        if given.shape not in ((), (n,)) or not (given >= 0).all():
            raise ValueError(f"radius={radius!r} must be >= 0, a number or {n} of them: it is a distance")
        return given if given.ndim else float(given)


def check_mode(mode: Any) -> None:
    """ValueError unless a graph's edges can hold that."""
    if mode not in ("connectivity", "distance"):
        raise ValueError(f'Unsupported mode, must be one of "connectivity", or "distance" but got "{mode}" instead')


def graph_of(values: NDArray[Any], rows: NDArray[Any], start: NDArray[Any], width: int) -> Any:
    """CSR of a kind that scikit-learn returns: a matrix, or an array where its setting says so."""
    from scipy import sparse
    from sklearn import get_config

    array = get_config().get("sparse_interface", "spmatrix") == "sparray"
    kind = sparse.csr_array if array else sparse.csr_matrix
    return kind((values, rows, start), shape=(len(start) - 1, width))


def split(values: NDArray[Any], start: NDArray[np.int64]) -> NDArray[Any]:
    """Lists as an array of arrays."""
    out = np.empty(len(start) - 1, dtype=object)
    for i in range(len(out)):
        out[i] = values[start[i] : start[i + 1]]
    return out
