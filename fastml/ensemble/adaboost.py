"""AdaBoostClassifier (SAMME) and AdaBoostRegressor (R2), over any weighted estimator; stumps of ours by default."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml._engines.weight_updater import raise_weights, sum_weights
from fastml.base import ClassifierMixin, RegressorMixin, StrOptions, check_random_state
from fastml.data.encoding import check_target_regression, encode_labels
from fastml.data.validation import check_parameters, check_same_length
from fastml.data.weights import check_sample_weight
from fastml.ensemble.learners import AnyRows, TreeRows, is_our_tree, takes_sample_weight
from fastml.ensemble.weight_boosting import ADABOOST_CONSTRAINTS, WeightBoosting
from fastml.tree.cart import DecisionTreeClassifier, DecisionTreeRegressor

__all__ = ["AdaBoostClassifier", "AdaBoostRegressor"]


class AdaBoostClassifier(ClassifierMixin, WeightBoosting):
    """AdaBoost for classes: SAMME, with scikit-learn's parameters.

    A member with the weighted error e gets the weight  a = learning_rate * (log((1 - e) / e) + log(K - 1));  the
    weights of the rows that it gets wrong are multiplied by e^a. The ensemble says the class with the largest sum of a.

    Parameters
    ----------
    estimator : classifier that takes sample_weight, or None, default=None
        None is a decision tree of depth 1. Over trees of this library the columns are sorted once for all rounds.
    n_estimators : int, default=50
    learning_rate : float, default=1.0
    random_state : int, RandomState or None

    Attributes
    ----------
    estimators_ : the members.  estimator_weights_, estimator_errors_ : (n_estimators,)
    classes_, n_classes_, n_features_in_, feature_names_in_, feature_importances_, estimator_
    stop_reason_ : None, "perfect fit", "no better than chance", "overflow" or "interrupt"

    Notes
    -----
    The rounds end early with a member that makes no error, or one no better than chance, and with Ctrl-C: the members
    so far are a model. O(n_features * n_samples) a round over stumps. Source: Zhu, Zou, Rosset, Hastie 2009,
    Multi-class AdaBoost.
    """

    def __init__(
        self, estimator: Any = None, *, n_estimators: int = 50, learning_rate: float = 1.0, random_state: Any = None
    ) -> None:
        self.estimator = estimator
        self.n_estimators = n_estimators
        self.learning_rate = learning_rate
        self.random_state = random_state

    def _default(self) -> Any:
        return DecisionTreeClassifier(max_depth=1)

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Fit the members one after the other.

        Parameters
        ----------
        X : array-like, frame or sparse matrix of shape (n_samples, n_features)
        y : array-like of shape (n_samples,), classes of any kind
        sample_weight : array-like of shape (n_samples,), optional

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            What is wrong with a parameter or the data, an estimator without sample_weight, or one whose first member
            is no better than chance.
        """
        check_parameters(self)
        template = self._template()
        if not takes_sample_weight(template):
            raise ValueError(
                f"{type(template).__name__} doesn't support sample_weight, by which AdaBoost tells its members what to "
                "look at: use an estimator whose fit takes it."
            )
        rows = TreeRows(self, X, template) if is_our_tree(template) else AnyRows(self, X, y)
        self._codes, self.classes_ = encode_labels(y, self)
        self.n_classes_ = len(self.classes_)
        check_same_length(X=rows.n_samples, y=len(self._codes))
        weight = check_sample_weight(sample_weight, rows.n_samples)
        self._fit_rows, self._sorted = rows, rows.sort(template) if isinstance(rows, TreeRows) else None
        try:
            self._run(np.ones(rows.n_samples) if weight is None else weight, X, y)
        finally:
            del self._fit_rows, self._sorted, self._codes  # training data are not kept
        return self

    def _boost(self, weight: NDArray[np.float64], member: Any, last: bool) -> tuple[Any, Any, Any]:
        rows, codes = self._fit_rows, self._codes
        if isinstance(rows, TreeRows):
            member._as(self)
            by_class = member._weights(codes[None], [self.classes_], weight)
            member._fit_classes(self._sorted, codes[None], [self.classes_], by_class)
            self._check_complete()
            wrong, error = rows.judged(member, codes, weight)
        else:
            member.fit(rows.X, rows.y, sample_weight=weight)
            wrong = (self._codes_of(member.predict(rows.X)) != codes).view(np.uint8)
            error = sum_weights(weight[wrong > 0]) / sum_weights(weight)
        if error <= 0:
            return weight, 1.0, 0.0
        if error >= 1.0 - 1.0 / self.n_classes_:
            self.estimators_.pop()
            if not self.estimators_:
                raise ValueError(
                    "BaseClassifier in AdaBoostClassifier ensemble is worse than random, ensemble can not be fit."
                )
            return None, None, None
        member_weight = self.learning_rate * (np.log((1.0 - error) / error) + np.log(self.n_classes_ - 1.0))
        if not last:
            raise_weights(weight, wrong, float(np.exp(member_weight)))
        return weight, member_weight, error

    def _codes_of(self, labels: NDArray[Any]) -> NDArray[np.int64]:
        """Class numbers of what a member predicts."""
        return np.searchsorted(self.classes_, labels)

    def _votes(self, X: Any) -> Iterator[tuple[float, NDArray[np.integer[Any]]]]:
        """(weight, class number of each row) of each member."""
        rows = self._rows(X)
        for member, weight in zip(self.estimators_, self.estimator_weights_, strict=False):
            of_tree = isinstance(rows, TreeRows)
            yield float(weight), rows.class_codes(member) if of_tree else self._codes_of(rows.predict(member))

    def staged_decision_function(self, X: Any) -> Iterator[NDArray[np.float64]]:
        """`decision_function` after each round."""
        total, k = 0.0, self.n_classes_ if hasattr(self, "n_classes_") else 0
        scores = None
        for weight, codes in self._votes(X):
            if scores is None:
                scores = np.zeros((len(codes), k))
            total += weight
            vote = np.full(scores.shape, -weight / max(k - 1, 1))
            vote[np.arange(len(codes)), codes] = weight
            scores += vote
            yield (scores[:, 1] - scores[:, 0]) / total if k == 2 else scores / total

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Sum of the members' votes by weight: (n_samples,) for two classes, from -2 to 2; (n_samples, n_classes)."""
        scores = np.empty(0)
        for scores in self.staged_decision_function(X):  # noqa: B007
            pass
        return scores

    def _said(self, scores: NDArray[np.float64]) -> NDArray[Any]:
        return self.classes_.take(scores > 0 if self.n_classes_ == 2 else scores.argmax(axis=1))

    def _shares(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """softmax(scores / (K - 1))."""
        if self.n_classes_ == 1:
            return np.ones((len(scores), 1))
        logits = np.stack([-scores, scores], axis=1) / 2 if self.n_classes_ == 2 else scores / (self.n_classes_ - 1)
        e = np.exp(logits - logits.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    def predict(self, X: Any) -> NDArray[Any]:
        """The class with the largest sum of votes, (n_samples,)."""
        return self._said(self.decision_function(X))

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """(n_samples, n_classes); their argmax is `predict`."""
        return self._shares(self.decision_function(X))

    def predict_log_proba(self, X: Any) -> NDArray[np.float64]:
        """Logarithms of `predict_proba`."""
        return np.log(self.predict_proba(X))

    def staged_predict(self, X: Any) -> Iterator[NDArray[Any]]:
        """`predict` after each round."""
        for scores in self.staged_decision_function(X):
            yield self._said(scores)

    def staged_predict_proba(self, X: Any) -> Iterator[NDArray[np.float64]]:
        """`predict_proba` after each round."""
        for scores in self.staged_decision_function(X):
            yield self._shares(scores)


class AdaBoostRegressor(RegressorMixin, WeightBoosting):
    """AdaBoost for numbers: R2, with scikit-learn's parameters.

    Each member is fitted with the rows' weights, or, if it takes none, on rows drawn by them. With the losses l_i in
    [0, 1] of its errors over the largest one (linear |e|, square e^2, exponential 1 - exp(-|e|)) and their weighted
    mean L, b = L / (1 - L), a row's weight is multiplied by  b^((1 - l_i) learning_rate)  and the member's is
    learning_rate * log(1 / b).  The ensemble says the weighted median.

    Parameters
    ----------
    estimator : regressor or None, default=None
        None is a decision tree of depth 3. Over trees of this library the columns are sorted once for all rounds.
    n_estimators : int, default=50
    learning_rate : float, default=1.0
    loss : {"linear", "square", "exponential"}, default="linear"
    random_state : int, RandomState or None

    Attributes
    ----------
    estimators_, estimator_weights_, estimator_errors_, n_features_in_, feature_names_in_, feature_importances_,
    estimator_, stop_reason_

    Notes
    -----
    Fitting with weights, and not on rows drawn by them as scikit-learn does, makes a weight of 2 the same as a row
    given twice, and leaves nothing to chance. Source: Drucker 1997, Improving regressors using boosting techniques.
    """

    _parameter_constraints = ADABOOST_CONSTRAINTS | {"loss": [StrOptions({"linear", "square", "exponential"})]}

    def __init__(
        self, estimator: Any = None, *, n_estimators: int = 50, learning_rate: float = 1.0, loss: str = "linear",
        random_state: Any = None,
    ) -> None:  # fmt: skip
        self.estimator = estimator
        self.n_estimators = n_estimators
        self.learning_rate = learning_rate
        self.loss = loss
        self.random_state = random_state

    def _default(self) -> Any:
        return DecisionTreeRegressor(max_depth=3)

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Fit the members one after the other; as for the classifier, with numbers for y."""
        check_parameters(self)
        template = self._template()
        rows = TreeRows(self, X, template) if is_our_tree(template) else AnyRows(self, X, y, y_numeric=True)
        self._y = check_target_regression(y, self)
        check_same_length(X=rows.n_samples, y=len(self._y))
        weight = check_sample_weight(sample_weight, rows.n_samples)
        self._fit_rows, self._sorted = rows, rows.sort(template) if isinstance(rows, TreeRows) else None
        self._draws = check_random_state(self.random_state)
        try:
            self._run(np.ones(rows.n_samples) if weight is None else weight, X, y)
        finally:
            del self._fit_rows, self._sorted, self._y, self._draws
        return self

    def _boost(self, weight: NDArray[np.float64], member: Any, last: bool) -> tuple[Any, Any, Any]:
        rows, y = self._fit_rows, self._y
        if isinstance(rows, TreeRows):
            member._as(self)
            member._fit_numbers(self._sorted, y[None], weight)
            self._check_complete()
            error = np.abs(rows.numbers(member) - y)
        else:
            if takes_sample_weight(member):
                member.fit(rows.X, rows.y, sample_weight=weight)
            else:
                drawn = self._draws.choice(len(y), size=len(y), replace=True, p=weight / weight.sum())
                member.fit(rows.X[drawn], rows.y[drawn])
            error = np.abs(member.predict(rows.X) - y)
        weighted = weight > 0
        error = error[weighted]
        largest = error.max()
        if largest != 0:
            error = error / largest
        if self.loss == "square":
            error = error**2
        elif self.loss == "exponential":
            error = 1.0 - np.exp(-error)
        mean = float((weight[weighted] * error).sum())
        if mean <= 0:
            return weight, 1.0, 0.0
        if mean >= 0.5:
            if len(self.estimators_) > 1:  # a model needs one
                self.estimators_.pop()
            return None, None, None
        beta = mean / (1.0 - mean)
        if not last:
            weight[weighted] *= np.power(beta, (1.0 - error) * self.learning_rate)
        return weight, self.learning_rate * np.log(1.0 / beta), mean

    def _each(self, X: Any) -> NDArray[np.float64]:
        """What each member says, (n_samples, members)."""
        rows = self._rows(X)
        say = rows.numbers if isinstance(rows, TreeRows) else rows.predict
        return np.stack([say(member) for member in self.estimators_], axis=1)

    def _median(self, each: NDArray[np.float64]) -> NDArray[np.float64]:
        """Weighted median of the columns."""
        order = np.argsort(each, axis=1)
        below = np.cumsum(self.estimator_weights_[order], axis=1)
        place = (below >= 0.5 * below[:, -1:]).argmax(axis=1)
        rows = np.arange(len(each))
        return each[rows, order[rows, place]]

    def predict(self, X: Any) -> NDArray[np.float64]:
        """The weighted median of the members, (n_samples,)."""
        return self._median(self._each(X))

    def staged_predict(self, X: Any) -> Iterator[NDArray[np.float64]]:
        """`predict` after each round."""
        each = self._each(X)
        for members in range(1, each.shape[1] + 1):
            yield self._median(each[:, :members])
