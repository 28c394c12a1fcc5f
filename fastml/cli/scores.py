"""Scores of a fitted model on some rows, by task."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastml.cli.target import Target


def scores(target: Target, values: np.ndarray, output: np.ndarray) -> dict[str, float]:
    """Scores by name.

    Parameters
    ----------
    values : (n,) the true values
    output : (n,) predictions of a regression, (n, n_classes) probabilities otherwise
    """
    from sklearn import metrics

    if target.classes is None:
        rmse, mae = metrics.root_mean_squared_error(values, output), metrics.mean_absolute_error(values, output)
        return {"rmse": rmse, "mae": mae} | ({"R2": metrics.r2_score(values, output)} if len(values) > 1 else {})
    codes = np.searchsorted(target.classes, values)
    found = {"logloss": metrics.log_loss(codes, output, labels=np.arange(len(target.classes)))}
    if target.task == "binary" and len(np.unique(codes)) == 2:
        found["AUC"] = metrics.roc_auc_score(codes, output[:, 1])
    found["accuracy"] = np.mean(output.argmax(axis=1) == codes)
    return {name: float(value) for name, value in found.items()}


def output_of(model: Any, target: Target, features: Any) -> np.ndarray:
    """Probabilities of a classifier, predictions of a regressor."""
    return model.predict_proba(features) if target.is_classification else model.predict(features)
