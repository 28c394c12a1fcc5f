"""Your own Python function, a loss, impurity, kernel or metric, as what engines call; Numba loads when one comes in."""

from fastml.jit.criteria import OwnCriterion, compile_criterion
from fastml.jit.kernels import RowKernel, compile_kernel
from fastml.jit.losses import ArrayLoss, BlockLoss, Loss, compile_loss
from fastml.jit.metrics import OwnMetric, compile_metric

__all__ = [
    "ArrayLoss", "BlockLoss", "Loss", "OwnCriterion", "OwnMetric", "RowKernel", "compile_criterion", "compile_kernel",
    "compile_loss", "compile_metric",
]  # fmt: skip
