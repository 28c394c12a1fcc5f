"""Importance of each feature."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastml.plotting.axes import BLUE, axes_or_new


def plot_importances(
    importances: Any, names: Sequence[str] | None = None, *, n_shown: int = 15, ax: Any = None
) -> Any:
    """Draw the largest importances as bars, the largest on top.

    Parameters
    ----------
    importances : array of shape (n_features,), or a fitted estimator that has `feature_importances_`
    names : sequence of str, optional
        By default those of the estimator, or x0, x1, ...
    n_shown : int, default=15
        Bars at most.
    ax : matplotlib Axes, optional
        Where to draw; by default on a new figure.

    Returns
    -------
    ax : matplotlib Axes
    """
    ax = axes_or_new(ax)
    if hasattr(importances, "feature_importances_"):
        names = getattr(importances, "feature_names_in_", None) if names is None else names
        importances = importances.feature_importances_
    importances = np.asarray(importances, dtype=np.float64)
    names = [f"x{j}" for j in range(len(importances))] if names is None else names
    if len(names) != len(importances):
        raise ValueError(f"names has {len(names)} entries for {len(importances)} importances: give one each")
    order = np.argsort(-importances, kind="stable")[:n_shown][::-1]
    ax.barh([names[j] for j in order], importances[order], color=BLUE)
    ax.set(title="Importance of the features", xlabel="share of the gain")
    return ax
