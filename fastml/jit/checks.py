"""What is asked of a user's function before the fit starts; every error shows the point at which it failed."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

#: Hessians down to -1e-8 of the largest one are rounding, and count as 0.
ROUNDING = 1e-8
#: Of the derivative's own size; a wrong formula is off by far more, five points by far less.
DERIVATIVE_TOLERANCE = 1e-3
#: Raw scores around a start, none of them round or 0, so that they miss the kinks of |y - raw|.
OFFSETS = np.array([-2.937, -1.013, -0.3119, 0.0371, 0.2983, 0.9871, 3.0629])


def name_of(function: Any) -> str:
    """The name under which errors speak of a function."""
    return getattr(function, "__name__", None) or type(function).__name__


def check_signature(function: Callable, names: tuple[str, ...], optional: tuple[str, ...] = ()) -> frozenset[str]:
    """Ask that `function` takes the arguments `names` by position; tells which of `optional` it takes by name."""
    wanted = f"({', '.join(names)})"
    if not callable(function):
        raise TypeError(f"objective={function!r} must be a name or a function {wanted} -> (gradient, hessian)")
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # a function in C without a signature
        return frozenset()
    takes = frozenset(p for p in optional if p in signature.parameters)
    try:
        signature.bind(*names, **dict.fromkeys(takes))
    except TypeError:
        raise ValueError(
            f"objective `{name_of(function)}` takes {signature}: it must take {wanted}, in this order"
        ) from None
    return takes


def sample_of(y: np.ndarray, size: int) -> np.ndarray:
    """At most about `size` values of y, evenly spaced by row, with the smallest and the largest one."""
    y = np.ascontiguousarray(y, dtype=np.float64)
    if len(y) <= size:
        return y
    return np.concatenate([y[:: -(-len(y) // size)], [y.min(), y.max()]])


def grid(y: np.ndarray, start: float) -> tuple[np.ndarray, np.ndarray]:
    """Points (y, raw) to try a loss at: each y with raw scores on both sides of where the fit starts."""
    raw = start + OFFSETS
    values = np.unique(sample_of(y, 48))
    return np.repeat(values, len(raw)), np.tile(raw, len(values))


def at(y: np.ndarray, raw: np.ndarray, i: int) -> str:
    """The point, for an error."""
    return f"at y={float(y[i])!r}, raw={float(raw[i])!r}"


def check_finite(name: str, y: np.ndarray, raw: np.ndarray, gradient: np.ndarray, hessian: np.ndarray) -> None:
    """Ask for numbers."""
    for what, values in (("gradient", gradient), ("hessian", hessian)):
        bad = np.flatnonzero(~np.isfinite(values))
        if bad.size:
            i = int(bad[0])
            raise ValueError(
                f"objective `{name}`: the {what} is {values[i]} {at(y, raw, i)}; it must be finite for every raw score"
            )


def check_hessian(name: str, y: np.ndarray, raw: np.ndarray, hessian: np.ndarray) -> None:
    """Ask for a hessian that is nowhere negative and somewhere positive."""
    lowest = int(np.nanargmin(np.append(hessian, 0.0)))
    if lowest < len(hessian) and hessian[lowest] < -ROUNDING * max(1.0, float(np.nanmax(np.abs(hessian)))):
        raise ValueError(
            f"objective `{name}`: the hessian is {hessian[lowest]} {at(y, raw, lowest)}; it must be >= 0 for Newton "
            "steps to go down. Return a bound instead, such as max(hessian, 0.0) or abs(hessian)"
        )
    if not np.any(hessian > 0):
        raise ValueError(
            f"objective `{name}`: the hessian is 0 at each of {len(y)} points, and Newton steps divide by it. "
            "Return a positive constant such as 1.0 for a loss of straight lines"
        )


def check_same(
    name: str,
    y: np.ndarray,
    raw: np.ndarray,
    compiled: tuple[np.ndarray, np.ndarray],
    python: tuple[np.ndarray, np.ndarray],
) -> None:
    """Ask that the compiled function gives what Python gives; NaN in `python` is a point that Python cannot do."""
    for what, ours, theirs in zip(("gradient", "hessian"), compiled, python, strict=True):
        theirs = np.where(theirs < 0, np.maximum(theirs, 0.0), theirs) if what == "hessian" else theirs
        off = np.abs(ours - theirs) > 1e-6 * np.maximum(1.0, np.abs(theirs))
        if np.any(off):  # NaN compares false
            i = int(np.flatnonzero(off)[0])
            raise ValueError(
                f"objective `{name}`: compiled, the {what} is {ours[i]} {at(y, raw, i)}, but Python gives {theirs[i]}. "
                "Does it depend on types, on state, or on a random number?"
            )


def check_derivative(
    name: str,
    what: str,
    y: np.ndarray,
    raw: np.ndarray,
    function: Callable[[np.ndarray, np.ndarray], np.ndarray],
    derivative: np.ndarray,
    step: float,
) -> None:
    """Ask that `derivative` is the slope of `function` in raw.

    It may lie anywhere between the slopes to the left and to the right, so that a kink is no error.
    """
    left2, left, here, right, right2 = (function(y, raw + k * step) for k in (-2, -1, 0, 1, 2))
    slope = (8.0 * (right - left) - (right2 - left2)) / (12.0 * step)
    slopes = np.stack([slope, (here - left) / step, (right - here) / step])
    size = max(float(np.nanmax(np.abs(derivative))), float(np.nanmax(np.abs(slope))))
    rounding = 16 * np.finfo(float).eps * np.abs(here) / step
    slack = DERIVATIVE_TOLERANCE * np.maximum(np.abs(slope), 0.1 * size) + rounding
    off = (derivative < slopes.min(axis=0) - slack) | (derivative > slopes.max(axis=0) + slack)
    if np.any(off):
        i = int(np.flatnonzero(off)[0])
        kind = "value" if what == "gradient" else "gradient"
        remedy = "" if what == "gradient" else "; say surrogate_hessian=True if it is a bound on purpose"
        raise ValueError(
            f"objective `{name}`: the {what} is {derivative[i]} {at(y, raw, i)}, but differences of the {kind} give "
            f"{slope[i]}{remedy}"
        )


def best_step(derivatives: Callable[[float], tuple[np.ndarray, np.ndarray]]) -> float:
    """The step at which differences with it and with half of it agree best.

    Too long a step sees other derivatives, too short a one only rounding; where the best one lies depends
    on the units of raw, which nobody told us.
    """

    def disagreement(step: float) -> float:
        total = 0.0
        for whole, half in zip(derivatives(step), derivatives(step / 2), strict=True):
            size = np.max(np.abs(half))
            difference = np.max(np.abs(whole - half))
            total += difference / size if size > 0 else difference
        return float(total) if np.isfinite(total) else np.inf

    with np.errstate(all="ignore"):
        return min((10.0**k for k in (-2, -3, -1, -4, 0, 1, 2, 3, 4)), key=disagreement)
