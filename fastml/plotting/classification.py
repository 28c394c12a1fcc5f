"""How well classes are told apart."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastml.plotting.axes import GREY, ORANGE, axes_or_new


def plot_roc_curve(y_true: Any, score: Any, *, ax: Any = None) -> Any:
    """Draw the true positive rate over the false positive rate, for every threshold.

    Parameters
    ----------
    y_true : (n,) bool
        True for the positive class.
    score : (n,) float
        Larger for rows that are more likely positive, such as a probability.
    ax : matplotlib Axes, optional
        Where to draw; by default on a new figure.

    Returns
    -------
    ax : matplotlib Axes
    """
    from sklearn.metrics import auc, roc_curve

    ax = axes_or_new(ax)
    false_rate, true_rate, _ = roc_curve(y_true, score)
    ax.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=":")
    ax.plot(false_rate, true_rate, color=ORANGE, label=f"AUC {auc(false_rate, true_rate):.4f}")
    ax.set(title="ROC curve", xlabel="false positive rate", ylabel="true positive rate", aspect="equal")
    ax.legend(frameon=False, loc="lower right")
    return ax


def plot_confusion_matrix(y_true: Any, y_pred: Any, *, classes: Any = None, ax: Any = None) -> Any:
    """Draw which class was taken for which, as shares of the true class.

    Parameters
    ----------
    y_true, y_pred : (n,) labels
    classes : sequence of labels, optional
        Their order; by default all that occur, sorted.
    ax : matplotlib Axes, optional
        Where to draw; by default on a new figure.

    Returns
    -------
    ax : matplotlib Axes
    """
    from sklearn.metrics import confusion_matrix

    ax = axes_or_new(ax)
    classes = np.unique(np.concatenate([y_true, y_pred])) if classes is None else np.asarray(classes)
    shares = np.nan_to_num(confusion_matrix(y_true, y_pred, labels=classes, normalize="true"))
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    few = len(classes) <= 12
    if few:
        for (row, column), share in np.ndenumerate(shares):
            colour = "white" if share > 0.5 else "black"
            ax.text(column, row, f"{share:.2f}".removeprefix("0"), ha="center", va="center", color=colour, fontsize=8)
    if len(classes) <= 40:
        ax.set_xticks(range(len(classes)), [str(c) for c in classes], rotation=0 if few else 90, fontsize=8)
        ax.set_yticks(range(len(classes)), [str(c) for c in classes], fontsize=8)
    ax.set(title="Confusion", xlabel="predicted", ylabel="true")
    return ax
