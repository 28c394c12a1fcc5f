"""Sorted columns become bins of about equal weight."""

import numpy as np
from numpy.typing import NDArray

def bin_by_weight(
    entries: NDArray[np.uint64],
    values: NDArray[np.float64],
    values_start: NDArray[np.int64],
    columns: NDArray[np.int64],
    weight: NDArray[np.float32],
    share: float,
    max_bins: int,
    codes_inout: NDArray[np.uint8],
    n_bins_inout: NDArray[np.int32],
    edges_inout: NDArray[np.float64],
    n_threads: int = ...,
) -> None:
    """Bin some of the columns.

    entries, values, values_start : as `column_sorter.sort_columns` gives them.  columns : those to bin.
    weight : (n,) >= 0.  share : of a column's weight that a bin holds at least, but for the last one and bins before a
        value that holds so much alone.  max_bins : 2 to 255; with share=0, bins share the weight equally.
    codes_inout : (n_columns, >= n), codes of the columns' present rows from 1 on.  n_bins_inout : (n_columns,)
    edges_inout : (n_columns, >= max_bins), row j begins with the n_bins - 1 edges of column j: code <= t is
        x <= edges[t - 1]. O(n) a column, the same bits for any number of threads. Raises ValueError.
    """
