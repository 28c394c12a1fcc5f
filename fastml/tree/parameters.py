"""The parameters of decision trees: scikit-learn's names and ranges, and what the engine makes of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml.base import Interval, RealNotInt, StrOptions, check_random_state
from fastml.tree.interactions import interaction_cst

_SHARE = Interval(RealNotInt, 0.0, 1.0, closed="right")

TREE_CONSTRAINTS: dict[str, Any] = {
    "splitter": [StrOptions({"best", "random"})],
    "max_depth": [Interval(Integral, 1, None, closed="left"), None],
    "min_samples_split": [Interval(Integral, 2, None, closed="left"), _SHARE],
    "min_samples_leaf": [Interval(Integral, 1, None, closed="left"), Interval(RealNotInt, 0.0, 1.0, closed="neither")],
    "min_weight_fraction_leaf": [Interval(Real, 0.0, 0.5, closed="both")],
    "max_features": [Interval(Integral, 1, None, closed="left"), _SHARE, StrOptions({"sqrt", "log2"}), None],
    "random_state": ["random_state"],
    "max_leaf_nodes": [Interval(Integral, 2, None, closed="left"), None],
    "min_impurity_decrease": [Interval(Real, 0.0, None, closed="left")],
    "ccp_alpha": [Interval(Real, 0.0, None, closed="left")],
    "monotonic_cst": ["array-like", None],
    "interaction_cst": "no_validation",
    "unseen": [StrOptions({"missing", "other", "error"})],
    "n_jobs": [Integral, None],
}

TREE_NOTES = {
    "max_leaf_nodes": "the best splits first, up to so many leaves",
    "min_impurity_decrease": "what a split must take off the impurity, weighted by its share of the rows",
    "ccp_alpha": "the cost of a leaf",
}

CART_CONSTRAINTS = TREE_CONSTRAINTS | {"max_bins": [Interval(Integral, 2, 65534, closed="both"), None]}

CART_NOTES = TREE_NOTES | {"max_bins": "bins of a column of numbers; None is every threshold"}


class TreeParameters:
    """scikit-learn's parameters of a tree.

    Parameters
    ----------
    splitter : {"best", "random"}
        Every threshold of a column, or one drawn between its smallest and largest value in the node.
    max_depth : int or None, default=None
    min_samples_split, min_samples_leaf : int or float, default=2, 1
        Least rows of a node that is split, and of a leaf; a float is a share of the rows, rounded up.
    min_weight_fraction_leaf : float in [0, 0.5], default=0.0
        Least share of the weight in a leaf.
    max_features : int, float, "sqrt", "log2" or None
        Columns drawn for each split; if all of them are constant in the node, more.
    random_state : int, RandomState or None
        What is drawn; without drawing, the tree does not depend on it, and of equal splits the first column's wins.
    max_leaf_nodes : int or None, default=None
        Leaves at most, the best split first.
    min_impurity_decrease : float, default=0.0
        A split must take at least  N_t / N * (impurity - N_tL / N_t * left - N_tR / N_t * right)  off.
    ccp_alpha : float, default=0.0
        Cost of a leaf in minimal cost-complexity pruning; see `cost_complexity_pruning_path`.
    monotonic_cst : array-like of -1, 0 and 1, or None, default=None
        Whether predictions fall, are free or rise with each column; of the second class for a binary classifier.
        One output, at most two classes.
    interaction_cst : sequence of sets of columns, "pairwise", "no_interactions" or None, default=None
        Which columns may meet on a branch: after splits on some it uses these, and every set that holds all of them.
        Columns by number or name; those in no set are in one more together. "pairwise": any two, "no_interactions":
        one. max_features are drawn from the columns that a node may be split on.
    categorical_features : "auto", mask, indices, names or None, default="auto"
        "auto": strings and categoricals of a frame. Splits send a set of their levels to the left; beyond 254 levels
        the rarest share one.
    unseen : {"missing", "other", "error"}, default="missing"
        What a category means at predict that the fit did not see.
    n_jobs : int or None, default=None
        Threads; all by default. The tree does not depend on it.
    """

    n_features_in_: int
    max_features_: int
    max_depth: int | None
    min_samples_split: Any
    min_samples_leaf: Any
    min_weight_fraction_leaf: float
    max_features: Any
    random_state: Any
    max_leaf_nodes: int | None
    min_impurity_decrease: float
    splitter: str
    monotonic_cst: Any
    interaction_cst: Any

    def _max_features(self) -> int:
        d, wanted = self.n_features_in_, self.max_features
        if wanted is None:
            return d
        if isinstance(wanted, str):
            return max(1, int(math.sqrt(d) if wanted == "sqrt" else math.log2(d)))
        return int(wanted) if isinstance(wanted, Integral) else max(1, int(wanted * d))

    def _grow_options(self, n_samples: int, total_weight: float) -> dict[str, Any]:
        """The fields of ExactOptions in src_cy/kernels/exact_growth.pxd."""
        leaf, split = self.min_samples_leaf, self.min_samples_split
        leaf = int(leaf) if isinstance(leaf, Integral) else math.ceil(leaf * n_samples)
        split = int(split) if isinstance(split, Integral) else max(2, math.ceil(split * n_samples))
        self.max_features_ = self._max_features()
        return {
            "max_depth": min(self.max_depth or 0, 2**31 - 1), "max_leaves": min(self.max_leaf_nodes or 0, n_samples),
            "min_samples_split": max(split, 2 * leaf), "min_samples_leaf": leaf,
            "min_weight_leaf": self.min_weight_fraction_leaf * total_weight,
            "min_impurity_decrease": float(self.min_impurity_decrease), "max_features": self.max_features_,
            "random_cuts": int(self.splitter == "random"),
            "seed": int(check_random_state(self.random_state).randint(2**31 - 1)),
        }  # fmt: skip

    def _interactions(self) -> dict[str, Any]:
        """The engine's option for interaction_cst, checked; none where nothing is constrained."""
        found = interaction_cst(self.interaction_cst, self.n_features_in_, getattr(self, "feature_names_in_", None))
        return {} if found is None else {"interactions": found}

    def _monotone(self, category_codes: Sequence[Any], n_outputs: int, n_classes: int) -> NDArray[np.int8] | None:
        """monotonic_cst, checked; None where no column is constrained."""
        if self.monotonic_cst is None:
            return None
        if n_outputs > 1:
            raise ValueError("Monotonicity constraints are not supported with multiple outputs.")
        if n_classes > 2:
            raise ValueError("Monotonicity constraints are not supported with multiclass classification")
        given = np.asarray(self.monotonic_cst)
        if given.shape != (self.n_features_in_,):
            raise ValueError(
                f"monotonic_cst has shape {given.shape[0] if given.ndim == 1 else given.shape} but the input data X "
                f"has {self.n_features_in_} features."
            )
        if not np.isin(given, (-1, 0, 1)).all():
            raise ValueError(f"monotonic_cst must be None or an array-like of -1, 0 or 1, but got {np.unique(given)}")
        for j in np.flatnonzero(given).tolist():
            if category_codes[j] is not None:
                raise ValueError(f"monotonic_cst[{j}]={given[j]}: a categorical column has no order, give it 0")
        return given.astype(np.int8) if given.any() else None
