"""Coded columns and targets become one multiway tree; rows go through it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

METHODS: dict[str, int]
KINDS: dict[str, int]

class MultiwayGrower:
    """Multiway trees on one set of coded columns.

    codes : of each column (n_samples,) uint8, uint16 or int32: 0..n_levels - 1, n_levels where the value is missing.
    kinds : of each "nominal", "ordinal" (CHAID: neighbours merge) or "number" (C4.5: codes are ranks of its values).
    n_levels : of each.
    values : of each number column its distinct values, ascending; else None.

    Raises ValueError for codes out of range, MemoryError.
    """

    def __init__(
        self, codes: list[NDArray[Any]], kinds: list[str], n_levels: list[int], values: list[NDArray[np.float64] | None]
    ) -> None: ...
    def grow(
        self,
        method: str,
        options: dict[str, Any],
        label: NDArray[np.int32] | None = None,
        n_classes: int = 0,
        y: NDArray[np.float64] | None = None,
        weight: NDArray[np.float64] | None = None,
    ) -> dict[str, NDArray[Any]]:
        """One tree, as arrays; parents come before their children.

        method : a key of METHODS.
        options : fields of Options in src_cy/kernels/multiway_nodes.pxd.
        label : (n_samples,) class numbers, or y : (n_samples,) numbers (CHAID).
        weight : (n_samples,) >= 0, not all 0.

        parent, feature (-1: a leaf), first_child, n_children, table (start in `levels` and `branches`; -1: a
        threshold), n_entries (there), threshold, weight, impurity (bits or variance), score (gain, gain ratio, log of
        the adjusted p-value), n_node_samples : (n_nodes,).  value : (n_nodes, n_classes) shares or (n_nodes, 1) means.
        levels : of each split the codes that it knows, ascending; branches : where they go, a child's number or -2
        (down every branch). A row with another code stays at the node.

        O(n_samples * n_features) a level, and c^2 for c categories that CHAID merges.
        """

class MultiwayWalker:
    """Rows through a tree: the arrays of `grow`, with `share`, (n_nodes,), of each child in the known rows of its
    parent, and `heaviest`, (n_nodes,), the branch with the largest."""

    def __init__(
        self,
        feature: NDArray[np.int32],
        first_child: NDArray[np.int32],
        n_children: NDArray[np.int32],
        table: NDArray[np.int64],
        n_entries: NDArray[np.int32],
        threshold: NDArray[np.float64],
        share: NDArray[np.float64],
        heaviest: NDArray[np.int32],
        value: NDArray[np.float64],
        levels: NDArray[np.int32],
        branches: NDArray[np.int32],
    ) -> None: ...
    def leaves(
        self,
        codes: NDArray[np.int32],
        numbers: NDArray[np.float64],
        place: NDArray[np.int32],
        n_levels: NDArray[np.int32],
    ) -> NDArray[np.int32]:
        """(n,) the node where each row ends, down the heaviest branch where it goes down all.

        codes : (n_coded, n); numbers : (n_numbers, n), NaN missing; place : (n_features,) row of either; n_levels :
        (n_features,) code of a missing value; a row with a larger one stays at the node.
        """
    def shares(
        self,
        codes: NDArray[np.int32],
        numbers: NDArray[np.float64],
        place: NDArray[np.int32],
        n_levels: NDArray[np.int32],
    ) -> NDArray[np.float64]:
        """(n, width) the values of the nodes where each row ends, averaged by its shares."""

def log_p_chi2(chi2: float, df: float) -> float:
    """log P(chi-square with df degrees of freedom > chi2)."""

def log_p_f(f: float, df1: float, df2: float) -> float:
    """log P(F > f)."""

def log_groupings(c: int, r: int) -> float:
    """log of the ways to group c categories into r (Stirling's number of the second kind)."""
