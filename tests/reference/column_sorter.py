"""Slow twin of column_sorter."""

import numpy as np

from tests.reference.bin_mapper import quantile_cuts

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


def merged(x, max_bins):
    """Entries of a column whose ranks are bins, and the smallest and the largest value of each."""
    values, counts = np.unique(x[~np.isnan(x)], return_counts=True)
    cuts = quantile_cuts(counts, max_bins) if len(values) > max_bins else range(1, len(values))
    starts, stops = [0, *cuts][: len(values)], [*cuts, len(values)]
    bins = np.searchsorted(cuts, np.searchsorted(values, x), side="right") if len(cuts) else np.zeros(len(x), int)
    bins = np.where(np.isnan(x), MISSING, bins).astype(np.uint64)
    order = np.argsort(bins, kind="stable")
    entries = bins[order] << np.uint64(32) | order.astype(np.uint64)
    return entries, values[starts], values[np.array(stops, int)[: len(values)] - 1]
