"""`fastml train`: read, fit, evaluate, save, draw, and say what came of it."""

from __future__ import annotations

import inspect
import time
from argparse import Namespace
from typing import Any

import numpy as np

from fastml.cli.clusters import train_clusters
from fastml.cli.describe import check_places, describe_model
from fastml.cli.errors import CommandError
from fastml.cli.models import CLUSTERINGS, Model, find_model
from fastml.cli.progress import Progress, progress
from fastml.cli.report import Stopwatch, say, say_importances
from fastml.cli.rows import Rows, TrainingData, load
from fastml.cli.scores import output_of, scores
from fastml.cli.settings import parse_settings

SHARE_TO_VALIDATE = 0.2


def train(options: Namespace) -> None:
    """Run the command."""
    if options.model in CLUSTERINGS:
        train_clusters(options)
        return
    clock = Stopwatch()
    kind = find_model(options.model)
    _check_options(options)
    check_places(options)
    with clock.stage("read"):
        data = load(options)
    model = _make(kind, options, data)
    for title, text in data.facts.items():
        say(title, text)
    say("model", describe_model(model))
    evals_result = _fit(model, data, clock, with_curve=options.plot is not None)
    shown, name = (data.valid, "validation") if data.valid is not None else (data.train, "training")
    with clock.stage("evaluate"):
        output = output_of(model, data.target, shown.X)
        found = scores(data.target, shown.y, output)
    if options.save:
        with clock.stage("save"):
            model.save(options.save)
    if options.plot:
        with clock.stage("plot"):
            _draw(options.plot, model, data, evals_result, shown, output)
    say("time", str(clock))
    say("scores", ", ".join(f"{metric} {value:.4f}" for metric, value in found.items()) + f" ({name} rows)")
    if hasattr(model, "feature_importances_"):
        say_importances(data.feature_names, model.feature_importances_)
    say("model", f"saved to {options.save}" if options.save else "not saved: --save PATH does")
    if options.plot:
        say("picture", f"saved to {options.plot}")


def _check_options(options: Namespace) -> None:
    """What a model with a target needs, and what it does not take."""
    if options.target is None:
        raise CommandError(f"--target COLUMN: --model {options.model} needs a column to predict")
    for name in ("scale", "out"):
        if getattr(options, name) is not None:
            raise CommandError(f"--{name} is for clusterings ({', '.join(CLUSTERINGS)}), not --model {options.model}")
    if options.valid is None:
        options.valid = SHARE_TO_VALIDATE


def _make(kind: Model, options: Namespace, data: TrainingData) -> Any:
    """The estimator, with the parameters that the command line chose."""
    estimator = kind.estimator_class(data.target)
    known = estimator().get_params()
    parameters = kind.defaults | {"random_state": options.seed}
    if data.target.is_classification:
        parameters |= kind.of_classes
    if options.jobs is not None:
        parameters["n_jobs"] = options.jobs
    if kind.patience and data.valid is not None:
        parameters["early_stopping_rounds"] = kind.patience
    parameters |= parse_settings(options.settings, known, estimator.__name__)
    return estimator(**{name: value for name, value in parameters.items() if name in known or name in kind.defaults})


def _fit(model: Any, data: TrainingData, clock: Stopwatch, with_curve: bool) -> dict[str, Any]:
    """Fit with progress; returns the scores of each round, {"training": {metric: values}, "validation": ...}.

    For a learning curve the scores on training rows are wanted too: on as many of them as there are to validate on.
    """
    names, eval_set = [], []
    if data.valid is not None and "eval_set" in inspect.signature(model.fit).parameters:
        if with_curve:
            few = _sample(data.train, len(data.valid))
            names, eval_set = ["training"], [(few.X, few.y)]
        names, eval_set = [*names, "validation"], [*eval_set, (data.valid.X, data.valid.y)]
    start = time.perf_counter()
    try:
        with progress(model.get_params().get("n_estimators")) as shown:
            _run_fit(model, data.train, eval_set, shown)
    except (ValueError, TypeError) as error:
        raise CommandError(str(error)) from error
    end = time.perf_counter()
    if shown.began is not None:
        clock.add("bin", shown.began - start)
    clock.add("fit", end - (shown.began or start))
    say("fitted", _extent(model, shown, bool(eval_set)))
    if not eval_set:
        return {}
    return dict(zip(names, model.evals_result().values(), strict=True))


def _extent(model: Any, shown: Progress, was_scored: bool) -> str:
    """How much was fitted: rounds, members or leaves."""
    if hasattr(model, "get_n_leaves"):
        return f"{model.get_n_leaves()} leaves, {model.get_depth()} splits on the longest path"
    if hasattr(model, "support_"):
        return f"{len(model.support_)} support vectors, a KKT gap of {model.gap_:.2g} (tol {model.tol:g})"
    if hasattr(model, "estimator_weights_"):
        return f"{len(model.estimators_)} members"
    rounds = f"{shown.n_done} rounds"
    if was_scored and getattr(model, "best_iteration", None) is not None:
        rounds += f", the best of them {model.best_iteration + 1}"
    return rounds


def _run_fit(model: Any, rows: Rows, eval_set: list[tuple[Any, Any]], shown: Progress) -> None:
    """Call fit with what it takes: the progress is a callback, the validation rows are an eval_set."""
    if "callbacks" in model.get_params():
        model.set_params(callbacks=[shown])
    try:
        if eval_set:
            model.fit(rows.X, rows.y, eval_set=eval_set, verbose=False)
        else:
            model.fit(rows.X, rows.y)
    finally:
        if "callbacks" in model.get_params():
            model.set_params(callbacks=None)


def _sample(rows: Rows, n_samples: int) -> Rows:
    """Every k-th of the rows, so that about `n_samples` remain."""
    step = max(1, len(rows) // n_samples)
    return rows.where(np.arange(len(rows)) % step == 0)


def _draw(path: str, model: Any, data: TrainingData, evals: dict[str, Any], rows: Rows, output: np.ndarray) -> None:
    from fastml.plotting import draw_training

    draw_training(
        path,
        evals_result=evals,
        best_iteration=getattr(model, "best_iteration", None) if evals else None,
        feature_names=data.feature_names,
        importances=getattr(model, "feature_importances_", None),
        y_true=rows.y,
        output=output,
        classes=data.target.classes,
        title=f"{type(model).__name__}: {data.target.name}",
    )
