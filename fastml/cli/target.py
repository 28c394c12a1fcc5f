"""The target: its values, and which task they ask for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fastml.cli.errors import CommandError

MOST_CLASSES = 30  # whole numbers with more distinct values than this are taken for measurements


@dataclass(frozen=True)
class Target:
    """Values of the target and what to make of them."""

    name: str
    values: np.ndarray  # (n,) as the estimator takes them
    task: str  # "regression", "binary" or "multiclass"
    classes: np.ndarray | None  # the distinct values, None for regression
    reason: str

    @property
    def is_classification(self) -> bool:
        return self.task != "regression"

    def __str__(self) -> str:
        """One line for the report: what was found, and so which task."""
        if self.classes is None:
            low, high = self.values.min(), self.values.max()
            return f"{self.name}, {self.reason} from {low:.6g} to {high:.6g}: regression"
        counts = [np.mean(self.values == c) for c in self.classes[:4]]
        shares = ", ".join(f"{c} {share:.1%}" for c, share in zip(self.classes[:4], counts, strict=True))
        more = f", and {len(self.classes) - 4} more" if len(self.classes) > 4 else ""
        return f"{self.name}, {self.reason} ({shares}{more}): {self.task} classification"


def missing_values(column: Any) -> np.ndarray:
    """Where the column has no value: null or NaN. (n,) bool."""
    if not isinstance(column, np.ndarray):
        column = column.is_null(nan_is_null=True)
        return column.to_numpy()
    return np.isnan(column) if column.dtype.kind == "f" else np.zeros(len(column), bool)


def recognise(column: Any, name: str, task: str | None) -> Target:
    """Read the target's values and recognise the task, unless `task` says it.

    Text and booleans are classes, and so are whole numbers with few distinct values; other numbers are measurements.

    Parameters
    ----------
    column : Arrow column or ndarray of shape (n,), without missing values
    name : str
    task : {"regression", "classification"} or None
    """
    values = target_values(column)
    is_number = values.dtype.kind in "iuf"
    if task == "regression" and not is_number:
        raise CommandError(f"target {name!r} holds {_noun(values)}, which --task regression cannot learn")
    if task == "regression" or (task is None and is_number and not _are_classes(values)):
        reason = "whole numbers" if values.dtype.kind in "iu" else "numbers"
        return Target(name, values, "regression", None, reason)
    classes = np.unique(values)
    if len(classes) == 1:
        raise CommandError(f"target {name!r} is {classes[0]} in all {len(values):,} rows: nothing to tell apart")
    reason = f"{_noun(values)} with {len(classes):,} distinct values"
    return Target(name, values, "binary" if len(classes) == 2 else "multiclass", classes, reason)


def target_values(column: Any) -> np.ndarray:
    """The column as NumPy has it: booleans, numbers, or an object array of strings."""
    if isinstance(column, np.ndarray):
        return column
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    return column.to_numpy()


def _are_classes(values: np.ndarray) -> bool:
    """Whether numbers look like labels: two whole numbers, or few distinct integers with rows to each of them."""
    distinct = np.unique(values)
    if not np.all(distinct == np.floor(distinct)):
        return False
    if len(distinct) == 2:
        return True
    return values.dtype.kind in "iu" and 1 < len(distinct) <= min(MOST_CLASSES, len(values) // 10)


def _noun(values: np.ndarray) -> str:
    return {"b": "booleans", "i": "whole numbers", "u": "whole numbers", "f": "numbers"}.get(values.dtype.kind, "text")
