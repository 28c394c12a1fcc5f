"""Trees of forests from ranks of the values."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

NODE: np.dtype[Any]
CRITERIA: dict[str, int]

def bootstrap_counts(
    seed: int, n_samples: int, n_draws: int, cumulative: NDArray[np.float64] | None = ...
) -> NDArray[np.float64]:
    """How often the tree of this seed sees each row, (n_samples,) whole numbers.

    cumulative : (n_samples,) sums of the rows' weights, by which they are drawn; None: all alike. O(n_draws), with
    weights O(n_draws log n_samples). Raises ValueError for no rows, or another number of weights.
    """

class ForestGrower:
    """Forests on one table of ranks.

    ranks : (n_features, n) uint16 or uint32 of `ranks_of`
    values, values_start : of `sort_columns`; of a categorical column they are codes, 1 to 255
    is_categorical : (n_features,) uint8 or None
    largest : the largest value of each bin, where `column_sorter.merge_ranks` made bins, whose smallest are `values`
    """

    def __init__(
        self, ranks: NDArray[np.unsignedinteger[Any]], values: NDArray[np.float64], values_start: NDArray[np.int64],
        n_threads: int = ..., is_categorical: NDArray[np.uint8] | None = ...,
        largest: NDArray[np.float64] | None = ...,
    ) -> None: ...  # fmt: skip
    def grow(
        self, criterion: str, options: Mapping[str, float], seeds: NDArray[np.uint64],
        label: NDArray[np.int32] | None = ..., n_classes: int = ..., y: NDArray[np.float64] | None = ...,
        weight: NDArray[np.float64] | None = ..., monotone: NDArray[np.int8] | None = ..., n_draws: int = ...,
        balanced: bool = ..., classes_of: NDArray[np.int32] | None = ..., stop: int | None = ...,
        own: Any = ...,
    ) -> list[tuple[Any, ...]]:  # fmt: skip
        """One tree for each seed, side by side; `exact_grower.ExactGrower.grow` says what the targets and options are.

        n_draws : rows that are drawn for a tree, with replacement and by their weights; 0: it sees all, weighed.
        stop : where to see Ctrl-C, from `runtime.stop_address` of another thread; None: of this one. Where it ends the
        growth, only the trees before the first one that is not complete are returned.
        own : fastml.jit.OwnCriterion, where the criterion is "own"; ValueError where it says nothing finite.
        balanced : classes weigh as the rows drawn make them even; classes_of: (n_outputs,) classes of each output.

        A tree is (nodes, categories, weight, own, rows, start, classes, amounts, impurity, sums):
        nodes : NODE, where a leaf's value is its number; children are numbered as they are reached, left first
        categories : (n_sets, 8) uint32
        weight, own, rows : of each leaf, see `fastml.ensemble.averaged_forest.AveragedForest`
        start, classes, amounts : of classes of one output, the weights that are not 0; else None, None, all sums
        impurity, sums : of all nodes for the absolute error, else None; impurity of an own criterion too

        O(max_features * n * depth) a tree. Raises MemoryError.
        """
