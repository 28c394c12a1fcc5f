"""Declared parameter ranges, lengths, and tables through an estimator: scikit-learn's checks on one built of them."""

from numbers import Integral, Real

import numpy as np
import pytest
import sklearn
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils.estimator_checks import parametrize_with_checks

from fastml.base import (
    BaseEstimator,
    ClassifierMixin,
    Interval,
    InvalidParameterError,
    NotFittedError,
    RegressorMixin,
    StrOptions,
    check_is_fitted,
)
from fastml.data.encoding import check_target_regression, encode_labels
from fastml.data.validation import check_parameters, check_same_length, fit_table, predict_table
from fastml.data.weights import check_sample_weight


class Tree(BaseEstimator):
    """A scikit-learn tree behind our door."""

    _parameter_constraints = {
        "max_depth": [Interval(Integral, 1, None, closed="left"), None],
        "rate": [Interval(Real, 0, 1, closed="right")],
        "rule": [StrOptions({"best", "random"})],
        "anything": "no_validation",
    }
    _parameter_notes = {"rate": "the share of a step that is taken"}

    def __init__(self, max_depth=None, rate=1.0, rule="best", anything=None):
        self.max_depth, self.rate, self.rule, self.anything = max_depth, rate, rule, anything

    def _fit(self, tree, X, y, sample_weight):
        check_parameters(self)
        table = fit_table(self, X)
        target = self._target(y)
        check_same_length(X=table.n_samples, y=len(target))
        weight = check_sample_weight(sample_weight, table.n_samples)
        self.tree_ = tree.fit(table.matrix(), target, weight)
        return self

    def _matrix(self, X):
        check_is_fitted(self)
        return predict_table(self, X).matrix()

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = True
        return tags


class Classifier(ClassifierMixin, Tree):
    def fit(self, X, y=None, sample_weight=None):
        return self._fit(DecisionTreeClassifier(random_state=0), X, y, sample_weight)

    def _target(self, y):
        codes, self.classes_ = encode_labels(y, self)
        return codes

    def predict(self, X):
        matrix = self._matrix(X)
        return self.classes_[self.tree_.predict(matrix)]

    def predict_proba(self, X):
        matrix = self._matrix(X)
        return self.tree_.predict_proba(matrix)


class Regressor(RegressorMixin, Tree):
    def fit(self, X, y=None, sample_weight=None):
        return self._fit(DecisionTreeRegressor(random_state=0), X, y, sample_weight)

    def _target(self, y):
        return check_target_regression(y, self)

    def predict(self, X):
        matrix = self._matrix(X)
        return self.tree_.predict(matrix)


@parametrize_with_checks([Classifier(), Regressor()])
def test_scikit_learns_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize(
    "parameters, words",
    [
        ({"max_depth": 0}, r"The 'max_depth' parameter of Tree must be an int in the range \[1, inf\) or None. Got 0"),
        ({"max_depth": 1.5}, "Got 1.5 instead"),
        ({"rate": 0}, r"range \(0\.?0?, 1\.?0?\]. Got 0 instead. \(rate: the share of a step that is taken\)"),
        ({"rate": float("nan")}, "Got nan"),
        ({"rule": "Best"}, "must be one of 'best', 'random'. Got 'Best' instead. Did you mean 'best'?"),
        ({"rule": 3}, "Got 3 instead"),
    ],
)
def test_parameters_out_of_range(parameters, words):
    with pytest.raises(InvalidParameterError, match=words):
        check_parameters(Tree(**parameters))


def test_parameters_in_range_and_skipped():
    check_parameters(Tree(max_depth=np.int64(3), rate=np.float32(0.5), rule="random", anything=object()))
    with sklearn.config_context(skip_parameter_validation=True):
        check_parameters(Tree(rate=-1))


def test_lengths():
    check_same_length(X=3, y=3)
    with pytest.raises(ValueError, match=r"inconsistent numbers of samples: \[3, 2\] \(X has 3, y has 2\)"):
        check_same_length(X=3, y=2)


def test_predict_before_fit():
    with pytest.raises(NotFittedError, match="not fitted yet"):
        predict_table(Classifier(), [[1.0]])


def test_names_go_when_a_second_fit_has_none():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"a": [1.0, 2], "b": [3.0, 4]})
    model = Regressor().fit(frame, [1, 2])
    assert model.feature_names_in_.tolist() == ["a", "b"]
    assert model.n_features_in_ == 2
    model.fit(frame.to_numpy()[:, :1], [1, 2])
    assert not hasattr(model, "feature_names_in_")
    assert model.n_features_in_ == 1
