"""Compiles the plain functions that a user's function calls: Numba wants each of them wrapped."""

from __future__ import annotations

from collections.abc import Callable
from types import CellType, FunctionType
from typing import Any

from fastml.jit.exponential import vectorised
from fastml.jit.fingerprint import is_users, names_outside


def with_helpers(function: Any, compiles: Callable[[FunctionType], Any], done: dict[FunctionType, Any]) -> Any:
    """`compiles` of a copy of the function whose helpers, found by name in its module or closure, are compiled too.

    `exp` becomes one that vectorises. Neither the function nor its module is changed. `done` has what is compiled
    already, so that a function may call itself; start with an empty one.
    """
    if not isinstance(function, FunctionType):  # wrapped by the user, or something that Numba will refuse
        return function if hasattr(function, "py_func") else compiles(function)
    if function in done:
        return done[function]

    def replaced(value: Any) -> Any:
        return with_helpers(value, compiles, done) if is_users(value) else vectorised(value)

    seen = {"__builtins__": __builtins__, "__name__": function.__module__}
    code = function.__code__
    cells = tuple(CellType() for _ in code.co_freevars)
    copy = FunctionType(code, seen, function.__name__, function.__defaults__, cells or None)
    copy.__module__ = function.__module__
    done[function] = compiles(copy)
    for cell, old in zip(cells, function.__closure__ or (), strict=True):
        cell.cell_contents = replaced(old.cell_contents)
    for name in names_outside(function):
        seen[name] = replaced(function.__globals__[name])
    return done[function]
