"""The colour of each node by what it predicts, and the key to them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml.plotting.colours import by_class, draw_classes, draw_scale, hues, scale
from fastml.plotting.tree_outline import Outline

EXTEND = {(False, False): "neither", (True, False): "min", (False, True): "max", (True, True): "both"}


class Palette:
    """Faces of the nodes.

    Two classes: from one colour over white to the other, by the share of the second. More: a colour each, the paler the
    smaller the share of the node's class. Numbers: a scale that leaves out 1% of the rows on either side; where numbers
    are changes (boosters) white is 0.
    """

    def __init__(self, tree: Outline, cmap: Any) -> None:
        self.tree = tree
        self.scale: Any = None
        self.hues: NDArray[np.float64] | None = None
        self.extend = "neither"
        n_classes = tree.value.shape[1]
        if tree.classes is not None and n_classes == 2:
            self.scale = scale(0.0, 1.0, cmap, two_sided=True)
            self.faces = self.scale.to_rgba(tree.value[:, 1])[:, :3]
        elif tree.classes is not None and n_classes > 1:
            self.hues = hues(n_classes, cmap)
            self.faces = by_class(tree.value, self.hues)
        else:
            low, high = _range(tree)
            said = tree.value[tree.is_leaf, 0]
            self.extend = EXTEND[bool(said.min() < low), bool(said.max() > high)]
            self.scale = scale(low, high, cmap, two_sided=tree.signed)
            self.faces = self.scale.to_rgba(tree.value[:, 0])[:, :3]

    def ink(self, nodes: NDArray[np.int64]) -> list[str]:
        """The colour of a text on each of the nodes."""
        bright = self.faces[nodes] @ [0.299, 0.587, 0.114]
        return np.where(bright > 0.55, "black", "white").tolist()

    def draw_key(self, ax: Any) -> None:
        """A colour bar; of more than two classes a block each."""
        tree = self.tree
        if self.hues is None:
            draw_scale(ax, self.scale, tree.says, self.extend)
            return
        leaf = tree.is_leaf
        rows = np.bincount(tree.value[leaf].argmax(axis=1), tree.size[leaf], minlength=len(self.hues))
        draw_classes(ax, self.hues, tree.classes or [], rows.astype(np.float64))


def _range(tree: Outline) -> tuple[float, float]:
    leaf = np.flatnonzero(tree.is_leaf)
    order = leaf[np.argsort(tree.value[leaf, 0], kind="stable")]
    below = np.cumsum(tree.size[order]) / max(float(tree.size[order].sum()), 1e-300)
    last = len(order) - 1
    low, high = (float(tree.value[order[min(int(np.searchsorted(below, q)), last)], 0]) for q in (0.01, 0.99))
    if tree.signed:
        low, high = -max(abs(low), abs(high)), max(abs(low), abs(high))
    return (low, high) if low < high else (low - 0.5, high + 0.5)
