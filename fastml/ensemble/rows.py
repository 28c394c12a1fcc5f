"""Rows with targets: to train on, or to score each round."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml.data.encoding import check_target_regression
from fastml.data.frames import Table
from fastml.ensemble.tree_methods import Columns

LARGEST_TARGET = 1e38  # the residual of two such is a float32


@dataclass
class Rows:
    """A table, its targets, and the raw scores that boosting starts from there and has reached."""

    table: Table
    y: NDArray[Any]
    weight: NDArray[np.float64] | None
    margin: NDArray[np.float64] | None = None  # (n_outputs, n) raw scores to start from
    raw: NDArray[np.float64] | None = None  # (n_outputs, n) so far
    data: Any = None  # as the trees of a fit read them

    def start(self, columns: Columns, start: NDArray[np.float64], n_threads: int) -> None:
        """Data, and the raw scores before the first tree: (n_outputs,) `start`, or the rows' own margin."""
        self.data = columns.read(self.table, n_threads)
        self.raw = np.empty((len(start), self.table.n_samples))
        self.raw[:] = start[:, None] if self.margin is None else self.margin

    def with_weight(self) -> Rows:
        """The rows whose weight is not 0."""
        if self.weight is None or self.weight.all():
            return self
        return self.take(np.flatnonzero(self.weight))

    def take(self, rows: NDArray[Any]) -> Rows:
        return Rows(
            self.table.take(rows), self.y[rows], None if self.weight is None else self.weight[rows],
            None if self.margin is None else np.ascontiguousarray(self.margin[:, rows]),
        )  # fmt: skip


def encode_numbers(y: Any, estimator: Any) -> NDArray[np.float64]:
    """A regressor's target; ValueError too where its residuals would not be float32."""
    target = check_target_regression(y, estimator)
    beyond = np.abs(target) > LARGEST_TARGET
    if beyond.any():
        raise ValueError(
            f"y holds {target[beyond][0]:g}, and residuals are kept as float32, which end at 3.4e+38: "
            f"scale y so that no value is beyond {LARGEST_TARGET:g}"
        )
    return target
