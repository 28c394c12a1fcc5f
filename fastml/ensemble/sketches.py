"""Bins that follow the hessian: trees on columns that are binned anew for each tree (`approx`)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml._engines.histogram_grower import HistogramGrower
from fastml._engines.sketch_binner import bin_by_weight
from fastml.data.binning import BinnedMatrix, aligned, column_stride
from fastml.data.frames import Table
from fastml.ensemble.sorted_table import SortedTable, Weight


class SketchedColumns(SortedTable):
    """Columns that each tree sees in bins of about equal hessian.

    A column of at most max_bins values keeps each in a bin of its own, and so do categories.

    sketch_eps : the share of the hessian that a bin holds at least
    """

    places_all = True

    def __init__(self, table: Table, weight: Weight, threads: int, sketch_eps: float, max_bins: int) -> None:
        super().__init__(table, weight, threads)
        self.sketch_eps, self.max_bins = sketch_eps, max_bins
        n, d = self.n_samples, self.n_features
        self.codes = aligned(d, column_stride(n))
        self.codes[:] = 0
        self.n_bins = np.diff(self.values_start).astype(np.int32)
        self.edges = np.full((d, 255), np.inf)
        self.categorical = np.zeros(d, bool) if self.is_categorical is None else self.is_categorical.astype(bool)
        self.wide = np.flatnonzero((self.n_bins > max_bins) & ~self.categorical)
        for j in np.flatnonzero((self.n_bins <= max_bins) | self.categorical):
            self._keep_values(int(j))

    def _keep_values(self, j: int) -> None:
        """A bin for each value of a column, once for all trees."""
        values = self.values[self.values_start[j] : self.values_start[j + 1]]
        rank, row = self.entries[j] >> np.uint64(32), self.entries[j] & np.uint64(0xFFFFFFFF)
        present = rank < len(values)
        if self.categorical[j]:  # values are codes already
            self.codes[j, row[present]] = values[rank[present]]
            self.n_bins[j] = max(1, int(values[-1])) if len(values) else 1
            return
        self.codes[j, row[present]] = rank[present] + 1
        self.n_bins[j] = max(1, len(values))
        with np.errstate(invalid="ignore"):  # between -inf and inf
            middle = values[:-1] / 2 + values[1:] / 2
        between = (values[:-1] < middle) & (middle < values[1:])
        self.edges[j, : len(middle)] = np.where(between, middle, values[:-1])

    def bin(self, hess: NDArray[np.float32], threads: int) -> BinnedMatrix:
        """The columns in bins by the rows' hessians (n,); its arrays hold until the next call."""
        self.edges[self.wide] = np.inf  # a split of all that is present reads one past its column's edges
        bin_by_weight(
            self.entries, self.values, self.values_start, self.wide, hess, self.sketch_eps, self.max_bins, self.codes,
            self.n_bins, self.edges, threads,
        )  # fmt: skip
        return BinnedMatrix(self.codes, None, self.n_bins, np.zeros(0, bool), self.categorical, self.n_samples)

    def grower(self, options: dict[str, Any], n_outputs: int, threads: int, first_round: int) -> SketchGrower:
        return SketchGrower(self, options, n_outputs, threads, first_round)


class SketchGrower:
    """Bins by the hessian of each tree, and grows it on them; where the hessian is always 1, bins stay."""

    def __init__(
        self, columns: SketchedColumns, options: dict[str, Any], n_outputs: int, threads: int, first_round: int
    ) -> None:
        self.columns, self.options, self.threads = columns, dict(options), threads
        self.n_trees = first_round * n_outputs
        self._kept: HistogramGrower | None = None

    def set_learning_rate(self, learning_rate: float) -> None:
        self.options["learning_rate"] = learning_rate
        if self._kept is not None:
            self._kept.set_learning_rate(learning_rate)

    def set_least(self, min_child_weight: float, min_split_gain: float) -> None:
        self.options.update(min_child_weight=min_child_weight, min_split_gain=min_split_gain)
        if self._kept is not None:
            self._kept.set_least(min_child_weight, min_split_gain)

    def grow(
        self, grad: NDArray[np.float32], hess: NDArray[np.float32] | None, weight: Weight,
        sampled: NDArray[np.uint8] | None, stats: NDArray[np.float64], leaf_of_out: NDArray[np.int32],
    ) -> list[Any]:  # fmt: skip
        """As `HistogramGrower.grow`."""
        trees: list[Any] = []
        for k in range(len(grad)):
            own = slice(k, k + 1)
            grower = self._kept or self._grower(None if hess is None else hess[k], weight, sampled)
            if hess is None and sampled is None:
                self._kept = grower
            trees += grower.grow(
                grad[own], None if hess is None else hess[own], weight, sampled, stats[own], leaf_of_out[own]
            )
            self.n_trees += 1
        return trees

    def _grower(
        self, hess: NDArray[np.float32] | None, weight: Weight, sampled: NDArray[np.uint8] | None
    ) -> HistogramGrower:
        """The engine over bins by the hessian of the rows that were drawn."""
        columns = self.columns
        by = np.ones(columns.n_samples, np.float32) if hess is None else hess
        if weight is not None:
            by = (by * weight).astype(np.float32)
        if sampled is not None:
            by = by * sampled
        binned = columns.bin(np.maximum(by, np.float32(0)), self.threads)
        start = np.arange(0, columns.edges.size + 1, columns.edges.shape[1], dtype=np.int64)
        return HistogramGrower(
            binned.rows(self.threads), binned.codes_by_column, binned.n_samples, binned.n_bins,
            binned.is_categorical.view(np.uint8), columns.edges.ravel(), start, self.options, 1, self.threads,
            self.n_trees,
        )  # fmt: skip
