"""Trees in few bytes: what does not follow from the leaves is kept, and numbers come back to the bit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.datasets import load_diabetes, load_iris

from fastml.tree import DecisionTreeClassifier, DecisionTreeRegressor
from fastml.tree.fitted import FittedTree
from fastml.tree.packing import from_table, in_table, smallest

IRIS, DIABETES = load_iris(return_X_y=True), load_diabetes(return_X_y=True)
MODELS = [
    (DecisionTreeClassifier(), IRIS), (DecisionTreeClassifier(criterion="entropy"), IRIS),
    (DecisionTreeRegressor(), DIABETES), (DecisionTreeRegressor(criterion="absolute_error", max_depth=4), DIABETES),
    (DecisionTreeRegressor(criterion="poisson", max_depth=5), DIABETES),
    (DecisionTreeRegressor(monotonic_cst=[1] + [0] * 9, max_depth=6), DIABETES),
    (DecisionTreeRegressor(max_depth=1), DIABETES), (DecisionTreeRegressor(min_samples_leaf=400), DIABETES),
]  # fmt: skip


@given(hnp.arrays(np.float64, st.integers(0, 40), elements=st.sampled_from([0.0, -0.0, 1.0, 0.1, 1e300, np.inf, 7.0])))
def test_numbers_come_back(values):
    found = from_table(in_table(values))
    np.testing.assert_array_equal(found, values)
    whole = smallest(np.abs(np.where(np.isfinite(values), values, 3.0)))
    np.testing.assert_array_equal(whole, np.abs(np.where(np.isfinite(values), values, 3.0)))


@pytest.mark.parametrize(("model", "data"), MODELS, ids=lambda x: str(x)[:60] if hasattr(x, "fit") else "")
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shift", [0.0, 1e6])
def test_a_tree_comes_back(model, data, weighted, shift):
    X, y = data
    if shift and not isinstance(model, DecisionTreeRegressor):
        pytest.skip("for numbers")
    weight = np.random.default_rng(0).uniform(0.5, 2, len(y)) if weighted else None
    fitted = model.fit(X, y + shift, sample_weight=weight)._fitted
    again = FittedTree.from_json(fitted.to_json())
    one, other = fitted.as_sklearn(), again.as_sklearn()
    assert one.node_count == other.node_count
    np.testing.assert_array_equal(one.threshold, other.threshold)
    np.testing.assert_array_equal(one.children_left, other.children_left)
    np.testing.assert_array_equal(one.n_node_samples, other.n_node_samples)
    leaf = one.children_left < 0
    np.testing.assert_array_equal(one.value[leaf], other.value[leaf])
    np.testing.assert_array_equal(one.impurity[leaf], other.impurity[leaf])
    np.testing.assert_allclose(one.value, other.value, rtol=1e-9)
    np.testing.assert_allclose(one.impurity, other.impurity, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(one.weighted_n_node_samples, other.weighted_n_node_samples)


def test_a_damaged_tree_is_refused():
    state = DecisionTreeRegressor(max_depth=3).fit(*DIABETES)._fitted.to_json()
    nodes, statistics = state["nodes"], state["statistics"]
    for change in (
        {"statistics": statistics | {"rows": statistics["rows"][:-1]}},
        {"statistics": statistics | {"value": (statistics["value"][0][:-1], statistics["value"][1][:-1])}},
        {"nodes": nodes | {"threshold": (np.zeros(1), np.full(7, 3, np.uint8))}},
        {"nodes": nodes | {"sizes": np.array([3, 12])}},
        {"nodes": nodes | {"is_leaf": nodes["is_leaf"][:-1]}},
        {"nodes": nodes | {"feature": np.full(7, 99, np.uint8)}},
    ):
        with pytest.raises(ValueError, match=r"damaged|column"):
            FittedTree.from_json(state | change)
