"""What all pictures share: the axes to draw on, and a few colours."""

from __future__ import annotations

from typing import Any

from fastml.extras import require

BLUE, ORANGE, GREY = "#2f6fab", "#e07b39", "#8a8f98"


def check_axes(ax: Any) -> None:
    """TypeError unless `ax` is None or axes."""
    if ax is not None and not hasattr(ax, "add_collection"):
        raise TypeError(f"ax={ax!r} must be matplotlib Axes, such as plt.subplots()[1]; an array of them has several")


def axes_or_new(ax: Any) -> Any:
    """`ax`, or the axes of a new figure; without the frame's upper and right side."""
    check_axes(ax)
    if ax is None:
        ax = require("matplotlib.pyplot", "cli", "Drawing").subplots()[1]
    ax.spines[["top", "right"]].set_visible(False)
    return ax
