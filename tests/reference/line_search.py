"""Slow twin of the leaves' line searches: each leaf on its own, a quantile as the least value with its share below."""

import numpy as np
from scipy.special import expit, softmax


def quantile(values, weight, share):
    """The smallest value with at least `share` of the weight at or below it."""
    for value in np.sort(values):
        if weight[values <= value].sum() >= share * weight.sum() * (1 - 1e-12):
            return value


def newton(downhill, hessian, weight):
    """sum(w downhill) / sum(w hessian)."""
    total = (weight * hessian).sum()
    return (weight * downhill).sum() / total if abs(total) >= 1e-150 else 0.0


def one_leaf(loss, y, raw, weight, k):
    """What output k's leaf adds to the raw score of its rows; raw (n_outputs, n)."""
    residual = y - raw[0]
    if loss.name == "squared_error":
        return np.average(residual, weights=weight)
    if loss.name in ("quantile", "absolute_error"):
        return quantile(residual, weight, loss.alpha)
    if loss.name == "huber":
        median, delta = quantile(residual, weight, 0.5), loss.params[0]
        d = residual - median
        return median + np.average(np.sign(d) * np.minimum(np.abs(d), delta), weights=weight)
    if loss.name == "binary_logistic":
        p = expit(raw[0])
        return newton(y - p, p * (1 - p), weight)
    if loss.name == "exponential":
        e = np.where(y == 1, np.exp(-raw[0]), np.exp(raw[0]))
        return newton(np.where(y == 1, e, -e), e, weight)
    p = softmax(raw, axis=0)[k]
    return newton((y == k) - p, p * (1 - p), weight) * (loss.n_outputs - 1) / loss.n_outputs


def line_search(loss, y, raw, weight, nodes, n_nodes):
    """Values of the leaves of each output's tree, 0 where no row is; nodes (n_outputs, n)."""
    weight = np.ones(len(y)) if weight is None else weight
    values = np.zeros((len(nodes), n_nodes))
    for k, node in enumerate(nodes):
        for leaf in np.unique(node):
            rows = node == leaf
            values[k, leaf] = one_leaf(loss, y[rows], raw[:, rows], weight[rows], k)
    return values
