"""The rows of a tree by leaf: sums and quantiles of what they hold, for the values of the leaves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fastml.losses.base import Floats


class Leaves:
    """Which leaf each row is in.

    node : (n,) int32, the node that a row ends in.  n_nodes : int.
    Results are (n_nodes,) float64; a node without rows has 0.
    """

    def __init__(self, node: NDArray[np.int32], n_nodes: int) -> None:
        self.node, self.n_nodes = node, n_nodes

    def sums(self, values: Floats | None) -> NDArray[np.float64]:
        """Sum of the rows' values, row by row in float64; None: how many rows. O(n)."""
        return np.bincount(self.node, weights=values, minlength=self.n_nodes).astype(np.float64, copy=False)

    def quantiles(self, values: Floats, weight: Floats | None, share: float) -> NDArray[np.float64]:
        """The smallest value such that values up to it have `share` of the node's weight. One sort of n rows.

        Of an even number of rows the median is the lower one: a row given twice is then a row of weight 2.
        """
        # Only with weights does the order among equal values show, in the rounding of their sums.
        order = np.argsort(values, kind=None if weight is None else "stable")
        small = np.uint16 if self.n_nodes < 65536 else np.int32  # NumPy sorts 16 bits by radix
        order = order[np.argsort(self.node[order].astype(small), kind="stable")]
        end = np.cumsum(np.bincount(self.node, minlength=self.n_nodes))
        start = np.concatenate([[0], end[:-1]])
        if weight is None:
            place = start + np.ceil(share * (end - start)).astype(np.int64) - 1
        else:
            up_to = np.concatenate([[0.0], np.cumsum(weight[order])])
            wanted = up_to[start] + share * (up_to[end] - up_to[start])
            place = np.searchsorted(up_to[1:], wanted)
        place = np.clip(place, start, np.maximum(end - 1, start))
        held = end > start
        out = np.zeros(self.n_nodes)
        out[held] = values[order[place[held]]]
        return out


def quotient(numerator: NDArray[np.float64], denominator: NDArray[np.float64]) -> NDArray[np.float64]:
    """numerator / denominator, 0 where the loss is flat (a denominator below 1e-150, as scikit-learn has it)."""
    steep = np.abs(denominator) >= 1e-150
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=steep)


def times(values: Floats, weight: Floats | None) -> Floats:
    """values * weight; None weighs 1."""
    return values if weight is None else values * weight
