"""Rows of CSR against centres, all in float64; sums of clusters in fixed point.

data: float32 or float64; indices and indptr: both int32 or both int64, without duplicates.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

def sparse_labels(
    data: NDArray[Any], indices: NDArray[Any], indptr: NDArray[Any], centres: NDArray[np.float64], n_threads: int = 1
) -> NDArray[np.int32]:
    """(n,) the centre of the least |c|^2 / 2 - x.c for each row; ties to the lowest number."""

def squares(centres: NDArray[np.float64]) -> NDArray[np.float64]:
    """(k,) squared norms, summed from the first column to the last."""

def squared_distances(
    data: NDArray[Any],
    indices: NDArray[Any],
    indptr: NDArray[Any],
    labels: NDArray[np.int32],
    centres: NDArray[np.float64],
    n_threads: int = 1,
) -> NDArray[np.float64]:
    """(n,) of each row to the centre of its label."""

def add_moved(
    data: NDArray[Any],
    indices: NDArray[Any],
    indptr: NDArray[Any],
    weight: NDArray[np.float64] | None,
    scale: NDArray[np.float64],
    weight_scale: float,
    before: NDArray[np.int32],
    after: NDArray[np.int32],
    sums_inout: NDArray[np.int64],
) -> int:
    """Take rows that moved from the sums of the clusters they left (-1: none) and add them to the others'."""

class SparseLloyd:
    """Rows of CSR, their labels and the sums of their clusters."""

    labels: NDArray[np.int32]
    sums: NDArray[np.int64]
    def __init__(
        self,
        data: NDArray[Any],
        indices: NDArray[Any],
        indptr: NDArray[Any],
        weight: NDArray[np.float64] | None,
        scale: NDArray[np.float64],
        weight_scale: float,
        n_clusters: int,
    ) -> None: ...
    def step(self, centres: NDArray[np.float64], n_threads: int = 1) -> int:
        """Assign the rows to the nearest of the centres; how many moved."""
