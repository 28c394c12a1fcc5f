"""Sorted columns and targets become one tree with exact thresholds."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

NODE: np.dtype[Any]
CRITERIA: dict[str, int]

class ExactGrower:
    """Grows trees on one set of sorted columns.

    is_categorical : (n_columns,); the values of a categorical column are codes, whole numbers from 1 to 255.
    entries, values, values_start : as `column_sorter.sort_columns` gives them.
    largest : the largest value of each bin, where `column_sorter.merge_ranks` made bins, whose smallest are `values`.
    """

    def __init__(
        self,
        entries: NDArray[np.uint64],
        values: NDArray[np.float64],
        values_start: NDArray[np.int64],
        n_threads: int = ...,
        is_categorical: NDArray[np.uint8] | None = ...,
        largest: NDArray[np.float64] | None = ...,
    ) -> None: ...
    def grow(
        self,
        criterion: str,
        options: dict[str, Any],
        label: NDArray[np.int32] | None = ...,
        n_classes: int = ...,
        y: NDArray[np.float64] | None = ...,
        weight: NDArray[np.float64] | None = ...,
        monotone: NDArray[np.int8] | None = ...,
        in_place: bool = ...,
        own: Any = ...,
    ) -> tuple[
        NDArray[Any],
        NDArray[np.uint32],
        NDArray[np.float64],
        NDArray[np.int64],
        NDArray[np.float64],
        NDArray[np.float64],
    ]:
        """One tree: (nodes, categories, impurity, n_node_samples, weight, sums).

        criterion : a key of CRITERIA.  options : the fields of `ExactOptions` in src_cy/kernels/exact_growth.pxd.
        label : (n_outputs, n) classes 0 .. n_classes - 1; n_classes : the most that an output has.
        y : (n_outputs, n) numbers; for one output of two classes beside the labels, as 0.0 and 1.0, which is faster.
        weight : (n,) >= 0; rows of weight 0 are left out.  monotone : (n_columns,) of -1, 0 and 1; one output.
        own : with criterion "own", an `OwnCriterion` of fastml.jit; sums then have those of w y^2 behind those of w y.
        in_place : the entries may be moved, and serve no further tree; otherwise they are copied.

        nodes : (n_nodes,) NODE, children numbered as their parents are reached, left subtrees first; value is the
        threshold of a split and 0 at leaves.  categories : (n, 8), bit c of row r set: code c goes left at the
        categorical split whose value is r.  sums : (n_nodes, n_outputs * max(n_classes, 1)), weights of the classes,
        sums of w y, or medians.  The same bits for any number of threads. Raises MemoryError, ValueError.
        """
