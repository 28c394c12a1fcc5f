"""Trees with a branch for each level of a category: ID3, C4.5 and their pruning."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np

from fastml.base import Interval
from fastml.data.frames import Table, Unseen
from fastml.data.names import column_label
from fastml.tree.after_pruning import pessimistic
from fastml.tree.multiway_parameters import (
    CLASS_CONSTRAINTS,
    COUNT,
    SHARE,
    SHARED_CONSTRAINTS,
    MultiwayClassifierBase,
)
from fastml.tree.multiway_results import ClassResults
from fastml.tree.multiway_structure import MultiwayTree

__all__ = ["C45Classifier", "ID3Classifier"]


class ID3Classifier(ClassResults, MultiwayClassifierBase):
    """Quinlan's ID3: the column that tells most about the class, one branch for each of its levels.

    gain(column) = H(y) - sum_l n_l / n H(y | level l),  H(p) = -sum_k p_k log2 p_k.  A column is used once on a path;
    a node stays a leaf when it is pure or no column is left that varies in it. Of equal gains the first column's wins.

    Parameters
    ----------
    max_depth : int or None, default=None
    min_samples_split : int, default=2
        Least weight of a node that is split.
    min_gain : float, default=0.0
        Least gain of a split in bits. With 0, a node is split even where no column alone tells anything, as in ID3.
    categorical_features : "auto", "all", mask, indices or names, default="auto"
        Columns of numbers to take as categories, beside strings, booleans and categoricals of a frame. Other numbers
        are an error: bin them first, say with sklearn.preprocessing.KBinsDiscretizer. "all" takes every column.
    unseen : {"missing", "other", "error"}, default="missing"
        A level that the fit did not see is missing, a level of no branch, which stays at the node that asks for it, or
        an error.
    class_weight : dict, "balanced" or None, default=None

    Attributes
    ----------
    classes_, n_classes_, n_features_in_, feature_names_in_, feature_importances_
    tree_ : :class:`fastml.tree.multiway_structure.MultiwayTree`

    Notes
    -----
    Missing values are a level of their own. A level that a node's training rows lack stays at that node, and is
    predicted as most of its rows are. O(n_samples * n_features) a level of the tree.
    Source: Quinlan 1986, Induction of decision trees, Machine Learning 1.
    """

    _parameter_constraints = SHARED_CONSTRAINTS | CLASS_CONSTRAINTS | {
        "min_samples_split": COUNT,
        "min_gain": [Interval(Real, 0.0, None, closed="left")],
    }  # fmt: skip

    def __init__(
        self, *, max_depth: int | None = None, min_samples_split: int = 2, min_gain: float = 0.0,
        categorical_features: Any = "auto", unseen: Unseen = "missing", class_weight: Any = None,
    ) -> None:  # fmt: skip
        self.max_depth = max_depth
        self.min_samples_split = min_samples_split
        self.min_gain = min_gain
        self.categorical_features = categorical_features
        self.unseen = unseen
        self.class_weight = class_weight

    def _open(self, X: Any, given: Any = None) -> Table:
        table = super()._open(X, given)
        rest = np.flatnonzero(~table.is_categorical)
        if not len(rest):
            return table
        numbers = [j for j in rest.tolist() if not _is_boolean(table, j)]
        if numbers:
            raise ValueError(
                f"{column_label(table.names, numbers[0])} holds numbers, and ID3Classifier splits categories: bin it "
                "first, say with sklearn.preprocessing.KBinsDiscretizer, name it in categorical_features if its "
                "numbers are categories, or use C45Classifier, which finds thresholds"
            )
        return super()._open(X, np.ones(table.n_features, bool))

    def _method(self) -> tuple[str, dict[str, Any], str, int]:
        return "id3", {"min_split": float(self.min_samples_split), "min_gain": float(self.min_gain)}, "number", 0


def _is_boolean(table: Table, j: int) -> bool:
    """Only 0, 1 and missing: a frame's booleans come as these, and two levels need no bins."""
    values = table.column(j)
    return bool(((values == 0) | (values == 1) | np.isnan(values)).all())


class C45Classifier(ClassResults, MultiwayClassifierBase):
    """Quinlan's C4.5: gain ratio, a branch for each level, thresholds on numbers, shares of rows, pruning.

    With F the share of rows whose value is known:
    gain = F (H(y) - sum_b n_b / n H(y | b)),  less  log2(thresholds) / n  for a threshold,
    split info = -sum_b n_b / n log2 n_b / n,  missing values as one more b,
    ratio = gain / split info,  largest among the columns with at least the average gain.

    Parameters
    ----------
    min_samples_leaf : int, default=2
        Least weight that two of the branches have. The sides of a threshold have a tenth of the rows a class, up to
        25, if that is more, as in Quinlan's program.
    mdl_correction : bool, default=True
        Thresholds pay  log2(thresholds) / n  bits for being chosen, as since release 8.
    confidence : float in (0, 1) or None, default=0.25
        The grown tree is pruned by `prune_pessimistic(confidence)`: splits go that do not lower the errors when each
        leaf's are taken at their upper bound. Less prunes more; None leaves the tree as it grew.
    max_depth : int or None, default=None
    categorical_features : "auto", "all", mask, indices or names, default="auto"
        Columns of numbers to take as categories, beside strings and categoricals of a frame.
    unseen : {"missing", "other", "error"}, default="missing"
        A level that the fit did not see is missing, a level of no branch, which stays at the node that asks for it, or
        an error.
    class_weight : dict, "balanced" or None, default=None

    Attributes
    ----------
    classes_, n_classes_, n_features_in_, feature_names_in_, feature_importances_
    tree_ : :class:`fastml.tree.multiway_structure.MultiwayTree`

    Notes
    -----
    A row whose value is missing goes down every branch, with the branch's share of the known rows as its weight, in
    training and in prediction. Thresholds are values of the training data. As in Quinlan's program and in Weka's
    J48 a thousandth of a bit less than the average gain will do, and columns with three tenths as many levels as rows
    are left out of the average. Pruning replaces subtrees by leaves and, unlike these, never by one of their branches.
    O(n_samples * n_features) a level of the tree, and a sort where a number column has many values.
    Source: Quinlan 1993, C4.5: programs for machine learning; Quinlan 1996, Improved use of continuous attributes in
    C4.5, Journal of Artificial Intelligence Research 4 (release 8).
    """

    _parameter_constraints = SHARED_CONSTRAINTS | CLASS_CONSTRAINTS | {
        "min_samples_leaf": COUNT,
        "mdl_correction": ["boolean"],
        "confidence": [*SHARE, None],
    }  # fmt: skip

    def __init__(
        self, *, min_samples_leaf: int = 2, mdl_correction: bool = True, confidence: float | None = 0.25,
        max_depth: int | None = None, categorical_features: Any = "auto", unseen: Unseen = "missing",
        class_weight: Any = None,
    ) -> None:  # fmt: skip
        self.min_samples_leaf = min_samples_leaf
        self.mdl_correction = mdl_correction
        self.confidence = confidence
        self.max_depth = max_depth
        self.categorical_features = categorical_features
        self.unseen = unseen
        self.class_weight = class_weight

    def _method(self) -> tuple[str, dict[str, Any], str, int]:
        least = float(self.min_samples_leaf)
        return "c4.5", {"min_split": 2 * least, "min_leaf": least, "mdl": int(self.mdl_correction)}, "number", 0

    def _finish(self, tree: MultiwayTree) -> MultiwayTree:
        return tree if self.confidence is None else pessimistic(tree, self.confidence)
