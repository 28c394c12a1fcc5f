"""The tree that bisecting k-means leaves: two centres for each split, and rows sent down it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class BisectingTree:
    """Nodes in the order in which they came up; node 0 is the root.

    left : (n_nodes,) int32
        The left child, the right one is the next; -1 at a leaf.
    centres : (n_nodes, d) float32 or float64
    labels : (n_nodes,) int32
        Number of a leaf's cluster, from left to right; -1 elsewhere.
    """

    left: NDArray[np.int32]
    centres: NDArray[Any]
    labels: NDArray[np.int32]

    @classmethod
    def of(cls, left: list[int], centres: list[NDArray[Any]]) -> BisectingTree:
        """Number the leaves from left to right."""
        labels = np.full(len(left), -1, np.int32)
        n_leaves, open_nodes = 0, [0]
        while open_nodes:
            node = open_nodes.pop()
            if left[node] < 0:
                labels[node] = n_leaves
                n_leaves += 1
            else:
                open_nodes += [left[node] + 1, left[node]]
        return cls(np.array(left, np.int32), np.array(centres), labels)

    def leaf_centres(self) -> NDArray[Any]:
        """(n_leaves, d) in the order of their labels."""
        leaves = np.flatnonzero(self.labels >= 0)
        return self.centres[leaves[np.argsort(self.labels[leaves])]]

    def predict(self, X: Any, nearest: Callable[[Any, NDArray[Any]], NDArray[np.int32]]) -> NDArray[np.int32]:
        """The cluster of each row; `nearest` gives the nearest of some centres for each of some rows."""
        out = np.empty(X.shape[0], np.int32)
        open_nodes = [(0, np.arange(X.shape[0]))]
        while open_nodes:
            node, rows = open_nodes.pop()
            if not len(rows):
                continue
            left = self.left[node]
            if left < 0:
                out[rows] = self.labels[node]
                continue
            goes_left = nearest(X[rows], self.centres[left : left + 2]) == 0
            open_nodes += [(int(left), rows[goes_left]), (int(left) + 1, rows[~goes_left])]
        return out

    def check(self) -> None:
        """ValueError where a file's tree is none."""
        n_nodes = len(self.left)
        inner = np.flatnonzero(self.left >= 0)
        if self.centres.ndim != 2 or len(self.centres) != n_nodes or len(self.labels) != n_nodes or not n_nodes:
            raise ValueError("the tree of a BisectingKMeans is damaged: its arrays differ in length")
        if (self.left[inner] <= inner).any() or (self.left[inner] >= n_nodes - 1).any():
            raise ValueError("the tree of a BisectingKMeans is damaged: a child lies outside or before its parent")
