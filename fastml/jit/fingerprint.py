"""What a function computes, as a key: its code and the values that it reads from outside."""

from __future__ import annotations

import dis
import math
from collections.abc import Callable, Iterator
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

_PLAIN = (int, float, complex, bool, str, bytes, type(None), np.generic)


def fingerprint(function: Callable) -> Any:
    """A hashable key, equal for functions that compute the same; None if that cannot be told.

    Two fits with the same function, or with two closures over equal numbers, share one compiled kernel; a
    function that reads a global number gets a new kernel when the number has changed.
    """
    try:
        return _of_value(function, ())
    except _Unknown:
        return None


def may_raise(function: Callable) -> bool:
    """Whether the function, or a function that it calls, has a `raise` or an `assert`, as far as can be seen."""
    return any(
        instruction.opname == "RAISE_VARARGS"
        for reached in _reachable(function, set())
        for code in _codes(reached.__code__)
        for instruction in dis.get_instructions(code)
    )


class _Unknown(Exception):
    """An outside object whose value may change unseen."""


def _of_value(value: Any, above: tuple) -> Any:
    value = getattr(value, "py_func", value)  # a function that Numba has wrapped
    if isinstance(value, FunctionType):
        return _of_function(value, above)
    if isinstance(value, _PLAIN):
        return type(value), repr(value)  # repr tells 0.0 from -0.0 and finds NaN equal to itself
    if isinstance(value, tuple):
        return tuple(_of_value(v, above) for v in value)
    if isinstance(value, np.ndarray) and value.dtype != object:
        return value.dtype.str, value.shape, value.tobytes()
    if value is math or value is np or isinstance(value, (type, np.ufunc, BuiltinFunctionType)):
        return value
    raise _Unknown


def _of_function(function: FunctionType, above: tuple) -> Any:
    if function in above:  # recursion
        return above.index(function)
    above = (*above, function)
    outside = tuple((name, _of_value(value, above)) for name, value in _outside(function))
    return function.__code__, _of_value(function.__defaults__, above), outside


def _outside(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """Names and values that the function reads from its closure and from its module."""
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield name, cell.cell_contents
        except ValueError:  # not bound yet
            raise _Unknown from None
    for name in names_outside(function):
        yield name, function.__globals__[name]


def names_outside(function: FunctionType) -> list[str]:
    """Names of its module that the function reads, and perhaps some that are only attributes."""
    names = {name for code in _codes(function.__code__) for name in code.co_names}
    return sorted(names & function.__globals__.keys())


def is_users(value: Any) -> bool:
    """Whether a value is a plain Python function of the user's, and not of a library that Numba knows."""
    return isinstance(value, FunctionType) and (value.__module__ or "").split(".")[0] not in ("math", "numpy", "numba")


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _reachable(function: Any, seen: set) -> Iterator[FunctionType]:
    function = getattr(function, "py_func", function)
    if not is_users(function) or function in seen:
        return
    seen.add(function)
    yield function
    try:
        outside = list(_outside(function))
    except _Unknown:
        return
    for _, value in outside:
        if not isinstance(value, ModuleType):
            yield from _reachable(value, seen)
