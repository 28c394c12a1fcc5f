"""k-means on CSR: points, their fixed point, and the engine, without making anything dense but centres."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml._engines.lloyd_sparse import SparseLloyd, sparse_labels, squared_distances
from fastml.cluster.kmeans.points import LARGEST, check_columns, fixed_point


@dataclass(frozen=True, eq=False)
class SparsePoints:
    """CSR, and how its rows are added up in fixed point; see Points."""

    X: Any
    weight: NDArray[np.float64] | None
    offset: NDArray[np.float64]
    scale: NDArray[np.float64]
    weight_scale: float
    squares: NDArray[np.float64] | None = None

    @classmethod
    def of(cls, X: Any, weight: NDArray[np.float64] | None = None, squares: bool = False) -> SparsePoints:
        """Read what columns hold; ValueError where a stored number is not finite."""
        n, d = X.shape
        largest, total = np.zeros(d), np.zeros(d)
        with np.errstate(over="ignore", invalid="ignore"):
            total[:] = np.bincount(X.indices, weights=X.data, minlength=d)
            np.maximum.at(largest, X.indices, np.abs(X.data))
        check_columns(-largest, largest, total)
        heaviest, mass = (1.0, float(n)) if weight is None else (float(weight.max()), float(weight.sum()))
        scale = fixed_point(largest * heaviest, largest * mass)
        weight_scale = 1.0 if weight is None else float(fixed_point(np.array([heaviest]), np.array([mass]))[0])
        own = None
        if squares:
            mean = total / n
            data = X.data.astype(np.float64)
            own = np.bincount(X.indices, weights=data * data, minlength=d) - n * mean * mean
        return cls(X, weight, np.zeros(d), scale, weight_scale, own)

    def holding(self, centres: NDArray[Any]) -> SparsePoints:
        """These points: float64 has room for centres wherever they start, unless their squares overflow."""
        if not np.abs(np.asarray(centres, np.float64)).max(initial=0.0) < LARGEST:
            raise ValueError("init has numbers whose squares overflow: give centres near the data")
        return self

    def variance(self) -> float:
        """The mean of the columns' variances."""
        if self.squares is None:
            raise ValueError("the sums of squares were not asked for")
        return float(self.squares.mean()) / self.X.shape[0]

    def fixed(self, row: int) -> NDArray[np.int64]:
        """(d + 1,) what a row adds to the sums of its cluster: its numbers and its weight."""
        weight = 1.0 if self.weight is None else self.weight[row]
        out = np.zeros(len(self.offset) + 1, np.int64)
        own = slice(self.X.indptr[row], self.X.indptr[row + 1])
        at = self.X.indices[own]
        out[at] = np.rint(self.X.data[own].astype(np.float64) * weight * self.scale[at]).astype(np.int64)
        out[-1] = np.rint(weight * self.weight_scale)
        return out


class SparseEngine:
    """Brute force on CSR."""

    def __init__(self, points: SparsePoints, n_clusters: int, n_threads: int) -> None:
        self._n_threads = n_threads
        X = points.X
        self._state = SparseLloyd(
            X.data, X.indices, X.indptr, points.weight, points.scale, points.weight_scale, n_clusters
        )

    def step(self, centres: NDArray[Any]) -> int:
        return self._state.step(np.asarray(centres, np.float64), self._n_threads)

    @property
    def sums(self) -> NDArray[np.int64]:
        return self._state.sums

    def labels(self, centres: NDArray[Any]) -> NDArray[np.int32]:
        return self._state.labels

    def final_labels(self, centres: NDArray[Any]) -> NDArray[np.int32]:
        self.step(centres)
        return self._state.labels


def sparse_nearest(X: Any, centres: NDArray[Any], n_threads: int = 1) -> NDArray[np.int32]:
    """The nearest centre of each row, ties to the lowest number."""
    return sparse_labels(X.data, X.indices, X.indptr, np.asarray(centres, np.float64), n_threads)


def sparse_squared_distances(
    X: Any, labels: NDArray[np.int32], centres: NDArray[Any], n_threads: int = 1
) -> NDArray[np.float64]:
    """(n,) float64 squared distances of rows to the centres of their labels."""
    own = np.ascontiguousarray(centres, np.float64)
    return squared_distances(X.data, X.indices, X.indptr, labels, own, n_threads)
