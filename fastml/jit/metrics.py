"""A user's metric, compiled for the engines that look for neighbours, and what is asked of it before it is used."""

from __future__ import annotations

import ctypes
import inspect
import threading
import warnings
from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml.jit.blocks import CACHE_SIZE, first_helpful_line, jit_is_off
from fastml.jit.checks import name_of
from fastml.jit.fingerprint import fingerprint
from fastml.jit.helpers import with_helpers

C_METRIC = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_ssize_t)
ROUNDING = 1e-9  # of the largest distance tried
N_TRIED = 8  # rows whose pairs are tried: 64 distances, 512 triangles

_lock = threading.Lock()
_cache: dict[Any, OwnMetric] = {}


class OwnMetric:
    """A metric behind a C function (a, b, d) -> double. Keep it while an engine holds its address.

    is_interpreted : a callback into Python, to be called by one thread
    has_triangle : no three of the rows that were tried have d(a, c) > d(a, b) + d(b, c)
    """

    def __init__(self, function: Callable, address: int, owner: Any, is_interpreted: bool) -> None:
        self.function, self.address, self.is_interpreted = function, address, is_interpreted
        self.has_triangle = True
        self.errors: list[BaseException] = []
        self._owner = owner
        self._call = C_METRIC(address)

    def __call__(self, a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
        """The distance as an engine gets it."""
        a, b = np.array(a, dtype=np.float64), np.array(b, dtype=np.float64)
        return self._call(a.ctypes.data, b.ctypes.data, len(a))

    def raise_pending(self) -> None:
        """Raise what the function raised while an engine called it."""
        if self.errors:
            error = self.errors[0]
            self.errors.clear()
            raise error


def compile_metric(
    function: Callable, rows: NDArray[np.float64], arguments: dict[str, Any] | None = None, *, compiles: bool = True
) -> OwnMetric:
    """Check a user's metric and make it ready for an engine.

    Parameters
    ----------
    function : callable
        (a, b, **arguments) -> float of two rows, (d,) float64.
    rows : (m, d)
        Rows to try; the first few are used.
    arguments : dict, optional
        What it is given by name besides.
    compiles : bool
        False: leave it in Python, which is sooner for a few thousand distances.

    Raises
    ------
    TypeError
        It takes other arguments or returns no number.
    ValueError
        A distance is not finite, negative, not symmetric, or not 0 from a row to itself; with the pair.

    Warns
    -----
    UserWarning
        Numba cannot compile it, so that each distance is a call into Python (2 us).
    """
    tried = np.array(rows[:N_TRIED], dtype=np.float64)
    given = dict(arguments or {})
    said = np.array([[_in_python(function, a, b, given) for b in tried] for a in tried]).reshape(len(tried), len(tried))
    _check(function, tried, said)
    made = _build(function, given, tried.shape[1], compiles)
    own = np.array([[made(a, b) for b in tried] for a in tried]).reshape(said.shape)
    off = np.abs(own - said) > 1e-6 * np.abs(said).max(initial=1e-300)
    if off.any():
        i, j = np.argwhere(off)[0]
        raise ValueError(
            f"metric `{name_of(function)}` gives {said[i, j]} in Python and {own[i, j]} compiled "
            f"{_at(tried[i], tried[j])}: it must be of the two rows alone, in arithmetic, math and numpy"
        )
    slack = ROUNDING * said.max(initial=0.0)
    made.has_triangle = bool((said[:, None, :] <= said[:, :, None] + said[None, :, :] + slack).all())
    return made


def _in_python(function: Callable, a: NDArray[np.float64], b: NDArray[np.float64], given: dict[str, Any]) -> float:
    said = getattr(function, "py_func", function)(a.copy(), b.copy(), **given)
    if np.ndim(said) or not isinstance(said, (int, float, np.number, np.bool_)):
        raise TypeError(
            "Custom distance function must accept two vectors and return a float. "
            f"`{name_of(function)}` returned {said!r} {_at(a, b)}"
        )
    return float(said)


def _at(a: NDArray[np.float64], b: NDArray[np.float64]) -> str:
    return f"at a={np.array2string(a, threshold=12)}, b={np.array2string(b, threshold=12)}"


def _check(function: Callable, tried: NDArray[np.float64], said: NDArray[np.float64]) -> None:
    slack = ROUNDING * np.abs(said[np.isfinite(said)]).max(initial=0.0)
    for what, bad in (
        ("be finite", ~np.isfinite(said)),
        ("be >= 0", said < -slack),
        ("be 0 from a row to itself", (np.abs(said) > slack) & np.eye(len(said), dtype=bool)),
        ("be symmetric", np.abs(said - said.T) > slack),
    ):
        if bad.any():
            i, j = np.argwhere(bad)[0]
            back = f" and {said[j, i]} the other way round" if what == "be symmetric" else ""
            raise ValueError(
                f"metric `{name_of(function)}` is {said[i, j]}{back} {_at(tried[i], tried[j])}; it must {what}"
            )


def _build(function: Callable, given: dict[str, Any], d: int, compiles: bool) -> OwnMetric:
    if jit_is_off() or not (compiles or hasattr(function, "py_func")):
        return _interpreted(function, given, d)
    key: Any = fingerprint(function)
    try:
        key = None if key is None else (key, tuple(sorted(given.items())))
        hash(key)
    except TypeError:
        key = None
    with _lock:
        if key is None or key not in _cache:
            try:
                made = _compiled(function, given)
            except _CannotCompile as error:
                warnings.warn(
                    f"Numba cannot compile metric `{name_of(function)}`, so that each distance is a call into Python: "
                    f"{error}. Arithmetic, math and numpy on two float64 arrays compile",
                    UserWarning,
                    stacklevel=2,
                )
                return _interpreted(function, given, d)
            if key is None:
                return made
            while len(_cache) >= CACHE_SIZE:
                _cache.pop(next(iter(_cache)))
            _cache[key] = made
        kept = _cache[key]
    return OwnMetric(function, kept.address, kept, kept.is_interpreted)


class _CannotCompile(Exception):
    """With the line of Numba's error that helps."""


def _interpreted(function: Callable, given: dict[str, Any], d: int) -> OwnMetric:
    errors: list[BaseException] = []

    plain = getattr(function, "py_func", function)
    row_type = ctypes.c_double * d
    rows = np.empty((2, d))  # reused: a function that keeps its rows keeps nothing
    into = [rows[i].ctypes.data for i in range(2)]

    def metric(a_at: int, b_at: int, d: int) -> float:
        if errors:
            return float("nan")
        ctypes.memmove(into[0], a_at, ctypes.sizeof(row_type))
        ctypes.memmove(into[1], b_at, ctypes.sizeof(row_type))
        try:
            return float(plain(rows[0], rows[1], **given))
        except BaseException as error:  # C cannot carry it: it is raised when the engine is back
            errors.append(error)
            return float("nan")

    callback = C_METRIC(metric)
    made = OwnMetric(function, ctypes.cast(callback, ctypes.c_void_p).value or 0, callback, True)
    made.errors = errors
    return made


def _compiled(function: Callable, given: dict[str, Any]) -> OwnMetric:
    from numba import carray, cfunc, njit, types
    from numba.core.errors import NumbaError

    # As for losses: what the function gives in Python, and NaN stays NaN.
    options: dict[str, Any] = {"error_model": "numpy", "fastmath": False, "nogil": True}
    number = types.float64
    row = types.Array(number, 1, "C")
    try:
        own = with_helpers(_with_defaults(function, given), lambda plain: njit(plain, **options), {})
        if not given:
            own.compile((row, row))  # on its own first: errors then speak of this function

        def metric(a_at, b_at, d):
            try:  # an exception would be printed, and leave the answer unset
                return float(own(carray(a_at, (d,)), carray(b_at, (d,))))
            except Exception:
                return np.nan

        made = cfunc(number(types.CPointer(number), types.CPointer(number), types.intp), **options)(metric)
    except (NumbaError, TypeError, AttributeError, NotImplementedError) as error:
        raise _CannotCompile(first_helpful_line(str(error))) from error
    return OwnMetric(function, made.address or 0, made, False)


def _with_defaults(function: Callable, given: dict[str, Any]) -> Callable:
    """The function of two rows alone, the other arguments being its defaults, which Numba takes for constants."""
    plain: Any = getattr(function, "py_func", function)
    needs_abs = "abs" in getattr(getattr(plain, "__code__", None), "co_names", ()) and "abs" not in plain.__globals__
    if not (given or needs_abs):
        return function
    bound = inspect.signature(plain).bind(None, None, **given)
    bound.apply_defaults()
    if bound.kwargs or not isinstance(plain, FunctionType):
        raise _CannotCompile(f"it takes arguments by name only, {', '.join(given)}")
    seen = {**plain.__globals__, "abs": np.abs} if needs_abs else plain.__globals__  # Numba's abs takes no array
    made = FunctionType(plain.__code__, seen, plain.__name__, bound.args[2:] or None, plain.__closure__)
    made.__module__ = plain.__module__
    return made
