"""Ways to answer the same questions: a tree, all pairs, scikit-learn's pairwise distances, a graph of known distances.

Each has nearest(X, k, n_jobs), list_within(X, radius, with_distance, n_jobs, exclude_self) and
count_within(X, radius, n_jobs, exclude_self); X is None for the points themselves, which are in their own lists unless
`exclude_self`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import get_config
from sklearn.metrics import pairwise_distances

from fastml._engines.brute_neighbors import nearest_in_rows
from fastml.neighbors.brute import BruteIndex, unit_of
from fastml.neighbors.metrics import Metric
from fastml.neighbors.tree_index import TreeIndex
from fastml.threads import effective_threads

Nearest = tuple[NDArray[np.float64], NDArray[np.int64]]
Lists = tuple[NDArray[np.int64], NDArray[np.int64], Any]


class TreeSearch:
    """A tree, in a unit in which squares of its points neither overflow nor vanish."""

    def __init__(self, X: NDArray[Any], metric: Metric, leaf_size: int, n_jobs: int | None) -> None:
        self.unit = unit_of(metric, X)
        self.index = TreeIndex(self._scaled(X), metric, leaf_size, n_jobs)

    def nearest(self, X: Any, k: int, n_jobs: int | None = None) -> Nearest:
        distance, rows = self.index.nearest(self._scaled(X), k, n_jobs)
        return distance * self.unit if self.unit != 1.0 else distance, rows

    def list_within(
        self, X: Any, radius: Any, with_distance: bool = True, n_jobs: int | None = None, exclude_self: bool = False
    ) -> Lists:
        start, rows, distance = self.index.list_within(self._scaled(X), radius / self.unit, with_distance, n_jobs)
        distance = distance if self.unit == 1.0 or distance is None else distance * self.unit
        return lists_without_self(start, rows, distance) if exclude_self else (start, rows, distance)

    def count_within(
        self, X: Any, radius: Any, n_jobs: int | None = None, exclude_self: bool = False
    ) -> NDArray[np.int64]:
        return self.index.count_within(self._scaled(X), radius / self.unit, n_jobs) - exclude_self

    def _scaled(self, X: Any) -> Any:
        return X if X is None or self.unit == 1.0 else X * X.dtype.type(1.0 / self.unit)


class BruteSearch(BruteIndex):
    """All pairs; queries that are sparse where the points are not, or the other way round, are made alike."""

    def __init__(self, X: Any, metric: Metric, squared: bool = False) -> None:
        super().__init__(X, metric)
        self.squared = squared

    def nearest(self, X: Any, k: int, n_jobs: int | None = None) -> Nearest:
        parts = [BruteIndex.nearest(self, part, k, n_jobs) for part in self._alike(X)]
        distance, rows = (np.concatenate(arrays) for arrays in zip(*parts, strict=True)) if len(parts) > 1 else parts[0]
        return self._power(distance), rows

    def list_within(
        self, X: Any, radius: Any, with_distance: bool = True, n_jobs: int | None = None, exclude_self: bool = False
    ) -> Lists:
        radius = np.sqrt(radius) if self.squared else radius
        parts, at = [], 0
        for part in self._alike(X):
            size = 0 if part is None else part.shape[0]
            own = radius[at : at + size] if np.ndim(radius) and part is not None else radius
            parts.append(BruteIndex.list_within(self, part, own, with_distance, n_jobs, exclude_self))
            at += size
        start, rows, distance = joined(parts)
        return start, rows, None if distance is None else self._power(distance)

    def count_within(
        self, X: Any, radius: Any, n_jobs: int | None = None, exclude_self: bool = False
    ) -> NDArray[np.int64]:
        radius = np.sqrt(radius) if self.squared else radius
        counts, at = [], 0
        for part in self._alike(X):
            size = 0 if part is None else part.shape[0]
            own = radius[at : at + size] if np.ndim(radius) and part is not None else radius
            counts.append(BruteIndex.count_within(self, part, own, n_jobs, exclude_self))
            at += size
        return np.concatenate(counts)

    def _power(self, distance: NDArray[np.float64]) -> NDArray[np.float64]:
        return distance**2 if self.squared else distance

    def _alike(self, X: Any) -> Iterator[Any]:
        if X is None or hasattr(X, "indptr") == self.is_sparse:
            yield X
            return
        for rows in row_blocks(X.shape[0], X.shape[1]):
            yield as_csr(X[rows]) if self.is_sparse else np.ascontiguousarray(X[rows].toarray())


class PairwiseSearch:
    """Distances that scikit-learn's pairwise_distances or a DistanceMetric computes, a block of queries at a time."""

    def __init__(self, X: Any, metric: Any, params: dict[str, Any]) -> None:
        self.X, self.metric, self.params = X, metric, params

    def nearest(self, X: Any, k: int, n_jobs: int | None = None) -> Nearest:
        distance, rows = [np.empty((0, k))], [np.empty((0, k), np.int64)]
        for _, D in self._blocks(X, n_jobs):
            own = nearest_in_rows(D, k, -1, effective_threads(n_jobs, D.size))
            distance.append(own[0])
            rows.append(own[1])
        return np.concatenate(distance), np.concatenate(rows)

    def list_within(
        self, X: Any, radius: Any, with_distance: bool = True, n_jobs: int | None = None, exclude_self: bool = False
    ) -> Lists:
        parts = []
        for first, D in self._blocks(X, n_jobs):
            own = np.asarray(radius)[first : first + len(D), None] if np.ndim(radius) else radius
            near = own >= D
            if exclude_self:
                near[np.arange(len(D)), first + np.arange(len(D))] = False
            where = np.nonzero(near)
            start = np.concatenate([[0], np.cumsum(near.sum(axis=1))]).astype(np.int64)
            parts.append((start, where[1].astype(np.int64), D[where] if with_distance else None))
        return joined(parts)

    def count_within(
        self, X: Any, radius: Any, n_jobs: int | None = None, exclude_self: bool = False
    ) -> NDArray[np.int64]:
        return np.diff(self.list_within(X, radius, False, n_jobs, exclude_self)[0])

    def _blocks(self, X: Any, n_jobs: int | None) -> Iterator[tuple[int, NDArray[np.float64]]]:
        asked = self.X if X is None else X
        for rows in row_blocks(asked.shape[0], self.X.shape[0]):
            if self.metric == "precomputed":
                D = asked[rows]
            elif hasattr(self.metric, "pairwise"):
                D = self.metric.pairwise(asked[rows], self.X)
            else:
                D = pairwise_distances(asked[rows], self.X, metric=self.metric, **self.params)
            D = np.ascontiguousarray(D, np.float64)
            if D.size and np.isnan(D.min()):
                i, j = np.argwhere(np.isnan(D))[0]
                raise ValueError(f"metric {self.metric!r} gives NaN between query {rows.start + i} and point {j}")
            yield rows.start, D


class PrecomputedSearch:
    """Distances that are known: of each query those to all points, as an array, or those that a graph has."""

    def __init__(self, X: Any) -> None:
        self.X, self.graph, self.array = X, GraphSearch(X), PairwiseSearch(X, "precomputed", {})

    def nearest(self, X: Any, *more: Any) -> Nearest:
        return self._of(X).nearest(X, *more)

    def list_within(self, X: Any, *more: Any) -> Lists:
        return self._of(X).list_within(X, *more)

    def count_within(self, X: Any, *more: Any) -> NDArray[np.int64]:
        return self._of(X).count_within(X, *more)

    def _of(self, X: Any) -> GraphSearch | PairwiseSearch:
        return self.graph if hasattr(self.X if X is None else X, "indptr") else self.array


class GraphSearch:
    """A sparse matrix of known distances, whose entries are the only neighbours; each row is sorted by them."""

    def __init__(self, X: Any) -> None:
        self.X = X

    def nearest(self, X: Any, k: int, n_jobs: int | None = None) -> Nearest:
        graph = self.X if X is None else X
        lengths = np.diff(graph.indptr)
        if lengths.min(initial=k) < k:
            raise ValueError(
                f"{k} neighbors per samples are required, but some samples have only {lengths.min()} neighbors in "
                "precomputed graph matrix. Decrease number of neighbors used or recompute the graph with more "
                "neighbors."
            )
        at = graph.indptr[:-1, None] + np.arange(k)
        return graph.data[at].astype(np.float64), graph.indices[at].astype(np.int64)

    def list_within(
        self, X: Any, radius: Any, with_distance: bool = True, n_jobs: int | None = None, exclude_self: bool = False
    ) -> Lists:
        graph = self.X if X is None else X
        lengths = np.diff(graph.indptr)
        near = graph.data <= (np.repeat(radius, lengths) if np.ndim(radius) else radius)
        start = np.concatenate([[0], np.cumsum(near)])[graph.indptr].astype(np.int64)
        found = start, graph.indices[near].astype(np.int64), graph.data[near].astype(np.float64)
        return lists_without_self(*found) if exclude_self else found

    def count_within(
        self, X: Any, radius: Any, n_jobs: int | None = None, exclude_self: bool = False
    ) -> NDArray[np.int64]:
        return np.diff(self.list_within(X, radius, False, n_jobs, exclude_self)[0])


def without_self(distance: NDArray[Any], rows: NDArray[Any]) -> Nearest:
    """Of k + 1 neighbours of each point those that are not it; all but the first, as scikit-learn has it, where it is
    not among them, since so many are equal to it."""
    n, k = rows.shape
    keep = rows != np.arange(n)[:, None]
    keep[keep.all(axis=1), 0] = False
    return distance[keep].reshape(n, k - 1), rows[keep].reshape(n, k - 1)


def lists_without_self(start: NDArray[np.int64], rows: NDArray[np.int64], distance: Any) -> Lists:
    """Lists of the points themselves without them."""
    keep = rows != np.repeat(np.arange(len(start) - 1), np.diff(start))
    start = np.concatenate([[0], np.cumsum(keep)])[start].astype(np.int64)
    return start, rows[keep], None if distance is None else distance[keep]


def joined(parts: list[Lists]) -> Lists:
    """Lists of blocks of queries behind each other."""
    if len(parts) == 1:
        return parts[0]
    counts = [np.diff(part[0]) for part in parts]
    start = np.concatenate([[0], *counts]).cumsum().astype(np.int64)
    distance = None if any(part[2] is None for part in parts) else np.concatenate([np.empty(0), *(p[2] for p in parts)])
    return start, np.concatenate([np.empty(0, np.int64), *(part[1] for part in parts)]), distance


def row_blocks(n_rows: int, width: int) -> Iterator[slice]:
    """Runs of rows of so many float64 that stay within scikit-learn's `working_memory`."""
    size = max(1, int(get_config()["working_memory"] * 2**20 / (8 * max(1, width))))
    for begin in range(0, n_rows, size):
        yield slice(begin, min(n_rows, begin + size))


def as_csr(X: Any) -> Any:
    """As CSR with ascending columns and no duplicates, float32 or float64; X is left as it is."""
    from scipy.sparse import csr_array, issparse

    made = X.tocsr() if issparse(X) else csr_array(X)
    if not made.has_canonical_format:
        made = made.copy()
        made.sum_duplicates()
    return made if made.dtype in (np.float32, np.float64) else made.astype(np.float64)
