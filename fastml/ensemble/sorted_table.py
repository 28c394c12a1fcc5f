"""The columns of a fit in the order of their values: trees of exact thresholds (`exact`)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml._engines.presorted_grower import PresortedGrower
from fastml._engines.row_predictor import RowForest
from fastml.data.frames import Table
from fastml.ensemble.fitted import ThresholdForest
from fastml.tree.sorted_columns import sort_table
from fastml.tree.structure import Forest

Weight = NDArray[np.float64] | None


class SortedTable:
    """Every column in the order of its values, sorted once for all rounds: 8 bytes a value.

    before : what an earlier fit left, whose codes of categories are kept.
    share : of a node's hessian from one threshold that is tried to the next; 0: all are tried.
    """

    places_all = False

    def __init__(
        self, table: Table, weight: Weight, threads: int, before: ThresholdForest | None = None, share: float = 0.0
    ) -> None:
        self.table, self.share = table, share
        self.n_samples, self.n_features = table.n_samples, table.n_features
        known = None if before is None else before.category_codes
        self.entries, self.values, self.values_start, self.category_codes = sort_table(table, threads, weight, known)
        self.is_categorical = table.is_categorical.astype(np.uint8) if table.is_categorical.any() else None
        self._matrix: NDArray[Any] | None = None

    def grower(self, options: dict[str, Any], n_outputs: int, threads: int, first_round: int) -> Any:
        return PresortedGrower(
            self.entries, self.values, self.values_start, options, self.is_categorical, n_outputs, threads, first_round,
            self.share,
        )  # fmt: skip

    def fitted(self, forest: Forest, start: NDArray[np.float64]) -> ThresholdForest:
        return ThresholdForest(forest, self.category_codes, start)

    def read(self, table: Table, threads: int) -> Any:
        """Other rows as `add_trees` wants them."""
        return table.matrix()

    def add_trees(self, forest: Forest, rows: Any, raw: NDArray[np.float64], threads: int) -> None:
        """Add trees to the raw scores of other rows."""
        self._walker(forest).add_rows(rows, raw, 0, forest.n_trees, threads)

    def place_others(
        self, forest: Forest, sampled: NDArray[np.uint8], leaf_of: NDArray[np.int32], threads: int
    ) -> None:
        """Find the leaves of the rows that were not drawn, by their values; what engines leave to us (places_all)."""
        if self._matrix is None:
            self._matrix = self.table.matrix()
        others = np.flatnonzero(sampled == 0)
        leaf_of[:, others] = self._walker(forest).leaf_rows(self._matrix[others], 0, forest.n_trees, threads).T

    def _walker(self, f: Forest) -> RowForest:
        return RowForest(
            f.nodes, f.tree_start, f.categories, f.n_outputs, f.n_features, list(self.category_codes)
        )
