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

def merge_ranks(
    entries: NDArray[np.uint64],
    values: NDArray[np.float64],
    values_start: NDArray[np.int64],
    max_bins: int,
    keep: NDArray[np.uint8] | None = ...,
    n_threads: int = ...,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """(smallest, largest, start): values of the bins that become the ranks of the entries, which are overwritten.

    Columns of more than max_bins values get max_bins bins of about equally many rows (a value of more rows than a bin
    has one of its own, see src_cy/kernels/quantile_cuts.pxd), others keep their values, and so do those with keep[j].
    In a bin entries lie in order of their rows. O(n) a column. Raises MemoryError, ValueError from 2^31 - 1 rows on.
    """

def ranks_of(
    entries: NDArray[np.uint64], n_values: int, place: NDArray[np.int32] | None = ..., n_threads: int = ...
) -> NDArray[np.unsignedinteger[Any]]:
    """(n_columns, n) rank of each row's value, from entries that `sort_columns` made.

    n_values : of the column that has most; the ranks are uint16 below 65,535 of them, else uint32. The largest number
        of the dtype is missing.
    place : (n,) where each row comes to lie; None: where it is
    """

def add_to_hash(
    x: NDArray[np.float64], seed: int, hash_inout: NDArray[np.uint64], n_threads: int = ...
) -> None:
    """hash_inout (n,) += a hash of each number and the seed. -0.0 is 0.0, and all NaN are one. O(n)."""

def order_of(keys: NDArray[np.uint64]) -> NDArray[np.int32]:
    """Places of the keys in ascending order, (n,), equal ones in order of their places; keys are overwritten. O(n)."""
