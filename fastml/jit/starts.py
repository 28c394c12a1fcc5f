"""The constant at which a user's loss is smallest: where boosting starts."""

from __future__ import annotations

from typing import Any

import numpy as np

MAX_STEPS = 200
TOLERANCE = 1e-6
N_ROWS = 16_384  # enough for a start; trees do the rest


def newton_start(loss: Any, y: np.ndarray, weight: np.ndarray | None = None) -> float:
    """The raw score at which the loss's gradients sum to zero over the rows, to about six digits.

    Newton steps kept inside a bracket: where the hessian is only a bound or a constant, steps double
    until the gradient changes its sign, and are halved then. From 0; a finite score whatever happens.

    Parameters
    ----------
    loss : object with `gradient_hessian(y, raw, weight)`
        With one output.
    y : (n,) float64
    weight : (n,) float64, optional

    Returns
    -------
    float
    """
    # A function of arrays may hold one of its own, with a value for each row: it has to see all of them.
    stride = 1 if loss.address is None else -(-len(y) // N_ROWS)
    y = np.ascontiguousarray(y[::stride], dtype=np.float64)
    weight = None if weight is None else weight[::stride]

    def slope(raw: float) -> tuple[float, float, float]:
        with np.errstate(all="ignore"):
            try:
                gradient, hessian = loss.gradient_hessian(y, np.full(len(y), raw), weight)
            except ValueError:  # not finite so far out, says a function of arrays
                return np.nan, np.nan, np.nan
            return float(gradient.sum()), float(hessian.sum()), float(np.abs(gradient).sum())

    low, high = -np.inf, np.inf  # the slope is negative at low and positive at high
    raw, stride_out, last_step = 0.0, 1.0, np.inf
    best, least = 0.0, np.inf
    for _ in range(MAX_STEPS):
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
        elif not stride_out <= abs(step) < np.inf:
            step = np.copysign(stride_out, -first)
        stride_out *= 2.0
        last_step = step
        raw += step
    return float(best)
