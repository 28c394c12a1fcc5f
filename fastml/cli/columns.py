"""Columns of a table: which kinds there are, and how those that are no feature become one."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from fastml.cli.errors import CommandError, unknown

DAY = 86_400_000_000  # microseconds


def as_features(table: Any) -> Any:
    """The table with strings as categories, and dates, times and decimals as numbers.

    A date or a timestamp counts days since 1970, a duration days, a time of day hours.

    Raises
    ------
    CommandError
        A column of lists, records or bytes.
    """
    names = table.column_names
    columns = [_as_feature(table[name], name) for name in names]
    return type(table).from_arrays(columns, names=names)


def _as_feature(column: Any, name: str) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    types, kind = pa.types, column.type
    if types.is_dictionary(kind):
        return column.unify_dictionaries()
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        return column.dictionary_encode()
    if types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind):
        return column
    if types.is_null(kind) or types.is_decimal(kind):
        return column.cast(pa.float64())
    if types.is_date(kind):
        column, kind = column.cast(pa.timestamp("us")), pa.timestamp("us")
    if types.is_timestamp(kind):
        return pc.divide(column.cast(pa.timestamp("us", kind.tz), safe=False).cast(pa.int64()).cast(pa.float64()), DAY)
    if types.is_duration(kind):
        return pc.divide(column.cast(pa.duration("us"), safe=False).cast(pa.int64()).cast(pa.float64()), DAY)
    if types.is_time(kind):
        return pc.divide(column.cast(pa.time64("us"), safe=False).cast(pa.int64()).cast(pa.float64()), DAY / 24)
    raise CommandError(f"column {name!r} holds {kind}, which is no number and no category: --exclude {name}")


def names_of(data: Any) -> list[str]:
    """The columns of what was read; an .npz has its X and the arrays beside it."""
    return list(data) if isinstance(data, dict) else data.column_names


def split_target(data: Any, target: str, exclude: list[str], where: str) -> tuple[Any, Any]:
    """Features (Arrow table or 2-D array) and target (Arrow column or 1-D array).

    Raises
    ------
    CommandError
        A column that is not there, naming those that are; or no column left to learn from.
    """
    names = names_of(data)
    for name in [target, *exclude]:
        if name not in names:
            raise unknown("column", name, names, where)
    if target in exclude:
        raise CommandError(f"column {target!r} cannot be the target and be excluded")
    if isinstance(data, dict):
        if target == "X" or "X" in exclude:
            raise CommandError("X holds the features: it can neither be the target nor be excluded")
        return data["X"], data[target]
    features = [name for name in names if name != target and name not in exclude]
    if not features:
        raise CommandError(f"{where} has no column to learn from beside {', '.join([target, *exclude])}")
    return data.select(features), data[target]


def take_rows(rows: Any, keep: np.ndarray) -> Any:
    """The rows where `keep` is true, of an array, an Arrow table or an Arrow column."""
    if isinstance(rows, np.ndarray):
        return rows[keep]
    import pyarrow as pa

    return rows.filter(pa.array(keep))


def describe(features: Any) -> str:
    """How many columns of each kind: "8 numbers, 4 categories"."""
    if isinstance(features, np.ndarray):
        return f"{features.shape[1]:,} numbers ({features.dtype})"
    counts = Counter(_kind(field.type) for field in features.schema)
    singular = {"numbers": "number", "categories": "category", "booleans": "boolean"}
    return ", ".join(f"{n:,} {kind if n > 1 else singular[kind]}" for kind, n in counts.most_common())


def _kind(arrow_type: Any) -> str:
    from pyarrow import types

    if types.is_dictionary(arrow_type):
        return "categories"
    return "booleans" if types.is_boolean(arrow_type) else "numbers"
