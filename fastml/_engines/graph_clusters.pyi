"""Density clustering over a graph of distances."""

import numpy as np
from numpy.typing import NDArray

def reach_by_graph(
    start: NDArray[np.int64], neighbour: NDArray[np.int32], distance: NDArray[np.float64], eps: float,
    is_core: NDArray[np.uint8],
) -> NDArray[np.intp]:  # fmt: skip
    """(n,) number of the cluster of each point, -1 for none.

    start : (n + 1,), neighbour, distance : (n_edges,) compressed sparse rows
    eps : edges up to this length count
    is_core : (n,) which points pass their cluster on
    Raises ValueError for indices out of range. O(n + n_edges).
    """
