"""The kernel that an estimator's parameters name: its gamma, a user's function, a matrix computed by the user."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml.svm.solver import Kernel
from fastml.svm.spread import total_variance

ROUNDING = 1e-6  # of the largest entry: how far a kernel matrix may be from its transpose
BLOCK = 1024


def kernel_of(estimator: Any, moments: Any, n_features: int) -> Kernel:
    """The kernel with its gamma found; a function counts as a matrix that is computed."""
    kind: Any = "precomputed" if callable(estimator.kernel) else estimator.kernel
    gamma = 0.0
    if kind != "precomputed":
        gamma = _gamma(estimator.gamma, moments, n_features)
    return Kernel(kind, gamma, int(estimator.degree), float(estimator.coef0))


def _gamma(gamma: Any, moments: Any, n_features: int) -> float:
    if gamma == "scale":
        variance = total_variance(*moments)
        if not np.isfinite(variance):
            raise ValueError(
                "The dual coefficients or intercepts are not finite. X holds values so large that their variance, by "
                "which gamma='scale' is found, is no number: scale the data, with StandardScaler for example."
            )
        return 1.0 / (n_features * variance) if variance != 0 else 1.0
    return 1.0 / n_features if gamma == "auto" else float(gamma)


def call_kernel(function: Any, X: Any, Z: Any, n_rows: int, n_vectors: int, *, square: bool) -> NDArray[np.float64]:
    """A user's kernel as scikit-learn calls it: function(X, Z) -> (n_rows, n_vectors).

    Raises
    ------
    ValueError
        Another shape, a value that is not finite, or, of a `square` one, a matrix that is not symmetric; with where.
    """
    name = getattr(function, "__name__", type(function).__name__)
    K = function(X, Z)
    K = np.asarray(K.toarray() if hasattr(K, "toarray") else K, dtype=np.float64, order="C")
    if K.ndim != 2:
        raise ValueError(f"kernel `{name}` gave an array of {K.ndim} dimensions; it must give a matrix")
    if K.shape != (n_rows, n_vectors):
        raise ValueError(
            f"kernel `{name}` gave a matrix of shape {K.shape} for {n_rows} rows of X and {n_vectors} of the fit: it "
            f"must be {(n_rows, n_vectors)}"
        )
    if not np.isfinite(K).all():
        i, j = (int(k) for k in np.argwhere(~np.isfinite(K))[0])
        raise ValueError(f"kernel `{name}` gave {K[i, j]} for row {i} of X and row {j} of the fit: it must be finite")
    if square:
        check_symmetric(K, f"kernel `{name}`", "its value must not depend on the order of its arguments")
    return K


def check_symmetric(K: NDArray[Any], what: str, remedy: str) -> None:
    """ValueError, with by how much and where, unless a square matrix is its own transpose up to rounding."""
    worst, scale, at = 0.0, 0.0, (0, 0)
    for begin in range(0, len(K), BLOCK):
        for first in range(0, begin + 1, BLOCK):
            block = K[begin : begin + BLOCK, first : first + BLOCK]
            other = K[first : first + BLOCK, begin : begin + BLOCK]
            with np.errstate(over="ignore"):
                apart = np.abs(block - other.T)
            scale = max(scale, float(np.abs(block).max()), float(np.abs(other).max()))
            if apart.max() > worst:
                row, column = divmod(int(apart.argmax()), apart.shape[1])
                worst, at = float(apart[row, column]), (begin + row, first + column)
    if worst > ROUNDING * scale:
        i, j = at
        raise ValueError(
            f"{what} is not symmetric: K[{i}, {j}] = {K[i, j]:.6g} and K[{j}, {i}] = {K[j, i]:.6g}, {worst:.3g} apart; "
            f"{remedy}"
        )
