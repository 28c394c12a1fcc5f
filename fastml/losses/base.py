"""What a loss is to a booster: the address of its block kernel, its link, and where boosting starts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]


class Loss(ABC):
    """A loss L(y, raw), summed over rows; raw scores are (n_outputs, n)."""

    name: str
    link: str = "identity"  # raw score -> prediction: "identity", "logistic" or "softmax"
    n_outputs: int = 1
    constant_hessian: bool = False
    params: tuple[float, ...] = ()

    @property
    @abstractmethod
    def address(self) -> int:
        """Address of the `fastml_loss_block`; 0 for softmax."""

    @abstractmethod
    def start(self, y: Floats, weight: Floats | None) -> NDArray[np.float64]:
        """The constant raw score at which the loss of the rows is smallest, (n_outputs,)."""


def weighted_mean(y: Floats, weight: Floats | None) -> float:
    """sum(w y) / sum(w), in float64."""
    if weight is None:
        return float(np.mean(y, dtype=np.float64))
    return float(np.sum(weight * y) / np.sum(weight))  # not np.dot: BLAS sums by its own threads
