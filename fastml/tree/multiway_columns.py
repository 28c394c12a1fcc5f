"""Columns as multiway trees read them: codes of levels, of quantile bins, or of ranks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml._engines.multiway_grower import MultiwayGrower
from fastml.data.frames import Table
from fastml.data.levels import places
from fastml.data.names import column_label


@dataclass(frozen=True, eq=False)
class Coding:
    """How the columns of a fit became codes, to read later rows alike.

    kinds : of each column "nominal" (levels), "ordinal" (bins, or levels in order) or "number" (thresholds).
    n_levels : (n_features,) int32, of each; also the code of a missing value. Of a number 0.
    edges : of each column of bins their ascending edges, x <= edge lies below; else None.
    places : of each column of ordered levels the code of each level; else None: its number is its code.
    """

    kinds: tuple[str, ...]
    n_levels: NDArray[np.int32]
    edges: tuple[NDArray[np.float64] | None, ...]
    places: tuple[NDArray[np.int32] | None, ...]

    def check(self) -> None:
        """ValueError where the fields, read from a file, do not fit together."""
        if not len(self.kinds) == len(self.n_levels) == len(self.edges) == len(self.places):
            raise ValueError("kinds, n_levels, edges and places of a coding differ in length")
        if (self.n_levels < 0).any():
            raise ValueError("a column of a coding has fewer than no levels")
        for n, own in zip(self.n_levels.tolist(), self.places, strict=True):
            if own is not None and not np.array_equal(np.sort(own), np.arange(n)):
                raise ValueError("the places of ordered levels in a coding are no permutation")

    def codes(self, table: Table, j: int) -> NDArray[np.int32]:
        """Codes of column j, (n_samples,): 0..n_levels - 1, n_levels missing, n_levels + 1 a level of no branch."""
        n = int(self.n_levels[j])
        edges = self.edges[j]
        if edges is not None:
            values = table.column(j)
            codes = np.searchsorted(edges, values, side="left").astype(np.int32)
            codes[np.isnan(values)] = n
            return codes
        own = self.places[j]
        of_level = np.arange(n + 2, dtype=np.int32)
        if own is not None:
            of_level[:n] = own
        of_level[n:] = n + 1, n  # what the fit did not see; and missing, by its code -1
        return of_level[table.codes(j)]

    def level_numbers(self, j: int, codes: NDArray[np.integer]) -> NDArray[np.integer]:
        """The levels of codes of a column of categories."""
        own = self.places[j]
        return codes if own is None else np.argsort(own)[codes]

    def rows(
        self, table: Table, asked: NDArray[np.int32]
    ) -> tuple[NDArray[np.int32], NDArray[np.float64], NDArray[np.int32], NDArray[np.int32]]:
        """The `asked` columns as the walker takes them: (codes, numbers, place, n_levels)."""
        place = np.zeros(len(self.kinds), np.int32)
        coded = [j for j in asked.tolist() if self.kinds[j] != "number"]
        numbers = [j for j in asked.tolist() if self.kinds[j] == "number"]
        codes = np.empty((len(coded), table.n_samples), np.int32)
        values = np.empty((len(numbers), table.n_samples))
        for row, j in enumerate(coded):
            codes[row], place[j] = self.codes(table, j), row
        for row, j in enumerate(numbers):
            values[row], place[j] = table.column(j), row
        return codes, values, place, np.ascontiguousarray(self.n_levels, np.int32)


def check_finite_columns(table: Table) -> None:
    """ValueError, worded as scikit-learn does, for an infinity."""
    for j in np.flatnonzero(~table.is_categorical).tolist():
        values = table.column(j)
        if np.isinf(values).any():
            raise ValueError(
                f"Input X contains infinity or a value too large for {values.dtype!r}: {column_label(table.names, j)}."
            )


def quantile_edges(values: NDArray[Any], weight: NDArray[np.float64] | None, max_bins: int) -> NDArray[np.float64]:
    """Edges between at most `max_bins` bins of about equal weight, halfway between neighbouring values.

    values : (n,) NaN is left out.  weight : (n,) > 0, or None.  O(n log n).
    """
    known = ~np.isnan(values)
    distinct, place = np.unique(values[known].astype(np.float64), return_inverse=True)
    if len(distinct) < 2:
        return np.empty(0)
    if len(distinct) > max_bins:
        below = np.cumsum(np.bincount(place, None if weight is None else weight[known]))
        wanted = below[-1] * np.arange(1, max_bins) / max_bins
        last = np.unique(np.searchsorted(below, wanted * (1 - 1e-12)))  # of each bin
        last = last[last < len(distinct) - 1]
    else:
        last = np.arange(len(distinct) - 1)
    low, high = distinct[last], distinct[last + 1]
    middle = low / 2 + high / 2
    return np.where(middle < high, middle, low)


def narrow(codes: NDArray[Any], n_levels: int) -> NDArray[Any]:
    """Codes up to n_levels in the fewest bytes that the engine reads."""
    return codes.astype(np.uint8 if n_levels < 256 else np.uint16 if n_levels < 65536 else np.int32)


def code_columns(
    table: Table, weight: NDArray[np.float64] | None, numbers: str, max_bins: int = 0
) -> tuple[Coding, MultiwayGrower]:
    """Code every column, and hand the codes to the engine.

    numbers : "number" for thresholds between values, or "ordinal" for at most `max_bins` quantile bins; then levels of
        ordered types are ordinal, too.
    """
    d = table.n_features
    ordered = table.orders if numbers == "ordinal" else {}
    kinds = tuple("nominal" if table.is_categorical[j] and j not in ordered else numbers for j in range(d))
    own_places = tuple(places(table.levels[j], ordered[j]) if j in ordered else None for j in range(d))  # type: ignore[arg-type]
    edges: list[NDArray[np.float64] | None] = [None] * d
    n_levels, counts = np.zeros(d, np.int32), []
    codes: list[NDArray[Any]] = []
    values: list[NDArray[np.float64] | None] = [None] * d
    for j, kind in enumerate(kinds):
        if kind == "number":
            column = table.column(j)
            known = ~np.isnan(column)
            values[j], ranks = np.unique(column[known].astype(np.float64), return_inverse=True)
            counts.append(len(values[j]))  # type: ignore[arg-type]
            own = np.full(table.n_samples, counts[j], np.int32)
            own[known] = ranks
        else:
            if kind == "ordinal" and j not in ordered:
                edges[j] = quantile_edges(table.column(j), weight, max_bins)
                n_levels[j] = len(edges[j]) + 1  # type: ignore[arg-type]
            else:
                n_levels[j] = len(table.levels[j])  # type: ignore[arg-type]
            counts.append(int(n_levels[j]))
            own = Coding(kinds, n_levels, tuple(edges), own_places).codes(table, j)
        codes.append(narrow(own, counts[j]))
    return Coding(kinds, n_levels, tuple(edges), own_places), MultiwayGrower(codes, list(kinds), counts, values)
