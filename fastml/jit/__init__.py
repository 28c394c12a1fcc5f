"""Your own Python function as what engines call: a loss, impurity or metric; Numba loads when a function comes in."""

from fastml.jit.criteria import OwnCriterion, compile_criterion
from fastml.jit.losses import ArrayLoss, BlockLoss, Loss, compile_loss
from fastml.jit.metrics import OwnMetric, compile_metric

__all__ = [
    "ArrayLoss", "BlockLoss", "Loss", "OwnCriterion", "OwnMetric", "compile_criterion", "compile_loss",
    "compile_metric",
]  # fmt: skip
