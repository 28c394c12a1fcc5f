"""MultiwayTree: what a fit of a multiway tree leaves behind; flat arrays, apart from what growing needs."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml._engines.multiway_grower import MultiwayWalker, log_groupings
from fastml.data.frames import Table
from fastml.tree.multiway_columns import Coding

STOP, SPREAD = -1, -2


def log_comb(n: int, k: int) -> float:
    """log of n over k."""
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


@dataclass(frozen=True, eq=False)
class MultiwayTree:
    """Nodes in arrays of (n_nodes,): a node's children are first_child[i] .. first_child[i] + n_children[i] - 1.

    parent : -1 for the root, which is node 0; parents come before their children.
    feature : column of the split, -1 at a leaf.
    table, n_entries : where in `levels` and `branches` the split's entries start, and their number; -1 for a threshold,
        x <= threshold in the first child.
    levels : codes that the split knows, ascending; n_levels is missing. Rows with others stay at the node.
    branches : where they go: a child's number (from 0), or -2, down every branch by its share.
    weight, n_node_samples : of the training rows; a row that went down several branches counts in each.
    impurity : entropy in bits, or variance.
    score : of the split: gain (ID3), gain ratio (C4.5), logarithm of the adjusted p-value (CHAID).
    value : (n_nodes, n_classes) shares, or (n_nodes, 1) means.
    coding : how columns become codes.
    """

    parent: NDArray[np.int32]
    feature: NDArray[np.int32]
    first_child: NDArray[np.int32]
    n_children: NDArray[np.int32]
    table: NDArray[np.int64]
    n_entries: NDArray[np.int32]
    threshold: NDArray[np.float64]
    weight: NDArray[np.float64]
    impurity: NDArray[np.float64]
    score: NDArray[np.float64]
    n_node_samples: NDArray[np.int64]
    value: NDArray[np.float64]
    levels: NDArray[np.int32]
    branches: NDArray[np.int32]
    coding: Coding

    def check(self) -> None:
        """ValueError where the arrays, read from a file, would lead out of themselves."""
        n, split, by_table = len(self.feature), self.feature >= 0, (self.feature >= 0) & (self.table >= 0)
        lengths = {len(getattr(self, f.name)) for f in fields(self) if f.name not in ("levels", "branches", "coding")}
        if n == 0 or lengths != {n} or self.feature.max() >= len(self.coding.kinds) or self.value.ndim != 2:
            raise ValueError("the arrays of a multiway tree differ in length")
        number = np.array([kind == "number" for kind in self.coding.kinds])[self.feature[split]]
        first, above = self.first_child.astype(np.int64), self.parent[1:]
        own = np.arange(1, n)
        if (
            ((above < 0) | (above >= own)).any()  # each node but the root stands once among the children of one above
            or not split[above].all()
            or ((own < first[above]) | (own >= first[above] + self.n_children[above])).any()
            or self.n_children[split].astype(np.int64).sum() != n - 1
            or (self.n_children[split] < 1).any()
            or (number != ~by_table[split]).any()
            or (self.n_children[split & ~by_table] != 2).any()
        ):
            raise ValueError("the nodes of a multiway tree do not fit together")
        stop = self.table[by_table] + self.n_entries[by_table]
        if len(self.levels) != len(self.branches) or (stop > len(self.branches)).any() or (self.n_entries < 0).any():
            raise ValueError("the branches of a multiway tree do not fit together")
        for t in np.flatnonzero(by_table).tolist():
            to = self.branches[self.table[t] : self.table[t] + self.n_entries[t]]
            if ((to >= self.n_children[t]) | (to < SPREAD)).any():
                raise ValueError("a branch of a multiway tree leads nowhere")

    def branches_of(self, node: int) -> NDArray[np.int32]:
        """(n_levels + 1,) branch of each level, and last of missing, at a split by levels; -1 where rows stay."""
        entries = slice(int(self.table[node]), int(self.table[node] + self.n_entries[node]))
        dense = np.full(int(self.coding.n_levels[self.feature[node]]) + 1, STOP, np.int32)
        dense[self.levels[entries]] = self.branches[entries]
        return dense

    def children(self, node: int) -> range:
        first = int(self.first_child[node])
        return range(first, first + int(self.n_children[node]))

    @property
    def is_split(self) -> NDArray[np.bool_]:
        return self.feature >= 0

    @property
    def outputs(self) -> NDArray[np.float64]:
        """(n_nodes, 1, n_classes) what each node says; the form in which pruning takes trees."""
        return self.value[:, None]

    @property
    def n_features(self) -> int:
        return len(self.coding.kinds)

    @property
    def order(self) -> NDArray[np.int64]:
        """The nodes as users number them."""
        return np.arange(len(self.feature))

    @cached_property
    def depths(self) -> NDArray[np.int64]:
        """(n_nodes,) splits above each node."""
        depth = np.zeros(len(self.parent), np.int64)
        above = self.parent.copy()
        while (above >= 0).any():
            depth += above >= 0
            above = np.where(above >= 0, self.parent[above], -1)
        return depth

    @cached_property
    def _walker(self) -> tuple[MultiwayWalker, NDArray[np.int32]]:
        """The compiled walker, and the columns that it asks."""
        splits = np.flatnonzero(self.is_split)
        within = np.ones(len(self.parent))
        np.add.at(total := np.zeros(len(self.parent)), self.parent[1:], self.weight[1:])
        within[1:] = self.weight[1:] / total[self.parent[1:]]
        heaviest = np.zeros(len(self.parent), np.int32)
        for t in splits.tolist():
            own = self.children(t)
            heaviest[t] = int(np.argmax(self.weight[own.start : own.stop]))
        walker = MultiwayWalker(
            self.feature, self.first_child, self.n_children, self.table, self.n_entries, self.threshold, within,
            heaviest, self.value, self.levels, self.branches,
        )  # fmt: skip
        return walker, np.unique(self.feature[splits])

    def leaves(self, table: Table) -> NDArray[np.int32]:
        """(n_samples,) node where each row ends; the heaviest branch's where it goes down several."""
        walker, asked = self._walker
        return walker.leaves(*self.coding.rows(table, asked))

    def values(self, table: Table) -> NDArray[np.float64]:
        """(n_samples, n_classes or 1) what the nodes say where each row ends, averaged by its shares."""
        walker, asked = self._walker
        return walker.shares(*self.coding.rows(table, asked))

    def importances(self) -> NDArray[np.float64]:
        """(n_features,) share of each column in the decrease of the impurity, weighted by the rows."""
        mass = self.weight * self.impurity
        drop = np.where(self.is_split, mass, 0.0)
        np.subtract.at(drop, self.parent[1:], mass[1:])
        split = self.is_split
        total = np.zeros(len(self.coding.kinds))
        np.add.at(total, self.feature[split], np.maximum(drop[split], 0.0))
        return total / max(float(total.sum()), 1e-300)

    def split_bits(self) -> NDArray[np.float64]:
        """(n_nodes,) bits that tell a split from the others of its column: log2 (rows - 1)  for a threshold, log2 of
        the ways to group the levels (of ordered ones: neighbours) for branches."""
        bits = np.log2(np.maximum(self.weight - 1, 1))
        for t in np.flatnonzero(self.is_split & (self.table >= 0)).tolist():
            c, r = int(self.n_entries[t]), int(self.n_children[t])
            to = self.branches[self.table[t] : self.table[t] + c]
            c -= int((to == SPREAD).sum())
            ordered = self.coding.kinds[self.feature[t]] == "ordinal"
            bits[t] = (log_comb(c - 1, r - 1) if ordered else log_groupings(c, r)) / np.log(2)
        return bits

    def subtree(self, is_split: NDArray[np.bool_]) -> MultiwayTree:
        """The tree whose splits are only those marked, (n_nodes,), of which every one has its parent marked."""
        split = is_split & self.is_split
        reached = np.append(True, split[self.parent[1:]])
        place = np.cumsum(reached) - 1
        kept = np.flatnonzero(reached)
        stays = split[kept]
        sizes = np.where(stays, self.n_entries[kept], 0)
        entries = np.repeat(self.table[kept] - (np.cumsum(sizes) - sizes), sizes) + np.arange(sizes.sum())
        parent = self.parent[kept]
        return MultiwayTree(
            parent=np.where(parent >= 0, place[parent], -1).astype(np.int32),
            feature=np.where(stays, self.feature[kept], -1).astype(np.int32),
            first_child=np.where(stays, place[self.first_child[kept]], 0).astype(np.int32),
            n_children=np.where(stays, self.n_children[kept], 0).astype(np.int32),
            table=np.where(sizes > 0, np.cumsum(sizes) - sizes, -1),
            n_entries=sizes.astype(np.int32),
            threshold=np.where(stays, self.threshold[kept], 0.0),
            weight=self.weight[kept],
            impurity=self.impurity[kept],
            score=np.where(stays, self.score[kept], 0.0),
            n_node_samples=self.n_node_samples[kept],
            value=np.ascontiguousarray(self.value[kept]),
            levels=self.levels[entries],
            branches=self.branches[entries],
            coding=self.coding,
        )

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():  # a pickle may come from a machine of the other byte order
            native = value.astype(value.dtype.newbyteorder("=")) if isinstance(value, np.ndarray) else value
            self.__dict__[name] = native

    def __getstate__(self) -> dict[str, Any]:
        return {f.name: self.__dict__[f.name] for f in fields(self)}
