"""Out-of-bag predictions of bagging, against a slow loop over the rows that members did not see, and model files."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import accuracy_score, r2_score
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.svm import LinearSVC

from fastml.ensemble import BaggingClassifier, BaggingRegressor
from fastml.tree import ExtraTreeRegressor
from tests.estimators.test_bagging import classes, in_bag, numbers


@pytest.mark.filterwarnings("ignore:Some inputs do not have OOB scores")
@pytest.mark.parametrize("options", [{}, {"max_samples": 0.4, "max_features": 0.5}])
@pytest.mark.parametrize("template", [None, KNeighborsClassifier(3), LogisticRegression(), LinearSVC()])
def test_out_of_bag_classes(template, options):
    X, y = classes()
    model = BaggingClassifier(template, 12, oob_score=True, random_state=0, **options).fit(X, y)
    votes = np.zeros((len(y), 3))
    for member, count, features in zip(model, in_bag(model, len(y)), model.estimators_features_, strict=True):
        for i in np.flatnonzero(count == 0):
            row = X[i : i + 1, features]
            has = hasattr(member, "predict_proba")
            votes[i] += member.predict_proba(row)[0] if has else np.eye(3)[member.predict(row)[0]]
    with np.errstate(invalid="ignore"):
        np.testing.assert_allclose(model.oob_decision_function_, votes / votes.sum(axis=1, keepdims=True), atol=1e-12)
    assert model.oob_score_ == pytest.approx(accuracy_score(y, model.classes_[votes.argmax(axis=1)]))
    assert model.oob_score_ > 0.45


@pytest.mark.parametrize("options", [{}, {"max_samples": 0.4, "max_features": 0.5}])
@pytest.mark.parametrize("template", [None, LinearRegression(), KNeighborsRegressor()])
@pytest.mark.parametrize("n_outputs", [1, 2])
def test_out_of_bag_numbers(template, options, n_outputs):
    X, y = numbers(150)
    y = y if n_outputs == 1 else np.stack([y, y**2], axis=1)
    model = BaggingRegressor(template, 25, oob_score=True, random_state=0, **options).fit(X, y)
    total, seen = np.zeros(y.shape), np.zeros(len(y))
    for member, count, features in zip(model, in_bag(model, len(y)), model.estimators_features_, strict=True):
        for i in np.flatnonzero(count == 0):
            total[i] += member.predict(X[i : i + 1, features])[0]
            seen[i] += 1
    assert (seen > 0).all()
    np.testing.assert_allclose(model.oob_prediction_.T, total.T / seen, rtol=1e-5)
    assert model.oob_score_ == pytest.approx(r2_score(y, model.oob_prediction_))


def test_too_few_members_for_every_row_warn():
    X, y = classes()
    message = "Some inputs do not have OOB scores. This probably means too few estimators"
    with pytest.warns(UserWarning, match=message) as caught:
        model = BaggingClassifier(n_estimators=1, oob_score=True).fit(X, y)
    assert caught[0].filename == __file__
    assert np.isnan(model.oob_decision_function_).any()
    with pytest.warns(UserWarning, match=message):
        BaggingRegressor(LinearRegression(), 1, oob_score=True).fit(X, y == "low")


@pytest.mark.filterwarnings("ignore:Some inputs do not have OOB scores")
def test_files_are_for_trees_of_ours(tmp_path):
    with pytest.raises(TypeError, match="estimator is or holds a KNeighborsClassifier"):
        BaggingClassifier(KNeighborsClassifier(), 2).fit(*classes()).save(tmp_path / "model")
    model = BaggingRegressor(ExtraTreeRegressor(max_depth=3), 3, oob_score=True).fit(*numbers())
    model.save(tmp_path / "model")
    loaded = BaggingRegressor.load(tmp_path / "model")
    assert (len(loaded), loaded.oob_score_) == (3, model.oob_score_)
    np.testing.assert_array_equal(loaded.estimators_samples_[2], model.estimators_samples_[2])
