"""Losses for numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fastml._engines.loss_gradients import builtin_losses
from fastml.losses.base import Floats, Loss, weighted_mean
from fastml.losses.leaves import Leaves, quotient, times


class SquaredError(Loss):
    """L = (raw - y)^2 / 2; starts from the weighted mean."""

    name = "squared_error"
    constant_hessian = True
    score_factor = 2.0

    @property
    def address(self) -> int:
        return builtin_losses()["squared_error"]

    def start(self, y: Floats, weight: Floats | None) -> NDArray[np.float64]:
        return np.array([weighted_mean(y, weight)])

    def each(self, y: Floats, raw: Floats) -> NDArray[np.float64]:
        residual = y - raw[0]
        return 0.5 * residual * residual

    def line_search(
        self, y: Floats, raw: Floats, weight: Floats | None, leaves: Sequence[Leaves]
    ) -> list[NDArray[np.float64]]:
        return [quotient(leaves[0].sums(times(y - raw[0], weight)), leaves[0].sums(weight))]


class Quantile(Loss):
    """L = alpha max(y - raw, 0) + (1 - alpha) max(raw - y, 0), whose minimum is the alpha-quantile."""

    name = "quantile"
    constant_hessian = True

    def __init__(self, alpha: float) -> None:
        self.alpha = alpha
        self.params = (alpha,)

    @property
    def address(self) -> int:
        return builtin_losses()[self.name]

    def start(self, y: Floats, weight: Floats | None) -> NDArray[np.float64]:
        """Interpolated between rows without weights, a row's own value with them, as in scikit-learn."""
        if weight is None:
            return np.array([np.quantile(y, self.alpha)])
        return all_in_one(y).quantiles(y, weight, self.alpha)

    def each(self, y: Floats, raw: Floats) -> NDArray[np.float64]:
        residual = y - raw[0]
        return np.maximum(self.alpha * residual, (self.alpha - 1.0) * residual)

    def line_search(
        self, y: Floats, raw: Floats, weight: Floats | None, leaves: Sequence[Leaves]
    ) -> list[NDArray[np.float64]]:
        return [leaves[0].quantiles(y - raw[0], weight, self.alpha)]


class AbsoluteError(Quantile):
    """L = |y - raw|, twice the quantile loss of 1/2; its minimum is the median."""

    name = "absolute_error"

    def __init__(self) -> None:
        super().__init__(0.5)
        self.params = ()

    def each(self, y: Floats, raw: Floats) -> NDArray[np.float64]:
        return np.abs(y - raw[0])


class Huber(AbsoluteError):
    """L = r^2 / 2 for |r| <= delta, delta (|r| - delta / 2) beyond, r = y - raw; starts from the median.

    delta is the `share`-quantile of |r|, anew each round. Source: Friedman 2001, algorithm 4.
    """

    name = "huber"

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share
        self.params = (1.0,)

    def adapt(self, y: Floats, raw: Floats, weight: Floats | None) -> bool:
        self.params = (float(all_in_one(y).quantiles(np.abs(y - raw[0]), weight, self.share)[0]),)
        return True

    def each(self, y: Floats, raw: Floats) -> NDArray[np.float64]:
        (delta,) = self.params
        distance = np.abs(y - raw[0])
        inside = np.minimum(distance, delta)
        return inside * (distance - 0.5 * inside)

    def line_search(
        self, y: Floats, raw: Floats, weight: Floats | None, leaves: Sequence[Leaves]
    ) -> list[NDArray[np.float64]]:
        """The median, and the mean of what is left after it, cut at delta."""
        (delta,) = self.params
        rows, residual = leaves[0], y - raw[0]
        median = rows.quantiles(residual, weight, 0.5)
        cut = np.clip(residual - median[rows.node], -delta, delta)
        return [median + quotient(rows.sums(times(cut, weight)), rows.sums(weight))]


def all_in_one(y: Floats) -> Leaves:
    """Every row in one leaf."""
    return Leaves(np.zeros(len(y), np.int32), 1)
