"""XGBClassifier and XGBRegressor against their definition: every leaf is a Newton step, every sum is in order."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, softmax
from sklearn.model_selection import GridSearchCV, GroupKFold, TimeSeriesSplit, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastml.ensemble import XGBClassifier, XGBRegressor

PARAMETERS = {"n_estimators": 8, "max_depth": 3, "learning_rate": 0.3, "reg_lambda": 2.0, "reg_alpha": 0.1}


def problem(task, n=600, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 5))
    X[:, 1] = np.round(X[:, 1])
    X[rng.random(X.shape) < 0.05] = np.nan
    signal = np.nan_to_num(X[:, 0]) + np.nan_to_num(X[:, 1] * X[:, 2]) + 0.5 * rng.normal(size=n)
    if task == "regression":
        return XGBRegressor, X, signal
    return XGBClassifier, X, np.digitize(signal, [0.0] if task == "binary" else [-0.7, 0.7])


def derivatives(task, y, raw):
    """Gradients and hessians (n_outputs, n) at raw scores (n_outputs, n)."""
    if task == "regression":
        return raw - y, np.ones_like(raw)
    if task == "binary":
        p = expit(raw)
        return p - y, p * (1 - p)
    p = softmax(raw, axis=0)
    return p - (y == np.arange(len(raw))[:, None]), 2.0 * p * (1 - p)


def margin(model, X, stop):
    if stop == 0:
        return np.repeat(model.intercept_[:, None], len(X), axis=1)
    return np.atleast_2d(model.predict(X, output_margin=True, iteration_range=(0, stop)).T)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("task", ["regression", "binary", "multiclass"])
def test_every_leaf_is_a_newton_step(task, weighted):
    estimator, X, y = problem(task)
    weight = np.random.default_rng(1).exponential(size=len(y)) if weighted else np.ones(len(y))
    model = estimator(**PARAMETERS).fit(X, y, sample_weight=weight if weighted else None)
    forest, leaves, k = model.forest_, model.apply(X), len(model.intercept_)
    assert leaves.shape == (len(X), 8 * k)
    for t in range(8):
        raw = margin(model, X, t)
        grad, hess = (weight * part for part in derivatives(task, y, raw))
        for output in range(k):
            tree = t * k + output
            values = forest.nodes["value"][forest.tree_start[tree] :]
            for leaf in np.unique(leaves[:, tree]):
                rows = leaves[:, tree] == leaf
                G, H = grad[output, rows].sum(), hess[output, rows].sum()
                step = -np.sign(G) * max(abs(G) - 0.1, 0.0) / (H + 2.0)
                np.testing.assert_allclose(values[leaf], 0.3 * step, rtol=2e-6, atol=1e-7)
            raw[output] += values[leaves[:, tree]]
        np.testing.assert_allclose(margin(model, X, t + 1), raw, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("task", ["regression", "binary", "multiclass"])
def test_the_base_score_is_the_best_constant(task):
    estimator, X, y = problem(task)
    weight = np.random.default_rng(2).exponential(size=len(y))
    start = estimator(n_estimators=1).fit(X, y, sample_weight=weight).intercept_
    if task == "multiclass":
        shares = np.array([weight[y == c].sum() for c in range(3)]) / weight.sum()
        np.testing.assert_allclose(softmax(start), shares)
    else:
        mean = np.average(y, weights=weight)
        np.testing.assert_allclose(start, mean if task == "regression" else np.log(mean / (1 - mean)))
    fixed = estimator(n_estimators=1, base_score=0.5).fit(X, y).intercept_
    np.testing.assert_allclose(fixed, 0.0 if task == "binary" else 0.5)


@pytest.mark.parametrize("kind", ["gain", "weight", "cover", "total_gain", "total_cover"])
def test_importances_count_the_splits(kind):
    estimator, X, y = problem("multiclass")
    model = estimator(**PARAMETERS, importance_type=kind).fit(X, y)
    forest = model.forest_
    inner = forest.nodes["left"] != 0
    feature = forest.nodes["feature"][inner] & 0x3FFFFFFF
    amount = np.bincount(feature, {"w": None, "g": forest.gain, "c": forest.cover}[kind.split("_")[-1][0]][inner]
                         if kind != "weight" else None, 5)  # fmt: skip
    if kind in ("gain", "cover"):
        amount = amount / np.maximum(np.bincount(feature, minlength=5), 1)
    np.testing.assert_allclose(model.feature_importances_, amount / amount.sum(), rtol=1e-6)


def test_rounds_of_a_range_and_margins_to_start_from():
    estimator, X, y = problem("regression")
    model = estimator(**PARAMETERS).fit(X, y)
    part = model.predict(X, iteration_range=(3, 6))
    expected = margin(model, X, 6) - margin(model, X, 3) + model.intercept_[0]
    np.testing.assert_allclose(part, expected[0])
    np.testing.assert_array_equal(model.predict(X, iteration_range=(0, 0)), model.predict(X))
    assert model.apply(X, iteration_range=(2, 5)).shape == (len(X), 3)
    with pytest.raises(ValueError, match="within the model's 8 rounds"):
        model.predict(X, iteration_range=(0, 9))
    first = estimator(**{**PARAMETERS, "n_estimators": 3}).fit(X, y)
    rest = estimator(**{**PARAMETERS, "n_estimators": 5}).fit(X, y, base_margin=first.predict(X))
    np.testing.assert_allclose(rest.predict(X, base_margin=first.predict(X)), model.predict(X), rtol=1e-6, atol=1e-6)


def early_stopped(model, X, y, how):
    held_out = np.arange(len(y)) % 3 == 0
    train = X[~held_out], y[~held_out]
    if how == "eval_set":
        return model.fit(*train, eval_set=[train, (X[held_out], y[held_out])])
    if how == "X_val":
        return model.fit(*train, X_val=X[held_out], y_val=y[held_out])
    if how == "fraction":
        return model.set_params(validation_fraction=0.3).fit(X, y)
    if how == "time":
        return model.set_params(splitter=TimeSeriesSplit(3)).fit(X, y)
    return model.set_params(splitter=GroupKFold(4)).fit(X, y, groups=np.arange(len(y)) // 10)


@pytest.mark.parametrize("how", ["eval_set", "X_val", "fraction", "time", "groups"])
@pytest.mark.parametrize("task", ["regression", "binary", "multiclass"])
def test_early_stopping_keeps_the_best_round(task, how):
    estimator, X, y = problem(task, 400)
    model = estimator(n_estimators=200, learning_rate=0.8, early_stopping_rounds=5, random_state=0)
    early_stopped(model, X, y, how)
    assert model.stop_reason_ == "early_stopping"
    data, scores = list(model.evals_result().items())[-1]
    assert data == ("validation_1" if how == "eval_set" else "validation_0")
    (curve,) = scores.values()
    assert model.best_iteration == int(np.argmin(curve))
    assert model.best_score == min(curve)
    assert model.n_estimators_ == len(curve) == model.best_iteration + 6
    best = model.predict(X, iteration_range=(0, model.best_iteration + 1))
    np.testing.assert_array_equal(model.predict(X), best)


def test_refit_trains_on_every_row_for_as_many_rounds_as_were_best():
    estimator, X, y = problem("regression", 400)
    settings = {"learning_rate": 0.8, "random_state": 0}
    stopped = estimator(
        n_estimators=200, early_stopping_rounds=5, validation_fraction=0.3, refit=True, **settings
    ).fit(X, y)  # fmt: skip
    whole = estimator(n_estimators=stopped.best_iteration + 1, **settings).fit(X, y)
    np.testing.assert_array_equal(stopped.predict(X), whole.predict(X))


def test_in_a_pipeline_and_a_grid_search():
    estimator, X, y = problem("binary", 400)
    model = estimator(n_estimators=50, early_stopping_rounds=3, validation_fraction=0.2, random_state=0)
    pipeline = make_pipeline(StandardScaler(), model)
    search = GridSearchCV(pipeline, {"xgbclassifier__max_depth": [1, 3]}, scoring="roc_auc", cv=3).fit(X, y)
    assert search.best_score_ > 0.8
    assert cross_val_score(pipeline, X, y, cv=3).min() > 0.7


@pytest.mark.parametrize("task", ["regression", "binary"])
def test_a_loss_of_one_s_own_is_as_the_built_in_one(task):
    estimator, X, y = problem(task)

    def logistic(y, raw):
        p = 1.0 / (1.0 + np.exp(-raw))
        return p - y, p * (1.0 - p)

    def squared(y, raw):
        return raw - y, 1.0

    def arrays(y, raw):
        grad, hess = derivatives(task, y, raw)
        return grad, hess

    half = 0.5 if task == "binary" else 0.0
    built_in = estimator(**PARAMETERS, base_score=half).fit(X, y).predict(X, output_margin=True)
    for objective in (logistic if task == "binary" else squared, arrays):
        own = estimator(**PARAMETERS, objective=objective, base_score=half).fit(X, y)
        np.testing.assert_allclose(own.predict(X, output_margin=True), built_in, rtol=1e-5, atol=1e-5)


def test_levels_and_labels_of_any_kind():
    estimator, X, y = problem("multiclass")
    frame = pd.DataFrame(X, columns=list("abcde")).assign(level=np.array(["no", "maybe", "yes"])[y])
    labels = np.array(["x", "y", "z"])[y]
    model = estimator(n_estimators=5, max_depth=2).fit(frame, labels)
    assert model.classes_.tolist() == ["x", "y", "z"]
    assert model.feature_names_in_.tolist() == ["a", "b", "c", "d", "e", "level"]
    assert model.score(frame, labels) == 1.0
    assert int(np.argmax(model.feature_importances_)) == 5


def test_a_row_at_a_time():
    for task in ("regression", "binary", "multiclass"):
        estimator, X, y = problem(task)
        model = estimator(**PARAMETERS).fit(X, y)
        predict = model.predictor()
        many = model.predict(X) if task == "regression" else model.predict_proba(X)
        for i in (0, 7, 599):
            expected = many[i, 1] if task == "binary" else many[i]
            np.testing.assert_allclose(predict(X[i]), expected, rtol=1e-12)


def test_infinities_are_values_like_others():
    X = np.array([-np.inf, 0.0, 1.0, np.inf, np.nan] * 20)[:, None]
    y = np.array([-2.0, 0.0, 1.0, 3.0, 9.0] * 20)
    model = XGBRegressor(n_estimators=100, learning_rate=0.5, reg_lambda=0.0).fit(X, y)
    np.testing.assert_allclose(model.predict(X), y, atol=1e-3)
