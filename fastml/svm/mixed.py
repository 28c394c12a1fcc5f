"""Machines over frames of numbers and categories: numbers scaled, levels as columns of 0 and 1; the command line's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml.data.frames import Table
from fastml.data.validation import check_finite, fit_table, predict_table
from fastml.svm.classification import SVC
from fastml.svm.regression import SVR

__all__ = ["MixedSVC", "MixedSVR"]


@dataclass
class Scaling:
    """What makes a table a matrix: (x - mean) / scale of a number, 0 where it is missing; a column a level."""

    mean: NDArray[np.float64]  # (n_features,)
    scale: NDArray[np.float64]  # (n_features,)
    n_levels: NDArray[np.int64]  # (n_features,)  0 of a number

    @classmethod
    def of(cls, table: Table) -> Scaling:
        """Means and standard deviations of what is not missing; a constant column has scale 1."""
        d = table.n_features
        n_levels = np.array([0 if levels is None else len(levels) for levels in table.levels], dtype=np.int64)
        made = cls(np.zeros(d), np.ones(d), n_levels)
        for j in np.flatnonzero(~table.is_categorical).tolist():
            column = table.column(j).astype(np.float64)
            known = column[~np.isnan(column)]
            if len(known):
                made.mean[j] = known.mean()
                spread = known.std()
                made.scale[j] = spread if spread > 0 and np.isfinite(spread) else 1.0
        return made

    def matrix(self, table: Table) -> NDArray[np.float64]:
        """(n_samples, numbers and levels)"""
        columns: list[NDArray[np.float64]] = []
        for j in range(table.n_features):
            column = table.column(j).astype(np.float64)
            if table.is_categorical[j]:
                columns.extend((column == level).astype(np.float64) for level in range(int(self.n_levels[j])))
            else:
                columns.append(np.nan_to_num((column - self.mean[j]) / self.scale[j], nan=0.0))
        return np.ascontiguousarray(np.column_stack(columns)) if columns else np.zeros((table.n_samples, 1))


class _Mixed:
    """fit and predict over frames, in front of a machine."""

    _scaling: Scaling
    kernel: Any

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """As the machine's `fit`, of columns of any kind."""
        if self.kernel == "precomputed" or callable(self.kernel):
            raise ValueError("a kernel of one's own reads rows as they are: use SVC or SVR")
        table = fit_table(self, X, categorical="auto")
        check_finite(table)
        self._scaling = Scaling.of(table)
        super().fit(self._scaling.matrix(table), y, sample_weight)  # type: ignore[misc]
        self.n_features_in_ = table.n_features
        if table.names is not None:
            self.feature_names_in_ = table.names
        return self

    def _open(self, X: Any) -> Any:
        table = predict_table(self, X)
        check_finite(table)
        return self._scaling.matrix(table)


class MixedSVC(_Mixed, SVC):
    """`SVC` over frames of numbers, strings, booleans and dates.

    Numbers are scaled to mean 0 and standard deviation 1, a missing one is their mean; each level of a category is a
    column of 0 and 1, all 0 where it is missing or was never seen.
    """


class MixedSVR(_Mixed, SVR):
    """`SVR` over frames, as `MixedSVC`."""
