"""The constant at which a user's loss is smallest: where boosting starts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

N_ROWS = 16_384  # rows to find it on, before a few last steps on all of them
MAX_STEPS = 200
LAST_STEPS = 40  # two or three are the rule; more where the sample misled
TOLERANCE = 1e-6

Slope = Callable[[float], tuple[float, float, float]]


def newton_start(loss: Any, y: np.ndarray, weight: np.ndarray | None = None) -> float:
    """The raw score at which the loss's gradients sum to zero over the rows, to about six digits.

    Newton steps kept inside a bracket: where the hessian is only a bound or a constant, steps double
    until the gradient changes its sign, and are halved then. From 0; a finite score whatever happens.

    Parameters
    ----------
    loss : object with `gradient_hessian(y, raw, weight)`
        With one output.
    y : (n,) array
    weight : (n,) float64, optional

    Returns
    -------
    float
    """
    # A function of arrays may hold one of its own, with a value for each row: it has to see all of them.
    stride = 1 if loss.address is None else -(-len(y) // N_ROWS)
    y = np.ascontiguousarray(y, dtype=np.float64)
    some = _slope(loss, y[::stride].copy(), None if weight is None else weight[::stride])
    found = _root(some, 0.0, 1.0, MAX_STEPS)
    if stride == 1:
        return found
    return _root(_slope(loss, y, weight), found, TOLERANCE * max(1.0, abs(found)), LAST_STEPS)


def _slope(loss: Any, y: np.ndarray, weight: np.ndarray | None) -> Slope:
    """raw -> sums of gradients, of hessians, and of the gradients' sizes."""

    def slope(raw: float) -> tuple[float, float, float]:
        with np.errstate(all="ignore"):
            try:
                gradient, hessian = loss.gradient_hessian(y, np.full(len(y), raw), weight)
            except (ValueError, ArithmeticError):  # not finite so far out, says a function in Python
                return np.nan, np.nan, np.nan
            return float(gradient.sum()), float(hessian.sum()), float(np.abs(gradient).sum())

    return slope


def _root(slope: Slope, raw: float, shortest: float, max_steps: int) -> float:
    """Where the slope is zero, from `raw`; the first step without a bracket is no shorter than `shortest`."""
    low, high = -np.inf, np.inf  # the slope is negative at low and positive at high
    best, least, last_step = raw, np.inf, np.inf
    for _ in range(max_steps):
        first, second, size = slope(raw)
        if not (np.isfinite(first) and np.isfinite(second)):  # too far: half of the way back
            if abs(raw - best) <= TOLERANCE * max(1.0, abs(best)):
                break
            raw = best + (raw - best) / 2.0
            continue
        if abs(first) < least:
            best, least = raw, abs(first)
        low, high = (raw, high) if first < 0 else (low, raw)
        if abs(first) <= TOLERANCE * TOLERANCE * size or high - low <= TOLERANCE * max(1.0, abs(raw)):
            break
        step = -first / second if second > 0 else np.copysign(np.inf, -first)
        if np.isfinite(low) and np.isfinite(high):
            if not low < raw + step < high or abs(step) > abs(last_step) / 2.0:  # no Newton step, or a slow one
                step = (low + high) / 2.0 - raw
        elif not shortest <= abs(step) < np.inf:
            step = np.copysign(shortest, -first)
        shortest *= 2.0
        last_step = step
        raw += step
    return float(best)
