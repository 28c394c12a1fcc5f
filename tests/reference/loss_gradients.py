"""Slow twin of loss_gradients: the losses, their derivatives, and a round on them."""

import numpy as np
from scipy.special import expit, log_softmax, softmax

LEAST_HESSIAN = 1e-16


def squared_error(y, raw):
    """(raw - y)^2 / 2, its gradient and hessian."""
    return (raw - y) ** 2 / 2, raw - y, np.ones_like(raw)


def binary_logistic(y, raw):
    """log(1 + e^raw) - y raw."""
    p = expit(raw)
    return np.logaddexp(0.0, raw) - y * raw, p - y, np.maximum(p * (1 - p), LEAST_HESSIAN)


def softmax_cross_entropy(y, raw, factor=1.0):
    """-log softmax(raw)[y] for raw (n_classes, n), its gradient and `factor` times the hessian's diagonal."""
    p = softmax(raw, axis=0)
    one_hot = np.arange(len(raw))[:, None] == y
    return -(log_softmax(raw, axis=0) * one_hot).sum(0), p - one_hot, np.maximum(factor * p * (1 - p), LEAST_HESSIAN)


def stats(grad, hess, weight):
    """sum |w g|, sum w h, sum w g^2, max |w g|, max w h of one output."""
    size, weighted = np.abs(weight * grad), weight * hess
    return np.array([size.sum(), weighted.sum(), (weight * grad**2).sum(), size.max(), weighted.max()])


def take_up(raw, leaf_values, leaf_of):
    """raw + the value of each row's leaf."""
    return raw + np.take_along_axis(leaf_values, leaf_of.astype(np.int64), axis=1)
