"""Nearest points and points within a radius, by looking at all pairs."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Metric = tuple[int, float, NDArray[np.float64] | None, int]
"""kind, p, weight, address: as src_cy/simd/metrics.h has them."""
Screen = tuple[int, int, float, float, float]
"""kind (0 none, 1 squares, 2 absolute, 3 largest, 4 unequal), columns m, factor, power, scale of CSR values."""

PANEL: int

class BruteRows:
    """Points or queries, and what a screen makes of them; arrays are not copied.

    X : (n, d) float32 or float64 in C order, or of CSR (data, columns int32, start int64, d), columns ascending
    inverse_norm : (n,) of the cosine distance: 1 / length, 0 of a row of zeros
    screened : float32; of points (ceil(n / PANEL), m, PANEL), by column; of queries (n, m); of CSR points
        a number for each entry, and of queries None. For squares dense points come times -2. Nothing may be as
        large as 1e18.
    bias : float32, where the sums of a point start: (ceil(n / PANEL) * PANEL,), infinity behind the last; of CSR (n,)
    own : (n,) float64 of queries
    A screen's sum for a pair, bias + sum over its columns, must not be above factor * reduced^power + own, whatever the
    rounding of its float32 steps; the answers then do not depend on it.
    Raises ValueError where the arrays do not belong together.
    """

    def __init__(
        self, X: Any, inverse_norm: NDArray[np.float64] | None = ..., screened: NDArray[np.float32] | None = ...,
        bias: NDArray[np.float32] | None = ..., own: NDArray[np.float64] | None = ...,
    ) -> None: ...  # fmt: skip

def nearest(
    points: BruteRows, queries: BruteRows, metric: Metric, screen: Screen, k: int, exclude_self: bool = ...,
    n_threads: int = ...,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:  # fmt: skip
    """The k nearest points of each query: distances and rows, (n, k) each, by distance and then by row.

    exclude_self : query i is point i, which is no neighbour of its own.
    Distances are those of a float64 loop over the columns. O(n_points m) a query with a screen, O(n_points d) without.
    Raises ValueError where distances are NaN. Ctrl-C is looked for every second or so.
    """

def count_within(
    points: BruteRows, queries: BruteRows, metric: Metric, screen: Screen, radius: Any, exclude_self: bool = ...,
    n_threads: int = ...,
) -> NDArray[np.int64]:  # fmt: skip
    """How many points are within each query's radius, (n,). radius : a number >= 0 or (n,); it belongs to the ball."""

def list_within(
    points: BruteRows, queries: BruteRows, metric: Metric, screen: Screen, radius: Any, with_distance: bool = ...,
    exclude_self: bool = ..., n_threads: int = ...,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64] | None]:  # fmt: skip
    """Those points: start (n + 1,), rows from start[i] on of query i, ascending, and their distances."""

def nearest_in_rows(
    distances: NDArray[np.float64], k: int, first_self: int = ..., n_threads: int = ...
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The k smallest of each row of known distances, (n, k) each, by distance and then by column.

    first_self : row i does not take column first_self + i; -1: every column counts
    """
