"""What a loss is to a booster: the address of its block kernel, its link, where boosting starts, its line search."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from fastml.losses.leaves import Leaves

Floats = NDArray[np.floating[Any]]


class Loss(ABC):
    """A loss L(y, raw), summed over rows; raw scores are (n_outputs, n)."""

    name: str
    link: str = "identity"  # raw score -> prediction: "identity", "logistic" or "softmax"
    n_outputs: int = 1
    constant_hessian: bool = False
    params: tuple[float, ...] = ()
    score_factor: float = 1.0  # scikit-learn reports twice the loss for some

    @property
    @abstractmethod
    def address(self) -> int:
        """Address of the `fastml_loss_block`; 0 for softmax."""

    @abstractmethod
    def start(self, y: Floats, weight: Floats | None) -> NDArray[np.float64]:
        """The constant raw score at which the loss of the rows is smallest, (n_outputs,)."""

    @abstractmethod
    def each(self, y: Floats, raw: Floats) -> NDArray[np.float64]:
        """The loss of each row, (n,)."""

    @abstractmethod
    def line_search(
        self, y: Floats, raw: Floats, weight: Floats | None, leaves: Sequence[Leaves]
    ) -> list[NDArray[np.float64]]:
        """What to add to the raw score in each leaf of each output's tree, so that the loss falls the most.

        The minimum where there is a closed form, one Newton step otherwise, as scikit-learn takes it.
        """

    def adapt(self, y: Floats, raw: Floats, weight: Floats | None) -> bool:
        """Set `params` by the scores of a round; False if there is nothing to set."""
        return False

    def score(self, y: Floats, raw: Floats, weight: Floats | None) -> float:
        """score_factor * sum(w L) / sum(w); NaN without rows."""
        if raw.shape[1] == 0:
            return float("nan")
        return self.score_factor * weighted_mean(self.each(y, raw), weight)


def weighted_mean(y: Floats, weight: Floats | None) -> float:
    """sum(w y) / sum(w), in float64."""
    if weight is None:
        return float(np.mean(y, dtype=np.float64))
    return float(np.sum(weight * y) / np.sum(weight))  # not np.dot: BLAS sums by its own threads
