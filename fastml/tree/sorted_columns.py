"""The columns of a table in the order of their values, for one tree or for many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml._engines.column_sorter import sort_columns
from fastml._engines.exact_grower import ExactGrower
from fastml.data.binning import codes_of_levels
from fastml.data.frames import Table
from fastml.threads import effective_threads


@dataclass(frozen=True, eq=False)
class SortedColumns:
    """What trees with exact thresholds grow on; sorting is O(n_samples) a column, 16 bytes a value.

    grower : the engine over the sorted columns
    category_codes : for each categorical column the code of each level, 1 to 255, and 0; None for the others
    moves : whether even a single split moves entries: where values are missing, or columns are categorical
    """

    grower: ExactGrower
    n_samples: int
    category_codes: tuple[NDArray[np.uint8] | None, ...]
    moves: bool

    @classmethod
    def of(cls, table: Table, n_jobs: int | None) -> SortedColumns:
        threads = effective_threads(n_jobs, 20.0 * table.n_samples * table.n_features)
        columns, codes = zip(*[coded_column(table, j) for j in range(table.n_features)], strict=True)
        entries, values, start = sort_columns(columns, threads)
        missing = bool((entries[:, -1] >> np.uint64(32) == 2**32 - 1).any()) if entries.size else False
        categorical = table.is_categorical.astype(np.uint8) if table.is_categorical.any() else None
        grower = ExactGrower(entries, values, start, threads, categorical)
        return cls(grower, table.n_samples, codes, missing or categorical is not None)


def coded_column(table: Table, j: int) -> tuple[NDArray[Any], NDArray[np.uint8] | None]:
    """A column of numbers; a categorical one as codes, NaN where it is missing, with the code of each level."""
    if not table.is_categorical[j]:
        return table.column(j), None
    levels = table.codes(j)
    codes, _ = codes_of_levels(levels, len(table.levels[j]), None)  # type: ignore[arg-type]
    return np.where(levels < 0, np.float32(np.nan), codes[levels].astype(np.float32)), codes
