"""What is seen while rounds run: a bar on a terminal, a few plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from importlib.util import find_spec
from typing import Any

LINES = 10  # plain lines for a whole fit


class Progress:
    """Callback of a booster (XGBoost's interface), and the context in which its output lives.

    Attributes
    ----------
    began : float or None
        `time.perf_counter()` when the first round began: what came before it was binning.
    """

    def __init__(self, n_rounds: int) -> None:
        self.n_rounds = n_rounds
        self.began: float | None = None
        self.n_done = 0

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *exception: Any) -> None:
        return None

    def before_training(self, model: Any) -> Any:
        self.began = time.perf_counter()
        return model

    def before_iteration(self, model: Any, epoch: int, evals_log: dict[str, Any]) -> bool:
        return False

    def after_iteration(self, model: Any, epoch: int, evals_log: dict[str, Any]) -> bool:
        self.n_done = epoch + 1
        self.show(_last_score(evals_log))
        return False

    def after_training(self, model: Any) -> Any:
        return model

    def show(self, score: str) -> None:
        """Show the round that was done and its validation score."""


class Lines(Progress):
    """A line each tenth of the way, and one for the last round."""

    def __init__(self, n_rounds: int) -> None:
        super().__init__(n_rounds)
        self._held = ""

    def show(self, score: str) -> None:
        line = f"  round {self.n_done:>5} of {self.n_rounds}   {score}"
        if self.n_done % max(1, self.n_rounds // LINES) == 0 or self.n_done == 1:
            print(line, flush=True)  # noqa: T201
            line = ""
        self._held = line

    def after_training(self, model: Any) -> Any:
        if self._held:
            print(self._held, flush=True)  # noqa: T201
        return model


class Bar(Progress):
    """rich's bar, with the score beside it."""

    def __init__(self, n_rounds: int) -> None:
        super().__init__(n_rounds)
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as RichProgress

        score = TextColumn("{task.fields[score]}")
        self._bar = RichProgress(TextColumn("  round"), MofNCompleteColumn(), BarColumn(), score, TimeElapsedColumn())
        self._task = self._bar.add_task("rounds", total=n_rounds, score="")

    def __enter__(self) -> Bar:
        self._bar.start()
        return self

    def __exit__(self, *exception: Any) -> None:
        self._bar.stop()

    def show(self, score: str) -> None:
        self._bar.update(self._task, completed=self.n_done, score=score)


class Gaps(Progress):
    """The gap that a solver has left, a line at looks number 1, 2, 4, 8, ..."""

    def after_iteration(self, model: Any, epoch: int, evals_log: dict[str, Any]) -> bool:
        said = evals_log.get("training", {})
        if "gap" in said and epoch > 0 and not epoch & (epoch - 1):
            of = f", problem {said['problem'][-1] + 1:.0f}" if "problem" in said else ""
            print(f"  gap {said['gap'][-1]:.3g} after {said['steps'][-1]:,.0f} steps{of}", flush=True)  # noqa: T201
        return False


def progress(n_rounds: int | None) -> Progress:
    """The bar where standard output is a terminal and rich is installed, else lines; a solver's gap without rounds."""
    if n_rounds is None:
        return Gaps(1)
    return Bar(n_rounds) if sys.stdout.isatty() and find_spec("rich") else Lines(n_rounds)


def _last_score(evals_log: dict[str, Any]) -> str:
    """The newest score on the last data set, which is the one that early stopping watches."""
    if not evals_log:
        return ""
    scores = evals_log[list(evals_log)[-1]]
    metric = list(scores)[-1]
    return f"validation {metric} {scores[metric][-1]:.5f}"
