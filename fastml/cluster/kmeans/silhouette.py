"""The silhouette: how much nearer rows are to their own cluster than to the next one."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

BLOCK_BYTES = 1 << 25  # of distances at a time


def silhouettes(X: Any, labelings: list[NDArray[np.int32]]) -> list[NDArray[np.float64]]:
    r"""Of each row, for some labelings of the same rows: :math:`(b - a) / \max(a, b)`.

    a is the mean distance to the other rows of its cluster, b the least mean distance to the rows of another one.

    Parameters
    ----------
    X : (n, d) array or CSR
    labelings : list of (n,) int arrays

    Returns
    -------
    list of (n,) float64
        0 for a row that is alone in its cluster; NaN where there is but one cluster.

    Notes
    -----
    O(n^2 d), distances once for all labelings; memory linear in n.

    References
    ----------
    Rousseeuw 1987, Silhouettes: a graphical aid to the interpretation and validation of cluster analysis.
    """
    n_samples = X.shape[0]
    rows: Any = X
    if sp.issparse(X):
        sq = np.asarray(X.multiply(X).sum(axis=1)).ravel()
    else:
        # Around the mean: distances are taken from products, which lose digits far from the origin.
        rows = np.asarray(X, np.float64) - np.mean(X, axis=0, dtype=np.float64)
        sq = np.einsum("ij,ij->i", rows, rows)
    codes = [np.unique(labels, return_inverse=True)[1] for labels in labelings]
    sizes = [np.bincount(code) for code in codes]
    members = [
        sp.csr_matrix((np.ones(n_samples), (code, np.arange(n_samples))), shape=(len(size), n_samples))
        for code, size in zip(codes, sizes, strict=True)
    ]
    out = [np.full(n_samples, np.nan) for _ in labelings]
    step = max(1, BLOCK_BYTES // (8 * n_samples))
    for begin in range(0, n_samples, step):
        block = slice(begin, min(begin + step, n_samples))
        distances = _distances(rows, sq, block)
        for code, size, member, values in zip(codes, sizes, members, out, strict=True):
            if len(size) > 1:
                values[block] = _of_block(member @ distances, code[block], size)
    return out


def _distances(rows: Any, sq: NDArray[np.float64], block: slice) -> NDArray[np.float64]:
    """(n, rows of the block) Euclidean distances."""
    product = rows @ rows[block].T
    if sp.issparse(product):
        product = product.toarray()
    out = sq[:, None] + sq[block] - 2.0 * product
    own = np.arange(block.start, block.stop)
    out[own, own - block.start] = 0.0
    return np.sqrt(np.maximum(out, 0.0))


def _of_block(
    sums: NDArray[np.float64], code: NDArray[np.intp], size: NDArray[np.intp]
) -> NDArray[np.float64]:
    """From (k, m) sums of the distances of m rows to the rows of each cluster."""
    at = np.arange(len(code))
    own = sums[code, at] / np.maximum(size[code] - 1, 1)
    others = sums / size[:, None]
    others[code, at] = np.inf
    nearest = others.min(axis=0)
    larger = np.maximum(own, nearest)
    values = np.divide(nearest - own, larger, out=np.zeros(len(at)), where=larger > 0)
    values[size[code] == 1] = 0.0
    return values
