"""Where a solver starts: a point inside the box whose sums are the ones that the problem asks for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def filled(upper: Floats, total: float) -> Floats:
    """(n,) from the first row on, each as full as its bound allows, `total` in all; as LIBSVM starts."""
    before = np.cumsum(upper) - upper
    return np.clip(total - before, 0.0, upper)


def feasible(beta: Floats, lower: Floats, upper: Floats, total: float) -> Floats:
    """A point near `beta`, inside the box, whose sum is `total`.

    The side that is too heavy shrinks in proportion, so that what lies at 0 stays there; what is still lacking is
    filled up from the first row on.
    """
    beta = np.clip(beta, lower, upper)
    for sign in (1.0, -1.0):
        heavy = np.maximum(sign * beta, 0.0)
        excess, weight = sign * (beta.sum() - total), heavy.sum()
        if excess > 0 and weight > 0:
            beta = beta - sign * heavy * min(1.0, excess / weight)
    lacking = total - beta.sum()
    if lacking > 0:
        beta = beta + filled(upper - beta, lacking)
    elif lacking < 0:
        beta = beta - filled(beta - lower, -lacking)
    return np.clip(beta, lower, upper)
