"""Twin of the engine kernel_rows: kernels by their formulas, packed rows by plain indexing."""

import numpy as np


def packed(X, lanes, mean=0.0, scale=1.0):
    """(rows, sq): (n_blocks, d, lanes), zeros behind the last row; half of the squared norms."""
    n, d = X.shape
    n_blocks = -(-n // lanes)
    whole = np.zeros((n_blocks * lanes, d))
    whole[:n] = (X - mean) * scale
    rows = whole.reshape(n_blocks, lanes, d).transpose(0, 2, 1)
    return np.ascontiguousarray(rows), (whole**2).sum(axis=1) / 2


def kernel(X, Z, kind, degree, gamma, coef0):
    """(len(X), len(Z)) of rows as they are; rbf by |x - z|^2."""
    if kind == "rbf":
        return np.exp(-gamma * ((X[:, None] - Z[None]) ** 2).sum(axis=2))
    dots = X @ Z.T
    if kind == "linear":
        return dots
    return (gamma * dots + coef0) ** degree if kind == "poly" else np.tanh(gamma * dots + coef0)
