"""Density clustering of points in one to three dimensions by the cells of a grid."""

import numpy as np
from numpy.typing import NDArray

def unit_vectors(angles: NDArray[np.float64], n_threads: int = ...) -> NDArray[np.float64]:
    """(n, 3) points on the unit sphere, to 2^-52, of latitudes and longitudes (n, 2) in radians of few turns."""

class CellClusters:
    """Points in cells, to be clustered step by step: find_cores, keep_cores, join_cells, number_clusters,
    reach_borders, results. Steps over cells may be cut into pieces; no number depends on how, nor on the threads.

    X : (n, d) finite, d <= 3
    eps : points are within eps of each other where the sum of squared differences is <= eps * eps
    min_samples : weight within eps, its own included, that makes a point core
    sample_weight : (n,); None: each is 1
    angles : (n, 2) latitude and longitude where X are points on the unit sphere: up to a squared chord of sure_sq a
        pair is within, beyond never_sq it is not, between them the haversine formula decides, <= angle_limit. All
        points of a cell of side eps / sqrt(3) must be within.
    Raises OverflowError where the grid has more than 2^62 cells or 2^31 along a column. About 60 bytes a point.
    """

    n_samples: int
    n_cells: int
    def __init__(
        self, X: NDArray[np.float64], eps: float, min_samples: float, sample_weight: NDArray[np.float64] | None = ...,
        angles: NDArray[np.float64] | None = ..., angle_limit: float = ..., sure_sq: float = ..., never_sq: float = ...,
        n_threads: int = ...,
    ) -> None: ...  # fmt: skip
    def find_cores(self, first: int, last: int) -> None:
        """Find the core points of the cells first <= c < last."""
    def keep_cores(self) -> int:
        """Set the core points apart, once find_cores has seen all cells; how many there are."""
    def join_cells(self, first: int, last: int) -> None:
        """Join the cells first <= c < last with those before them that they touch."""
    def number_clusters(self) -> int:
        """Number the clusters by their first core point, once join_cells has seen all cells; how many there are."""
    def reach_borders(self, first: int, last: int) -> None:
        """Label the points of the cells first <= c < last; one that is not core by the lowest cluster it reaches."""
    def results(self) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """Labels, -1 for noise, and which points are core; of the rows of X."""
