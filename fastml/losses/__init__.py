"""Losses of boosting: objects over the C block kernels, with the constant each starts from and its line search."""

from fastml.losses.base import Loss
from fastml.losses.classification import BinaryLogistic, Exponential, Softmax
from fastml.losses.leaves import Leaves
from fastml.losses.regression import AbsoluteError, Huber, Quantile, SquaredError

__all__ = [
    "AbsoluteError", "BinaryLogistic", "Exponential", "Huber", "Leaves", "Loss", "Quantile", "Softmax", "SquaredError",
]  # fmt: skip
