"""A tree as a picture, of a few nodes or of many thousands."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np

from fastml.extras import require
from fastml.plotting.axes import check_axes
from fastml.plotting.tree_colours import Palette
from fastml.plotting.tree_icicle import draw_icicle
from fastml.plotting.tree_labels import Labels, measure, points
from fastml.plotting.tree_layout import tidy
from fastml.plotting.tree_links import MOST_BOXES, Boxes, draw_links
from fastml.plotting.tree_outline import Outline, outline_of

SCREEN, COMFORTABLE, LARGEST = np.array([15.0, 9.5]), np.array([14.0, 10.0]), np.array([24.0, 20.0])
"""Inches of a new figure: of an icicle; up to which a tree's orientation is chosen by taste, and at all."""
KEY_INCHES = 1.4


def plot_tree(
    estimator: Any,
    *,
    kind: str = "auto",
    max_depth: int | None = None,
    root: int = 0,
    tree_index: int | None = None,
    output: int = 0,
    show: Sequence[str] = ("prediction", "rows"),
    orientation: str = "auto",
    feature_names: Sequence[str] | None = None,
    class_names: Sequence[str] | None = None,
    missing: bool | str = "auto",
    cmap: Any = None,
    precision: int = 4,
    fontsize: float = 8.0,
    key: bool = True,
    ax: Any = None,
) -> Any:
    """Draw a fitted tree.

    Each node says which of its parent's rows it has, and what it predicts; its colour is its prediction, and its size
    (the width of its link, the length of its bar) the weight of its rows. What has no room is not written.

    Parameters
    ----------
    estimator : fitted DecisionTree*, ExtraTree*, ID3, C4.5 or CHAID, a booster, or an ensemble of such trees
        Of a booster a leaf's value is what it adds to the raw score, a split's the mean of its leaves, and sizes are
        the cover (sum of hessians, or weights).
    kind : {"auto", "tree", "icicle"}, default="auto"
        "tree": nodes and links. "icicle": a bar a node, its children next to it, by their shares of its rows; what to
        take for thousands of nodes. "auto": the tree where every node's text has room, else the icicle.
    max_depth : int, optional
        Levels below the root that are drawn; nodes at the last one say how many nodes are below them.
    root : int, default=0
        Number of the node to begin at, as `show=["number"]` writes it and `apply` and `tree_` count.
    tree_index : int, optional
        Which tree of an ensemble; by default the first one. Of several outputs, tree t adds to output t % n_outputs.
    output : int, default=0
        Which output of a tree for several.
    show : sequence of {"prediction", "rows", "share", "values", "impurity", "number"}
        Lines below the condition. "share": of all rows. "values": the share of each class.
    orientation : {"auto", "top-down", "left-right"}, default="auto"
        Left to right leaves more room for words, and is what "auto" takes except for small trees.
    feature_names, class_names : sequence of str, optional
        By default those of the fit, or x0, x1, ...
    missing : {"auto", True, False}, default="auto"
        Whether branches of binary trees say that they take missing values. "auto": at splits by columns in which the
        fit met some, as far as the tree shows it: somewhere they go with the smaller part, where by default they
        go with the larger.
    cmap : str or Colormap, optional
        Of numbers, of the share of the second of two classes, or the classes' colours.
    precision : int, default=4
        Significant digits; decimals of thresholds of multiway trees.
    fontsize : float, default=8
    key : bool, default=True
        Whether to draw a colour bar, or the classes' colours.
    ax : matplotlib Axes, optional
        Where to draw; by default on a new figure as large as the tree needs. Texts are chosen for the size it has now.

    Returns
    -------
    ax : matplotlib Axes

    Raises
    ------
    NotFittedError, TypeError, ValueError

    Notes
    -----
    O(nodes), two collections whatever their number, and at most 600 texts: 125,000 nodes take one to three seconds.
    """
    _check(kind=(kind, ("auto", "tree", "icicle")), orientation=(orientation, ("auto", "top-down", "left-right")))
    _check_number("max_depth", 0 if max_depth is None else max_depth, 0)
    _check_number("precision", precision, 1)
    if not fontsize > 0:
        raise ValueError(f"fontsize={fontsize!r} must be > 0: it is in points")
    check_axes(ax)
    measure.cache_clear()  # the font may be another one now
    whole = outline_of(estimator, tree_index, output, feature_names, class_names, missing, precision)
    tree = whole.below(root, max_depth)
    palette, labels = Palette(tree, cmap), Labels(tree, show, precision)
    few = len(tree) <= MOST_BOXES
    x = tidy(tree) if kind == "tree" or (kind == "auto" and few) else np.empty(0)
    boxes = _boxes(tree, labels, x, orientation, fontsize, ax) if few and kind != "icicle" else None
    left_right = boxes.left_right if boxes is not None else orientation != "top-down"
    if kind == "auto":
        kind = "icicle" if boxes is None else "tree"
    if ax is None:
        ax = _new_axes(None if boxes is None else boxes.room(tree, x), key)
    ax.set_axis_off()
    if key:
        palette.draw_key(ax)
    ax.set_title(_title(whole, tree), fontsize=10, loc="left", parse_math=False)
    figure = ax.figure.canvas.figure  # of a subfigure the whole
    if figure.get_layout_engine() is not None:
        figure.draw_without_rendering()  # it gives the axes their size now, before texts are chosen for it
    if kind == "tree":
        draw_links(ax, tree, palette, labels, x, boxes, left_right, fontsize)
    else:
        draw_icicle(ax, tree, palette, labels, left_right, fontsize)
    return ax


def _check(**given: tuple[str, tuple[str, ...]]) -> None:
    for name, (value, allowed) in given.items():
        if value not in allowed:
            raise ValueError(f"{name}={value!r} must be one of {', '.join(map(repr, allowed))}")


def _check_number(name: str, value: Any, least: int) -> None:
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name}={value!r} must be a whole number >= {least}")


def _boxes(
    tree: Outline, labels: Labels, x: Any, orientation: str, fontsize: float, ax: Any
) -> Boxes | None:
    """A box for every node, if they have room."""
    in_inches = [COMFORTABLE, LARGEST] if ax is None else [points(ax) / 72]
    asked = {"top-down": [False], "left-right": [True], "auto": [False, True]}[orientation]
    tried = [Boxes(tree, labels, left_right, fontsize) for left_right in asked]
    for size in in_inches:
        for boxes in tried:
            if (boxes.room(tree, x) <= 72 * size).all():
                return boxes
    return None


def _new_axes(room: Any, key: bool) -> Any:
    """On a figure with room for the boxes; without boxes one that fills a screen."""
    size = SCREEN if room is None else np.maximum(room / 72 + [KEY_INCHES * key + 0.2, 0.5], [4.0, 3.0])
    return require("matplotlib.pyplot", "cli", "Drawing").subplots(figsize=tuple(size), layout="constrained")[1]


def _title(whole: Outline, tree: Outline) -> str:
    part = f"{len(tree):,} of " if len(tree) < len(whole) else ""
    return f"{whole.name}: {part}{len(whole):,} nodes, {int(whole.is_leaf.sum()):,} leaves, depth {whole.depth.max()}"
