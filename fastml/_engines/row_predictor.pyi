"""Rows through trees by the float thresholds: few rows, rows without codes, one row at once."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

LINKS: dict[str, int]

class RowForest:
    n_outputs: int
    n_trees: int
    n_features: int
    n_slots: int
    def __init__(
        self,
        nodes: np.ndarray,
        tree_start: ArrayLike,
        categories: np.ndarray,
        n_outputs: int,
        n_features: int,
        category_codes: Sequence[ArrayLike | None] | None = None,
    ) -> None: ...
    def add_rows(
        self,
        X: np.ndarray,
        raw_inout: np.ndarray,
        tree_begin: int = 0,
        tree_end: int | None = None,
        n_threads: int = 1,
    ) -> None: ...
    def leaf_rows(
        self, X: np.ndarray, tree_begin: int = 0, tree_end: int | None = None, n_threads: int = 1
    ) -> np.ndarray: ...

class RowPredictor(RowForest):
    def __init__(
        self,
        nodes: np.ndarray,
        tree_start: ArrayLike,
        categories: np.ndarray,
        n_outputs: int,
        n_features: int,
        category_codes: Sequence[ArrayLike | None] | None = None,
        base: float | ArrayLike = 0.0,
        link: str = "identity",
    ) -> None: ...
    def __call__(self, row: Any) -> Any: ...
    def raw(self, row: Any) -> Any: ...
