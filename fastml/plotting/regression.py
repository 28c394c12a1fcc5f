"""How far predictions are from the truth."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastml.plotting.axes import BLUE, GREY, axes_or_new

MOST_POINTS = 5000  # more than these as dots hide each other; they become a density


def plot_residuals(y_true: Any, y_pred: Any, *, ax: Any = None) -> Any:
    """Draw truth minus prediction over the prediction.

    Parameters
    ----------
    y_true, y_pred : (n,) float
        In the units of the target.
    ax : matplotlib Axes, optional
        Where to draw; by default on a new figure.

    Returns
    -------
    ax : matplotlib Axes
    """
    ax = axes_or_new(ax)
    y_pred = np.asarray(y_pred, dtype=np.float64)
    residuals = np.asarray(y_true, dtype=np.float64) - y_pred
    if len(residuals) > MOST_POINTS:
        ax.hexbin(y_pred, residuals, gridsize=60, bins="log", mincnt=1, cmap="Blues", linewidths=0)
    else:
        ax.scatter(y_pred, residuals, s=8, alpha=0.5, color=BLUE, linewidths=0)
    ax.axhline(0, color=GREY, linewidth=1)
    ax.set(title="Residuals", xlabel="prediction", ylabel="truth - prediction")
    return ax
