"""Lloyd's algorithm from given centres: assign each point to its nearest centre, move centres to means, repeat."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray


@dataclass(frozen=True)
class LloydResult:
    """Where Lloyd's algorithm ended.

    labels : (n,) int32, nearest of `centres`; ties go to the lowest number.
    centres : (k, d), of X's dtype (float64 for bytes).
    inertia : weighted sum of squared distances to the own centre, summed in float64.
    n_iter : steps done.
    converged : no point moved in the last step, or the centres moved by no more than tol.
    """

    labels: NDArray[np.int32]
    centres: NDArray[Any]
    inertia: float
    n_iter: int
    converged: bool


def run_lloyd(
    X: Any,
    sample_weight: NDArray[np.float64] | None,
    centres: NDArray[Any],
    *,
    max_iter: int = 300,
    tol: float = 0.0,
    n_threads: int = 1,
    algorithm: str = "auto",
    metric: str = "euclidean",
    watch: Callable[[int, Callable[[], float]], bool] | None = None,
) -> LloydResult:
    """Lloyd's algorithm from the given centres.

    Parameters
    ----------
    X : (n, d) float32, float64 or uint8 array in C order, or CSR (float32, float64; indices int32 or int64)
        Finite numbers.
    sample_weight : (n,) float64, or None
    centres : (k, d)
        The start; not changed.
    max_iter : int
    tol : float
        Ends when the squared distances that the centres moved by add up to no more than this.
    n_threads : int
        The result does not depend on it.
    algorithm : str
        "auto", or the engine by name.
    metric : "euclidean" or "cosine"
        cosine: rows of X have length 1, and centres are brought back to length 1 after each step.
    watch : callable, optional
        Called after each step with (step, inertia), where inertia() computes it; True ends the loop.
    """
    dtype = X.dtype if X.dtype in (np.float32, np.float64) else np.dtype(np.float64)
    at = np.ascontiguousarray(centres, dtype)
    labels = np.full(X.shape[0], -1, np.int32)
    converged, strict, n_iter = False, False, 0
    for n_iter in range(1, max_iter + 1):
        new, sq = assign(X, at, n_threads)
        moved = not np.array_equal(labels, new)
        labels = new
        before, at = at, _means(X, sample_weight, labels, sq, at).astype(dtype)
        if watch is not None and watch(n_iter - 1, lambda: _inertia(X, sample_weight, at, labels)):
            break
        strict = not moved
        converged = strict or float(((at.astype(np.float64) - before) ** 2).sum()) <= tol
        if converged:
            break
    if not strict:
        labels, _ = assign(X, at, n_threads)
    return LloydResult(labels, at, _inertia(X, sample_weight, at, labels), n_iter, converged)


def assign(X: Any, centres: NDArray[Any], n_threads: int = 1) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """The nearest centre of each row, ties to the lowest number, and the squared distance to it."""
    n = X.shape[0]
    labels, best = np.zeros(n, np.int32), np.full(n, np.inf)
    for c, centre in enumerate(np.asarray(centres, np.float64)):
        sq = _squared_distances(X, centre)
        nearer = sq < best
        labels[nearer], best[nearer] = c, sq[nearer]
    return labels, best


def _squared_distances(X: Any, centre: NDArray[np.float64]) -> NDArray[np.float64]:
    if sp.issparse(X):
        rows = X.astype(np.float64)
        return np.maximum(rows.multiply(rows).sum(axis=1).A1 - 2 * rows @ centre + centre @ centre, 0.0)
    return ((X - centre) ** 2).sum(axis=1, dtype=np.float64)


def _inertia(X: Any, weight: Any, centres: NDArray[Any], labels: NDArray[np.int32]) -> float:
    total = 0.0
    for c, centre in enumerate(np.asarray(centres, np.float64)):
        own = labels == c
        if own.any():
            sq = _squared_distances(X[own], centre)
            total += float(sq.sum() if weight is None else sq @ weight[own])
    return total


def _means(X: Any, weight: Any, labels: NDArray[np.int32], sq: NDArray[np.float64], before: Any) -> NDArray[Any]:
    weight = np.ones(X.shape[0]) if weight is None else weight
    k = len(before)
    by_cluster = sp.csr_matrix((weight, (labels, np.arange(X.shape[0]))), shape=(k, X.shape[0]))
    sums = by_cluster @ X.astype(np.float64)
    sums = sums.toarray() if sp.issparse(sums) else np.asarray(sums)
    total = np.bincount(labels, weights=weight, minlength=k)
    empty = np.flatnonzero(total == 0)
    if len(empty) and sq.max() > 0:
        for c, far in zip(empty, np.argsort(-sq, kind="stable")[: len(empty)], strict=True):
            row = X[far].toarray()[0] if sp.issparse(X) else X[far].astype(np.float64)
            sums[labels[far]] -= row * weight[far]
            sums[c], total[c] = row * weight[far], weight[far]
            total[labels[far]] -= weight[far]
    means = np.divide(sums, total[:, None], out=np.zeros_like(sums), where=total[:, None] > 0)
    means[total <= 0] = means[np.argmax(total)]
    return means
