"""What enters a support vector machine: rows that the solver can read, weights, and what is wrong with them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml.svm.kernels import call_kernel, check_symmetric

_OPTIONS: dict[str, Any] = {
    "dtype": [np.float64, np.float32], "order": "C", "accept_sparse": "csr", "accept_large_sparse": True,
}  # fmt: skip


def open_rows(estimator: Any, X: Any, *, reset: bool) -> Any:
    """X as a C-order array or CSR matrix of float64 or float32, with sorted columns; sets or checks its columns' names.

    Infinity, NaN, strings and wrong shapes are refused, worded as scikit-learn does.
    """
    from sklearn.utils.validation import validate_data

    X = validate_data(estimator, X, reset=reset, **_OPTIONS)
    if hasattr(X, "indptr") and not X.has_canonical_format:
        X = X.copy()
        X.sum_duplicates()
    return X


def open_fit(estimator: Any, X: Any) -> tuple[Any, int]:
    """(rows for the solver, how many) of a fit: of a user's kernel the matrix that it gave."""
    from sklearn.utils.validation import _num_samples

    if callable(estimator.kernel):
        n = _num_samples(X)
        return call_kernel(estimator.kernel, X, X, n, n, square=True), n
    if estimator.kernel == "precomputed" and hasattr(X, "tocsr"):
        raise TypeError("Sparse precomputed kernels are not supported.")
    X = open_rows(estimator, X, reset=True)
    if estimator.kernel == "precomputed":
        if X.shape[0] != X.shape[1]:
            raise ValueError(
                f"Precomputed matrix must be a square matrix. Input is a {X.shape[0]}x{X.shape[1]} matrix: it needs "
                "K(x_i, x_j) of every two training rows."
            )
        check_symmetric(X, "the precomputed kernel", "symmetrise it, (K + K.T) / 2, if that is rounding")
    return X, X.shape[0]


def row_weights(sample_weight: Any, n_samples: int) -> NDArray[np.float64]:
    """(n_samples,), 0 for a row that is left out: one of weight 0 or less, as scikit-learn has it."""
    if sample_weight is None:
        return np.ones(n_samples)
    weight = np.asarray(sample_weight, dtype=np.float64)
    if weight.ndim == 0:
        weight = np.full(n_samples, float(weight))
    if weight.ndim != 1:
        raise ValueError(f"Sample weights must be 1D array or scalar, got {weight.ndim}D array.")
    if len(weight) != n_samples:
        raise ValueError(
            f"sample_weight and X have incompatible shapes: {weight.shape} vs {n_samples} rows; give one weight a row."
        )
    if not np.isfinite(weight).all():
        what = "NaN" if np.isnan(weight).any() else "infinity"
        first = int(np.flatnonzero(~np.isfinite(weight))[0])
        raise ValueError(f"Input sample_weight contains {what}, first at row {first}: give finite numbers.")
    if not (weight > 0).any():
        raise ValueError("Invalid input - all samples have zero or negative weights.")
    return np.maximum(weight, 0.0)


def check_cache(cache_size: float, n_rows: int) -> int:
    """Bytes of the cache; ValueError where it holds fewer than two rows of the kernel matrix."""
    size = int(min(cache_size * 2.0**20, 2.0**62))
    if size < 8 * n_rows:
        raise ValueError(
            f"cache_size={cache_size} MB is less than two rows of the kernel matrix: {n_rows} rows need at least "
            f"{8 * n_rows / 2**20:.2g} MB"
        )
    return size
