"""HistGradientBoosting* by name, fastml's boosters in fact: their parameters put into XGBoost's words.

scikit-learn's tests of its histogram boosting ask much that holds for any: missing values, infinities, categories,
weights, early stopping, stages. This adapter lets them ask it of XGBClassifier and XGBRegressor, and of
GradientBoostingRegressor for the losses whose leaves are quantiles. It holds no learning of its own.

What has no counterpart: a leaf's least number of rows. For squared error it is a sum of hessians, which are 1; for
classes the least hessian that scikit-learn itself asks of a leaf stands in.
"""

from itertools import combinations

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import compute_sample_weight
from sklearn.utils.validation import check_is_fitted

from fastml.ensemble import GradientBoostingRegressor, XGBClassifier, XGBRegressor
from fastml.ensemble.early_stopping import EarlyStopping

MIN_HESSIAN = 1e-3
AUTO_EARLY_STOPPING_ROWS = 10_000
LOSS_METRIC = {"log_loss": None, "squared_error": "rmse", "absolute_error": "mae"}  # None: the objective's own


class _HistGradientBoosting(BaseEstimator):
    def __init__(
        self,
        loss,
        *,
        learning_rate=0.1,
        max_iter=100,
        max_leaf_nodes=31,
        max_depth=None,
        min_samples_leaf=20,
        l2_regularization=0.0,
        max_features=1.0,
        max_bins=255,
        categorical_features="from_dtype",
        monotonic_cst=None,
        interaction_cst=None,
        warm_start=False,
        early_stopping="auto",
        scoring="loss",
        validation_fraction=0.1,
        n_iter_no_change=10,
        tol=1e-7,
        verbose=0,
        random_state=None,
    ):
        self.loss = loss
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.max_leaf_nodes = max_leaf_nodes
        self.max_depth = max_depth
        self.min_samples_leaf = min_samples_leaf
        self.l2_regularization = l2_regularization
        self.max_features = max_features
        self.max_bins = max_bins
        self.categorical_features = categorical_features
        self.monotonic_cst = monotonic_cst
        self.interaction_cst = interaction_cst
        self.warm_start = warm_start
        self.early_stopping = early_stopping
        self.scoring = scoring
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.verbose = verbose
        self.random_state = random_state

    def _newton(self, kind, min_child_weight, **more):
        return kind(
            n_estimators=self.max_iter,
            learning_rate=self.learning_rate,
            grow_policy="lossguide",
            max_leaves=self.max_leaf_nodes or 0,
            max_depth=self.max_depth or 0,
            min_child_weight=min_child_weight,
            reg_lambda=self.l2_regularization,
            colsample_bynode=self.max_features,
            max_bin=self.max_bins,
            random_state=self.random_state,
            interaction_constraints=self._constraints(),
            **more,
        )

    def _constraints(self):
        """interaction_cst in XGBoost's words: those in no set are in one more together."""
        if self.interaction_cst is None:
            return None
        if isinstance(self.interaction_cst, str):
            size = {"no_interactions": 1, "pairwise": 2}[self.interaction_cst]
            return list(combinations(range(self.n_columns_), size))
        if not all(isinstance(group, (list, tuple, set)) for group in self.interaction_cst):
            return self.interaction_cst  # for the error
        rest = set(range(self.n_columns_)).difference(*self.interaction_cst)
        return [*self.interaction_cst, *([rest] if rest else [])]

    def _early_stopping(self, X, y, given):
        """(parameters of the booster, arguments of its fit) for early stopping as these parameters ask for it."""
        wanted = len(X) > AUTO_EARLY_STOPPING_ROWS or given if self.early_stopping == "auto" else self.early_stopping
        if not wanted:
            return {}, {}
        metric = LOSS_METRIC.get(self.loss) if self.scoring == "loss" else self.scoring
        parameters = {"eval_metric": metric, "callbacks": [EarlyStopping(self.n_iter_no_change, min_delta=self.tol)]}
        if given:
            return parameters, {}
        if self.validation_fraction is None:
            return parameters, {"eval_set": [(X, y)]}
        return parameters | {"validation_fraction": self.validation_fraction}, {}

    def _as_table(self, X):
        """X with its categorical columns marked, as a frame; X itself where none is or the frame says so."""
        wanted = self.categorical_features
        if wanted is None or isinstance(wanted, str) or len(wanted) == 0:
            return X
        import pandas as pd

        frame = pd.DataFrame(X).copy()
        frame.columns = frame.columns.astype(str)
        mask = np.zeros(frame.shape[1], dtype=bool)
        mask[frame.columns.get_indexer(wanted) if isinstance(wanted[0], str) else np.asarray(wanted)] = True
        self.is_categorical_ = mask if mask.any() else None
        for name in frame.columns[mask]:
            column = frame[name]
            frame[name] = column.mask(column < 0).astype("category")  # a negative code is a missing one
        return frame

    def fit(self, X, y, sample_weight=None, *, X_val=None, y_val=None, sample_weight_val=None):
        self.is_categorical_ = None
        table = self._as_table(X)
        given = X_val is not None or y_val is not None
        stopping, arguments = self._early_stopping(table, y, given)
        if given:
            arguments |= {"X_val": None if X_val is None else self._as_table(X_val), "y_val": y_val}
            if sample_weight_val is not None:
                arguments["sample_weight_val"] = sample_weight_val
        self.n_columns_ = np.shape(X)[1] if np.ndim(X) == 2 else 0
        self.booster_ = self._booster(**stopping)
        self.booster_.fit(table, y, sample_weight=self._weights(y, sample_weight), **arguments)
        self.n_iter_ = self.booster_.n_estimators_
        return self

    def _weights(self, y, sample_weight):
        return sample_weight

    def _raw_predict(self, X, n_iter=None):
        check_is_fitted(self)
        return self.booster_.predict(self._as_table(X), output_margin=True, iteration_range=(0, n_iter or self.n_iter_))

    def _stages(self, X):
        check_is_fitted(self)
        return ((0, n_iter) for n_iter in range(1, self.n_iter_ + 1))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def predict(self, X):
        return self._predict(X, (0, self.n_iter_) if hasattr(self, "n_iter_") else None)

    def _predict(self, X, stages):
        check_is_fitted(self)
        if not isinstance(self.booster_, (XGBClassifier, XGBRegressor)):
            return self.booster_.predict(self._as_table(X))
        return self.booster_.predict(self._as_table(X), iteration_range=stages)

    def staged_predict(self, X):
        for stages in self._stages(X):
            yield self._predict(X, stages)


class HistGradientBoostingRegressor(RegressorMixin, _HistGradientBoosting):
    """scikit-learn's parameters over XGBRegressor, or over GradientBoostingRegressor for medians and quantiles."""

    def __init__(self, loss="squared_error", *, quantile=None, learning_rate=0.1, max_iter=100, max_leaf_nodes=31,
                 max_depth=None, min_samples_leaf=20, l2_regularization=0.0, max_features=1.0, max_bins=255,
                 categorical_features="from_dtype", monotonic_cst=None, interaction_cst=None, warm_start=False,
                 early_stopping="auto", scoring="loss", validation_fraction=0.1, n_iter_no_change=10, tol=1e-7,
                 verbose=0, random_state=None):  # fmt: skip
        arguments = {name: value for name, value in locals().items() if name not in ("self", "quantile", "__class__")}
        super().__init__(**arguments)
        self.quantile = quantile

    def _booster(self, **stopping):
        if self.loss == "squared_error":
            return self._newton(XGBRegressor, self.min_samples_leaf, **stopping)
        return GradientBoostingRegressor(
            loss=self.loss,
            alpha=0.9 if self.quantile is None else self.quantile,
            n_estimators=self.max_iter,
            learning_rate=self.learning_rate,
            max_leaf_nodes=self.max_leaf_nodes,
            max_depth=self.max_depth,
            min_samples_leaf=self.min_samples_leaf,
            random_state=self.random_state,
            interaction_cst=self.interaction_cst,
        )


class HistGradientBoostingClassifier(ClassifierMixin, _HistGradientBoosting):
    """scikit-learn's parameters over XGBClassifier."""

    def __init__(self, loss="log_loss", *, class_weight=None, learning_rate=0.1, max_iter=100, max_leaf_nodes=31,
                 max_depth=None, min_samples_leaf=20, l2_regularization=0.0, max_features=1.0, max_bins=255,
                 categorical_features="from_dtype", monotonic_cst=None, interaction_cst=None, warm_start=False,
                 early_stopping="auto", scoring="loss", validation_fraction=0.1, n_iter_no_change=10, tol=1e-7,
                 verbose=0, random_state=None):  # fmt: skip
        arguments = {n: value for n, value in locals().items() if n not in ("self", "class_weight", "__class__")}
        super().__init__(**arguments)
        self.class_weight = class_weight

    def _booster(self, **stopping):
        return self._newton(XGBClassifier, MIN_HESSIAN, **stopping)

    def _weights(self, y, sample_weight):
        if self.class_weight is None:
            return sample_weight
        weights = compute_sample_weight(self.class_weight, y)
        return weights if sample_weight is None else weights * sample_weight

    @property
    def classes_(self):
        return self.booster_.classes_

    def decision_function(self, X):
        return self._raw_predict(X)

    def predict_proba(self, X):
        check_is_fitted(self)
        return self.booster_.predict_proba(self._as_table(X), iteration_range=(0, self.n_iter_))

    def staged_decision_function(self, X):
        for _, n_iter in self._stages(X):
            yield self._raw_predict(X, n_iter)

    def staged_predict_proba(self, X):
        for stages in self._stages(X):
            yield self.booster_.predict_proba(self._as_table(X), iteration_range=stages)
