"""What a tree's `criterion` means to the engine: a name, or a function of the user's that is checked and compiled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Criterion:
    """name : a key of the engine's CRITERIA.  own : fastml.jit.OwnCriterion, of "own"."""

    name: str
    own: Any = None


def criterion_of_classes(criterion: str | Callable, label: NDArray[np.int32], n_classes: int) -> Criterion:
    """label : (n_outputs, n). Outputs of fewer than n_classes classes have shares of 0 for the others."""
    if isinstance(criterion, str):
        return Criterion(criterion)
    from fastml.jit.criteria import compile_criterion, samples_of_classes

    share = np.stack([np.bincount(own, minlength=n_classes) / len(own) for own in label])
    return Criterion("own", compile_criterion(criterion, "classes", samples_of_classes(share)))


def criterion_of_numbers(criterion: str | Callable, y: NDArray[np.float64]) -> Criterion:
    """y : (n_outputs, n)"""
    if isinstance(criterion, str):  # the one agrees with the other on every split
        return Criterion("squared_error" if criterion == "friedman_mse" else criterion)
    from fastml.jit.criteria import compile_criterion, samples_of_numbers

    samples = np.concatenate([samples_of_numbers(own) for own in y])
    return Criterion("own", compile_criterion(criterion, "numbers", samples))
