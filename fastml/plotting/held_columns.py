"""Rows in which two columns vary and all others are held, of an array or a frame."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST_LEVELS = 50
"""Categories that one side of a picture has room for."""


@dataclass(frozen=True, eq=False)
class Values:
    """One column as a side of a picture reads it.

    places : (n,) float64 numbers, or which level; NaN is missing.  levels : of a category; else None
    first_row : of each level a row that has it.  holds : what the column holds, in words
    """

    places: NDArray[np.float64]
    levels: list[Any] | None
    first_row: NDArray[np.int64]
    holds: str


class ArrayColumns:
    """Columns of a 2-D array."""

    def __init__(self, X: NDArray[Any]) -> None:
        if X.ndim != 2 or X.shape[0] == 0:
            raise ValueError(f"X has shape {X.shape}: it must be two-dimensional, with a row at least")
        self.X, self.names, (self.n_samples, self.n_features) = X, None, X.shape

    def values(self, j: int, categorical: bool) -> Values:
        """Column j; numbers as levels if they are categorical."""
        column = self.X[:, j]
        if self.X.dtype.kind in "OUS" and not categorical:
            try:
                return _numbers(column.astype(np.float64))
            except (TypeError, ValueError):
                return _levels(column.tolist())
        return _levels(column.tolist()) if categorical else _numbers(column.astype(np.float64))

    def build(self, columns: list[NDArray[Any]], from_rows: list[bool]) -> Any:
        """Rows of which each column is given, as values or as numbers of rows of X to take them from."""
        dtype = np.result_type(self.X.dtype, np.float32) if self.X.dtype.kind in "biuf" else np.dtype(object)
        out = np.empty((len(columns[0]), self.n_features), dtype)
        for j, (given, from_row) in enumerate(zip(columns, from_rows, strict=True)):
            out[:, j] = self.X[given, j] if from_row else given
        return out


class FrameColumns:
    """Columns of a pandas, polars, pyarrow, ... frame."""

    def __init__(self, X: Any) -> None:
        import narwhals as nw

        self.frame = nw.from_native(X, eager_only=True)
        self.names: list[Any] | None = list(self.frame.columns)
        self.n_samples, self.n_features = self.frame.shape
        if self.n_samples == 0:
            raise ValueError("X has no rows: give at least one")

    def values(self, j: int, categorical: bool) -> Values:
        """Column j; numbers as levels if they are categorical."""
        import narwhals as nw

        series = self.frame[:, j]
        if series.dtype.is_numeric() and not categorical:
            return _numbers(series.cast(nw.Float64).to_numpy().astype(np.float64))
        out = _levels(series.to_list())
        return Values(out.places, out.levels, out.first_row, "times") if series.dtype.is_temporal() else out

    def build(self, columns: list[NDArray[Any]], from_rows: list[bool]) -> Any:
        """Rows of which each column is given, as values or as numbers of rows of X to take them from."""
        import narwhals as nw

        made = {}
        for j, (given, from_row) in enumerate(zip(columns, from_rows, strict=True)):
            name = self.frame.columns[j]
            if from_row:
                made[name] = nw.maybe_reset_index(self.frame[:, j][given.tolist()])
            else:
                made[name] = nw.new_series(name, given, nw.Float64, backend=self.frame.implementation)
        return nw.from_dict(made, backend=self.frame.implementation).to_native()


def open_columns(X: Any) -> ArrayColumns | FrameColumns:
    """X as columns; TypeError where it is sparse."""
    if hasattr(X, "tocsc"):
        raise TypeError("X is sparse: pass the rows to draw as a dense array, X.toarray()")
    if isinstance(X, np.ndarray) or not (hasattr(X, "columns") or hasattr(X, "__narwhals_dataframe__")):
        return ArrayColumns(X if isinstance(X, np.ndarray) else np.array(X))
    return FrameColumns(X)


def _numbers(places: NDArray[np.float64]) -> Values:
    return Values(places, None, np.empty(0, np.int64), "numbers")


def _levels(values: list[Any]) -> Values:
    first: dict[Hashable, int] = {}
    for row, value in enumerate(values):
        if not _is_missing(value):
            first.setdefault(value, row)
    levels: list[Any] = sorted(first, key=lambda level: (isinstance(level, str), level))
    place = {level: k for k, level in enumerate(levels)}
    places = np.array([np.nan if _is_missing(value) else place[value] for value in values], np.float64)
    return Values(places, levels, np.array([first[level] for level in levels], np.int64), "categories")


def _is_missing(value: Any) -> bool:
    of_pandas = type(value).__name__ in ("NAType", "NaTType")  # which compare with nothing
    return value is None or of_pandas or (isinstance(value, float) and value != value)


def held_value(values: Values, given: Any, label: str) -> tuple[Any, bool]:
    """What a column is held at, and whether that is the number of a row of X to take it from: `given`, or where that is
    None the median of numbers (missing ones left out), the most frequent level."""
    known = values.places[~np.isnan(values.places)]
    if values.levels is None:
        if given is None:
            return (float(np.median(known)) if len(known) else np.nan), False
        try:
            return float(given), False
        except (TypeError, ValueError):
            raise ValueError(f"held[{label}]={given!r} must be a number: the column holds numbers") from None
    if given is None:
        if not len(known):
            return 0, True  # a row like all others: missing
        return int(values.first_row[np.bincount(known.astype(np.int64)).argmax()]), True
    if given not in values.levels:
        raise ValueError(f"held[{label}]={given!r} is none of the column's values in X")
    return int(values.first_row[values.levels.index(given)]), True
