"""A multiway tree as a picture."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml.extras import require
from fastml.tree.multiway_rules import Words
from fastml.tree.multiway_structure import MultiwayTree

BLUE, GREY = (0.18, 0.44, 0.67), (0.54, 0.56, 0.6)


def draw(words: Words, max_depth: int | None, filled: bool, fontsize: float | None, ax: Any) -> list[Any]:
    """Nodes as boxes, levels from the top: which rows come, and what is said of them. Returns the boxes' texts.

    A filled box is the darker the larger the share of its class, or the larger its number.
    """
    tree = words.tree
    ax = require("matplotlib.pyplot", "cli", "Drawing").gca() if ax is None else ax
    shown = np.flatnonzero(tree.depths <= (np.inf if max_depth is None else max_depth))
    x, y = _places(tree, shown), -tree.depths.astype(float)
    ax.set(xlim=(-0.5, x.max() + 0.5), ylim=(y[shown].min() - 0.5, 0.5))
    ax.set_axis_off()
    strength = tree.value.max(axis=1) if words.classes is not None else _from_0_to_1(tree.value[:, 0])
    said = {t: _text(words, t, cut_off=max_depth is not None and tree.depths[t] >= max_depth) for t in shown.tolist()}
    longest = max(len(line) for text in said.values() for line in text.splitlines())
    room = ax.get_window_extent().width / (x.max() + 1) * 72 / ax.figure.dpi  # points a leaf
    size = fontsize or min(10.0, max(2.0, room / (0.5 * (longest + 2))))
    texts = []
    for t, text in said.items():
        shade = 0.6 * float(strength[t]) if filled else 0.0
        face = tuple(1 - shade * (1 - part) for part in BLUE)
        box = {"boxstyle": "round", "facecolor": face, "edgecolor": GREY}
        texts.append(ax.text(x[t], y[t], text, ha="center", va="center", fontsize=size, bbox=box))
        if t > 0:
            above = tree.parent[t]
            ax.plot([x[above], x[t]], [y[above], y[t]], color=GREY, linewidth=1, zorder=0)
    return texts


def _text(words: Words, node: int, cut_off: bool) -> str:
    """The condition under which rows come to a node, its class or number, and its rows."""
    tree, split = words.tree, int(words.tree.parent[node])
    lines = textwrap.wrap(words.condition(split, node - int(tree.first_child[split])), 30)[:4] if node > 0 else []
    lines += words.says(node).replace(" (", "\n(").splitlines()
    return "\n".join([*lines, "..."] if cut_off and tree.is_split[node] else lines)


def _places(tree: MultiwayTree, shown: NDArray[np.int64]) -> NDArray[np.float64]:
    """Leaves side by side in the order of the branches, splits over the middle of what is below."""
    x, inside = np.zeros(len(tree.feature)), np.zeros(len(tree.feature), bool)
    inside[shown] = True
    waiting, n = [0], 0
    while waiting:
        t = waiting.pop()
        below = [c for c in tree.children(t) if inside[c]]
        if not below:
            x[t], n = n, n + 1
        waiting += below[::-1]
    for t in shown[::-1].tolist():
        below = [c for c in tree.children(t) if inside[c]]
        if below:
            x[t] = (x[below[0]] + x[below[-1]]) / 2
    return x


def _from_0_to_1(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return (values - values.min()) / max(float(np.ptp(values)), 1e-300)
