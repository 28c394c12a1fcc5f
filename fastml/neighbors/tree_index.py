"""Points in a tree, by any metric: which engine answers, with how many threads, in whose units."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml._engines import kd_neighbors
from fastml._engines.ball_tree import BallTree as BallEngine
from fastml._engines.kd_tree import KdTree
from fastml.neighbors.globe import Globe
from fastml.neighbors.metrics import Metric
from fastml.threads import effective_threads

LEAF = {2: 32}  # points of a leaf at least, by columns, 64 in more: fastest so on five data sets of 2 to 30 columns
QUERY_WORK = 500.0  # element operations a query, about, besides what it finds


class TreeIndex:
    """A kd order of points and what answers queries to it.

    Parameters
    ----------
    X : (n, d) float32 or float64 in C order, finite
        In the user's units.
    metric : Metric
    leaf_size : int
        Of the order, as `good_leaf_size` has it; answers do not depend on it.
    n_jobs : int or None

    Queries X are as the points; None asks for the points themselves, in which each point is its own nearest one.
    """

    def __init__(self, X: NDArray[Any], metric: Metric, leaf_size: int = 40, n_jobs: int | None = None) -> None:
        self.X, self.metric = metric.coordinates(X), metric
        n, d = X.shape
        threads = self._threads(n_jobs, 20.0 * n * np.log2(n + 1))
        self.kd = KdTree(self.X, good_leaf_size(leaf_size, d), threads)
        self._balls: BallEngine | None = None
        self._globe: Globe | None = None
        if metric.name == "haversine":
            self._globe = Globe(self.X, good_leaf_size(leaf_size, 3), self.balls, threads)
        elif not metric.in_lanes:
            self.balls(n_jobs)

    def balls(self, n_jobs: int | None = None) -> BallEngine:
        """The tree for one query at a time, by any metric; made when it is first asked for."""
        if self._balls is None:
            threads = self._threads(n_jobs, 20.0 * len(self.X) * (self.kd.depth + 1))
            self._balls = BallEngine(self.kd, self.X, self.metric.engine, self.metric.has_triangle, threads)
            self._report()
        return self._balls

    def nearest(
        self, X: NDArray[Any] | None, k: int, n_jobs: int | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """(distances, rows) of the k nearest points, (m, k); by distance, at equal distances the lowest rows."""
        asked = self._queries(X)
        threads = self._threads(n_jobs, (QUERY_WORK + 10.0 * k) * self._count(asked))
        if self.metric.in_lanes:
            distance, rows = kd_neighbors.nearest(self.kd, self.metric.engine, asked, k, threads)
        elif self._globe is not None:
            distance, rows = self._globe.nearest(self._places(asked), asked is None, k, threads)
        else:
            distance, rows = self.balls().nearest(self._rows(asked), k, threads)
            self._report(asked)
        return self._scaled(distance), rows

    def count_within(self, X: NDArray[Any] | None, radius: Any, n_jobs: int | None = None) -> NDArray[np.int64]:
        """How many points are within the radius, a number or one a query; those at the radius itself are."""
        asked = self._queries(X)
        threads = self._threads(n_jobs, QUERY_WORK * self._count(asked))
        radius = np.asarray(radius, np.float64) / self.metric.to_distance
        if self.metric.in_lanes:
            return kd_neighbors.count_within(self.kd, self.metric.engine, asked, radius, threads)
        if self._globe is not None:
            return self._globe.count_within(self._places(asked), asked is None, radius, threads)
        count = self.balls().count_within(self._rows(asked), radius, threads)
        self._report(asked)
        return count

    def list_within(
        self, X: NDArray[Any] | None, radius: Any, with_distance: bool = True, n_jobs: int | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64] | None]:
        """(start, rows, distances or None): query i has rows[start[i]:start[i + 1]], in an order that never changes."""
        asked = self._queries(X)
        threads = self._threads(n_jobs, QUERY_WORK * self._count(asked))
        radius = np.asarray(radius, np.float64) / self.metric.to_distance
        if self.metric.in_lanes:
            return kd_neighbors.list_within(self.kd, self.metric.engine, asked, radius, with_distance, threads)
        distance: NDArray[np.float64] | None
        if self._globe is not None:
            start, rows, distance = self._globe.list_within(self._places(asked), asked is None, radius, threads)
        else:
            start, rows, distance = self.balls().list_within(self._rows(asked), radius, with_distance, threads)
            self._report(asked)
        return start, rows, self._scaled(distance) if with_distance and distance is not None else None

    def _queries(self, X: NDArray[Any] | None) -> NDArray[Any] | None:
        if X is None:
            return None
        X = self.metric.coordinates(X)
        return np.ascontiguousarray(X, X.dtype if X.dtype in (np.float32, np.float64) else np.float64)

    def _rows(self, asked: NDArray[Any] | None) -> NDArray[Any]:
        return self.X if asked is None else asked

    def _places(self, asked: NDArray[Any] | None) -> NDArray[np.float64]:
        return np.ascontiguousarray(self._rows(asked), np.float64)

    def _count(self, asked: NDArray[Any] | None) -> int:
        return len(self._rows(asked))

    def _scaled(self, distance: NDArray[np.float64]) -> NDArray[np.float64]:
        return distance if self.metric.to_distance == 1.0 else distance * self.metric.to_distance

    def _threads(self, n_jobs: int | None, work: float) -> int:
        own = self.metric.own
        return 1 if own is not None and own.is_interpreted else effective_threads(n_jobs, work)

    def _report(self, asked: NDArray[Any] | None = None) -> None:
        """Raise what went wrong in a user's metric."""
        own = self.metric.own
        if own is None:
            return
        own.raise_pending()
        if self._balls is not None and self._balls.nan_row >= 0:
            a, b = self._rows(asked)[self._balls.nan_query], self.X[self._balls.nan_row]
            name = getattr(own.function, "__name__", "function")
            self._balls = None
            raise ValueError(f"metric `{name}` is NaN at a={a.tolist()}, b={b.tolist()}; it must be a number")


def good_leaf_size(leaf_size: int, d: int) -> int:
    """What a user asks for, but not so few that the lanes stay empty."""
    return max(leaf_size, LEAF.get(max(d, 2), 64))
