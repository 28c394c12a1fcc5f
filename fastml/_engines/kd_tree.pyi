"""Points in kd order, by leaf and by column, with boxes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

class KdTree:
    """A balanced kd-tree over the rows of X, (n, d) float32 or float64 in C order, finite, n < 2^31 - 1.

    Implicit: node i has the children 2i + 1 and 2i + 2; node j of level l (number 2^l - 1 + j) holds the places
    [n j >> l, n (j + 1) >> l) of the kd order. Leaves are the 2^depth nodes of the last level, none empty, of at most
    leaf_size points (2 if that is 1), and their sizes differ by one at most.

    order : (n,) int32, the row at each place; ascending within a leaf
    packed : (2^depth, d, leaf_capacity) of X's type, the leaves' points by column; NaN behind a leaf's last point.
        leaf_capacity is a multiple of 8.
    boxes : (2^(depth + 1) - 1, 2, d) float64, each node's lower and upper corner
    lowest : (2^(depth + 1) - 1,) int32, the smallest row in each node
    The same for any number of threads. O(n log n) whatever the values; while it grows, 8 + 8 min(d + 1, 16) bytes a
    point besides. Raises ValueError, MemoryError.
    """

    n_samples: int
    n_features: int
    depth: int
    leaf_capacity: int
    order: NDArray[np.int32]
    packed: NDArray[Any]
    boxes: NDArray[np.float64]
    lowest: NDArray[np.int32]
    def __init__(self, X: NDArray[Any], leaf_size: int = ..., n_threads: int = ...) -> None: ...
    def begins(self) -> NDArray[np.int64]:
        """Where each leaf begins in the order, and n: (2^depth + 1,)."""
