"""Twin of the engine smo: the same problem by plain NumPy, one pair after the other, and by SciPy's QP for small ones.

    min 1/2 b'Kb - z'b + epsilon sum |b|,   lower <= b <= upper,   the sum of b (of each group) unchanged
"""

import numpy as np
from scipy.optimize import LinearConstraint, minimize


def reach(g, beta, lower, upper, epsilon):
    """What a step up earns at most, and what a step down costs at least; infinite where the box forbids it."""
    up = np.where(beta < upper, g + np.where(beta < 0, epsilon, -epsilon), -np.inf)
    low = np.where(beta > lower, g + np.where(beta > 0, -epsilon, epsilon), np.inf)
    return up, low


def kkt_gap(K, z, beta, lower, upper, epsilon=0.0, group=None):
    """From scratch: how far a point is from the conditions of the optimum, at most 0 there."""
    up, low = reach(z - K @ beta, beta, lower, upper, epsilon)
    group = np.zeros(len(z), int) if group is None or not len(group) else np.asarray(group)
    return max(up[group == k].max(initial=-np.inf) - low[group == k].min(initial=np.inf) for k in (0, 1))


def objective(K, z, beta, epsilon=0.0):
    return 0.5 * beta @ K @ beta - z @ beta + epsilon * np.abs(beta).sum()


def solve(K, z, beta, lower, upper, epsilon=0.0, group=None, tol=1e-8, max_iter=100_000):
    """(beta, steps): the pair that violates most, its partner by second order (Fan, Chen, Lin 2005)."""
    beta = beta.astype(float).copy()
    g = z - K @ beta
    group = np.zeros(len(z), int) if group is None or not len(group) else np.asarray(group)
    for step in range(max_iter):
        up, low = reach(g, beta, lower, upper, epsilon)
        best = (0.0, -1, -1)
        for k in (0, 1):
            own = group == k
            if not own.any() or not np.where(own, up, -np.inf).max() - np.where(own, low, np.inf).min() > tol:
                continue
            i = int(np.where(own, up, -np.inf).argmax())
            ahead = np.where(own, up[i] - low, 0.0).clip(0)
            gain = ahead**2 / np.maximum(K[i, i] + K.diagonal() - 2 * K[i], 1e-12)
            best = max(best, (float(gain.max()), i, int(gain.argmax())))
        _, i, j = best
        if i < 0:
            return beta, step
        to_i = 0.0 if epsilon > 0 and beta[i] < 0 else upper[i]
        to_j = 0.0 if epsilon > 0 and beta[j] > 0 else lower[j]
        by = (up[i] - low[j]) / max(K[i, i] + K[j, j] - 2 * K[i, j], 1e-12)
        by = min(by, to_i - beta[i], beta[j] - to_j)
        beta[i], beta[j] = beta[i] + by, beta[j] - by
        g -= by * (K[i] - K[j])
    return beta, max_iter


def solve_qp(K, z, beta, lower, upper, epsilon=0.0, group=None):
    """By SLSQP, |b| as the sum of two parts; for a dozen rows."""
    n = len(z)
    group = np.zeros(n, int) if group is None or not len(group) else np.asarray(group)
    sums = np.array([(group == k).astype(float) for k in np.unique(group)])
    bounds = [*zip(np.maximum(lower, 0), np.maximum(upper, 0), strict=True),
              *zip(np.maximum(-upper, 0), np.maximum(-lower, 0), strict=True)]  # fmt: skip
    found = minimize(
        lambda parts: objective(K, z, parts[:n] - parts[n:]) + epsilon * parts.sum(),
        np.concatenate([beta.clip(0), (-beta).clip(0)]),
        jac=lambda parts: np.concatenate([(slope := K @ (parts[:n] - parts[n:]) - z) + epsilon, epsilon - slope]),
        bounds=bounds, constraints=LinearConstraint(np.hstack([sums, -sums]), sums @ beta, sums @ beta),
        method="SLSQP", options={"ftol": 1e-14, "maxiter": 1000},
    )  # fmt: skip
    return found.x[:n] - found.x[n:]
