"""The lines that `fastml train` shows around a fit."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

WIDTH = 10  # of the first column
BAR = 30  # characters of the longest bar


class Stopwatch:
    """Seconds of each stage, in the order in which they ran."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time what runs inside; a stage that runs twice adds up."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.add(name, time.perf_counter() - start)

    def add(self, name: str, seconds: float) -> None:
        self.seconds[name] = self.seconds.get(name, 0.0) + seconds

    def __str__(self) -> str:
        shown = [f"{name} {seconds:.2f} s" for name, seconds in self.seconds.items()]
        return ", ".join([*shown, f"together {sum(self.seconds.values()):.2f} s"])


def say(title: str, text: str) -> None:
    """One line: what it is about, and what there is to say."""
    print(f"{title:<{WIDTH}} {text}", flush=True)  # noqa: T201


def say_importances(names: list[str], importances: np.ndarray, n_shown: int = 10) -> None:
    """The most important features, with bars."""
    full = _block()
    order = np.argsort(-importances, kind="stable")[:n_shown]
    width = max(len(names[j]) for j in order)
    largest = max(float(importances[order[0]]), 1e-300)
    say("features", f"by gain, the {len(order)} largest of {len(names):,}" if len(names) > n_shown else "by gain")
    for j in order:
        bar = full * max(round(BAR * float(importances[j]) / largest), 0)
        print(f"{'':<{WIDTH}} {names[j]:<{width}} {importances[j]:6.1%} {bar}".rstrip())  # noqa: T201


def _block() -> str:
    """A full block, or what the terminal can show of one."""
    try:
        "█".encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return "#"
    return "█"
