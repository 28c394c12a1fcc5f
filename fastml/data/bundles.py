"""Bundles: number columns for counting, fewer and wider than the features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fastml._engines.column_bundler import bundle_columns
from fastml.data.binning import BinnedMatrix, aligned, row_stride

MAX_CELLS = 1024  # of a bundle: five of them fit the first-level cache beside the rows
MAX_FEATURES = 64
MIN_SAMPLES = 8192  # below, every node is counted faster by feature


@dataclass(frozen=True, eq=False)
class Bundles:
    """The codes of a BinnedMatrix, with features that go together under one number.

    Attributes
    ----------
    cells_by_row : uint16 (n_samples + 1, stride)
        Bundle b of a row, as a cell of a histogram that holds all bundles: start[b] <= cell < start[b + 1].
    start : int32 (n_bundles + 1,)
    bundle_of : int32 (n_features,)
    codes : uint8 (n_features, n_cells)
        Code of feature j in each cell of its bundle; 0 in the others.
    """

    cells_by_row: NDArray[np.uint16]
    start: NDArray[np.int32]
    bundle_of: NDArray[np.int32]
    codes: NDArray[np.uint8]

    @classmethod
    def of(cls, binned: BinnedMatrix, max_cells: int = MAX_CELLS, room: int = 0) -> Bundles | None:
        """None where bundles would not pay: few rows, many features, or features that do not go together. `room`: bytes
        to leave past the cells of a row, at least."""
        n, d = binned.n_samples, binned.n_features
        if n < MIN_SAMPLES or d > MAX_FEATURES:
            return None
        found = bundle_columns(binned.codes_by_column, n, binned.n_bins, max_cells)
        if len(found) > 0.85 * d:
            return None
        start = np.cumsum([0, *(n_cells for _, _, n_cells, _ in found)], dtype=np.int32)
        cells_by_row = aligned(n + 1, row_stride(2 * len(found) + room)).view(np.uint16)
        cells_by_row[:, len(found) :] = 0
        cells_by_row[n] = 0
        bundle_of = np.empty(d, np.int32)
        codes = np.zeros((d, start[-1]), np.uint8)
        for b, (members, cells, _, codes_of_members) in enumerate(found):
            np.add(cells, start[b], out=cells_by_row[:n, b], casting="unsafe")
            bundle_of[members] = b
            codes[members, start[b] : start[b + 1]] = codes_of_members
        return cls(cells_by_row, start, bundle_of, codes)
