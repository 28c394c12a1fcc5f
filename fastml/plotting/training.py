"""One picture of a training: learning curve, importances, errors."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fastml.extras import require
from fastml.plotting.axes import GREY
from fastml.plotting.classification import plot_confusion_matrix, plot_roc_curve
from fastml.plotting.importances import plot_importances
from fastml.plotting.learning_curve import plot_learning_curve
from fastml.plotting.regression import plot_residuals


def check_picture(path: str) -> None:
    """Whether matplotlib is there and knows the suffix of `path`; ImportError or ValueError if not."""
    canvas = require("matplotlib.backends.backend_agg", "cli", "Drawing").FigureCanvasAgg
    kinds = canvas.get_supported_filetypes()
    if Path(path).suffix.removeprefix(".").lower() not in kinds:
        raise ValueError(f"{path}: the suffix says what to draw, one of {', '.join(sorted(kinds))}")


def draw_training(
    path: str,
    *,
    evals_result: dict[str, dict[str, Any]],
    best_iteration: int | None,
    feature_names: Sequence[str],
    importances: np.ndarray | None,
    y_true: np.ndarray,
    output: np.ndarray,
    classes: np.ndarray | None,
    title: str,
) -> None:
    """Draw three panels side by side into a file: learning curve, importances, and ROC, confusion or residuals.

    Parameters
    ----------
    path : str
        The suffix says which kind of picture.
    evals_result : dict
        As `plot_learning_curve` takes it; empty if nothing was recorded.
    best_iteration : int or None
    feature_names : (n_features,) str
    importances : (n_features,) float, or None of a model that has none
    y_true : (n,)
        True values of the rows to judge by.
    output : (n,) or (n, n_classes)
        Predictions of a regression, probabilities of the classes otherwise.
    classes : (n_classes,) or None
        None for regression.
    title : str
    """
    figure = require("matplotlib.figure", "cli", "Drawing").Figure(figsize=(15, 4.8), layout="constrained")
    require("matplotlib.backends.backend_agg", "cli", "Drawing").FigureCanvasAgg(figure)  # no window, no global state
    curve, bars, errors = figure.subplots(1, 3)
    if evals_result:
        plot_learning_curve(evals_result, best_iteration=best_iteration, ax=curve)
    else:
        curve.text(0.5, 0.5, "no scores were recorded", ha="center", va="center", color=GREY)
        curve.set_axis_off()
    if importances is not None:
        plot_importances(importances, feature_names, ax=bars)
    else:
        bars.text(0.5, 0.5, "the model has no importances", ha="center", va="center", color=GREY)
        bars.set_axis_off()
    if classes is None:
        plot_residuals(y_true, output, ax=errors)
    elif len(classes) == 2 and len(np.unique(y_true)) == 2:
        plot_roc_curve(y_true == classes[1], output[:, 1], ax=errors)
    else:
        plot_confusion_matrix(y_true, classes[output.argmax(axis=1)], classes=classes, ax=errors)
    figure.suptitle(title)
    figure.savefig(path, dpi=120)
