"""The parameters of first-order boosting: scikit-learn's names and defaults, and what the engine makes of them."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml.base import Hidden, Interval, InvalidParameterError, RealNotInt, StrOptions, check_random_state
from fastml.data.frames import Table
from fastml.ensemble.fitted import FittedForest
from fastml.ensemble.tree_methods import Columns, check_exact, open_columns, resolve
from fastml.tree.interactions import interaction_cst

_SHARE = Interval(RealNotInt, 0, 1, closed="right")

GRADIENT_CONSTRAINTS: dict[str, Any] = {
    "learning_rate": [Interval(Real, 0.0, None, closed="left")],
    "n_estimators": [Interval(Integral, 1, None, closed="left")],
    "subsample": [Interval(Real, 0.0, 1.0, closed="right")],
    "criterion": [StrOptions({"squared_error"}), Hidden(StrOptions({"deprecated", "friedman_mse"}))],
    "min_samples_split": [Interval(Integral, 2, None, closed="left"), _SHARE],
    "min_samples_leaf": [Interval(Integral, 1, None, closed="left"), Interval(RealNotInt, 0, 1, closed="neither")],
    "min_weight_fraction_leaf": [Interval(Real, 0.0, 0.5, closed="both")],
    "max_depth": [Interval(Integral, 1, None, closed="left"), None],
    "min_impurity_decrease": [Interval(Real, 0.0, None, closed="left")],
    "random_state": ["random_state"],
    "max_features": [Interval(Integral, 1, None, closed="left"), _SHARE, StrOptions({"sqrt", "log2"}), None],
    "verbose": ["verbose"],
    "max_leaf_nodes": [Interval(Integral, 2, None, closed="left"), None],
    "warm_start": ["boolean"],
    "validation_fraction": [Interval(Real, 0.0, 1.0, closed="neither")],
    "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), None],
    "tol": [Interval(Real, 0.0, None, closed="left")],
    "ccp_alpha": [Interval(Real, 0.0, None, closed="left")],
    "tree_method": [StrOptions({"auto", "hist", "exact", "approx"})],
    "max_bin": [Interval(Integral, 2, 255, closed="both")],
    "unseen": [StrOptions({"missing", "other", "error"})],
    "refit": ["boolean"],
    "max_time": [Interval(Real, 0, None, closed="neither"), None],
    "interaction_cst": "no_validation",
}

GRADIENT_NOTES = {
    "learning_rate": "each tree's values are multiplied by it",
    "subsample": "the share of the rows that each tree sees",
    "max_bin": "numbers are sorted into at most 255 bins",
    "alpha": "the quantile to predict, or for huber the share of residuals that count as no outliers",
}


def check_init(estimator: Any, method: str) -> None:
    """`init` is None, "zero" or an estimator that has `method`."""
    init = estimator.init
    fits = not isinstance(init, type) and all(callable(getattr(init, name, None)) for name in ("fit", method))
    if init is None or (isinstance(init, str) and init == "zero") or fits:
        return
    raise InvalidParameterError(
        f"The 'init' parameter of {type(estimator).__name__} must be a str among {{'zero'}}, None or an object "
        f"implementing 'fit' and {method!r}. Got {init!r} instead."
    )


class GradientParameters:
    """scikit-learn's parameters, and what the tree core makes of them.

    Parameters
    ----------
    learning_rate : float, default=0.1
        Factor on each tree.
    n_estimators : int, default=100
        Rounds; each grows a tree, or a tree a class where there are more than two.
    subsample : float in (0, 1], default=1.0
        Share of the rows that a round sees; below 1 the others give `oob_improvement_`.
    criterion : deprecated
        Without effect, as in scikit-learn 1.9: trees reduce the squared error of the negative gradient.
    min_samples_split, min_samples_leaf : int or float, default=2, 1
        Least rows of a node that is split, and of a leaf; a float is a share of the rows. Rows of weight 0 do not
        count, and weights do not matter otherwise.
    min_weight_fraction_leaf : float in [0, 0.5], default=0.0
        Least share of the weight in a leaf.
    max_depth : int or None, default=3
    max_leaf_nodes : int or None, default=None
        Leaves at most, the best split first.
    min_impurity_decrease : float, default=0.0
        Least reduction of the mean squared error by a split.
    init : estimator, "zero" or None, default=None
        What the trees start from: predictions of an estimator, zero, or by default the best constant.
    random_state : int, RandomState or None
    max_features : int, float, "sqrt", "log2" or None, default=None
        Columns to draw for each split.
    verbose : int, default=0
        1: a line for rounds 1 to 10, then for each tenth; 2: for every round.
    warm_start : bool, default=False
        Go on from the last fit, with its bins: the trees are those of one fit with more rounds.
    validation_fraction : float, default=0.1
        Share of the rows that `n_iter_no_change` watches, unless fit is given X_val.
    n_iter_no_change : int or None, default=None
        Stop when the loss has not become smaller by `tol` than in one of so many rounds before.
    tol : float, default=1e-4
    ccp_alpha : float, default=0.0
        Cost of a leaf in the pruning of each tree, in units of the mean squared error.
    tree_method : {"hist", "exact", "auto"}, default="hist"
        "hist": splits between bins. "exact": every threshold, halfway between neighbours; scikit-learn's trees wherever
        no tie decides. "auto": "hist", which was faster at every size and scored as well.
    max_bin : int, default=255
        Bins of a number column; values are kept apart up to so many distinct ones.
    categorical_features : "auto", mask, indices, names or None, default="auto"
        "auto": strings and categoricals of a frame.
    unseen : {"missing", "other", "error"}, default="missing"
        What a category means at predict that the fit did not see.
    interaction_cst : sequence of sets of columns, "pairwise", "no_interactions" or None, default=None
        Which columns may meet on a branch: after splits on some it uses these, and every set that holds all of them.
        Columns by number or name; those in no set are in one more together. "pairwise": any two, "no_interactions":
        one. max_features are drawn from the columns that a node may be split on.
    refit : bool, default=False
        After early stopping on rows of X, fit again on all of them for as many rounds.
    max_time : float, optional
        Seconds after which no further round begins.
    callbacks : list, optional
        Objects with XGBoost's callback methods.
    n_jobs : int, optional
        Threads; all by default. The result does not depend on it.
    """

    n_features_in_: int
    max_features: Any
    max_leaf_nodes: int | None
    max_depth: int | None
    min_samples_leaf: Any
    min_samples_split: Any
    min_weight_fraction_leaf: float
    min_impurity_decrease: float
    tree_method: str
    max_bin: int
    random_state: Any
    interaction_cst: Any

    def _max_features(self) -> int:
        """Columns drawn for each split."""
        n, wanted = self.n_features_in_, self.max_features
        if wanted is None:
            return n
        if isinstance(wanted, str):
            return max(1, int(np.sqrt(n) if wanted == "sqrt" else np.log2(n)))
        return int(wanted) if isinstance(wanted, Integral) else max(1, int(wanted * n))

    def _check_method(self) -> None:
        """ValueError where parameters do not go together with `tree_method`."""
        if self.tree_method == "approx":
            raise ValueError(
                "tree_method='approx' weighs its bins by second derivatives, which first-order trees do not have: use "
                "'hist', whose bins hold the same number of rows, or 'exact'"
            )
        check_exact(self.tree_method, self.max_bin)

    def _columns(self, table: Table, weight: NDArray[np.float64] | None, threads: int, before: Any) -> Columns:
        """The columns as `tree_method` has trees see them; before: what an earlier fit left."""
        method = resolve(self.tree_method)
        kept = method if before is None else "hist" if isinstance(before, FittedForest) else "exact"
        if method != kept:
            raise ValueError(
                f"tree_method={self.tree_method!r} cannot go on from a fit by {kept!r}: set tree_method={kept!r}, or "
                "warm_start=False"
            )
        return open_columns(method, table, weight, threads, self.max_bin, before=before)

    def _grow_options(self, n_samples: int, weighted: bool, seed: int) -> dict[str, Any]:
        """The engine's record; see GrowOptions in src_cy/types.pxd. `_least` gives what hangs on a round's rows."""
        leaf, split = self._least_rows(n_samples)
        names = getattr(self, "feature_names_in_", None)
        constraints = interaction_cst(self.interaction_cst, self.n_features_in_, names)
        return {
            "first_order": 1, "max_leaves": self.max_leaf_nodes or 0, "max_depth": self.max_depth or 0,
            "lossguide": self.max_leaf_nodes is not None, "learning_rate": 1.0, "max_delta_step": 0.0,
            "reg_lambda": 0.0, "reg_alpha": 0.0, "min_split_gain": 0.0, "min_child_weight": 0.0,
            # Sums of weights count rows only where there are no weights.
            "min_node_weight": 0.0 if weighted else float(split),
            "min_samples_leaf": leaf if weighted else 0, "min_samples_split": split if weighted else 0,
            "max_cat_to_onehot": 1,  # the best subset of levels is an interval in the order of their means
            "colsample_bytree": 1.0, "colsample_bylevel": 1.0,
            "colsample_bynode": min(1.0, self._max_features() / self.n_features_in_), "seed": seed,
            **({} if constraints is None else {"interactions": constraints}),
        }  # fmt: skip

    def _least_rows(self, n_samples: int) -> tuple[int, int]:
        """(min_samples_leaf, min_samples_split) as numbers of rows."""
        leaf, split = self.min_samples_leaf, self.min_samples_split
        leaf = int(leaf) if isinstance(leaf, Integral) else math.ceil(leaf * n_samples)
        split = int(split) if isinstance(split, Integral) else max(2, math.ceil(split * n_samples))
        return leaf, split

    def _least(self, n_samples: int, weighted: bool, weight_in_bag: float) -> tuple[float, float]:
        """(least weight of a leaf, least gain of a split) for a tree on rows of this weight together."""
        least = self.min_weight_fraction_leaf * weight_in_bag
        if not weighted:
            least = max(least, float(self._least_rows(n_samples)[0]))
        return least, self.min_impurity_decrease * weight_in_bag

    def _draw_seed(self) -> int:
        """31 bits for the engine's streams."""
        return int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
