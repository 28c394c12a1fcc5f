"""What a picture needs of a tree, whatever grew it: who is below whom, how many rows, what is said, and why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml.base import check_is_fitted, is_classifier
from fastml.ensemble.fitted import FittedForest
from fastml.plotting.tree_conditions import Conditions
from fastml.tree.fitted import FittedTree
from fastml.tree.multiway_rules import Words
from fastml.tree.multiway_structure import MultiwayTree
from fastml.tree.structure import FEATURE, MISSING_LEFT


@dataclass(frozen=True, eq=False)
class Outline:
    """Arrays over the nodes, parents before children: those of i are first_child[i] .. + n_children[i] - 1.

    parent : -1 for the root, which is node 0.  depth : splits above.
    number : as users number the nodes.  hidden : nodes below that are left out.
    size : weight of the rows (booster: cover).  rows : their number, None where the model has not kept it.
    value : (n_nodes, n_classes) shares, or (n_nodes, 1) numbers.  classes : their names; None for numbers.
    signed : a value of 0 changes nothing, as in a tree of a booster.
    name, says : what the tree is called, and what its values are.
    condition : words for which rows come to a node of this `number`, "" at the root of the tree.
    """

    parent: NDArray[np.int64]
    first_child: NDArray[np.int64]
    n_children: NDArray[np.int64]
    depth: NDArray[np.int64]
    number: NDArray[np.int64]
    hidden: NDArray[np.int64]
    size: NDArray[np.float64]
    rows: NDArray[np.int64] | None
    impurity: NDArray[np.float64] | None
    value: NDArray[np.float64]
    classes: list[str] | None
    signed: bool
    name: str
    says: str
    condition: Callable[[int], str]

    def __len__(self) -> int:
        return len(self.parent)

    @property
    def is_leaf(self) -> NDArray[np.bool_]:
        """Nodes with nothing below them in the picture."""
        return self.n_children == 0

    def by_level(self) -> list[NDArray[np.int64]]:
        """The nodes of each depth, ascending."""
        order = np.argsort(self.depth, kind="stable")
        return np.split(order, np.cumsum(np.bincount(self.depth))[:-1])

    def below(self, root: int, max_depth: int | None) -> Outline:
        """The part under the node that users call `root`, and that at most `max_depth` splits deep."""
        place = np.flatnonzero(self.number == root)
        if not len(place):
            raise ValueError(f"root={root!r} must be the number of a node, 0 to {len(self) - 1}")
        inside = np.zeros(len(self), bool)
        inside[place] = True
        levels = self.by_level()
        for level in levels[self.depth[place[0]] + 1 :]:
            inside[level] = inside[self.parent[level]]
        size_below = inside.astype(np.int64)
        for level in levels[:0:-1]:
            np.add.at(size_below, self.parent[level], size_below[level])
        depth = self.depth - self.depth[place[0]]
        kept = inside & (depth <= (len(self) if max_depth is None else max_depth))
        cut = kept & (depth == max_depth)
        new = np.cumsum(kept) - 1
        n_children = np.where(cut, 0, self.n_children)
        parent = np.where(kept & (depth > 0), new[self.parent], -1)
        return replace(
            self, parent=parent[kept], first_child=np.where(n_children > 0, new[self.first_child], 0)[kept],
            n_children=n_children[kept], depth=depth[kept], number=self.number[kept],
            hidden=np.where(cut, size_below - 1, 0)[kept], size=self.size[kept], value=self.value[kept],
            rows=None if self.rows is None else self.rows[kept],
            impurity=None if self.impurity is None else self.impurity[kept],
        )  # fmt: skip


def outline_of(
    estimator: Any, tree_index: int | None, output: int, feature_names: Sequence[str] | None,
    class_names: Sequence[str] | None, missing: bool | str, precision: int,
) -> Outline:  # fmt: skip
    """The tree of an estimator, or tree number `tree_index` of an ensemble."""
    fitted = _fitted_of(estimator)
    if not isinstance(fitted, FittedTree | FittedForest | MultiwayTree):
        members = getattr(estimator, "estimators_", None)
        if members is None or len(members) == 0 or not hasattr(members[0], "fit"):
            raise TypeError(
                f"{type(estimator).__name__} is not a tree of this library, nor made of such trees: pass a fitted "
                "DecisionTree*, ExtraTree*, ID3, C4.5 or CHAID, a booster, or an ensemble of these"
            )
        t = _index(tree_index, len(members))
        outline = outline_of(members[t], None, output, feature_names, class_names, missing, precision)
        return replace(outline, name=f"{type(estimator).__name__}, tree {t} of {len(members)}")
    if tree_index is not None and not isinstance(fitted, FittedForest):
        raise ValueError(f"tree_index={tree_index!r} is for ensembles: a {type(estimator).__name__} is one tree")
    schema = estimator._schema
    names = _names("feature_names", feature_names, schema.names, schema.n_features, "x")
    if isinstance(fitted, FittedForest):
        return _of_booster(estimator, tree_index, class_names, names, missing, precision)
    n_outputs = len(fitted.n_classes) if isinstance(fitted, FittedTree) else 1
    if not 0 <= output < n_outputs:
        raise ValueError(f"output={output!r} must be one of the model's outputs, 0 to {n_outputs - 1}")
    classes = None
    if is_classifier(estimator):
        known = estimator.classes_ if n_outputs == 1 else estimator.classes_[output]
        classes = _names("class_names", class_names, known, len(known), "")
    elif class_names is not None:
        raise ValueError("class_names are for classifiers: this model predicts numbers")
    if isinstance(fitted, MultiwayTree):
        outline = _of_multiway(fitted, estimator._words(precision), names)
    else:
        outline = _of_binary(fitted, output, schema, names, missing, precision)
    says = "prediction" if classes is None else f"share of {classes[-1]}"
    return replace(outline, classes=classes, name=type(estimator).__name__, says=says)


def _fitted_of(estimator: Any) -> Any:
    if isinstance(estimator, type) or not hasattr(estimator, "fit"):
        raise TypeError(f"estimator={estimator!r} must be a fitted model, such as DecisionTreeClassifier().fit(X, y)")
    check_is_fitted(estimator)
    return getattr(estimator, "_fitted", None)


def _index(tree_index: int | None, n_trees: int) -> int:
    t = 0 if tree_index is None else tree_index
    if not -n_trees <= t < n_trees:
        raise ValueError(f"tree_index={tree_index!r} must be below {n_trees}, the number of the model's trees")
    return t % n_trees


def _names(parameter: str, given: Any, known: Any, n: int, letter: str) -> list[str]:
    if given is not None and len(given) != n:
        raise ValueError(f"{parameter} has {len(given)} entries for {n}: give one each")
    chosen = given if given is not None else known
    return [f"{letter}{j}" for j in range(n)] if chosen is None else [str(name) for name in chosen]


def _parents(first: NDArray[np.int64], n_children: NDArray[np.int64]) -> NDArray[np.int64]:
    split = np.flatnonzero(n_children)
    parent, n = np.full(len(first), -1), n_children[split]
    parent[np.repeat(first[split] - (np.cumsum(n) - n), n) + np.arange(n.sum())] = np.repeat(split, n)
    return parent


def _of_binary(
    tree: FittedTree, output: int, schema: Any, names: list[str], missing: bool | str, precision: int
) -> Outline:
    first, n_children, order = tree.first_child, tree.n_children, tree.order
    parent = _parents(first, n_children)
    marked = _marked(missing, tree.nodes, first, tree.n_node_samples)
    words = Conditions(tree.nodes, tree.categories, tree.category_codes, schema, names, marked, precision)
    return Outline(
        parent=parent, first_child=first, n_children=n_children, depth=tree.depths, number=tree.place,
        hidden=np.zeros(len(parent), np.int64), size=tree.weight, rows=tree.n_node_samples, impurity=tree.impurity,
        value=tree.value[:, output, : tree.n_classes[output]], classes=None, signed=False, name="", says="",
        condition=lambda number: words.of(int(order[number]), int(parent[order[number]])),
    )  # fmt: skip


def _of_booster(
    estimator: Any, tree_index: int | None, class_names: Sequence[str] | None, names: list[str], missing: bool | str,
    precision: int,
) -> Outline:  # fmt: skip
    """A leaf's value is what it adds to the raw score; that of a split the mean of its leaves', by their cover."""
    forest, mapper = estimator._fitted.forest, estimator._fitted.mapper
    t = _index(tree_index, forest.n_trees)
    tree, of = forest.tree(t), ""
    if is_classifier(estimator):
        classes = _names("class_names", class_names, estimator.classes_, len(estimator.classes_), "")
        of = f" of {classes[1 if forest.n_outputs == 1 else t % forest.n_outputs]}"
    first, size = tree.left.astype(np.int64), tree.cover.astype(np.float64)
    n_children = 2 * (first > 0).astype(np.int64)
    parent, depth = _parents(first, n_children), np.zeros(len(first), np.int64)
    for i in range(1, len(parent)):
        depth[i] = depth[parent[i]] + 1
    value = np.where(first == 0, tree.value, 0.0)
    for i in np.flatnonzero(first)[::-1].tolist():
        own = slice(first[i], first[i] + 2)
        value[i] = np.average(value[own], weights=size[own] if size[own].sum() > 0 else None)
    start = np.repeat(forest.tree_start[:-1], np.diff(forest.tree_start))
    marked = _marked(missing, forest.nodes, forest.nodes["left"] + start * (forest.nodes["left"] > 0), forest.cover)
    marked = marked[forest.tree_start[t] : forest.tree_start[t + 1]]
    words = Conditions(tree.nodes, tree.categories, mapper.category_codes, estimator._schema, names, marked, precision)
    return Outline(
        parent=parent, first_child=first, n_children=n_children, depth=depth, number=np.arange(len(parent)),
        hidden=np.zeros(len(parent), np.int64), size=size, rows=None, impurity=None, value=value[:, None],
        classes=None, signed=True, name=f"{type(estimator).__name__}, tree {t} of {forest.n_trees}",
        says=f"adds to the raw score{of}", condition=lambda number: words.of(number, int(parent[number])),
    )  # fmt: skip


def _of_multiway(tree: MultiwayTree, words: Words, names: list[str]) -> Outline:
    words.labels = names

    def condition(node: int) -> str:
        split = int(tree.parent[node])
        return words.condition(split, node - int(tree.first_child[split])) if split >= 0 else ""

    n = len(tree.parent)
    return Outline(
        parent=tree.parent.astype(np.int64), first_child=tree.first_child.astype(np.int64),
        n_children=tree.n_children.astype(np.int64), depth=tree.depths, number=np.arange(n),
        hidden=np.zeros(n, np.int64), size=tree.weight, rows=tree.n_node_samples, impurity=tree.impurity,
        value=tree.value, classes=None, signed=False, name="", says="", condition=condition,
    )  # fmt: skip


def _marked(
    missing: bool | str, nodes: NDArray[Any], first: NDArray[np.int64], size: NDArray[Any]
) -> NDArray[np.bool_]:
    """(n_nodes,) splits whose branches say where missing values go.

    Where a split's training rows had none, they go with the larger part, so that a split that sends them elsewhere has
    met some. "auto": all splits by the columns of such splits.
    """
    split = first > 0
    if missing is True:
        return split
    if missing is False:
        return np.zeros(len(nodes), bool)
    if missing != "auto":
        raise ValueError(f"missing={missing!r} must be True, False or 'auto'")
    feature, goes_left = nodes["feature"] & FEATURE, (nodes["feature"] & MISSING_LEFT) != 0
    at = first[split]
    left, right = size[at].astype(np.float64), size[at + 1].astype(np.float64)
    told = np.zeros(len(nodes), bool)
    rounding = 1e-6 * (left + right) * (size.dtype.kind == "f")  # of covers
    told[split] = np.where(goes_left[split], left <= right - rounding, left > right + rounding)
    return split & np.isin(feature, feature[told])
