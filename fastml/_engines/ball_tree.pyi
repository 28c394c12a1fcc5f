"""Nearest points and points within a radius by any metric."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml._engines.kd_tree import KdTree

KINDS: dict[str, int]
"""A metric's name -> its number for engines."""

class BallTree:
    """Balls over the nodes of a kd order, or its boxes where the metric has bounds by boxes.

    kd : KdTree of X, (n, d)
    metric : (kind, p, weight, address), as fastml.neighbors.metrics.Metric.engine has it
    triangle : whether d(a, c) <= d(a, b) + d(b, c); otherwise every point is looked at

    points : (n, d) float64 in kd order
    centres, radii : (n_nodes, d) and (n_nodes,), or None with boxes
    nan_row, nan_query : a pair for which the metric gave NaN, or -1; NaN counts as infinitely far
    The same for any number of threads. Raises ValueError, MemoryError; looks for Ctrl-C every few thousand queries.
    """

    points: NDArray[np.float64]
    order: NDArray[np.int32]
    lowest: NDArray[np.int32]
    boxes: NDArray[np.float64]
    centres: NDArray[np.float64] | None
    radii: NDArray[np.float64] | None
    metric: tuple[Any, ...]
    depth: int
    nan_row: int
    nan_query: int
    def __init__(
        self, kd: KdTree, X: NDArray[Any], metric: tuple[Any, ...], triangle: bool = ..., n_threads: int = ...
    ) -> None: ...
    def nearest(
        self, X: NDArray[Any], k: int, n_threads: int = ...
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """As kd_neighbors.nearest."""
    def count_within(self, X: NDArray[Any], radius: Any, n_threads: int = ...) -> NDArray[np.int64]:
        """As kd_neighbors.count_within."""
    def list_within(
        self, X: NDArray[Any], radius: Any, with_distance: bool = ..., n_threads: int = ...
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64] | None]:
        """As kd_neighbors.list_within."""

def sort_lists(
    start: NDArray[np.int64], rows: NDArray[np.int64], distances: NDArray[np.float64], n_threads: int = ...
) -> None:
    """Each query's list, as list_within has it, by distance and row, in place."""

def nearest_arcs(
    angles: NDArray[np.float64], queries: NDArray[np.float64], chords: NDArray[np.float64], rows: NDArray[np.int64],
    k: int, n_threads: int = ...,
) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:  # fmt: skip
    """(distances, settled) by the haversine of the m candidates of each query that are nearest by the chord.

    angles, queries : (n_points, 2), (n, 2) in radians
    chords, rows : (n, m); rows are put in order by distance and row, the k nearest first
    settled : (n,) 1 where no other point can be among the k nearest, whatever rounding did to the chords
    """

def arcs_within(
    angles: NDArray[np.float64], queries: NDArray[np.float64], radius: NDArray[np.float64], start: NDArray[np.int64],
    rows: NDArray[np.int64], n_threads: int = ...,
) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:  # fmt: skip
    """(distances, within) of lists as list_within has them: the haversine, and whether it is <= radius (n,)."""
