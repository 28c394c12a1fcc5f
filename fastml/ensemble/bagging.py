"""BaggingClassifier and BaggingRegressor: many of any estimator, each on rows and columns of its own."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml.base import ClassifierMixin, RegressorMixin, check_is_fitted
from fastml.data.encoding import encode_labels
from fastml.ensemble.bagged_members import decision, each_member, log_shares, numbers, shares
from fastml.ensemble.bagging_base import Bagging
from fastml.ensemble.learners import is_our_tree
from fastml.ensemble.routing import available_if, routed
from fastml.tree.cart import DecisionTreeClassifier, DecisionTreeRegressor

__all__ = ["BaggingClassifier", "BaggingRegressor"]


def _has_decision_function(self: Any) -> bool:
    return hasattr(self.estimators_[0] if hasattr(self, "_seeds") else self.estimator, "decision_function")


class BaggingClassifier(ClassifierMixin, Bagging):
    """Classifiers fitted on rows and columns drawn for each; they say together the mean of their probabilities.

    Members without `predict_proba` vote. They are fitted on the numbers of the classes, as in scikit-learn; only
    `class_weight` of a tree of this library has the classes themselves.

    Parameters
    ----------
    estimator : classifier or None, default=None
        None is `DecisionTreeClassifier()`.
    **others
        As :class:`fastml.ensemble.bagging_base.Bagging` lists them.

    Attributes
    ----------
    estimators_ : the members.  estimators_samples_, estimators_features_ : what each of them saw
    estimator_ : what they were made of
    classes_, n_classes_, n_features_in_, feature_names_in_
    oob_score_ : accuracy.  oob_decision_function_ : (n_samples, n_classes), NaN where every member saw the row
    stop_reason_ : None, "callback" or "interrupt"

    Notes
    -----
    The same bits for any n_jobs, and for rows in any order where the members' fit does not draw by their places. Ctrl-C
    ends the fit with the members so far. Sources: Breiman 1996, Bagging predictors; Ho 1998, random subspaces; Louppe,
    Geurts 2012, random patches.
    """

    classes_: NDArray[Any]
    n_classes_: int

    def _get_estimator(self) -> Any:
        return DecisionTreeClassifier() if self.estimator is None else self.estimator

    def _encode(self, y: Any) -> NDArray[Any]:
        """The number of each row's class; sets `classes_`."""
        self._codes, self.classes_ = encode_labels(y, self)
        self.n_classes_ = len(self.classes_)
        return self._codes.astype(np.int64)

    def fit(self, X: Any, y: Any, sample_weight: Any = None, **fit_params: Any) -> Any:
        try:
            return super().fit(X, y, sample_weight, **fit_params)
        finally:
            self.__dict__.pop("_codes", None)  # training data are not kept

    def _set_oob(self, total: NDArray[np.float64], n_members: NDArray[np.int64]) -> None:
        with np.errstate(invalid="ignore"):
            self.oob_decision_function_ = total / total.sum(axis=1, keepdims=True)
        self.oob_score_ = float(np.mean(total.argmax(axis=1) == self._codes))

    def _mean_shares(self, X: Any, params: dict[str, dict[str, Any]]) -> NDArray[np.float64]:
        if hasattr(self, "_forest"):
            return self._mean_of_trees(X)
        return sum(each_member(self, shares, X, n_classes=self.n_classes_, params=params)) / len(self._seeds)

    def predict(self, X: Any, **params: Any) -> NDArray[Any]:
        """The class with the largest mean probability, (n_samples,)."""
        check_is_fitted(self)
        passed = routed(self, "predict", params)
        return self.classes_.take(self._mean_shares(X, passed).argmax(axis=1))

    def predict_proba(self, X: Any, **params: Any) -> NDArray[np.float64]:
        """The mean of the members' probabilities, or their votes, (n_samples, n_classes)."""
        check_is_fitted(self)
        return self._mean_shares(X, routed(self, "predict_proba", params))

    def predict_log_proba(self, X: Any, **params: Any) -> NDArray[np.float64]:
        """Logarithms of `predict_proba`, (n_samples, n_classes)."""
        check_is_fitted(self)
        passed = routed(self, "predict_log_proba", params)
        if hasattr(self, "_forest") or not hasattr(self.estimator_, "predict_log_proba"):
            with np.errstate(divide="ignore"):
                return np.log(self._mean_shares(X, passed))
        total: Any = -np.inf
        for said in each_member(self, log_shares, X, n_classes=self.n_classes_, params=passed):
            total = np.logaddexp(total, said)
        return total - np.log(len(self._seeds))

    @available_if(_has_decision_function)
    def decision_function(self, X: Any, **params: Any) -> NDArray[np.float64]:
        """The mean of the members' decision functions, where they have one: (n_samples,) or (n_samples, n_classes)."""
        check_is_fitted(self)
        passed = routed(self, "decision_function", params)
        return sum(each_member(self, decision, X, n_classes=self.n_classes_, params=passed)) / len(self._seeds)


class BaggingRegressor(RegressorMixin, Bagging):
    """Regressors fitted on rows and columns drawn for each; they say together the mean of their predictions.

    Parameters
    ----------
    estimator : regressor or None, default=None
        None is `DecisionTreeRegressor()`.
    **others
        As :class:`fastml.ensemble.bagging_base.Bagging` lists them.

    Attributes
    ----------
    estimators_ : the members.  estimators_samples_, estimators_features_ : what each of them saw
    estimator_ : what they were made of
    n_features_in_, feature_names_in_
    oob_score_ : R2.  oob_prediction_ : as y, 0 where every member saw the row
    stop_reason_ : None, "callback" or "interrupt"

    Notes
    -----
    As for :class:`BaggingClassifier`.
    """

    def _get_estimator(self) -> Any:
        return DecisionTreeRegressor() if self.estimator is None else self.estimator

    def _encode(self, y: NDArray[Any]) -> NDArray[Any]:
        """What any estimators are fitted on."""
        from sklearn.utils import column_or_1d

        self._y = column_or_1d(y, warn=True) if y.ndim == 1 or y.shape[1] == 1 else y
        return self._y

    def fit(self, X: Any, y: Any, sample_weight: Any = None, **fit_params: Any) -> Any:
        try:
            return super().fit(X, y, sample_weight, **fit_params)
        finally:
            self.__dict__.pop("_y", None)  # training data are not kept

    def _set_oob(self, total: NDArray[np.float64], n_members: NDArray[np.int64]) -> None:
        from sklearn.metrics import r2_score

        seen = np.maximum(n_members, 1)
        total = total.reshape(self._y.shape)
        self.oob_prediction_ = total / (seen if total.ndim == 1 else seen[:, None])
        self.oob_score_ = float(r2_score(self._y, self.oob_prediction_))

    def predict(self, X: Any, **params: Any) -> NDArray[np.float64]:
        """The mean of the members' predictions, (n_samples,) or (n_samples, n_outputs)."""
        check_is_fitted(self)
        passed = routed(self, "predict", params)
        if hasattr(self, "_forest"):
            said = self._mean_of_trees(X)
            return said[:, 0] if said.shape[1] == 1 else said
        return sum(each_member(self, numbers, X, params=passed)) / len(self._seeds)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = is_our_tree(self._get_estimator())
        return tags
