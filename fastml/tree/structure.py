"""Forest: what a fitted tree or ensemble is; flat arrays, apart from the training structures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fastml._engines.forest_predictor import CompiledForest
from fastml._engines.row_predictor import RowForest, RowPredictor

NODE = np.dtype([("value", "<f8"), ("left", "<i4"), ("feature", "<u4")])
FEATURE = np.uint32(0x3FFFFFFF)  # the bits of NODE["feature"] that number the column
CATEGORICAL = np.uint32(1 << 30)  # value is the number of a row of `categories`, not a threshold
MISSING_LEFT = np.uint32(1 << 31)

IMPORTANCES = ("weight", "gain", "cover", "total_gain", "total_cover")


@dataclass(frozen=True, eq=False)
class Tree:
    """One tree as views: node 0 is the root, the children of node i are ``left[i]`` and ``left[i] + 1``."""

    nodes: np.ndarray  # (n_nodes,) NODE
    categories: np.ndarray  # (n_categorical_splits, 8) uint32, the whole forest's
    gain: np.ndarray  # (n_nodes,) float32, 0 at leaves
    cover: np.ndarray  # (n_nodes,) float32

    @property
    def value(self) -> np.ndarray:
        return self.nodes["value"]

    @property
    def left(self) -> np.ndarray:
        return self.nodes["left"]

    @property
    def feature(self) -> np.ndarray:
        return (self.nodes["feature"] & FEATURE).astype(np.int64)

    @property
    def is_leaf(self) -> np.ndarray:
        return self.nodes["left"] == 0

    @property
    def is_categorical(self) -> np.ndarray:
        return (self.nodes["feature"] & CATEGORICAL) != 0

    @property
    def missing_left(self) -> np.ndarray:
        return (self.nodes["feature"] & MISSING_LEFT) != 0

    @property
    def n_leaves(self) -> int:
        return int(np.count_nonzero(self.is_leaf))

    def left_codes(self, node: int) -> np.ndarray:
        """Codes of the column that go left at a categorical node, ascending (code 1 + level; 0 is missing)."""
        bits = self.categories[int(self.value[node])].astype("<u4").view(np.uint8)
        return np.flatnonzero(np.unpackbits(bits, bitorder="little"))


@dataclass(frozen=True, eq=False, repr=False)
class Forest:
    """Trees end to end; tree t adds to output ``t % n_outputs``.

    nodes : (n_nodes,) NODE, 16 bytes each; children count from the start of their tree.
    tree_start : (n_trees + 1,) int64.
    categories : (n_categorical_splits, 8) uint32; bit c of row r set: code c goes left.
    gain, cover : (n_nodes,) float32; improvement of the objective and sum of hessians (or weights).
    The base score is the estimator's, not the forest's.
    """

    nodes: np.ndarray
    tree_start: np.ndarray
    categories: np.ndarray
    gain: np.ndarray
    cover: np.ndarray
    n_outputs: int
    n_features: int
    _cache: dict[Any, Any] = field(default_factory=dict)  # compiled forms: lazily made, never pickled

    @property
    def n_trees(self) -> int:
        return len(self.tree_start) - 1

    def tree(self, t: int) -> Tree:
        """Views of tree t."""
        if not 0 <= t < self.n_trees:
            raise IndexError(f"tree {t} is out of range: the forest has {self.n_trees} trees")
        own = slice(self.tree_start[t], self.tree_start[t + 1])
        return Tree(self.nodes[own], self.categories, self.gain[own], self.cover[own])

    def slice(self, start_tree: int, stop_tree: int) -> Forest:
        """Trees start_tree to stop_tree - 1 as a forest of views; both must be multiples of n_outputs. O(trees)."""
        whole = start_tree % self.n_outputs == 0 and stop_tree % self.n_outputs == 0
        if not (whole and 0 <= start_tree <= stop_tree <= self.n_trees):
            raise ValueError(
                f"start_tree={start_tree}, stop_tree={stop_tree} must be ordered multiples of "
                f"n_outputs={self.n_outputs} within the forest's {self.n_trees} trees"
            )
        start = self.tree_start[start_tree : stop_tree + 1]
        own = slice(start[0], start[-1])
        return Forest(self.nodes[own], start - start[0], self.categories, self.gain[own], self.cover[own],
                      self.n_outputs, self.n_features)  # fmt: skip

    def importance(self, kind: str = "gain") -> np.ndarray:
        """Importance of each column, (n_features,) float64, not normalised.

        weight: number of splits. total_gain, total_cover: sums over the splits. gain, cover: their means
        (0 for a column without a split).
        """
        if kind not in IMPORTANCES:
            raise ValueError(f"importance kind {kind!r} is unknown: choose one of {', '.join(IMPORTANCES)}")
        split = self.nodes["left"] != 0
        feature = (self.nodes["feature"][split] & FEATURE).astype(np.int64)
        weight = np.bincount(feature, minlength=self.n_features).astype(np.float64)
        if kind == "weight":
            return weight
        per_split = (self.gain if kind.endswith("gain") else self.cover)[split]
        total = np.bincount(feature, weights=per_split, minlength=self.n_features)
        return total if kind.startswith("total_") else total / np.maximum(weight, 1.0)

    @property
    def max_depth(self) -> int:
        """Splits on the longest path from a root to a leaf. One vector operation a level."""
        left = self.nodes["left"].astype(np.int64)
        node, start = self.tree_start[:-1], self.tree_start[:-1]
        depth = 0
        while True:
            inner = left[node] != 0
            node, start = node[inner], start[inner]
            if len(node) == 0:
                return depth
            depth += 1
            child = start + left[node]
            node, start = np.concatenate([child, child + 1]), np.concatenate([start, start])

    @property
    def n_leaves(self) -> int:
        return int(np.count_nonzero(self.nodes["left"] == 0))

    def used_features(self) -> np.ndarray:
        """Columns that some split reads, ascending int64."""
        return np.unique(self.nodes["feature"][self.nodes["left"] != 0] & FEATURE).astype(np.int64)

    def check(self) -> Forest:
        """Raise ValueError unless the arrays describe trees; for arrays that come from a file. O(nodes)."""
        if len(self.gain) != len(self.nodes) or len(self.cover) != len(self.nodes):
            raise ValueError("gain and cover need a number for each node: the arrays are damaged")
        if self.categories.shape[1:] != (8,) or self.n_outputs < 1 or self.n_trees % self.n_outputs:
            raise ValueError("categories need 8 words a row, n_outputs must divide the trees: the arrays are damaged")
        self.on_rows()
        return self

    def on_codes(self, edges: Sequence[np.ndarray]) -> CompiledForest:
        """What predicts batches of codes; `edges` are those of the mapper that the trees were grown on. Cached."""
        kept = self._cache.get("codes")
        if kept is None or kept[0] is not edges:
            start = np.cumsum([0, *map(len, edges)], dtype=np.int64)
            flat = np.concatenate([np.empty(0), *edges])
            kept = edges, CompiledForest(self.nodes, self.tree_start, self.categories, self.n_outputs, flat, start)
            self._cache["codes"] = kept
        return kept[1]

    def on_rows(self, category_codes: Sequence[np.ndarray | None] | None = None) -> RowForest:
        """What predicts rows of floats: few, or such as have no codes. See RowForest for category_codes. Cached."""
        kept = self._cache.get("rows")
        if kept is None or kept[0] is not category_codes:
            kept = category_codes, RowForest(self.nodes, self.tree_start, self.categories, self.n_outputs,
                                             self.n_features, category_codes)  # fmt: skip
            self._cache["rows"] = kept
        return kept[1]

    def predictor(
        self,
        base: float | np.ndarray = 0.0,
        link: str = "identity",
        category_codes: Sequence[np.ndarray | None] | None = None,
    ) -> RowPredictor:
        """Frozen callable for one row; see RowPredictor."""
        return RowPredictor(self.nodes, self.tree_start, self.categories, self.n_outputs, self.n_features,
                            category_codes, base, link)  # fmt: skip

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_cache": {}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    def __repr__(self) -> str:
        return (f"Forest(n_trees={self.n_trees}, n_leaves={self.n_leaves}, max_depth={self.max_depth}, "
                f"n_outputs={self.n_outputs}, n_features={self.n_features})")  # fmt: skip


class ForestBuilder:
    """Collects grown trees in a list and freezes them into a Forest: O(nodes) in all, not a copy a tree."""

    def __init__(self, n_features: int, n_outputs: int = 1):
        self.n_features, self.n_outputs = n_features, n_outputs
        self._nodes: list[np.ndarray] = []
        self._categories: list[np.ndarray] = []
        self._gain: list[np.ndarray] = []
        self._cover: list[np.ndarray] = []
        self._sizes: list[int] = []
        self._n_categories = 0

    @property
    def n_trees(self) -> int:
        return len(self._sizes)

    def append(
        self, nodes: np.ndarray, categories: np.ndarray | None, gain: np.ndarray, cover: np.ndarray
    ) -> None:
        """Add one tree; its categorical splits number the rows of its own `categories`. The arrays are kept."""
        self._add(nodes, categories, gain, cover)
        self._sizes.append(len(nodes))

    def extend(self, forest: Forest) -> None:
        """Add all trees of a forest (a warm start)."""
        if (forest.n_features, forest.n_outputs) != (self.n_features, self.n_outputs):
            raise ValueError(
                f"a forest of n_features={forest.n_features}, n_outputs={forest.n_outputs} cannot be continued with "
                f"n_features={self.n_features}, n_outputs={self.n_outputs}: fit on the same columns and classes"
            )
        self._add(forest.nodes, forest.categories, forest.gain, forest.cover)
        self._sizes.extend(np.diff(forest.tree_start).tolist())

    def _add(self, nodes: np.ndarray, categories: np.ndarray | None, gain: np.ndarray, cover: np.ndarray) -> None:
        if categories is not None and len(categories):
            if self._n_categories:
                nodes = nodes.copy()
                shifted = (nodes["left"] != 0) & ((nodes["feature"] & CATEGORICAL) != 0)
                nodes["value"][shifted] += self._n_categories
            self._categories.append(categories)
            self._n_categories += len(categories)
        self._nodes.append(nodes)
        self._gain.append(gain)
        self._cover.append(cover)

    def freeze(self) -> Forest:
        """The trees so far as one Forest; more may be appended afterwards."""
        tree_start = np.zeros(len(self._sizes) + 1, np.int64)
        np.cumsum(self._sizes, out=tree_start[1:])
        return Forest(
            nodes=np.concatenate([np.empty(0, NODE), *self._nodes]),
            tree_start=tree_start,
            categories=np.concatenate([np.empty((0, 8), np.uint32), *self._categories]),
            gain=np.concatenate([np.empty(0, np.float32), *self._gain]),
            cover=np.concatenate([np.empty(0, np.float32), *self._cover]),
            n_outputs=self.n_outputs,
            n_features=self.n_features,
        )


def concatenate(forests: Iterable[Forest]) -> Forest:
    """One forest of the trees of several, in order; they must agree in n_features and n_outputs."""
    forests = list(forests)
    if not forests:
        raise ValueError("concatenate needs at least one forest")
    builder = ForestBuilder(forests[0].n_features, forests[0].n_outputs)
    for forest in forests:
        builder.extend(forest)
    return builder.freeze()
