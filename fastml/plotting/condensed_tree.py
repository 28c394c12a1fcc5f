"""The condensed tree of a density clustering: how clusters part as the density rises, and which were taken."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastml.plotting.axes import BLUE, GREY, ORANGE, axes_or_new

COLUMNS_OF_TEXT = 60  # clusters that are named, at most


def plot_condensed_tree(model: Any, *, label_clusters: bool = True, ax: Any = None) -> Any:
    """Draw each cluster as an icicle that grows downwards with the density, as wide as it has points there.

    Parameters
    ----------
    model : fitted HDBSCAN, or its `condensed_tree_`
    label_clusters : bool, default=True
        Whether the clusters that were taken, which are orange, carry their labels.
    ax : matplotlib Axes, optional
        Where to draw; by default on a new figure.

    Returns
    -------
    ax : matplotlib Axes
        y is the density, 1 / distance, on a logarithmic scale; x counts points.

    Raises
    ------
    TypeError
        No condensed tree.
    """
    tree = getattr(model, "condensed_tree_", model)
    if not hasattr(tree, "point_density"):
        raise TypeError(f"model={model!r} has no condensed tree: give a fitted fastml.cluster.HDBSCAN")
    ax = axes_or_new(ax)
    left = _left_ends(tree)
    densities = np.concatenate([tree.point_density, tree.birth])
    finite = densities[np.isfinite(densities) & (densities > 0)]
    lowest, highest = (finite.min(), 1.5 * finite.max()) if len(finite) else (1.0, 2.0)
    order = np.lexsort((tree.point_density, tree.point_cluster))
    begins = np.searchsorted(tree.point_cluster[order], np.arange(len(tree.parent) + 1))
    named = int(tree.selected.sum()) <= COLUMNS_OF_TEXT
    for c in range(len(tree.parent)):
        leaving = np.clip(tree.point_density[order[begins[c] : begins[c + 1]]], lowest, highest)
        start, end = np.clip([max(tree.birth[c], lowest), max(tree.death[c], lowest)], lowest, highest)
        levels = np.concatenate([[start], leaving, [end]])
        widths = np.concatenate([tree.size[c] - np.arange(len(leaving) + 1), [tree.size[c] - len(leaving)]])
        middle = left[c] + tree.size[c] / 2
        taken = bool(tree.selected[c])
        ax.fill_betweenx(levels, middle - widths / 2, middle + widths / 2, step="pre", linewidth=0,
                         color=ORANGE if taken else BLUE, alpha=1.0 if taken else 0.45)  # fmt: skip
        if taken and label_clusters and named:
            ax.annotate(str(tree.label[c]), (middle, end), ha="center", va="top", xytext=(0, -3),
                        textcoords="offset points", color=GREY)  # fmt: skip
    ax.set(title="Clusters by density", xlabel="points", ylabel="1 / distance", yscale="log",
           xlim=(0, tree.size[0]), ylim=(highest * 1.1, lowest))  # fmt: skip
    return ax


def _left_ends(tree: Any) -> Any:
    """Where each cluster begins along x: children side by side in the middle of their parent."""
    left = np.zeros(len(tree.parent))
    room = np.zeros(len(tree.parent))
    np.add.at(room, tree.parent[1:], tree.size[1:])
    used = np.zeros(len(tree.parent))
    for c in range(1, len(tree.parent)):
        parent = tree.parent[c]
        left[c] = left[parent] + (tree.size[parent] - room[parent]) / 2 + used[parent]
        used[parent] += tree.size[c]
    return left
