"""Targets of trees: one output or several."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml.data.encoding import check_target_regression, encode_labels
from fastml.data.weights import combined_weight

FAR_FROM_ZERO = 8.0
"""Times its spread, beyond which a target is moved to zero before it is squared."""


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


def check_counts(y: NDArray[np.float64], word: str = "positive") -> None:
    """Poisson deviance is for targets >= 0 that are not all zero."""
    if (y < 0).any():
        raise ValueError(
            "Some value(s) of y are negative which is not allowed for Poisson regression: criterion='poisson' is for "
            f"counts and rates, the smallest y is {y.min():g}."
        )
    if y.sum() <= 0:
        raise ValueError(
            f"Sum of y is not {word} which is necessary for Poisson regression: criterion='poisson' needs an event."
        )


def weights_of_rows(
    class_weight: Any, label: NDArray[np.int32], classes: list[NDArray[Any]], weight: NDArray[np.float64] | None
) -> NDArray[np.float64] | None:
    """Weights of the rows times those of their classes in every output."""
    if isinstance(class_weight, list):
        if len(class_weight) != len(classes):
            raise ValueError("For multi-output, number of elements in class_weight should match number of outputs.")
    elif isinstance(class_weight, dict) and len(classes) > 1:
        raise ValueError(
            f"For multi-output, class_weight should be a list of dicts, or the string 'balanced': got {class_weight!r}"
        )
    if class_weight is None:
        return weight
    for k, (codes, own) in enumerate(zip(label, classes, strict=True)):
        by_class = class_weight[k] if isinstance(class_weight, list) else class_weight
        factor = combined_weight(by_class, codes, own)
        if factor is not None:
            weight = factor if weight is None else weight * factor
    if weight is not None and not weight.any():
        raise ValueError(
            f"class_weight={class_weight!r} leaves no row a weight: give some class of y a weight above 0"
        )
    return weight


def centre_of(y: NDArray[np.float64], criterion: str) -> NDArray[np.float64]:
    """What to take off each output, so that squares of large numbers do not cancel: (n_outputs, 1)."""
    mean, spread = y.mean(axis=1, keepdims=True), y.std(axis=1, keepdims=True)
    far = np.abs(mean) > FAR_FROM_ZERO * spread
    return np.where(far & (criterion == "squared_error"), np.round(mean), 0.0)
