"""Rows through forests whose trees are averaged."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

def can_vote(nodes: NDArray[Any], n_features: int) -> bool:
    """Whether VoteForest takes these nodes: no split by category, fewer than 32,768 columns."""

class VoteForest:
    """Trees ready to walk.

    nodes, tree_start, leaf_start, share_start, classes : as in fastml.ensemble.averaged_forest.AveragedForest; where
        the last three are given, what has one class alone is known to say 1 of it.
    Raises OverflowError where a column has more than 65,534 thresholds, ValueError for damaged arrays.
    """

    n_trees: int
    n_features: int
    def __init__(
        self, nodes: NDArray[Any], tree_start: NDArray[np.int64], n_features: int,
        leaf_start: NDArray[np.int64] | None = ..., share_start: NDArray[np.int32] | None = ...,
        classes: NDArray[np.int32] | None = ...,
    ) -> None: ...  # fmt: skip
    def leaf_numbers(
        self, X: NDArray[Any], tree_begin: int = ..., tree_end: int | None = ..., n_threads: int = ...
    ) -> NDArray[np.int32]:
        """The number of each row's leaf in each tree of the range, (n, trees). X: (n, n_features) of floats."""
    def add_shares(
        self, X: NDArray[Any], leaf_start: NDArray[np.int64], shares: NDArray[np.float64],
        total_inout: NDArray[np.float64], share_start: NDArray[np.int32] | None = ...,
        classes: NDArray[np.int32] | None = ..., use: NDArray[np.uint8] | None = ..., tree_begin: int = ...,
        tree_end: int | None = ..., n_threads: int = ...,
    ) -> None:  # fmt: skip
        """total_inout (n, width) += what each row's leaf says, in the order of the trees.

        leaf_start : (n_trees + 1,) number of each tree's first leaf among all
        shares : (n_leaves * width,), or with share_start (n_leaves + 1,) and classes only those of some classes
        use : (n,) rows to add to; None: all
        O(n * trees * depth).
        """

def add_leaf_shares(
    leaves: NDArray[np.int64], shares: NDArray[np.float64], total_inout: NDArray[np.float64],
    share_start: NDArray[np.int32] | None = ..., classes: NDArray[np.int32] | None = ...,
    use: NDArray[np.uint8] | None = ..., n_threads: int = ...,
) -> None:  # fmt: skip
    """As VoteForest.add_shares, where leaves (n, trees) are known by their numbers among all."""
