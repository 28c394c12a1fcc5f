"""Your own Python function as what the engines call, a loss, impurity, kernel; Numba loads when a function comes in."""

from fastml.jit.criteria import OwnCriterion, compile_criterion
from fastml.jit.kernels import RowKernel, compile_kernel
from fastml.jit.losses import ArrayLoss, BlockLoss, Loss, compile_loss

__all__ = [
    "ArrayLoss", "BlockLoss", "Loss", "OwnCriterion", "RowKernel", "compile_criterion", "compile_kernel",
    "compile_loss",
]  # fmt: skip
