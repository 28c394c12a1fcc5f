"""Multiway trees: what a user may hand in, and what becomes of values that the fit did not see."""

import dataclasses
import pickle

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from scipy import stats
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.model_selection import cross_val_score

import fastml.io
from fastml.ensemble import AdaBoostClassifier, AdaBoostRegressor
from fastml.tree import (
    C45Classifier,
    CHAIDClassifier,
    CHAIDRegressor,
    DecisionTreeClassifier,
    ID3Classifier,
    export_rules,
    export_text,
    multiway_parameters,
    plot_tree,
)
from tests.estimators.textbook_data import DEGREES, NUMERIC, PLAY, WEATHER

CLASSIFIERS = [ID3Classifier, C45Classifier, CHAIDClassifier]
ALL = [*CLASSIFIERS, CHAIDRegressor]


def cars(n=600, seed=0, missing=0.0):
    """Strings, numbers and booleans, and two targets that hang on them."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({
        "make": rng.choice(["audi", "bmw", "fiat", "opel", "seat"], n), "fuel": rng.choice(["gas", "oil"], n),
        "age": rng.integers(0, 20, n).astype(float), "power": rng.normal(100, 30, n), "sold": rng.random(n) < 0.5,
    })  # fmt: skip
    signal = X["make"].isin(["audi", "bmw"]) * 2.0 + (X["age"] < 5) - X["fuel"].eq("oil") + rng.normal(0, 0.7, n)
    if missing:
        for name in ("make", "age", "power"):
            X.loc[rng.random(n) < missing, name] = None
    return X, np.where(signal > 1, "dear", "cheap"), signal.to_numpy()


def fitted(estimator, seed=0, missing=0.0, **parameters):
    """A model of cars; ID3 without the numbers."""
    X, label, signal = cars(seed=seed, missing=missing)
    if estimator is ID3Classifier:
        X = X[["make", "fuel", "sold"]]
    y = signal if estimator is CHAIDRegressor else label
    return estimator(**parameters).fit(X, y), X, y


def test_chaid_merges_and_adjusts_as_the_test_says():
    rng = np.random.default_rng(0)
    x = rng.choice(["a", "b", "c", "d"], 400)
    y = (rng.random(400) < np.select([x == "a", x == "b"], [0.8, 0.75], 0.3)).astype(int)
    model = CHAIDClassifier(max_depth=1).fit(x[:, None], y)
    assert [set(np.flatnonzero(model.tree_.branches_of(0)[:-1] == k)) for k in (0, 1)] == [{0, 1}, {2, 3}]
    for pair, alike in ((("a", "b"), True), (("a", "c"), False), (("b", "d"), False), (("c", "d"), True)):
        rows = np.isin(x, pair)
        p = stats.chi2_contingency(pd.crosstab(x[rows], y[rows]), correction=False).pvalue
        assert (p > 0.05) == alike
    merged = np.isin(x, ["a", "b"])
    p = stats.chi2_contingency(pd.crosstab(merged, y), correction=False).pvalue
    assert model.tree_.score[0] == pytest.approx(np.log(7 * p))  # S(4, 2) = 7 ways to make two groups of four


def test_chaid_for_numbers_uses_the_f_test():
    rng = np.random.default_rng(1)
    x = rng.choice(["a", "b", "c"], 300)
    y = np.where(x == "c", 1.0, 0.0) + rng.normal(size=300)
    model = CHAIDRegressor(max_depth=1).fit(x[:, None], y)
    p = stats.f_oneway(y[x == "c"], y[x != "c"]).pvalue
    assert model.tree_.score[0] == pytest.approx(np.log(3 * p))
    np.testing.assert_allclose(model.predict([["c"], ["a"]]), [y[x == "c"].mean(), y[x != "c"].mean()])


SIZES = ["tiny", "small", "medium", "large", "huge"]


@pytest.mark.parametrize("frame", ["pandas", "polars"])
def test_chaid_merges_ordered_categories_with_their_neighbours(frame):
    rng = np.random.default_rng(0)
    place = rng.integers(0, 5, 1000)
    y = (rng.random(1000) < np.array([0.2, 0.8, 0.2, 0.2, 0.8])[place]).astype(int)
    values = np.array(SIZES)[place]
    if frame == "pandas":
        X, ordered = pd.DataFrame({"size": values}), pd.CategoricalDtype(["none", *SIZES], ordered=True)
        named = X.astype({"size": ordered})
    else:
        X = pl.DataFrame({"size": values})
        named = X.cast({"size": pl.Enum([*SIZES, "none"])})
    assert CHAIDClassifier().fit(X, y).export_rules().count("IF") == 2
    model = CHAIDClassifier().fit(named, y)
    lines = [line.split(" THEN")[0] for line in model.export_rules().splitlines()]
    assert lines == ["IF size = tiny", "IF size = small", "IF size in {medium, large}", "IF size = huge"]
    np.testing.assert_array_equal(model.predict(named), model.predict(X))
    merged = np.array([0, 1, 2, 2, 3])[place]
    p = stats.chi2_contingency(pd.crosstab(merged, y), correction=False).pvalue
    assert model.tree_.score[0] == pytest.approx(np.log(4 * p))  # C(4, 3) ways to make four of five neighbours
    assert model.export_rules() == pickle.loads(pickle.dumps(model)).export_rules()


def test_chaid_takes_intervals_in_their_order():
    x = np.random.default_rng(1).uniform(0, 40, 2000)
    y = ((x > 3) & (x <= 30)).astype(int)
    model = CHAIDClassifier().fit(pd.DataFrame({"x": pd.cut(x, [0, 3, 10, 30, 40])}), y)
    assert [line.split(" THEN")[0] for line in model.export_rules().splitlines()] == [
        "IF x = (0, 3]", "IF x in {(3, 10], (10, 30]}", "IF x = (30, 40]",
    ]  # fmt: skip


def test_chaid_splits_merged_groups_again_when_asked():
    """Members merge one by one, each like the group that is there; then the group's halves differ after all."""
    rng = np.random.default_rng(2)
    x = rng.choice(list("abcdefgh"), 200)
    place = np.searchsorted(list("abcdefgh"), x)
    y = np.digitize(0.3 * rng.normal(size=8)[place] + rng.uniform(0.2, 3, 8)[place] * rng.normal(size=200), [-1, 1])
    merged = CHAIDClassifier(max_depth=1).fit(x[:, None], y)
    again = CHAIDClassifier(alpha_resplit=0.049, max_depth=1).fit(x[:, None], y)
    assert (merged.get_n_leaves(), again.get_n_leaves()) == (2, 3)

    def p_of_best_split(model):
        """Over the groups of a tree, the smallest p-value of a split of one in two."""
        best = 1.0
        for k in range(model.get_n_leaves()):
            group = np.array(sorted(set(x)))[model.tree_.branches_of(0)[:-1] == k]
            for mask in range(1, 2 ** (len(group) - 1)):
                part = group[[bool(mask >> i & 1) for i in range(len(group))]]
                rows = np.isin(x, group)
                table = pd.crosstab(np.isin(x[rows], part), y[rows])
                best = min(best, stats.chi2_contingency(table, correction=False).pvalue)
        return best

    assert p_of_best_split(merged) < 0.049 < p_of_best_split(again)
    for alpha in (0.05, 0.5):
        with pytest.raises(ValueError, match=f"alpha_resplit={alpha} must be less than alpha_merge=0.05"):
            CHAIDRegressor(alpha_resplit=alpha).fit([[0.0], [1.0]], [0, 1])


def test_chaid_leaves_two_groups_to_the_test_of_the_split():
    x, y = np.repeat([0, 1], 100), np.r_[np.arange(100) < 40, np.arange(100) < 55]  # p = 0.034
    assert CHAIDClassifier(alpha_merge=0.01).fit(x[:, None], y).get_n_leaves() == 2
    assert CHAIDClassifier(alpha_split=0.01).fit(x[:, None], y).get_n_leaves() == 1


def test_chaid_lets_missing_values_of_a_number_join_any_bin():
    x = np.tile(np.arange(8.0), 50)
    y = (x >= 4).astype(int)
    x[x == 6] = np.nan  # like the upper half
    model = CHAIDClassifier().fit(x[:, None], y)
    assert model.export_rules() == (
        "IF x0 <= 3.5 THEN 0 (200 rows, share 1)\nIF (x0 > 3.5 OR x0 is missing) THEN 1 (200 rows, share 1)"
    )


@pytest.mark.parametrize("estimator", ALL)
@pytest.mark.parametrize("container", ["polars", "categorical", "objects"])
def test_the_container_makes_no_difference(estimator, container):
    model, X, y = fitted(estimator, missing=0.1)
    if container == "polars":
        other = pl.from_pandas(X)
    elif container == "categorical":
        other = X.assign(make=X["make"].astype("category"), fuel=X["fuel"].astype("category"))
    else:
        other = X.astype(object)
    again = clone(model).fit(other, y)
    np.testing.assert_array_equal(again.tree_.value, model.tree_.value)
    np.testing.assert_array_equal(again.predict(X), model.predict(other))


@pytest.mark.parametrize("estimator", ALL)
def test_weights_count_rows(estimator):
    _, X, y = fitted(estimator, missing=0.1)
    weight = np.random.default_rng(0).integers(0, 3, len(X))
    weighted = estimator().fit(X, y, sample_weight=weight)
    repeated = estimator().fit(X.iloc[np.repeat(np.arange(len(X)), weight)], np.repeat(y, weight))
    np.testing.assert_array_equal(weighted.tree_.feature, repeated.tree_.feature)
    np.testing.assert_allclose(weighted.tree_.value, repeated.tree_.value, rtol=1e-12)


@pytest.mark.parametrize("estimator", ALL)
def test_arrays_that_must_not_be_written_to_and_the_same_bits(estimator):
    X, label, signal = cars(missing=0.1)
    codes = np.stack([pd.factorize(X[name])[0] for name in ("make", "fuel", "sold")] + [X["age"]], axis=1).astype(float)
    codes[:, 0] = np.where(codes[:, 0] < 0, np.nan, codes[:, 0])
    y = signal if estimator is CHAIDRegressor else np.unique(label, return_inverse=True)[1]
    weight = np.random.default_rng(0).uniform(0.5, 2, len(y))
    for array in (codes, y, weight):
        array.flags.writeable = False
    option = {"categorical_features": "all"} if estimator is ID3Classifier else {"categorical_features": [0, 1]}
    one, two = (estimator(**option).fit(codes, y, sample_weight=weight) for _ in range(2))
    for field in ("value", "weight", "score", "impurity", "threshold", "branches"):
        np.testing.assert_array_equal(getattr(one.tree_, field), getattr(two.tree_, field))
    np.testing.assert_array_equal(one.predict(codes), two.predict(np.asfortranarray(codes)))


@pytest.mark.parametrize("estimator", ALL)
def test_files_pickles_and_leaves(estimator, tmp_path):
    model, X, y = fitted(estimator, missing=0.1)
    model.save(tmp_path / "model.fastml")
    for copy in (pickle.loads(pickle.dumps(model)), fastml.io.load(tmp_path / "model.fastml")):
        np.testing.assert_array_equal(copy.predict(X), model.predict(X))
        assert copy.export_rules() == export_rules(model)
    ends = model.apply(X)
    assert (model.tree_.feature[ends] < 0).all()
    assert len(export_rules(model).splitlines()) == model.get_n_leaves()
    assert model.feature_importances_.sum() == pytest.approx(1)
    assert model.score(X, y) > 0.4


@pytest.mark.parametrize("estimator", ALL)
def test_levels_that_the_fit_did_not_see(estimator):
    new = cars(n=3, seed=5)[0].assign(make="lada")
    new = new[["make", "fuel", "sold"]] if estimator is ID3Classifier else new
    model, _, _ = fitted(estimator, unseen="other", max_depth=1)
    tree = model.tree_
    assert tree.feature[0] == 0
    np.testing.assert_array_equal(model.apply(new), 0)
    model, _, _ = fitted(estimator, max_depth=1)
    np.testing.assert_array_equal(model.predict(new), model.predict(new.assign(make=None)))
    model, _, _ = fitted(estimator, unseen="error", max_depth=1)
    with pytest.raises(ValueError, match=r"'make' has 1 level.*'lada'.*Use unseen='missing' or unseen='other'"):
        model.predict(new)


def test_id3_takes_numbers_only_when_told_so():
    with pytest.raises(ValueError, match=r"column 'temperature' holds numbers.*KBinsDiscretizer"):
        ID3Classifier().fit(NUMERIC, PLAY)
    model = ID3Classifier(categorical_features=["temperature", "humidity"]).fit(NUMERIC, PLAY)
    assert list(model.predict(NUMERIC)) == PLAY
    assert ID3Classifier(categorical_features="all").fit(np.array(DEGREES)[:, None], PLAY).get_n_leaves() == 12
    booleans = pd.DataFrame({"windy": NUMERIC["windy"] == "true"})
    assert ID3Classifier().fit(booleans, PLAY).get_n_leaves() == 2


def test_id3_splits_where_no_column_alone_tells_anything():
    X, y = [["a", "a"], ["a", "b"], ["b", "a"], ["b", "b"]], [0, 1, 1, 0]
    assert ID3Classifier().fit(X, y).score(X, y) == 1
    assert ID3Classifier(min_gain=1e-3).fit(X, y).get_n_leaves() == 1


def test_c45_takes_sparse_numbers_and_agrees_with_dense_ones():
    X, y = load_iris(return_X_y=True)
    dense, sparse = C45Classifier().fit(X, y), C45Classifier().fit(sp.csr_matrix(X), y)
    assert dense.export_rules() == sparse.export_rules()
    assert cross_val_score(C45Classifier(), X, y).mean() > 0.92


@pytest.mark.parametrize("estimator", CLASSIFIERS)
def test_one_class_one_row_and_columns_of_nothing(estimator):
    X = pd.DataFrame({"a": ["x", "y"] * 30, "b": [None] * 60})
    assert estimator().fit(X, ["k"] * 60).predict_proba(X).tolist() == [[1.0]] * 60
    assert estimator().fit(X[:1], ["k"]).predict(X[:1]) == ["k"]
    nothing = estimator().fit(X[["b"]].astype(object), [0, 1] * 30)
    assert nothing.get_n_leaves() == 1


@pytest.mark.parametrize("estimator", ALL)
@pytest.mark.parametrize(
    ("parameters", "fit", "words"),
    [
        ({"unseen": "othr"}, {}, r"'unseen'.*Did you mean 'other'\?"),
        ({"max_depth": 0}, {}, "'max_depth'"),
        ({"categorical_features": ["none"]}, {}, "categorical names"),
        ({}, {"sample_weight": -np.ones(600)}, "Negative values"),
        ({}, {"sample_weight": np.zeros(600)}, "sample_weight is 0 for every row"),
        ({}, {"y": np.full(600, np.nan)}, "y contains NaN"),
        ({}, {"y": [0, 1]}, "inconsistent numbers of samples"),
        ({}, {"X": cars()[0][:0], "y": []}, "0 sample"),
    ],
)
def test_what_is_refused(estimator, parameters, fit, words):
    _, X, y = fitted(estimator)
    with pytest.raises(ValueError, match=words):
        estimator(**parameters).fit(**{"X": X, "y": y, **fit})


@pytest.mark.parametrize(
    ("model", "name"),
    [
        (C45Classifier(confidence=1.5), "confidence"), (C45Classifier(min_samples_leaf=0), "min_samples_leaf"),
        (ID3Classifier(min_gain=-1), "min_gain"),
        (CHAIDClassifier(alpha_merge=0), "alpha_merge"), (CHAIDRegressor(alpha_split=2), "alpha_split"),
        (CHAIDRegressor(max_bins=1), "max_bins"), (CHAIDClassifier(bonferroni=3), "bonferroni"),
    ],
)  # fmt: skip
def test_parameters_out_of_range(model, name):
    with pytest.raises(ValueError, match=f"'{name}' parameter of {type(model).__name__}"):
        model.fit(WEATHER, [0, 1] * 7)


@pytest.mark.parametrize("estimator", ALL)
def test_trees_are_drawn(estimator):
    model, _, _ = fitted(estimator, missing=0.1)
    texts = plot_tree(model, ax=plt.figure().gca(), filled=True)
    assert len(texts) == len(model.tree_.feature)
    assert texts[0].get_text() == model._words(2).says(0).replace(" (", "\n(")
    assert texts[1].get_text().startswith("make ")
    top = plot_tree(model, ax=plt.figure().gca(), max_depth=1)
    assert len(top) == 1 + model.tree_.n_children[0]
    places = [text.get_position() for text in texts]
    assert len(set(places)) == len(places)
    plt.close("all")
    assert export_text(model).count(": ") == model.get_n_leaves()
    model.prune(0)
    assert len(plot_tree(model, ax=plt.figure().gca())) == 1
    plt.close("all")
    assert export_text(model).startswith(": ")


def test_rules_need_a_multiway_tree_and_whole_decimals():
    with pytest.raises(TypeError, match="export_text"):
        export_rules(DecisionTreeClassifier())
    with pytest.raises(ValueError, match="decimals=-1"):
        fitted(C45Classifier)[0].export_rules(decimals=-1)
    with pytest.raises(ValueError, match="not fitted"):
        export_rules(C45Classifier())


@pytest.mark.parametrize(
    ("field", "at", "value"),
    [
        ("first_child", 0, 0), ("first_child", 0, 2), ("n_children", 0, 9), ("parent", 1, 1), ("parent", 2, -1),
        ("feature", 0, 99), ("feature", 1, 0), ("table", 0, 10**9), ("table", 0, -1), ("n_entries", 0, -1),
        ("branches", 0, 77), ("branches", 0, -3),
    ],
)  # fmt: skip
def test_a_damaged_tree_is_refused_before_it_is_walked(field, at, value):
    tree = C45Classifier(confidence=None).fit(NUMERIC, PLAY).tree_
    tree.check()
    broken = getattr(tree, field).copy()
    broken[at] = value
    with pytest.raises(ValueError, match=r"multiway tree"):
        dataclasses.replace(tree, **{field: broken}).check()
    with pytest.raises(ValueError, match="differ in length"):
        dataclasses.replace(tree, weight=tree.weight[1:]).check()


@pytest.mark.parametrize("estimator", ALL)
def test_weights_that_are_shares_count_as_rows_on_average(estimator):
    _, X, y = fitted(estimator)
    weight = np.random.default_rng(0).uniform(0.5, 1.5, len(X))
    weight *= len(X) / weight.sum()
    own, shares, lifted = (estimator().fit(X, y, sample_weight=w).tree_ for w in (weight, weight / 1e4, weight * 2))
    assert len(own.feature) > 1
    np.testing.assert_array_equal(shares.feature, own.feature)
    np.testing.assert_allclose(shares.weight, own.weight)
    np.testing.assert_allclose(lifted.weight[0], 2 * len(X))


@pytest.mark.parametrize("estimator", ALL)
def test_boosted_trees_are_no_single_leaves(estimator):
    X, label, signal = cars()
    codes = np.stack([np.unique(X[name], return_inverse=True)[1] for name in ("make", "fuel", "sold")], axis=1)
    member = estimator(max_depth=1, categorical_features="all")
    if estimator is CHAIDRegressor:
        model = AdaBoostRegressor(member, n_estimators=5).fit(codes, signal)
    else:
        model = AdaBoostClassifier(member, n_estimators=5).fit(codes, label)
    assert len(model.estimators_) > 1
    assert sum(m.get_n_leaves() > 1 for m in model.estimators_) > 1  # a test or a bound may end the others
    assert model.score(codes, signal if estimator is CHAIDRegressor else label) > 0.5


def test_a_table_that_does_not_fit_is_refused_before_it_is_made(monkeypatch):
    X, y, _ = cars(300)
    monkeypatch.setattr(multiway_parameters, "MOST_BYTES", 16 * 5 * 3 - 1)
    with pytest.raises(MemoryError, match=r"column 'make' has 5 levels, whose table by 3 classes takes 240 bytes"):
        C45Classifier().fit(X, y)


def test_names_of_rows_do_not_raise_the_average_gain():
    X, y, _ = cars(300)
    named = X.assign(name=[f"row {i}" for i in range(300)])
    trees = [C45Classifier(confidence=None, max_depth=1).fit(data, y).tree_ for data in (X, named)]
    assert trees[0].feature[0] == trees[1].feature[0]
    assert C45Classifier(confidence=None).fit(named[["name"]], y).get_n_leaves() == 1  # branches of one row each


def test_class_weights_move_predictions():
    X, y, _ = cars()
    proba = [C45Classifier(class_weight=w).fit(X, y).predict_proba(X)[:, 1].mean() for w in (None, {"dear": 20})]
    assert proba[1] > proba[0]
    with pytest.raises(ValueError, match="leaves no row a weight"):
        C45Classifier(class_weight={"dear": 0, "cheap": 0}).fit(X, y)
