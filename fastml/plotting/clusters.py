"""Clusters of points in the plane, and the curve off which DBSCAN's eps is read."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastml.plotting.axes import BLUE, GREY, ORANGE, axes_or_new

MOST_POINTS = 100_000


def plot_k_distances(suggestion: Any, *, ax: Any = None) -> Any:
    """Draw the distances that `fastml.cluster.suggest_eps` found, in order, and the knee.

    Parameters
    ----------
    suggestion : EpsSuggestion
    ax : matplotlib Axes, optional
        Where to draw; by default on a new figure.

    Returns
    -------
    ax : matplotlib Axes
    """
    ax = axes_or_new(ax)
    distances = suggestion.distances
    share = np.linspace(0.0, 1.0, len(distances))
    ax.plot(share, distances, color=BLUE)
    ax.axhline(suggestion.eps, color=ORANGE, linestyle="--", label=f"eps = {suggestion.eps:.4g}")
    ax.plot([share[suggestion.knee]], [suggestion.eps], "o", color=ORANGE)
    if distances[-1] > 20 * suggestion.eps:  # a few points far out would press the curve flat
        ax.set_ylim(0.0, 4 * suggestion.eps)
    ax.set(
        title="Distance to the nearest points, in order",
        xlabel="share of the rows",
        ylabel=f"distance to the point number {suggestion.min_samples}, itself first",
    )
    ax.legend(frameon=False)
    return ax


def plot_clusters(X: Any, labels: Any, *, ax: Any = None) -> Any:
    """Draw points of two columns in the colours of their clusters; noise is small and grey.

    Parameters
    ----------
    X : (n_samples, 2)
    labels : (n_samples,), or a fitted estimator with `labels_`
        -1 is noise.
    ax : matplotlib Axes, optional
        Where to draw; by default on a new figure.

    Returns
    -------
    ax : matplotlib Axes

    Raises
    ------
    ValueError
        X of other than two columns, or another number of labels.

    Notes
    -----
    Of more than 100,000 points, so many are drawn, evenly spaced by row.
    """
    X = np.asarray(X)
    labels = np.asarray(getattr(labels, "labels_", labels))
    if X.ndim != 2 or X.shape[1] != 2 or labels.shape != (len(X),):
        raise ValueError(f"X must have two columns and a label for each row; X is {X.shape}, labels {labels.shape}")
    ax = axes_or_new(ax)
    step = -(-len(X) // MOST_POINTS)
    X, labels = X[::step], labels[::step]
    noise = labels < 0
    ax.scatter(*X[noise].T, s=2, color=GREY, linewidths=0, label=f"noise, {100 * noise.mean():.0f}%")
    ax.scatter(*X[~noise].T, s=6, c=labels[~noise] % 20, cmap="tab20", vmin=0, vmax=19, linewidths=0)
    n_clusters = len(np.unique(labels[~noise]))
    ax.set(title=f"{n_clusters} cluster{'s' * (n_clusters != 1)}", xlabel="x0", ylabel="x1")
    if noise.any():
        ax.legend(frameon=False)
    return ax
