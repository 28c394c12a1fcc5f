"""The gap statistic: how much tighter clusters are than those of rows without any (Tibshirani 2001)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray


def reference_rows(
    X: NDArray[np.float64], n_references: int, random_state: np.random.RandomState
) -> Iterator[NDArray[np.float64]]:
    """Rows drawn evenly from the box that holds X along its principal components, as many as X has; n_references times.

    Section 4 (b) of the paper: the box follows the shape of the data, which a box along the columns does not.
    """
    mean = X.mean(axis=0)
    centred = X - mean
    axes = np.linalg.eigh(centred.T @ centred)[1]
    turned = centred @ axes
    low, high = turned.min(axis=0), turned.max(axis=0)
    for _ in range(n_references):
        yield random_state.uniform(low, high, size=X.shape) @ axes.T + mean


def gap_statistic(
    inertia: NDArray[np.float64], reference: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    r""":math:`E^*[\log W_k] - \log W_k`, and its standard error :math:`s_k = sd_k \sqrt{1 + 1/B}`.

    Parameters
    ----------
    inertia : (n_ks,) W_k of the data
    reference : (B, n_ks) W_k of rows without clusters
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(reference)
        gap = logs.mean(axis=0) - np.log(inertia)
        error = logs.std(axis=0) * np.sqrt(1 + 1 / len(reference))
    return gap, error


def smallest_sufficient(ks: NDArray[np.intp], gap: NDArray[np.float64], error: NDArray[np.float64]) -> int:
    """The least k whose gap is within one standard error of that of the next; the one of the largest gap if none is."""
    for i in range(len(ks) - 1):
        if gap[i] >= gap[i + 1] - error[i + 1]:
            return int(ks[i])
    return int(ks[np.nanargmax(gap)])
