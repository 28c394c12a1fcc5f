"""Decision trees whose columns are cut into bins: those of exact trees on the bins, with thresholds between them."""

import pickle

import numpy as np
import pandas as pd
import pytest

import fastml.io
from fastml.data.binning import BinMapper
from fastml.data.frames import Table
from fastml.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingRegressor,
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from fastml.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier, ExtraTreeRegressor
from tests.engines.test_exact_grower import rows_of

ALL = [DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier, ExtraTreeRegressor]
CRITERIA = [
    (DecisionTreeClassifier, "gini"), (DecisionTreeClassifier, "entropy"), (DecisionTreeRegressor, "squared_error"),
    (DecisionTreeRegressor, "poisson"), (DecisionTreeRegressor, "absolute_error"),
]  # fmt: skip


def data(cls=DecisionTreeRegressor, n=900, seed=0):
    """Columns of many values, of few, and with missing ones."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    X[:, 1] = np.round(2 * X[:, 1])
    X[rng.random(n) < 0.2, 2] = np.nan
    y = np.exp(X[:, 0] + X[:, 1] * np.nan_to_num(X[:, 2], nan=-1.0) / 3 + rng.normal(size=n) / 3)
    return X, np.digitize(y, [0.5, 1.5]) if issubclass(cls, DecisionTreeClassifier) else y


def bins_of(X, max_bins):
    """The number of each value's bin, NaN where it is missing."""
    mapper = BinMapper.fit(Table.from_any(X), max_bins)
    start = mapper.edges_start
    edges = [mapper.edges_flat[start[j] : start[j + 1]] for j in range(X.shape[1])]
    codes = np.stack([np.searchsorted(own, x, side="left") + 0.0 for own, x in zip(edges, X.T, strict=True)], 1)
    codes[np.isnan(X)] = np.nan
    return codes


@pytest.mark.parametrize("options", [{}, {"max_leaf_nodes": 20}, {"max_features": 2, "random_state": 3}])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("cls, criterion", CRITERIA)
def test_the_exact_tree_of_the_bins(cls, criterion, weighted, options):
    X, y = data(cls)
    weight = np.random.default_rng(1).uniform(0.5, 2, len(y)) if weighted else None
    codes = bins_of(X, 16)
    options = {"criterion": criterion, "min_samples_leaf": 4, **options}
    binned = cls(max_bins=16, **options).fit(X, y, sample_weight=weight).tree_
    exact = cls(**options).fit(codes, y, sample_weight=weight).tree_
    for name in ("children_left", "children_right", "feature", "n_node_samples", "value", "impurity"):
        np.testing.assert_array_equal(getattr(binned, name), getattr(exact, name), err_msg=name)


@pytest.mark.parametrize("cls", ALL)
def test_few_values_are_split_exactly(cls):
    X, y = data(cls)
    X = np.round(X, 1)
    options = {"random_state": 0, "min_samples_leaf": 3}
    binned, exact = cls(max_bins=200, **options).fit(X, y), cls(**options).fit(X, y)
    for name in ("children_left", "feature", "threshold", "n_node_samples", "value"):
        np.testing.assert_array_equal(getattr(binned.tree_, name), getattr(exact.tree_, name), err_msg=name)


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("cls", ALL)
@pytest.mark.parametrize("max_bins", [2, 7, 300, 65534])
def test_rows_lie_where_they_did_when_the_tree_grew(cls, max_bins, several):
    X, y = data(cls)
    y = np.stack([y, y[::-1]], 1) if several else y
    model = cls(max_bins=max_bins, random_state=0).fit(X, y)
    tree, leaves = model.tree_, model.apply(X)
    leaf = tree.children_left < 0
    np.testing.assert_array_equal(np.bincount(leaves, minlength=tree.node_count)[leaf], tree.n_node_samples[leaf])
    for j in range(X.shape[1]):
        assert len(np.unique(tree.threshold[(tree.feature == j) & np.isfinite(tree.threshold)])) > 0 or j == 3


def test_two_bins_are_one_threshold():
    X = np.arange(100.0)[:, None]
    model = DecisionTreeRegressor(max_bins=2).fit(X, X[:, 0] ** 2)
    assert model.tree_.threshold.tolist() == [49.5, -2.0, -2.0]


@pytest.mark.parametrize("cls", ALL)
def test_threads_files_and_pickles(cls, tmp_path):
    X, y = data(cls, 5000)
    model = cls(max_bins=20, random_state=0, n_jobs=1).fit(X, y)
    other = cls(max_bins=20, random_state=0, n_jobs=3).fit(X, y)
    assert model._fitted.nodes.tobytes() == other._fitted.nodes.tobytes()
    model.save(tmp_path / "model")
    for copy in (pickle.loads(pickle.dumps(model)), fastml.io.load(tmp_path / "model")):
        assert copy.max_bins == 20
        np.testing.assert_array_equal(copy.predict(X), model.predict(X))


def test_monotone_columns_and_categories():
    X, y = data(n=2000)
    model = DecisionTreeRegressor(max_bins=12, monotonic_cst=[1, 0, 0, 0], min_samples_leaf=5).fit(X, y)
    ladder = np.tile(X[:1], (50, 1))
    ladder[:, 0] = np.linspace(-3, 3, 50)
    assert (np.diff(model.predict(ladder)) >= 0).all()
    level = np.random.default_rng(0).integers(0, 40, len(y))
    frame = pd.DataFrame({"x": X[:, 0], "level": pd.Categorical(level.astype(str))})
    y = y + 3 * (level % 7 == 0)
    binned = DecisionTreeRegressor(max_bins=2, max_depth=2).fit(frame, y)
    assert binned._fitted.categories.any()          # more levels than bins, and none are merged
    assert binned.score(frame, y) > 0.1


@pytest.mark.parametrize(
    "boosted, tree", [(AdaBoostClassifier, DecisionTreeClassifier), (AdaBoostRegressor, DecisionTreeRegressor)]
)
def test_adaboost_over_binned_trees(boosted, tree):
    X, y = data(tree)
    model = boosted(tree(max_depth=2, max_bins=5), n_estimators=15, random_state=0).fit(X, y)
    codes = bins_of(X, 5)
    other = boosted(tree(max_depth=2), n_estimators=15, random_state=0).fit(codes, y)
    np.testing.assert_array_equal(model.predict(X), other.predict(codes))
    assert all(member.max_bins == 5 for member in model.estimators_)


@pytest.mark.parametrize("value", [1, 0, -5, 65535, 3.0, "auto", True])
def test_bad_bins(value):
    X, y = data()
    with pytest.raises((ValueError, TypeError), match="max_bins"):
        DecisionTreeRegressor(max_bins=value).fit(X, y)


@pytest.mark.parametrize("options", [{}, {"max_features": 2}, {"max_leaf_nodes": 30}])
def test_forests_grow_the_exact_trees_of_the_bins(options):
    X, y = data(DecisionTreeClassifier)
    codes = bins_of(X, 16)
    options = {"bootstrap": False, "random_state": 0, "min_samples_leaf": 4, **options}
    binned = RandomForestClassifier(5, max_bins=16, **options).fit(X, y)
    exact = RandomForestClassifier(5, **options).fit(codes, y)
    np.testing.assert_array_equal(binned.predict_proba(X), exact.predict_proba(codes))


@pytest.mark.parametrize("cls", [RandomForestRegressor, ExtraTreesRegressor, BaggingRegressor])
def test_no_split_of_a_forest_parts_a_bin(cls, tmp_path):
    X, y = data()
    codes = bins_of(X, 16)
    if cls is BaggingRegressor:
        model = cls(DecisionTreeRegressor(max_bins=16), 4, random_state=0, max_features=3).fit(X, y)
    else:
        model = cls(4, max_bins=16, random_state=0).fit(X, y)
    columns = getattr(model, "estimators_features_", [np.arange(4)] * 4)
    samples = model.estimators_samples_
    for own, tree, seen in zip(columns, model.estimators_, samples, strict=True):
        nodes = tree._fitted.nodes
        rows, _ = rows_of(X[:, own], nodes, np.bincount(seen, minlength=len(X)))
        assert len(nodes) > 100
        for i in np.flatnonzero(nodes["left"]):
            j = own[int(nodes["feature"][i]) & 0x3FFFFFFF]
            sides = [codes[rows[nodes["left"][i] + side], j] for side in (0, 1)]
            assert not set(sides[0][~np.isnan(sides[0])]) & set(sides[1][~np.isnan(sides[1])])
    fastml.io.save(model, tmp_path / "m")
    np.testing.assert_array_equal(fastml.io.load(tmp_path / "m").predict(X), model.predict(X))
