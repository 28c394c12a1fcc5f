"""The parameters of forests: scikit-learn's names and ranges, and some that it lacks."""

from __future__ import annotations

import warnings
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml.base import Interval, RealNotInt, StrOptions
from fastml.tree.parameters import CART_CONSTRAINTS, CART_NOTES, TreeParameters

FOREST_CONSTRAINTS: dict[str, Any] = {
    **{name: ranges for name, ranges in CART_CONSTRAINTS.items() if name != "splitter"},
    "n_estimators": [Interval(Integral, 1, None, closed="left")],
    "bootstrap": ["boolean"],
    "oob_score": ["boolean", callable],
    "verbose": ["verbose"],
    "warm_start": ["boolean"],
    "max_samples": [
        None, Interval(RealNotInt, 0.0, None, closed="neither"), Interval(Integral, 1, None, closed="left")
    ],
    "patience": [None, Interval(Integral, 1, None, closed="left")],
    "tol": [Interval(Real, 0.0, None, closed="left")],
    "importance": [StrOptions({"impurity", "unbiased", "permutation"})],
}

FOREST_NOTES = CART_NOTES | {
    "patience": "trees without a better out-of-bag score after which no more are grown",
    "max_samples": "rows drawn for each tree",
}


UNIT_PARTS = 1024  # weights that count rows are multiples of 1 / UNIT_PARTS


class ForestParameters(TreeParameters):
    """The parameters that all forests share.

    Parameters
    ----------
    n_estimators : int, default=100
        Trees.
    max_features : "sqrt", "log2", int, float or None
        Columns drawn for each split; by default the square root of their number for classes, all for numbers.
    bootstrap : bool
        Draw rows for each tree, with replacement; else it sees all. Rows are drawn by their weights.
    oob_score : bool or callable, default=False
        Predict each row by the trees that did not see it: `oob_score_`, accuracy or R2 or what the callable says of
        (y, predictions), and `oob_curve_`.
    max_samples : int, float or None, default=None
        Rows drawn: as many as there are (where weights count rows, as they count: 1, 2, 2 are five, and so are 10, 20,
        20), so many, or this share of them (of the sum of weights).
    patience : int or None, default=None
        End when the out-of-bag score has not risen by `tol` for so many trees.
    tol : float, default=1e-4
    importance : {"impurity", "unbiased", "permutation"}, default="impurity"
        What `feature_importances_` is: the decrease of the impurity on the rows of the tree, which favours columns of
        many values; the same as out-of-bag rows confirm it (Li et al. 2019); or by how much the out-of-bag score falls
        when a column is shuffled (Breiman 2001).
    max_bins : int or None, default=None
        Bins of about equally many rows that a column of numbers is cut into, once for all trees; splits lie between
        them. None: every threshold. Neither weights nor the rows that a tree draws count.
    keep_targets : bool, default=False
        Keep the training targets of each leaf, which quantiles need; 4 bytes a row and tree.
    verbose : int, default=0
    warm_start : bool, default=False
        Add trees to those that are there, up to n_estimators.
    **others
        As :class:`fastml.tree.parameters.TreeParameters` lists them.
    """

    n_estimators: int
    bootstrap: bool
    oob_score: Any
    max_samples: Any
    max_bins: int | None
    patience: int | None
    tol: float
    importance: str
    keep_targets: bool
    verbose: int
    warm_start: bool

    def _check_bagging(self) -> None:
        """ValueError where a parameter needs rows that are left out, and none are."""
        if self.bootstrap:
            return
        if self.max_samples is not None:
            raise ValueError(
                "`max_sample` cannot be set if `bootstrap=False`. Either switch to `bootstrap=True` or set "
                "`max_sample=None`."
            )
        if self.oob_score:
            raise ValueError("Out of bag estimation only available if bootstrap=True")
        for name, value in (("patience", self.patience), ("importance", self.importance)):
            if value not in (None, "impurity"):
                raise ValueError(f"{name}={value!r} needs out-of-bag rows: set bootstrap=True")

    def _n_draws(self, n_samples: int, weight: NDArray[np.float64] | None) -> int:
        """Rows drawn for a tree; 0: none are drawn, all are seen. weight: `in_units`."""
        if not self.bootstrap:
            return 0
        total, what = float(n_samples), "number of samples"
        if weight is not None:
            total, what = float(weight.sum()), "total sum of sample weights"
        if self.max_samples is None:
            counts = weight is not None and total < 2**31 and bool((weight == np.rint(weight)).all())
            return int(total) if counts else n_samples
        if isinstance(self.max_samples, Integral):
            return int(self.max_samples)
        drawn = max(int(self.max_samples * total), 1)
        if drawn < max(10, n_samples ** (1 / 3)):
            warnings.warn(
                f"Using the fractional value max_samples={self.max_samples} when the {what} is {total:g} results in a "
                f"low number ({drawn}) of bootstrap samples. We recommend passing `max_samples` as an integer instead.",
                stacklevel=5,
            )
        return drawn


def in_units(weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights that are whole multiples of a common unit as those multiples, so that they count rows; else unchanged."""
    fine = weight * UNIT_PARTS
    if not (fine == np.rint(fine)).all() or fine.max() >= 2**53:
        return weight
    whole = fine.astype(np.int64)
    return (whole // np.gcd.reduce(whole)).astype(np.float64)
