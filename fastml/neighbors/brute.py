"""All pairs: points that any metric compares with every query, dense or CSR, behind the interface of the trees."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml._engines import brute_neighbors as engine
from fastml._engines.brute_neighbors import BruteRows
from fastml.neighbors.metrics import Metric
from fastml.neighbors.screens import ABSOLUTE, LARGEST, NONE, SQUARES, UNEQUAL, Screen, squares
from fastml.neighbors.sparse_screens import sparse_points, sparse_queries, sparse_screen
from fastml.threads import effective_threads

__all__ = ["SPARSE_METRICS", "BruteIndex", "inverse_norms", "screen_of", "unit_of"]

SPARSE_METRICS = {"euclidean", "manhattan", "cosine"}
HOMOGENEOUS = {"euclidean", "manhattan", "chebyshev", "minkowski", "seuclidean", "mahalanobis"}
"""Metrics of which d(s a, s b) = s d(a, b)."""
PROJECTS_FROM = 2e10
"""Terms of all pairs from which a projection is looked for: of 70,000 rows it takes 0.9 s."""
PLAIN_BELOW = 1e5
"""Terms of all pairs below which no screen is made: it takes 0.1 ms."""
NO_SCREEN = (NONE, 0, 1.0, 1.0, 1.0)


class BruteIndex:
    """Points, in the user's units, that are all compared with each query.

    Parameters
    ----------
    X : (n, d) float32 or float64 in C order, or CSR array with ascending columns; finite
    metric : Metric, also of name "cosine", and Minkowski's with p < 1

    Queries are as the points; None asks for the points themselves, which are not in their own lists
    with `exclude_self`. Beside the points an index keeps their screen once many queries have come: 4 bytes a number, or
    a sixth of that and less where a projection serves.
    """

    def __init__(self, X: Any, metric: Metric) -> None:
        self.X, self.metric = X, metric
        self.is_sparse = hasattr(X, "indptr")
        self.unit = unit_of(metric, X)
        self._points: dict[str, Any] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_points": {}}

    def nearest(
        self, X: Any, k: int, n_jobs: int | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """(distances, rows) of the k nearest points, (m, k); by distance, at equal distances the lowest rows."""
        points, queries, metric, screen, unit, threads = self._ready(X, n_jobs)
        distance, rows = engine.nearest(points, queries, metric, screen, k, False, threads)
        self._report()
        return self._scaled(distance, unit), rows

    def count_within(
        self, X: Any, radius: Any, n_jobs: int | None = None, exclude_self: bool = False
    ) -> NDArray[np.int64]:
        """How many points are within the radius, a number or one a query; those at the radius itself are."""
        points, queries, metric, screen, unit, threads = self._ready(X, n_jobs)
        radius = np.asarray(radius, np.float64) / (self.metric.to_distance * unit)
        count = engine.count_within(points, queries, metric, screen, radius, exclude_self, threads)
        self._report()
        return count

    def list_within(
        self, X: Any, radius: Any, with_distance: bool = True, n_jobs: int | None = None, exclude_self: bool = False
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64] | None]:
        """(start, rows, distances or None): query i has rows[start[i]:start[i + 1]], ascending."""
        points, queries, metric, screen, unit, threads = self._ready(X, n_jobs)
        radius = np.asarray(radius, np.float64) / (self.metric.to_distance * unit)
        start, rows, distance = engine.list_within(
            points, queries, metric, screen, radius, with_distance, exclude_self, threads
        )
        self._report()
        return start, rows, None if distance is None else self._scaled(distance, unit)

    def _report(self) -> None:
        if self.metric.own is not None:
            self.metric.own.raise_pending()

    def _scaled(self, distance: NDArray[np.float64], unit: float) -> NDArray[np.float64]:
        factor = self.metric.to_distance * unit
        return distance if factor == 1.0 else distance * factor

    def _ready(self, X: Any, n_jobs: int | None) -> tuple[Any, Any, Any, Any, float, int]:
        """Points and queries for the engine, what it is to compare them by, the unit, and how many threads."""
        asked = self.X if X is None else X
        unit = self.unit if X is None else max(self.unit, unit_of(self.metric, X))
        n_terms = float(self.X.shape[0]) * asked.shape[0] * (self.X.nnz / max(1, self.X.shape[0]) / 8 + 1
                                                             if self.is_sparse else self.X.shape[1])  # fmt: skip
        own = self.metric.own
        threads = 1 if own is not None and own.is_interpreted else effective_threads(n_jobs, 0.1 * n_terms)
        kept = unit == self.unit
        points, screen = self._screened(unit, asked.shape[0], n_terms, kept)
        coordinates = self._coordinates(asked, unit)
        norm = self._norm(coordinates)
        if screen is None:
            return points, BruteRows(coordinates, norm), self._engine(), NO_SCREEN, unit, threads
        of_queries: Any = sparse_queries if self.is_sparse else Screen.queries
        queries = of_queries(screen, coordinates, norm)
        if queries is None:  # so far out that a screen for both is needed
            points, screen = self._screened(unit, asked.shape[0], n_terms, False, coordinates, norm)
            queries = of_queries(screen, coordinates, norm)
        return points, queries, self._engine(), NO_SCREEN if screen is None else screen.engine(), unit, threads

    def _engine(self) -> Any:
        return (0, 2.0, None, 0) if self.metric.name == "cosine" else self.metric.engine

    def _coordinates(self, X: Any, unit: float) -> Any:
        if self.metric.name == "haversine":
            return self.metric.coordinates(X)
        return X if unit == 1.0 else X * X.dtype.type(1.0 / unit)

    def _norm(self, X: Any) -> NDArray[np.float64] | None:
        return inverse_norms(X) if self.metric.name == "cosine" else None

    def _screened(
        self, unit: float, n_queries: int, n_terms: float, kept: bool, queries: Any = None, norm: Any = None
    ) -> tuple[BruteRows, Screen | None]:
        """The points with a screen that suits so many queries; the next ones find it where it is `kept`."""
        if self.is_sparse:
            name = "sparse"
        elif self.metric.name != "cosine" and not self._points.keys() & {"screen", "projected"} and (
            n_terms < PLAIN_BELOW or n_queries <= 2 or screen_of(self.metric, self.X.shape[1]).kind == NONE
        ):  # fmt: skip
            name = "plain"
        else:
            name = "projected" if n_terms >= PROJECTS_FROM or "projected" in self._points else "screen"
        if kept and name in self._points:
            return self._points[name]
        X = self._coordinates(self.X, unit)
        own_norm = self._norm(X)
        made: tuple[BruteRows, Screen | None]
        if name == "plain":
            made = BruteRows(X), None
        elif name == "sparse":
            screen = sparse_screen(self.metric.name, X, own_norm, queries)
            made = sparse_points(screen, X, own_norm), screen
        else:
            screen = screen_of(self.metric, self.X.shape[1])
            reach = 0.0
            if queries is not None:
                reach = float(np.abs(screen.unscaled(queries, norm)).max(initial=0.0))
            screen.settle(X, own_norm, name == "projected", reach)
            made = screen.points(X, own_norm), screen
        if kept and queries is None:
            if name == "projected":  # from now on it serves few queries, too
                self._points.clear()
            self._points[name] = made
        return made


def unit_of(metric: Metric, X: Any) -> float:
    """A power of two by which numbers are divided so that no square or power overflows or vanishes, mostly 1."""
    values = X.data if hasattr(X, "indptr") else X
    if metric.name not in HOMOGENEOUS or values.size == 0:
        return 1.0
    size = float(max(values.max(), -values.min()))
    power = max(2.0, metric.p) if metric.name == "minkowski" else 2.0
    if size == 0.0 or 10.0 ** (-240.0 / power) < size < 10.0 ** (240.0 / power):
        return 1.0
    return float(np.ldexp(1.0, int(np.frexp(size)[1])))


def screen_of(metric: Metric, d: int) -> Screen:
    """The screen by which pairs are skipped; of kind NONE where the metric has no cheap bound."""
    name, p = metric.name, metric.p
    if name == "euclidean":
        return Screen(SQUARES)
    if name == "cosine":
        return Screen(SQUARES, factor=2.0)
    if name == "manhattan":
        return Screen(ABSOLUTE)
    if name == "chebyshev":
        return Screen(LARGEST)
    if name == "hamming":
        return Screen(UNEQUAL, factor=float(d))
    if name == "haversine":
        return Screen(SQUARES, factor=4.0, sphere=True)
    if name == "seuclidean" and metric.weight is not None:
        return Screen(SQUARES, columns=1.0 / np.sqrt(metric.weight))
    if name == "minkowski":  # |x|_2 <= |x|_p up to p = 2, and d^(1/2 - 1/p) |x|_p beyond
        columns = None if metric.weight is None else metric.weight ** (1.0 / p)
        return Screen(SQUARES, factor=float(d) ** max(0.0, 1.0 - 2.0 / p), power=2.0 / p, columns=columns)
    if name == "mahalanobis" and metric.weight is not None:
        values, axes = np.linalg.eigh(metric.weight)
        if values[0] > 1e-7 * values[-1] > 0.0:
            return Screen(SQUARES, matrix=axes * np.sqrt(values))
    return Screen(NONE)


def inverse_norms(X: Any) -> NDArray[np.float64]:
    """1 / length of each row, 0 of a row of zeros; rows as long as 1e200 have a length, too."""
    if hasattr(X, "indptr"):
        rows = np.repeat(np.arange(X.shape[0]), np.diff(X.indptr))
        values = np.asarray(X.data, np.float64)
        largest = np.zeros(X.shape[0])
        np.maximum.at(largest, rows, np.abs(values))
        safe = np.where(largest > 0.0, largest, 1.0)
        length = np.sqrt(np.bincount(rows, (values / safe[rows]) ** 2, X.shape[0]))
    else:
        largest = np.maximum(X.max(axis=1, initial=0.0), -X.min(axis=1, initial=0.0)).astype(np.float64)
        safe = np.where(largest > 0.0, largest, 1.0)
        if safe.min(initial=1.0) > 1e-100 and safe.max(initial=1.0) < 1e100:
            safe[:] = 1.0
            length = np.sqrt(squares(X))
        else:
            length = np.sqrt(squares(X / safe[:, None]))
    with np.errstate(divide="ignore"):
        return np.where(largest > 0.0, 1.0 / np.where(length > 0.0, length, 1.0) / safe, 0.0)
