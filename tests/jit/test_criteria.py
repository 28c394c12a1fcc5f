"""A criterion of one's own: the trees of the built-in ones where it says the same, and what is refused."""

import math
import os
import pickle
import subprocess
import sys
import warnings

import numpy as np
import pytest
from sklearn.datasets import make_friedman1

import fastml.io
from fastml.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    BaggingRegressor,
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from fastml.jit import compile_criterion
from fastml.jit.blocks import jit_is_off
from fastml.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeRegressor, export_text

X, NUMBERS = make_friedman1(500, 6, noise=1.0, random_state=0)
TWO = (np.median(NUMBERS) < NUMBERS).astype(int)
FOUR = np.digitize(NUMBERS, np.quantile(NUMBERS, [0.2, 0.5, 0.8]))
WEIGHT = np.random.default_rng(1).uniform(0.5, 2, len(X))
HOLES = np.where(np.random.default_rng(2).random(X.shape) < 0.1, np.nan, X)

jit_only = pytest.mark.skipif(jit_is_off(), reason="about what Numba compiles")


def gini(share):
    return 1.0 - np.sum(share * share)


def entropy(share):
    total = 0.0
    for p in share:
        if p > 0.0:
            total -= p * math.log2(p)
    return total


def variance(weight, sum_wy, sum_wyy):
    mean = sum_wy / weight
    return max(sum_wyy / weight - mean * mean, 0.0)


def spread(weight, sum_wy, sum_wyy):
    return math.sqrt(variance(weight, sum_wy, sum_wyy))


def assert_same(ours, other):
    for name in ("children_left", "feature", "threshold", "n_node_samples"):
        np.testing.assert_array_equal(getattr(ours.tree_, name), getattr(other.tree_, name), err_msg=name)
    for name in ("value", "impurity"):
        np.testing.assert_allclose(getattr(ours.tree_, name), getattr(other.tree_, name), rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(ours.tree_.missing_go_to_left, other.tree_.missing_go_to_left)


OPTIONS = [
    {}, {"max_leaf_nodes": 12}, {"max_features": 2, "random_state": 3}, {"splitter": "random", "random_state": 1},
    {"monotonic_cst": [1, 0, 0, 0, 0, 0]}, {"max_bins": 12}, {"n_jobs": 3},
]  # fmt: skip


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("holes", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_same_trees_as_by_name(weighted, holes, options):
    options = {"min_samples_leaf": 8, "max_depth": 6, **options}
    data, weight = HOLES if holes else X, WEIGHT if weighted else None
    cases = [(DecisionTreeClassifier, gini, "gini", TWO), (DecisionTreeClassifier, entropy, "entropy", FOUR)]
    cases += [(DecisionTreeRegressor, variance, "squared_error", NUMBERS)]
    for cls, function, word, y in cases:
        if "monotonic_cst" in options and y is FOUR:
            continue
        ours = cls(criterion=function, **options).fit(data, y, sample_weight=weight)
        assert_same(ours, cls(criterion=word, **options).fit(data, y, sample_weight=weight))


def test_several_outputs():
    y = np.stack([NUMBERS, NUMBERS[::-1]], 1)
    options = {"min_samples_leaf": 8}
    ours = DecisionTreeRegressor(criterion=variance, **options).fit(X, y)
    assert_same(ours, DecisionTreeRegressor(**options).fit(X, y))
    labels = np.stack([FOUR, TWO], 1)
    ours = DecisionTreeClassifier(criterion=entropy, **options).fit(X, labels)
    assert_same(ours, DecisionTreeClassifier(criterion="entropy", **options).fit(X, labels))


def test_one_that_has_no_name():
    model = DecisionTreeRegressor(criterion=spread, min_samples_leaf=8).fit(X, NUMBERS)
    tree = model.tree_
    assert model.score(X, NUMBERS) > 0.8
    np.testing.assert_allclose(tree.impurity[0], NUMBERS.std())
    gain = tree.weighted_n_node_samples * tree.impurity
    left, right = tree.children_left, tree.children_right
    inner = left > 0
    assert (gain[inner] >= gain[left[inner]] + gain[right[inner]] - 1e-9).all()
    drawn = ExtraTreeRegressor(criterion=spread, random_state=0, min_samples_leaf=5).fit(X, NUMBERS)
    assert drawn.score(X, NUMBERS) > 0.5


def test_threads_pickles_files_and_text(tmp_path):
    rng = np.random.default_rng(0)
    big = rng.normal(size=(9000, 5))
    y = (big[:, 0] + rng.normal(size=9000) > 0).astype(int)
    one, three = (DecisionTreeClassifier(criterion=gini, n_jobs=n).fit(big, y) for n in (1, 3))
    assert one._fitted.nodes.tobytes() == three._fitted.nodes.tobytes()
    copy = pickle.loads(pickle.dumps(one))
    assert copy.criterion is gini
    np.testing.assert_array_equal(copy.predict(big), one.predict(big))
    with pytest.raises(TypeError, match="the parameter criterion is or holds a function"):
        one.save(tmp_path / "model")
    one.set_params(criterion="gini").save(tmp_path / "model")
    np.testing.assert_array_equal(fastml.io.load(tmp_path / "model").predict(big), one.predict(big))
    assert "feature_0" in export_text(three, max_depth=1)
    three.prune_cost_complexity(0.001)


def test_adaboost():
    ours = AdaBoostClassifier(DecisionTreeClassifier(criterion=gini, max_depth=2), n_estimators=10).fit(X, TWO)
    other = AdaBoostClassifier(DecisionTreeClassifier(max_depth=2), n_estimators=10).fit(X, TWO)
    np.testing.assert_array_equal(ours.predict(X), other.predict(X))


FOREST_OPTIONS = [
    {}, {"bootstrap": False, "max_features": None}, {"max_leaf_nodes": 9}, {"n_jobs": 3, "n_estimators": 2},
    {"max_depth": 4, "ccp_alpha": 0.001}, {"max_bins": 12}, {"max_samples": 0.5, "oob_score": True},
    {"class_weight": "balanced_subsample"},
]  # fmt: skip


@pytest.mark.parametrize("options", FOREST_OPTIONS)
@pytest.mark.parametrize("holes", [False, True])
def test_the_same_forests_as_by_name(holes, options):
    options = {"min_samples_leaf": 20, "n_estimators": 5, "random_state": 0, "max_depth": 6, **options}
    data = HOLES if holes else X
    cases = [(RandomForestClassifier, gini, "gini", TWO), (RandomForestClassifier, entropy, "entropy", FOUR)]
    if "class_weight" not in options:
        cases += [(RandomForestRegressor, variance, "squared_error", NUMBERS)]
    for cls, function, word, y in cases:
        ours, other = (cls(criterion=criterion, **options).fit(data, y) for criterion in (function, word))
        for own, named in zip(ours.estimators_, other.estimators_, strict=True):
            assert_same(own, named)
        np.testing.assert_allclose(ours.feature_importances_, other.feature_importances_)
        copy = pickle.loads(pickle.dumps(ours))
        np.testing.assert_array_equal(copy.predict(data), ours.predict(data))
        np.testing.assert_array_equal(copy.estimators_[0].tree_.impurity, ours.estimators_[0].tree_.impurity)


def test_forests_of_one_that_has_no_name():
    y = np.stack([NUMBERS, NUMBERS[::-1]], 1)
    model = RandomForestRegressor(10, criterion=spread, min_samples_leaf=3, random_state=0).fit(X, y)
    root = model.estimators_[0].tree_
    assert root.impurity[0] == pytest.approx(NUMBERS.std(), rel=0.1)
    assert model.score(X, y) > 0.4
    drawn = ExtraTreesRegressor(10, criterion=spread, random_state=0, min_samples_leaf=5).fit(X, NUMBERS)
    assert drawn.score(X, NUMBERS) > 0.7


def test_bagging():
    for cls, tree, function, word, y in (
        (BaggingClassifier, DecisionTreeClassifier, entropy, "entropy", FOUR),
        (BaggingRegressor, DecisionTreeRegressor, variance, "squared_error", NUMBERS),
    ):
        for options in ({}, {"max_features": 0.5, "n_jobs": 2}):
            ours, other = (
                cls(tree(criterion=c, min_samples_leaf=8), 4, random_state=0, **options).fit(X, y)
                for c in (function, word)
            )
            np.testing.assert_allclose(ours.predict(X), other.predict(X))


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_forest_says_where_its_criterion_fails(n_jobs):
    def fails(share):
        return 1.0 - np.sum(share * share) if not 0.61 < share[0] < 0.62 else np.nan

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ValueError, match=r"criterion `fails` gave nan at share=.*must be finite"):
            RandomForestClassifier(4, criterion=fails, n_jobs=n_jobs).fit(X, FOUR == 3)


def refused(cls, criterion, match, y=None, error=ValueError):
    with pytest.raises(error, match=match):
        cls(criterion=criterion).fit(X, (FOUR if cls is DecisionTreeClassifier else NUMBERS) if y is None else y)


def test_what_does_not_fit_the_target():
    refused(DecisionTreeRegressor, gini, r"criterion=`gini` takes \(share\): a criterion for classes, and y is numbers")
    refused(DecisionTreeClassifier, variance, "for classes it must take .share., the shares of the classes")
    refused(DecisionTreeRegressor, "gini", "criterion.*squared_error.*'gini'")
    refused(DecisionTreeClassifier, "squared_error", "criterion.*gini.*'squared_error'")
    refused(DecisionTreeClassifier, lambda a, b: a, "criterion=`<lambda>` takes .a, b.; for classes it must take")
    refused(RandomForestRegressor, gini, r"criterion=`gini` takes \(share\): a criterion for classes, and y is numbers")


def test_what_it_says_is_checked_at_points():
    refused(DecisionTreeClassifier, lambda share: -1.0, r"is -1.0 at share=\[.*>= 0")
    refused(DecisionTreeClassifier, lambda share: math.nan, "is nan at share=.*finite")
    refused(DecisionTreeClassifier, lambda share: "much", "returned 'much' at share=")
    refused(DecisionTreeClassifier, lambda share: share, "it must return a number")
    refused(DecisionTreeClassifier, lambda share: share[7], "raised IndexError at share=")
    refused(DecisionTreeRegressor, lambda weight, a, b: 1.0 / (weight - 1.0), "weight=1.0")


def fails_late(weight, sum_wy, sum_wyy):
    if weight == 123.0:
        raise ValueError("not this many")
    return variance(weight, sum_wy, sum_wyy)


def late_nan(weight, sum_wy, sum_wyy):
    return math.nan if weight == 123.0 else variance(weight, sum_wy, sum_wyy)


def test_what_fails_in_the_fit_is_shown():
    refused(DecisionTreeRegressor, fails_late, "raised ValueError at weight=123.0, sum_wy=.*not this many")
    refused(DecisionTreeRegressor, late_nan, "gave nan at weight=123.0, sum_wy=.*finite")


def test_one_that_is_not_concave_is_warned_of():
    with pytest.warns(UserWarning, match="is not concave"):
        DecisionTreeClassifier(criterion=lambda share: (1.0 - share.max()) ** 4).fit(X, FOUR)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for function in (gini, entropy):
            DecisionTreeClassifier(criterion=function).fit(X, FOUR)
        for function in (variance, spread):
            DecisionTreeRegressor(criterion=function).fit(X, NUMBERS)


@jit_only
def test_what_numba_does_not_know():
    table = {0: 1.0}
    refused(DecisionTreeClassifier, lambda share: 1.0 - share.max() + 0.0 * len(str(table)), "Numba cannot compile")


@jit_only
def test_the_same_function_is_compiled_once():
    points = np.array([[0.5, 0.5], [1.0, 0.0]])
    one, other = compile_criterion(gini, "classes", points), compile_criterion(gini, "classes", points)
    assert one.address == other.address
    assert one(points[0]) == 0.5


@jit_only
def test_without_numbas_jit():
    code = """
import numpy as np
from tests.jit.test_criteria import *
assert_same(DecisionTreeClassifier(criterion=gini, n_jobs=3).fit(np.tile(X, (4, 1)), np.tile(TWO, 4)),
            DecisionTreeClassifier(n_jobs=3).fit(np.tile(X, (4, 1)), np.tile(TWO, 4)))
test_what_fails_in_the_fit_is_shown()
"""
    env = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": os.pathsep.join(p or "." for p in sys.path)}
    subprocess.run([sys.executable, "-c", code], env=env, check=True, timeout=120)
