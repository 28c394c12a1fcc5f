"""Cost-complexity pruning of one tree on its arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml.tree.structure import CATEGORICAL

Tree = tuple[NDArray[Any], NDArray[np.float32], NDArray[np.float32], NDArray[np.uint32] | None]


def prune(tree: Tree, alpha: float, leaf_of: NDArray[np.int32]) -> Tree:
    """The subtree T with the smallest  R(T) + alpha * (leaves of T),  the smallest one among equals.

    R falls by gain[t] with split t, so a subtree is worth its gains less alpha for each split, and a split stays
    where that is positive. One pass from the leaves up, as children have higher numbers than their parent.

    tree : (nodes, gain, cover, categories) as the grower gives it.
    alpha : in units of the gain, >= 0.
    leaf_of : (n,) node of each row, moved in place to the node of the pruned tree.

    O(nodes + n). Source: Breiman, Friedman, Olshen, Stone 1984, chapter 3.
    """
    nodes, gain, cover, categories = tree
    left = nodes["left"].astype(np.int64)
    worth = np.zeros(len(nodes))
    for t in np.flatnonzero(left)[::-1]:
        worth[t] = max(0.0, float(gain[t]) - alpha + worth[left[t]] + worth[left[t] + 1])
    is_split = worth > 0.0
    if is_split.sum() == np.count_nonzero(left):
        return tree
    kept, place = _kept(left, is_split)
    leaf_of[:] = place[leaf_of]
    pruned, pruned_gain = nodes[kept].copy(), gain[kept]
    stays = is_split[kept]
    pruned["left"] = np.where(stays, place[left[kept]], 0)
    pruned["feature"][~stays] = 0
    pruned_gain[~stays] = 0.0
    by_category = stays & ((pruned["feature"] & CATEGORICAL) != 0)
    if categories is not None:
        categories = categories[pruned["value"][by_category].astype(np.int64)]
        pruned["value"][by_category] = np.arange(len(categories))
    return pruned, pruned_gain, cover[kept], categories


def _kept(left: NDArray[np.int64], is_split: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Nodes that stay, in order, and for each node the place of its nearest ancestor that stays."""
    above = np.arange(len(left))  # the node itself, or the leaf into which it is pruned
    for t in np.flatnonzero(left):
        if not is_split[t] or above[t] != t:
            above[left[t] : left[t] + 2] = above[t]
    kept = np.flatnonzero(above == np.arange(len(left)))
    place = np.zeros(len(left), np.int32)
    place[kept] = np.arange(len(kept))
    return kept, place[above]
