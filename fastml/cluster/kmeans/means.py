"""From the sums of clusters to their centres: averages, clusters that lost their points, centres on the sphere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray


def new_centres(
    points: Any,
    sums: NDArray[np.int64],
    far_rows: Callable[[int], tuple[NDArray[Any], NDArray[np.int32]]],
    metric: str = "euclidean",
) -> NDArray[np.float64]:
    """(k, d) float64 means of the clusters.

    Parameters
    ----------
    points : fastml.cluster.kmeans.points.Points or SparsePoints
    sums : (k, d + 2) int64
        Of an engine: fixed-point sums of the clusters' rows, their weight, and a check.
    far_rows : callable
        Rows farthest from their centres, at most so many, farthest first, and their clusters; none where all rows lie
        on their centres. Asked only when a cluster is empty: it then starts again at such a row, which its cluster
        loses, as scikit-learn does it. A cluster that finds none lies at the heaviest one's centre.
    metric : "euclidean" or "cosine"
    """
    d = len(points.offset)
    empty = np.flatnonzero(sums[:, d] == 0)
    if len(empty):
        sums = sums.copy()
        rows, owners = far_rows(len(empty))
        for cluster, row, owner in zip(empty, rows, owners, strict=False):
            own = points.fixed(int(row))
            sums[owner, : d + 1] -= own
            sums[cluster, : d + 1] = own
    weight = sums[:, d].astype(np.float64)
    filled = weight > 0
    means = np.zeros((len(sums), d))
    np.divide(sums[:, :d], points.scale * (weight / points.weight_scale)[:, None], out=means, where=filled[:, None])
    means += points.offset
    if not filled.all():
        means[~filled] = means[np.argmax(weight)]
    return on_sphere(means) if metric == "cosine" else means


def on_sphere(centres: NDArray[np.float64]) -> NDArray[np.float64]:
    """Centres brought back to length 1; one at the origin stays there."""
    length = np.sqrt(np.einsum("ij,ij->i", centres, centres))
    return centres / np.where(length > 0, length, 1.0)[:, None]


def unit_rows(X: Any) -> Any:
    """X with rows of length 1, of its float type (bytes: float32); a row of zeros stays one."""
    if sp.issparse(X):
        sq = np.asarray(X.multiply(X).sum(axis=1), np.float64).ravel()
        factor = 1.0 / np.sqrt(np.where(sq > 0, sq, 1.0))
        out = X.copy()
        out.data = (out.data * np.repeat(factor, np.diff(X.indptr))).astype(X.dtype)
        return out
    X = X if X.dtype in (np.float32, np.float64) else X.astype(np.float32)
    largest = np.abs(X).max(axis=1, initial=0).astype(np.float64)
    scaled = X / np.where(largest > 0, largest, 1.0)[:, None]  # so that no square overflows or vanishes
    length = np.sqrt(np.einsum("ij,ij->i", scaled, scaled))
    return np.ascontiguousarray(scaled / np.where(length > 0, length, 1.0)[:, None], X.dtype)
