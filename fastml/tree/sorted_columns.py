"""The columns of a table in the order of their values, for one tree or for many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml._engines.column_sorter import merge_ranks, sort_columns
from fastml._engines.exact_grower import ExactGrower
from fastml.data.binning import codes_of_levels
from fastml.data.frames import Table
from fastml.threads import effective_threads


@dataclass(frozen=True, eq=False)
class SortedColumns:
    """What trees with exact thresholds, or thresholds between bins, grow on; O(n_samples) a column, 16 bytes a value.

    grower : the engine over the sorted columns
    category_codes : for each categorical column the code of each level, 1 to 255, and 0; None for the others
    moves : whether even a single split moves entries: where values are missing, or columns are categorical
    """

    grower: ExactGrower
    n_samples: int
    category_codes: tuple[NDArray[np.uint8] | None, ...]
    moves: bool

    @classmethod
    def of(cls, table: Table, n_jobs: int | None, max_bins: int | None = None) -> SortedColumns:
        threads = effective_threads(n_jobs, 20.0 * table.n_samples * table.n_features)
        entries, values, start, codes = sort_table(table, threads)
        missing = bool((entries[:, -1] >> np.uint64(32) == 2**32 - 1).any()) if entries.size else False
        categorical = table.is_categorical.astype(np.uint8) if table.is_categorical.any() else None
        largest = None
        if max_bins is not None:
            values, largest, start = merge_ranks(entries, values, start, max_bins, categorical, threads)
        grower = ExactGrower(entries, values, start, threads, categorical, largest)
        return cls(grower, table.n_samples, codes, missing or categorical is not None)


Codes = NDArray[np.uint8] | None  # of the levels of a categorical column; None for a column of numbers


def sort_table(
    table: Table, threads: int, weight: NDArray[np.float64] | None = None, known: Sequence[Codes] | None = None
) -> tuple[NDArray[np.uint64], NDArray[np.float64], NDArray[np.int64], tuple[Codes, ...]]:
    """(entries, values, values_start, category_codes) of a table's columns; see `column_sorter.sort_columns`.

    weight : (n,) decides which levels are rare.  known : the codes of levels that an earlier fit gave.
    """
    every = range(table.n_features)
    own = [None] * table.n_features if known is None else known
    columns, codes = zip(*[coded_column(table, j, weight, own[j]) for j in every], strict=True)
    return (*sort_columns(columns, threads), codes)


def coded_column(
    table: Table, j: int, weight: NDArray[np.float64] | None = None, known: Codes = None
) -> tuple[NDArray[Any], Codes]:
    """A column of numbers; a categorical one as codes, NaN where it is missing, with the code of each level."""
    if not table.is_categorical[j]:
        return table.column(j), None
    levels = table.codes(j)
    codes = codes_of_levels(levels, len(table.levels[j]), weight)[0] if known is None else known  # type: ignore[arg-type]
    found = codes[np.where(levels < 0, len(codes) - 1, levels)]
    return np.where((levels < 0) | (found == 0), np.float32(np.nan), found.astype(np.float32)), codes
