"""n_jobs and the size of the work -> number of threads."""

from __future__ import annotations

import os
import threading
from numbers import Integral
from typing import Any

from fastml._engines.runtime import max_threads

SERIAL_BELOW = 2e5
"""Element operations (about 1 ns each) below which starting threads costs more than it saves."""

_forked = False
_quota: int | None = None


def _after_fork() -> None:
    global _forked
    _forked = True


# GNU's OpenMP does not survive a fork: the child would wait for ever for threads that only the parent has.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _available() -> int:
    """OpenMP's limit (OMP_NUM_THREADS, affinity, threadpoolctl), and a container's quota unless OMP_NUM_THREADS speaks.

    Processes that joblib starts have their share in OMP_NUM_THREADS already.
    """
    global _quota
    limit = max_threads()
    if limit == 1 or os.environ.get("OMP_NUM_THREADS"):
        return limit
    if _quota is None:
        from joblib import cpu_count

        _quota = max(1, cpu_count())
    return min(limit, _quota)


def _crowded() -> bool:
    """Whether joblib runs us beside siblings that have the other processors.

    A process of its loky backend works in its main thread and has its share of processors in OMP_NUM_THREADS, which
    `_available` respects; a thread of its threading backend has none.
    """
    from joblib.parallel import get_active_backend

    if not getattr(get_active_backend()[0], "nesting_level", 0):
        return False
    return threading.current_thread() is not threading.main_thread() or "OMP_NUM_THREADS" not in os.environ


def effective_threads(n_jobs: Any = None, work: float = float("inf"), *, serial_below: float = SERIAL_BELOW) -> int:
    """How many threads to use, at least 1.

    Parameters
    ----------
    n_jobs : int or None
        None and -1 mean all that this process may use (OMP_NUM_THREADS, affinity, a container's quota), -2 all but
        one, and so on; a positive number is taken as given.
    work : float
        Estimated element operations.
    serial_below : float
        Work that one thread should have at least: less than that runs serially, and each multiple allows one more.

    Returns
    -------
    int
        1 in a forked process, where OpenMP cannot start threads; 1 inside a thread of joblib's unless n_jobs is
        positive, so that nested parallelism does not oversubscribe. Results never depend on it.

    Raises
    ------
    ValueError, TypeError
        n_jobs is 0, or no whole number.
    """
    if n_jobs is not None:
        if isinstance(n_jobs, bool) or not isinstance(n_jobs, Integral):
            raise TypeError(f"n_jobs={n_jobs!r} must be a whole number or None")
        if n_jobs == 0:
            raise ValueError("n_jobs=0 has no meaning: use None or -1 for all processors, 1 for a serial run")
    if work < serial_below or _forked:
        return 1
    if n_jobs is not None and n_jobs > 0:
        threads = int(n_jobs)
    elif (threads := _available()) > 1:
        if n_jobs is not None:
            threads = max(1, threads + 1 + int(n_jobs))
        if threads > 1 and _crowded():
            return 1
    return min(threads, int(min(work / serial_below, 1 << 16))) if serial_below > 0 else threads
