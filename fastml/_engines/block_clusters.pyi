"""Density clustering of points in any number of dimensions, by any metric, in blocks of a kd-tree."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

KINDS: dict[str, int]

class BlockClusters:
    """Points in blocks, to be clustered step by step: find_cores, keep_cores, join_within, join_blocks,
    number_clusters, reach_borders, results. Steps over blocks may be cut into pieces; no number depends on how, nor on
    the threads.

    rows : (n, d) float32 or float64, C order; of length 1 for "cosine", angles for "haversine". float32 is for the
        metrics with boxes
    filter_points : (n, d') float32, see fastml.cluster.density.filter; d' may be 0
    metric : what decides, "cosine" or (one of KINDS, p, weight, address); weight : (d,) of "minkowski" and
        "seuclidean", (d, d) of "mahalanobis"; address of a C function (a, b, d) -> distance for "own"
    limit : of a metric's own sum, such as eps * eps for "euclidean"
    min_samples : weight within eps, its own included, that makes a point core
    norm, sure, never : of the filter; a distance by `norm` (squared for "euclidean") of filter_points up to `sure` is
        within, one beyond `never` is not
    sample_weight : (n,); None: each is 1
    keeps : what owns the address
    About 4 d' + 30 bytes a point.
    """

    n_samples: int
    n_blocks: int
    def __init__(
        self, rows: NDArray[Any], filter_points: NDArray[np.float32], metric: Any, limit: float, min_samples: float, *,
        norm: str = ..., sure: float = ..., never: float = ..., sample_weight: NDArray[np.float64] | None = ...,
        keeps: Any = ..., n_threads: int = ...,
    ) -> None: ...  # fmt: skip
    def find_cores(self, first: int, last: int) -> None:
        """Find the core points of the blocks first <= b < last."""
    def keep_cores(self) -> int:
        """Make masks of the core points, once find_cores has seen all blocks; how many there are."""
    def join_within(self, first: int, last: int) -> None:
        """Join core points of the same block."""
    def join_blocks(self, first: int, last: int) -> None:
        """Join the blocks first <= b < last with those behind them, once join_within has seen all."""
    def number_clusters(self) -> int:
        """Number the clusters by their first core point, once join_blocks has seen all blocks; how many there are."""
    def reach_borders(self, first: int, last: int) -> None:
        """Label points that are not core by the lowest cluster they reach."""
    def results(self) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """Labels, -1 for noise, and which points are core; of the rows."""
