"""What a booster keeps after a fit: its trees, the bins they speak of, and the scores they start from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml._engines.forest_predictor import CompiledForest
from fastml._engines.row_predictor import RowPredictor
from fastml.data.binning import BinMapper
from fastml.data.frames import Table
from fastml.ensemble.threshold_groups import Group, group_trees
from fastml.tree.structure import Forest

# Rows binned at a time, so that a prediction takes little memory beside X and the result.
BLOCK_ROWS = 65536
# Below this many rows times trees, walking the float thresholds beats binning and compiling the trees.
WALK_BELOW = 20_000
# The same where each run of rounds has bins of its own: making them takes as long as walking so many.
WALK_THRESHOLDS_BELOW = 500_000


@dataclass(eq=False)
class FittedForest:
    """Raw scores of tables.

    forest, mapper : the trees and their bins
    start : (n_outputs,) raw scores before the first tree
    """

    forest: Forest
    mapper: BinMapper
    start: NDArray[np.float64]
    _compiled: dict[str, Any] = field(default_factory=dict, repr=False)

    def check(self) -> None:
        """Raise ValueError unless the parts fit together; for parts that come from a file."""
        if self.forest.n_features != len(self.mapper.n_bins) or self.start.shape != (self.forest.n_outputs,):
            raise ValueError("the trees, their bins and their start scores are not of one model")

    def raw(self, table: Table, n_trees: tuple[int, int], n_threads: int, out: Any = None) -> NDArray[np.float64]:
        """Start (or `out`) plus the trees begin .. end - 1: (n_outputs, n_samples)."""
        begin, end = n_trees
        if out is None:
            out = np.empty((len(self.start), table.n_samples))
            out[:] = self.start[:, None]
        if table.n_samples * (end - begin) < WALK_BELOW and not self.mapper.is_categorical.any():
            self.by_rows.add_rows(table.matrix(), out, begin, end, n_threads)
            return out
        for first, codes, size in self._blocks(table, n_threads):
            self.by_codes.add_codes(codes, size, out[:, first : first + size], begin, end, n_threads)
        return out

    def leaves(self, table: Table, n_trees: tuple[int, int], n_threads: int) -> NDArray[np.int32]:
        """Node in which each row ends in each tree, (n_samples, trees)."""
        parts = [self.by_codes.leaf_codes(codes, size, *n_trees, n_threads)
                 for _, codes, size in self._blocks(table, n_threads)]  # fmt: skip
        return np.concatenate(parts)

    def stages(self, table: Table, raw: NDArray[np.float64], n_threads: int) -> Iterator[NDArray[np.float64]]:
        """`raw` after each round's trees were added to it; codes are made once."""
        k, n = self.forest.n_outputs, table.n_samples
        codes = self.mapper.encode(table, None, 0, n, n_threads)
        for begin in range(0, self.forest.n_trees, k):
            self.by_codes.add_codes(codes, n, raw, begin, begin + k, n_threads)
            yield raw

    def _blocks(self, table: Table, n_threads: int) -> Any:
        for first in range(0, table.n_samples, BLOCK_ROWS):
            stop = min(first + BLOCK_ROWS, table.n_samples)
            yield first, self.mapper.encode(table, None, first, stop, n_threads), stop - first

    @property
    def by_codes(self) -> CompiledForest:
        """The trees on codes, compiled once."""
        if "codes" not in self._compiled:
            f = self.forest
            self._compiled["codes"] = CompiledForest(
                f.nodes, f.tree_start, f.categories, f.n_outputs, self.mapper.edges_flat, self.mapper.edges_start
            )
        return self._compiled["codes"]

    @property
    def by_rows(self) -> RowPredictor:
        """The trees on float thresholds, for raw scores of few rows."""
        if "rows" not in self._compiled:
            self._compiled["rows"] = self.predictor("identity", self.forest.n_trees)
        return self._compiled["rows"]

    def predictor(self, link: str, n_trees: int) -> RowPredictor:
        """A callable for one row: (n_features,) numbers -> prediction, without checks, threads or allocation."""
        return row_predictor(self.forest.slice(0, n_trees), self.mapper.category_codes, self.start, link)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_compiled": {}}


@dataclass(eq=False)
class ThresholdForest:
    """Raw scores of tables by trees whose thresholds may be any number.

    forest : the trees
    category_codes : of each categorical column the code of each level; None for the others
    start : (n_outputs,) raw scores before the first tree
    """

    forest: Forest
    category_codes: tuple[NDArray[np.uint8] | None, ...]
    start: NDArray[np.float64]
    _compiled: dict[str, Any] = field(default_factory=dict, repr=False)

    def check(self) -> None:
        """Raise ValueError unless the parts fit together; for parts that come from a file."""
        if self.forest.n_features != len(self.category_codes) or self.start.shape != (self.forest.n_outputs,):
            raise ValueError("the trees, their categories and their start scores are not of one model")

    def raw(self, table: Table, n_trees: tuple[int, int], n_threads: int, out: Any = None) -> NDArray[np.float64]:
        """Start (or `out`) plus the trees begin .. end - 1: (n_outputs, n_samples)."""
        begin, end = n_trees
        if out is None:
            out = np.empty((len(self.start), table.n_samples))
            out[:] = self.start[:, None]
        if table.n_samples * (end - begin) < WALK_THRESHOLDS_BELOW:
            self.by_rows.add_rows(table.matrix(), out, begin, end, n_threads)
            return out
        for group in self.groups:
            first, stop = max(begin, group.begin), min(end, group.end)
            if first >= stop:
                continue
            if group.mapper is None or group.compiled is None:
                self.by_rows.add_rows(table.matrix(), out, first, stop, n_threads)
                continue
            for row in range(0, table.n_samples, BLOCK_ROWS):
                size = min(BLOCK_ROWS, table.n_samples - row)
                codes = group.mapper.encode(table, None, row, row + size, n_threads)
                group.compiled.add_codes(
                    codes, size, out[:, row : row + size], first - group.begin, stop - group.begin, n_threads
                )
        return out

    def leaves(self, table: Table, n_trees: tuple[int, int], n_threads: int) -> NDArray[np.int32]:
        """Node in which each row ends in each tree, (n_samples, trees)."""
        return self.by_rows.leaf_rows(table.matrix(), *n_trees, n_threads)

    def stages(self, table: Table, raw: NDArray[np.float64], n_threads: int) -> Iterator[NDArray[np.float64]]:
        """`raw` after each round's trees were added to it."""
        k, matrix = self.forest.n_outputs, table.matrix()
        for begin in range(0, self.forest.n_trees, k):
            self.by_rows.add_rows(matrix, raw, begin, begin + k, n_threads)
            yield raw

    @property
    def groups(self) -> list[Group]:
        """The trees on codes, group by group, compiled once."""
        if "groups" not in self._compiled:
            self._compiled["groups"] = group_trees(self.forest, self.category_codes)
        return self._compiled["groups"]

    @property
    def by_rows(self) -> RowPredictor:
        """The trees on float thresholds."""
        if "rows" not in self._compiled:
            self._compiled["rows"] = self.predictor("identity", self.forest.n_trees)
        return self._compiled["rows"]

    def predictor(self, link: str, n_trees: int) -> RowPredictor:
        """A callable for one row: (n_features,) numbers -> prediction, without checks, threads or allocation."""
        return row_predictor(self.forest.slice(0, n_trees), self.category_codes, self.start, link)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_compiled": {}}


def row_predictor(f: Forest, category_codes: Any, start: NDArray[np.float64], link: str) -> RowPredictor:
    """Trees and what they start from, as a callable for one row."""
    return RowPredictor(
        f.nodes, f.tree_start, f.categories, f.n_outputs, f.n_features, category_codes,
        start if f.n_outputs > 1 else float(start[0]), link,
    )  # fmt: skip
