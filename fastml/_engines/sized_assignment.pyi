"""Rows to clusters at the least cost, with bounds on how many rows a cluster has."""

import numpy as np
from numpy.typing import NDArray

class SizedAssignment:
    n_samples: int
    n_clusters: int
    n_paths: int  # augmenting paths so far
    labels: NDArray[np.int32]  # (n,)

    def __init__(self, costs: NDArray[np.float64], least: int, most: int) -> None:
        """costs (n, k) float64 in C order, finite; each row starts in its cheapest cluster, the lowest of equal ones.

        least * k <= n <= most * k. Up to 5 bytes for each row and cluster beside the costs.
        """

    def run(self) -> int:
        """Move rows until every cluster has `least` to `most` of them, at the least sum of costs; the paths walked."""
