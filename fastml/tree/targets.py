"""Targets of trees: one output or several."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml.data.encoding import check_target_regression, encode_labels


def columns_of(y: Any) -> list[Any]:
    """The outputs of y: itself, or the columns of a two-dimensional one."""
    if y is None or hasattr(y, "tocsr"):
        return [y]
    try:
        values = np.asarray(y)
    except ValueError:  # ragged; what encodes it says so
        return [y]
    if values.ndim < 2:
        return [y]
    if values.ndim > 2 or values.shape[1] == 0:
        raise ValueError(f"y must have one or two dimensions and at least one column, got shape {values.shape}.")
    return list(values.T)


def encode_classes(y: Any, estimator: Any) -> tuple[NDArray[np.int32], list[NDArray[Any]]]:
    """Class numbers (n_outputs, n) and the classes of each output; errors as `encode_labels` has them."""
    encoded = [encode_labels(column, estimator) for column in columns_of(y)]
    return np.stack([codes for codes, _ in encoded]), [classes for _, classes in encoded]


def encode_numbers(y: Any, estimator: Any) -> NDArray[np.float64]:
    """(n_outputs, n); errors as `check_target_regression` has them."""
    return np.stack([check_target_regression(column, estimator) for column in columns_of(y)])


def check_counts(y: NDArray[np.float64]) -> None:
    """Poisson deviance is for targets >= 0 that are not all zero."""
    if (y < 0).any():
        raise ValueError(
            "Some value(s) of y are negative which is not allowed for Poisson regression: criterion='poisson' is for "
            f"counts and rates, the smallest y is {y.min():g}."
        )
    if y.sum() <= 0:
        raise ValueError(
            "Sum of y is not positive which is necessary for Poisson regression: criterion='poisson' needs an event."
        )
