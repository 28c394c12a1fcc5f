"""What runs between two rounds: XGBoost's callback interface, and the printers behind `verbose=`."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

EvalsLog = dict[str, dict[str, list[float]]]

HOOKS = ("before_training", "before_iteration", "after_iteration", "after_training")


class TrainingCallback:
    """Base of callbacks for `callbacks=[...]`; XGBoost's interface, so its own classes work too.

    `model` gives the estimator's attributes and `num_boosted_rounds()`, `set_param("learning_rate", v)`,
    `set_attr(name=value)`. `evals_log` is ``{"validation_0": {"logloss": [0.6, 0.5]}}``, with one value
    for each round so far. `epoch` counts from 0 and goes on where a warm start left off.
    """

    stop_reason = "callback"

    def before_training(self, model: Any) -> Any:
        return model

    def before_iteration(self, model: Any, epoch: int, evals_log: EvalsLog) -> bool:
        """Return True to stop before this round."""
        return False

    def after_iteration(self, model: Any, epoch: int, evals_log: EvalsLog) -> bool:
        """Return True to stop after this round."""
        return False

    def after_training(self, model: Any) -> Any:
        return model


def check_callbacks(callbacks: Sequence[Any] | None) -> list[Any]:
    """The callbacks as a list, each once; TypeError for what is none."""
    callbacks = [] if callbacks is None else list(dict.fromkeys(callbacks))
    for callback in callbacks:
        if isinstance(callback, type):
            raise TypeError(f"callbacks has the class {callback.__name__}: give an instance, {callback.__name__}(...)")
        if hasattr(callback, "on_fit_task_end"):
            name = type(callback).__name__
            raise TypeError(f"callbacks has {name}, a callback of scikit-learn: use estimator.set_callbacks({name}())")
        if not any(hasattr(callback, hook) for hook in HOOKS):
            raise TypeError(f"callbacks has {callback!r}, which has none of the methods {', '.join(HOOKS)}")
    return callbacks


class LearningRateScheduler(TrainingCallback):
    """Set the learning rate of the next round: a function of the round's number, or one value a round."""

    def __init__(self, learning_rates: Callable[[int], float] | Sequence[float]) -> None:
        if not callable(learning_rates) and not isinstance(learning_rates, Sequence):
            raise TypeError(f"learning_rates={learning_rates!r} must be a function of the round or a sequence")
        self.learning_rates = learning_rates

    def before_iteration(self, model: Any, epoch: int, evals_log: EvalsLog) -> bool:
        rates = self.learning_rates
        if not callable(rates) and epoch >= len(rates):
            raise ValueError(f"learning_rates has {len(rates)} values, too few for round {epoch}: give one a round")
        model.set_param("learning_rate", float(rates(epoch) if callable(rates) else rates[epoch]))
        return False


class EvaluationMonitor(TrainingCallback):
    r"""Print ``[10]\tvalidation_0-logloss:0.45012`` after each `period`-th round and after the last one."""

    def __init__(self, period: int = 1, logger: Callable[[str], Any] | None = None) -> None:
        if period < 1:
            raise ValueError(f"period={period} must be >= 1: it is a number of rounds")
        self.period = period
        self.logger = logger
        self._held: str | None = None

    def after_iteration(self, model: Any, epoch: int, evals_log: EvalsLog) -> bool:
        if evals_log:
            scores = (f"\t{d}-{m}:{v[-1]:.5f}" for d, metrics in evals_log.items() for m, v in metrics.items())
            self._held = f"[{epoch}]" + "".join(scores)
            if epoch % self.period == 0:
                self._flush()
        return False

    def after_training(self, model: Any) -> Any:
        self._flush()
        return model

    def _flush(self) -> None:
        if self._held is not None:
            (self.logger or _print)(self._held)
        self._held = None


class ProgressTable(TrainingCallback):
    """Print scikit-learn's table for `verbose` of GradientBoosting: round, train loss, time that remains.

    verbose=1 prints rounds 1..10, then each 10th, each 100th and so on; more prints every round.
    Reads the train loss, and the out-of-bag improvement if it is there, from ``evals_log["train"]``.
    """

    COLUMNS = {"loss": "Train Loss", "oob_improvement": "OOB Improve"}

    def __init__(self, n_rounds: int, verbose: int = 1) -> None:
        self.n_rounds = n_rounds
        self.verbose = verbose
        self._start: float | None = None
        self._first = 0

    def before_iteration(self, model: Any, epoch: int, evals_log: EvalsLog) -> bool:
        if self._start is None:
            self._start, self._first = time.perf_counter(), epoch
        return False

    def after_iteration(self, model: Any, epoch: int, evals_log: EvalsLog) -> bool:
        train = {k: v for k, v in evals_log.get("train", {}).items() if k in self.COLUMNS}
        if epoch == self._first:
            _print(" ".join([f"{'Iter':>10}", *(f"{self.COLUMNS[k]:>16}" for k in train), f"{'Remaining Time':>16}"]))
        done = epoch - self._first + 1
        step = 1 if self.verbose > 1 else 10 ** (len(str(done)) - 1)
        if done % step == 0:
            elapsed = time.perf_counter() - (self._start or 0.0)
            remaining = (self.n_rounds - epoch - 1) * elapsed / done
            shown = f"{remaining / 60:.2f}m" if remaining > 60 else f"{remaining:.2f}s"
            _print(" ".join([f"{epoch + 1:>10}", *(f"{v[-1]:>16.4f}" for v in train.values()), f"{shown:>16}"]))
        return False

    def before_training(self, model: Any) -> Any:
        self._start = None
        return model


class Monitor(TrainingCallback):
    """scikit-learn's `fit(monitor=f)`: f(round, estimator, local variables) returns True to stop."""

    def __init__(self, function: Callable[[int, Any, dict], Any], estimator: Any) -> None:
        if not callable(function):
            raise TypeError(f"monitor={function!r} must be a function of (round, estimator, local variables)")
        self.function = function
        self.estimator = estimator

    def after_iteration(self, model: Any, epoch: int, evals_log: EvalsLog) -> bool:
        return bool(self.function(epoch, self.estimator, {"evals_log": evals_log}))


def _print(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - only ever called because verbose asked for it
