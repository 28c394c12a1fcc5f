"""Points against centres by brute force, and what all engines of k-means need: what columns hold, exact distances.

X is an aligned array of shape (n, d) in C order, float32, float64 or uint8; points and centres are Points and Centres
of fastml.cluster.kmeans.points. Results do not depend on n_threads.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

def column_stats(X: NDArray[Any], n_threads: int = 1) -> NDArray[np.float64]:
    """(3, d) smallest, largest and sum of each column; sums over chunks of rows, in their order."""

def column_squares(X: NDArray[Any], mean: NDArray[np.float64], n_threads: int = 1) -> NDArray[np.float64]:
    """(d,) sums of (x - mean)^2 of each column."""

def squared_distances(
    X: NDArray[Any], labels: NDArray[np.int32], centres: NDArray[np.float64], n_threads: int = 1
) -> NDArray[np.float64]:
    """(n,) of each row to the centre of its label. In eight lanes: column j goes to lane j % 8."""

def inertia(
    X: NDArray[Any],
    labels: NDArray[np.int32],
    centres: NDArray[np.float64],
    weight: NDArray[np.float64] | None = None,
    n_threads: int = 1,
) -> float:
    """Weighted sum of squared_distances, over chunks of rows, in their order."""

def nearest(points: Any, centres: Any, n_threads: int = 1) -> NDArray[np.int32]:
    """(n,) the centre of the least squared distance to each row; ties to the lowest number."""

class LaneLloyd:
    """Points in lanes; 4 bytes a number beside X."""

    n_samples: int
    n_features: int
    n_clusters: int
    def __init__(self, points: Any, n_clusters: int, n_threads: int = 1) -> None: ...
    def step(self, centres: Any, n_threads: int = 1) -> int:
        """Assign the points to the nearest of the centres; how many moved."""
    @property
    def labels(self) -> NDArray[np.int32]:
        """(n,) of the last step, -1 before; a view."""
    @property
    def sums(self) -> NDArray[np.int64]:
        """(k, d + 2) sums of the clusters' rows in fixed point, their weight, and 0."""
