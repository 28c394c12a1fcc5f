"""The colour of each node by what it predicts, and the key to them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml.extras import require
from fastml.plotting.axes import BLUE, ORANGE
from fastml.plotting.tree_outline import Outline

MOST_NAMED = 30
"""Classes that the key names; of more only those that most rows are predicted to be."""
EXTEND = {(False, False): "neither", (True, False): "min", (False, True): "max", (True, True): "both"}


class Palette:
    """Faces of the nodes.

    Two classes: from one colour over white to the other, by the share of the second. More: a colour each, the paler the
    smaller the share of the node's class. Numbers: a scale that leaves out 1% of the rows on either side; where numbers
    are changes (boosters) white is 0.
    """

    def __init__(self, tree: Outline, cmap: Any) -> None:
        colors, matplotlib = require("matplotlib.colors", "cli", "Drawing"), require("matplotlib", "cli", "Drawing")
        self.tree = tree
        self.scale: Any = None
        self.hues: Any = None
        self.extend = "neither"
        two_sided = colors.LinearSegmentedColormap.from_list("two_sided", [BLUE, "#f7f7f7", ORANGE])
        n_classes = tree.value.shape[1]
        if tree.classes is not None and n_classes == 2:
            self.scale = matplotlib.cm.ScalarMappable(colors.Normalize(0, 1), _cmap(cmap, two_sided))
            self.faces = self.scale.to_rgba(tree.value[:, 1])[:, :3]
        elif tree.classes is not None and n_classes > 1:
            self.hues = hues(n_classes, cmap)
            best, least = tree.value.argmax(axis=1), 1 / n_classes
            strength = (0.15 + 0.85 * np.clip((tree.value.max(axis=1) - least) / (1 - least), 0, 1))[:, None]
            self.faces = 1 - strength * (1 - self.hues[best])
        else:
            low, high = _range(tree)
            said = tree.value[tree.is_leaf, 0]
            self.extend = EXTEND[bool(said.min() < low), bool(said.max() > high)]
            self.scale = matplotlib.cm.ScalarMappable(
                colors.Normalize(low, high), _cmap(cmap, two_sided if tree.signed else matplotlib.colormaps["viridis"])
            )
            self.faces = self.scale.to_rgba(tree.value[:, 0])[:, :3]

    def ink(self, nodes: NDArray[np.int64]) -> list[str]:
        """The colour of a text on each of the nodes."""
        bright = self.faces[nodes] @ [0.299, 0.587, 0.114]
        return np.where(bright > 0.55, "black", "white").tolist()

    def draw_key(self, ax: Any) -> None:
        """A colour bar; of more than two classes a block each."""
        tree = self.tree
        if self.scale is not None:
            bar = ax.figure.colorbar(self.scale, ax=ax, extend=self.extend, fraction=0.03, pad=0.01, aspect=30)
            bar.set_label(tree.says, parse_math=False)
        elif self.hues is not None:
            leaf, classes = tree.is_leaf, tree.classes or []
            rows = np.bincount(tree.value[leaf].argmax(axis=1), tree.size[leaf], minlength=len(classes))
            named = np.sort(np.argsort(-rows, kind="stable")[:MOST_NAMED])
            n, colors = len(named), require("matplotlib.colors", "cli", "Drawing")
            blocks = require("matplotlib", "cli", "Drawing").cm.ScalarMappable(
                colors.Normalize(0, n), colors.ListedColormap(self.hues[named])
            )
            bar = ax.figure.colorbar(
                blocks, ax=ax, fraction=0.03, pad=0.01, anchor=(0.0, 1.0), shrink=min(1.0, 0.05 * n), aspect=1.2 * n,
                ticks=np.arange(n) + 0.5, drawedges=True,
            )  # fmt: skip
            bar.dividers.set_color("white")
            bar.ax.set_yticklabels([classes[k] for k in named.tolist()], fontsize=8, parse_math=False)
            bar.ax.tick_params(length=0)
            bar.ax.invert_yaxis()
            left_out = len(classes) - n
            bar.ax.set_title(f"class ({left_out} more)" if left_out else "class", fontsize=8, loc="left")
        else:  # one class
            return
        bar.outline.set_visible(False)


def hues(n: int, cmap: Any = None) -> NDArray[np.float64]:
    """(n, 3) colours that are told apart; of a colour map evenly spaced ones."""
    matplotlib = require("matplotlib", "cli", "Drawing")
    if cmap is None and n <= 20:
        return np.array(matplotlib.colormaps["tab10" if n <= 10 else "tab20"].colors[:n])
    chosen = matplotlib.colormaps["gist_rainbow"] if cmap is None else matplotlib.colormaps.get_cmap(cmap)
    listed = getattr(chosen, "colors", None)
    if listed is not None and n <= len(listed) <= 20:
        return np.array(listed)[:n, :3]
    return chosen(np.linspace(0, 1, n))[:, :3]


def _cmap(cmap: Any, default: Any) -> Any:
    return default if cmap is None else require("matplotlib", "cli", "Drawing").colormaps.get_cmap(cmap)


def _range(tree: Outline) -> tuple[float, float]:
    leaf = np.flatnonzero(tree.is_leaf)
    order = leaf[np.argsort(tree.value[leaf, 0], kind="stable")]
    below = np.cumsum(tree.size[order]) / max(float(tree.size[order].sum()), 1e-300)
    last = len(order) - 1
    low, high = (float(tree.value[order[min(int(np.searchsorted(below, q)), last)], 0]) for q in (0.01, 0.99))
    if tree.signed:
        low, high = -max(abs(low), abs(high)), max(abs(low), abs(high))
    return (low, high) if low < high else (low - 0.5, high + 0.5)
