"""The arithmetic of the metrics that run every round: plain NumPy, no validation, one pass where it can be.

y : (n,) class codes or targets.  p : (n,), or (K, n) by class.  w : (n,) weights >= 0, or None for ones.
"""

from __future__ import annotations

import numpy as np

Array = np.ndarray
Weight = np.ndarray | None

# XGBoost cuts probabilities at 1e-16: a certain and wrong prediction costs 36.8, not infinity.
SMALLEST = 1e-16
MAX_LOSS = -np.log(SMALLEST)


def mean(values: Array, w: Weight) -> float:
    """sum(w * values) / sum(w)"""
    # not np.dot: BLAS sums by thread, so that the last bits would hang on their number
    return float(np.mean(values)) if w is None else float(np.sum(values * w) / np.sum(w))


def logistic(raw: Array) -> Array:
    """1 / (1 + exp(-raw)), without overflow."""
    e = np.exp(-np.abs(raw))
    return np.where(raw >= 0, 1.0, e) / (1.0 + e)


def softmax(raw: Array) -> Array:
    """exp(raw) over its sum by class, (K, n)."""
    e = np.exp(raw - raw.max(axis=0))
    return e / e.sum(axis=0)


def squared(y: Array, p: Array, w: Weight) -> float:
    """mean of (p - y)^2"""
    r = p - y
    return mean(r * r, w)


def rmse(y: Array, p: Array, w: Weight) -> float:
    """Root of the mean of (p - y)^2"""
    return float(np.sqrt(squared(y, p, w)))


def rmsle(y: Array, p: Array, w: Weight) -> float:
    """Root of the mean of (log(1 + p) - log(1 + y))^2; NaN where a value is <= -1."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return rmse(np.log1p(y), np.log1p(p), w)


def mae(y: Array, p: Array, w: Weight) -> float:
    """mean of |p - y|"""
    return mean(np.abs(p - y), w)


def mape(y: Array, p: Array, w: Weight) -> float:
    """mean of |(p - y) / y|; infinite where y is 0, as in XGBoost."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return mean(np.abs((p - y) / y), w)


def mphe(y: Array, p: Array, w: Weight) -> float:
    """mean of sqrt(1 + (p - y)^2) - 1, the pseudo-Huber loss of slope 1"""
    r = p - y
    return mean(np.sqrt(1.0 + r * r) - 1.0, w)


def r2(y: Array, p: Array, w: Weight) -> float:
    """1 - squared error / variance; for a constant y 1 if all is right, else 0, as in scikit-learn."""
    residual = squared(y, p, w)
    variance = squared(y, np.array(mean(y, w)), w)
    if variance == 0:
        return 1.0 if residual == 0 else 0.0
    return 1.0 - residual / variance


def log_loss(y: Array, p: Array, w: Weight) -> float:
    """mean of -log(probability of what happened)"""
    happened = np.subtract(1.0, y, dtype=np.float64)
    happened -= p
    np.abs(happened, out=happened)  # p where y = 1, 1 - p where y = 0
    np.log(np.maximum(happened, SMALLEST, out=happened), out=happened)
    return -mean(happened, w)


def log_loss_raw(y: Array, raw: Array, w: Weight) -> float:
    """mean of log(1 + exp(-m)), m = raw or -raw by class"""
    # Two buffers, filled in place: fresh ones of this size cost more in page faults than exp and log.
    # log and exp run on vector units, log1p and logaddexp do not; 1 + e lies in 1..2, so nothing is lost.
    minus_m = np.multiply(y, -2.0, dtype=np.float64)
    minus_m += 1.0
    minus_m *= raw
    loss = np.abs(minus_m)
    np.negative(loss, out=loss)
    np.exp(loss, out=loss)
    loss += 1.0
    np.log(loss, out=loss)
    loss += np.maximum(minus_m, 0.0, out=minus_m)
    return mean(np.minimum(loss, MAX_LOSS, out=loss), w)


def log_loss_multi(y: Array, p: Array, w: Weight) -> float:
    """mean of -log(probability of the class that happened)"""
    happened = p[y.astype(np.intp, copy=False), np.arange(len(y))]
    return mean(-np.log(np.maximum(happened, SMALLEST)), w)


def log_loss_multi_raw(y: Array, raw: Array, w: Weight) -> float:
    """mean of log(sum exp(raw)) - raw of the class"""
    shifted = raw - raw.max(axis=0)
    happened = shifted[y.astype(np.intp, copy=False), np.arange(len(y))]
    loss = np.log(np.exp(shifted).sum(axis=0)) - happened
    return mean(np.minimum(loss, MAX_LOSS), w)


def error(y: Array, p: Array, w: Weight, threshold: float = 0.5) -> float:
    """Share of rows on the wrong side of the threshold; a row on it counts as class 0."""
    return error_label(y, p > threshold, w)


def error_label(y: Array, label: Array, w: Weight) -> float:
    """Share of rows with another label."""
    return mean(np.asarray(y != label, dtype=np.float64), w)


def auc(y: Array, score: Array, w: Weight) -> float:
    """Chance that a random positive scores above a random negative, ties counting half. O(n log n).

    With (K, n) scores: each class against the rest, averaged by the weight of the class, as in XGBoost.
    NaN if a side is empty.
    """
    if score.ndim == 2:
        return _by_class(auc, y, score, w)
    positive, negative = _below(y, score, w)
    if not positive[-1] or not negative[-1]:
        return float("nan")
    area = np.sum(np.diff(positive) * (negative[1:] + negative[:-1])) / 2.0
    return float(area / (positive[-1] * negative[-1]))


def aucpr(y: Array, score: Array, w: Weight) -> float:
    """Area under precision over recall, true and false positives interpolated linearly between thresholds.

    Between two thresholds false = a + h * true, and the integral of true / (true + false) is closed:
    x/s - a/s^2 log(a + s x), s = 1 + h.  Source: Keilwagen, Grosse, Grau 2014, as XGBoost has it.
    """
    if score.ndim == 2:
        return _by_class(aucpr, y, score, w)
    positive, negative = _below(y, score, w)
    if not positive[-1] or not negative[-1]:
        return float("nan")
    true = (positive[-1] - positive)[::-1]  # from the highest threshold down
    false = (negative[-1] - negative)[::-1]
    rising = np.diff(true) > 0
    t0, t1, f0 = true[:-1][rising], true[1:][rising], false[:-1][rising]
    h = np.diff(false)[rising] / (t1 - t0)
    s = 1.0 + h
    a = f0 - h * t0
    with np.errstate(divide="ignore", invalid="ignore"):
        curved = np.where(a == 0, 0.0, a / (s * s) * np.log((a + s * t1) / (a + s * t0)))
    return float(np.sum((t1 - t0) / s - curved) / positive[-1])


def _below(y: Array, score: Array, w: Weight) -> tuple[Array, Array]:
    """Weight of positives and of negatives that lie below each distinct score, and below infinity.

    Both start with 0 and end with the total.
    """
    order = np.argsort(score)
    ordered = score[order]
    ends = np.append(np.flatnonzero(ordered[1:] != ordered[:-1]) + 1, len(order))  # of each run of ties
    if w is None:
        positive = np.append(0.0, np.cumsum(y[order], dtype=np.float64))[np.append(0, ends)]
        return positive, np.append(0, ends) - positive
    weight = w[order]
    gained = weight * y[order]
    positive = np.append(0.0, np.cumsum(gained)[ends - 1])
    # summed on their own: a difference of two sums would leave a rest where there are no negatives
    return positive, np.append(0.0, np.cumsum(weight - gained)[ends - 1])


def _by_class(function, y: Array, score: Array, w: Weight) -> float:
    total, weight_sum = 0.0, 0.0
    for k, one in enumerate(score):
        is_k = (y == k).astype(np.float64)
        value = function(is_k, one, w)
        weight = float(is_k.sum() if w is None else np.sum(is_k * w))
        if weight > 0 and not np.isnan(value):
            total, weight_sum = total + weight * value, weight_sum + weight
    return total / weight_sum if weight_sum else float("nan")
