"""A tree of a forest under the names of scikit-learn's fitted trees."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml.tree.structure import Forest, Tree

LEAF = -1  # in place of a child
UNDEFINED = -2  # in place of a leaf's feature and threshold


class TreeArrays:
    """What scikit-learn calls `tree_`: arrays over the nodes, the root first, made when they are asked for."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    @property
    def node_count(self) -> int:
        return len(self._tree.nodes)

    @property
    def n_leaves(self) -> int:
        return self._tree.n_leaves

    @property
    def max_depth(self) -> int:
        """Splits on the longest path."""
        left, level, depth = self._tree.left, np.zeros(1, np.int64), -1
        while len(level):
            depth += 1
            level = left[level][left[level] != 0].astype(np.int64)
            level = np.concatenate([level, level + 1])
        return depth

    @property
    def children_left(self) -> NDArray[np.int64]:
        return np.where(self._tree.is_leaf, LEAF, self._tree.left).astype(np.int64)

    @property
    def children_right(self) -> NDArray[np.int64]:
        return np.where(self._tree.is_leaf, LEAF, self._tree.left + 1).astype(np.int64)

    @property
    def feature(self) -> NDArray[np.int64]:
        return np.where(self._tree.is_leaf, UNDEFINED, self._tree.feature)

    @property
    def threshold(self) -> NDArray[np.float64]:
        """x <= threshold goes left; NaN for a split of categories."""
        value = np.where(self._tree.is_categorical, np.nan, self._tree.value)
        return np.where(self._tree.is_leaf, UNDEFINED, value)

    @property
    def missing_go_to_left(self) -> NDArray[np.uint8]:
        return (self._tree.missing_left & ~self._tree.is_leaf).astype(np.uint8)

    @property
    def value(self) -> NDArray[np.float64]:
        """(node_count, 1, 1): what a leaf adds to the raw score, learning rate included; NaN inside the tree."""
        return np.where(self._tree.is_leaf, self._tree.value, np.nan)[:, None, None]

    @property
    def weighted_n_node_samples(self) -> NDArray[np.float64]:
        return self._tree.cover.astype(np.float64)


class TreeView:
    """One of `estimators_`: `tree_`, and the parameters that it was grown with."""

    def __init__(self, tree: Tree, **parameters: Any) -> None:
        self.tree_ = TreeArrays(tree)
        self.__dict__.update(parameters)

    def get_depth(self) -> int:
        return self.tree_.max_depth

    def get_n_leaves(self) -> int:
        return self.tree_.n_leaves


def tree_views(forest: Forest, parameters: list[dict[str, Any]]) -> NDArray[Any]:
    """(n_rounds, n_outputs) TreeView, with the parameters of each round."""
    views = np.empty((len(parameters), forest.n_outputs), dtype=object)
    for t in range(forest.n_trees):
        stage, output = divmod(t, forest.n_outputs)
        views[stage, output] = TreeView(forest.tree(t), **parameters[stage])
    return views
