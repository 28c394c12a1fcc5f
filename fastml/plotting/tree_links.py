"""A tree as nodes and links: boxes with everything written in them where there is room, else dots."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml.extras import require
from fastml.plotting.axes import GREY
from fastml.plotting.tree_colours import Palette
from fastml.plotting.tree_labels import LINE, Labels, extent, fit, points, put, width
from fastml.plotting.tree_outline import Outline

MOST_BOXES = 400
"""Nodes beyond which nobody reads every one of them."""
PAD, LEVEL_GAP = 3.0, 24.0
"""Points between a text and its box, and between levels."""
MANY = 5000
"""Nodes beyond which a file of lines and dots is larger and slower than an image of them."""
DOT = 16.0
"""Points across of the root's dot."""


class Boxes:
    """What each node's box says, and its size in points: in a column of few words a line, or in two long lines."""

    def __init__(self, tree: Outline, labels: Labels, left_right: bool, fontsize: float) -> None:
        self.left_right = left_right
        self.lines = [_lines(labels.lines(i), left_right, fontsize) for i in range(len(tree))]
        sizes = np.array([extent(lines, fontsize) for lines in self.lines])
        self.wide, self.high = (sizes + 2 * PAD).T

    def room(self, tree: Outline, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Points that the picture needs across and down."""
        n_levels, slots = int(tree.depth.max()) + 1, float(x.max()) + 1
        if self.left_right:
            return np.array([n_levels * (self.wide.max() + LEVEL_GAP), slots * (self.high.max() + PAD)])
        return np.array([slots * (self.wide.max() + 2 * PAD), n_levels * (self.high.max() + LEVEL_GAP)])


def _lines(lines: list[str], left_right: bool, fontsize: float) -> list[str]:
    """The condition in at most three lines of some 24 letters; or in one of some 36, and the rest in as few as that."""
    room = (20 * fontsize, LINE * fontsize) if left_right else (14 * fontsize, 3 * LINE * fontsize)
    out = fit(lines[:1], room, fontsize)
    for k, line in enumerate(lines[1:]):
        joined = f"{out[-1]}, {line}"
        if left_right and k > 0 and width(joined, fontsize) <= room[0]:
            out[-1] = joined
        else:
            out += fit([line], room, fontsize)
    return out


def draw_links(
    ax: Any, tree: Outline, palette: Palette, labels: Labels, x: NDArray[np.float64], boxes: Boxes | None,
    left_right: bool, fontsize: float,
) -> None:  # fmt: skip
    """The root at the top or on the left; `boxes` None draws dots, and names where they hide nothing."""
    y = tree.depth.astype(float)
    places = np.stack([y, x], axis=1) if left_right else np.stack([x, y], axis=1)
    n_levels, half = float(tree.depth.max()), 0.5 if boxes is not None else 0.3
    along, across = (-0.5, n_levels + 0.5), (-half, float(x.max()) + half)
    ax.set(xlim=along if left_right else across, ylim=(across if left_right else along)[::-1])
    share = np.clip(tree.size / max(float(tree.size[0]), 1e-300), 0, 1)
    _draw_links(ax, tree, places, share, left_right)
    if boxes is not None:
        _draw_boxes(ax, tree, palette, places, boxes, fontsize)
    else:
        radius = _draw_dots(ax, palette, places, share)
        _write(ax, tree, labels, places, radius, fontsize)


def _draw_links(
    ax: Any, tree: Outline, places: NDArray[np.float64], share: NDArray[np.float64], left_right: bool
) -> None:
    """As wide as its rows each, bent in the middle between two levels, where no box and no other parent's link is."""
    child, parent = places[1:], places[tree.parent[1:]]
    bend, after = (parent + child) / 2, (parent + child) / 2
    across = 1 if left_right else 0
    bend[:, across], after[:, across] = parent[:, across], child[:, across]
    links, widths = np.stack([parent, bend, after, child], axis=1), 0.3 + 5 * share[1:]
    many = len(tree) > MANY
    if many:
        links, widths = _grouped(links, np.round(widths, 1))
    lines = require("matplotlib.collections", "cli", "Drawing").LineCollection(
        links, linewidths=widths, colors=GREY, alpha=0.6, joinstyle="round", zorder=1
    )
    lines.set_rasterized(many)
    ax.add_collection(lines, autolim=False)


def _grouped(links: NDArray[np.float64], widths: NDArray[np.float64]) -> tuple[Any, NDArray[np.float64]]:
    """All links of one width as one line with gaps, because a path takes longer than the points in it."""
    gap = np.full((len(links), 1, 2), np.nan)
    order, steps = np.argsort(widths, kind="stable"), np.unique(widths)
    cut = np.searchsorted(widths[order], steps[1:])
    parts = np.split(np.concatenate([links, gap], axis=1)[order], cut)
    return [part.reshape(-1, 2) for part in parts], steps


def _draw_boxes(
    ax: Any, tree: Outline, palette: Palette, places: NDArray[np.float64], boxes: Boxes, fontsize: float
) -> None:
    patches = require("matplotlib.patches", "cli", "Drawing")
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    scale = np.abs([right - left, top - bottom]) / points(ax)
    wide, high = boxes.wide * scale[0], boxes.high * scale[1]
    drawn = [
        patches.Rectangle((px - w / 2, py - h / 2), w, h)
        for (px, py), w, h in zip(places.tolist(), wide.tolist(), high.tolist(), strict=True)
    ]
    ax.add_collection(
        require("matplotlib.collections", "cli", "Drawing").PatchCollection(
            drawn, facecolors=palette.faces, edgecolors=np.where(tree.is_leaf, "black", GREY), linewidths=0.7, zorder=2
        ), autolim=False,
    )  # fmt: skip
    for (px, py), lines, ink in zip(places.tolist(), boxes.lines, palette.ink(np.arange(len(tree))), strict=True):
        put(ax, px, py, "\n".join(lines), fontsize=fontsize, ha="center", va="center", color=ink)


def _draw_dots(
    ax: Any, palette: Palette, places: NDArray[np.float64], share: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Areas by rows; returns the radii in points."""
    across = np.maximum(DOT * np.sqrt(share), 1.5)
    many = len(places) > MANY
    dots = ax.scatter(*places.T, s=across**2, c=palette.faces, edgecolors="#444444", zorder=2,
                      linewidths=0.2 if many else np.minimum(0.5, across / 10))  # fmt: skip
    dots.set_rasterized(many)
    return across / 2


def _write(
    ax: Any, tree: Outline, labels: Labels, places: NDArray[np.float64], radius: NDArray[np.float64], fontsize: float
) -> None:
    """Names beside the dots, those of the largest nodes first, where they hide no other name and no larger dot."""
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    wide, high = points(ax)
    at = np.abs((places - [left, top]) / [right - left, bottom - top]) * [wide, high]
    taken = np.zeros((int(wide / 2) + 2, int(high / 2) + 2), bool)  # squares of two points
    order = np.argsort(-tree.size, kind="stable")[:MOST_BOXES]
    for i in order[radius[order] > 2].tolist():
        _take(taken, at[i] - radius[i], at[i] + radius[i])
    for i in order.tolist():
        lines = _lines(labels.lines(i), False, fontsize)
        for kept in (lines, lines[:1]):
            w, h = extent(kept, fontsize)
            low = at[i] + np.array([radius[i] + 4, -h / 2])
            end = low + np.array([w, h])
            if low[1] > 0 and (end < [wide, high]).all() and _take(taken, low, end):
                x = left + (right - left) * low[0] / wide
                put(ax, x, places[i, 1], "\n".join(kept), fontsize=fontsize, ha="left", va="center", zorder=3,
                    bbox={"facecolor": "white", "alpha": 0.7, "linewidth": 0, "pad": 0.5})  # fmt: skip
                break


def _take(taken: NDArray[np.bool_], low: NDArray[np.float64], high: NDArray[np.float64]) -> bool:
    """Mark a rectangle in points if nothing in it is marked, and say so."""
    (x0, y0), (x1, y1) = np.maximum(low / 2, 0).astype(int), (high / 2).astype(int) + 1
    own = taken[x0:x1, y0:y1]
    free = not own.any()
    own |= free
    return free
