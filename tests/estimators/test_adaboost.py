"""AdaBoost against its twins and scikit-learn's, over trees of ours and over any estimator."""

import signal

import numpy as np
import pandas as pd
import pytest
from sklearn import ensemble as peer
from sklearn import tree as peer_tree
from sklearn.datasets import load_iris, make_friedman1
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

import fastml.io
from fastml.ensemble import AdaBoostClassifier, AdaBoostRegressor
from fastml.exceptions import FitInterrupted
from fastml.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier
from tests.reference import adaboost as twin


def classes(n_classes=2, n=500):
    X, y = make_friedman1(n, 6, noise=2.0, random_state=0)
    return X.astype(np.float32), np.digitize(y, np.quantile(y, np.arange(1, n_classes) / n_classes))


def numbers(n=400):
    X, y = make_friedman1(n, 6, noise=1.0, random_state=1)
    return X.astype(np.float32), y


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("weighted", [False, True])
def test_samme_is_its_twin_and_scikit_learn_s(n_classes, weighted):
    X, y = classes(n_classes)
    rng = np.random.default_rng(0)
    weight = rng.integers(0, 3, len(y)).astype(float) if weighted else np.ones(len(y))
    options = {"n_estimators": 20, "learning_rate": 0.7}
    ours = AdaBoostClassifier(**options).fit(X, y, sample_weight=weight if weighted else None)
    members, alphas, errors = twin.samme(DecisionTreeClassifier(max_depth=1), X, y, weight, 20, 0.7)
    np.testing.assert_allclose(ours.estimator_weights_, alphas, rtol=1e-9)
    np.testing.assert_allclose(ours.estimator_errors_, errors, rtol=1e-9)
    assert [m.tree_.threshold[0] for m in ours.estimators_] == [m.tree_.threshold[0] for m in members]
    theirs = peer.AdaBoostClassifier(**options, random_state=0).fit(X, y, sample_weight=weight)
    np.testing.assert_allclose(ours.estimator_weights_, theirs.estimator_weights_, rtol=1e-9)
    np.testing.assert_allclose(ours.decision_function(X), theirs.decision_function(X), atol=1e-12)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-12)
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
    np.testing.assert_allclose(ours.feature_importances_, theirs.feature_importances_, atol=1e-9)
    for a, b in zip(ours.staged_predict_proba(X), theirs.staged_predict_proba(X), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-12)
    assert list(ours.staged_score(X, y)) == list(theirs.staged_score(X, y))


@pytest.mark.parametrize("loss", ["linear", "square", "exponential"])
@pytest.mark.parametrize("template", [DecisionTreeRegressor(max_depth=3), LinearRegression()], ids=["tree", "line"])
def test_r2_is_its_twin(loss, template):
    X, y = numbers()
    weight = np.random.default_rng(0).integers(0, 3, len(y)).astype(float)
    model = AdaBoostRegressor(template, n_estimators=8, loss=loss, learning_rate=0.8).fit(X, y, sample_weight=weight)
    members, alphas, errors = twin.r2(template, X, y, weight, 8, 0.8, loss)
    n = len(members)
    np.testing.assert_allclose(model.estimator_weights_[:n], alphas, rtol=1e-7)
    np.testing.assert_allclose(model.estimator_errors_[:n], errors, rtol=1e-7)
    each = np.stack([m.predict(X) for m in members], axis=1)
    for row, said in zip(each, model.predict(X), strict=True):
        order = np.argsort(row)
        below = np.cumsum(np.array(alphas)[order])
        assert said == pytest.approx(row[order][np.argmax(below >= below[-1] / 2)], rel=1e-9)
    assert model.score(X, y) > 0.6


def test_columns_sorted_once_give_the_trees_of_a_fit_each():
    X, y = classes(3)
    X[::7, 2] = np.nan
    template = DecisionTreeClassifier(max_depth=3, min_samples_leaf=4, class_weight={0: 2.0})
    shared = AdaBoostClassifier(template, n_estimators=6).fit(X, y)
    members, alphas, _ = twin.samme(template, X, y, np.ones(len(y)), 6, 1.0)
    np.testing.assert_allclose(shared.estimator_weights_, alphas, rtol=1e-9)
    for ours, alone in zip(shared.estimators_, members, strict=True):
        np.testing.assert_array_equal(ours.tree_.threshold, alone.tree_.threshold)
        np.testing.assert_array_equal(ours.predict(X), alone.predict(X))


@pytest.mark.parametrize(
    "template", [ExtraTreeClassifier(max_depth=2), LogisticRegression(), peer_tree.DecisionTreeClassifier(max_depth=1)]
)
def test_any_weighted_classifier(template):
    X, y = load_iris(return_X_y=True)
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    frame = pd.DataFrame(X, columns=list("abcd"))
    model = AdaBoostClassifier(template, n_estimators=15, random_state=0).fit(frame, names)
    assert model.score(frame, names) > 0.8
    assert list(model.feature_names_in_) == list("abcd")
    assert (model.classes_.take(model.predict_proba(frame).argmax(axis=1)) == model.predict(frame)).all()
    again = AdaBoostClassifier(template, n_estimators=15, random_state=0).fit(frame, names)
    np.testing.assert_array_equal(again.decision_function(frame), model.decision_function(frame))


def test_a_weight_of_two_is_a_row_given_twice():
    X, y = numbers(150)
    times = np.random.default_rng(0).integers(0, 3, len(y))
    rows = np.repeat(np.arange(len(y)), times)
    for model, target in ((AdaBoostRegressor(n_estimators=5), y), (AdaBoostClassifier(n_estimators=5), y > y.mean())):
        weighted = model.fit(X, target, sample_weight=times.astype(float)).predict(X)
        repeated = model.fit(X[rows], target[rows]).predict(X)
        np.testing.assert_allclose(weighted, repeated)


def test_categories_over_our_trees():
    rng = np.random.default_rng(0)
    level = rng.choice(np.array(list("abcdef")), 400)
    frame = pd.DataFrame({"level": pd.Categorical(level), "x": rng.normal(size=400)})
    y = np.isin(level, ["b", "e"]) ^ (frame["x"] > 0).to_numpy()
    model = AdaBoostClassifier(DecisionTreeClassifier(max_depth=2), n_estimators=10).fit(frame, y)
    assert model.score(frame, y) > 0.95
    alone = DecisionTreeClassifier(max_depth=2).fit(frame, y)
    np.testing.assert_array_equal(model.estimators_[0].predict(frame), alone.predict(frame))


def test_files(tmp_path):
    X, y = classes(3)
    model = AdaBoostClassifier(n_estimators=5).fit(X, y)
    model.save(tmp_path / "model")
    np.testing.assert_array_equal(fastml.io.load(tmp_path / "model").predict_proba(X), model.predict_proba(X))
    assert not any("sorted" in name or "rows" in name for name in vars(model)), "training data are not kept"


def test_a_perfect_member_ends_the_rounds():
    X = np.arange(10.0)[:, None]
    model = AdaBoostClassifier().fit(X, X[:, 0] > 4)
    assert len(model) == 1
    assert model.estimator_errors_[0] == 0
    assert model.stop_reason_ == "perfect fit"


class PressesCtrlC(LogisticRegression):
    """In its third fit."""

    fits = 0

    def fit(self, X, y, sample_weight=None):
        PressesCtrlC.fits += 1
        if PressesCtrlC.fits == 3:
            signal.raise_signal(signal.SIGINT)
        return super().fit(X, y, sample_weight)


def test_ctrl_c_leaves_the_members_so_far():
    X, y = classes()
    with pytest.warns(FitInterrupted, match="after 3 of 50 rounds"):
        model = AdaBoostClassifier(PressesCtrlC()).fit(X, y)
    assert len(model) == 3
    assert model.stop_reason_ == "interrupt"
    assert model.score(X, y) > 0.6


@pytest.mark.parametrize(
    "model, y, message",
    [
        (AdaBoostClassifier(KNeighborsClassifier()), [0, 1, 0, 1], "KNeighborsClassifier doesn't support"),
        (AdaBoostClassifier(n_estimators=0), [0, 1, 0, 1], "n_estimators"),
        (AdaBoostClassifier(learning_rate=0.0), [0, 1, 0, 1], "learning_rate"),
        (AdaBoostClassifier(estimator="tree"), [0, 1, 0, 1], "estimator"),
        (AdaBoostClassifier(DecisionTreeClassifier(max_depth=0)), [0, 1, 0, 1], "max_depth"),
        (AdaBoostRegressor(loss="absolute"), [0.0, 1, 0, 1], "loss"),
        (AdaBoostClassifier(), [0.5, 1, 0, 1], "continuous"),
        (AdaBoostClassifier(), [0, 1], "inconsistent"),
    ],
)
def test_bad_input(model, y, message):
    with pytest.raises(ValueError, match=message):
        model.fit(np.arange(8.0).reshape(4, 2), y)


def test_a_regressor_without_weights_sees_rows_drawn_by_them():
    X, y = numbers()
    model = AdaBoostRegressor(KNeighborsRegressor(), n_estimators=4, random_state=0).fit(X, y)
    assert model.score(X, y) > 0.7
    again = AdaBoostRegressor(KNeighborsRegressor(), n_estimators=4, random_state=0).fit(X, y)
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
