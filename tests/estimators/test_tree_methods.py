"""tree_method of both boosters: the trees of XGBoost and scikit-learn, and every other option beside them."""

import numpy as np
import pandas as pd
import pytest
from sklearn import ensemble as sklearn_ensemble
from sklearn.model_selection import TimeSeriesSplit

from fastml import ensemble, io
from fastml.data.frames import Table
from fastml.ensemble import GradientBoostingClassifier, GradientBoostingRegressor, XGBClassifier, XGBRegressor
from fastml.ensemble.boosting import Boosting
from fastml.ensemble.sketches import SketchedColumns
from fastml.ensemble.sorted_table import SortedTable
from fastml.losses import BinaryLogistic
from tests.engines.growing import OPTIONS

METHODS = {
    "exact": {"tree_method": "exact"}, "approx": {"tree_method": "approx"},
    "local": {"tree_method": "approx", "sketch": "local", "sketch_eps": 0.05},
}  # fmt: skip


def data(task, n=1000, missing=0.0, seed=1):
    """No two cuts gain the same."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 6)).astype(np.float32)
    signal = X[:, 0] * X[:, 1] + np.sin(X[:, 2] * 2) + X[:, 3] + rng.normal(size=n)
    X[rng.random(X.shape) < missing] = np.nan
    return X, signal if task == "regression" else np.digitize(signal, [0] if task == "binary" else [-1, 1])


def frame(n=600, seed=0):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({
        "time": rng.uniform(0, 24, n), "count": rng.poisson(3, n), "carrier": rng.choice(["AA", "B6", "UA"], n),
        "tail": rng.choice([f"N{i}" for i in range(40)], n),
    })  # fmt: skip
    X.loc[rng.random(n) < 0.1, "carrier"] = None
    y = np.sin(X["time"]) + (X["carrier"] == "B6") + rng.normal(size=n) > 0.5
    return X, y.to_numpy().astype(int)


def output(model, X):
    return model.predict_proba(X) if hasattr(model, "predict_proba") else model.predict(X)


@pytest.mark.parametrize("more", [
    {}, {"gamma": 2.0}, {"reg_alpha": 0.5}, {"max_delta_step": 0.3}, {"min_child_weight": 10}, {"max_depth": 12},
    {"reg_lambda": 0.1, "max_depth": 3},
], ids=str)  # fmt: skip
@pytest.mark.parametrize("missing", [0.0, 0.2])
@pytest.mark.parametrize("task", ["regression", "binary", "multiclass"])
def test_exact_trees_are_those_of_xgboost(task, missing, more):
    xgboost = pytest.importorskip("xgboost")
    if task == "binary" and more.get("max_depth") == 12:
        pytest.skip("rows of one class with one gradient: deep nodes tie")
    X, y = data(task, missing=missing)
    name = "XGBRegressor" if task == "regression" else "XGBClassifier"
    options = {"n_estimators": 5, "max_depth": 6, "tree_method": "exact", **more}
    weight = np.random.default_rng(3).exponential(size=len(y)) + 0.05 if missing else None
    ours = getattr(ensemble, name)(**options).fit(X, y, sample_weight=weight)
    theirs = getattr(xgboost, name)(**options).fit(X, y, sample_weight=weight)
    nodes = theirs.get_booster().trees_to_dataframe()
    splits = (nodes["Feature"] != "Leaf").groupby(nodes["Tree"]).sum().tolist()
    assert [ours.forest_.tree(t).n_leaves - 1 for t in range(ours.forest_.n_trees)] == splits
    np.testing.assert_allclose(output(ours, X), output(theirs, X), rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber", "log_loss", "exponential"])
@pytest.mark.parametrize("more", [
    {}, {"max_leaf_nodes": 7}, {"min_samples_leaf": 5}, {"min_impurity_decrease": 0.05}, {"ccp_alpha": 0.01},
    {"min_weight_fraction_leaf": 0.01}, {"max_depth": None, "min_samples_split": 100},
], ids=str)  # fmt: skip
def test_exact_trees_are_those_of_scikit_learn(loss, more):
    signs = loss not in ("squared_error", "huber")  # one gradient for many rows, so that cuts tie
    if signs and ("min_samples_leaf" in more or "max_depth" in more):
        pytest.skip("gradients of two values: deep nodes tie")
    regression = loss not in ("log_loss", "exponential")
    X, y = data("regression" if regression else "binary")
    weight = np.random.default_rng(0).exponential(size=len(y)) + 0.1 if signs or "min_weight" in str(more) else None
    name = "GradientBoosting" + ("Regressor" if regression else "Classifier")
    ours = getattr(ensemble, name)(loss=loss, n_estimators=5, tree_method="exact", **more)
    theirs = getattr(sklearn_ensemble, name)(loss=loss, n_estimators=5, random_state=0, **more)
    ours.fit(X, y, sample_weight=weight)
    theirs.fit(X, y, sample_weight=weight)
    for a, b in zip(ours.estimators_.ravel(), theirs.estimators_.ravel(), strict=True):
        order = slice(None) if "max_leaf_nodes" in more else depth_first(a.tree_)
        np.testing.assert_array_equal(a.tree_.feature[order], b.tree_.feature)
        np.testing.assert_allclose(a.tree_.threshold[order], b.tree_.threshold, rtol=1e-12)
    np.testing.assert_allclose(ours._raw(X)[0], raw_of(theirs, X), rtol=1e-10, atol=1e-12)


def depth_first(tree):
    """Nodes as scikit-learn numbers those of trees that are not grown best first."""
    order, stack = [], [0]
    while stack:
        i = stack.pop()
        order.append(i)
        if tree.children_left[i] >= 0:
            stack += [tree.children_right[i], tree.children_left[i]]
    return np.array(order)


def raw_of(model, X):
    return model.decision_function(X) if hasattr(model, "decision_function") else model.predict(X)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("more", [
    {}, {"subsample": 0.6}, {"colsample_bytree": 0.5, "colsample_bylevel": 0.7, "colsample_bynode": 0.7},
    {"grow_policy": "lossguide", "max_leaves": 9, "max_depth": 0}, {"max_leaves": 5},
    {"reg_alpha": 0.2, "max_delta_step": 0.5, "gamma": 0.1, "subsample": 0.5}, {"max_depth": 0, "gamma": 0.5},
    {"cat_penalty": 0, "max_cat_to_onehot": 1},
], ids=str)  # fmt: skip
def test_options_go_together(method, more):
    X, y = frame()
    weight = np.random.default_rng(0).integers(0, 3, len(y)).astype(float)
    options = {"n_estimators": 8, "max_depth": 4, **METHODS[method], **more}
    model = XGBClassifier(**options, n_jobs=1).fit(X, y, sample_weight=weight, eval_set=[(X, y)])
    again = XGBClassifier(**options, n_jobs=3).fit(X, y, sample_weight=weight)
    p = model.predict_proba(X)
    np.testing.assert_array_equal(p, again.predict_proba(X))
    scored = -np.log(np.where(y == 1, p[:, 1], p[:, 0])).mean()
    np.testing.assert_allclose(model.evals_result()["validation_0"]["logloss"][-1], scored, rtol=1e-9)
    assert scored < 0.68
    leaves, forest = model.apply(X), model.forest_
    raw = model.intercept_[0] + sum(forest.tree(t).value[leaves[:, t]] for t in range(8))
    np.testing.assert_allclose(model.decision_function(X), raw)
    if more.get("max_leaves"):
        assert max(forest.tree(t).n_leaves for t in range(8)) <= more["max_leaves"]
    if "cat_penalty" in more:
        assert len(forest.categories)


@pytest.mark.parametrize("method", METHODS)
def test_models_can_do_what_histogram_models_can(method, tmp_path):
    X, y = frame()
    model = XGBClassifier(n_estimators=12, **METHODS[method]).fit(X, y)
    io.save(model, tmp_path / "model.fastml")
    loaded = io.load(tmp_path / "model.fastml")
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))
    np.testing.assert_array_equal(model.predict_proba(X.iloc[:3]), model.predict_proba(X)[:3])
    unseen = X.iloc[:2].assign(carrier=["ZZ", None])
    np.testing.assert_array_equal(*model.predict_proba(unseen.assign(time=1.0, count=2, tail="N1")))
    numbers, target = data("multiclass", missing=0.1)
    model = XGBClassifier(n_estimators=6, **METHODS[method]).fit(numbers, target)
    one = model.predictor()
    np.testing.assert_allclose([one(row) for row in numbers[:9]], model.predict_proba(numbers)[:9])
    assert model.feature_importances_.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(
        model.predict_proba(numbers, iteration_range=(0, 3)), XGBClassifier(n_estimators=3, **METHODS[method])
        .fit(numbers, target).predict_proba(numbers), rtol=1e-12
    )  # fmt: skip


@pytest.mark.parametrize("method", METHODS)
def test_early_stopping_refit_and_losses_of_ones_own(method):
    X, y = data("regression")
    model = XGBRegressor(n_estimators=200, early_stopping_rounds=3, splitter=TimeSeriesSplit(3), refit=True,
                         **METHODS[method]).fit(X, y)  # fmt: skip
    assert model.n_estimators_ == model.best_iteration + 1 < 200

    def squared(y, raw):
        return raw - y, 1.0

    own = XGBRegressor(objective=squared, base_score=0.0, n_estimators=4, **METHODS[method]).fit(X, y)
    named = XGBRegressor(base_score=0.0, n_estimators=4, **METHODS[method]).fit(X, y)
    np.testing.assert_allclose(own.predict(X), named.predict(X), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("kind", ["exact", "approx"])
def test_rows_that_are_not_drawn_find_their_leaves(kind):
    X, y = frame()
    table = Table.from_any(X, categorical="auto")
    columns = SortedTable(table, None, 2) if kind == "exact" else SketchedColumns(table, None, 2, 0.02, 255)
    boosting = Boosting(columns, y.astype(np.float32), None, np.zeros(1), BinaryLogistic(), OPTIONS, 2)
    rng = np.random.default_rng(0)
    for _ in range(3):
        boosting.round((rng.random(len(y)) < 0.5).astype(np.uint8))
    fitted = columns.fitted(boosting.builder.freeze(), np.zeros(1))
    np.testing.assert_allclose(boosting.raw, fitted.raw(table, (0, 3), 1), rtol=1e-12)


def test_rows_of_weight_zero_are_absent():
    X, y = data("binary", missing=0.1)
    weight = np.arange(len(y)) % 3 / 1.0
    for method in METHODS.values():
        all_rows = XGBClassifier(n_estimators=4, **method).fit(X, y, sample_weight=weight)
        there = weight > 0
        some = XGBClassifier(n_estimators=4, **method).fit(X[there], y[there], sample_weight=weight[there])
        np.testing.assert_array_equal(all_rows.predict_proba(X), some.predict_proba(X))


@pytest.mark.parametrize("subsample", [1.0, 0.5])
@pytest.mark.parametrize("estimator", [GradientBoostingClassifier, GradientBoostingRegressor])
def test_first_order_boosting_goes_on_by_exact_trees(estimator, subsample):
    X, y = frame()
    options = {"tree_method": "exact", "random_state": 0, "subsample": subsample}
    whole = estimator(n_estimators=10, **options).fit(X, y)
    parts = estimator(n_estimators=4, warm_start=True, **options).fit(X, y)
    parts.set_params(n_estimators=10).fit(X, y)
    np.testing.assert_allclose(parts._raw(X), whole._raw(X), rtol=1e-12, atol=1e-12)
    *_, last = whole.staged_predict(X)
    np.testing.assert_array_equal(last, whole.predict(X))
    np.testing.assert_array_equal(estimator(n_estimators=10, n_jobs=3, **options).fit(X, y)._raw(X), whole._raw(X))
    stopped = estimator(n_estimators=300, n_iter_no_change=3, **options).fit(X, y)
    assert stopped.n_estimators_ < 300
    with pytest.raises(ValueError, match="tree_method='hist' cannot go on from a fit by 'exact'"):
        parts.set_params(n_estimators=12, tree_method="hist").fit(X, y)


@pytest.mark.parametrize(("estimator", "parameters", "message"), [
    (XGBClassifier, {"tree_method": "exact", "max_bin": 64}, "max_bin=64 has no use with tree_method='exact'"),
    (XGBClassifier, {"sketch_eps": 0.1}, "sketch_eps=0.1 is for tree_method='approx', and tree_method='auto'"),
    (XGBClassifier, {"tree_method": "exact", "sketch": "local"}, "sketch='local' is for tree_method='approx'"),
    (XGBClassifier, {"tree_method": "approx", "sketch_eps": 1.5}, "sketch_eps"),
    (GradientBoostingClassifier, {"tree_method": "exact", "max_bin": 64}, "max_bin=64 has no use"),
])  # fmt: skip
def test_what_does_not_go_together_is_named(estimator, parameters, message):
    X, y = data("binary", n=50)
    with pytest.raises(ValueError, match=message):
        estimator(**parameters).fit(X, y)


@pytest.mark.parametrize("depth", [5, 0])
@pytest.mark.parametrize("kind", ["frame", "classes"])
def test_batches_by_codes_and_walks_give_the_same_bits(kind, depth, monkeypatch):
    X, y = frame(3000) if kind == "frame" else data("multiclass", n=3000, missing=0.1)
    model = XGBClassifier(n_estimators=20, max_depth=depth, tree_method="exact").fit(X, y)
    walked = [model.predict_proba(X), model.predict_proba(X, iteration_range=(3, 17))]
    monkeypatch.setattr("fastml.ensemble.fitted.WALK_THRESHOLDS_BELOW", 0)
    by_codes = [model.predict_proba(X), model.predict_proba(X, iteration_range=(3, 17))]
    np.testing.assert_array_equal(by_codes, walked)
    groups = model._fitted.groups
    assert [g.begin for g in groups[1:]] == [g.end for g in groups[:-1]]
    assert any(g.mapper is not None for g in groups)
