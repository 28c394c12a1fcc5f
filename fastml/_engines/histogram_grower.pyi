"""Gradients and codes become one tree."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Tree = tuple[NDArray[Any], NDArray[np.float32], NDArray[np.float32], NDArray[np.uint32] | None]

NODE: np.dtype[Any]

def sample_exactly(n: int, size: int, seed: int, stream: int) -> NDArray[np.uint8]: ...
def sample_rows(n: int, fraction: float, seed: int, stream: int) -> NDArray[np.uint8]: ...

class HistogramGrower:
    """Grows one tree a call and output on binned data.

    codes_by_row, codes_by_column, n_bins, is_categorical, edges, edges_start : as in `BinnedMatrix` and
    `BinMapper` (docs/architecture.md).  options : the fields of `GrowOptions` in src_cy/types.pxd.
    bundles : `fastml.data.bundles.Bundles` of the same codes, fewer than columns; then codes_by_row is None.
    room : the last four bytes of each row, of codes_by_row or of the bundles' cells, are the grower's to write; for
        one output.
    """

    def __init__(
        self,
        codes_by_row: NDArray[np.uint8] | None,
        codes_by_column: NDArray[np.uint8],
        n_samples: int,
        n_bins: NDArray[np.int32],
        is_categorical: NDArray[np.uint8],
        edges: NDArray[np.float64],
        edges_start: NDArray[np.int64],
        options: dict[str, float],
        n_outputs: int = ...,
        n_threads: int = ...,
        first_round: int = ...,
        bundles: Any = ...,
        room: bool = ...,
    ) -> None: ...
    def set_learning_rate(self, learning_rate: float) -> None: ...
    def set_least(self, min_child_weight: float, min_split_gain: float) -> None: ...
    def grow(
        self,
        grad: NDArray[np.float32],
        hess: NDArray[np.float32] | None,
        weight: NDArray[np.float64] | None,
        sampled: NDArray[np.uint8] | None,
        stats: NDArray[np.float64],
        leaf_of_out: NDArray[np.int32],
    ) -> list[Tree]:
        """Grow a tree for each output: (nodes, gain, cover, categories).

        grad, hess : (n_outputs, n).  hess None: 1.  weight : (n,) or None.  sampled : (n,), 0 leaves a row out.
        stats : (n_outputs, 5) as `LossGradients.stats`.  leaf_of_out : (n_outputs, n), node of each row.
        Leaf values are Newton steps times the learning rate. Raises MemoryError.
        """
