"""A fitted decision tree: its nodes, what each predicts, and scikit-learn's view of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml._engines.row_predictor import RowForest
from fastml.tree.packing import native, pack, pack_statistics, unpack, unpack_statistics
from fastml.tree.structure import CATEGORICAL, FEATURE, MISSING_LEFT


@dataclass(eq=False)
class FittedTree:
    """Arrays over the nodes; the children of node i are ``left[i]`` and ``left[i] + 1``.

    nodes : (n_nodes,) fastml.tree.structure.NODE, 16 bytes each
    categories : (n_categorical_splits, 8) uint32; bit c of row r set: code c goes left
    value : (n_nodes, n_outputs, n_classes) share of each class, or (n_nodes, n_outputs, 1) the prediction
    impurity, weight : (n_nodes,) float64.  n_node_samples : (n_nodes,) int64
    n_classes : of each output; 1: numbers
    category_codes : of each categorical column the code of each level; None for the others
    """

    nodes: NDArray[Any]
    categories: NDArray[np.uint32]
    value: NDArray[np.float64]
    impurity: NDArray[np.float64]
    n_node_samples: NDArray[np.int64]
    weight: NDArray[np.float64]
    n_classes: tuple[int, ...]
    n_features: int
    category_codes: tuple[NDArray[np.uint8] | None, ...]
    _cache: dict[str, Any] = field(default_factory=dict, repr=False)

    def check(self) -> None:
        """Raise ValueError unless the arrays describe a tree; for arrays that come from a file."""
        n = len(self.nodes)
        shapes = {len(self.value), len(self.impurity), len(self.n_node_samples), len(self.weight)}
        if shapes != {n} or self.value.shape[1:] != (len(self.n_classes), max(self.n_classes)):
            raise ValueError("a tree's arrays are not of one length or of its classes: they are damaged")
        self.walker()

    def walker(self) -> RowForest:
        """What finds the leaves of rows."""
        if "walker" not in self._cache:
            start = np.array([0, len(self.nodes)])
            self._cache["walker"] = RowForest(
                self.nodes, start, self.categories, 1, self.n_features, list(self.category_codes)
            )
        return self._cache["walker"]

    def leaves(self, X: NDArray[Any], n_threads: int = 1) -> NDArray[np.int32]:
        """The node in which each row of numbers ends, (n,)."""
        return self.walker().leaf_rows(X, n_threads=n_threads)[:, 0]

    @cached_property
    def is_split(self) -> NDArray[np.bool_]:
        return self.nodes["left"] != 0

    @property
    def first_child(self) -> NDArray[np.int64]:
        """(n_nodes,) 0 at a leaf."""
        return self.nodes["left"].astype(np.int64)

    @property
    def n_children(self) -> NDArray[np.int64]:
        return 2 * self.is_split.astype(np.int64)

    @property
    def outputs(self) -> NDArray[np.float64]:
        """(n_nodes, n_outputs, n_classes) what each node says."""
        return self.value

    def split_bits(self) -> NDArray[np.float64]:
        """(n_nodes,) bits that tell a split of a column from its others: log2 (rows - 1)  for its threshold."""
        return np.log2(np.maximum(self.weight - 1, 1))

    @cached_property
    def depths(self) -> NDArray[np.int64]:
        """Splits above each node."""
        out, left = np.zeros(len(self.nodes), np.int64), self.nodes["left"].astype(np.int64)
        level = np.zeros(1, np.int64)
        while len(level := level[left[level] != 0]):
            children = np.concatenate([left[level], left[level] + 1])
            out[children] = out[level[0]] + 1
            level = children
        return out

    @cached_property
    def order(self) -> NDArray[np.int64]:
        """Nodes as scikit-learn numbers them: each before its children, left subtrees first."""
        left, size = self.nodes["left"].astype(np.int64), np.ones(len(self.nodes), np.int64)
        splits = np.flatnonzero(left)
        for i in splits[::-1].tolist():  # children have higher numbers
            size[i] += size[left[i]] + size[left[i] + 1]
        place = np.zeros(len(self.nodes), np.int64)
        for i in splits.tolist():
            place[left[i]] = place[i] + 1
            place[left[i] + 1] = place[i] + 1 + size[left[i]]
        return np.argsort(place)

    @cached_property
    def place(self) -> NDArray[np.int64]:
        """The number that scikit-learn gives each node."""
        out = np.empty(len(self.nodes), np.int64)
        out[self.order] = np.arange(len(out))
        return out

    def importances(self) -> NDArray[np.float64]:
        """Decrease of the weighted impurity by each column, (n_features,), summing to 1 unless there is no split."""
        left = self.nodes["left"][self.is_split].astype(np.int64)
        mass = self.weight * self.impurity
        gain = mass[self.is_split] - mass[left] - mass[left + 1]
        feature = (self.nodes["feature"][self.is_split] & FEATURE).astype(np.int64)
        out: NDArray[np.float64] = np.bincount(feature, gain, minlength=self.n_features).astype(np.float64)
        total = out.sum()
        return out / total if total > 0 else out

    def subtree(self, is_split: NDArray[np.bool_]) -> FittedTree:
        """The tree whose splits are only those marked, of which every one has its parent marked."""
        left, kept = self.nodes["left"].astype(np.int64), np.zeros(len(self.nodes), bool)
        kept[0] = True
        below = left[is_split]
        kept[below] = kept[below + 1] = True
        place = np.cumsum(kept) - 1
        nodes = self.nodes[kept].copy()
        stays = is_split[kept]
        nodes["left"] = np.where(stays, place[left[kept]], 0)
        nodes["feature"][~stays] = 0
        nodes["value"][~stays] = 0.0
        by_set = (nodes["feature"] & CATEGORICAL) != 0
        categories = self.categories[nodes["value"][by_set].astype(np.int64)]
        nodes["value"][by_set] = np.arange(len(categories))
        return FittedTree(
            nodes, categories, self.value[kept], self.impurity[kept], self.n_node_samples[kept], self.weight[kept],
            self.n_classes, self.n_features, self.category_codes,
        )  # fmt: skip

    def as_sklearn(self) -> Any:
        """scikit-learn's own `Tree` of these nodes; it compares float32 values with the thresholds. Cached. ValueError
        where there are splits by category."""
        if len(self.categories):
            raise ValueError(
                "scikit-learn's Tree compares numbers, and this tree has splits by category: encode the columns before "
                "the fit, or use the tree's own methods"
            )
        if "sklearn" not in self._cache:
            from sklearn.tree._tree import Tree

            tree = Tree(self.n_features, np.array(self.n_classes, np.intp), len(self.n_classes))
            order, place = self.order, self.place
            ours, left = self.nodes[order], self.nodes["left"][order].astype(np.int64)
            split = left != 0
            nodes = np.zeros(len(order), tree.__getstate__()["nodes"].dtype)
            nodes["left_child"] = np.where(split, place[left], -1)
            nodes["right_child"] = np.where(split, place[np.where(split, left + 1, 0)], -1)
            nodes["feature"] = np.where(split, (ours["feature"] & FEATURE).astype(np.int64), -2)
            nodes["threshold"] = np.where(split, ours["value"], -2.0)
            nodes["impurity"] = self.impurity[order]
            nodes["n_node_samples"] = self.n_node_samples[order]
            nodes["weighted_n_node_samples"] = self.weight[order]
            nodes["missing_go_to_left"] = split & ((ours["feature"] & MISSING_LEFT) != 0)
            tree.__setstate__({
                "max_depth": int(self.depths.max()), "node_count": len(order), "nodes": nodes,
                "values": np.ascontiguousarray(self.value[order]),
            })
            self._cache["sklearn"] = tree
        return self._cache["sklearn"]

    def to_json(self) -> dict[str, Any]:
        """What files keep, see fastml.tree.packing: nodes in the order of their depth, statistics of the leaves. Those
        of the splits are then right but for their rounding; a pickle keeps all of them, to the bit."""
        nodes, is_leaf = self.nodes.copy(), ~self.is_split
        nodes["value"][is_leaf] = np.arange(np.count_nonzero(is_leaf))
        packed, _, order = pack(nodes, np.array([0, len(nodes)]), np.zeros(2, np.int64))
        left = unpack(packed)[0]["left"].astype(np.int64)
        statistics = pack_statistics(
            left, self.value[order], self.impurity[order], self.n_node_samples[order], self.weight[order]
        )
        return {
            "nodes": packed, "statistics": statistics, "categories": self.categories, "n_classes": self.n_classes,
            "n_features": self.n_features, "category_codes": self.category_codes,
        }  # fmt: skip

    @classmethod
    def from_json(cls, state: dict[str, Any]) -> FittedTree:
        """The tree that `to_json` described; ValueError if it is damaged."""
        nodes, tree_start, _ = unpack(state["nodes"])
        if len(tree_start) != 2:
            raise ValueError(f"a tree that is {len(tree_start) - 1} trees is damaged")
        n_classes = tuple(state["n_classes"])
        left = nodes["left"].astype(np.int64)
        nodes["value"][left == 0] = 0.0
        made = cls(
            nodes, state["categories"],
            *unpack_statistics(state["statistics"], left, (len(n_classes), max(n_classes))),
            n_classes, state["n_features"], tuple(state["category_codes"]),
        )  # fmt: skip
        made.check()
        return made

    def __getstate__(self) -> dict[str, Any]:
        derived = ("is_split", "depths", "order", "place")
        return {**{k: v for k, v in self.__dict__.items() if k not in derived}, "_cache": {}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(native(state))
