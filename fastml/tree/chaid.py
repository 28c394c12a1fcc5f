"""CHAID: trees that merge categories as long as a test does not tell them apart."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any

from fastml.base import Interval
from fastml.data.frames import Unseen
from fastml.tree.multiway_parameters import (
    CLASS_CONSTRAINTS,
    COUNT,
    SHARED_CONSTRAINTS,
    MultiwayBase,
    MultiwayClassifierBase,
    MultiwayRegressorBase,
)
from fastml.tree.multiway_results import ClassResults, NumberResults

__all__ = ["CHAIDClassifier", "CHAIDRegressor"]

_LEVEL = [Interval(Real, 0.0, 1.0, closed="right")]
_CHAID_CONSTRAINTS: dict[str, Any] = SHARED_CONSTRAINTS | {
    "alpha_merge": _LEVEL,
    "alpha_split": _LEVEL,
    "alpha_resplit": [Interval(Real, 0.0, 1.0, closed="neither"), None],
    "bonferroni": ["boolean"],
    "max_bins": [Interval(Integral, 2, 65535, closed="both")],
    "min_samples_split": COUNT,
    "min_samples_leaf": COUNT,
}


class _CHAID(MultiwayBase):
    """What both share."""

    _parameter_constraints = _CHAID_CONSTRAINTS
    alpha_merge: float
    alpha_split: float
    alpha_resplit: float | None
    bonferroni: bool
    max_bins: int
    min_samples_split: int
    min_samples_leaf: int

    def _method(self) -> tuple[str, dict[str, Any], str, int]:
        if self.alpha_resplit is not None and self.alpha_resplit >= self.alpha_merge:
            raise ValueError(
                f"alpha_resplit={self.alpha_resplit!r} must be less than alpha_merge={self.alpha_merge!r}: what was "
                "merged would be split again for ever; lower it, or set it to None"
            )
        options = {
            "min_split": float(self.min_samples_split),
            "min_leaf": float(self.min_samples_leaf),
            "bonferroni": int(self.bonferroni),
            "log_alpha_merge": math.log(self.alpha_merge),
            "log_alpha_split": math.log(self.alpha_split),
            "log_alpha_resplit": -math.inf if self.alpha_resplit is None else math.log(self.alpha_resplit),
        }
        return "chaid", options, "ordinal", int(self.max_bins)


class CHAIDClassifier(ClassResults, MultiwayClassifierBase, _CHAID):
    """Kass's CHAID: categories that a chi-square test does not tell apart merge; the most significant column splits.

    In a node, for each column: of its categories the pair with the largest p-value is merged, while that is above
    `alpha_merge` and more than two are left; then groups lighter than `min_samples_leaf` join the one most like them.
    The p-value of the groups,  chi2 = sum (observed - expected)^2 / expected,  is multiplied by the ways in which c
    categories become r groups:  S(c, r), Stirling's number, for categories;  C(c - 1, r - 1)  for ordered ones, of
    which only neighbours merge;  C(c - 2, r - 2) + r C(c - 2, r - 1)  for ordered ones with missing values, which may
    join any group. The column with the smallest product splits the node, one branch a group, if that is at most
    `alpha_split`.

    Parameters
    ----------
    alpha_merge, alpha_split : float in (0, 1], default=0.05
    alpha_resplit : float or None, default=None
        Below `alpha_merge`: a merged group of three categories or more is split again in two where the best such
        split has at most this p-value. None leaves it out.
    bonferroni : bool, default=True
        Multiply as said.
    max_bins : int, default=10
        Numbers are cut into at most so many bins of about equal weight, which are ordered categories. So are the
        categories of an ordered type (pandas' ordered categoricals, polars' Enum).
    max_depth : int or None, default=None
    min_samples_split, min_samples_leaf : int, default=20, 7
        Least weight of a node that is split, and of a branch.
    categorical_features : "auto", "all", mask, indices or names, default="auto"
        Columns of numbers to take as categories without order, beside strings and categoricals of a frame.
    unseen : {"missing", "other", "error"}, default="missing"
        A level that the fit did not see is missing, a level of no branch, which stays at the node that asks for it, or
        an error.
    class_weight : dict, "balanced" or None, default=None
        Weights count as rows, in the tests too.

    Attributes
    ----------
    classes_, n_classes_, n_features_in_, feature_names_in_, feature_importances_
    tree_ : :class:`fastml.tree.multiway_structure.MultiwayTree`; its `score` is the logarithm of the adjusted p-value

    Notes
    -----
    The alphas and limits are those of R's package CHAID, the bins SPSS's. Missing values of a category are one more
    category. All pairs of a column have as many degrees of freedom as the node has classes, less one. p-values are
    compared as logarithms, so that those below 1e-308 do not tie; ties go to the first column. Weights are frequencies
    in the tests. Of more than two classes a group without order is split again in the order of the share of some class.
    O(n_samples * n_features) a level of the tree and O(c^2) for c categories in a node.
    Source: Kass 1980, An exploratory technique for investigating large quantities of categorical data, Applied
    Statistics 29.
    """

    _parameter_constraints = _CHAID_CONSTRAINTS | CLASS_CONSTRAINTS

    def __init__(
        self, *, alpha_merge: float = 0.05, alpha_split: float = 0.05, alpha_resplit: float | None = None,
        bonferroni: bool = True, max_bins: int = 10, max_depth: int | None = None, min_samples_split: int = 20,
        min_samples_leaf: int = 7,
        categorical_features: Any = "auto", unseen: Unseen = "missing", class_weight: Any = None,
    ) -> None:  # fmt: skip
        self.alpha_merge = alpha_merge
        self.alpha_split = alpha_split
        self.alpha_resplit = alpha_resplit
        self.bonferroni = bonferroni
        self.max_bins = max_bins
        self.max_depth = max_depth
        self.min_samples_split = min_samples_split
        self.min_samples_leaf = min_samples_leaf
        self.categorical_features = categorical_features
        self.unseen = unseen
        self.class_weight = class_weight


class CHAIDRegressor(NumberResults, MultiwayRegressorBase, _CHAID):
    """CHAID for numbers: categories that an F test does not tell apart are merged; the most significant column splits.

    F = sum_g n_g (mean_g - mean)^2 / (r - 1) / (sum_g sum_i (y_i - mean_g)^2 / (n - r))  of r groups with n rows, or
    of a pair of them. See :class:`CHAIDClassifier` for the rest, the parameters and their defaults.

    Attributes
    ----------
    n_features_in_, feature_names_in_, feature_importances_
    tree_ : :class:`fastml.tree.multiway_structure.MultiwayTree`; its `score` is the logarithm of the adjusted p-value
    """

    def __init__(
        self, *, alpha_merge: float = 0.05, alpha_split: float = 0.05, alpha_resplit: float | None = None,
        bonferroni: bool = True, max_bins: int = 10, max_depth: int | None = None, min_samples_split: int = 20,
        min_samples_leaf: int = 7,
        categorical_features: Any = "auto", unseen: Unseen = "missing",
    ) -> None:  # fmt: skip
        self.alpha_merge = alpha_merge
        self.alpha_split = alpha_split
        self.alpha_resplit = alpha_resplit
        self.bonferroni = bonferroni
        self.max_bins = max_bins
        self.max_depth = max_depth
        self.min_samples_split = min_samples_split
        self.min_samples_leaf = min_samples_leaf
        self.categorical_features = categorical_features
        self.unseen = unseen
