"""Decision trees under scikit-learn's names: the same trees where no tie decides, and what a user may hand in."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from sklearn import tree as peer
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris, make_friedman1
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import fastml.io
from fastml.tree import (
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    ExtraTreeClassifier,
    ExtraTreeRegressor,
    export_text,
    plot_tree,
)

ALL = [DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier, ExtraTreeRegressor]


def numbers(n=600, seed=0):
    """float32 columns and a target of which no two values are equal."""
    X, y = make_friedman1(n, 6, noise=1.0, random_state=seed)
    return X.astype(np.float32), y


def assert_same_tree(ours, theirs):
    ours, theirs = ours.tree_, theirs.tree_
    for name in ("children_left", "children_right", "feature", "threshold", "n_node_samples"):
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name), err_msg=name)
    for name in ("impurity", "weighted_n_node_samples", "value"):
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-9, atol=1e-12, err_msg=name)
    np.testing.assert_array_equal(ours.missing_go_to_left, theirs.missing_go_to_left)
    assert (ours.max_depth, ours.n_leaves, ours.node_count) == (theirs.max_depth, theirs.n_leaves, theirs.node_count)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("criterion", ["squared_error", "poisson"])
def test_the_tree_of_scikit_learn_for_numbers(criterion, missing, weighted):
    X, y = numbers()
    weight = np.random.default_rng(0).uniform(0.5, 2, len(y)) if weighted else None
    y = np.exp(y / 10) if criterion == "poisson" else y
    if missing:
        X[np.random.default_rng(1).random(X.shape) < 0.1] = np.nan
    options = {"criterion": criterion, "min_samples_leaf": 8, "random_state": 0}
    ours = DecisionTreeRegressor(**options).fit(X, y, sample_weight=weight)
    theirs = peer.DecisionTreeRegressor(**options).fit(X, y, sample_weight=weight)
    assert_same_tree(ours, theirs)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-9)
    np.testing.assert_array_equal(ours.apply(X), theirs.apply(X))
    np.testing.assert_allclose(ours.feature_importances_, theirs.feature_importances_, rtol=1e-9, atol=1e-12)
    assert (ours.decision_path(X) != theirs.decision_path(X)).nnz == 0


@pytest.mark.parametrize("criterion", ["gini", "entropy", "log_loss"])
@pytest.mark.parametrize("n_classes", [2, 4])
def test_the_tree_of_scikit_learn_for_classes(criterion, n_classes):
    X, y = numbers(2000)
    y = y + np.random.default_rng(1).normal(scale=8, size=len(y))  # no node is pure: its impurity would be rounding
    y = np.digitize(y, np.quantile(y, np.arange(1, n_classes) / n_classes))
    weight = np.random.default_rng(0).uniform(0.5, 2, len(y))  # without weights, counts tie
    options = {"criterion": criterion, "min_samples_leaf": 20, "max_depth": 6, "random_state": 0}
    ours = DecisionTreeClassifier(**options).fit(X, y, sample_weight=weight)
    theirs = peer.DecisionTreeClassifier(**options).fit(X, y, sample_weight=weight)
    assert_same_tree(ours, theirs)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=1e-9)


def test_float64_values_that_float32_does_not_tell_apart():
    X = 1.0 + np.arange(100)[:, None] * 1e-12
    y = np.arange(100) % 7
    assert DecisionTreeClassifier().fit(X, y).score(X, y) == 1.0


def test_targets_far_from_zero_are_split_as_those_near_it():
    X, y = numbers()
    near, far = (DecisionTreeRegressor(min_samples_leaf=8).fit(X, y + shift) for shift in (0.0, 2.0**33))
    np.testing.assert_array_equal(near.tree_.feature, far.tree_.feature)
    np.testing.assert_allclose(far.predict(X) - 2.0**33, near.predict(X), atol=1e-5)


@pytest.mark.parametrize("cls", [DecisionTreeClassifier, DecisionTreeRegressor])
def test_pruning_is_that_of_scikit_learn(cls):
    X, y = load_iris(return_X_y=True) if cls is DecisionTreeClassifier else load_diabetes(return_X_y=True)
    X = X.astype(np.float32)
    X += np.random.default_rng(0).normal(scale=1e-3, size=X.shape).astype(np.float32)  # no ties
    weight = np.random.default_rng(1).uniform(0.5, 2, len(y))
    options = {"max_depth": 5, "min_samples_leaf": 3, "random_state": 0}
    ours, theirs = cls(**options), getattr(peer, cls.__name__)(**options)
    path = ours.cost_complexity_pruning_path(X, y, weight)
    expected = theirs.cost_complexity_pruning_path(X, y, weight)
    np.testing.assert_allclose(path.ccp_alphas, expected.ccp_alphas, rtol=1e-7, atol=1e-12)
    np.testing.assert_allclose(path.impurities, expected.impurities, rtol=1e-7, atol=1e-12)
    for alpha in (path.ccp_alphas[1:] + path.ccp_alphas[:-1]) / 2:
        pruned = clone(ours).set_params(ccp_alpha=alpha).fit(X, y, weight)
        assert_same_tree(pruned, clone(theirs).set_params(ccp_alpha=alpha).fit(X, y, weight))


@pytest.mark.parametrize("cls", ALL)
def test_any_container_and_any_labels(cls):
    X, y = numbers(200)
    X = X.astype(np.float64)
    y = np.where(y > y.mean(), "late", "on time") if "Classifier" in cls.__name__ else y
    names = [f"x{j}" for j in range(X.shape[1])]
    frame = pd.DataFrame(X, columns=names)
    model = cls(random_state=0).fit(frame, pd.Series(y))
    assert list(model.feature_names_in_) == names
    expected = model.predict(frame)
    for other in (pl.DataFrame(frame.to_dict("list")), frame):
        np.testing.assert_array_equal(cls(random_state=0).fit(other, y).predict(other), expected)
    for other in (X, np.asfortranarray(X), sp.csr_matrix(X), sp.csc_array(X), X.tolist()):
        np.testing.assert_array_equal(cls(random_state=0).fit(other, y).predict(other), expected)
    with pytest.raises(ValueError, match="feature"):
        model.predict(frame[names[::-1]])


@pytest.mark.parametrize("cls", ALL)
def test_files_and_pickles(cls, tmp_path):
    X, y = numbers(300)
    y = (y > y.mean()).astype(int) if "Classifier" in cls.__name__ else y
    X[5, 2] = np.nan
    model = cls(random_state=0, max_depth=6).fit(X, y)
    model.save(tmp_path / "model")
    for again in (pickle.loads(pickle.dumps(model)), fastml.io.load(tmp_path / "model"), cls.load(tmp_path / "model")):
        np.testing.assert_array_equal(again.predict(X), model.predict(X))
        np.testing.assert_array_equal(again.tree_.threshold, model.tree_.threshold)


@pytest.mark.parametrize("cls", ALL)
def test_one_row(cls):
    X, y = numbers(300)
    X[::9, 1] = np.nan
    for numbers_of in (y, np.stack([y, -y], axis=1)):
        is_classifier = "Classifier" in cls.__name__
        target = (numbers_of > np.median(numbers_of, axis=0)).astype(int) if is_classifier else numbers_of
        model = cls(random_state=0, max_depth=6).fit(X, target)
        predict = model.predictor()
        for i in range(20):
            expected = model.predict_proba(X[i : i + 1]) if is_classifier else model.predict(X[i : i + 1])
            several = isinstance(expected, list)
            np.testing.assert_array_equal(predict(X[i]), [p[0] for p in expected] if several else expected[0])


@pytest.mark.parametrize("cls", ALL)
def test_threads_change_nothing(cls):
    X, y = numbers(4000)
    y = np.digitize(y, np.quantile(y, [0.3, 0.6])) if "Classifier" in cls.__name__ else y
    states = {pickle.dumps(cls(random_state=1, n_jobs=n_jobs).fit(X, y)._fitted.nodes) for n_jobs in (1, 2, 5)}
    assert len(states) == 1


@pytest.mark.parametrize("cls", ALL)
def test_rows_of_weight_zero_are_not_there(cls):
    X, y = numbers(400)
    y = (y > y.mean()).astype(int) if "Classifier" in cls.__name__ else y
    weight = np.random.default_rng(0).integers(0, 2, len(y)).astype(float)
    kept = weight > 0
    weighted = cls(random_state=0).fit(X, y, sample_weight=weight)
    without = cls(random_state=0).fit(X[kept], y[kept])
    np.testing.assert_array_equal(weighted.predict(X), without.predict(X))


def test_class_weight_is_weight_of_the_rows():
    X, y = load_iris(return_X_y=True)
    weight = np.array([1.0, 3.0, 0.5])[y]
    by_class = DecisionTreeClassifier(class_weight={0: 1, 1: 3, 2: 0.5}, max_depth=3).fit(X, y)
    by_row = DecisionTreeClassifier(max_depth=3).fit(X, y, sample_weight=weight)
    np.testing.assert_array_equal(by_class.predict_proba(X), by_row.predict_proba(X))


def test_several_outputs():
    X, y = numbers(500)
    Y = np.stack([y, -y, X[:, 0] * 10], axis=1)
    model = DecisionTreeRegressor(min_samples_leaf=8).fit(X, Y)
    assert_same_tree(model, peer.DecisionTreeRegressor(min_samples_leaf=8, random_state=0).fit(X, Y))
    assert model.predict(X).shape == Y.shape
    labels = np.stack([np.where(y > 15, "a", "b"), np.digitize(y, [10, 20]).astype(str)], axis=1)
    classifier = DecisionTreeClassifier(max_depth=4).fit(X, labels)
    assert classifier.predict(X).shape == labels.shape
    assert [p.shape for p in classifier.predict_proba(X)] == [(500, 2), (500, 3)]
    assert classifier.n_classes_ == [2, 3]


def test_inside_scikit_learn():
    X, y = load_iris(return_X_y=True)
    grid = GridSearchCV(
        make_pipeline(StandardScaler(), DecisionTreeClassifier(random_state=0)),
        {"decisiontreeclassifier__max_depth": [1, 3], "decisiontreeclassifier__criterion": ["gini", "entropy"]}, cv=3,
    ).fit(X, y)  # fmt: skip
    assert grid.best_params_["decisiontreeclassifier__max_depth"] == 3
    members = [("deep", DecisionTreeClassifier()), ("random", ExtraTreeClassifier(random_state=0))]
    assert VotingClassifier(members, voting="soft").fit(X, y).score(X, y) > 0.95
    assert StackingClassifier(members, cv=3).fit(X, y).score(X, y) > 0.9


def test_text_and_picture():
    import matplotlib

    matplotlib.use("Agg")
    X, y = load_iris(return_X_y=True)
    model = DecisionTreeClassifier(max_depth=2).fit(X, y)
    assert "feature_2 <= 2.45" in export_text(model)
    assert len(plot_tree(model)) > 3
    assert export_text(peer.DecisionTreeClassifier(max_depth=2, random_state=0).fit(X, y)).count("class") == 3


@pytest.mark.parametrize("cls", ALL)
def test_what_just_works(cls):
    one = [[1.0, 2.0]]
    assert cls().fit(one, [3]).predict(one) == [3]
    X = np.random.default_rng(0).normal(size=(40, 3))
    constant = cls().fit(X, np.full(40, 5))
    assert constant.get_n_leaves() == 1
    assert (constant.predict(X) == 5).all()
    nothing = np.full((40, 2), np.nan)
    assert cls().fit(nothing, np.arange(40) % 2).get_n_leaves() == 1
    wide = np.random.default_rng(1).normal(size=(30, 10_000))
    assert cls(random_state=0, max_features=0.1).fit(wide, np.arange(30) % 3).score(wide, np.arange(30) % 3) == 1.0
    for odd in (X.astype(np.float16), X.astype(">f8"), X[::-1, ::-1]):
        assert cls(random_state=0).fit(odd, np.arange(40) % 2).score(odd, np.arange(40) % 2) > 0.9
    X.setflags(write=False)
    cls().fit(X, np.arange(40) % 2)


@pytest.mark.parametrize("cls", ALL)
def test_categories(cls, tmp_path):
    rng = np.random.default_rng(0)
    carrier = rng.choice(np.array(["AA", "B6", "DL", "UA", "WN"]), 900)
    signal = np.isin(carrier, ["B6", "WN"]) + 0.0
    frame = pd.DataFrame({"noise": rng.normal(size=900), "carrier": pd.Categorical(carrier)})
    frame.loc[::50, "carrier"] = None
    y = signal if "Regressor" in cls.__name__ else np.where(signal > 0, "late", "on time")
    depth = 4 if cls.__name__.startswith("Decision") else None
    model = cls(max_depth=depth, random_state=0, max_features=None).fit(frame[20:], y[20:])
    kept = frame["carrier"].notna() & (np.arange(900) >= 20)
    assert model.score(frame[kept], y[kept]) == 1.0
    if cls.__name__.startswith("Decision"):
        assert set(map(str, model.predict(frame[kept][:50]))) == set(map(str, y[kept][:50]))
        assert model.feature_importances_[1] > 0.95
        assert not model._fitted.subtree(model._fitted.depths == 0).check()
    new = pd.DataFrame({"noise": [0.0], "carrier": pd.Categorical(["XX"])})
    missing = pd.DataFrame({"noise": [0.0], "carrier": pd.Categorical([None], categories=["AA"])})
    assert model.predict(new) == model.predict(missing)
    with pytest.raises(ValueError, match="XX"):
        cls(unseen="error").fit(frame, y).predict(new)
    with pytest.raises(ValueError, match="splits by category"):
        model.tree_  # noqa: B018
    model.save(tmp_path / "model")
    np.testing.assert_array_equal(fastml.io.load(tmp_path / "model").predict(frame), model.predict(frame))
    codes = cls(max_depth=depth, random_state=0, max_features=None, categorical_features=[1])
    as_numbers = np.column_stack([frame["noise"], frame["carrier"].cat.codes.replace(-1, np.nan)])
    np.testing.assert_array_equal(codes.fit(as_numbers[20:], y[20:]).predict(as_numbers), model.predict(frame))


def test_more_levels_than_a_set_holds():
    rng = np.random.default_rng(0)
    level = rng.integers(0, 600, 5000)
    X, y = pd.DataFrame({"tail": pd.Categorical(level.astype(str))}), (level % 2 == 0).astype(int)
    model = DecisionTreeClassifier().fit(X, y)
    assert 0.6 < model.score(X, y) < 1.0, "254 levels are told apart, the others are one"


def test_three_hundred_classes():
    X = np.arange(900.0)[:, None]
    y = np.repeat(np.arange(300), 3)
    assert DecisionTreeClassifier().fit(X, y).score(X, y) == 1.0


@pytest.mark.parametrize(
    "options, fit, message",
    [
        ({"criterion": "mse"}, {}, "criterion"),
        ({"max_depth": 0}, {}, "max_depth"),
        ({"min_samples_leaf": 0}, {}, "min_samples_leaf"),
        ({"max_leaf_nodes": 1}, {}, "max_leaf_nodes"),
        ({"max_features": "half"}, {}, "max_features"),
        ({"ccp_alpha": -1.0}, {}, "ccp_alpha"),
        ({"monotonic_cst": [1, 0]}, {}, "monotonic_cst has shape 2 but the input data X has 6 features"),
        ({"monotonic_cst": [2, 0, 0, 0, 0, 0]}, {}, "-1, 0 or 1"),
        ({"criterion": "poisson"}, {"y": -np.ones(600)}, "negative.*Poisson"),
        ({}, {"y": np.full(600, np.nan)}, "NaN"),
        ({}, {"y": np.ones(5)}, "inconsistent numbers of samples"),
        ({}, {"sample_weight": -np.ones(600)}, "Negative values"),
        ({}, {"sample_weight": np.zeros(600)}, "at least one non-zero"),
        ({}, {"sample_weight": np.ones(5)}, "sample_weight.shape"),
        ({}, {"X": np.full((600, 6), np.inf)}, "infinity"),
        ({"unseen": "ignore"}, {}, "unseen"),
        (
            {"monotonic_cst": [1]}, {"X": pd.DataFrame({"carrier": pd.Categorical(["AA", "UA"] * 300)})},
            "categorical column",
        ),
        ({}, {"X": np.empty((0, 6)), "y": np.empty(0)}, "0 sample"),
    ],
)  # fmt: skip
def test_bad_input(options, fit, message):
    X, y = numbers()
    with pytest.raises(ValueError, match=message):
        DecisionTreeRegressor(**options).fit(**{"X": X, "y": y, **fit})


def test_before_the_fit():
    from sklearn.exceptions import NotFittedError

    for call in ("predict", "apply", "decision_path"):
        with pytest.raises(NotFittedError):
            getattr(DecisionTreeClassifier(), call)([[1.0]])
    assert not hasattr(DecisionTreeClassifier(), "tree_")
