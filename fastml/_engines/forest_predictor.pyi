"""Rows through trees in batches, on binned codes."""

import numpy as np
from numpy.typing import ArrayLike

class CompiledForest:
    n_outputs: int
    n_trees: int
    n_features: int
    def __init__(
        self,
        nodes: np.ndarray,
        tree_start: ArrayLike,
        categories: np.ndarray,
        n_outputs: int,
        edges_flat: ArrayLike,
        edges_start: ArrayLike,
    ) -> None: ...
    def add_codes(
        self,
        codes: np.ndarray,
        n_samples: int,
        raw_inout: np.ndarray,
        tree_begin: int = 0,
        tree_end: int | None = None,
        n_threads: int = 1,
    ) -> None: ...
    def leaf_codes(
        self,
        codes: np.ndarray,
        n_samples: int,
        tree_begin: int = 0,
        tree_end: int | None = None,
        n_threads: int = 1,
    ) -> np.ndarray: ...
