"""Which two columns a picture draws, and the rows at which it asks the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml.plotting.held_columns import MOST_LEVELS, ArrayColumns, FrameColumns, Values, held_value

MARGIN = 0.05
"""Of the range of a column, beyond its least and its largest value."""


@dataclass(frozen=True, eq=False)
class Side:
    """One side of the grid: `at` are places on it; of a category its levels' numbers, and `rows` that have them."""

    label: str
    values: Values
    at: NDArray[np.float64]

    @property
    def is_level(self) -> bool:
        return self.values.levels is not None


def labels_of(estimator: Any, columns: ArrayColumns | FrameColumns) -> list[Any]:
    """Names of the columns: X's, or the fit's."""
    names = columns.names if columns.names is not None else getattr(estimator, "feature_names_in_", None)
    return [f"x{j}" for j in range(columns.n_features)] if names is None else list(names)


def _place(labels: list[Any], feature: Any, parameter: str) -> int:
    """The number of a column that is called by its name or number."""
    if feature in labels:
        return labels.index(feature)
    n = len(labels)
    if isinstance(feature, int | np.integer) and not isinstance(feature, bool) and -n <= feature < n:
        return int(feature) % n
    known = ", ".join(map(repr, labels[:20])) + (", ..." if n > 20 else "")
    raise ValueError(f"{parameter} has {feature!r}, which is no column: give a number below {n}, or one of {known}")


def pair_of(features: Any, estimator: Any, columns: Any, labels: list[Any]) -> tuple[int, int]:
    """Numbers of the columns across and up."""
    if features is None:
        if columns.n_features == 2:
            return 0, 1
        importances = getattr(estimator, "feature_importances_", None)
        if importances is None or columns.n_features < 2:
            raise ValueError(f"features=None, and X has {columns.n_features} columns: name the two to draw")
        first, second = np.argsort(-np.asarray(importances), kind="stable")[:2].tolist()
        return first, second
    if isinstance(features, str) or not hasattr(features, "__len__") or len(features) != 2:
        raise ValueError(f"features={features!r} must name two columns: one across and one up")
    first, second = (_place(labels, feature, "features") for feature in features)
    if first == second:
        raise ValueError(f"features={features!r} name the same column twice")
    return first, second


def side_of(values: Values, label: Any, resolution: int) -> Side:
    """The places along a column."""
    if values.holds == "times":
        raise ValueError(f"column {label!r} holds times: convert it to numbers, before the fit, to draw it")
    if values.levels is not None:
        if not 0 < len(values.levels) <= MOST_LEVELS:
            raise ValueError(f"column {label!r} has {len(values.levels)} categories: 1 to {MOST_LEVELS} can be drawn")
        return Side(str(label), values, np.arange(len(values.levels), dtype=np.float64))
    known = values.places[np.isfinite(values.places)]
    if not len(known):
        raise ValueError(f"column {label!r} has no value in X that is not missing: there is nothing to draw along it")
    low, high = float(known.min()), float(known.max())
    beyond = MARGIN * (high - low) or 0.5
    return Side(str(label), values, np.linspace(low - beyond, high + beyond, resolution))


def rows_of(
    columns: ArrayColumns | FrameColumns, values: list[Values], labels: list[Any], pair: tuple[int, int],
    sides: tuple[Side, Side], held: Any,
) -> Any:  # fmt: skip
    """The grid as rows of X: the second side's places change slowest."""
    shape = (len(sides[1].at), len(sides[0].at))
    given: dict[int, Any] = {}
    if isinstance(held, Mapping):
        given = {_place(labels, feature, "held"): value for feature, value in held.items()}
        if fixed := [labels[j] for j in pair if j in given]:
            raise ValueError(f"held has {fixed[0]!r}, which is drawn: leave it out")
    elif held is not None and not (isinstance(held, int | np.integer) and 0 <= held < columns.n_samples):
        raise ValueError(f"held={held!r} must be a row of X, 0 to {columns.n_samples - 1}, or {{column: value}}")
    grid, from_rows = [], []
    for j in range(columns.n_features):
        if j in pair:
            side = sides[pair.index(j)]
            at = side.values.first_row if side.is_level else side.at
            grid.append(np.broadcast_to(at if j == pair[0] else at[:, None], shape).ravel())
            from_rows.append(side.is_level)
        else:
            value, is_row = (held, True) if isinstance(held, int | np.integer) else held_value(
                values[j], given.get(j), repr(labels[j])
            )  # fmt: skip
            grid.append(np.broadcast_to(np.asarray(value), (shape[0] * shape[1],)))
            from_rows.append(is_row)
    return columns.build(grid, from_rows)
