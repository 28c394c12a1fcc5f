"""The levels of a categorical column: values of any kind to small whole numbers, in an order of their own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

Coded = tuple[NDArray[np.signedinteger[Any]], NDArray[Any]]
"""Codes (n,), -1 for missing, and levels (n_levels,) in code order: ascending, each occurs."""

_MISSING_NAMES = {"NoneType", "NAType", "NaTType"}


def is_missing(value: Any) -> bool:
    """Whether a Python value stands for "not there": None, NaN, pandas.NA or NaT."""
    if value is None:
        return True
    try:
        return bool(value != value)  # NaN and NaT are not themselves
    except (TypeError, ValueError):  # pandas.NA does not say; arrays say it twice
        return type(value).__name__ in _MISSING_NAMES


def present_types(values: Iterable[Any]) -> set[type]:
    """The types among `values`, without those that stand for missing."""
    return {kind for kind in set(map(type, values)) if kind.__name__ not in _MISSING_NAMES}


def code_dtype(n_levels: int) -> type[np.signedinteger[Any]]:
    """The smallest type for codes -1..n_levels (one beyond the last level, for unseen="other")."""
    return np.int8 if n_levels < 128 else np.int16 if n_levels < 32768 else np.int32


def encode_numbers(values: NDArray[Any]) -> Coded:
    """Codes and levels of a numeric column; NaN is missing.  O(n log n)."""
    known = ~np.isnan(values) if values.dtype.kind == "f" else np.ones(1, dtype=bool)
    if known.all():
        levels, codes = np.unique(values, return_inverse=True)
        return codes.astype(code_dtype(len(levels))), levels
    levels, found = np.unique(values[known], return_inverse=True)
    codes = np.full(len(values), -1, dtype=code_dtype(len(levels)))
    codes[known] = found
    return codes, levels


def encode_values(values: Sequence[Any]) -> Coded:
    """Codes and levels of a sequence of hashable Python values.  O(n)."""
    number = {value: code for code, value in enumerate(dict.fromkeys(values))}
    codes = np.fromiter(map(number.__getitem__, values), dtype=np.int32, count=len(values))
    return order_levels(codes, list(number))


def order_levels(codes: NDArray[Any], labels: Sequence[Any]) -> Coded:
    """Codes into `labels` (any order, with missing, unused or repeated ones) -> codes into ascending levels.

    The order of the values decides, not the order in which a category type lists them or in which rows came:
    so the same data give the same codes whatever carried them.  O(n + n_labels log n_labels).
    """
    occurs = np.zeros(len(labels) + 1, dtype=bool)
    occurs[codes] = True  # -1 lands in the last place
    used = [i for i in range(len(labels)) if occurs[i] and not is_missing(labels[i])]
    keys = _comparable([labels[i] for i in used])
    ordered = sorted(set(keys))
    rank = {key: code for code, key in enumerate(ordered)}
    table = np.full(len(labels) + 1, -1, dtype=code_dtype(len(ordered)))
    for i, key in zip(used, keys, strict=True):
        table[i] = rank[key]
    return table[codes], _level_array(ordered)


def _comparable(labels: list[Any]) -> list[Any]:
    """The labels as str or as numbers; what is neither (intervals, dates) by its str."""
    text = [isinstance(label, str) for label in labels]
    if all(text):
        return [str(label) for label in labels]
    if all(isinstance(label, (Real, np.bool_)) for label in labels):
        return [label.item() if isinstance(label, np.generic) else label for label in labels]
    if any(text):
        other = next(label for label, is_text in zip(labels, text, strict=True) if not is_text)
        some = next(label for label, is_text in zip(labels, text, strict=True) if is_text)
        raise TypeError(
            f"argument must be uniformly strings or a number type, but holds {some!r} ({type(some).__name__}) and "
            f"{other!r} ({type(other).__name__}); make it one of the two, for example with .astype(str)"
        )
    return [str(label) for label in labels]


def places(levels: NDArray[Any], order: Sequence[Any]) -> NDArray[np.int32]:
    """(n_levels,) the place of each level among them in the order in which a category type lists its categories."""
    rank = {str(category): i for i, category in enumerate(order)}
    listed = np.array([rank[str(level)] for level in levels.tolist()], dtype=np.int64)
    return np.argsort(np.argsort(listed)).astype(np.int32)


def _level_array(ordered: list[Any]) -> NDArray[Any]:
    if ordered and not isinstance(ordered[0], str):
        return np.array(ordered)
    levels = np.empty(len(ordered), dtype=object)
    levels[:] = ordered
    return levels


def recode(codes: NDArray[Any], levels: NDArray[Any], rank: Mapping[Any, int], unseen: int) -> NDArray[Any]:
    """Codes into `levels` -> the codes that `rank` gives these levels; one that it lacks gets the code `unseen`."""
    table = np.empty(len(levels) + 1, dtype=code_dtype(len(rank)))
    table[:-1] = [rank.get(level, unseen) for level in levels.tolist()]
    table[-1] = -1
    return table[codes]
