"""Lloyd's algorithm by bounds on distances, for many columns."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

class BoundedLloyd:
    """Rows and bounds on their distances: 12 bytes a row, and one for each group of centres in 16, 32 or 64."""

    n_samples: int
    n_features: int
    n_clusters: int
    labels: NDArray[np.int32]
    sums: NDArray[np.int64]
    """(k, d + 2) of the last step: rows in fixed point, weight, and 0."""
    def __init__(
        self, points: Any, group_start: NDArray[np.int32], member: NDArray[np.int32], quantum: float
    ) -> None:
        """member[group_start[g] : group_start[g + 1]] are the centres of group g; quantum is a lower bound's unit."""
    def step(
        self,
        centres: NDArray[np.float64],
        fast: NDArray[Any],
        off: NDArray[np.float64],
        relative: float,
        drift: NDArray[np.float64],
        group_drift: NDArray[np.float64],
        drift_units: NDArray[np.uint8],
        half_next: NDArray[np.float32],
        half_between: NDArray[np.float32] | None = None,
        sq: NDArray[np.float64] | None = None,
        afresh: bool = False,
        n_threads: int = 1,
    ) -> int:
        """Assign the rows to the nearest of the centres; how many moved.

        fast (k, d) of X's type, `off` (k,) how far it is from the centres; relative: what a distance may be off by;
        drift (k,), group_drift (n_groups,) and drift_units (stride,): what centres moved since bounds were settled;
        half_next (k,), half_between (k, k): half of the distances between centres, rounded down; sq (k,): of `fast`;
        afresh: whether bounds are not worth asking.
        """
    def settle(
        self,
        drift: NDArray[np.float64],
        group_drift: NDArray[np.float64],
        drift_units: NDArray[np.uint8],
        n_threads: int = 1,
    ) -> None:
        """Take the drifts off all bounds."""
    @property
    def stride(self) -> int:
        """Bytes of a row's lower bounds."""
    @property
    def bounds_now(self) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.uint8]]:
        """Upper bounds (n,), bases (n,) and lower bounds (n, stride) as they are stored."""
