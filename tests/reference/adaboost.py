"""Slow twins of AdaBoost: SAMME and R2 with weighted members, from the formulas."""

import numpy as np
from sklearn.base import clone

EPS = np.finfo(float).eps


def samme(template, X, y, weight, n_estimators, learning_rate):
    """(members, their weights, their errors)."""
    members, alphas, errors = [], [], []
    K = len(np.unique(y))
    w = weight / weight.sum()
    for _ in range(n_estimators):
        w = np.where(weight > 0, np.maximum(w, EPS), 0.0)
        member = clone(template).fit(X, y, sample_weight=w)
        wrong = member.predict(X) != y
        error = w[wrong].sum() / w.sum()
        if error <= 0:
            return [*members, member], [*alphas, 1.0], [*errors, 0.0]
        if error >= 1 - 1 / K:
            break
        alpha = learning_rate * (np.log((1 - error) / error) + np.log(K - 1))
        members, alphas, errors = [*members, member], [*alphas, alpha], [*errors, error]
        w = w * np.exp(alpha * wrong)
        w /= w.sum()
    return members, alphas, errors


def r2(template, X, y, weight, n_estimators, learning_rate, loss):
    """(members, their weights, their errors)."""
    members, alphas, errors = [], [], []
    w = weight / weight.sum()
    for i in range(n_estimators):
        w = np.where(weight > 0, np.maximum(w, EPS), 0.0)
        member = clone(template).fit(X, y, sample_weight=w)
        e = np.abs(member.predict(X) - y)
        e = e / max(e[w > 0].max(), 1e-300)
        e = {"linear": e, "square": e**2, "exponential": 1 - np.exp(-e)}[loss]
        error = (w * e)[w > 0].sum()
        if error <= 0:
            return [*members, member], [*alphas, 1.0], [*errors, 0.0]
        if error >= 0.5:
            break
        beta = error / (1 - error)
        members, alphas, errors = [*members, member], [*alphas, learning_rate * np.log(1 / beta)], [*errors, error]
        if i < n_estimators - 1:
            w = w * beta ** ((1 - e) * learning_rate)
            w /= w.sum()
    return members, alphas, errors
