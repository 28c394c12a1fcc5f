"""Losses of boosting: objects over the C block kernels, with the constant each starts from."""

from fastml.losses.base import Loss
from fastml.losses.classification import BinaryLogistic, Softmax
from fastml.losses.regression import SquaredError

__all__ = ["BinaryLogistic", "Loss", "Softmax", "SquaredError"]
