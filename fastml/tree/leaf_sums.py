"""What follows for the nodes of a tree from the statistics of its leaves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def sum_upwards(stats: NDArray[np.float64], left: NDArray[np.int64]) -> None:
    """Fill in the rows of splits, from the deepest up, with the sums of their two children's.

    stats : (n_nodes, k), rows of leaves given.  left : (n_nodes,) first child, 0 at a leaf; the other is next to it.
    """
    levels, level = [], np.zeros(1, np.int64)
    while len(level := level[left[level] != 0]):
        levels.append(level)
        level = np.concatenate([left[level], left[level] + 1])
    for level in levels[::-1]:
        stats[level] = stats[left[level]] + stats[left[level] + 1]


def impurity_of_sums(
    criterion: str, sums: NDArray[np.float64], weight: NDArray[np.float64], own: NDArray[np.float64], n_outputs: int
) -> NDArray[np.float64]:
    """Impurity of nodes, (n,); the formulas stand in src_cy/kernels/impurity.pxd.

    sums : (n, n_outputs * n_classes).  own : (n,) sum of w y^2, or of w y log y, over outputs.
    """
    share = sums / np.where(weight > 0, weight, 1.0)[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        if criterion == "gini":
            return np.maximum(0.0, n_outputs - (share**2).sum(axis=1)) / n_outputs
        if criterion in ("entropy", "log_loss"):
            return -np.where(share > 0, share * np.log2(share), 0.0).sum(axis=1) / n_outputs
        own = own / np.where(weight > 0, weight, 1.0)
        if criterion == "poisson":
            return (own - np.where(share > 0, share * np.log(share), 0.0).sum(axis=1)) / n_outputs
        return np.maximum(0.0, own - (share**2).sum(axis=1)) / n_outputs


def own_of_impurity(
    criterion: str, mean: NDArray[np.float64], weight: NDArray[np.float64], impurity: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The other way: what impurity_of_sums takes as `own`, for numbers. mean : (n, n_outputs)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        base = np.nan_to_num(mean * np.log(mean)) if criterion == "poisson" else mean**2
    return weight * (mean.shape[1] * impurity + base.sum(axis=1))
