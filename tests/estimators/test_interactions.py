"""Interaction constraints in every estimator over binary trees."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import make_friedman1

from fastml import io
from fastml.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    XGBClassifier,
    XGBRegressor,
)
from fastml.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier, ExtraTreeRegressor
from fastml.tree.interactions import Interactions, interaction_constraints, interaction_cst
from tests.reference.interactions import allowed_in_nodes

GROUPS = [{0, 1}, {1, 2, 3}]  # of 6 columns; 4 and 5 stand in none of them
TREES = [DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier, ExtraTreeRegressor]
FORESTS = [RandomForestClassifier, RandomForestRegressor, ExtraTreesClassifier, ExtraTreesRegressor]
METHODS = [{"tree_method": "hist"}, {"tree_method": "exact"}, {"tree_method": "approx"},
           {"tree_method": "approx", "sketch": "local"}]  # fmt: skip


def data(kind="numbers", n=600, seed=0):
    X, y = make_friedman1(n, n_features=6, noise=0.5, random_state=seed)
    X = np.where(np.random.default_rng(seed).random(X.shape) < 0.02, np.nan, X)
    if kind == "classes":
        return X, (y > np.median(y)).astype(int)
    if kind == "three classes":
        return X, np.digitize(y, np.quantile(y, [0.3, 0.6]))
    return X, np.stack([y, -(y**2)], 1) if kind == "outputs" else y


def estimators():
    yield from ((cls(max_depth=8, interaction_cst=GROUPS, random_state=0), "sklearn") for cls in TREES)
    for cls in FORESTS:
        yield cls(5, max_depth=8, interaction_cst=GROUPS, max_features=2, random_state=1), "sklearn"
    for cls, tree in ((AdaBoostClassifier, DecisionTreeClassifier), (AdaBoostRegressor, DecisionTreeRegressor)):
        yield cls(tree(max_depth=4, interaction_cst=GROUPS), n_estimators=5), "sklearn"
    for cls, tree in ((BaggingClassifier, DecisionTreeClassifier), (BaggingRegressor, DecisionTreeRegressor)):
        yield cls(tree(max_depth=6, interaction_cst=GROUPS), n_estimators=5, random_state=0), "sklearn"
    for method in ("hist", "exact"):
        for cls in (GradientBoostingClassifier, GradientBoostingRegressor):
            more = {"n_estimators": 8, "tree_method": method, "interaction_cst": GROUPS, "random_state": 0}
            yield cls(max_depth=5, **more), "sklearn"
            yield cls(max_leaf_nodes=20, max_depth=None, max_features=0.7, **more), "sklearn"
    for method in METHODS:
        for cls in (XGBClassifier, XGBRegressor):
            more = {"n_estimators": 8, "interaction_constraints": GROUPS, **method}
            yield cls(**more), "xgboost"
            yield cls(max_leaves=20, max_depth=0, grow_policy="lossguide", colsample_bynode=0.7, **more), "xgboost"


def trees_of(model):
    """The nodes of each tree, left children as numbers of the tree's own nodes."""
    if hasattr(model, "_fitted") and hasattr(model._fitted, "forest"):
        forest = model._fitted.forest
        return [forest.nodes[a:b] for a, b in zip(forest.tree_start, forest.tree_start[1:], strict=False)]
    if hasattr(model, "estimators_"):
        return [tree._fitted.nodes for tree in model.estimators_]
    return [model._fitted.nodes]


@pytest.mark.parametrize(("model", "rest"), list(estimators()), ids=lambda v: repr(v)[:60].replace("\n", ""))
def test_every_path_lies_in_one_set(model, rest, tmp_path):
    X, y = data("classes" if "Classifier" in type(model).__name__ else "numbers")
    constraints = Interactions.of([*GROUPS, *([{4, 5}] if rest == "sklearn" else [{4}, {5}])], 6)
    model = clone(model).fit(X, y)
    n_inner = 0
    for nodes in trees_of(model):
        for node, allowed in zip(nodes, allowed_in_nodes(nodes, constraints, 6), strict=True):
            if node["left"]:
                n_inner += 1
                assert int(node["feature"]) & 0x3FFFFFFF in allowed
    assert n_inner > 10
    io.save(model, tmp_path / "model.safetensors")
    again = io.load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    np.testing.assert_array_equal(clone(again).fit(X, y).predict(X), model.predict(X))


def mixed_difference(say, X, a, b, delta=0.3):
    """f(a + d, b + d) - f(a + d) - f(b + d) + f: 0 where columns a and b do not meet."""
    one, other, both = X.copy(), X.copy(), X.copy()
    one[:, a] += delta
    other[:, b] += delta
    both[:, [a, b]] += delta
    return say(both) - say(one) - say(other) + say(X)


@pytest.mark.parametrize("model", [
    XGBRegressor(n_estimators=40, interaction_constraints="[[0, 2], [1]]"),
    XGBRegressor(n_estimators=40, interaction_constraints=[["0", "2"]], tree_method="exact"),
    XGBRegressor(n_estimators=40, interaction_constraints=[[0, 2]], tree_method="approx"),
    GradientBoostingRegressor(n_estimators=40, interaction_cst=[(0, 2)]),
    GradientBoostingRegressor(n_estimators=40, interaction_cst=[(0, 2)], tree_method="exact"),
    RandomForestRegressor(20, interaction_cst=[(0, 2)], random_state=0),
    ExtraTreesRegressor(20, interaction_cst=[(0, 2)], random_state=0),
    DecisionTreeRegressor(max_depth=6, interaction_cst=[(0, 2)]),
    BaggingRegressor(DecisionTreeRegressor(interaction_cst=[(0, 2)]), random_state=0),
], ids=lambda model: repr(model)[:60])  # fmt: skip
def test_columns_kept_apart_add_up(model):
    import pandas as pd

    rng = np.random.default_rng(0)
    X = rng.uniform(size=(1500, 3))
    y = X[:, 0] + 5 * X[:, 0] * X[:, 1] + 5 * X[:, 0] * X[:, 2]
    as_frame = "'0'" in repr(model)

    def table(values):
        return pd.DataFrame(values, columns=["0", "1", "2"]) if as_frame else values

    model.fit(table(X), y)
    inside = X[(X < 0.7).all(axis=1)]
    np.testing.assert_allclose(
        mixed_difference(lambda Z: model.predict(table(Z)), inside, 0, 1), 0, atol=1e-10
    )
    assert abs(mixed_difference(lambda Z: model.predict(table(Z)), inside, 0, 2)).mean() > 0.05


@pytest.mark.parametrize("policy", ["depthwise", "lossguide"])
@pytest.mark.parametrize("groups", [[[0, 1], [1, 2, 3]], [[0, 4], [2, 3, 5]], [[1]]])
def test_exact_trees_are_those_of_xgboost(policy, groups):
    xgboost = pytest.importorskip("xgboost")
    X, y = data(n=500, seed=3)
    common = {"n_estimators": 6, "max_depth": 4, "learning_rate": 0.5, "base_score": 0.0,
              "interaction_constraints": groups}  # fmt: skip
    if policy == "depthwise":
        theirs = xgboost.XGBRegressor(tree_method="exact", **common | {"interaction_constraints": str(groups)})
        theirs.fit(X, y)
        ours = XGBRegressor(tree_method="exact", **common).fit(X, y)
    else:  # XGBoost's exact trees grow level by level only; with a bin for each value its others are exact too
        common |= {"grow_policy": "lossguide", "max_leaves": 10, "max_depth": 0}
        X = np.round(X, 1)
        common["interaction_constraints"] = str(groups)
        theirs = xgboost.XGBRegressor(tree_method="hist", max_bin=4096, **common).fit(X, y)
        ours = XGBRegressor(tree_method="exact", **common).fit(X, y)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-4, atol=1e-4)


def test_no_interactions_and_pairwise():
    X, y = data()
    for cst, most in (("no_interactions", 1), ("pairwise", 2)):
        for model in (
            GradientBoostingRegressor(n_estimators=5, max_depth=6, interaction_cst=cst),
            RandomForestRegressor(5, interaction_cst=cst, random_state=0),
            BaggingRegressor(DecisionTreeRegressor(interaction_cst=cst), 5, max_features=5,
                             bootstrap_features=True, random_state=0),
        ):  # fmt: skip
            model.fit(X, y)
            columns = getattr(model, "estimators_features_", None)
            for t, nodes in enumerate(trees_of(model)):
                seen = {0: set()}
                for i in range(len(nodes)):
                    if not nodes["left"][i]:
                        continue
                    j = int(nodes["feature"][i]) & 0x3FFFFFFF
                    below = seen[i] | {j if columns is None else columns[t][j]}
                    assert len(below) <= most
                    seen[nodes["left"][i]] = seen[nodes["left"][i] + 1] = below
                assert max(map(len, seen.values())) == most


def test_composes_with_monotone_columns_weights_categories_and_outputs():
    import pandas as pd

    X, y = data("outputs")
    frame = pd.DataFrame(X, columns=list("abcdef"))
    frame["b"] = pd.Categorical(np.where(frame["b"] > 0.5, "x", np.where(frame["b"] > 0.2, "y", "z")))
    weight = np.random.default_rng(0).integers(0, 3, len(y)) + 0.0
    constraints = Interactions.of([{0, 1}, {1, 2, 3}, {4, 5}], 6)
    sets = [["a", "b"], ["b", 2, "d"]]
    for model, target in (
        (RandomForestRegressor(5, interaction_cst=sets, random_state=0), y),
        (DecisionTreeRegressor(interaction_cst=sets, max_bins=16), y),
        (DecisionTreeRegressor(interaction_cst=sets, monotonic_cst=[1, 0, 0, 1, -1, 0]), y[:, 0]),
    ):
        model.fit(frame, target, sample_weight=weight)
        for nodes in trees_of(model):
            for node, allowed in zip(nodes, allowed_in_nodes(nodes, constraints, 6), strict=True):
                assert node["left"] == 0 or int(node["feature"]) & 0x3FFFFFFF in allowed
        if target.ndim == 1:
            rows = frame.iloc[:20]
            said = np.stack([model.predict(rows.assign(a=value)) for value in np.linspace(0, 1, 30)])
            assert (np.diff(said, axis=0) >= -1e-12).all()


def test_what_rules_nothing_out_changes_nothing():
    X, y = data()
    for free, plain in (
        (XGBRegressor(n_estimators=5, interaction_constraints=""), XGBRegressor(n_estimators=5)),
        (XGBRegressor(n_estimators=5, interaction_constraints=[range(6)]), XGBRegressor(n_estimators=5)),
        (RandomForestRegressor(5, interaction_cst=[], random_state=0), RandomForestRegressor(5, random_state=0)),
    ):
        np.testing.assert_array_equal(free.fit(X, y).predict(X), plain.fit(X, y).predict(X))


@pytest.mark.parametrize(("value", "message"), [
    ([[0, 6]], r"integer indices in \[0, n_features - 1\] = \[0, 5\].*with 6"),
    ([[0, -1]], "with -1"), ([[0, 0.5]], "with 0.5"), ([[True]], "with True"), ([[]], r"\[0\] is an empty set"),
    ([["price"]], "names 'price', which is no column: X has no names"), ([0, 1], "sequence of tuples or lists"),
    (["ab"], "sequence of tuples or lists"), (3, "sequence of tuples or lists"),
])  # fmt: skip
def test_what_is_wrong_is_said(value, message):
    X, y = data()
    for model in (
        XGBRegressor(interaction_constraints=value), GradientBoostingRegressor(interaction_cst=value),
        DecisionTreeRegressor(interaction_cst=value), RandomForestRegressor(5, interaction_cst=value),
        BaggingRegressor(DecisionTreeRegressor(interaction_cst=value)),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=message):
            model.fit(X, y)


def test_strings_that_are_no_constraints():
    with pytest.raises(ValueError, match="is no list of lists"):
        interaction_constraints("[[0, 1]", 3, None)
    with pytest.raises(ValueError, match="interaction_cst='all' must be 'pairwise'"):
        interaction_cst("all", 3, None)
    with pytest.raises(ValueError, match="the columns are a, b"):
        interaction_constraints('[["c"]]', 2, ["a", "b"])


def test_parsed():
    assert interaction_constraints("[['b', 'a'], [2]]", 4, list("abcd")).groups() == [[0, 1], [2], [3]]
    assert interaction_cst([(0, 0, 1)], 4, None).groups() == [[0, 1], [2, 3]]
    assert interaction_cst("pairwise", 2, None) is None
    wide = interaction_cst([(0, 63, 64, 129)], 130, None)
    assert wide.groups()[0] == [0, 63, 64, 129]
    assert wide.take(np.array([129, 5, 0, 129])).groups() == [[0, 2, 3], [1]]
    assert interaction_cst("pairwise", 4, None).take(np.array([3, 1, 0])).most == 2
    assert interaction_cst("no_interactions", 4, None).take(np.array([3, 1, 3])).groups() == [[0, 2], [1]]
