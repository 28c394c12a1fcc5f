"""A fitted forest whose trees are averaged: all nodes end to end, and of the leaves what all else follows from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml._engines.row_predictor import RowForest
from fastml._engines.vote_predictor import VoteForest, add_leaf_shares, can_vote
from fastml.tree.complexity import prune_by_complexity
from fastml.tree.fitted import FittedTree
from fastml.tree.leaf_sums import impurity_of_sums, own_of_impurity, sum_upwards
from fastml.tree.packing import from_table, in_table, native, pack, smallest, unpack
from fastml.tree.structure import CATEGORICAL


@dataclass(eq=False)
class AveragedForest:
    """Arrays over all trees' nodes or leaves; leaf k of tree t is number ``leaf_start[t] + k``.

    nodes : (n_nodes,) fastml.tree.structure.NODE; a leaf's value is its number in its tree
    tree_start, leaf_start : (n_trees + 1,) int64
    categories : (n_categorical_splits, 8) uint32
    weight, own : (n_leaves,) float64, sum of weights and what impurity needs besides.  rows : (n_leaves,) int32
    share_start, classes : (n_leaves + 1,) and (n_shares,) int32 where leaves have few of the classes; else None
    amounts : (n_shares,) weight of a class, or (n_leaves, n_outputs * n_classes) sums
    impurity : of all nodes, where it does not follow from the leaves: of the absolute error and one's own; else None
    sums : of all nodes, for the absolute error, else None
    centre : (n_outputs,) what was taken off the targets
    """

    nodes: NDArray[Any]
    tree_start: NDArray[np.int64]
    leaf_start: NDArray[np.int64]
    categories: NDArray[np.uint32]
    weight: NDArray[np.float64]
    own: NDArray[np.float64]
    rows: NDArray[np.int32]
    share_start: NDArray[np.int32] | None
    classes: NDArray[np.int32] | None
    amounts: NDArray[np.float64]
    impurity: NDArray[np.float64] | None
    sums: NDArray[np.float64] | None
    centre: NDArray[np.float64]
    criterion: str
    n_classes: tuple[int, ...]
    n_features: int
    category_codes: tuple[NDArray[np.uint8] | None, ...]
    _cache: dict[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, grown: Sequence[Any], **known: Any) -> AveragedForest:
        """From the trees of `ForestGrower.grow`."""
        nodes, sets, weight, own, rows, start, classes, amounts, impurity, sums = zip(*grown, strict=True)
        n_sets = 0
        for own_nodes, own_sets in zip(nodes, sets, strict=True):
            if len(own_sets) and n_sets:
                by_set = (own_nodes["left"] != 0) & ((own_nodes["feature"] & CATEGORICAL) != 0)
                own_nodes["value"][by_set] += n_sets
            n_sets += len(own_sets)
        leaf_start = np.cumsum([0, *map(len, weight)], dtype=np.int64)
        sparse = start[0] is not None
        offset = np.cumsum([0, *map(len, amounts)])[:-1]
        return cls(
            nodes=np.concatenate(nodes), tree_start=np.cumsum([0, *map(len, nodes)], dtype=np.int64),
            leaf_start=leaf_start, categories=np.concatenate(sets), weight=np.concatenate(weight),
            own=np.concatenate(own), rows=np.concatenate(rows),
            share_start=np.concatenate(
                [[0], *(s[1:] + at for s, at in zip(start, offset, strict=True))]
            ).astype(np.int32) if sparse else None,
            classes=np.concatenate(classes) if sparse else None, amounts=np.concatenate(amounts),
            impurity=np.concatenate(impurity) if impurity[0] is not None else None,
            sums=np.concatenate(sums) if sums[0] is not None else None, **known,
        )  # fmt: skip

    def check(self) -> None:
        """Raise ValueError unless the arrays describe a forest; for arrays that come from a file."""
        n_leaves, n_trees = len(self.weight), len(self.tree_start) - 1
        is_leaf = self.nodes["left"] == 0
        numbers = self.nodes["value"][is_leaf]
        tree = np.searchsorted(self.tree_start, np.flatnonzero(is_leaf), side="right") - 1
        if len(self.leaf_start) != n_trees + 1 or self.leaf_start[-1] != n_leaves or not (
            np.sort(numbers + self.leaf_start[tree]) == np.arange(n_leaves)
        ).all():
            raise ValueError("the leaves of a forest are not numbered one after the other: it is damaged")
        if self.share_start is not None and self.classes is not None:
            lengths = len(self.amounts) == len(self.classes) == self.share_start[-1]
            if not lengths or (np.diff(self.share_start) < 0).any() or self.share_start[0] != 0 or (
                len(self.classes) and not 0 <= self.classes.min() <= self.classes.max() < self.n_classes[0]
            ):
                raise ValueError("a forest's classes do not fit its leaves: it is damaged")
        elif len(self.amounts) != n_leaves * self.width:
            raise ValueError("a forest's sums do not fit its leaves: it is damaged")
        self.walker()

    @property
    def n_trees(self) -> int:
        return len(self.tree_start) - 1

    @property
    def n_outputs(self) -> int:
        return len(self.n_classes)

    @property
    def width(self) -> int:
        """Statistics of a node."""
        return self.n_outputs * max(self.n_classes)

    def walker(self) -> VoteForest | RowForest:
        """What finds the leaves of rows; cached."""
        if "walker" not in self._cache:
            walker: Any = None
            if can_vote(self.nodes, self.n_features):
                try:
                    walker = VoteForest(
                        self.nodes, self.tree_start, self.n_features, self.leaf_start, self.share_start, self.classes
                    )
                except OverflowError:  # too many thresholds
                    walker = None
            if walker is None:
                walker = RowForest(
                    self.nodes, self.tree_start, self.categories, 1, self.n_features, list(self.category_codes)
                )
            self._cache["walker"] = walker
        return self._cache["walker"]

    @cached_property
    def shares(self) -> NDArray[np.float64]:
        """What each leaf says: shares of its classes, as `amounts` lie, or (n_leaves * n_outputs,) predictions."""
        scale = np.where(self.weight > 0, self.weight, 1.0)
        if self.share_start is not None:
            return self.amounts / np.repeat(scale, np.diff(self.share_start))
        sums = self.amounts.reshape(len(scale), -1)
        if self.criterion == "absolute_error":
            return sums.ravel()
        mean = sums / scale[:, None]
        return (mean + self.centre if max(self.n_classes) == 1 else mean).ravel()

    def leaf_numbers(self, X: NDArray[Any], n_threads: int = 1) -> NDArray[np.int32]:
        """Each row's leaf in each tree, (n, n_trees)."""
        walker = self.walker()
        if isinstance(walker, VoteForest):
            return walker.leaf_numbers(X, n_threads=n_threads)
        at = walker.leaf_rows(X, n_threads=n_threads) + self.tree_start[:-1]
        return self.nodes["value"][at].astype(np.int32)

    def add_shares(
        self, X: NDArray[Any], total: NDArray[np.float64], begin: int = 0, end: int | None = None,
        use: NDArray[np.uint8] | None = None, n_threads: int = 1,
    ) -> None:  # fmt: skip
        """total (n, width) += what the trees say of each row that `use` marks, tree by tree."""
        walker, end = self.walker(), self.n_trees if end is None else end
        if isinstance(walker, VoteForest):
            walker.add_shares(
                X, self.leaf_start, self.shares, total, self.share_start, self.classes, use, begin, end, n_threads
            )
            return
        at = walker.leaf_rows(X, begin, end, n_threads) + self.tree_start[begin:end]
        leaves = (self.nodes["value"][at] + self.leaf_start[begin:end]).astype(np.int64)
        add_leaf_shares(leaves, self.shares, total, self.share_start, self.classes, use, n_threads)

    def tree(self, t: int) -> FittedTree:
        """One tree by itself, with the statistics of all its nodes."""
        own = slice(self.tree_start[t], self.tree_start[t + 1])
        leaves = slice(self.leaf_start[t], self.leaf_start[t + 1])
        nodes = self.nodes[own].copy()
        left = nodes["left"].astype(np.int64)
        is_leaf = left == 0
        number = nodes["value"][is_leaf].astype(np.int64)
        nodes["value"][is_leaf] = 0.0
        by_set = (nodes["feature"] & CATEGORICAL) != 0
        categories = self.categories[nodes["value"][by_set].astype(np.int64)]
        nodes["value"][by_set] = np.arange(len(categories))
        of_leaves = np.column_stack([
            self.weight[leaves], self.rows[leaves], self.own[leaves], self._leaf_sums(leaves),
        ])  # fmt: skip
        stats = np.zeros((len(nodes), of_leaves.shape[1]))
        stats[is_leaf] = of_leaves[number]
        sum_upwards(stats, left)
        weight, rows, sums = stats[:, 0], np.rint(stats[:, 1]).astype(np.int64), stats[:, 3:]
        scale = np.where(weight > 0, weight, 1.0)[:, None]
        if self.sums is not None:
            value = self.sums[own]
        else:
            value = sums / scale + (self.centre if max(self.n_classes) == 1 else 0.0)
        if self.impurity is not None:
            impurity = self.impurity[own]
        else:
            impurity = impurity_of_sums(self.criterion, sums, weight, stats[:, 2], self.n_outputs)
        shape = (len(nodes), self.n_outputs, max(self.n_classes))
        return FittedTree(
            nodes, categories, np.ascontiguousarray(value.reshape(shape)), impurity, rows, weight, self.n_classes,
            self.n_features, self.category_codes,
        )  # fmt: skip

    def first(self, n_trees: int) -> AveragedForest:
        """The forest of the first trees."""
        leaves, nodes = self.leaf_start[n_trees], self.tree_start[n_trees]
        start = self.share_start
        n_amounts = leaves * self.width if start is None else start[leaves]
        return replace(
            self, nodes=self.nodes[:nodes], tree_start=self.tree_start[: n_trees + 1],
            leaf_start=self.leaf_start[: n_trees + 1], weight=self.weight[:leaves], own=self.own[:leaves],
            rows=self.rows[:leaves], share_start=None if start is None else start[: leaves + 1],
            classes=None if self.classes is None else self.classes[:n_amounts], amounts=self.amounts[:n_amounts],
            impurity=None if self.impurity is None else self.impurity[:nodes],
            sums=None if self.sums is None else self.sums[:nodes], _cache={},
        )  # fmt: skip

    def _leaf_sums(self, leaves: slice) -> NDArray[np.float64]:
        """Dense statistics of some leaves, (n, width)."""
        if self.share_start is None or self.classes is None:
            return self.amounts.reshape(len(self.weight), -1)[leaves]
        start = self.share_start[leaves.start : leaves.stop + 1].astype(np.int64)
        out = np.zeros((len(start) - 1, self.width))
        own = slice(start[0], start[-1])
        out[np.repeat(np.arange(len(out)), np.diff(start)), self.classes[own]] = self.amounts[own]
        return out

    def to_json(self) -> dict[str, Any]:
        """What files and pickles keep: everything else follows from it. See fastml.tree.packing."""
        nodes, leaves, order = pack(self.nodes, self.tree_start, self.leaf_start)
        weight, rows, own = self.weight[leaves], self.rows[leaves], self.own[leaves]
        start = self.share_start
        state = {
            "nodes": nodes, "categories": self.categories, "rows": smallest(rows), "centre": self.centre,
            "criterion": self.criterion, "n_classes": self.n_classes, "n_features": self.n_features,
            "category_codes": self.category_codes,
            "impurity": None if self.impurity is None else in_table(self.impurity[order]),
            "sums": None if self.sums is None else in_table(self.sums[order].ravel()),
        }  # fmt: skip
        if start is not None and self.classes is not None:
            counts = np.diff(start)[leaves]
            first = np.repeat(start[:-1][leaves] - np.concatenate([[0], np.cumsum(counts)[:-1]]), counts)
            at = first + np.arange(len(first))
            return state | {
                "n_shares": smallest(counts), "classes": smallest(self.classes[at]),
                "amounts": in_table(self.amounts[at]), "weight": None, "own": None,
            }  # fmt: skip
        amounts = self.amounts.reshape(len(weight), -1)[leaves]
        several = None
        if self._own_of_one_row(weight, amounts) is not None:
            several = in_table(own[rows > 1])
        return state | {
            "n_shares": None, "classes": None, "amounts": in_table(amounts.ravel()), "weight": in_table(weight),
            "own": several if several is not None else in_table(own),
        }  # fmt: skip

    def _own_of_one_row(self, weight: NDArray[np.float64], amounts: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """`own` of leaves as if each had one row; None where it does not follow."""
        if self.criterion != "squared_error" or self.n_outputs > 1:
            return None
        return amounts[:, 0] ** 2 / np.where(weight > 0, weight, 1.0)

    @classmethod
    def from_json(cls, state: dict[str, Any]) -> AveragedForest:
        """The forest that `to_json` described, its nodes in the order of their depth; ValueError if it is damaged."""
        nodes, tree_start, leaf_start = unpack(state["nodes"])
        rows, amounts = np.asarray(state["rows"]).astype(np.int32), from_table(state["amounts"])
        known = {name: state[name] for name in ("categories", "criterion", "n_features")}
        for name in ("impurity", "sums"):
            known[name] = None if state[name] is None else from_table(state[name])
        if known["sums"] is not None:
            known["sums"] = known["sums"].reshape(len(nodes), -1)
        known |= {name: tuple(state[name]) for name in ("n_classes", "category_codes")}
        known |= {"nodes": nodes, "tree_start": tree_start, "leaf_start": leaf_start, "rows": rows, "amounts": amounts,
                  "centre": np.asarray(state["centre"], np.float64)}  # fmt: skip
        n_leaves = int(leaf_start[-1])
        if len(rows) != n_leaves:
            raise ValueError("the rows of a forest do not fit its leaves: it is damaged")
        if state["n_shares"] is not None:
            counts = np.asarray(state["n_shares"]).astype(np.int64)
            start = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
            if len(counts) != n_leaves or len(amounts) != start[-1]:
                raise ValueError("the classes of a forest do not fit its leaves: it is damaged")
            of_leaf = np.repeat(np.arange(n_leaves), counts)
            weight = np.bincount(of_leaf, amounts, n_leaves).astype(np.float64)
            forest = cls(
                weight=weight, own=np.zeros(n_leaves), share_start=start,
                classes=np.asarray(state["classes"]).astype(np.int32), **known,
            )  # fmt: skip
        else:
            weight, own = from_table(state["weight"]), from_table(state["own"])
            forest = cls(weight=weight, own=own, share_start=None, classes=None, **known)
            if len(weight) != n_leaves or len(amounts) != n_leaves * forest.width:
                raise ValueError("the sums of a forest do not fit its leaves: it is damaged")
            of_one = forest._own_of_one_row(weight, amounts.reshape(n_leaves, -1))
            if of_one is not None:
                of_one[rows > 1] = own
                forest.own = of_one
        forest.check()
        return forest

    def __getstate__(self) -> dict[str, Any]:
        return self.to_json()

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(AveragedForest.from_json(native(state)).__dict__)


def joined(forests: Sequence[AveragedForest]) -> AveragedForest:
    """One forest of the trees of several, in order, of the same columns and targets."""
    first = forests[0]
    if len(forests) == 1:
        return first
    parts = []
    n_sets = 0
    for forest in forests:
        nodes = forest.nodes
        if n_sets and len(forest.categories):
            nodes = nodes.copy()
            by_set = (nodes["left"] != 0) & ((nodes["feature"] & CATEGORICAL) != 0)
            nodes["value"][by_set] += n_sets
        n_sets += len(forest.categories)
        parts.append(nodes)

    def starts(name: str) -> NDArray[Any]:
        arrays = [getattr(forest, name) for forest in forests]
        ends = np.cumsum([0, *(a[-1] for a in arrays)])[:-1]
        return np.concatenate([[0], *(a[1:] + e for a, e in zip(arrays, ends, strict=True))]).astype(arrays[0].dtype)

    def arrays(name: str) -> Any:
        each = [getattr(forest, name) for forest in forests]
        return None if each[0] is None else np.concatenate(each)

    return AveragedForest(
        nodes=np.concatenate(parts), tree_start=starts("tree_start"), leaf_start=starts("leaf_start"),
        categories=arrays("categories"), weight=arrays("weight"), own=arrays("own"), rows=arrays("rows"),
        share_start=starts("share_start") if first.share_start is not None else None, classes=arrays("classes"),
        amounts=arrays("amounts"), impurity=arrays("impurity"), sums=arrays("sums"), centre=first.centre,
        criterion=first.criterion, n_classes=first.n_classes, n_features=first.n_features,
        category_codes=first.category_codes,
    )  # fmt: skip


def pruned(forest: AveragedForest, ccp_alpha: float, **known: Any) -> AveragedForest:
    """The forest with each tree cut by its cost; `known` as in `AveragedForest.of`."""
    if ccp_alpha <= 0:
        return forest
    return from_trees([prune_by_complexity(forest.tree(t), ccp_alpha) for t in range(forest.n_trees)], **known)


def from_trees(trees: Sequence[FittedTree], **known: Any) -> AveragedForest:
    """A forest of trees that stand by themselves, such as pruned ones; `known` as in `AveragedForest.of`."""
    grown = []
    for tree in trees:
        nodes, is_leaf = tree.nodes.copy(), ~tree.is_split
        number = np.cumsum(is_leaf) - 1
        nodes["value"][is_leaf] = number[is_leaf]
        value = tree.value[is_leaf].reshape(int(is_leaf.sum()), -1)
        weight = tree.weight[is_leaf]
        medians, given = known["criterion"] == "absolute_error", known["criterion"] == "own"
        numbers = max(tree.n_classes) == 1 and not medians
        mean = value - known["centre"] if numbers else value
        own = np.zeros(len(weight))
        if numbers and not given:
            own = own_of_impurity(known["criterion"], mean, weight, tree.impurity[is_leaf])
        sums = mean if medians else mean * weight[:, None]
        grown.append((
            nodes, tree.categories, weight, own, tree.n_node_samples[is_leaf].astype(np.int32), None, None,
            sums.ravel(), tree.impurity if medians or given else None,
            tree.value.reshape(len(nodes), -1) if medians else None,
        ))  # fmt: skip
    return AveragedForest.of(grown, **known)
