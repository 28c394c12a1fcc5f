"""What AdaBoost for classes and for numbers share: the rounds, and what members make together."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml._engines.runtime import interrupted
from fastml._engines.weight_updater import sum_weights
from fastml.base import (
    BaseEstimator,
    CallbackSupport,
    HasMethods,
    Interval,
    check_is_fitted,
    check_random_state,
    fit_tasks,
    is_classifier,
)  # fmt: skip
from fastml.data.validation import check_parameters
from fastml.ensemble.learners import AnyRows, TreeRows, is_our_tree, make_member
from fastml.ensemble.rounds import Rounds
from fastml.io import ModelFiles

LEAST_WEIGHT = float(np.finfo(np.float64).eps)  # of a row that had any: its logarithm stays finite

ADABOOST_CONSTRAINTS: dict[str, Any] = {
    "estimator": [HasMethods(["fit", "predict"]), None],
    "n_estimators": [Interval(Integral, 1, None, closed="left")],
    "learning_rate": [Interval(Real, 0, None, closed="neither")],
    "random_state": ["random_state"],
}


class MemberCutError(Exception):
    """Ctrl-C ended the growth of a member before it was complete."""


class WeightBoosting(ModelFiles, CallbackSupport, BaseEstimator):
    """Rounds that fit a member each, with weights that rise for what was wrong."""

    _parameter_constraints = ADABOOST_CONSTRAINTS
    _parameter_notes = {"estimator": "it is fitted anew each round, with weights that rise for what was wrong"}

    estimator: Any
    n_estimators: int
    learning_rate: float
    random_state: Any
    estimators_: list[Any]
    estimator_weights_: NDArray[np.float64]
    estimator_errors_: NDArray[np.float64]

    def _default(self) -> Any:
        raise NotImplementedError

    def _boost(self, weight: NDArray[np.float64], member: Any, last: bool) -> tuple[Any, Any, Any]:
        """(weights for the next round, the member's weight, its error); Nones stop the rounds."""
        raise NotImplementedError

    def _check_complete(self) -> None:
        """MemberCutError where the member just fitted is not what it would have been."""
        if interrupted():
            raise MemberCutError

    def _template(self) -> Any:
        """What each round clones, as `estimator_`; checked."""
        self.estimator_ = self._default() if self.estimator is None else self.estimator
        if is_our_tree(self.estimator_):
            check_parameters(self.estimator_)
        return self.estimator_

    def _run(self, weight: NDArray[np.float64], X: Any, y: Any) -> None:
        """Rounds until n_estimators, a perfect fit, or a member that is no better than chance."""
        template, random_state = self.estimator_, check_random_state(self.random_state)
        self.estimators_ = []
        self.estimator_weights_ = np.zeros(self.n_estimators)
        self.estimator_errors_ = np.ones(self.n_estimators)
        weight = weight / sum_weights(weight)
        zero = weight == 0.0
        any_zero = bool(zero.any())
        with (
            fit_tasks(self, self.n_estimators, X=X, y=y) as tasks,
            Rounds(self.n_estimators, estimator=self, tasks=tasks) as loop,
        ):
            for i in loop:
                np.maximum(weight, LEAST_WEIGHT, out=weight)
                if any_zero:
                    weight[zero] = 0.0
                self.estimators_.append(make_member(template, random_state))
                last = i == self.n_estimators - 1
                try:
                    weight, member_weight, error = self._boost(weight, self.estimators_[-1], last)
                except MemberCutError:
                    self.estimators_.pop()
                    if i == 0:  # a model needs one
                        raise KeyboardInterrupt from None
                    loop.n_done -= 1
                    loop.stop("interrupt")
                    continue
                if weight is None:
                    loop.stop("no better than chance")
                    continue
                self.estimator_weights_[i] = member_weight
                self.estimator_errors_[i] = error
                total = sum_weights(weight)
                if error == 0:
                    loop.stop("perfect fit")
                elif not np.isfinite(total):
                    warnings.warn(
                        f"Sample weights have reached infinite values, at iteration {i}, causing overflow. Iterations "
                        "stopped. Try lowering the learning rate.",
                        stacklevel=3,
                    )
                    loop.stop("overflow")
                elif not last:
                    weight /= total
        self.stop_reason_ = loop.stop_reason

    def _rows(self, X: Any) -> Any:
        """X of a prediction."""
        check_is_fitted(self, "estimators_")
        if is_our_tree(self.estimator_):
            return TreeRows(self, X, self.estimator_, reset=False)
        return AnyRows(self, X, reset=False)

    def __len__(self) -> int:
        return len(self.estimators_)

    def __getitem__(self, index: int) -> Any:
        return self.estimators_[index]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.estimators_)

    @property
    def feature_importances_(self) -> NDArray[np.float64]:
        """Mean of the members' importances, by their weights, (n_features,)."""
        check_is_fitted(self, "estimators_")
        try:
            each = [member.feature_importances_ for member in self.estimators_]
        except AttributeError as error:
            raise AttributeError(
                "Unable to compute feature importances since estimator does not have a feature_importances_ attribute"
            ) from error
        return np.average(each, axis=0, weights=self.estimator_weights_[: len(each)])

    def staged_score(self, X: Any, y: Any, sample_weight: Any = None) -> Iterator[float]:
        """Accuracy, or R2, after each round."""
        from sklearn.metrics import accuracy_score, r2_score

        score = accuracy_score if is_classifier(self) else r2_score
        for said in self.staged_predict(X):
            yield float(score(y, said, sample_weight=sample_weight))

    def staged_predict(self, X: Any) -> Iterator[NDArray[Any]]:
        raise NotImplementedError

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import get_tags

        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        template = self._default() if self.estimator is None else self.estimator
        tags.input_tags.allow_nan = is_our_tree(template) and get_tags(template).input_tags.allow_nan
        return tags
