"""What first-order boosting starts from: `init`, an estimator of the user's, zero, or the best constant."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml.base import clone, is_classifier
from fastml.ensemble.rows import Rows
from fastml.ensemble.scores import logistic, softmax


def fit_init(estimator: Any, X: Any, rows: Rows, train: NDArray[np.int64] | None) -> None:
    """Set `_start`, the raw scores (n_outputs,) of every row, and `_init`, None or the fitted estimator or "zero"."""
    loss = estimator._loss
    y = rows.y if train is None else rows.y[train]
    weight = rows.weight if train is None or rows.weight is None else rows.weight[train]
    estimator._start = np.zeros(loss.n_outputs)
    estimator._init = estimator.init
    if estimator.init is None:
        there = slice(None) if weight is None or weight.all() else weight > 0
        estimator._start = loss.start(y[there], None if weight is None else weight[there])
    elif not isinstance(estimator.init, str):
        estimator._init = clone(estimator.init, safe=False)
        _fit(estimator._init, X if train is None else _rows_of(X, train), y.astype(np.float64), weight)


def _fit(init: Any, X: Any, y: NDArray[Any], weight: NDArray[np.float64] | None) -> None:
    """Fit, with weights only if there are any; a clear error where they are not taken."""
    if weight is None:
        init.fit(X, y)
        return
    try:
        init.fit(X, y, sample_weight=weight)
    except (TypeError, ValueError) as error:
        refuses = "unexpected keyword argument 'sample_weight'" in str(error) or (
            "pass parameters to specific steps of your pipeline using the stepname__parameter" in str(error)
        )
        if not refuses:
            raise
        raise ValueError(f"The initial estimator {type(init).__name__} does not support sample weights.") from error


def _rows_of(X: Any, train: NDArray[np.int64]) -> Any:
    from sklearn.utils import _safe_indexing

    return _safe_indexing(X.tocsr() if hasattr(X, "tocsr") else X, train)


def initial_scores(estimator: Any, X: Any) -> NDArray[np.float64] | None:
    """Raw scores of a fitted `init`, (n_outputs, n_samples); None where all rows start from `_start`."""
    init = estimator._init
    if init is None or isinstance(init, str):
        return None
    if not is_classifier(estimator):
        return np.array(init.predict(X), dtype=np.float64).reshape(1, -1)
    smallest = np.finfo(np.float64).eps
    p = np.clip(np.asarray(init.predict_proba(X), dtype=np.float64), smallest, 1 - smallest).T
    if estimator._loss.n_outputs > 1:
        scores = np.log(p)
        return scores - scores.mean(axis=0)
    odds = np.log(p[1] / (1 - p[1]))[None]
    return 0.5 * odds if estimator._loss.name == "exponential" else odds


def constant_init(estimator: Any) -> Any:
    """scikit-learn's dummy that predicts the constant from which the fit started."""
    from sklearn.dummy import DummyClassifier, DummyRegressor

    start = estimator._start
    if not is_classifier(estimator):
        return DummyRegressor(strategy="constant", constant=start[0]).fit(np.zeros((1, 1)), start)
    if len(start) == 1:
        p = logistic(start * (2.0 if estimator._loss.name == "exponential" else 1.0))[0]
        shares = np.array([1.0 - p, p])
    else:
        shares = softmax(start[:, None])[:, 0]
    codes = np.arange(len(shares), dtype=np.float64)
    return DummyClassifier(strategy="prior").fit(codes[:, None], codes, sample_weight=shares)
