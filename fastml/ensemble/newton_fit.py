"""The fit of XGBClassifier and XGBRegressor: check, bin, boost round by round, name the results."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml._engines.histogram_grower import sample_rows
from fastml.base import fit_tasks
from fastml.data.validation import check_parameters, check_same_length, fit_table, predict_table
from fastml.data.weights import check_sample_weight
from fastml.ensemble.boosting import Boosting
from fastml.ensemble.early_stopping import EarlyStopping, split_validation
from fastml.ensemble.metrics import evaluate, resolve_metrics
from fastml.ensemble.newton_results import check_margin
from fastml.ensemble.rounds import Rounds
from fastml.ensemble.rows import Rows
from fastml.ensemble.tree_methods import resolve
from fastml.losses import BinaryLogistic, Softmax, SquaredError
from fastml.threads import effective_threads

_TASK_OBJECTIVES = {
    "regression": ("reg:squarederror",),
    "binary": ("binary:logistic",),
    "multiclass": ("multi:softprob", "multi:softmax"),
}


def fit_newton(
    estimator: Any, X: Any, y: Any, task: str, encode: Callable[[Any], NDArray[Any]], *, sample_weight: Any,
    base_margin: Any, eval_set: Any, sample_weight_eval_set: Any, validation: tuple[Any, Any, Any], groups: Any,
    verbose: bool | int,
) -> None:  # fmt: skip
    """Fit an XGB estimator; `encode` makes numbers of targets."""
    check_parameters(estimator)
    estimator._check_method()
    table = fit_table(estimator, X, categorical=estimator.categorical_features, unseen=estimator.unseen)
    target = encode(y) if task == "regression" else y
    check_same_length(X=table.n_samples, y=len(target))
    weight = check_sample_weight(sample_weight, table.n_samples)
    if task != "regression":
        weight = estimator._final_weight(target, weight)
    loss = make_loss(estimator, target, task)
    margin = None if base_margin is None else check_margin(base_margin, loss.n_outputs, table.n_samples)
    rows = Rows(table, target, weight, margin)
    evaluated = open_eval_sets(estimator, encode, eval_set, sample_weight_eval_set, validation)
    everything = rows
    if estimator.validation_fraction is not None or estimator.splitter is not None:
        if evaluated:
            raise ValueError("give either an eval_set (or X_val) or validation_fraction (or splitter), not both")
        rows, held_out = split_rows(estimator, rows, task, groups)
        evaluated = [held_out]
    elif groups is not None:
        raise ValueError("groups has no use without validation_fraction or splitter")
    if estimator.early_stopping_rounds is not None and not evaluated:
        raise ValueError(
            f"early_stopping_rounds={estimator.early_stopping_rounds} needs rows to score: "
            "give fit an eval_set, or X_val and y_val, or set validation_fraction or splitter"
        )
    metrics = resolve_metrics(estimator.eval_metric, task, loss.n_outputs)  # type: ignore[arg-type]
    estimator._loss = loss
    estimator._best_iteration = estimator._best_score = None
    boost(estimator, rows, evaluated, metrics, int(estimator._value("n_estimators")), verbose, (X, y))
    if estimator.refit and rows is not everything:
        refit_on_all(estimator, everything)


def refit_on_all(estimator: Any, rows: Rows) -> None:
    """Boost again on every row, for as many rounds as were best; scores and best round stay as they were found."""
    n_rounds = estimator.n_estimators_
    if estimator._best_iteration is not None:
        n_rounds = estimator._best_iteration + 1
    kept = {name: getattr(estimator, name) for name in ("_best_iteration", "_best_score", "_evals_log", "stop_reason_")}
    boost(estimator, rows, [], [], n_rounds, False)
    for name, value in kept.items():
        setattr(estimator, name, value)


def boost(
    estimator: Any, rows: Rows, evaluated: list[Rows], metrics: list[Any], n_rounds: int, verbose: bool | int,
    given: tuple[Any, Any] = (None, None),
) -> None:  # fmt: skip
    """The rounds. `given`: X and y as the user gave them, for scikit-learn's callbacks."""
    if resolve(estimator.tree_method) != "hist":
        rows = rows.with_weight()
    n, loss = rows.table.n_samples, estimator._loss
    threads = effective_threads(estimator.n_jobs, 4.0 * n * rows.table.n_features * loss.n_outputs)
    seed = estimator._seed()
    options = estimator._grow_options(seed)
    columns = estimator._columns(rows.table, rows.weight, threads)
    start = start_scores(estimator, rows)
    # Small whole numbers and float32 targets lose nothing in float32, and take half of the bandwidth.
    y32 = rows.y.astype(np.float32)
    y = y32 if np.array_equal(y32, rows.y) else rows.y
    boosting = Boosting(
        columns, y, rows.weight, start if rows.margin is None else rows.margin, loss, options, threads,
    )  # fmt: skip
    del y32, y
    for part in evaluated:
        part.start(columns, start, threads)
    stopping = early_stopping(estimator, evaluated, metrics)
    callbacks = [*(estimator.callbacks or []), *([] if stopping is None else [stopping])]
    subsample = float(estimator._value("subsample"))

    def fitted() -> dict[str, Any]:
        """The estimator's attributes as the rounds so far make them."""
        best = (None, None) if stopping is None else (stopping.best_iteration, stopping.best_score)
        return {
            "_fitted": columns.fitted(boosting.builder.freeze(), start), "n_estimators_": loop.n_done,
            "stop_reason_": loop.stop_reason, "_evals_log": loop.evals_log,
            "_best_iteration": best[0], "_best_score": best[1],
        }  # fmt: skip

    with fit_tasks(estimator, n_rounds, X=given[0], y=given[1]) as tasks:
        with Rounds(
            n_rounds, verbose=verbose, max_time=estimator.max_time, callbacks=callbacks, estimator=estimator,
            tasks=tasks, fitted=fitted,
        ) as loop:  # fmt: skip
            for iteration in loop:
                if loop.learning_rate is not None:
                    boosting.grower.set_learning_rate(loop.learning_rate)
                trees = boosting.round(sample_rows(n, subsample, seed, iteration) if subsample < 1.0 else None)
                if evaluated:
                    boosting.score_trees(trees, evaluated)
                    loop.report({
                        f"validation_{i}": evaluate(metrics, part.y, flat(part.raw), part.weight, loss.link)
                        for i, part in enumerate(evaluated)
                    })
        vars(estimator).update(fitted())


def early_stopping(estimator: Any, evaluated: list[Rows], metrics: list[Any]) -> EarlyStopping | None:
    """What watches the last metric of the last rows."""
    if estimator.early_stopping_rounds is None or not evaluated:
        return None
    last = metrics[-1]
    return EarlyStopping(estimator.early_stopping_rounds, metric_name=last.name, maximize=last.greater_is_better)


def flat(raw: Any) -> Any:
    """(n,) of one output, (K, n) of several."""
    return raw[0] if len(raw) == 1 else raw


def make_loss(estimator: Any, y: NDArray[Any], task: str) -> Any:
    """The loss that `objective` names for this kind of target, or the user's, compiled and checked."""
    objective = estimator.objective
    n_classes = int(y.max()) + 1 if task == "multiclass" else 2
    if callable(objective) or (objective is not None and not isinstance(objective, str)):
        from fastml.jit import compile_loss

        link = {"regression": "identity", "binary": "logistic", "multiclass": "softmax"}[task]
        n_outputs = n_classes if task == "multiclass" else 1
        return compile_loss(objective, y.astype(np.float64), n_outputs=n_outputs, link=link)
    if objective is not None and objective not in _TASK_OBJECTIVES[task]:
        raise ValueError(
            f"objective={objective!r} does not fit this target, which is {task}: "
            f"use {' or '.join(map(repr, _TASK_OBJECTIVES[task]))}, or leave it None"
        )
    if task == "regression":
        return SquaredError()
    return BinaryLogistic() if task == "binary" else Softmax(n_classes)


def start_scores(estimator: Any, rows: Rows) -> NDArray[np.float64]:
    """Raw scores before the first tree: of `base_score`, or the constant with the smallest loss."""
    loss, base = estimator._loss, estimator.base_score
    if base is None:
        return loss.start(rows.y, rows.weight)
    if loss.link == "logistic":
        if not 0 < base < 1:
            raise ValueError(f"base_score={base} must lie between 0 and 1: it is a probability")
        base = np.log(base / (1 - base))
    return np.full(loss.n_outputs, float(base))


def open_eval_sets(
    estimator: Any, encode: Callable[[Any], NDArray[Any]], eval_set: Any, weights: Any, validation: tuple[Any, Any, Any]
) -> list[Rows]:
    """The rows to score, read as those of the fit."""
    X_val, y_val, weight_val = validation
    if (X_val is None) != (y_val is None):
        given, lacking = ("X_val", "y_val") if y_val is None else ("y_val", "X_val")
        raise ValueError(f"{given} is provided, but {lacking} was not provided")
    pairs = [] if eval_set is None else list(eval_set)
    if weights is not None and len(weights) != len(pairs):
        raise ValueError(f"sample_weight_eval_set has {len(weights)} entries and eval_set {len(pairs)}: give one each")
    pair_weights = [None] * len(pairs) if weights is None else list(weights)
    if X_val is not None:
        pairs.append((X_val, y_val))
        pair_weights.append(weight_val)
    opened = []
    for i, (pair, weight) in enumerate(zip(pairs, pair_weights, strict=True)):
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise ValueError(f"eval_set[{i}] must be a pair (X, y)")
        table = predict_table(estimator, pair[0])
        y = encode(pair[1])
        check_same_length(**{f"eval_set[{i}][0]": table.n_samples, f"eval_set[{i}][1]": len(y)})
        opened.append(Rows(table, y, check_sample_weight(weight, len(y))))
    return opened


def split_rows(estimator: Any, rows: Rows, task: str, groups: Any) -> tuple[Rows, Rows]:
    """Rows to train on and rows to score."""
    train, held_out = split_validation(
        rows.y, validation_fraction=estimator.validation_fraction, splitter=estimator.splitter, groups=groups,
        stratify=task != "regression", sample_weight=rows.weight, random_state=estimator.random_state,
    )  # fmt: skip
    return rows.take(train), rows.take(held_out)
