"""From the values of pairs to classes: votes, and one score a class."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fastml.svm.pairs import Decomposition

Floats = NDArray[np.float64]


def votes(values: Floats, n_classes: int) -> NDArray[np.int64]:
    """How many pairs say each class, (n, n_classes); a value above 0 says the pair's first class."""
    count = np.zeros((len(values), n_classes), dtype=np.int64)
    for problem, (i, j) in enumerate(Decomposition(n_classes).sides):
        first = values[:, problem] > 0
        count[:, i] += first
        count[:, j] += ~first
    return count


def scores(values: Floats, n_classes: int) -> Floats:
    """Votes plus, within (-1/3, 1/3) so that no vote is outdone, the sum of the values: (n, n_classes).

    As scikit-learn's decision_function_shape="ovr" has it, where a value of 0 is no vote for the second class: it says
    the first.
    """
    count, total = np.zeros((len(values), n_classes)), np.zeros((len(values), n_classes))
    for problem, (i, j) in enumerate(Decomposition(n_classes).sides):
        value = values[:, problem]
        total[:, i] += value
        total[:, j] -= value
        count[:, i] += value >= 0
        count[:, j] += value < 0
    return count + total / (3.0 * (np.abs(total) + 1.0))
