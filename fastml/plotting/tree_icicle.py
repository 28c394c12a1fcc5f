"""A tree as an icicle: each node a bar as long as its share of the rows, its children side by side next to it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml.extras import require
from fastml.plotting.tree_colours import Palette
from fastml.plotting.tree_labels import LINE, Labels, fit, points, put
from fastml.plotting.tree_layout import shares
from fastml.plotting.tree_outline import Outline

MOST_TEXTS = 600
"""Labels at most, those of the largest nodes."""
MANY = 5000
"""Nodes beyond which a file of bars is larger and slower than an image of them."""
MARGIN = 2.0
"""Points between a text and its bar's end."""


def draw_icicle(
    ax: Any, tree: Outline, palette: Palette, labels: Labels, left_right: bool, fontsize: float
) -> None:
    """The root at the top, or on the left. Names stand where a bar has room for them."""
    low, high = shares(tree)
    levels = _levels(ax, tree, high - low, left_right, fontsize)
    near, far = levels[tree.depth], levels[tree.depth + 1]
    x0, x1, y0, y1 = (near, far, low, high) if left_right else (low, high, near, far)
    corners = np.stack([x0, y0, x1, y0, x1, y1, x0, y1], axis=1).reshape(-1, 4, 2)
    across = points(ax)[1 if left_right else 0] * (high - low)
    bars = require("matplotlib.collections", "cli", "Drawing").PolyCollection(
        corners, facecolors=palette.faces, edgecolors=np.where((across > 2)[:, None], 1.0, palette.faces),
        linewidths=np.where(across > 2, np.minimum(0.5, across / 8), 0.0), antialiaseds=False,
    )  # fmt: skip
    bars.set_rasterized(len(tree) > MANY)
    ax.add_collection(bars, autolim=False)
    ax.set(xlim=(0, levels[-1] if left_right else 1), ylim=(1 if left_right else levels[-1], 0))
    _write(ax, tree, palette, labels, np.stack([x0, x1, y0, y1], axis=1), left_right, fontsize)


def _levels(
    ax: Any, tree: Outline, share: NDArray[np.float64], left_right: bool, fontsize: float
) -> NDArray[np.float64]:
    """(n_levels + 1,) where levels begin: those with long bars, which have room for names, are the deeper ones."""
    n_levels = int(tree.depth.max()) + 1
    wide, high = points(ax)
    if left_right:
        readable = share * high > LINE * fontsize
    else:
        readable = share * wide > 8 * fontsize
    weight = np.bincount(tree.depth, np.where(readable, share, 0.0), minlength=n_levels)
    return np.concatenate([[0.0], np.cumsum(0.15 + weight)])


def _write(
    ax: Any, tree: Outline, palette: Palette, labels: Labels, boxes: NDArray[np.float64], left_right: bool,
    fontsize: float,
) -> None:  # fmt: skip
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    to_points = points(ax) / np.abs([right - left, top - bottom])
    wide, high = (boxes[:, 1] - boxes[:, 0]) * to_points[0], (boxes[:, 3] - boxes[:, 2]) * to_points[1]
    # A leaf on the right has nothing next to it: its name may begin behind its bar.
    behind = np.where(tree.is_leaf & left_right, (right - boxes[:, 1]) * to_points[0], 0.0)
    narrow, long = np.minimum(wide, high), np.maximum(wide, high)
    candidates = (narrow > LINE * fontsize) & (long > 4 * fontsize) | (high > LINE * fontsize) & (behind > 0)
    chosen = np.flatnonzero(candidates)
    chosen = chosen[np.argsort(-tree.size[chosen], kind="stable")][:MOST_TEXTS]
    for i, ink in zip(chosen.tolist(), palette.ink(chosen), strict=True):
        lines = labels.lines(i)
        x, y = (boxes[i, 0] + boxes[i, 1]) / 2, (boxes[i, 2] + boxes[i, 3]) / 2
        options: dict[str, Any] = {"color": ink, "ha": "center"}
        said = fit(lines, (wide[i] - 2 * MARGIN, high[i]), fontsize)
        if behind[i] > 0 and said != lines:
            beside = fit(lines, (behind[i] - 2 * MARGIN, high[i]), fontsize)
            if not said or len(beside) > len(said) or said[0].endswith("…"):
                x, said, options = boxes[i, 1] + 2 * MARGIN / to_points[0], beside, {"color": "black", "ha": "left"}
        if not said and high[i] > wide[i]:
            said, options["rotation"] = fit(lines, (high[i] - 2 * MARGIN, wide[i]), fontsize), 90
        if said:
            put(ax, x, y, "\n".join(said), fontsize=fontsize, va="center", **options)
