"""Raw scores, and the gradients of a loss at them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

def builtin_losses() -> dict[str, int]: ...

class LossGradients:
    """Raw predictions, gradients and hessians of a boosting fit, updated in one pass a round.

    y : (n,) float32 or float64.  weight : (n,) float64 or None.
    raw : (n_outputs, n) float64, C order, kept and updated in place.
    loss : address of a `fastml_loss_block`; 0: softmax cross-entropy over the outputs.
    params : up to 8 numbers for the loss.  constant_hessian : the hessian is 1 and not stored.
    softmax_factor : factor on the softmax hessian p (1 - p).

    `stats` is (n_outputs, 5): sum |w g|, sum w h, sum w g^2, max |w g|, max w h. Gradients are cut to the
    range of float32, hessians below zero count as zero; FloatingPointError where one is not a number.
    """

    raw: NDArray[np.float64]
    grad: NDArray[np.float32]
    hess: NDArray[np.float32] | None
    stats: NDArray[np.float64]
    leaf_of: NDArray[np.int32]
    def __init__(
        self,
        y: NDArray[Any],
        weight: NDArray[np.float64] | None,
        raw: NDArray[np.float64],
        loss: int,
        params: Sequence[float] = ...,
        constant_hessian: bool = ...,
        softmax_factor: float = ...,
        n_threads: int = ...,
    ) -> None: ...
    def set_params(self, params: Sequence[float]) -> None: ...
    def differentiate(self, leaf_values: NDArray[np.float64] | None) -> None: ...
    def take_up(self, leaf_values: NDArray[np.float64]) -> None: ...
    def accept(self, grad: NDArray[np.float64], hess: NDArray[np.float64]) -> None: ...
