"""`python -m benchmarks.memory CASE LIBRARY THREADS`: peak memory of one fit, in this process, as JSON.

The high-water mark of the resident set during fit, less the resident set just before, with the data loaded and the
library imported and warm: what a fit needs beyond the data themselves. Linux can reset the mark; elsewhere the mark
of the whole process stands in, which is right as long as loading took less than the fit.
"""

import ctypes
import gc
import json
import resource
import sys
from contextlib import suppress
from pathlib import Path

from benchmarks.boosting import fit
from benchmarks.datasets import split
from benchmarks.measure import warm_up
from benchmarks.registry import CASES

MB = 2**20


def _status_bytes(field: str) -> int | None:
    status = Path("/proc/self/status")
    if not status.exists():
        return None
    line = next(line for line in status.read_text().splitlines() if line.startswith(field + ":"))
    return int(line.split()[1]) * 1024


def _reset_high_water_mark() -> None:
    with suppress(OSError, AttributeError):  # glibc: give back what loading freed, or the fit would find it for nothing
        ctypes.CDLL(None).malloc_trim(0)
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def high_water_mark() -> int:
    """Bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return _status_bytes("VmHWM") or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def main(name: str, library: str, n_threads: int) -> float:
    """MB that one fit of `library` takes on the case of this name, beyond the data."""
    case = CASES[name]
    data = split(case.data, 0)
    warm_up(case, library, n_threads)
    estimator = case.estimators[library](n_threads)
    gc.collect()
    _reset_high_water_mark()
    before = _status_bytes("VmRSS") or high_water_mark()
    fit(library, estimator, data.X_train, data.y_train)
    return (high_water_mark() - before) / MB


if __name__ == "__main__":
    print(json.dumps({"peak_mb": main(sys.argv[1], sys.argv[2], int(sys.argv[3]))}))
