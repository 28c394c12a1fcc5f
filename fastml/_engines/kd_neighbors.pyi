"""Nearest points and points within a radius, by a kd-tree: Euclidean, Manhattan, Chebyshev, standardised Euclidean.

tree : KdTree
metric : (kind, p, weight, address), as fastml.neighbors.metrics.Metric.engine has it
X : (n, d) float32 or float64 in C order; None: the tree's own points
Distances are those of the plain loop over the columns in float64, bit for bit; the same for any number of threads.
Raises ValueError, MemoryError; looks for Ctrl-C every few thousand blocks of queries.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml._engines.kd_tree import KdTree

def nearest(
    tree: KdTree, metric: tuple[Any, ...], X: NDArray[Any] | None, k: int, n_threads: int = ...
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """(distances, rows) of the k nearest points, (n, k) each, by distance; at equal distances the lowest rows.

    About 0.6 us a query in two columns at k 10, d / 8 ns a pair looked at in many.
    """

def count_within(
    tree: KdTree, metric: tuple[Any, ...], X: NDArray[Any] | None, radius: Any, n_threads: int = ...
) -> NDArray[np.int64]:
    """(n,): how many points are within the radius, a number >= 0 or n of them; the radius itself is within.

    A node that is within as a whole is counted without a look at its points.
    """

def list_within(
    tree: KdTree, metric: tuple[Any, ...], X: NDArray[Any] | None, radius: Any, with_distance: bool = ...,
    n_threads: int = ...,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64] | None]:  # fmt: skip
    """(start, rows, distances or None): query i has rows[start[i]:start[i + 1]], in kd order."""
