"""Forests: what they predict is the mean of their trees, what they leave out, quantiles, importances, bad input."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris, make_friedman1
from sklearn.inspection import permutation_importance
from sklearn.metrics import accuracy_score, r2_score

from fastml.ensemble import ExtraTreesClassifier, ExtraTreesRegressor, RandomForestClassifier, RandomForestRegressor
from fastml.exceptions import FitInterrupted
from fastml.tree import DecisionTreeClassifier, DecisionTreeRegressor

CLASSIFIERS, REGRESSORS = [RandomForestClassifier, ExtraTreesClassifier], [RandomForestRegressor, ExtraTreesRegressor]
EVERY = CLASSIFIERS + REGRESSORS
IRIS, DIABETES = load_iris(return_X_y=True), load_diabetes(return_X_y=True)


def data_for(kind):
    return IRIS if kind in CLASSIFIERS else DIABETES


def frame():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.random(400), "b": rng.choice(list("abcdef"), 400), "c": rng.normal(size=400)})
    X.loc[::9, "a"] = np.nan
    return X, X["b"].isin(["a", "c"]) * 2 + X["a"].fillna(3.0) + 0.1 * X["c"]


@pytest.mark.parametrize("kind", EVERY)
@pytest.mark.parametrize("criterion", ["default", "poisson", "absolute_error", "entropy"])
@pytest.mark.parametrize("n_outputs", [1, 2])
def test_a_forest_says_the_mean_of_its_trees(kind, criterion, n_outputs):
    X, y = data_for(kind)
    classes = kind in CLASSIFIERS
    if criterion != "default" and (criterion == "entropy") != classes:
        pytest.skip("a criterion for the other kind of target")
    y = y if n_outputs == 1 else np.stack([y, y // 2], 1)
    parameters = {} if criterion == "default" else {"criterion": criterion}
    model = kind(12, random_state=3, min_samples_leaf=2, **parameters).fit(X, y)
    trees = model.estimators_
    if classes:
        parts = [tree.predict_proba(X) for tree in trees]
        parts = parts if n_outputs > 1 else [[part] for part in parts]
        found = model.predict_proba(X) if n_outputs > 1 else [model.predict_proba(X)]
        for k in range(n_outputs):
            np.testing.assert_allclose(found[k], np.mean([part[k] for part in parts], axis=0), atol=1e-12)
            said = model.predict(X) if n_outputs == 1 else model.predict(X)[:, k]
            np.testing.assert_array_equal(said, found[k].argmax(axis=1))
    else:
        np.testing.assert_allclose(model.predict(X), np.mean([tree.predict(X) for tree in trees], axis=0))
    np.testing.assert_array_equal(model.apply(X), np.stack([tree.apply(X) for tree in trees], 1))


@pytest.mark.parametrize("kind", EVERY)
@pytest.mark.parametrize("criterion", ["default", "poisson"])
def test_statistics_of_all_nodes_follow_from_the_leaves(kind, criterion):
    """A tree of a forest is, node by node, the tree that the exact engine grows on the rows that it saw."""
    X, y = data_for(kind)
    if criterion == "poisson" and kind in CLASSIFIERS:
        pytest.skip("for numbers")
    parameters = {} if criterion == "default" else {"criterion": criterion}
    model = kind(5, random_state=0, max_features=0.5, max_depth=4, bootstrap=True, **parameters).fit(X, y)
    for tree, rows in zip(model.estimators_, model.estimators_samples_, strict=True):
        alone = clone(tree).fit(X[rows], y[rows])
        np.testing.assert_array_equal(alone.tree_.threshold, tree.tree_.threshold)
        np.testing.assert_allclose(alone.tree_.value, tree.tree_.value, rtol=1e-9)
        np.testing.assert_allclose(alone.tree_.impurity, tree.tree_.impurity, rtol=1e-9, atol=1e-9)
        np.testing.assert_array_equal(alone.tree_.weighted_n_node_samples, tree.tree_.weighted_n_node_samples)
        np.testing.assert_allclose(alone.feature_importances_, tree.feature_importances_, rtol=1e-6)


@pytest.mark.parametrize("kind", EVERY)
def test_out_of_bag_predictions_are_those_of_trees_that_did_not_see_the_row(kind):
    X, y = data_for(kind)
    model = kind(40, bootstrap=True, oob_score=True, random_state=0).fit(X, y)
    total, count = 0.0, np.zeros(len(X))
    for tree, rows in zip(model.estimators_, model.estimators_samples_, strict=True):
        assert len(rows) == len(X)
        out = ~np.isin(np.arange(len(X)), rows)
        said = tree.predict_proba(X) if kind in CLASSIFIERS else tree.predict(X)[:, None]
        total, count = total + said * out[:, None], count + out
    mean = total / count[:, None]
    if kind in CLASSIFIERS:
        np.testing.assert_allclose(model.oob_decision_function_, mean)
        assert model.oob_score_ == accuracy_score(y, mean.argmax(axis=1))
    else:
        np.testing.assert_allclose(model.oob_prediction_, mean[:, 0])
        assert model.oob_score_ == pytest.approx(r2_score(y, mean[:, 0]))
    assert model.oob_curve_[-1, 0] == 40
    assert model.oob_curve_[-1, 1] == pytest.approx(model.oob_score_)


def test_the_score_is_a_function_of_ones_own():
    X, y = DIABETES
    model = RandomForestRegressor(30, oob_score=lambda y, said: -np.abs(y - said).mean(), random_state=0).fit(X, y)
    assert model.oob_score_ == pytest.approx(-np.abs(y - model.oob_prediction_).mean())


def test_growth_ends_when_the_out_of_bag_score_no_longer_rises():
    X, y = IRIS
    model = RandomForestClassifier(1000, patience=50, random_state=0).fit(X, y)
    assert model.stop_reason_ == "early_stopping"
    assert len(model) == model.oob_curve_[-1, 0] < 500
    assert not hasattr(model, "oob_score_")
    rest = model.oob_curve_[model.oob_curve_[:, 0] <= model.oob_curve_[-1, 0] - 50]
    assert model.oob_curve_[-1, 1] <= rest[:, 1].max() + model.tol
    np.testing.assert_array_equal(
        model.predict_proba(X), RandomForestClassifier(len(model), random_state=0).fit(X, y).predict_proba(X)
    )


@pytest.mark.parametrize("balanced", [False, True])
@pytest.mark.parametrize("kind", EVERY)
def test_neither_threads_nor_the_order_of_rows_nor_repetition_change_a_bit(kind, balanced):
    X, y = frame()
    # Whole numbers, so that sums are exact: a row of weight 3 is then three rows to the bit.
    y = (y > 1.5).astype(int) if kind in CLASSIFIERS else np.round(64 * y)
    weight = np.random.default_rng(1).integers(0, 4, len(X))
    even = {"class_weight": "balanced_subsample"} if balanced and kind in CLASSIFIERS else {}
    wanted = kind(10, random_state=0, n_jobs=1, **even).fit(X, y, sample_weight=weight)
    order = np.random.default_rng(2).permutation(np.repeat(np.arange(len(X)), weight))
    again = kind(10, random_state=0, n_jobs=3, **even).fit(X.iloc[order], np.asarray(y)[order])
    scaled = kind(10, random_state=0, **even).fit(X, y, sample_weight=weight * 0.25)
    if kind.__name__.startswith("Random"):
        for other in (again, scaled):
            np.testing.assert_array_equal(wanted._forest.nodes, other._forest.nodes)
    said = "predict_proba" if kind in CLASSIFIERS else "predict"
    for other in (again, scaled):
        np.testing.assert_allclose(getattr(wanted, said)(X), getattr(other, said)(X), rtol=1e-9)


def test_quantiles_are_those_of_the_weighted_training_targets():
    X, y = make_friedman1(300, random_state=0)
    model = RandomForestRegressor(20, keep_targets=True, min_samples_leaf=5, random_state=0).fit(X[:200], y[:200])
    wanted = [0.1, 0.5, 0.9]
    found = model.predict(X[200:], quantiles=wanted)
    assert found.shape == (100, 3)
    train, query = model.apply(X[:200]), model.apply(X[200:])
    counts = [np.bincount(rows, minlength=200) for rows in model.estimators_samples_]
    order = np.argsort(y[:200])
    for i in range(0, 100, 7):
        weight = np.zeros(200)
        for t, count in enumerate(counts):
            own = count * (train[:, t] == query[i, t])
            weight += own / own.sum() / 20
        below = np.cumsum(weight[order])
        for q, level in enumerate(wanted):
            k = int(np.argmax(below >= level * (1 - 1e-5)))
            assert found[i, q] == y[:200][order][k]
        assert weight @ y[:200] == pytest.approx(model.predict(X[200 + i : 201 + i])[0])
    interval = model.predict_interval(X[200:], coverage=0.8)
    np.testing.assert_array_equal(interval, model.predict(X[200:], quantiles=[0.1, 0.9]))
    assert 0.6 < np.mean((interval[:, 0] <= y[200:]) & (y[200:] <= interval[:, 1])) < 0.99
    assert model.predict(X[200:], quantiles=0.5).shape == (100, 1)


def test_quantiles_of_two_outputs_and_without_bootstrap():
    X, y = DIABETES
    model = ExtraTreesRegressor(10, keep_targets=True, random_state=0).fit(X, np.stack([y, -y], 1))
    found = model.predict(X[:5], quantiles=[0.3, 0.7])
    np.testing.assert_array_equal(found, np.stack([[y[:5], y[:5]], [-y[:5], -y[:5]]]).transpose(2, 0, 1))


def test_an_importance_that_is_not_biased_gives_noise_nothing():
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.integers(0, 2, 600), rng.normal(size=600), rng.integers(0, 40, 600)])
    y = (X[:, 0] + (rng.random(600) < 0.2) == 1).astype(int)
    kinds = {kind: RandomForestClassifier(60, importance=kind, random_state=0).fit(X, y).feature_importances_
             for kind in ("impurity", "unbiased", "permutation")}  # fmt: skip
    assert kinds["impurity"][1] > 0.3  # noise of many values, on the rows that chose the splits
    for kind in ("unbiased", "permutation"):
        assert np.abs(kinds[kind][1:]).max() < 0.1 * kinds[kind][0]


def test_the_unbiased_importance_on_the_trees_own_rows_is_the_decrease_of_the_impurity():
    from fastml.ensemble.forest_importances import unbiased

    X, y = DIABETES
    model = RandomForestRegressor(5, bootstrap=False, max_features=0.5, max_depth=5, random_state=0).fit(X, y)
    everything = [np.arange(len(X))] * 5
    found = unbiased(model._forest, X, y[:, None], everything, 1)
    np.testing.assert_allclose(found / found.sum(), model.feature_importances_, atol=0.02)
    by_tree = [unbiased(model._forest.first(1), X, y[:, None], everything[:1], 1)]
    np.testing.assert_allclose(by_tree[0] / by_tree[0].sum(), model.estimators_[0].feature_importances_, rtol=1e-6)


def test_permutation_importance_is_as_scikit_learn_has_it_on_rows_left_out():
    X, y = make_friedman1(800, random_state=0)
    model = RandomForestRegressor(40, importance="permutation", max_features=0.5, random_state=0).fit(X[:400], y[:400])
    other = permutation_importance(model, X[400:], y[400:], scoring="neg_mean_squared_error", random_state=0)
    assert np.corrcoef(model.feature_importances_, other.importances_mean)[0, 1] > 0.95
    assert np.abs(model.feature_importances_[5:]).max() < 0.05 * model.feature_importances_.max()


def test_proximity_is_the_share_of_trees_with_both_rows_in_one_leaf():
    X, y = IRIS
    model = RandomForestClassifier(15, max_depth=3, random_state=0).fit(X, y)
    leaves = model.apply(X)
    wanted = (leaves[:, None] == leaves[None, :20]).mean(axis=2)
    found = model.proximity(X, X[:20])
    np.testing.assert_allclose(found.toarray(), wanted)
    assert found.nnz == np.count_nonzero(wanted)
    assert model.proximity(X).shape == (150, 150)


@pytest.mark.parametrize("kind", EVERY)
def test_categories_missing_values_files_and_pickles(kind, tmp_path):
    X, y = frame()
    y = np.where(y > 1.5, "high", "low") if kind in CLASSIFIERS else y
    model = kind(15, random_state=0, min_samples_leaf=3).fit(X, y)
    assert model.score(X, y) > 0.9
    assert (model._forest.nodes["feature"][model._forest.nodes["left"] != 0] >> 30 & 1).any()
    said = model.predict(X)
    model.save(tmp_path / "m.fastml")
    for other in (kind.load(tmp_path / "m.fastml"), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(other.predict(X), said)
        np.testing.assert_allclose(other.feature_importances_, model.feature_importances_, rtol=1e-9)
        assert [tree.get_n_leaves() for tree in other] == [tree.get_n_leaves() for tree in model]
    new = X.iloc[:5].assign(b="never seen")
    assert model.predict(new).shape == (5,)
    with pytest.raises(ValueError, match="never seen"):
        kind(2, unseen="error").fit(X, y).predict(new)


@pytest.mark.parametrize("kind", EVERY)
@pytest.mark.parametrize(
    "parameters", [{}, {"criterion": "absolute_error"}, {"criterion": "entropy"}, {"max_depth": 1}]
)
def test_a_pickle_is_small_and_says_the_same(kind, parameters):
    X, y = data_for(kind)
    criterion = parameters.get("criterion", "")
    if criterion and (criterion == "entropy") != (kind in CLASSIFIERS):
        pytest.skip("a criterion for the other kind of target")
    weight = np.random.default_rng(0).uniform(0.5, 2, len(y))
    for w in (None, weight):
        model = kind(20, bootstrap=False, random_state=0, **parameters).fit(X, np.stack([y, y], 1), sample_weight=w)
        one = kind(20, random_state=0, **parameters).fit(X, y)
        for own in (model, one):
            again = pickle.loads(pickle.dumps(own))
            np.testing.assert_array_equal(again.predict(X), own.predict(X))
            for tree, other in zip(again, own, strict=True):
                np.testing.assert_allclose(tree.tree_.impurity, other.tree_.impurity, rtol=1e-9, atol=1e-9)
                np.testing.assert_array_equal(tree.tree_.threshold, other.tree_.threshold)
                np.testing.assert_allclose(tree.tree_.value, other.tree_.value, rtol=1e-12)
    bytes_a_node = 24 if criterion == "absolute_error" else 12
    assert len(pickle.dumps(one._forest)) < bytes_a_node * len(one._forest.nodes) + 3000


def test_a_damaged_forest_is_refused():
    model = RandomForestRegressor(3, random_state=0).fit(*DIABETES)
    state = model._forest.to_json()
    for name, value in {
        "rows": state["rows"][:-1], "amounts": (state["amounts"][0][:-1], state["amounts"][1][:-1]),
        "nodes": state["nodes"] | {"feature": state["nodes"]["feature"][:-1]},
    }.items():  # fmt: skip
        with pytest.raises(ValueError, match="damaged"):
            type(model._forest).from_json(state | {name: value})
    far = state["nodes"] | {"feature": np.full_like(state["nodes"]["feature"], 99)}
    with pytest.raises(ValueError, match=r"damaged|column"):
        type(model._forest).from_json(state | {"nodes": far})


@pytest.mark.parametrize("kind", EVERY)
def test_a_warm_start_adds_the_trees_that_a_larger_forest_has(kind):
    X, y = data_for(kind)
    model = kind(5, warm_start=True, random_state=1).fit(X, y)
    first = model._forest.nodes
    model.set_params(n_estimators=12).fit(X, y)
    whole = kind(12, random_state=1).fit(X, y)
    np.testing.assert_array_equal(model._forest.nodes, whole._forest.nodes)
    np.testing.assert_array_equal(model._forest.nodes[: len(first)], first)
    with pytest.raises(ValueError, match="n_estimators=3 must be larger or equal to len"):
        model.set_params(n_estimators=3).fit(X, y)
    with pytest.raises(ValueError, match="fit on the same columns"):
        model.set_params(n_estimators=15).fit(X[:, :2], y)


def test_pruned_trees_of_a_forest_are_the_pruned_trees():
    X, y = DIABETES
    model = RandomForestRegressor(6, ccp_alpha=40.0, max_features=0.5, random_state=0).fit(X, y)
    whole = RandomForestRegressor(6, max_features=0.5, random_state=0).fit(X, y)
    assert len(model._forest.nodes) < 0.8 * len(whole._forest.nodes)
    for tree, rows in zip(model.estimators_, model.estimators_samples_, strict=True):
        alone = clone(tree).fit(X[rows], y[rows])
        np.testing.assert_allclose(alone.predict(X), tree.predict(X))
        np.testing.assert_allclose(alone.tree_.impurity, tree.tree_.impurity, rtol=1e-6, atol=1e-6)


def test_one_row_at_a_time():
    X, y = DIABETES
    predict = RandomForestRegressor(30, random_state=0).fit(X, y).predictor()
    model = RandomForestRegressor(30, random_state=0).fit(X, y)
    np.testing.assert_allclose([predict(row) for row in X[:20].tolist()], model.predict(X[:20]))
    X, y = IRIS
    forest = RandomForestClassifier(30, random_state=0).fit(X, y)
    np.testing.assert_allclose([forest.predictor()(row) for row in X[:9]], forest.predict_proba(X[:9]))


def test_ctrl_c_leaves_the_trees_so_far(monkeypatch):
    import os
    import signal

    from fastml.ensemble import forest_fit

    X, y = DIABETES
    grow = forest_fit.Growth.trees

    def and_interrupt(self, seeds):
        os.kill(os.getpid(), signal.SIGINT)
        return grow(self, seeds)

    monkeypatch.setattr(forest_fit.Growth, "trees", and_interrupt)
    with pytest.warns(FitInterrupted, match="can be used"):
        model = RandomForestRegressor(5000, random_state=0, n_jobs=1).fit(X, y)
    assert len(model) == 1
    assert model.stop_reason_ == "interrupt"
    assert np.isfinite(model.predict(X)).all()


@pytest.mark.parametrize("kind", EVERY)
@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"n_estimators": 0}, "n_estimators"),
        ({"criterion": "hinge"}, "criterion"),
        ({"bootstrap": False, "oob_score": True}, "only available if bootstrap=True"),
        ({"bootstrap": False, "max_samples": 5}, "cannot be set if `bootstrap=False`"),
        ({"bootstrap": False, "patience": 5}, "patience=5 needs out-of-bag rows"),
        ({"bootstrap": False, "importance": "unbiased"}, "importance='unbiased' needs out-of-bag rows"),
        ({"importance": "gain"}, "importance"),
        ({"max_features": 0}, "max_features"),
        ({"monotonic_cst": [1]}, "onotonic"),
    ],
)
def test_parameters_out_of_range_or_in_contradiction_are_refused(kind, parameters, words):
    with pytest.raises(ValueError, match=words):
        kind(**{"n_estimators": 3, **parameters}).fit(*data_for(kind))


@pytest.mark.parametrize("kind", EVERY)
def test_data_that_do_not_fit_are_refused(kind):
    X, y = data_for(kind)
    bad = X.copy()
    bad[3, 1] = np.inf
    model = kind(3, random_state=0)
    for rows, words in ((bad, "infinity"), (X[:0], "0 sample"), (X[:, 0], "2D")):
        with pytest.raises(ValueError, match=words):
            model.fit(rows, y[: len(rows)])
    with pytest.raises(ValueError, match="inconsistent numbers"):
        model.fit(X, y[:-1])
    with pytest.raises(ValueError, match="non-zero"):
        model.fit(X, y, sample_weight=np.zeros(len(y)))
    with pytest.raises(ValueError, match="features"):
        model.fit(X, y).predict(X[:, :2])
    one = kind(3).fit(X, np.full(len(y), y[0]))  # one class, one number
    assert (one.predict(X) == y[0]).all()
    assert (one.feature_importances_ == 0).all()
    assert kind(3).fit(X[:1], y[:1]).predict(X).shape == (len(y),)


def test_quantiles_that_cannot_be_given():
    X, y = DIABETES
    model = RandomForestRegressor(3, random_state=0).fit(X, y)
    with pytest.raises(ValueError, match="fit it with keep_targets=True"):
        model.predict(X, quantiles=[0.5])
    with pytest.raises(ValueError, match="between 0 and 1"):
        model.predict(X, quantiles=[0.5, 1.0])
    with pytest.raises(ValueError, match=r"coverage=1\.5"):
        model.predict_interval(X, coverage=1.5)


def test_a_monotone_column():
    X, y = DIABETES
    constraint = [0, 0, 1] + [0] * 7
    model = RandomForestRegressor(20, monotonic_cst=constraint, random_state=0).fit(X, y)
    rows = np.tile(np.median(X, axis=0), (50, 1))
    rows[:, 2] = np.linspace(X[:, 2].min(), X[:, 2].max(), 50)
    assert (np.diff(model.predict(rows)) >= -1e-9).all()


def test_members_have_the_forests_parameters():
    assert isinstance(RandomForestClassifier().estimator_, DecisionTreeClassifier)
    assert RandomForestRegressor(max_depth=3).estimator_.get_params()["max_depth"] == 3
    assert isinstance(RandomForestRegressor().estimator_, DecisionTreeRegressor)
    assert RandomForestClassifier(class_weight="balanced_subsample").estimator_.class_weight is None
