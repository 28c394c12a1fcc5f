"""k-means++: distances to the nearest centre so far, draws by them, what candidates would gain."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

class _Seeds:
    n_samples: int
    n_centres: int
    most_centres: int
    nearest: NDArray[np.float64]  # (n,) squared distance of each row to its nearest centre

    @property
    def potential(self) -> float:
        """The weighted sum of the squared distances."""

    def draw(self, values: NDArray[np.float64]) -> NDArray[np.int64]:
        """For each value the first row up to which the weighted squared distances, in the order of X, add up to it."""

    def gains(self, candidates: NDArray[np.int64], n_threads: int = 1) -> NDArray[np.float64]:
        """By how much the potential would fall with each of these rows as the next centre.

        Summed by block of points and by chunk of blocks: the bits do not depend on n_threads.
        """

    def add(self, row: int, n_threads: int = 1) -> None:
        """Make this row the next centre."""

class DenseSeeds(_Seeds):
    def __init__(
        self,
        X: NDArray[Any],
        weight: NDArray[np.float64] | None,
        most_centres: int,
        sort: bool = True,
        n_threads: int = 1,
    ) -> None:
        """X (n, d) float32, float64 or uint8 in C order, of finite numbers whose squares do not overflow.

        Up to 8 columns, points are worked on in blocks of 64 with boxes, with `sort` of neighbours.
        """

class SparseSeeds(_Seeds):
    def __init__(
        self, X: Any, weight: NDArray[np.float64] | None, most_centres: int, n_threads: int = 1
    ) -> None:
        """X : CSR, float32 or float64, indices int32 or int64."""
