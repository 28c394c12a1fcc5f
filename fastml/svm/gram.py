"""Kernel values in float64, in blocks of rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastml._engines.kernel_rows import kernel_values, pack_rows

if TYPE_CHECKING:
    from fastml.svm.solver import Kernel

LANES = 8  # numbers of 64 bytes of float64
KINDS = {"linear": 0, "poly": 1, "rbf": 2, "sigmoid": 3}
BLOCK = 1 << 20  # numbers of a block of values: 8 MB


def _dense(X: Any) -> NDArray[Any]:
    return X.toarray() if hasattr(X, "toarray") else X


def _packed(X: Any, scale: float, mean: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    X = _dense(X)
    n_blocks = -(-len(X) // LANES)
    rows, sq = np.empty((n_blocks, X.shape[1], LANES)), np.empty(n_blocks * LANES)
    pack_rows(X, np.arange(len(X)), mean, scale, rows, sq)
    return rows, sq


def _centre(X: NDArray[Any], kernel: Kernel) -> NDArray[np.float64]:
    """What is taken off: distances stay what they are, and squares far from 0 would drown them."""
    if kernel.kind != "rbf" or not len(X):
        return np.zeros(X.shape[1])
    return X.mean(axis=0, dtype=np.float64)


def _scale(kernel: Kernel) -> float:
    return float(np.sqrt(2.0 * kernel.gamma * np.log2(np.e))) if kernel.kind == "rbf" else 1.0


def _rest(kernel: Kernel) -> tuple[int, int, float, float]:
    return KINDS[kernel.kind], kernel.degree, kernel.gamma, kernel.coef0


def kernel_blocks(X: Any, vectors: Any, kernel: Kernel) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """(first row, (rows, vectors) values) of block after block of X."""
    n = vectors.shape[0]
    step = max(LANES, BLOCK // max(n, 1, X.shape[1]))
    if kernel.kind != "precomputed":
        vectors = _dense(vectors)
        mean = _centre(vectors, kernel)
        panels, panels_sq = _packed(vectors, _scale(kernel), mean)
    for begin in range(0, X.shape[0], step):
        block = X[begin : begin + step]
        if kernel.kind == "precomputed":
            yield begin, block[:, vectors]
            continue
        rows, sq = _packed(block, _scale(kernel), mean)
        out = np.empty((len(panels_sq), len(sq)))
        kernel_values(rows, sq, panels, panels_sq, *_rest(kernel), out)
        yield begin, out[:n, : block.shape[0]].T
