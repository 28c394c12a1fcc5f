"""Slow twin of exact_grower: the impurity of a node, and every cut of every column with what it takes off."""

from itertools import pairwise

import numpy as np
from scipy.special import xlogy


def shares(label, weight, n_classes):
    """Weight of each class over that of the rows, (n_outputs, n_classes)."""
    return np.stack([np.bincount(own, weight, n_classes) for own in label]) / weight.sum()


def weighted_median(y, weight):
    order = np.argsort(y, kind="stable")
    y, below = y[order], np.cumsum(weight[order])
    half = below[-1] / 2
    k = int(np.searchsorted(below, half))
    return (y[k] + y[k + 1]) / 2 if below[k] == half and k + 1 < len(y) else y[k]


def value_of(criterion, target, weight, n_classes):
    """What a node predicts: (n_outputs, n_classes) shares, or (n_outputs, 1)."""
    if n_classes:
        return shares(target, weight, n_classes)
    if criterion == "absolute_error":
        return np.array([[weighted_median(y, weight)] for y in target])
    return (target @ weight / weight.sum())[:, None]


def impurity(criterion, target, weight, n_classes):
    """Averaged over the outputs; src_cy/kernels/impurity.pxd has the formulas."""
    if callable(criterion) and n_classes:
        return np.mean([criterion(p) for p in shares(target, weight, n_classes)])
    if callable(criterion):
        return np.mean([criterion(weight.sum(), weight @ y, weight @ (y * y)) for y in target])
    if n_classes:
        p = shares(target, weight, n_classes)
        each = 1 - (p**2).sum(axis=1) if criterion == "gini" else -xlogy(p, p).sum(axis=1) / np.log(2)
        return each.mean()
    at = value_of(criterion, target, weight, 0)
    if criterion == "absolute_error":
        each = np.abs(target - at)
    elif criterion == "poisson":
        if (at <= np.finfo(float).eps).any():
            return np.inf
        each = xlogy(target, target / at)
    else:
        each = (target - at) ** 2
    return (each @ weight).mean() / weight.sum()


def cuts(x):
    """(goes left, threshold, missing goes left) for every cut of a column's values in a node."""
    present = ~np.isnan(x)
    values = np.unique(x[present])
    for low, high in pairwise(values):
        with np.errstate(invalid="ignore"):  # between -inf and inf
            middle = low / 2 + high / 2
        threshold = middle if low < middle < high else low
        for missing_left in (False, True) if not present.all() else (False,):
            yield np.where(present, x <= threshold, missing_left), threshold, missing_left
    if 0 < present.sum() < len(x):
        yield present, np.inf, False


def set_cuts(codes):
    """(goes left, None, missing goes left) for every set of a column's levels in a node."""
    present = ~np.isnan(codes)
    levels = np.unique(codes[present])
    for chosen in range(1, 2 ** len(levels)):
        left = np.isin(codes, levels[[chosen >> k & 1 == 1 for k in range(len(levels))]])
        for missing_left in (False, True) if not present.all() else (False,):
            goes_left = np.where(present, left, missing_left)
            if 0 < goes_left.sum() < len(codes):
                yield goes_left, None, missing_left


def gains(X, criterion, target, weight, n_classes, options, is_categorical=()):
    """(gain, column, goes left) of every cut that the limits on leaves allow; a gain is a decrease of the impurity,
    not weighted by the node's share."""
    own, total = impurity(criterion, target, weight, n_classes), weight.sum()
    for j, x in enumerate(X.T):
        for left, _, _ in set_cuts(x) if j in is_categorical else cuts(x):
            sides = left, ~left
            if min(s.sum() for s in sides) < options["min_samples_leaf"]:
                continue
            if min(weight[s].sum() for s in sides) < options["min_weight_leaf"]:
                continue
            below = sum(
                weight[s].sum() / total * impurity(criterion, target[:, s], weight[s], n_classes) for s in sides
            )
            yield own - below, j, left
