"""Columns in the order of their values."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

def sort_columns(
    columns: Sequence[NDArray[Any]], n_threads: int = ...
) -> tuple[NDArray[np.uint64], NDArray[np.float64], NDArray[np.int64]]:
    """(entries, values, values_start) of equally long float32 or float64 columns.

    entries : (n_columns, n) uint64, rank * 2^32 + row, ascending: equal values have one rank and stay in order of
        their rows, NaN has rank 2^32 - 1.
    values : the distinct values of the columns end to end, in float64; values_start : (n_columns + 1,).
    O(n) a column. Raises MemoryError, and ValueError from 2^32 - 1 rows on.
    """
