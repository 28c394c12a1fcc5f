"""Your own Python function as a block kernel that the engines call; Numba loads when a function comes in."""

from fastml.jit.losses import ArrayLoss, BlockLoss, Loss, compile_loss

__all__ = ["ArrayLoss", "BlockLoss", "Loss", "compile_loss"]
