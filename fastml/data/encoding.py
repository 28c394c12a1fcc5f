"""Targets: class labels of any kind to codes and back, numbers to float64; errors as scikit-learn words them."""

from __future__ import annotations

import warnings
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml.data.columns import frame_column
from fastml.data.levels import Coded, encode_values, is_missing
from fastml.data.names import estimator_name


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
    codes, classes = _series_labels(y) or _array_labels(target_array(y, estimator))
    if len(codes) and codes.min() < 0:
        raise ValueError("Input y contains NaN.")
    if len(classes) < min_classes:
        what = f"one class only ({classes.tolist()[0]!r})" if len(classes) else "no class"
        raise ValueError(
            f"y holds {what}, and {estimator_name(estimator) or 'a classifier'} needs at least {min_classes} classes "
            "to tell apart."
        )
    if len(codes) > 20 and len(classes) > max(2, round(0.5 * len(codes))):
        warnings.warn(
            "The number of unique classes is greater than 50% of the number of samples. `y` could represent a "
            "regression problem, not a classification problem.",
            UserWarning,
            stacklevel=2,
        )
    return codes.astype(np.int32, copy=False), classes


def encode_known(y: Any, classes: NDArray[Any], estimator: Any = None) -> NDArray[np.int32]:
    """Class numbers of labels that a fit knows, in the order of its `classes`; ValueError for one that is not there."""
    codes, found = encode_labels(y, estimator)
    place = np.minimum(np.searchsorted(classes, found), len(classes) - 1)
    unknown = found[classes[place] != found]
    if len(unknown):
        raise ValueError(
            f"y has labels that the training rows lack: {unknown[:5].tolist()}; the classes of the fit are "
            f"{classes[:10].tolist()}"
        )
    return place.astype(np.int32)[codes]


def _series_labels(y: Any) -> Coded | None:
    """Labels of a text or categorical series, by the dictionary that it keeps or makes; None of any other y."""
    if not (hasattr(y, "to_frame") or hasattr(y, "dictionary_encode")):
        return None
    if hasattr(y, "cat") and hasattr(y.cat, "categories"):  # pandas, with categories of any type
        places = y.cat.codes.to_numpy()
        found = np.unique(places[places >= 0])
        codes, classes = _array_labels(np.asarray(y.cat.categories)[found])
        table = np.full(len(y.cat.categories) + 1, -1, dtype=np.int32)
        table[found] = codes
        return table[places], classes
    import narwhals as nw

    series = nw.from_native(y, series_only=True, pass_through=True)
    if isinstance(series, nw.Series) and isinstance(series.dtype, (nw.String, nw.Categorical, nw.Enum)):
        try:
            return frame_column(series, "y").coded()
        except TypeError as error:  # strings and others in one
            raise ValueError(f"Unknown label type: unknown. {error}") from error
    return None


def _array_labels(values: NDArray[Any]) -> Coded:
    return _LABELS.get(values.dtype.kind, _other_labels)(values)


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
    kinds = set(map(type, items))
    if all(issubclass(kind, str) for kind in kinds):
        return encode_values(items)
    if any(is_missing(item) for item in items if not isinstance(item, str)):
        raise ValueError("Input y contains NaN.")
    if bytes in kinds:
        return _bytes_labels(values)
    if all(issubclass(kind, (Real, np.bool_)) for kind in kinds):
        return _array_labels(np.array(items))
    names = sorted(kind.__name__ for kind in kinds)
    raise ValueError(
        f"Unknown label type: unknown. y holds objects of types {', '.join(names)}; labels must be all strings, "
        "all numbers or all booleans."
    )


def _bytes_labels(values: NDArray[Any]) -> Coded:
    raise TypeError(
        "Support for labels represented as bytes is not supported. Convert the labels to a string or integer format."
    )


def _other_labels(values: NDArray[Any]) -> Coded:
    if values.dtype.kind not in "Mm":
        raise ValueError(f"Unknown label type: unknown. y has dtype {values.dtype}; use strings, numbers or booleans.")
    if np.isnat(values).any():
        raise ValueError("Input y contains NaN.")
    classes, codes = np.unique(values, return_inverse=True)
    return codes, classes


_LABELS = {
    "b": _bool_labels, "i": _whole_labels, "u": _whole_labels, "f": _float_labels, "U": _text_labels,
    "T": _text_labels, "O": _object_labels, "S": _bytes_labels,
}  # fmt: skip


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
