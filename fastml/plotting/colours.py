"""Colours of predictions: two classes, many classes, numbers; and the keys to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml.extras import require
from fastml.plotting.axes import BLUE, ORANGE

MOST_NAMED = 30
"""Classes that a key names."""
PALEST = 0.15
"""Strength of a class's colour where it has no larger share than any other."""
BAR: dict[str, Any] = {"fraction": 0.03, "pad": 0.01}


def scale(low: float, high: float, cmap: Any, two_sided: bool = False) -> Any:
    """Numbers to colours; by default viridis, or from one colour over white to another."""
    colors, matplotlib = require("matplotlib.colors", "cli", "Drawing"), require("matplotlib", "cli", "Drawing")
    if cmap is None and two_sided:
        cmap = colors.LinearSegmentedColormap.from_list("two_sided", [BLUE, "#f7f7f7", ORANGE])
    chosen = matplotlib.colormaps.get_cmap("viridis" if cmap is None else cmap)
    return matplotlib.cm.ScalarMappable(colors.Normalize(low, high), chosen)


def hues(n: int, cmap: Any = None) -> NDArray[np.float64]:
    """(n, 3) colours that are told apart; of a colour map evenly spaced ones, or the first of its list."""
    matplotlib = require("matplotlib", "cli", "Drawing")
    if cmap is None:
        cmap = "tab10" if n <= 10 else "tab20" if n <= 20 else "gist_rainbow"
    chosen = matplotlib.colormaps.get_cmap(cmap)
    listed = getattr(chosen, "colors", None)
    if listed is not None and n <= len(listed) <= 20:
        return np.array(listed)[:n, :3]
    return chosen(np.linspace(0, 1, n))[:, :3]


def by_class(shares: NDArray[np.float64], own: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, 3) the colour of each row's largest share, (n, n_classes), the paler the smaller it is."""
    least = 1 / shares.shape[1]
    lead = (shares.max(axis=1) - least) / (1 - least) if least < 1 else np.ones(len(shares))
    strength = PALEST + (1 - PALEST) * np.clip(lead, 0, 1)
    return 1 - strength[:, None] * (1 - own[shares.argmax(axis=1)])


def draw_scale(ax: Any, mappable: Any, label: str, extend: str = "neither") -> None:
    """A colour bar."""
    bar = ax.figure.colorbar(mappable, ax=ax, extend=extend, aspect=30, **BAR)
    bar.set_label(label, parse_math=False)
    bar.outline.set_visible(False)


def draw_classes(ax: Any, own: NDArray[np.float64], names: Sequence[str], weight: NDArray[np.float64]) -> None:
    """A block and a name for each class; of very many only for those of the largest weight."""
    named = np.sort(np.argsort(-weight, kind="stable")[:MOST_NAMED])
    n, colors = len(named), require("matplotlib.colors", "cli", "Drawing")
    blocks = require("matplotlib", "cli", "Drawing").cm.ScalarMappable(
        colors.Normalize(0, n), colors.ListedColormap(own[named])
    )
    bar = ax.figure.colorbar(
        blocks, ax=ax, anchor=(0.0, 1.0), shrink=min(1.0, 0.05 * n), aspect=1.2 * n, ticks=np.arange(n) + 0.5,
        drawedges=True, **BAR,
    )  # fmt: skip
    bar.dividers.set_color("white")
    bar.outline.set_visible(False)
    bar.ax.set_yticklabels([names[k] for k in named.tolist()], fontsize=8, parse_math=False)
    bar.ax.tick_params(length=0)
    bar.ax.invert_yaxis()
    left_out = len(names) - n
    bar.ax.set_title(f"class ({left_out} more)" if left_out else "class", fontsize=8, loc="left")
