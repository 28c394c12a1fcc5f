"""Slow twin of column_sorter."""

import numpy as np

MISSING = 2**32 - 1


def sort_column(x):
    """Entries (rank * 2^32 + row, ascending) of a column and its distinct values."""
    values = np.unique(x[~np.isnan(x)])
    rank = np.where(np.isnan(x), MISSING, np.searchsorted(values, x)).astype(np.uint64)
    order = np.argsort(rank, kind="stable")
    return rank[order] << np.uint64(32) | order.astype(np.uint64), values.astype(np.float64)


def ranks(x):
    """Rank of each row's value; MISSING."""
    values = np.unique(x[~np.isnan(x)])
    return np.where(np.isnan(x), MISSING, np.searchsorted(values, x))
