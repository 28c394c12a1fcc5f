"""Weights of samples and of classes, as one array or none."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray


def check_sample_weight(sample_weight: Any, n_samples: int) -> NDArray[np.float64] | None:
    """Sample weights as (n_samples,) float64, contiguous; None stays None, so that engines can skip the product.

    Parameters
    ----------
    sample_weight : None, a number, or array-like (n_samples,)
        Weight 2 counts a sample twice, weight 0 leaves it out.
    n_samples : int

    Raises
    ------
    ValueError
        Another length or shape, a negative weight, NaN or infinity, or no weight above zero.
    """
    if sample_weight is None:
        return None
    if isinstance(sample_weight, Real):
        weights = np.full(n_samples, float(sample_weight))
    else:
        try:
            weights = np.asarray(sample_weight)
            if weights.dtype.kind == "c":
                raise ValueError("Complex data not supported")
            weights = np.asarray(weights, np.float64, order="C")
        except (TypeError, ValueError) as error:
            raise ValueError(f"sample_weight must hold one number a sample: {error}") from error
    if weights.ndim == 0:
        raise TypeError(
            f"Input should have at least 1 dimension i.e. satisfy `len(x.shape) > 0`, got scalar `{weights!r}` instead."
        )
    if weights.ndim != 1:
        raise ValueError(
            f"Sample weights must be 1D array or scalar, got {weights.ndim}D array. Expected either a scalar value or "
            f"a 1D array of length {n_samples}."
        )
    if len(weights) != n_samples:
        raise ValueError(
            f"sample_weight.shape == {weights.shape}, expected {(n_samples,)}! It needs one weight for each row of X."
        )
    if not n_samples:
        return weights
    if not np.isfinite(weights).all():
        what = "NaN" if np.isnan(weights).any() else "infinity"
        first = int(np.flatnonzero(~np.isfinite(weights))[0])
        raise ValueError(f"Input sample_weight contains {what}, first at row {first}: give finite numbers >= 0.")
    if weights.min() < 0:
        first = int(np.flatnonzero(weights < 0)[0])
        raise ValueError(
            f"Negative values in data passed to `sample_weight`: {weights[first]} at row {first}. Weights must be "
            ">= 0; 0 leaves a sample out."
        )
    if not weights.any():
        raise ValueError(
            "Sample weights must contain at least one non-zero number: sample_weight is 0 for every row; leave it out, "
            "or give the rows that count a weight above 0."
        )
    return weights


def class_weights(
    class_weight: Any,
    codes: NDArray[np.integer[Any]],
    classes: NDArray[Any],
    sample_weight: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """The weight of each class, (n_classes,) float64.

    "balanced" gives class k  W / (n_classes * W_k)  where W_k sums the sample weights of the class and W all of them,
    so that a weight of 2 acts like the row given twice.

    Parameters
    ----------
    class_weight : None, "balanced", or mapping from class label to weight
        Classes that the mapping leaves out weigh 1.
    codes : (n_samples,) int
        Class numbers, as `encode_labels` gives them.
    classes : (n_classes,)
        The labels in code order.
    sample_weight : (n_samples,) float64 or None

    Raises
    ------
    ValueError
        Another word than "balanced", a weight that is negative or not finite, or a label that is no class of y while
        some class of y has no weight, which is how a misspelt label shows.
    """
    weights = np.ones(len(classes))
    if class_weight is None:
        return weights
    if isinstance(class_weight, str) and class_weight == "balanced":
        count = np.bincount(codes, weights=sample_weight, minlength=len(classes))
        # A class whose samples all weigh nothing gets weight 0 instead of infinity.
        return np.divide(count.sum(), len(classes) * count, out=np.zeros(len(classes)), where=count > 0)
    if not isinstance(class_weight, Mapping):
        raise ValueError(f"class_weight={class_weight!r} must be None, 'balanced', or a dict from class to weight")
    labels = classes.tolist()
    unknown = [label for label in class_weight if label not in set(labels)]
    absent = [label for label in labels if label not in class_weight]
    if unknown and absent:  # with all of y covered, unknown ones belong to a class that this fold happens to lack
        raise ValueError(
            f"class_weight names {unknown}, but y has the classes {labels}; {absent} are not in class_weight"
        )
    for code, label in enumerate(labels):
        weight = class_weight.get(label, 1.0)
        if not isinstance(weight, Real) or not 0 <= float(weight) < np.inf:
            raise ValueError(f"class_weight[{label!r}]={weight!r} must be a finite number >= 0")
        weights[code] = float(weight)
    return weights


def combined_weight(
    class_weight: Any,
    codes: NDArray[np.integer[Any]],
    classes: NDArray[Any],
    sample_weight: NDArray[np.float64] | None = None,
) -> NDArray[np.float64] | None:
    """Sample weight times weight of the sample's class, (n_samples,); None if nobody weighs anything."""
    if class_weight is None:
        return sample_weight
    by_class = class_weights(class_weight, codes, classes, sample_weight)[codes]
    return by_class if sample_weight is None else by_class * sample_weight
