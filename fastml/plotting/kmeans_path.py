"""Inertia, silhouette and gap over the number of clusters."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastml.extras import require
from fastml.plotting.axes import BLUE, GREY, ORANGE


def plot_kmeans_path(path: Any, *, figure: Any = None) -> Any:
    """Draw what `fastml.cluster.kmeans_path` found: the elbow, the silhouette and the gap, one beside the other.

    Parameters
    ----------
    path : KMeansPath
    figure : matplotlib Figure, optional
        Where to draw; by default a new one.

    Returns
    -------
    axes : array of matplotlib Axes
        One for each of the three that was computed; a dotted line marks the k that it speaks for.
    """
    if not hasattr(path, "k_by_silhouette"):
        raise TypeError(f"path={path!r} must be what fastml.cluster.kmeans_path returns")
    panels = [("inertia", path.inertia, None, path.k_by_elbow)]
    if path.n_silhouette:
        panels.append((f"silhouette of {path.n_silhouette:,} rows", path.silhouette, None, path.k_by_silhouette))
    if path.n_gap:
        panels.append((f"gap of {path.n_gap:,} rows", path.gap, path.gap_error, path.k_by_gap))
    if figure is None:
        figure = require("matplotlib.pyplot", "cli", "Drawing").figure(figsize=(4.2 * len(panels), 3.6))
    axes = np.atleast_1d(figure.subplots(1, len(panels)))
    for ax, (name, values, error, k) in zip(axes, panels, strict=True):
        ax.spines[["top", "right"]].set_visible(False)
        ax.errorbar(path.ks, values, yerr=error, color=BLUE, marker="o", markersize=3, ecolor=GREY, elinewidth=1)
        if k is not None:
            ax.axvline(k, color=ORANGE, linewidth=1, linestyle=":", label=f"k = {k}")
            ax.legend(frameon=False)
        ax.set(xlabel="clusters", ylabel=name)
        ax.xaxis.get_major_locator().set_params(integer=True)
    axes[0].set_ylim(bottom=0)
    figure.tight_layout()
    return axes
