"""Your own Python function as what the engines call, a loss or an impurity; Numba loads when a function comes in."""

from fastml.jit.criteria import OwnCriterion, compile_criterion
from fastml.jit.losses import ArrayLoss, BlockLoss, Loss, compile_loss

__all__ = ["ArrayLoss", "BlockLoss", "Loss", "OwnCriterion", "compile_criterion", "compile_loss"]
