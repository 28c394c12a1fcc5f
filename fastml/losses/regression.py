"""Losses for numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fastml._engines.loss_gradients import builtin_losses
from fastml.losses.base import Floats, Loss, weighted_mean


class SquaredError(Loss):
    """L = (raw - y)^2 / 2; starts from the weighted mean."""

    name = "squared_error"
    constant_hessian = True

    @property
    def address(self) -> int:
        return builtin_losses()["squared_error"]

    def start(self, y: Floats, weight: Floats | None) -> NDArray[np.float64]:
        return np.array([weighted_mean(y, weight)])
