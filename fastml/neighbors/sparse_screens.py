"""Screens of CSR rows: no coordinates of their own, the engine scales the entries as it reads them."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastml._engines.brute_neighbors import BruteRows
from fastml.neighbors.screens import ABSOLUTE, SQUARES, UNIT, Screen


def sparse_screen(name: str, X: Any, inverse_norm: Any, queries: Any = None) -> Screen:
    """For the Euclidean, the cosine or the Manhattan distance; for queries as large as these, too."""
    screen = Screen(ABSOLUTE if name == "manhattan" else SQUARES, factor=2.0 if name == "cosine" else 1.0)
    screen.m = int(np.diff(X.indptr).max(initial=1))
    if inverse_norm is None:
        size = _sizes(screen, X).max(initial=0.0)
        if queries is not None:
            size = max(size, _sizes(screen, queries).max(initial=0.0))
        exponent = int(np.frexp(size)[1]) if size > 0.0 else 0
        screen.scale = float(np.ldexp(1.0, max(-1000, min(1000, -exponent))))
    return screen


def sparse_points(screen: Screen, X: Any, inverse_norm: Any) -> BruteRows:
    """The points, and where their sums start."""
    size = _sizes(screen, X, inverse_norm) * screen.scale
    bias = size**2 * (1.0 - _rounding(screen)) if screen.kind == SQUARES else -_rounding(screen) * size
    values = X.data * screen.scale
    if inverse_norm is not None:
        values *= np.repeat(inverse_norm, np.diff(X.indptr))
    return BruteRows(opened(X), inverse_norm, values.astype(np.float32), bias.astype(np.float32))


def sparse_queries(screen: Screen, X: Any, inverse_norm: Any) -> BruteRows | None:
    """The queries and their limits; None where they are so far out that this screen cannot hold them."""
    size = _sizes(screen, X, inverse_norm) * screen.scale
    if not size.max(initial=0.0) < 2.0**24:
        return None
    own = -(size**2) * (1.0 - _rounding(screen)) if screen.kind == SQUARES else (_rounding(screen) - 1.0) * size
    return BruteRows(opened(X), inverse_norm, None, None, own)


def opened(X: Any) -> tuple[Any, ...]:
    """The arrays of a CSR matrix as the engine takes them."""
    return X.data, X.indices.astype(np.int32, copy=False), X.indptr.astype(np.int64, copy=False), X.shape[1]


def _rounding(screen: Screen) -> float:
    """As Screen.rounding; a sum of absolute differences adds and subtracts for each entry."""
    return (screen.m + 16) * (UNIT if screen.kind == SQUARES else 4.0 * UNIT)


def _sizes(screen: Screen, X: Any, inverse_norm: Any = None) -> Any:
    """The rows' lengths in the distance's own sense."""
    rows = np.repeat(np.arange(X.shape[0]), np.diff(X.indptr))
    values = np.abs(np.asarray(X.data, np.float64))
    if inverse_norm is not None:
        values = values * inverse_norm[rows]
    if screen.kind == ABSOLUTE:
        return np.bincount(rows, values, X.shape[0])
    return np.sqrt(np.bincount(rows, values**2, X.shape[0]))
