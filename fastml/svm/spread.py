"""How far the columns of X spread: what gamma="scale" stands on, and the warning about columns of unlike scales."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROWS = 1 << 16  # numbers looked at once, so that no second X is made
UNLIKE = 1e3  # largest over smallest standard deviation of columns beyond which a kernel sees the largest only


def column_moments(X: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(mean, variance) of each column in float64, (n_features,) each; two passes over blocks of rows."""
    n, d = X.shape
    if hasattr(X, "indptr"):
        return _sparse_moments(X)
    step = max(1, ROWS // d)
    blocks = [slice(begin, begin + step) for begin in range(0, n, step)]
    mean, variance = np.zeros(d), np.zeros(d)
    with np.errstate(over="ignore", invalid="ignore"):
        for block in blocks:
            mean += X[block].sum(axis=0, dtype=np.float64)
        mean /= n
        for block in blocks:
            apart = X[block] - mean
            variance += np.einsum("ij,ij->j", apart, apart)
        return mean, variance / n


def _sparse_moments(X: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    n, d = X.shape
    values = np.asarray(X.data, dtype=np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        mean = np.bincount(X.indices, weights=values, minlength=d) / n
        apart = values - mean[X.indices]
        squares = np.bincount(X.indices, weights=apart * apart, minlength=d)
        stored = np.bincount(X.indices, minlength=d)
        return mean, (squares + (n - stored) * mean**2) / n


def total_variance(mean: NDArray[np.float64], variance: NDArray[np.float64]) -> float:
    """Variance of all numbers of X, from its columns'."""
    with np.errstate(over="ignore", invalid="ignore"):
        return float(variance.mean() + ((mean - mean.mean()) ** 2).mean())


def warn_of_scales(variance: NDArray[np.float64], names: Any, estimator: str) -> None:
    """Warn, once, where some columns spread thousands of times as far as others."""
    varies = np.flatnonzero((variance > 0) & np.isfinite(variance))
    if len(varies) < 2:
        return
    spread = np.sqrt(variance[varies])
    ratio = spread.max() / spread.min()
    if ratio < UNLIKE:
        return
    wide, narrow = (int(varies[k]) for k in (spread.argmax(), spread.argmin()))
    said = (f"column {names[j]!r}" if names is not None else f"column {j}" for j in (wide, narrow))
    warnings.warn(
        f"{estimator}: {next(said)} of X spreads about 10^{int(np.log10(ratio))} times as far as {next(said)}, so that "
        "the kernel hardly sees the latter, and the fit takes long. Put a scaler in front: "
        f"make_pipeline(StandardScaler(), {estimator}(...)).",
        UserWarning,
        stacklevel=4,
    )
