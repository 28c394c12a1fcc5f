"""Builds block kernels: `fastml_loss_block` of src_cy/simd/simd.h, by Numba, or by ctypes where Numba's JIT is off."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from fastml.jit.fingerprint import fingerprint, may_raise
from fastml.jit.helpers import with_helpers

POINTER = ctypes.c_void_p
#: y, raw, gradient out, hessian out, n, param
C_BLOCK = ctypes.CFUNCTYPE(None, POINTER, POINTER, POINTER, POINTER, ctypes.c_ssize_t, POINTER)

_lock = threading.Lock()
_cache: dict[Any, Block] = {}
CACHE_SIZE = 64  # compiled functions to keep: a grid search over a parameter of the loss has as many


class Block:
    """A block kernel at `address`; `owner` keeps its machine code or its Python callback alive."""

    def __init__(self, address: int, owner: Any) -> None:
        self.address = address
        self._owner = owner
        self._call = C_BLOCK(address)
        self.errors: list[BaseException] = []

    def __call__(self, y: np.ndarray, raw: np.ndarray, params: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray]:
        """Gradient and hessian for float64 arrays (n,) in C order."""
        gradient, hessian = np.empty(len(y)), np.empty(len(y))
        param = np.array([*params, 0.0])  # one more, so that there is an address
        pointers = (a.ctypes.data for a in (y, raw, gradient, hessian))
        self._call(*pointers, len(y), param.ctypes.data)
        return gradient, hessian

    def raise_pending(self) -> None:
        """Raise what the Python callback could not raise through C; compiled blocks never hold anything."""
        if self.errors:
            error = self.errors[0]
            self.errors.clear()
            raise error


def jit_is_off() -> bool:
    """Whether Numba's JIT is switched off (NUMBA_DISABLE_JIT=1); asks without importing Numba."""
    numba = sys.modules.get("numba")
    if numba is not None:
        return bool(numba.config.DISABLE_JIT)
    return os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0")


def build_block(function: Callable, *, differentiates: bool) -> Block:
    """The kernel around a function of two floats.

    Parameters
    ----------
    function : callable
        (y, raw) -> (gradient, hessian); or (y, raw) -> loss if it `differentiates`, by five points that lie
        param[0] apart.

    Raises
    ------
    ValueError
        Numba cannot compile the function; the first line that helps is given.
    """
    if jit_is_off():
        return _interpreted(function, differentiates)
    key = fingerprint(function)
    with _lock:
        if key is not None and (key, differentiates) in _cache:
            return _cache[key, differentiates]
        block = _compiled(function, differentiates)
        if key is not None:
            while len(_cache) >= CACHE_SIZE:
                _cache.pop(next(iter(_cache)))
            _cache[key, differentiates] = block
    return block


def five_points(value: Callable) -> Callable:
    """(y, raw, step) -> first and second derivative of `value` in raw, with errors of order step^4 and step^2.

    The second one uses three points only: it is then never negative for a convex loss, kinks or not.
    """

    def derivatives(y, raw, step):
        here = value(y, raw)
        left, right = value(y, raw - step), value(y, raw + step)
        left2, right2 = value(y, raw - 2.0 * step), value(y, raw + 2.0 * step)
        gradient = (8.0 * (right - left) - (right2 - left2)) / (12.0 * step)
        hessian = ((right - here) - (here - left)) / (step * step)
        return gradient, hessian

    return derivatives


def _without_step(function: Callable) -> Callable:
    def derivatives(y, raw, step):
        return function(y, raw)

    return derivatives


def _interpreted(function: Callable, differentiates: bool) -> Block:
    """A ctypes callback around a loop in Python: slow, and the same to an engine. It takes the GIL itself."""
    derivatives = (five_points if differentiates else _without_step)(getattr(function, "py_func", function))
    errors: list[BaseException] = []

    def block(y_at, raw_at, gradient_at, hessian_at, n, param_at):
        y, raw, gradient, hessian = (
            np.frombuffer((ctypes.c_double * n).from_address(at)) for at in (y_at, raw_at, gradient_at, hessian_at)
        )
        step = ctypes.c_double.from_address(param_at).value if differentiates else 0.0
        gradient[:] = hessian[:] = np.nan
        try:
            with np.errstate(all="ignore"):  # NumPy's scalars divide by zero as compiled code does
                for i in range(n):
                    gradient[i], second = derivatives(y[i], raw[i], step)
                    hessian[i] = 0.0 if second < 0.0 else second
        except BaseException as error:  # C cannot carry it: the booster asks after the round
            errors.append(error)

    callback = C_BLOCK(block)
    address = ctypes.cast(callback, ctypes.c_void_p).value
    made = Block(address or 0, callback)
    made.errors = errors
    return made


def _compiled(function: Callable, differentiates: bool) -> Block:
    from numba import carray, cfunc, njit, types
    from numba.core.errors import NumbaError

    # No fastmath: what the function gives in Python, but for the last bit of an exponential, and NaN stays NaN.
    options: dict[str, Any] = {"error_model": "numpy", "fastmath": False, "nogil": True}
    scalar = with_helpers(function, lambda plain: njit(plain, **options), {})
    try:
        scalar.compile((types.float64, types.float64))  # on its own first: errors then speak of this function
        guards = may_raise(function)
        # Inlined, the wrapper is no unit of its own: a third of the time to compile. Numba cannot do that in a try.
        inline: Any = "always" if not (guards or differentiates) else "never"
        derivatives = njit((five_points if differentiates else _without_step)(scalar), inline=inline, **options)
        pointer = types.CPointer(types.float64)
        signature = types.void(pointer, pointer, pointer, pointer, types.intp, pointer)

        def block(y_at, raw_at, gradient_at, hessian_at, n, param_at):
            y, raw = carray(y_at, (n,)), carray(raw_at, (n,))
            gradient, hessian = carray(gradient_at, (n,)), carray(hessian_at, (n,))
            step = carray(param_at, (1,))[0] if differentiates else 0.0
            for i in range(n):
                first, second = derivatives(y[i], raw[i], step)
                gradient[i] = first
                hessian[i] = 0.0 if second < 0.0 else second  # rounding; NaN stays

        def guarded_block(y_at, raw_at, gradient_at, hessian_at, n, param_at):
            y, raw = carray(y_at, (n,)), carray(raw_at, (n,))
            gradient, hessian = carray(gradient_at, (n,)), carray(hessian_at, (n,))
            step = carray(param_at, (1,))[0] if differentiates else 0.0
            for i in range(n):
                first = second = np.nan
                try:  # an exception would be printed, and leave the outputs unset  # noqa: SIM105 - Numba's subset
                    first, second = derivatives(y[i], raw[i], step)
                except Exception:
                    pass
                gradient[i] = first
                hessian[i] = 0.0 if second < 0.0 else second

        # The guard doubles the time to compile, so only a function that has a `raise` gets one.
        made = cfunc(signature, **options)(guarded_block if guards else block)
    except NumbaError as error:
        name = getattr(function, "__name__", "the function")
        raise ValueError(
            f"Numba cannot compile `{name}`: {first_helpful_line(str(error))}. It must be a function of two floats, "
            "by arithmetic, math and numpy scalars; for whole arrays use fastml.jit.Loss(..., kind='array')"
        ) from error
    return Block(made.address or 0, made)


def first_helpful_line(message: str) -> str:
    """The line of a Numba error that says what is wrong, with the number of the source line if it gives one."""
    lines = [line.strip() for line in message.splitlines()]
    noise = ("Failed in", "During:", "There are", "- Of which", ">>>", "File", "<source", "Overload", "With argument")
    said = next((line for line in lines if line and not line.startswith(noise)), "it gave no reason")
    where = next((line for line in lines if line.startswith('File "')), "")
    line = where.rsplit("line ", 1)[-1].rstrip(":") if "line " in where else ""
    return said.rstrip(".:") + (f" (line {line})" if line else "")
