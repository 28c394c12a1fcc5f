"""One column of X as it came: what it holds, and how to read it as numbers or as codes with levels."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fastml.data.levels import Coded, encode_numbers, encode_values, is_missing, order_levels, present_types

Kind = Literal["number", "time", "duration", "text", "category", "empty"]
Floats = NDArray[np.floating[Any]]
"""float32 or float64."""

HOLDS = {
    "number": "numbers",
    "time": "dates or times",
    "duration": "durations",
    "text": "text",
    "category": "categories",
    "empty": "nothing",
}


class Column:
    """A column that converts itself when asked, so that data are never held twice.

    kind : what it holds. "text" are strings, "category" what the container calls categorical, "empty" nothing at all.
    label : how errors call it, such as "column 'age'" or "column 3".
    order : the categories of a type that puts them in an order of its own, else None.
    """

    __slots__ = ("_read", "kind", "label", "order")

    def __init__(
        self, kind: Kind, label: str, read: Callable[[], Any], order: tuple[Any, ...] | None = None
    ) -> None:
        self.kind, self.label, self._read, self.order = kind, label, read, order

    def numbers(self) -> Floats:
        """(n,) float32 where that loses nothing, else float64; NaN is missing.

        Times are seconds since 1970-01-01 UTC, durations seconds, text and categories the numbers they spell.
        """
        values = self._read()
        if self.kind not in ("text", "category"):
            return as_floats(values)
        codes, levels = values
        try:
            numbers = np.append(levels.astype(np.float64), np.nan)
        except (ValueError, TypeError) as error:
            raise ValueError(
                f"{error} in {self.label}: it holds {HOLDS[self.kind]} where numbers are needed. Encode it (for "
                "example sklearn.preprocessing.OrdinalEncoder), leave it out, or let the estimator treat it as "
                "categorical where it can."
            ) from error
        return numbers[codes]

    def coded(self) -> Coded:
        """Codes (n,) with -1 for missing, and the ascending levels that occur."""
        try:
            return self._read() if self.kind in ("text", "category") else encode_numbers(self._plain())
        except TypeError as error:
            raise TypeError(f"{self.label}: {error}") from error

    def _plain(self) -> NDArray[Any]:
        values = self._read()
        return values if values.dtype.kind in "fiub" else as_floats(values)


def as_floats(values: NDArray[Any]) -> Floats:
    """Any numeric, boolean or time array -> float32 where every value of its type fits, else float64.

    No copy of float32 and float64. NumPy's times become seconds; NaT becomes NaN.
    """
    kind, size = values.dtype.kind, values.dtype.itemsize
    if kind in "Mm":
        unit = "M8[us]" if kind == "M" else "m8[us]"
        seconds = values.astype(unit).astype(np.int64) / 1e6
        seconds[np.isnat(values)] = np.nan
        return seconds
    if kind == "c":
        raise ValueError(f"Complex data not supported\n{values}\n")
    wanted: Any = np.float32 if size <= (4 if kind == "f" else 2) else np.float64
    floats: Floats = values.astype(wanted, copy=False)
    return floats


def codes_as_floats(codes: NDArray[Any]) -> Floats:
    """Level numbers as floats, NaN for missing; float32 holds whole numbers up to 2**24."""
    exact: Any = np.float32 if codes.dtype.itemsize < 4 or not len(codes) or codes.max() <= 2**24 else np.float64
    floats: Floats = codes.astype(exact)
    floats[codes < 0] = np.nan
    return floats


def array_column(values: NDArray[Any], label: str) -> Column:
    """A column of a NumPy array: numbers, booleans, times, strings or objects."""
    kind = values.dtype.kind
    if kind in "fiub":
        return Column("number", label, lambda: values)
    if kind in "Mm":
        return Column("time" if kind == "M" else "duration", label, lambda: values)
    if kind == "c":
        raise ValueError(f"Complex data not supported\n{values}\n")
    if kind == "S":
        values = np.char.decode(values, "utf-8")
    if kind == "V":
        raise ValueError(f"{label} has dtype {values.dtype}: pass a frame, or a plain 2-D array, instead.")
    return object_column(values, label)


def object_column(values: NDArray[Any], label: str) -> Column:
    """A column of Python objects: they say themselves what they are."""
    items = values.tolist()
    kinds = present_types(items)
    if not kinds:
        nothing = np.full(len(items), np.nan, dtype=np.float32)
        return Column("empty", label, lambda: nothing)
    if any(issubclass(kind, str) for kind in kinds):
        return Column("text", label, lambda: encode_values(items))
    if all(issubclass(kind, (datetime, np.datetime64, date)) for kind in kinds):
        return Column("time", label, lambda: _object_times(items))
    if all(issubclass(kind, (timedelta, np.timedelta64)) for kind in kinds):
        return Column("duration", label, lambda: np.array(_none_for_missing(items), dtype="m8[us]"))
    if any(issubclass(kind, complex) for kind in kinds):
        raise ValueError(f"Complex data not supported\n{values}\n")
    numbers = _object_numbers(items, label)
    return Column("empty" if np.isnan(numbers).all() else "number", label, lambda: numbers)


def _none_for_missing(items: list[Any]) -> list[Any]:
    return [None if is_missing(item) else item for item in items]


def _object_numbers(items: list[Any], label: str) -> NDArray[np.float64]:
    """Objects as numbers by their own __float__; NumPy words the error for those that have none."""
    known = [np.nan if is_missing(item) else item for item in items]
    try:
        return np.array(known, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise type(error)(f"{error} in {label}") from error


def _object_times(items: list[Any]) -> NDArray[np.float64]:
    """Dates and times, with or without a time zone, in seconds since 1970-01-01; without one they count as UTC."""
    seconds = np.full(len(items), np.nan)
    for i, item in enumerate(items):
        if is_missing(item):
            continue
        if isinstance(item, np.datetime64) or not isinstance(item, datetime) or item.tzinfo is None:
            seconds[i] = as_floats(np.array([item], dtype="M8[us]"))[0]
        else:
            seconds[i] = item.timestamp()
    return seconds


def frame_column(series: Any, label: str) -> Column:
    """A column of a pandas, polars, pyarrow, ... frame, as narwhals sees it."""
    import narwhals as nw

    dtype = series.dtype
    if dtype.is_numeric() and not isinstance(dtype, nw.Decimal):
        return Column("number", label, lambda: series.to_numpy())
    if dtype == nw.Boolean or isinstance(dtype, nw.Decimal):
        wanted = nw.Float32 if dtype == nw.Boolean else nw.Float64
        return Column("number", label, lambda: _without_objects(series, wanted))
    if isinstance(dtype, (nw.Categorical, nw.Enum)):
        order = tuple(dtype.categories) if isinstance(dtype, nw.Enum) else None
        return Column("category", label, lambda: coded_series(series), order)
    if isinstance(dtype, nw.String):
        return Column("text", label, lambda: coded_series(series))
    if isinstance(dtype, nw.Datetime):
        return Column("time", label, lambda: series.to_numpy())
    if isinstance(dtype, nw.Date):
        return Column("time", label, lambda: series.cast(nw.Datetime("us")).to_numpy())
    if isinstance(dtype, nw.Duration):
        return Column("duration", label, lambda: series.to_numpy())
    if isinstance(dtype, nw.Time):
        return Column("duration", label, lambda: _time_of_day(series))
    if isinstance(dtype, (nw.List, nw.Array, nw.Struct)):
        raise TypeError(f"{label} has type {dtype}: spread its parts over columns of their own first.")
    return array_column(np.asarray(series.to_numpy()), label)


def _without_objects(series: Any, wanted: Any) -> NDArray[Any]:
    values = series.to_numpy()
    return series.cast(wanted).to_numpy() if values.dtype == object else values


def _time_of_day(series: Any) -> NDArray[np.float64]:
    """Seconds since midnight."""
    parts = [
        np.nan if is_missing(t) else t.hour * 3600 + t.minute * 60 + t.second + t.microsecond / 1e6
        for t in series.to_list()
    ]
    return np.array(parts, dtype=np.float64)


FEW = 1000
"""Rows below which Python's own dictionary is quicker than asking the container for its one."""


def coded_series(series: Any) -> Coded:
    """Codes and levels of a string or categorical series, by the container's own dictionary where it has one."""
    native = series.to_native()
    if len(series) < FEW and not _has_intervals(native):  # whose values and categories pandas writes differently
        return encode_values(series.to_list())
    if series.implementation.is_polars():
        return _coded_polars(native)
    if series.implementation.is_pyarrow():
        return _coded_arrow(native)
    if series.implementation.is_pandas():
        return _coded_pandas(native)
    return encode_values(series.to_list())


def _has_intervals(native: Any) -> bool:
    pandas = sys.modules.get("pandas")
    categories = getattr(getattr(native, "dtype", None), "categories", None)
    return pandas is not None and isinstance(categories, pandas.IntervalIndex)


def _coded_pandas(series: Any) -> Coded:
    import pandas as pd

    if isinstance(series.dtype, pd.CategoricalDtype):
        return order_levels(series.cat.codes.to_numpy(), series.cat.categories.tolist())
    codes, labels = pd.factorize(series)
    return order_levels(codes, labels.tolist())


def _coded_polars(series: Any) -> Coded:
    import polars as pl

    if series.dtype == pl.String:
        series = series.cast(pl.Categorical)
    present = series.drop_nulls().unique()
    physical = present.to_physical().to_numpy().astype(np.int64)
    place = np.full(int(physical.max(initial=-1)) + 2, -1, dtype=np.int64)
    place[physical] = np.arange(len(physical))
    codes = series.to_physical().cast(pl.Int64).fill_null(-1).to_numpy()  # -1 reads the last place, which is -1
    return order_levels(place[codes], present.cast(pl.String).to_list())


def _coded_arrow(chunked: Any) -> Coded:
    import pyarrow as pa

    if not pa.types.is_dictionary(chunked.type):
        chunked = chunked.dictionary_encode()
    array = chunked.unify_dictionaries().combine_chunks()
    if isinstance(array, pa.ChunkedArray):  # no rows, no chunk
        return order_levels(np.zeros(0, dtype=np.int32), [])
    codes = array.indices.cast(pa.int64()).fill_null(-1).to_numpy(zero_copy_only=False)
    return order_levels(codes, array.dictionary.to_pylist())
