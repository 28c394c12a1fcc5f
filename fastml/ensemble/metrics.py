"""Evaluation metrics by XGBoost's names, scikit-learn's scorer names, or as the user's function."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import numpy as np

from fastml.ensemble import scores

Task = Literal["regression", "binary", "multiclass"]
Needs = Literal["raw", "prediction", "label"]


@dataclass(frozen=True)
class Metric:
    """A score of predictions: what it needs, how to compute it, and which way is better.

    `function(y, given, weight)` takes y as class codes or targets (n,), weight (n,) or None, and as
    `given` what `needs` says, (n,), or (K, n) with more than two classes:

    - "raw": raw scores
    - "prediction": raw scores after the link: values, the probability of class 1, probabilities (K, n)
    - "label": class codes

    `raw_function`, if there is one, gives the same straight from raw scores when the link is `raw_link`.
    """

    name: str
    function: Callable[[np.ndarray, np.ndarray, np.ndarray | None], float]
    greater_is_better: bool
    needs: Needs
    raw_link: str | None = None
    raw_function: Callable[[np.ndarray, np.ndarray, np.ndarray | None], float] | None = None


_R, _B, _M = "regression", "binary", "multiclass"

#: XGBoost's names -> (tasks, metric)
XGBOOST_METRICS: dict[str, tuple[tuple[str, ...], Metric]] = {
    m.name: (tasks, m)
    for tasks, m in [
        ((_R, _B), Metric("rmse", scores.rmse, False, "prediction")),
        ((_R, _B), Metric("rmsle", scores.rmsle, False, "prediction")),
        ((_R, _B), Metric("mae", scores.mae, False, "prediction")),
        ((_R, _B), Metric("mape", scores.mape, False, "prediction")),
        ((_R, _B), Metric("mphe", scores.mphe, False, "prediction")),
        ((_B,), Metric("logloss", scores.log_loss, False, "prediction", "logistic", scores.log_loss_raw)),
        ((_B,), Metric("error", scores.error, False, "prediction", "logistic", partial(scores.error, threshold=0.0))),
        ((_B, _M), Metric("auc", scores.auc, True, "prediction", "logistic", scores.auc)),
        ((_B, _M), Metric("aucpr", scores.aucpr, True, "prediction", "logistic", scores.aucpr)),
        ((_M,), Metric("mlogloss", scores.log_loss_multi, False, "prediction", "softmax", scores.log_loss_multi_raw)),
        ((_M,), Metric("merror", scores.error_label, False, "label")),
    ]
}

DEFAULT = {"regression": "rmse", "binary": "logloss", "multiclass": "mlogloss"}


def default_metric(task: Task) -> Metric:
    """The metric that XGBoost reports for a task when none is named."""
    return XGBOOST_METRICS[DEFAULT[task]][1]


def is_greater_better(name: str) -> bool:
    """The direction of a metric by its name; a name that is not known is a loss, as in XGBoost."""
    if name in XGBOOST_METRICS:
        return XGBOOST_METRICS[name][1].greater_is_better
    if name.startswith("error@"):
        return False
    from sklearn.metrics import get_scorer_names

    return name in get_scorer_names()


def resolve_metric(metric: str | Callable | Metric, task: Task, n_classes: int = 0) -> Metric:
    """The metric for a name, a function or a scorer.

    Parameters
    ----------
    metric : str, callable or Metric
        XGBoost's name, or the name of a scikit-learn scorer, which is evaluated on the predictions at hand;
        a scorer from `make_scorer`; or f(y_true, y_pred[, sample_weight]) -> float, which is to be made
        small unless it has an attribute ``greater_is_better = True`` or is scikit-learn's function of a
        scorer. y_pred is (n,), or probabilities (n, K) with more than two classes.
    task : {"regression", "binary", "multiclass"}
    n_classes : int
        Number of classes, for the scorers that take `labels`.

    Raises
    ------
    ValueError
        An unknown name, or a metric that does not fit the task; the known ones are named.
    """
    if isinstance(metric, Metric):
        return metric
    if isinstance(metric, str):
        return _by_name(metric, task, n_classes)
    if hasattr(metric, "_score_func"):
        return _from_scorer(metric, _scorer_name(metric), task, n_classes)
    if callable(metric):
        return _from_function(metric, task, n_classes)
    raise TypeError(f"eval_metric={metric!r} must be a name, a function (y_true, y_pred) -> float, or a list of these")


def resolve_metrics(metrics: Any, task: Task, n_classes: int = 0) -> list[Metric]:
    """The metrics for `eval_metric`: None (XGBoost's default), one of them, or several."""
    if metrics is None:
        return [default_metric(task)]
    if isinstance(metrics, (str, Metric)) or not isinstance(metrics, Iterable):
        metrics = [metrics]
    resolved = [resolve_metric(metric, task, n_classes) for metric in metrics]
    if not resolved:
        raise ValueError("eval_metric is empty: name a metric, or leave it None")
    names = [metric.name for metric in resolved]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"eval_metric has {twice[0]!r} twice: its scores would be kept under one name")
    return resolved


def evaluate(
    metrics: Iterable[Metric],
    y: np.ndarray,
    raw: np.ndarray,
    weight: np.ndarray | None = None,
    link: str | Callable[[np.ndarray], np.ndarray] = "identity",
) -> dict[str, float]:
    """{name: score} of raw scores (n,) or (K, n).

    `link` takes raw scores to predictions: "identity", "logistic", "softmax", "log" (its inverse, that is),
    or a function; it is applied once, and only if a metric needs it.
    """
    link_name = link if isinstance(link, str) else getattr(link, "name", None)
    to_prediction = LINKS[link] if isinstance(link, str) else link
    prediction: np.ndarray | None = None
    result = {}
    for metric in metrics:
        if metric.raw_function is not None and metric.raw_link == link_name:
            result[metric.name] = float(metric.raw_function(y, raw, weight))
            continue
        given = raw
        if metric.needs == "prediction" or (metric.needs == "label" and raw.ndim == 1):
            prediction = to_prediction(raw) if prediction is None else prediction
            given = prediction
        if metric.needs == "label":
            given = np.argmax(raw, axis=0) if raw.ndim == 2 else (given > 0.5).astype(np.intp)
        result[metric.name] = float(metric.function(y, given, weight))
    return result


LINKS: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "identity": lambda raw: raw,
    "logistic": scores.logistic,
    "softmax": scores.softmax,
    "log": np.exp,
}


def _by_name(name: str, task: Task, n_classes: int) -> Metric:
    if name.startswith("error@"):
        return _error_at(name, task)
    if name in XGBOOST_METRICS:
        tasks, metric = XGBOOST_METRICS[name]
        if task not in tasks:
            raise ValueError(f"eval_metric={name!r} is not for {task} targets; for these: {', '.join(_known(task))}")
        return metric
    fast = FAST_SCORERS.get((name, task))
    if fast is not None:
        return replace(fast, name=name)
    from sklearn.metrics import get_scorer, get_scorer_names

    scorers = get_scorer_names()
    if name in scorers:
        return _from_scorer(get_scorer(name), name, task, n_classes)
    close = difflib.get_close_matches(name, [*XGBOOST_METRICS, *scorers], n=3)
    hint = f" Did you mean {' or '.join(map(repr, close))}?" if close else ""
    raise ValueError(
        f"eval_metric={name!r} is not known.{hint} Known for {task} targets: {', '.join(_known(task))}, "
        "each of sklearn.metrics.get_scorer_names(), or a function (y_true, y_pred) -> float"
    )


def _known(task: Task) -> list[str]:
    names = [name for name, (tasks, _) in XGBOOST_METRICS.items() if task in tasks]
    return [*names, "error@t"] if task == "binary" else names


def _error_at(name: str, task: Task) -> Metric:
    try:
        threshold = float(name.removeprefix("error@"))
    except ValueError:
        raise ValueError(f"eval_metric={name!r}: what follows error@ must be a number, as in error@0.7") from None
    if task != "binary":
        raise ValueError(f"eval_metric={name!r} is not for {task} targets; for these: {', '.join(_known(task))}")
    return Metric(name, partial(scores.error, threshold=threshold), False, "prediction")


def _negative(function: Callable) -> Callable:
    return lambda y, given, weight: -function(y, given, weight)


def _gain(function: Callable, needs: Needs, raw_link: str | None = None, raw: Callable | None = None) -> Metric:
    """A loss turned round into one of scikit-learn's scores."""
    return Metric("", _negative(function), True, needs, raw_link, _negative(raw) if raw else None)


def _accuracy(y: np.ndarray, label: np.ndarray, weight: np.ndarray | None) -> float:
    return 1.0 - scores.error_label(y, label, weight)


#: scikit-learn's scorers that run every round: the same numbers without its validation
FAST_SCORERS: dict[tuple[str, str], Metric] = {
    ("roc_auc", _B): Metric("", scores.auc, True, "prediction", "logistic", scores.auc),
    ("neg_log_loss", _B): _gain(scores.log_loss, "prediction", "logistic", scores.log_loss_raw),
    ("neg_log_loss", _M): _gain(scores.log_loss_multi, "prediction", "softmax", scores.log_loss_multi_raw),
    ("neg_brier_score", _B): _gain(scores.squared, "prediction"),
    ("accuracy", _B): Metric("", _accuracy, True, "label"),
    ("accuracy", _M): Metric("", _accuracy, True, "label"),
    ("neg_mean_squared_error", _R): _gain(scores.squared, "prediction"),
    ("neg_root_mean_squared_error", _R): _gain(scores.rmse, "prediction"),
    ("neg_mean_absolute_error", _R): _gain(scores.mae, "prediction"),
    ("r2", _R): Metric("", scores.r2, True, "prediction"),
}


def _scorer_name(scorer: Any) -> str:
    name = getattr(scorer._score_func, "__name__", "score")
    return name if scorer._sign > 0 else f"neg_{name}"


def _from_scorer(scorer: Any, name: str, task: Task, n_classes: int) -> Metric:
    """A scorer's function on predictions at hand, instead of one that predicts again.

    A scorer's own attributes are private, but have kept their names since scikit-learn 0.19 (the
    response method since 1.4); its public face only takes an estimator and X.
    """
    function, sign, options = scorer._score_func, scorer._sign, dict(scorer._kwargs)
    response = scorer._response_method
    responses = (response,) if isinstance(response, str) else tuple(response)
    wants_label = responses == ("predict",)
    if task == "regression" and not wants_label:
        raise ValueError(f"eval_metric={name!r} needs class probabilities: it is not for regression targets")
    accepted = inspect.signature(function).parameters
    if task != "regression" and not wants_label and "labels" in accepted:
        options.setdefault("labels", np.arange(max(n_classes, 2)))
    takes_weight = "sample_weight" in accepted

    def score(y: np.ndarray, given: np.ndarray, weight: np.ndarray | None) -> float:
        keywords = dict(options)
        if weight is not None:
            _need_weight(takes_weight, name)
            keywords["sample_weight"] = weight
        return sign * function(y, given.T if given.ndim == 2 else given, **keywords)

    return Metric(name, score, True, "label" if wants_label and task != "regression" else "prediction")


def _from_function(function: Callable, task: Task, n_classes: int) -> Metric:
    name = getattr(function, "__name__", None) or type(function).__name__
    takes_weight, n_required = _parameters(function)
    if n_required > 2:
        raise ValueError(
            f"eval_metric={name} asks for {n_required} arguments; it must be f(y_true, y_pred[, sample_weight]) "
            "-> float (for a scorer of (estimator, X, y), wrap its score function by sklearn.metrics.make_scorer)"
        )
    scorer = _scorer_of(function)
    of_labels = scorer is not None and task != "regression" and scorer._response_method == "predict"
    if of_labels and function.__module__ == "sklearn.metrics._classification":  # could only fail on probabilities
        return _from_scorer(scorer, name, task, n_classes)

    def score(y: np.ndarray, given: np.ndarray, weight: np.ndarray | None) -> float:
        given = np.ascontiguousarray(given.T) if given.ndim == 2 else given
        if weight is None:
            value = function(y, given)
        else:
            _need_weight(takes_weight, name)
            value = function(y, given, sample_weight=weight)
        if np.ndim(value) or not isinstance(value, (int, float, np.number, np.ndarray)):
            raise ValueError(f"eval_metric={name} returned {value!r}: it must return one number")
        return float(value)

    greater = getattr(function, "greater_is_better", scorer is not None and scorer._sign > 0)
    return Metric(name, score, bool(greater), "prediction")


def _scorer_of(function: Callable) -> Any:
    """scikit-learn's scorer that stands on this very function, which tells its direction; else None."""
    if not getattr(function, "__module__", "").startswith("sklearn.metrics"):
        return None
    from sklearn.metrics import get_scorer, get_scorer_names

    found = (get_scorer(name) for name in get_scorer_names())
    return next((s for s in found if getattr(s, "_score_func", None) is function), None)


def _parameters(function: Callable) -> tuple[bool, int]:
    """Whether sample_weight can be given by name, and how many arguments must be given."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # a function in C without a signature
        return False, 2
    takes = any(p.name == "sample_weight" or p.kind is p.VAR_KEYWORD for p in parameters)
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return takes, sum(p.kind in positional and p.default is p.empty and p.name != "sample_weight" for p in parameters)


def _need_weight(takes_weight: bool, name: str) -> None:
    if not takes_weight:
        raise ValueError(
            f"eval_metric={name} has no parameter sample_weight, but the validation rows have weights: "
            "add the parameter, or leave the weights out of the evaluation"
        )
