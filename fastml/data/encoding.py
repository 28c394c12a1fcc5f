"""Values of any kind to small whole numbers and back: the levels of a column, the labels of a target."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml.data.names import estimator_name

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


# --- targets ---------------------------------------------------------------------------------------------------


def target_array(y: Any, estimator: Any = None) -> NDArray[Any]:
    """y as a 1-D array of whatever it holds; a column of shape (n, 1) is ravelled with a warning.

    Raises
    ------
    ValueError
        y is None, of more than one column, or complex; worded as scikit-learn does.
    """
    if y is None:
        raise ValueError(
            f"This {estimator_name(estimator) or 'supervised'} estimator requires y to be passed, "
            "but the target y is None."
        )
    if isinstance(y, (str, bytes)) or np.isscalar(y):
        raise ValueError(f"Expected array-like (array or non-string sequence), got {y!r}")
    if hasattr(y, "tocsr"):
        raise TypeError("Sparse data was passed for y, but dense data is required. Use '.toarray()' to convert it.")
    if str(getattr(y, "type", "")).startswith("dictionary"):  # pyarrow's own conversion gives its nulls a label
        y = np.array(y.to_pylist(), dtype=object)
    try:
        values = np.asarray(y)
    except ValueError as error:
        raise ValueError(f"y should be a 1d array, got a ragged sequence instead: {error}") from error
    if values.ndim == 2 and values.shape[1] == 1:
        from sklearn.exceptions import DataConversionWarning  # scikit-learn takes a second to import

        warnings.warn(
            "A column-vector y was passed when a 1d array was expected. Please change the shape of y to (n_samples, ), "
            "for example using ravel().",
            DataConversionWarning,
            stacklevel=3,
        )
        values = values[:, 0]
    if values.ndim != 1:
        raise ValueError(f"y should be a 1d array, got an array of shape {values.shape} instead.")
    if values.dtype.kind == "c":
        raise ValueError(f"Complex data not supported\n{values}\n")
    return values


def encode_labels(y: Any, estimator: Any = None, min_classes: int = 1) -> tuple[NDArray[np.int32], NDArray[Any]]:
    """Class labels of any kind -> codes (n,) int32 and `classes_`, ascending, such that classes_[codes] == y.

    Parameters
    ----------
    y : array-like (n,)
        Strings, booleans, whole numbers with or without gaps, whole floats, categoricals; a list, an array, a series.
    estimator : estimator, class or str, optional
        Named in errors.
    min_classes : int
        2 where one class cannot be learnt from.

    Raises
    ------
    ValueError
        y is missing, has missing values, is continuous ("Unknown label type: continuous"), or has too few classes.
    TypeError
        Labels are bytes.

    Notes
    -----
    O(n) for booleans, strings and whole numbers in a narrow range, O(n log n) otherwise.
    """
    values = target_array(y, estimator)
    kind = values.dtype.kind
    if kind == "S" or (kind == "O" and bytes in present_types(values.tolist())):
        raise TypeError(
            "Support for labels represented as bytes is not supported. "
            "Convert the labels to a string or integer format."
        )
    codes, classes = _LABELS.get(kind, _other_labels)(values)
    if (codes < 0).any():
        raise ValueError("Input y contains NaN.")
    if len(classes) < min_classes:
        what = f"one class only ({classes.tolist()[0]!r})" if len(classes) else "no class"
        raise ValueError(
            f"y holds {what}, and {estimator_name(estimator) or 'a classifier'} needs at least {min_classes} classes "
            "to tell apart."
        )
    if len(values) > 20 and len(classes) > max(2, round(0.5 * len(values))):
        warnings.warn(
            "The number of unique classes is greater than 50% of the number of samples. `y` could represent a "
            "regression problem, not a classification problem.",
            UserWarning,
            stacklevel=2,
        )
    return codes.astype(np.int32, copy=False), classes


def _whole_labels(values: NDArray[Any]) -> Coded:
    if not len(values):
        return np.zeros(0, dtype=np.int32), values
    low, high = int(values.min()), int(values.max())
    if high - low > 4 * len(values) + 1024:  # counting would touch more memory than sorting
        classes, codes = np.unique(values, return_inverse=True)
        return codes, classes
    offsets = (values - values.dtype.type(low)).astype(np.int64) if high >= 2**63 else values.astype(np.int64) - low
    found = np.flatnonzero(np.bincount(offsets))
    table = np.zeros(high - low + 1, dtype=np.int32)
    table[found] = np.arange(len(found), dtype=np.int32)
    classes = np.array([low + int(k) for k in found], dtype=values.dtype.newbyteorder("="))
    return table[offsets], classes


def _float_labels(values: NDArray[Any]) -> Coded:
    check_finite_target(values)
    if (values != np.rint(values)).any():
        raise ValueError(
            "Unknown label type: continuous. Maybe you are trying to fit a classifier, which expects discrete classes "
            "on a regression target with continuous values."
        )
    classes, codes = np.unique(values.astype(values.dtype.newbyteorder("="), copy=False), return_inverse=True)
    return codes, classes


def _text_labels(values: NDArray[Any]) -> Coded:
    codes, classes = encode_values(values.tolist())
    return codes, classes.astype(values.dtype.newbyteorder("="))


def _bool_labels(values: NDArray[Any]) -> Coded:
    classes = np.array([level for level in (False, True) if (values == level).any()])
    return (values.astype(np.int32) if len(classes) == 2 else np.zeros(len(values), dtype=np.int32)), classes


def _object_labels(values: NDArray[Any]) -> Coded:
    items = values.tolist()
    if any(is_missing(item) for item in items if not isinstance(item, str)):
        raise ValueError("Input y contains NaN.")
    kinds = present_types(items)
    if all(issubclass(kind, str) for kind in kinds):
        return encode_values(items)
    if all(issubclass(kind, (Real, np.bool_)) for kind in kinds):
        return _LABELS.get((numbers := np.array(items)).dtype.kind, _other_labels)(numbers)
    names = sorted(kind.__name__ for kind in kinds)
    raise ValueError(
        f"Unknown label type: unknown. y holds objects of types {', '.join(names)}; labels must be all strings, "
        "all numbers or all booleans."
    )


def _other_labels(values: NDArray[Any]) -> Coded:
    if values.dtype.kind not in "Mm":
        raise ValueError(f"Unknown label type: unknown. y has dtype {values.dtype}; use strings, numbers or booleans.")
    if np.isnat(values).any():
        raise ValueError("Input y contains NaN.")
    classes, codes = np.unique(values, return_inverse=True)
    return codes, classes


_LABELS = {"b": _bool_labels, "i": _whole_labels, "u": _whole_labels, "f": _float_labels, "U": _text_labels,
           "T": _text_labels, "O": _object_labels}  # fmt: skip


def check_finite_target(values: NDArray[np.floating[Any]]) -> None:
    """Raise ValueError, worded as scikit-learn does, if a target has NaN or an infinity."""
    if np.isfinite(values).all():
        return
    if np.isnan(values).any():
        raise ValueError("Input y contains NaN.")
    raise ValueError(f"Input y contains infinity or a value too large for {np.dtype(np.float64)!r}.")


def check_target_regression(y: Any, estimator: Any = None) -> NDArray[np.float64]:
    """A target of numbers as (n,) float64, contiguous and finite; no copy when it is that already.

    Raises
    ------
    ValueError
        y is missing, has several columns, NaN, infinities, or text that is not a number.
    """
    values = target_array(y, estimator)
    if values.dtype.kind in "OUS":
        values = np.array([np.nan if is_missing(item) else item for item in values.tolist()], dtype=object)
        try:
            values = values.astype(np.float64)
        except (ValueError, TypeError) as error:
            raise type(error)(
                f"{error}: y must hold numbers for {estimator_name(estimator) or 'a regressor'}; "
                "for class labels use a classifier."
            ) from error
    elif values.dtype.kind not in "fiub":
        raise ValueError(f"y has dtype {values.dtype}, but {estimator_name(estimator) or 'a regressor'} needs numbers.")
    numbers = np.ascontiguousarray(values, dtype=np.float64)
    check_finite_target(numbers)
    return numbers
