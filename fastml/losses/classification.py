"""Losses for classes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fastml._engines.loss_gradients import builtin_losses
from fastml.losses.base import Floats, Loss, weighted_mean

# Shares are kept this far from 0 and 1, so that a class without weight starts at a finite score.
SMALLEST_SHARE = 1e-6


class BinaryLogistic(Loss):
    """L = log(1 + e^raw) - y raw, y in {0, 1}; starts from the log-odds of the weighted share of ones."""

    name = "binary_logistic"
    link = "logistic"

    @property
    def address(self) -> int:
        return builtin_losses()["binary_logistic"]

    def start(self, y: Floats, weight: Floats | None) -> NDArray[np.float64]:
        share = np.clip(weighted_mean(y, weight), SMALLEST_SHARE, 1 - SMALLEST_SHARE)
        return np.array([np.log(share / (1 - share))])


class Softmax(Loss):
    """L = log(sum_k e^raw_k) - raw_y, y in {0, ..., K - 1}; starts from the centred logs of the classes' shares."""

    name = "softmax"
    link = "softmax"
    address = 0

    def __init__(self, n_classes: int) -> None:
        self.n_outputs = n_classes

    def start(self, y: Floats, weight: Floats | None) -> NDArray[np.float64]:
        count = np.bincount(y.astype(np.int64), weights=weight, minlength=self.n_outputs)
        scores = np.log(np.maximum(count / count.sum(), SMALLEST_SHARE))
        return scores - scores.mean()
