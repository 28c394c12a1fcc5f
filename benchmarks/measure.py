"""How a number is taken: fits that alternate between libraries, predictions, single rows, memory in a fresh process."""

import gc
import json
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from time import perf_counter, process_time, sleep
from typing import Any

import numpy as np

from benchmarks.boosting import batch_predict, fit, one_row
from benchmarks.datasets import small, split
from benchmarks.registry import Case

ROW_CALLS = 2000
# OpenMP's threads spin for a moment after a region. Let one library's fall asleep before the next one starts.
SETTLE_S = 0.05


def installed(library: str) -> str | None:
    """The version of the package behind `library`, or None."""
    try:
        return version(library.split()[0])
    except PackageNotFoundError:
        pass
    try:  # a checkout, built in place
        return str(__import__(library).__version__)
    except (ImportError, AttributeError):
        return None


def has_estimator(case: Case, library: str) -> bool:
    """Whether the library is here and has what the case asks for; an older fastml may not."""
    if library not in case.estimators:
        return False
    try:
        case.estimators[library](1)
    except (ImportError, AttributeError):
        return False
    return True


def seconds(call: Callable[[], Any]) -> tuple[float, Any]:
    """(time of one call, what it returned), with the garbage collector at rest."""
    gc.collect()
    gc.disable()
    try:
        start = perf_counter()
        result = call()
        return perf_counter() - start, result
    finally:
        gc.enable()


def warm_up(case: Case, library: str, n_threads: int) -> None:
    """Import the library and start its threads, on data too small to matter."""
    data = small()
    fit(library, case.estimators[library](n_threads), data.X, data.y)


def run_once(case: Case, library: str, seed: int, n_threads: int) -> dict[str, float]:
    """One fit and its predictions: seconds of each, processor seconds of the fit, score on the held-out rows."""
    data = split(case.data, seed)
    sleep(SETTLE_S)
    fit_s = []
    cpu_start = process_time()
    for _ in range(case.fits):
        estimator = case.estimators[library](n_threads)
        fit_s.append(seconds(lambda: fit(library, estimator, data.X_train, data.y_train))[0])  # noqa: B023
    row = {"fit_s": median(fit_s), "fit_cpu_s": (process_time() - cpu_start) / case.fits}
    row["predict_s"] = min(seconds(lambda: batch_predict(estimator, data.X_test))[0] for _ in range(3))
    row["score"] = case.score(estimator, data.X_test, data.y_test)
    if case.latency:
        row |= latency(library, estimator, data.X_test[:ROW_CALLS])
    return row


def latency(library: str, estimator: Any, rows: np.ndarray) -> dict[str, float]:
    """Microseconds of one row: by the library's shortest way, and by the estimator's predict_proba."""
    rows = np.ascontiguousarray(rows)
    shortest = one_row(library, estimator)

    def each(call: Callable[[np.ndarray], Any], n_calls: int) -> float:
        call(rows[0])
        times = [seconds(lambda: [call(row) for row in rows[:n_calls]])[0] for _ in range(3)]
        return 1e6 * min(times) / n_calls

    return {
        "row_us": each(shortest, len(rows)),
        "row_proba_us": each(lambda row: batch_predict(estimator, row[None]), len(rows) // 10),
    }


def peak_memory(case: Case, library: str, n_threads: int) -> float:
    """MB that a fit takes on top of its data, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.memory", case.name, library, str(n_threads)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1])
    return float(json.loads(done.stdout.splitlines()[-1])["peak_mb"])
