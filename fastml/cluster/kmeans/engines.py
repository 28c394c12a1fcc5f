"""Which engine runs Lloyd's algorithm on which shape of data."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fastml._engines.lloyd import LaneLloyd
from fastml._engines.lloyd_tree import BoxLloyd
from fastml.cluster.kmeans.bounds import Bounds
from fastml.cluster.kmeans.points import Centres, Points
from fastml.cluster.kmeans.sparse_points import SparseEngine, SparsePoints

ALGORITHMS = ("auto", "lloyd", "elkan", "tree")

# The rule of "auto": boxes pay from so many rows, and distances to centres a row; fits take about so many steps.
LEAST_TREE, TREE_WORK, STEPS = 1024, 600, 30
WIDE = 100  # columns above which bounds beat looking at every centre
MOST_COLUMNS = 400_000  # squared differences of so many bytes add up to numbers of 32 bits


class Engine(Protocol):
    """The state of a run: points and the clusters they are in."""

    def step(self, centres: NDArray[Any]) -> int:
        """Assign the points to the nearest of the centres; 0 if no point moved."""

    @property
    def sums(self) -> NDArray[np.int64]:
        """(k, d + 2) fixed-point sums of the clusters of the last step, their weight, and a check."""

    def labels(self, centres: NDArray[Any]) -> NDArray[np.int32]:
        """The labels of the last step, which had these centres."""

    def final_labels(self, centres: NDArray[Any]) -> NDArray[np.int32]:
        """A step with these centres, of which only the labels are wanted."""


class Lanes:
    """Brute force, points in lanes."""

    def __init__(self, points: Points, n_clusters: int, n_threads: int) -> None:
        self._points, self._n_threads = points, n_threads
        self._lanes = LaneLloyd(points, n_clusters, n_threads)

    def step(self, centres: NDArray[Any]) -> int:
        return self._lanes.step(Centres(centres, self._points), self._n_threads)

    @property
    def sums(self) -> NDArray[np.int64]:
        return self._lanes.sums

    def labels(self, centres: NDArray[Any]) -> NDArray[np.int32]:
        return self._lanes.labels

    def final_labels(self, centres: NDArray[Any]) -> NDArray[np.int32]:
        self.step(centres)
        return self._lanes.labels


class Boxes:
    """Boxes of points in few columns."""

    def __init__(self, points: Points, n_clusters: int, n_threads: int) -> None:
        self._points, self._n_threads = points, n_threads
        self._boxes = BoxLloyd(points, n_clusters, n_threads)

    def step(self, centres: NDArray[Any]) -> int:
        return self._boxes.step(Centres(centres, self._points), self._n_threads)

    @property
    def sums(self) -> NDArray[np.int64]:
        return self._boxes.sums

    def labels(self, centres: NDArray[Any]) -> NDArray[np.int32]:
        out = np.empty(self._boxes.n_samples, np.int32)
        self._boxes.step(Centres(centres, self._points), self._n_threads, out)
        return out

    final_labels = labels


def open_engine(
    points: Points | SparsePoints, n_clusters: int, max_iter: int, algorithm: str = "auto", n_threads: int = 1
) -> Engine:
    """The engine for this shape, or the one that is asked for."""
    if isinstance(points, SparsePoints):
        return SparseEngine(points, n_clusters, n_threads)
    n, d = points.X.shape
    if algorithm == "tree" and d > 3:
        raise ValueError(f"algorithm='tree' is for up to 3 columns, X has {d}: use 'auto'")
    if algorithm == "auto":
        algorithm = chosen(n, d, n_clusters, max_iter)
    if algorithm == "elkan" and n_clusters > 1 and d <= MOST_COLUMNS:
        return Bounds(points, n_clusters, n_threads)
    return (Boxes if algorithm == "tree" else Lanes)(points, n_clusters, n_threads)


def chosen(n_samples: int, n_features: int, n_clusters: int, max_iter: int) -> str:
    """The fastest engine by shape; see docs/kmeans.md for what was measured."""
    if n_features <= 3 and LEAST_TREE <= n_samples < 2**31 and n_clusters * min(max_iter, STEPS) >= TREE_WORK:
        return "tree"
    return "elkan" if n_features > WIDE else "lloyd"
