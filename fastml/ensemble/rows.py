"""Rows with targets: to train on, or to score each round."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml.data.frames import Table


@dataclass
class Rows:
    """A table, its targets, and the raw scores that boosting starts from there and has reached."""

    table: Table
    y: NDArray[Any]
    weight: NDArray[np.float64] | None
    margin: NDArray[np.float64] | None = None  # (n_outputs, n) raw scores to start from
    raw: NDArray[np.float64] | None = None  # (n_outputs, n) so far
    codes: Any = None

    def take(self, rows: NDArray[Any]) -> Rows:
        return Rows(
            self.table.take(rows), self.y[rows], None if self.weight is None else self.weight[rows],
            None if self.margin is None else np.ascontiguousarray(self.margin[:, rows]),
        )  # fmt: skip
