"""GradientBoosting*: equal to scikit-learn where no tie decides, and to itself in every way of fitting."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn.ensemble
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.tree import DecisionTreeRegressor

from fastml.ensemble import GradientBoostingClassifier, GradientBoostingRegressor

REGRESSION = ("squared_error", "absolute_error", "huber", "quantile")
CLASSIFICATION = ("log_loss", "exponential", "multinomial")
LOSSES = REGRESSION + CLASSIFICATION
SMOOTH = ("squared_error", "huber", "log_loss", "exponential")  # few splits with equal gains


def data(loss, n=300, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 5))
    y = 2 * X[:, 0] + np.sin(3 * X[:, 1]) + 0.3 * rng.normal(size=n)
    if loss in REGRESSION:
        return X, y
    return X, np.digitize(y, [-1.0, 1.0] if loss == "multinomial" else [0.0])


def estimator(loss, library=None, **parameters):
    kind = "GradientBoostingRegressor" if loss in REGRESSION else "GradientBoostingClassifier"
    parameters.setdefault("loss", "log_loss" if loss == "multinomial" else loss)
    parameters.setdefault("n_estimators", 20)
    parameters.setdefault("random_state", 0)
    if library is not None:
        return getattr(library, kind)(**parameters)
    return {"GradientBoostingRegressor": GradientBoostingRegressor}.get(kind, GradientBoostingClassifier)(**parameters)


def output(model, X):
    return model.decision_function(X) if hasattr(model, "decision_function") else model.predict(X)


@pytest.mark.parametrize("weights", ["none", "integer", "real", "some zero"])
@pytest.mark.parametrize(
    "parameters",
    [
        {}, {"max_depth": 1}, {"max_depth": None, "max_leaf_nodes": 6}, {"min_samples_leaf": 17},
        {"min_samples_split": 60, "max_depth": 6}, {"min_samples_leaf": 0.06, "min_samples_split": 0.3},
        {"min_weight_fraction_leaf": 0.1}, {"learning_rate": 0.7}, {"init": "zero"},
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("loss", SMOOTH)
def test_predictions_are_scikit_learn_s(loss, parameters, weights):
    if weights == "some zero" and isinstance(parameters.get("min_samples_leaf"), float):
        pytest.skip("a share of the rows: ours are those with weight")
    X, y = data(loss, n=200)  # fewer than 255 rows: every threshold of scikit-learn's is there
    rng = np.random.default_rng(1)
    weight = {
        "none": None, "integer": 1.0 * rng.integers(1, 4, len(y)), "real": rng.exponential(size=len(y)),
        "some zero": 1.0 * rng.integers(0, 3, len(y)),
    }[weights]  # fmt: skip
    ours = estimator(loss, n_estimators=8, **parameters).fit(X, y, sample_weight=weight)
    theirs = estimator(loss, sklearn.ensemble, n_estimators=8, **parameters).fit(X, y, sample_weight=weight)
    X = X if weight is None else X[weight > 0]  # a row left out may fall on the other side of a threshold
    apart = np.abs(output(ours, X) - output(theirs, X)) > 1e-9
    assert apart.mean() <= 0.3  # a split between equals moves some rows; most settings have none


@pytest.mark.parametrize("loss", SMOOTH)
def test_scores_trees_and_importances_are_scikit_learn_s(loss):
    X, y = data(loss, n=200, seed=3)
    ours, theirs = (
        estimator(loss, library, n_estimators=3, max_depth=2).fit(X, y) for library in (None, sklearn.ensemble)
    )
    np.testing.assert_allclose(ours.train_score_, theirs.train_score_, rtol=1e-9)
    np.testing.assert_allclose(ours.feature_importances_, theirs.feature_importances_, rtol=1e-5)
    assert ours.estimators_.shape == theirs.estimators_.shape
    for mine, other in zip(ours.estimators_.flat, theirs.estimators_.flat, strict=True):
        assert mine.tree_.node_count == other.tree_.node_count
        assert mine.tree_.max_depth == other.tree_.max_depth
        assert sorted(mine.tree_.feature) == sorted(other.tree_.feature)
        # below the root, scikit-learn's lie halfway between the node's own rows, ours between all rows
        np.testing.assert_allclose(mine.tree_.threshold[0], other.tree_.threshold[0], rtol=1e-6)
        np.testing.assert_allclose(
            np.sort(mine.tree_.weighted_n_node_samples), np.sort(other.tree_.weighted_n_node_samples)
        )
    np.testing.assert_allclose(
        np.atleast_1d(getattr(ours.init_, "constant_", 0.0)), np.atleast_1d(getattr(theirs.init_, "constant_", 0.0))
    )


def test_pruned_trees_are_scikit_learn_s():
    X, y = data("squared_error", n=200)
    for alpha in (0.003, 0.03, 0.3):
        ours, theirs = (
            estimator("squared_error", library, max_depth=5, ccp_alpha=alpha).fit(X, y)
            for library in (None, sklearn.ensemble)
        )
        leaves = [[t.tree_.n_leaves for t in model.estimators_.flat] for model in (ours, theirs)]
        assert leaves[0] == leaves[1]
        np.testing.assert_allclose(ours.predict(X), theirs.predict(X))


def test_least_decrease_of_impurity_is_scikit_learn_s():
    X, y = data("squared_error", n=200)
    weight = np.random.default_rng(0).exponential(size=200)
    for decrease in (0.01, 0.1, 1.0):
        ours, theirs = (
            estimator("squared_error", library, min_impurity_decrease=decrease).fit(X, y, weight)
            for library in (None, sklearn.ensemble)
        )
        np.testing.assert_allclose(ours.predict(X), theirs.predict(X))


@pytest.mark.parametrize("loss", ["absolute_error", "quantile", "multinomial"])
def test_losses_with_ties_score_as_scikit_learn_s(loss):
    X, y = data(loss, n=1000)
    ours, theirs = (estimator(loss, library, n_estimators=100).fit(X, y) for library in (None, sklearn.ensemble))
    assert ours.train_score_[-1] < 1.1 * theirs.train_score_[-1]


@pytest.mark.parametrize("loss", LOSSES)
def test_the_training_loss_falls_each_round(loss):
    X, y = data(loss)
    score = estimator(loss, n_estimators=60, learning_rate=0.1).fit(X, y).train_score_
    # Huber's delta moves from round to round, and a quantile may stand still
    assert (np.diff(score) <= (np.inf if loss == "huber" else 1e-12)).all()
    assert score[-1] < 0.7 * score[0]


@pytest.mark.parametrize("loss", LOSSES)
def test_stages_are_fits_with_fewer_rounds(loss):
    X, y = data(loss)
    model = estimator(loss, subsample=0.7, max_features=3).fit(X, y)
    staged = model.staged_decision_function(X) if loss in CLASSIFICATION else model.staged_predict(X)
    stages = [s[:, 0] if s.ndim == 2 and s.shape[1] == 1 else s for s in staged]
    assert len(stages) == model.n_estimators_ == 20
    for n in (1, 7, 20):
        few = estimator(loss, subsample=0.7, max_features=3, n_estimators=n).fit(X, y)
        np.testing.assert_array_equal(stages[n - 1], output(few, X))
    if loss in CLASSIFICATION:
        *_, last = model.staged_predict_proba(X)
        np.testing.assert_array_equal(last, model.predict_proba(X))
        np.testing.assert_allclose(last.sum(axis=1), 1.0)


@pytest.mark.parametrize("subsample", [1.0, 0.6])
@pytest.mark.parametrize("loss", LOSSES)
def test_a_warm_start_is_one_fit(loss, subsample):
    X, y = data(loss)
    parameters = {"subsample": subsample, "max_features": 2}
    one = estimator(loss, n_estimators=15, **parameters).fit(X, y)
    two = estimator(loss, n_estimators=6, warm_start=True, **parameters).fit(X, y)
    two.set_params(n_estimators=15).fit(X, y)
    np.testing.assert_array_equal(output(one, X), output(two, X))
    for name in ("train_score_", "oob_improvement_", "oob_scores_")[: 1 if subsample == 1 else 3]:
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    with pytest.raises(ValueError, match="n_estimators=3 must be larger or equal"):
        two.set_params(n_estimators=3).fit(X, y)


@pytest.mark.parametrize("loss", LOSSES)
def test_weights_are_repetitions(loss):
    X, y = data(loss, n=120)
    weight = np.random.default_rng(1).integers(0, 4, 120)
    weighted = estimator(loss).fit(X, y, sample_weight=weight)
    repeated = estimator(loss).fit(
        np.repeat(X, weight, axis=0), np.repeat(y, weight), sample_weight=np.ones(weight.sum())
    )
    apart = np.abs(output(weighted, X) - output(repeated, X)) > 1e-9
    assert apart.mean() <= 0.05  # a split between equals may fall otherwise


@pytest.mark.parametrize("loss", LOSSES)
def test_rows_of_weight_zero_are_absent(loss):
    X, y = data(loss)
    kept = np.random.default_rng(2).random(len(y)) < 0.7
    part = estimator(loss, subsample=0.8).fit(X[kept], y[kept], sample_weight=np.ones(kept.sum()))
    zero = estimator(loss, subsample=0.8).fit(X, y, sample_weight=kept.astype(float))
    np.testing.assert_array_equal(output(part, X), output(zero, X))


@pytest.mark.parametrize("loss", LOSSES)
def test_the_number_of_threads_does_not_show(loss):
    X, y = data(loss, n=3000)
    one, three = (estimator(loss, subsample=0.7, n_jobs=n).fit(X, y) for n in (1, 3))
    np.testing.assert_array_equal(output(one, X), output(three, X))
    np.testing.assert_array_equal(one.train_score_, three.train_score_)


@pytest.mark.parametrize("loss", LOSSES)
def test_leaves_files_and_pickles(loss, tmp_path):
    X, y = data(loss)
    model = estimator(loss, subsample=0.7).fit(X, y)
    leaves = model.apply(X)
    assert leaves.shape == (300, 20) if loss in REGRESSION else (300, 20, 3 if loss == "multinomial" else 1)
    first = model.estimators_[0, 0].tree_
    assert (first.children_left[leaves.reshape(300, -1)[:, 0]] == -1).all()
    model.save(tmp_path / "model")
    for copy in (pickle.loads(pickle.dumps(model)), type(model).load(tmp_path / "model")):
        np.testing.assert_array_equal(output(copy, X), output(model, X))
        np.testing.assert_array_equal(copy.oob_improvement_, model.oob_improvement_)
        assert copy.estimators_[0, 0].max_depth == 3
    row = model.predictor()(X[0])
    expected = model.predict(X[:1])[0] if loss in REGRESSION else model.predict_proba(X[:1])[0]
    np.testing.assert_allclose(row, expected[1] if np.ndim(row) == 0 and np.ndim(expected) else expected, rtol=1e-12)


def test_out_of_bag_scores_are_those_of_the_other_rows():
    X, y = data("squared_error")
    model = estimator("squared_error", subsample=0.5, n_estimators=30).fit(X, y)
    assert model.oob_score_ == model.oob_scores_[-1]
    np.testing.assert_allclose(model.oob_improvement_[1:], -np.diff(model.oob_scores_))
    assert model.oob_improvement_[:5].min() > 0
    assert not hasattr(model.set_params(subsample=1.0).fit(X, y), "oob_scores_")


@pytest.mark.parametrize("loss", ["squared_error", "log_loss", "multinomial"])
def test_an_estimator_to_start_from(loss):
    X, y = data(loss, n=200)
    X = X.astype(np.float32)  # what scikit-learn shows to init
    init = LinearRegression() if loss == "squared_error" else LogisticRegression()
    ours, theirs = (
        estimator(loss, library, init=clone(init), n_estimators=1).fit(X, y) for library in (None, sklearn.ensemble)
    )
    np.testing.assert_allclose(output(ours, X), output(theirs, X), rtol=1e-6, atol=1e-6)
    more = estimator(loss, init=init, n_estimators=1, warm_start=True).fit(X, y).set_params(n_estimators=9).fit(X, y)
    np.testing.assert_array_equal(output(more, X), output(estimator(loss, init=init, n_estimators=9).fit(X, y), X))
    assert not hasattr(init, "coef_")
    with pytest.raises(ValueError, match="an object implementing 'fit' and"):
        estimator(loss, init=LinearRegression).fit(X, y)
    with pytest.raises(ValueError, match="no predictor for one row"):
        ours.predictor()


def test_an_init_that_sees_a_frame():
    X, y = data("log_loss")
    frame = pd.DataFrame(X, columns=list("abcde"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = estimator("log_loss", init=LogisticRegression(), n_iter_no_change=5).fit(frame, y)
        model.predict(frame)


def test_the_default_start_shows_as_a_dummy():
    X, y = data("multinomial")
    init = estimator("multinomial").fit(X, y).init_
    assert isinstance(init, DummyClassifier)
    np.testing.assert_allclose(init.predict_proba(X[:1])[0], np.bincount(y) / len(y))


@pytest.mark.parametrize("loss", LOSSES)
def test_it_stops_when_the_validation_loss_does_not_change(loss):
    X, y = data(loss)
    model = estimator(loss, n_estimators=500, learning_rate=0.5, n_iter_no_change=5).fit(X, y)
    assert model.n_estimators_ < 500
    assert model.stop_reason_ == "early_stopping"
    assert len(model.train_score_) == len(model.estimators_) == model.n_estimators_
    apart = estimator(loss, n_estimators=500, learning_rate=0.5, n_iter_no_change=5)
    apart.fit(X[:250], y[:250], X_val=X[250:], y_val=y[250:])
    plain = estimator(loss, n_estimators=apart.n_estimators_, learning_rate=0.5).fit(X[:250], y[:250])
    np.testing.assert_array_equal(output(apart, X), output(plain, X))
    again = estimator(loss, n_estimators=500, learning_rate=0.5, n_iter_no_change=5, refit=True).fit(X, y)
    assert again.n_estimators_ == model.n_estimators_
    assert again.stop_reason_ == "early_stopping"
    plain = estimator(loss, n_estimators=again.n_estimators_, learning_rate=0.5).fit(X, y)
    np.testing.assert_array_equal(output(again, X), output(plain, X))


def test_a_monitor_sees_a_model_that_predicts():
    X, y = data("squared_error")
    seen = []

    def monitor(i, model, _):
        seen.append(np.mean((model.predict(X) - y) ** 2))
        return i == 4

    model = estimator("squared_error", subsample=0.9).fit(X, y, monitor=monitor)
    assert model.n_estimators_ == len(seen) == 5
    assert model.stop_reason_ == "callback"
    assert (np.diff(seen) < 0).all()
    assert model.oob_score_ == model.oob_scores_[-1]


def test_a_scheduler_changes_the_learning_rate():
    from fastml.ensemble.callbacks import LearningRateScheduler

    X, y = data("squared_error")
    rates = LearningRateScheduler([0.1, 0.0001])
    model = estimator("squared_error", n_estimators=2, callbacks=[rates]).fit(X, y)
    first, second = (np.nanmax(np.abs(t.tree_.value)) for t in model.estimators_.flat)
    assert second < 0.01 * first


def test_categories_of_a_frame():
    rng = np.random.default_rng(0)
    level = rng.choice(list("abcdef"), 300)
    effect = {"a": 0.0, "b": 5.0, "c": 0.0, "d": 5.0, "e": 0.0, "f": 5.0}
    y = np.array([effect[v] for v in level])
    frame = pd.DataFrame({"level": pd.Categorical(level), "noise": rng.normal(size=300)})
    model = GradientBoostingRegressor(max_depth=1, n_estimators=1, learning_rate=1.0).fit(frame, y)
    np.testing.assert_allclose(model.predict(frame), y, atol=1e-12)
    assert np.isnan(model.estimators_[0, 0].tree_.threshold[0])


def test_missing_values_have_a_side():
    X, y = data("squared_error")
    X[y > 1, 2] = np.nan
    model = estimator("squared_error", max_depth=1, n_estimators=1, learning_rate=1.0).fit(X, y)
    assert model.predict(X[y > 1]).min() > model.predict(X[y <= 1]).max()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"tree_method": "approx"}, "tree_method='approx' weighs its bins by second derivatives"),
        ({"max_bin": 256}, "max_bin"), ({"subsample": 0.0}, "subsample"), ({"alpha": 1.0}, "alpha"),
        ({"loss": "deviance"}, "loss"), ({"max_leaf_nodes": 1}, "max_leaf_nodes"), ({"max_time": 0}, "max_time"),
    ],
)  # fmt: skip
def test_a_wrong_parameter_is_named(parameters, message):
    X, y = data("squared_error")
    with pytest.raises(ValueError, match=message):
        GradientBoostingRegressor(**parameters).fit(X, y)


def test_wrong_targets_are_refused():
    X, y = data("multinomial")
    with pytest.raises(ValueError, match="only suitable for a binary classification"):
        GradientBoostingClassifier(loss="exponential").fit(X, y)
    with pytest.raises(ValueError, match="minimum of 2 classes"):
        GradientBoostingClassifier().fit(X, y, sample_weight=(y == 0).astype(float))
    with pytest.raises(ValueError, match="X_val is provided, but y_val was not provided"):
        GradientBoostingClassifier().fit(X, y, X_val=X)
    with pytest.raises(ValueError, match="labels that the training rows lack"):
        GradientBoostingClassifier(warm_start=True).fit(X, y).set_params(n_estimators=101).fit(X, y + 7)


@pytest.mark.parametrize("loss", REGRESSION)
def test_a_constant_target_is_predicted(loss):
    X = np.arange(20.0)[:, None]
    model = estimator(loss).fit(X, np.full(20, 3.0))
    np.testing.assert_array_equal(model.predict(X), 3.0)
    assert (model.feature_importances_ == 0).all()


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e9])
def test_the_unit_of_the_target_does_not_matter(scale):
    X, y = data("squared_error")
    base = estimator("squared_error", n_estimators=5).fit(X, y).predict(X)
    scaled = estimator("squared_error", n_estimators=5).fit(X, scale * y).predict(X)
    np.testing.assert_allclose(scaled, scale * base, rtol=1e-9, atol=1e-12 * scale)


def test_a_first_tree_is_a_regression_tree():
    X, y = data("squared_error", n=200)
    model = estimator("squared_error", n_estimators=1, learning_rate=1.0, max_depth=4, min_samples_leaf=5).fit(X, y)
    tree = DecisionTreeRegressor(max_depth=4, min_samples_leaf=5, random_state=0).fit(X, y)
    np.testing.assert_allclose(model.predict(X), tree.predict(X))
