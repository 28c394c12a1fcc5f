"""Losses for classes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fastml._engines.loss_gradients import builtin_losses
from fastml.losses.base import Floats, Loss, weighted_mean
from fastml.losses.leaves import Leaves, quotient, times

# Shares are kept this far from 0 and 1, so that a class without weight starts at a finite score.
SMALLEST_SHARE = 1e-6


class BinaryLogistic(Loss):
    """L = log(1 + e^raw) - y raw, y in {0, 1}; starts from the log-odds of the weighted share of ones."""

    name = "binary_logistic"
    link = "logistic"
    score_factor = 2.0

    @property
    def address(self) -> int:
        return builtin_losses()["binary_logistic"]

    def start(self, y: Floats, weight: Floats | None) -> NDArray[np.float64]:
        share = np.clip(weighted_mean(y, weight), SMALLEST_SHARE, 1 - SMALLEST_SHARE)
        return np.array([np.log(share / (1 - share))])

    def each(self, y: Floats, raw: Floats) -> NDArray[np.float64]:
        against = raw[0] * (1.0 - 2.0 * y)
        return np.maximum(against, 0.0) + np.log(1.0 + np.exp(-np.abs(against)))

    def line_search(
        self, y: Floats, raw: Floats, weight: Floats | None, leaves: Sequence[Leaves]
    ) -> list[NDArray[np.float64]]:
        e = np.exp(-np.abs(raw[0]))
        p = np.where(raw[0] >= 0, 1.0, e) / (1.0 + e)
        return [newton_step(leaves[0], y - p, p * (1.0 - p), weight)]


class Exponential(Loss):
    """L = e^-m, m = raw for y = 1 and -raw for y = 0, AdaBoost's loss; starts from half the log-odds."""

    name = "exponential"
    link = "logistic"  # of twice the raw score

    @property
    def address(self) -> int:
        return builtin_losses()["exponential"]

    def start(self, y: Floats, weight: Floats | None) -> NDArray[np.float64]:
        return 0.5 * BinaryLogistic().start(y, weight)

    def each(self, y: Floats, raw: Floats) -> NDArray[np.float64]:
        return np.exp(np.minimum(raw[0] * (1.0 - 2.0 * y), 700.0))

    def line_search(
        self, y: Floats, raw: Floats, weight: Floats | None, leaves: Sequence[Leaves]
    ) -> list[NDArray[np.float64]]:
        loss = self.each(y, raw)
        return [newton_step(leaves[0], loss * (2.0 * y - 1.0), loss, weight)]


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

    def each(self, y: Floats, raw: Floats) -> NDArray[np.float64]:
        shifted = raw - raw.max(axis=0)
        happened = shifted[y.astype(np.intp), np.arange(len(y))]
        return np.log(np.exp(shifted).sum(axis=0)) - happened

    def line_search(
        self, y: Floats, raw: Floats, weight: Floats | None, leaves: Sequence[Leaves]
    ) -> list[NDArray[np.float64]]:
        """A step on the diagonal of the hessian, times (K - 1) / K. Source: Friedman 2001, algorithm 6."""
        p = np.exp(raw - raw.max(axis=0))
        p /= p.sum(axis=0)
        shrink = (self.n_outputs - 1) / self.n_outputs
        return [
            shrink * newton_step(rows, (y == k) - p[k], p[k] * (1.0 - p[k]), weight) for k, rows in enumerate(leaves)
        ]


def newton_step(
    rows: Leaves, downhill: Floats, hessian: Floats, weight: Floats | None
) -> NDArray[np.float64]:
    """sum(w downhill) / sum(w hessian) of each leaf; downhill is the negative gradient."""
    return quotient(rows.sums(times(downhill, weight)), rows.sums(times(hessian, weight)))
