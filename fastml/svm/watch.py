"""What a fit is watched by: progress by the gap, callbacks, a time budget, Ctrl-C."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any

from fastml.base import FitTasks
from fastml.ensemble.rounds import Rounds

UNTIL_SOLVED = 1 << 62


class GapWatch(Rounds):
    """Rounds of a solver, which asks `watch(gap, n_steps)` several times a second whether to stop.

        with GapWatch(verbose=..., max_time=..., callbacks=..., estimator=self, tasks=tasks) as watch:
            solution = solve(..., watch=watch)

    Callbacks have the methods of `fastml.ensemble.callbacks.TrainingCallback`; they see `evals_log`
    {"training": {"gap": [...], "steps": [...]}}, with "problem" where several are solved. The first Ctrl-C stops at the
    next look, with a `FitInterrupted` warning and a model that can be used.
    """

    def __init__(
        self,
        *,
        n_problems: int = 1,
        verbose: bool | int = False,
        max_time: float | None = None,
        callbacks: Sequence[Any] | None = None,
        estimator: Any = None,
        tasks: FitTasks | None = None,
    ) -> None:
        super().__init__(
            UNTIL_SOLVED, verbose=verbose, max_time=max_time, callbacks=callbacks, estimator=estimator, tasks=tasks
        )
        self.n_problems = n_problems
        self.problem = 0
        self.gap = float("inf")

    @property
    def stopped(self) -> bool:
        return self.stop_reason is not None

    def __enter__(self) -> GapWatch:
        super().__enter__()
        self._looks = iter(self)
        next(self._looks, None)
        return self

    def __call__(self, gap: float, n_steps: int) -> bool:
        """Tell of a problem's gap after that many steps; True asks the solver to stop."""
        self.gap = gap
        scores = {"gap": gap, "steps": float(n_steps)}
        self.report({"training": scores | ({"problem": float(self.problem)} if self.n_problems > 1 else {})})
        next(self._looks, None)
        return self.stopped

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None and not self.stopped and self._tasks is not None:
            self._tasks.end()  # the round that was begun when the last look ended
        super().__exit__(kind, error, trace)

    def _extent(self) -> str:
        of = f" of problem {self.problem + 1} of {self.n_problems}" if self.n_problems > 1 else ""
        return f"{self.elapsed:.1f} s with a KKT gap of {self.gap:.3g}{of}; the model is not at its optimum"
