"""The parameters of second-order boosting: XGBoost's names and defaults, their ranges, the engine's record of them."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml.base import HasMethods, Interval, StrOptions
from fastml.data.frames import Table
from fastml.ensemble.tree_methods import Columns, check_exact, check_sketch, open_columns, resolve
from fastml.tree.interactions import interaction_constraints

_POSITIVE = [Interval(Real, 0, None, closed="neither"), None]
_NOT_NEGATIVE = [Interval(Real, 0, None, closed="left"), None]
_SHARE = [Interval(Real, 0, 1, closed="right"), None]
_COUNT = [Interval(Integral, 0, None, closed="left"), None]
_OBJECTIVES = {"reg:squarederror", "binary:logistic", "multi:softprob", "multi:softmax"}

XGB_CONSTRAINTS: dict[str, Any] = {
    "n_estimators": [Interval(Integral, 1, None, closed="left"), None],
    "max_depth": _COUNT,
    "max_leaves": _COUNT,
    "max_bin": [Interval(Integral, 2, None, closed="left"), None],
    "grow_policy": [StrOptions({"depthwise", "lossguide"}), None],
    "learning_rate": _POSITIVE,
    "objective": [StrOptions(_OBJECTIVES), callable, None],
    "tree_method": [StrOptions({"auto", "hist", "exact", "approx"}), None],
    "gamma": _NOT_NEGATIVE,
    "min_child_weight": _NOT_NEGATIVE,
    "max_delta_step": _NOT_NEGATIVE,
    "subsample": _SHARE,
    "colsample_bytree": _SHARE,
    "colsample_bylevel": _SHARE,
    "colsample_bynode": _SHARE,
    "reg_alpha": _NOT_NEGATIVE,
    "reg_lambda": _NOT_NEGATIVE,
    "scale_pos_weight": _POSITIVE,
    "base_score": [Real, None],
    "random_state": ["random_state"],
    "max_cat_to_onehot": [Interval(Integral, 1, None, closed="left"), None],
    "cat_penalty": _NOT_NEGATIVE,
    "unseen": [StrOptions({"missing", "other", "error"})],
    "importance_type": [StrOptions({"gain", "weight", "cover", "total_gain", "total_cover"}), None],
    "early_stopping_rounds": [Interval(Integral, 1, None, closed="left"), None],
    "validation_fraction": [Interval(Real, 0, 1, closed="neither"), None],
    "splitter": [HasMethods(["split"]), "array-like", None],
    "refit": ["boolean"],
    "max_time": _POSITIVE,
    "sketch": [StrOptions({"global", "local"})],
    "sketch_eps": [Interval(Real, 0, 1, closed="neither"), None],
    "interaction_constraints": "no_validation",
}  # fmt: skip

XGB_NOTES = {
    "learning_rate": "each tree's values are multiplied by it",
    "subsample": "the share of the rows that each tree sees",
    "max_bin": "numbers are sorted into at most 255 bins",
    "tree_method": "'auto' is 'hist'",
}

# What None stands for, as in XGBoost.
_DEFAULTS: dict[str, Any] = {
    "n_estimators": 100, "max_depth": 6, "max_leaves": 0, "max_bin": 255, "grow_policy": "depthwise",
    "learning_rate": 0.3, "gamma": 0.0, "min_child_weight": 1.0, "max_delta_step": 0.0, "subsample": 1.0,
    "colsample_bytree": 1.0, "colsample_bylevel": 1.0, "colsample_bynode": 1.0, "reg_alpha": 0.0, "reg_lambda": 1.0,
    "max_cat_to_onehot": 4, "cat_penalty": 1.0, "importance_type": "gain",
}  # fmt: skip


class XGBParameters:
    """XGBoost's constructor.

    Parameters
    ----------
    n_estimators : int, default=100
        Rounds; each grows a tree, or a tree a class.
    max_depth : int, default=6
        Splits on the longest path; 0: no limit.
    max_leaves : int, default=0
        Leaves of a tree at most; 0: no limit.
    grow_policy : {"depthwise", "lossguide"}, default="depthwise"
        Level by level, or the best gain first.
    learning_rate : float, default=0.3
    max_bin : int, default=255
        Bins of a number column, 2 to 255 (256, XGBoost's default, is read as 255).
    gamma : float, default=0
        Least gain of a split (`min_split_loss`).
    min_child_weight : float, default=1
        Least sum of hessians in a leaf.
    max_delta_step : float, default=0
        Greatest leaf weight before shrinkage; 0: no limit.
    reg_lambda, reg_alpha : float, default=1, 0
        L2 and L1 penalty of leaf weights.
    subsample : float in (0, 1], default=1
        Share of rows for each tree.
    colsample_bytree, colsample_bylevel, colsample_bynode : float in (0, 1], default=1
        Share of columns, drawn one within the other.
    objective : str or callable, optional
        "reg:squarederror", "binary:logistic", "multi:softprob", or a function: `(y, raw) -> gradient, hessian` of two
        floats, compiled by Numba; or XGBoost's `(y_true, y_pred) -> grad, hess` of arrays. See `fastml.jit`.
    eval_metric : str, callable or list of them, optional
        XGBoost's names, scikit-learn's scorer names, or functions; the last one decides early stopping.
    early_stopping_rounds : int, optional
        Stop after so many rounds without improvement; `predict` then uses the best round.
    validation_fraction : float, optional
        Share of the rows to score on, where no eval_set can be handed in, such as Pipeline and GridSearchCV.
    splitter : scikit-learn splitter, optional
        Chooses the validation rows instead: groups or time.
    refit : bool, default=False
        After early stopping on rows of X, fit again on all of them with the best number of rounds.
    max_time : float, optional
        Seconds after which no further round begins.
    categorical_features : "auto", mask, indices, names or None, default="auto"
        "auto": strings and categoricals of a frame.
    unseen : {"missing", "other", "error"}, default="missing"
        What a category means at predict that the fit did not see.
    max_cat_to_onehot : int, default=4
        Up to so many levels are split one against the rest; more are sorted by gradient and split as an interval.
    cat_penalty : float, default=1
        The gain of a split by sorted levels is reduced by so many times what it would gain on noise, so that columns
        of many levels compete fairly with numbers; 0 does as XGBoost does.
    class_weight : dict, "balanced" or None
        (classifier) Weight of each class.
    scale_pos_weight : float, default=1
        (classifier) Weight of the second of two classes.
    base_score : float, optional
        Prediction before the first tree; estimated from the data by default.
    tree_method : {"auto", "hist", "exact", "approx"}, default="auto"
        "hist": bins that all trees share. "exact": every threshold, halfway between neighbours, as XGBoost's. "approx":
        bins anew for each tree, of about equal sums of hessians. "auto": "hist", which was faster at every size and
        scored as well.
    sketch : {"global", "local"}, default="global"
        With tree_method="approx": bins for each tree, or thresholds for each node by the hessians of its rows.
    sketch_eps : float in (0, 1), optional
        With tree_method="approx": the share of the hessian between two thresholds; by default 1 / max_bin. There are
        at most max_bin bins with sketch="global".
    interaction_constraints : sequence of sets of columns, str or None, default=None
        Which columns may meet on a branch: after splits on some it uses these, and every set that holds all of them.
        Columns by number or name, or all as a string: "[[0, 1], [2, 3]]". A column in no set meets no other.
        Columns are drawn (colsample_bynode) from those that a node may be split on.
    importance_type : {"gain", "weight", "cover", "total_gain", "total_cover"}, default="gain"
    random_state : int, RandomState or None
    n_jobs : int, optional
        Threads; all by default. The result does not depend on it.
    callbacks : list, optional
        Objects with XGBoost's callback methods.

    Attributes
    ----------
    forest_ : Forest
    n_features_in_, feature_names_in_, classes_, n_classes_
    best_iteration, best_score : with early stopping
    feature_importances_ : (n_features,) normalised to 1, of `importance_type`
    intercept_ : (n_outputs,) raw scores before the first tree
    n_estimators_ : rounds in the model
    stop_reason_ : None, "early_stopping", "max_time", "interrupt" or "callback"
    """

    n_features_in_: int

    def __init__(
        self, *, n_estimators: int | None = 100, max_depth: int | None = 6, max_leaves: int | None = 0,
        max_bin: int | None = 255, grow_policy: str | None = "depthwise", learning_rate: float | None = 0.3,
        objective: Any = None, tree_method: str | None = "auto", n_jobs: int | None = None,
        gamma: float | None = 0.0, min_child_weight: float | None = 1.0, max_delta_step: float | None = 0.0,
        subsample: float | None = 1.0, colsample_bytree: float | None = 1.0, colsample_bylevel: float | None = 1.0,
        colsample_bynode: float | None = 1.0, reg_alpha: float | None = 0.0, reg_lambda: float | None = 1.0,
        scale_pos_weight: float | None = None, base_score: float | None = None, random_state: Any = None,
        importance_type: str | None = "gain", categorical_features: Any = "auto", unseen: str = "missing",
        max_cat_to_onehot: int | None = 4, cat_penalty: float | None = 1.0, class_weight: Any = None,
        eval_metric: Any = None,
        early_stopping_rounds: int | None = None, validation_fraction: float | None = None, splitter: Any = None,
        refit: bool = False, max_time: float | None = None, callbacks: Any = None, sketch: str = "global",
        sketch_eps: float | None = None, interaction_constraints: Any = None,
    ) -> None:  # fmt: skip
        self.n_estimators = n_estimators
        self.max_depth = max_depth
        self.max_leaves = max_leaves
        self.max_bin = max_bin
        self.grow_policy = grow_policy
        self.learning_rate = learning_rate
        self.objective = objective
        self.tree_method = tree_method
        self.n_jobs = n_jobs
        self.gamma = gamma
        self.min_child_weight = min_child_weight
        self.max_delta_step = max_delta_step
        self.subsample = subsample
        self.colsample_bytree = colsample_bytree
        self.colsample_bylevel = colsample_bylevel
        self.colsample_bynode = colsample_bynode
        self.reg_alpha = reg_alpha
        self.reg_lambda = reg_lambda
        self.scale_pos_weight = scale_pos_weight
        self.base_score = base_score
        self.random_state = random_state
        self.importance_type = importance_type
        self.categorical_features = categorical_features
        self.unseen = unseen
        self.max_cat_to_onehot = max_cat_to_onehot
        self.cat_penalty = cat_penalty
        self.class_weight = class_weight
        self.eval_metric = eval_metric
        self.early_stopping_rounds = early_stopping_rounds
        self.validation_fraction = validation_fraction
        self.splitter = splitter
        self.refit = refit
        self.max_time = max_time
        self.callbacks = callbacks
        self.sketch = sketch
        self.sketch_eps = sketch_eps
        self.interaction_constraints = interaction_constraints

    def _value(self, name: str) -> Any:
        """A parameter, with XGBoost's default for None."""
        value = getattr(self, name)
        return _DEFAULTS[name] if value is None else value

    def _max_bins(self) -> int:
        return min(int(self._value("max_bin")), 255)

    def _check_method(self) -> None:
        """ValueError where parameters do not go together with `tree_method`."""
        check_exact(self.tree_method, self.max_bin)
        check_sketch(self.tree_method, self.sketch, self.sketch_eps)

    def _columns(self, table: Table, weight: NDArray[np.float64] | None, threads: int) -> Columns:
        """The columns as `tree_method` has trees see them."""
        return open_columns(
            resolve(self.tree_method), table, weight, threads, self._max_bins(), sketch=self.sketch,
            sketch_eps=self.sketch_eps,
        )  # fmt: skip

    def _grow_options(self, seed: int) -> dict[str, Any]:
        """The engine's record; see GrowOptions in src_cy/types.pxd."""
        value = self._value
        constraints = interaction_constraints(
            self.interaction_constraints, self.n_features_in_, getattr(self, "feature_names_in_", None)
        )
        max_depth, max_leaves = int(value("max_depth")), int(value("max_leaves"))
        return {
            "max_leaves": max_leaves, "max_depth": max_depth, "lossguide": value("grow_policy") == "lossguide",
            "learning_rate": float(value("learning_rate")), "min_split_gain": float(value("gamma")),
            "min_child_weight": float(value("min_child_weight")), "max_delta_step": float(value("max_delta_step")),
            "reg_lambda": float(value("reg_lambda")), "reg_alpha": float(value("reg_alpha")),
            "max_cat_to_onehot": int(value("max_cat_to_onehot")), "cat_penalty": float(value("cat_penalty")),
            "seed": seed, **({} if constraints is None else {"interactions": constraints}),
            **{name: float(value(name)) for name in ("colsample_bytree", "colsample_bylevel", "colsample_bynode")},
        }  # fmt: skip

    def _seed(self) -> int:
        """32 bits for the engine's streams; None means 0, as in XGBoost."""
        if self.random_state is None:
            return 0
        if isinstance(self.random_state, Integral):
            return int(self.random_state) & 0xFFFFFFFF
        return int(self.random_state.randint(np.iinfo(np.int32).max))
