"""The columns of a fit in bins that all trees share (`hist`)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml._engines.forest_predictor import CompiledForest
from fastml._engines.histogram_grower import HistogramGrower
from fastml.data.binning import BinMapper, BinnedMatrix
from fastml.data.bundles import Bundles
from fastml.data.frames import Table
from fastml.ensemble.fitted import FittedForest
from fastml.ensemble.sorted_table import Weight
from fastml.tree.structure import Forest

MIN_ROWS_WITH_GRADIENT = 65536
"""Rows from which on gradients lie in memory with their rows' codes; fewer rows fit a processor's cache apart."""


class BinnedColumns:
    """One byte a value: each feature in at most 255 bins.

    before : what an earlier fit left, whose bins are kept.
    """

    mapper: BinMapper
    binned: BinnedMatrix | None

    def __init__(
        self, table: Table, max_bins: int, weight: Weight, threads: int, before: FittedForest | None = None
    ) -> None:
        self.n_samples, self.n_features = table.n_samples, table.n_features
        if before is None:
            self.mapper, self.binned = BinMapper.fit_transform(table, max_bins, weight, threads, "column")
        else:
            self.mapper, self.binned = before.mapper, before.mapper.transform(table, threads, "column")

    def grower(self, options: dict[str, Any], n_outputs: int, threads: int, first_round: int) -> HistogramGrower:
        """The engine; it takes the codes over."""
        binned: Any = self.binned
        self.binned = None
        room = 4 if n_outputs == 1 and binned.n_samples >= MIN_ROWS_WITH_GRADIENT else 0
        bundles = Bundles.of(binned, room=room)
        by_row = binned.rows(threads, room) if bundles is None else None
        return HistogramGrower(
            by_row, binned.codes_by_column, binned.n_samples, binned.n_bins,
            binned.is_categorical.view(np.uint8), self.mapper.edges_flat, self.mapper.edges_start, options, n_outputs,
            threads, first_round, bundles, bool(room),
        )  # fmt: skip

    def fitted(self, forest: Forest, start: NDArray[np.float64]) -> FittedForest:
        return FittedForest(forest, self.mapper, start)

    def read(self, table: Table, threads: int) -> Any:
        """Other rows as `add_trees` wants them."""
        return self.mapper.transform(table, threads, layout="column").codes_by_column

    def add_trees(self, f: Forest, rows: Any, raw: NDArray[np.float64], threads: int) -> None:
        """Add trees to the raw scores of other rows."""
        compiled = CompiledForest(
            f.nodes, f.tree_start, f.categories, f.n_outputs, self.mapper.edges_flat, self.mapper.edges_start
        )
        compiled.add_codes(rows, raw.shape[1], raw, 0, f.n_trees, threads)
