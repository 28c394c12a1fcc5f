"""The fit of GradientBoostingClassifier and -Regressor: check, start, boost with line searches, name the results."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml._engines.histogram_grower import sample_exactly
from fastml.base import fit_tasks
from fastml.data.validation import check_parameters, check_same_length, fit_table, predict_table
from fastml.data.weights import check_sample_weight
from fastml.ensemble.boosting import Boosting
from fastml.ensemble.callbacks import Monitor, ProgressTable
from fastml.ensemble.early_stopping import NoChange
from fastml.ensemble.gradient_scores import Scores
from fastml.ensemble.initial_scores import fit_init, initial_scores
from fastml.ensemble.rounds import Rounds
from fastml.ensemble.rows import Rows
from fastml.losses import Leaves
from fastml.threads import effective_threads
from fastml.tree.pruning import prune

Places = NDArray[np.int64] | None  # numbers of rows; None: all


def fit_gradient(
    estimator: Any, X: Any, y: Any, sample_weight: Any, monitor: Any, validation: tuple[Any, Any, Any]
) -> None:
    """Fit an estimator, or go on with it where `warm_start` says so."""
    check_parameters(estimator)
    estimator._check_method()
    estimator._check_init()
    goes_on = estimator.warm_start and hasattr(estimator, "_fitted")
    if goes_on:
        table = predict_table(estimator, X)
    else:
        estimator._forget()
        table = fit_table(estimator, X, categorical=estimator.categorical_features, unseen=estimator.unseen)
    n_before = estimator.n_estimators_ if goes_on else 0
    if estimator.n_estimators < n_before:
        raise ValueError(
            f"n_estimators={estimator.n_estimators} must be larger or equal to n_estimators_={n_before} when "
            "warm_start==True: rounds are added, not taken away"
        )
    weight = check_sample_weight(sample_weight, table.n_samples)
    target = estimator._target(y, weight, goes_on)
    check_same_length(X=table.n_samples, y=len(target))
    estimator.max_features_ = estimator._max_features()
    rows = Rows(table, target, weight)
    train, held_out = split_rows(estimator, rows, validation)
    n_rounds = estimator.n_estimators - n_before
    if n_rounds == 0:
        return
    fit_on(estimator, (X, y), rows, train, held_out, n_rounds, monitor)
    if estimator.refit and train is not None and not goes_on:
        n_rounds, reason = estimator.n_estimators_, estimator.stop_reason_
        estimator._forget()
        fit_on(estimator, (X, y), rows, None, None, n_rounds, None)
        estimator.stop_reason_ = reason


def split_rows(estimator: Any, rows: Rows, validation: tuple[Any, Any, Any]) -> tuple[Places, Any]:
    """(rows to train on, what is scored each round: rows of the table, other rows (X, Rows), or None)."""
    X_val, y_val, weight_val = validation
    if (X_val is None) != (y_val is None):
        given, lacking = ("X_val", "y_val") if y_val is None else ("y_val", "X_val")
        raise ValueError(f"{given} is provided, but {lacking} was not provided")
    if X_val is not None:
        table = predict_table(estimator, X_val)
        y = estimator._target(y_val, None, True)
        check_same_length(X_val=table.n_samples, y_val=len(y))
        return None, (X_val, Rows(table, y, check_sample_weight(weight_val, len(y))))
    if estimator.n_iter_no_change is None:
        return None, None
    from sklearn.model_selection import train_test_split

    classes = getattr(estimator, "classes_", None)
    train, held_out = train_test_split(
        np.arange(len(rows.y)), random_state=estimator.random_state, test_size=estimator.validation_fraction,
        stratify=None if classes is None else rows.y,
    )  # fmt: skip
    if classes is not None and len(np.unique(rows.y[train])) != len(classes):
        raise ValueError(
            "The training data after the early stopping split is missing some classes. Try using another random seed, "
            "or a smaller validation_fraction."
        )
    return train, held_out


def fit_on(
    estimator: Any, given: tuple[Any, Any], rows: Rows, train: Places, held_out: Any, n_rounds: int, monitor: Any
) -> None:
    """Boost on the rows numbered `train`."""
    X = given[0]
    if not hasattr(estimator, "_fitted"):
        fit_init(estimator, X, rows, train)
    rows.margin = raw_so_far(estimator, X, rows.table)
    if isinstance(held_out, np.ndarray):
        held_out = rows.take(held_out)
    elif held_out is not None:
        X_val, held_out = held_out
        held_out.margin = raw_so_far(estimator, X_val, held_out.table)
    if rows.weight is not None and not rows.weight.all():  # a row without weight is as good as absent
        train = np.arange(len(rows.y)) if train is None else train
        train = train[rows.weight[train] > 0]
    boost(estimator, rows if train is None else rows.take(train), held_out, n_rounds, monitor, given)


def raw_so_far(estimator: Any, X: Any, table: Any) -> NDArray[np.float64] | None:
    """Raw scores by `init` and the trees that are there, (n_outputs, n); None where all rows start from one."""
    scores = initial_scores(estimator, X)
    fitted = getattr(estimator, "_fitted", None)
    if fitted is None:
        return scores
    n_trees = fitted.forest.n_trees
    return fitted.raw(table, (0, n_trees), effective_threads(estimator.n_jobs, 2.0 * table.n_samples * n_trees), scores)


def boost(
    estimator: Any, rows: Rows, held_out: Rows | None, n_rounds: int, monitor: Any, given: tuple[Any, Any]
) -> None:
    """The rounds. `given`: X and y as the user gave them, for scikit-learn's callbacks."""
    n, loss, before = rows.table.n_samples, estimator._loss, getattr(estimator, "_fitted", None)
    threads = effective_threads(estimator.n_jobs, 4.0 * n * rows.table.n_features * loss.n_outputs)
    if before is None:
        estimator._seed = estimator._draw_seed()
    options = estimator._grow_options(n, rows.weight is not None, estimator._seed)
    columns = estimator._columns(rows.table, rows.weight, threads, before)
    first = 0 if before is None else estimator.n_estimators_
    boosting = Boosting(
        columns, rows.y, rows.weight, estimator._start if rows.margin is None else rows.margin, loss, options, threads,
        first,
    )  # fmt: skip
    if before is not None:
        boosting.builder.extend(before.forest)
    if held_out is not None:
        held_out.start(columns, estimator._start, threads)
    scores = Scores.of(estimator)
    stopping = None
    if held_out is not None and estimator.n_iter_no_change is not None:
        stopping = NoChange(estimator.n_iter_no_change, estimator.tol)
    stages = list(getattr(estimator, "_stages", []))
    grown_with = {"max_depth": estimator.max_depth, "min_impurity_decrease": estimator.min_impurity_decrease}

    def fitted() -> dict[str, Any]:
        """The estimator's attributes as the rounds so far make them."""
        n_stages = boosting.builder.n_trees // loss.n_outputs
        return {
            "_fitted": columns.fitted(boosting.builder.freeze(), estimator._start), "n_estimators_": n_stages,
            "_stages": stages + [grown_with] * (n_stages - len(stages)), "stop_reason_": loop.stop_reason,
            **scores.attributes(estimator),
        }  # fmt: skip

    callbacks = list(estimator.callbacks or [])
    if estimator.verbose:
        callbacks.append(ProgressTable(first + n_rounds, estimator.verbose))
    if monitor is not None:
        callbacks.append(Monitor(monitor, estimator))
    with (
        fit_tasks(estimator, n_rounds, X=given[0], y=given[1]) as tasks,
        Rounds(
            n_rounds, start=first, max_time=estimator.max_time, callbacks=callbacks, estimator=estimator, tasks=tasks,
            fitted=fitted,
        ) as loop,
    ):  # fmt: skip
        for iteration in loop:
            drawn = draw_rows(n, estimator.subsample, estimator._seed, iteration)
            if drawn is not None and iteration == 0:
                scores.start(loss, rows, boosting.raw, drawn)
            rate = estimator.learning_rate if loop.learning_rate is None else loop.learning_rate
            trees = one_round(estimator, boosting, rows, drawn, rate)
            scores.add(loss, rows, boosting.raw, drawn)
            loop.report({"train": scores.last()})
            if held_out is not None:
                boosting.score_trees(trees, [held_out])
                validation_loss = loss.score(held_out.y, held_out.raw, held_out.weight)
                loop.report({"validation_0": {"loss": validation_loss}})
                if stopping is not None and stopping.update(validation_loss):
                    loop.stop("early_stopping")
            if monitor is not None:
                vars(estimator).update(fitted())
    vars(estimator).update(fitted())


def draw_rows(n: int, subsample: float, seed: int, iteration: int) -> NDArray[np.uint8] | None:
    """Which rows a round sees, exactly max(1, floor(subsample * n)) of them; None: all."""
    return None if subsample == 1.0 else sample_exactly(n, max(1, int(subsample * n)), seed, iteration)


def one_round(
    estimator: Any, boosting: Boosting, rows: Rows, drawn: NDArray[np.uint8] | None, learning_rate: float
) -> list[Any]:
    """Grow trees on the negative gradient, prune them, and give their leaves what takes the most off the loss."""
    loss = boosting.loss
    if loss.adapt(rows.y, boosting.raw, rows.weight):
        boosting.gradients.set_params(loss.params)
    boosting.differentiate()
    chosen = slice(None) if drawn is None else np.flatnonzero(drawn)
    y, raw = rows.y[chosen], boosting.gradients.raw[:, chosen]
    weight = None if rows.weight is None else rows.weight[chosen]
    in_bag = float(len(y) if weight is None else weight.sum())
    boosting.grower.set_least(*estimator._least(len(rows.y), weight is not None, in_bag))
    trees = boosting.grow(drawn)
    leaf_of = boosting.gradients.leaf_of
    if estimator.ccp_alpha > 0:
        trees = [prune(tree, estimator.ccp_alpha * in_bag, leaf_of[k]) for k, tree in enumerate(trees)]
    leaves = [Leaves(leaf_of[k][chosen], len(tree[0])) for k, tree in enumerate(trees)]
    for (nodes, *_), values in zip(trees, loss.line_search(y, raw, weight, leaves), strict=True):
        is_leaf = nodes["left"] == 0
        nodes["value"][is_leaf] = learning_rate * values[is_leaf]
    boosting.take_up(trees)
    return trees
