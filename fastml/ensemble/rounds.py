"""The loop over rounds: Ctrl-C, a time budget, callbacks and progress, and next to nothing when none is asked for."""

from __future__ import annotations

import logging
import signal
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any

from fastml._engines.runtime import unwatch_interrupt, watch_interrupt
from fastml.base import FitTasks
from fastml.ensemble.callbacks import EvalsLog, EvaluationMonitor, check_callbacks
from fastml.exceptions import FitInterrupted
from fastml.interrupts import is_ours

logger = logging.getLogger(__name__)


class Rounds:
    """A loop that ends after `n_rounds`, or between two rounds for one of the reasons below.

        with Rounds(n_estimators, verbose=verbose, max_time=max_time, callbacks=callbacks, estimator=self) as loop:
            for iteration in loop:
                ...
                loop.report({"validation_0": {"logloss": 0.45}})     # only if something was evaluated
        self.n_done, self.stop_reason = loop.n_done, loop.stop_reason

    The hooks of a round run when the loop asks for the next one, so the body leaves by `loop.stop(reason)`
    and not by `break`. At least one round is done, whatever the budget.

    Parameters
    ----------
    n_rounds : int
        Rounds to do here.
    start : int
        Number of the first round: the rounds that a warm start found.
    verbose : bool or int
        Print the reported scores each round, or each `verbose`-th round.
    max_time : float, optional
        Seconds from entering the loop after which no further round begins.
    callbacks : sequence, optional
        Objects with XGBoost's callback methods; see `TrainingCallback`.
    estimator : object, optional
        What callbacks see the attributes of.
    tasks : FitTasks, optional
        scikit-learn's callbacks, from `fastml.base.fit_tasks`; each round is a task.
    fitted : callable, optional
        () -> dict of fitted attributes as if the fit had stopped now; for scikit-learn's callbacks.

    Attributes
    ----------
    n_done : int
        Rounds done here.
    stop_reason : str or None
        None, "interrupt", "max_time", "early_stopping", "callback", or what `stop` was given.
    evals_log : dict
        {data: {metric: [one value a round]}}.
    learning_rate : float or None
        What a callback asked for from the next round on, else None.
    elapsed : float
        Seconds since the loop was entered.

    Notes
    -----
    While the loop runs in the main thread, the first Ctrl-C asks it to stop after the round that is under
    way, or after half a second if a tree takes longer to grow: it is closed as it is, or, in a forest and in
    AdaBoost, left out. The fit then ends as usual, with a `FitInterrupted` warning. A second Ctrl-C raises
    KeyboardInterrupt at once. A handler for SIGINT that is not Python's own is left in place.
    """

    def __init__(
        self,
        n_rounds: int,
        *,
        start: int = 0,
        verbose: bool | int = False,
        max_time: float | None = None,
        callbacks: Sequence[Any] | None = None,
        estimator: Any = None,
        tasks: FitTasks | None = None,
        fitted: Callable[[], dict[str, Any]] | None = None,
    ) -> None:
        if max_time is not None and not max_time > 0:
            raise ValueError(f"max_time={max_time!r} must be > 0: it is a number of seconds; None is no limit")
        self.n_rounds = n_rounds
        self.start = start
        self.max_time = max_time
        self.estimator = estimator
        self.n_done = 0
        self.stop_reason: str | None = None
        self.evals_log: EvalsLog = {}
        self.learning_rate: float | None = None
        self._callbacks = check_callbacks(callbacks)
        if verbose:
            self._callbacks.append(EvaluationMonitor(int(verbose)))
        self._tasks = tasks if tasks is not None and tasks.active else None
        self._fitted = fitted
        self._previous_handler: Any = None
        self._watching = False
        self._interrupted = False
        self._model = RoundModel(self) if self._callbacks else None

    @property
    def elapsed(self) -> float:
        return time.perf_counter() - self._entered

    def report(self, scores: Mapping[str, Mapping[str, float]]) -> None:
        """Add this round's scores, {data: {metric: value}}, to `evals_log`."""
        for data, metrics in scores.items():
            log = self.evals_log.setdefault(data, {})
            for metric, value in metrics.items():
                log.setdefault(metric, []).append(value)

    def stop(self, reason: str) -> None:
        """Let this round be the last one."""
        self.stop_reason = reason

    def __enter__(self) -> Rounds:
        self._entered = time.perf_counter()
        if is_ours():
            self._previous_handler = signal.signal(signal.SIGINT, self._on_sigint)
            self._watching = watch_interrupt()
        try:
            self._call("before_training")
        except BaseException:
            self._restore_handler()
            raise
        return self

    def __iter__(self) -> Iterator[int]:
        observed = bool(self._callbacks) or self._tasks is not None or self.max_time is not None
        for iteration in range(self.start, self.start + self.n_rounds):
            if observed and self._before(iteration):
                return
            yield iteration
            self.n_done += 1
            if observed:
                self._after(iteration)
            if self._interrupted:
                self.stop_reason = "interrupt"
            if self.stop_reason is not None:
                return

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._restore_handler()
        if kind is not None:
            return
        self._call("after_training")
        if self.stop_reason == "interrupt":
            name = "fit" if self.estimator is None else f"{type(self.estimator).__name__}.fit"
            message = f"{name} was interrupted after {self._extent()} and can be used"
            warnings.warn(message, FitInterrupted, stacklevel=2)
        elif self.stop_reason == "max_time":
            logger.info("max_time=%s: stopped after %s, %.3f s", self.max_time, self._extent(), self.elapsed)

    def _extent(self) -> str:
        """How far it came."""
        return f"{self.n_done} of {self.n_rounds} rounds; the model holds these"

    def _before(self, iteration: int) -> bool:
        """Run the hooks before a round; True if one of them says stop."""
        if self._tasks is not None:
            self._tasks.begin("round")
        for callback in self._callbacks:
            hook = getattr(callback, "before_iteration", None)
            if hook is not None and hook(self._model, iteration, self.evals_log):
                self.stop_reason = getattr(callback, "stop_reason", "callback")
        if self.stop_reason is not None and self._tasks is not None:
            self._tasks.end()  # a round that was begun is ended, though it is empty
        return self.stop_reason is not None

    def _after(self, iteration: int) -> None:
        """Run the hooks after a round. A KeyboardInterrupt in one of them counts as Ctrl-C: no round is torn."""
        try:
            for callback in self._callbacks:
                hook = getattr(callback, "after_iteration", None)
                if hook is not None and hook(self._model, iteration, self.evals_log):
                    self.stop_reason = getattr(callback, "stop_reason", "callback")
            if self._tasks is not None and self._tasks.end(self._fitted):
                self.stop_reason = self.stop_reason or "callback"
        except KeyboardInterrupt:
            if self._interrupted:  # the second one
                raise
            self._interrupted = True
        is_last = self.n_done == self.n_rounds
        if self.max_time is not None and self.stop_reason is None and not is_last and self.elapsed >= self.max_time:
            self.stop_reason = "max_time"

    def _call(self, name: str) -> None:
        for callback in self._callbacks:
            hook = getattr(callback, name, None)
            if hook is not None:
                hook(self._model)

    def _on_sigint(self, signum: int, frame: Any) -> None:
        if self._interrupted:
            raise KeyboardInterrupt
        self._interrupted = True

    def _restore_handler(self) -> None:
        if self._watching:
            unwatch_interrupt()
            self._watching = False
        if self._previous_handler is not None:
            signal.signal(signal.SIGINT, self._previous_handler)
            self._previous_handler = None


class RoundModel:
    """What a callback gets as `model`: the part of XGBoost's Booster that callbacks use, over the estimator."""

    def __init__(self, loop: Rounds) -> None:
        self._loop = loop
        self._attributes: dict[str, str] = {}

    def num_boosted_rounds(self) -> int:
        return self._loop.start + self._loop.n_done

    def set_param(self, params: Any, value: Any = None) -> None:
        """Change the learning rate (or `eta`) from the next round on; nothing else can change between rounds."""
        items = {params: value} if isinstance(params, str) else dict(params)
        for name, setting in items.items():
            if name not in ("learning_rate", "eta"):
                raise ValueError(f"set_param({name!r}, ...): only learning_rate can change between rounds")
            if not float(setting) > 0:
                raise ValueError(f"learning_rate={setting!r} must be > 0")
            self._loop.learning_rate = float(setting)

    def set_attr(self, **attributes: Any) -> None:
        """Keep names with values, as text; None takes a name away."""
        for name, value in attributes.items():
            if value is None:
                self._attributes.pop(name, None)
            else:
                self._attributes[name] = str(value)

    def attr(self, name: str) -> str | None:
        return self._attributes.get(name)

    def attributes(self) -> dict[str, str]:
        return dict(self._attributes)

    def __getattr__(self, name: str) -> Any:
        if name in ("best_iteration", "best_score"):
            if name not in self._attributes:
                raise AttributeError(f"{name} is known only with early stopping")
            return int(self._attributes[name]) if name == "best_iteration" else float(self._attributes[name])
        if name.startswith("__") or self._loop.estimator is None:
            raise AttributeError(name)
        return getattr(self._loop.estimator, name)
