"""Parameters that multiway trees share, and the fit in terms of checked columns and targets."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml.base import BaseEstimator, Interval, StrOptions
from fastml.data.encoding import check_target_regression, encode_labels
from fastml.data.frames import Table, Unseen
from fastml.data.names import column_label
from fastml.data.validation import check_parameters, check_same_length, fit_table
from fastml.data.weights import check_sample_weight, combined_weight
from fastml.tree.multiway_columns import check_finite_columns, code_columns
from fastml.tree.multiway_structure import MultiwayTree

CATEGORICAL = ["array-like", StrOptions({"auto", "all"})]
COUNT = [Interval(Integral, 1, None, closed="left")]
SHARED_CONSTRAINTS: dict[str, Any] = {
    "max_depth": [Interval(Integral, 1, None, closed="left"), None],
    "categorical_features": CATEGORICAL,
    "unseen": [StrOptions({"missing", "other", "error"})],
}
CLASS_CONSTRAINTS: dict[str, Any] = {"class_weight": [dict, StrOptions({"balanced"}), None]}
SHARE = [Interval(Real, 0.0, 1.0, closed="neither")]
MOST_BYTES = 2**32
NOTES = {
    "unseen": "what becomes of a level that the fit did not see; 'other' predicts what the node says that asks for it",
    "categorical_features": "a mask, numbers or names of columns beside those of strings and categories",
    "confidence": "a smaller one prunes more, None not at all",
}


class MultiwayBase(BaseEstimator):
    """What all multiway trees share."""

    _parameter_notes = NOTES
    max_depth: int | None
    categorical_features: Any
    unseen: Unseen
    tree_: MultiwayTree

    def _method(self) -> tuple[str, dict[str, Any], str, int]:
        """(engine's method, its options, how numbers are coded, bins)."""
        raise NotImplementedError

    def _finish(self, tree: MultiwayTree) -> MultiwayTree:
        return tree

    def _open(self, X: Any, given: Any = None) -> Table:
        """X as columns of levels and finite numbers; given: instead of `categorical_features`."""
        given = self.categorical_features if given is None else given
        if isinstance(given, str) and given == "all":
            given = np.ones(Table.from_any(X, "auto", estimator=self).n_features, bool)
        table = fit_table(self, X, categorical=given, unseen=self.unseen)
        check_finite_columns(table)
        return table

    def _grow(
        self, table: Table, weight: NDArray[np.float64] | None, *, label: NDArray[np.int32] | None = None,
        n_classes: int = 0, y: NDArray[np.float64] | None = None,
    ) -> Any:  # fmt: skip
        if weight is not None and not weight.all():  # rows without a weight are no part of the data
            used = np.flatnonzero(weight)
            table, weight = table.take(used), np.ascontiguousarray(weight[used])
            label, y = (None if t is None else np.ascontiguousarray(t[used]) for t in (label, y))  # type: ignore[assignment]
        if weight is not None and (total := float(weight.sum())) < len(weight):
            weight = weight * (len(weight) / total)
        method, options, numbers, max_bins = self._method()
        coding, grower = code_columns(table, weight, numbers, max_bins)
        _check_room(coding.n_levels, table, n_classes)
        options["max_depth"] = min(self.max_depth or 0, 2**31 - 1)
        grown = grower.grow(method, options, label=label, n_classes=n_classes, y=y, weight=weight)
        self.tree_ = self._finish(MultiwayTree(**grown, coding=coding))
        return self


def _check_room(n_levels: NDArray[np.int32], table: Table, n_classes: int) -> None:
    """MemoryError where a contingency table would not fit."""
    j, width = int(n_levels.argmax()), max(n_classes, 3)
    room = 16 * int(n_levels[j]) * width  # two tables of float64
    if room > MOST_BYTES:
        raise MemoryError(
            f"{column_label(table.names, j)} has {n_levels[j]} levels, whose table by {width} classes takes {room} "
            f"bytes, more than {MOST_BYTES}: leave the column out, or make one level of its rarer ones"
        )


class MultiwayClassifierBase(MultiwayBase):
    """The fit of a classifier."""

    classes_: NDArray[Any]
    n_classes_: int
    class_weight: Any

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Grow the tree.

        Parameters
        ----------
        X : array-like, frame or sparse matrix of shape (n_samples, n_features)
            Strings and categoricals of a frame are categories; NaN and None are missing.
        y : array-like of shape (n_samples,)
            Classes of any kind; one class is enough.
        sample_weight : array-like of shape (n_samples,), optional
            A weight of 2 counts as the row given twice, everywhere, and 0 leaves it out. Weights that sum to less than
            the number of rows that have one, as AdaBoost's do, are shares: they are scaled up to that number.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            What is wrong with a parameter or the data, before any work.
        """
        check_parameters(self)
        table = self._open(X)
        label, classes = encode_labels(y, self)
        check_same_length(X=table.n_samples, y=len(label))
        weight = combined_weight(self.class_weight, label, classes, check_sample_weight(sample_weight, table.n_samples))
        if weight is not None and not weight.any():
            raise ValueError(
                f"class_weight={self.class_weight!r} leaves no row a weight: give some class of y a weight above 0"
            )
        self.classes_, self.n_classes_ = classes, len(classes)
        return self._grow(table, weight, label=label, n_classes=len(classes))


class MultiwayRegressorBase(MultiwayBase):
    """The fit of a regressor."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Grow the tree; as for the classifier, with finite numbers for y."""
        check_parameters(self)
        table = self._open(X)
        target = check_target_regression(y, self)
        check_same_length(X=table.n_samples, y=len(target))
        return self._grow(table, check_sample_weight(sample_weight, table.n_samples), y=target)
