"""A number for each row that depends on its values only: equal rows have equal ones, dense or sparse."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

BLOCK = 1 << 16  # numbers hashed at once


def row_hashes(X: Any) -> NDArray[np.uint64]:
    """(n_rows,) uint64 of a dense or CSR matrix: the sum over columns of mix(value's bits) * mix(column); 0 adds 0."""
    n, d = X.shape
    columns = _mixed(np.arange(1, d + 1, dtype=np.uint64)) | np.uint64(1)
    if hasattr(X, "indptr"):
        terms = _bits(X.data) * columns[X.indices]
        sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(terms, dtype=np.uint64)])  # all modulo 2^64
        return sums[X.indptr[1:]] - sums[X.indptr[:-1]]
    out = np.empty(n, dtype=np.uint64)
    step = max(1, BLOCK // max(d, 1))
    for begin in range(0, n, step):
        out[begin : begin + step] = (_bits(X[begin : begin + step]) * columns).sum(axis=1, dtype=np.uint64)
    return out


def _bits(values: NDArray[Any]) -> NDArray[np.uint64]:
    """Of each number as float64, mixed; 0 for both zeros."""
    return _mixed((np.asarray(values, dtype=np.float64) + 0.0).view(np.uint64))


def _mixed(bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Every bit of the outcome depends on every bit (the finaliser of splitmix64); 0 stays 0."""
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))
