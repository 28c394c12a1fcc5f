"""Slow twin of column_bundler: combinations are counted by numpy.unique."""

import numpy as np

SAMPLE = 4096


def combinations(codes, columns, rows=slice(None)):
    """The distinct combinations of codes in the order in which they first occur, and the number of each row's."""
    kept = codes[columns][:, rows]
    distinct, first, inverse = np.unique(kept, axis=1, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty(len(order), int)
    rank[order] = np.arange(len(order))
    return distinct[:, order], rank[inverse.ravel()]


def bundles_of(codes, n_bins, max_cells):
    """[(columns, number of each row's combination, their codes)]"""
    sample = slice(None, None, max(1, codes.shape[1] // SAMPLE))
    left = sorted(range(len(codes)), key=lambda j: -n_bins[j])
    bundles = []
    while left:
        columns = [left.pop(0)]
        candidates = list(left)
        while candidates:
            size = {j: combinations(codes, [*columns, j], sample)[0].shape[1] for j in candidates}
            candidates = sorted((j for j in candidates if size[j] <= max_cells), key=size.get)
            fits = [j for j in candidates if combinations(codes, [*columns, j])[0].shape[1] <= max_cells]
            if not fits:
                break
            columns.append(fits[0])
            left.remove(fits[0])
            candidates = candidates[candidates.index(fits[0]) + 1 :]
        distinct, cells = combinations(codes, columns)
        bundles.append((columns, cells, distinct))
    return bundles
