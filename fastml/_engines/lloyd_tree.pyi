"""Lloyd's algorithm over boxes of points in up to 3 columns."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

class BoxLloyd:
    """Points in Morton order, in blocks of 64 and boxes around them. Up to 60 bytes a point beside X."""

    n_samples: int
    n_features: int
    n_clusters: int
    sums: NDArray[np.int64]
    """(k, d + 2) of the last step: rows in fixed point, weight, and a check that changes when labels do."""
    def __init__(self, points: Any, n_clusters: int, n_threads: int = 1) -> None:
        """points: fastml.cluster.kmeans.points.Points of up to 3 columns."""
    def step(self, centres: Any, n_threads: int = 1, labels_out: NDArray[np.int32] | None = None) -> bool:
        """Assign the points to the nearest of the centres; whether any moved. labels_out (n,): overwritten."""
