"""Gradients and sorted columns become one tree with exact thresholds."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Tree = tuple[NDArray[Any], NDArray[np.float32], NDArray[np.float32], NDArray[np.uint32] | None]

NODE: np.dtype[Any]

class PresortedGrower:
    """Grows one tree a call and output, on the same sorted columns each time.

    entries, values, values_start : as `column_sorter.sort_columns` gives them; they are read only.
    options : the fields of `GrowOptions` in src_cy/types.pxd.
    is_categorical : (n_columns,); the values of a categorical column are codes, whole numbers from 1 to 255.
    share : of a node's hessian from one threshold that is tried to the next; 0: all are tried.
    Memory beside the entries: 8 bytes a value and 9 + 8 n_threads a row; 16 more a row with weights, 16 more where
    values are missing.
    """

    def __init__(
        self,
        entries: NDArray[np.uint64],
        values: NDArray[np.float64],
        values_start: NDArray[np.int64],
        options: dict[str, float],
        is_categorical: NDArray[np.uint8] | None = ...,
        n_outputs: int = ...,
        n_threads: int = ...,
        first_round: int = ...,
        share: float = ...,
    ) -> None: ...
    def set_learning_rate(self, learning_rate: float) -> None: ...
    def set_least(self, min_child_weight: float, min_split_gain: float) -> None: ...
    def grow(
        self,
        grad: NDArray[np.float32],
        hess: NDArray[np.float32] | None,
        weight: NDArray[np.float64] | None,
        sampled: NDArray[np.uint8] | None,
        stats: NDArray[np.float64],
        leaf_of_out: NDArray[np.int32],
    ) -> list[Tree]:
        """Grow a tree for each output: (nodes, gain, cover, categories).

        grad, hess : (n_outputs, n).  hess None: 1.  weight : (n,), positive, or None.
        sampled : (n,), 0 leaves a row out of the sums, the limits and the thresholds.
        stats : (n_outputs, 5) as `LossGradients.stats`.
        leaf_of_out : (n_outputs, n), node of each row; 0 where it was left out.
        Leaf values are Newton steps times the learning rate. A level at a time and without max_leaves, second-order
        trees lose their splits that gain less than min_split_gain from the bottom up. Raises MemoryError, ValueError.
        """
