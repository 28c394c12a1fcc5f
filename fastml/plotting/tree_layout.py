"""Where the nodes of a tree lie: tidily over each other, or as shares of their parent. O(nodes)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fastml.plotting.tree_outline import Outline


def tidy(tree: Outline) -> NDArray[np.float64]:
    """Places across the levels, (n_nodes,) from 0: nodes of a level at least 1 apart, parents midway between their
    first and last child, subtrees as near as that allows.

    The outline of a subtree on either side is a list with its deepest level first, so that putting two subtrees beside
    each other touches as many entries as the lower one has levels. Source: Reingold and Tilford 1981.
    """
    n = len(tree)
    offset = np.zeros(n)  # from the parent
    contour: list[_Contour | None] = [None] * n
    first, count = tree.first_child.tolist(), tree.n_children.tolist()
    for i in range(n - 1, -1, -1):  # children have higher numbers
        if count[i] == 0:
            contour[i] = _Contour()
            continue
        children = range(first[i], first[i] + count[i])
        merged, shifts = contour[children[0]], [0.0]
        for c in children[1:]:
            shifts.append(merged.put_beside(contour[c]))  # type: ignore[union-attr, arg-type]
            contour[c] = None
        middle = shifts[-1] / 2
        offset[children.start : children.stop] = np.array(shifts) - middle
        merged.put_below(middle)  # type: ignore[union-attr]
        contour[i], contour[children[0]] = merged, None
    x = offset
    for level in tree.by_level()[1:]:
        x[level] += x[tree.parent[level]]
    return x - x.min()


class _Contour:
    """Left and right side of a subtree, one entry a level, the deepest first; a place is entry + base.

    The base is where the subtree's own root is 0.
    """

    __slots__ = ("left", "left_base", "right", "right_base")

    def __init__(self) -> None:
        self.left, self.right, self.left_base, self.right_base = [0.0], [0.0], 0.0, 0.0

    def put_beside(self, other: _Contour) -> float:
        """Take up a subtree to the right, and return how far right of the own root its root is."""
        common = min(len(self.left), len(other.left))
        ours, theirs = self.right[-common:], other.left[-common:]
        gap = max(a - b for a, b in zip(ours, theirs, strict=True)) + self.right_base - other.left_base
        shift = gap + 1.0
        if len(self.left) >= len(other.left):  # it hides the lower part of nothing
            move = shift + other.right_base - self.right_base
            self.right[-common:] = [b + move for b in other.right]
        else:
            move = self.left_base - shift - other.left_base
            other.left[-common:] = [a + move for a in self.left]
            self.left, self.left_base = other.left, other.left_base + shift
            self.right, self.right_base = other.right, other.right_base + shift
        return shift

    def put_below(self, middle: float) -> None:
        """Put a new root at `middle` over what there is; places count from it."""
        self.left_base -= middle
        self.right_base -= middle
        self.left.append(-self.left_base)
        self.right.append(-self.right_base)


def shares(tree: Outline) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where each node begins and ends across the levels, (n_nodes,) each in [0, 1]: the root has all of it, children
    have their parent's place in the order of the branches, by their rows."""
    size = np.maximum(tree.size, 0.0)
    inner = np.flatnonzero(~tree.is_leaf)
    total = np.bincount(tree.parent[1:], size[1:], minlength=len(tree))
    empty = np.isin(tree.parent, inner[total[inner] <= 0])
    size[empty], total[inner] = 1.0, np.where(total[inner] > 0, total[inner], tree.n_children[inner])
    before = np.cumsum(size) - size
    low = np.zeros(len(tree))
    high = np.ones(len(tree))
    for level in tree.by_level()[1:]:
        above = tree.parent[level]
        scale = (high[above] - low[above]) / total[above]
        start = before[tree.first_child[above]]
        low[level] = low[above] + (before[level] - start) * scale
        high[level] = low[above] + (before[level] + size[level] - start) * scale
    return low, high
