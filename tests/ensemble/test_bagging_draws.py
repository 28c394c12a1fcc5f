"""What members of a bagging see: rows by content and weight, columns as scikit-learn draws them."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import sparse
from sklearn import ensemble as peer

from fastml.ensemble.bagging_draws import draws_of, order_by_content

SEEDS = range(2000)


def asked(**parameters):
    defaults = {"max_samples": None, "max_features": 1.0, "bootstrap": True, "bootstrap_features": False}
    return SimpleNamespace(**(defaults | parameters))


def identity(n):
    return np.arange(n, dtype=np.int32)


@pytest.mark.parametrize(
    "weight, parameters, n_rows",
    [
        (None, {}, 6),
        (None, {"max_samples": 4}, 4),
        (None, {"max_samples": 0.5, "bootstrap": False}, 3),
        (None, {"bootstrap": False}, 6),
        ([1, 2, 2, 0, 1, 1], {}, 7),
        ([10, 20, 20, 0, 10, 10], {}, 7),
        ([0.5, 1, 1, 0, 0.5, 0.5], {"max_samples": 1.0}, 7),
        ([1, 2, 2, 0, 1, 1], {"max_samples": 5, "bootstrap": False}, 5),
        ([1, 2, 2, 0, 1, 1], {"bootstrap": False}, 7),
        ([0.1, 0.2, 0.2, 0, 0.1, 0.1], {}, 6),
        ([0.1, 0.2, 0.2, 0, 0.1, 0.1], {"max_samples": 3, "bootstrap": False}, 3),
    ],
)
@pytest.mark.filterwarnings("ignore:Using the fractional value")
def test_as_many_rows_as_asked_for(weight, parameters, n_rows):
    weight = None if weight is None else np.array(weight, float)
    draws = draws_of(asked(**parameters), identity(6), weight, 3)
    for seed in range(30):
        counts, samples = draws.counts(seed), draws.samples(seed)
        assert counts.sum() == len(samples) == n_rows
        np.testing.assert_array_equal(np.bincount(samples, minlength=6), counts)
        if weight is not None:
            assert not counts[weight == 0].any()
        if not parameters.get("bootstrap", True):
            assert (counts <= (1 if weight is None else np.maximum(np.rint(weight), 1))).all()


@pytest.mark.parametrize(
    "weight, parameters, mean",
    [
        ([1, 2, 3, 0], {}, [1, 2, 3, 0]),
        ([1, 2, 3, 0], {"max_samples": 3, "bootstrap": False}, [0.5, 1, 1.5, 0]),
        ([0.1, 0.2, 0.3, 0], {"max_samples": 6}, [1, 2, 3, 0]),
        ([0.1, 0.2, 0.3, 0], {"max_samples": 1, "bootstrap": False}, [1 / 6, 1 / 3, 1 / 2, 0]),
        (None, {"max_samples": 2, "bootstrap": False}, [0.5] * 4),
    ],
)
def test_rows_are_drawn_by_their_weights(weight, parameters, mean):
    draws = draws_of(asked(**parameters), identity(4), None if weight is None else np.array(weight, float), 3)
    found = np.mean([draws.counts(seed) for seed in SEEDS], axis=0)
    np.testing.assert_allclose(found, mean, atol=5 * np.sqrt(3 / len(SEEDS)) / 2)


def test_weights_that_count_no_rows_stay_weights_where_nothing_is_drawn():
    weight = np.array([0.1, 0.7, 0.0])
    draws = draws_of(asked(bootstrap=False), identity(3), weight, 2)
    np.testing.assert_array_equal(draws.counts(5), weight)
    np.testing.assert_array_equal(draws.samples(5), [0, 1])


@pytest.mark.parametrize("with_replacement", [False, True])
def test_columns_are_scikit_learns(with_replacement):
    X, y = np.random.default_rng(0).normal(size=(20, 9)), np.arange(20) % 2
    theirs = peer.BaggingClassifier(
        n_estimators=6, max_features=0.6, bootstrap_features=with_replacement, random_state=4
    ).fit(X, y)
    draws = draws_of(asked(max_features=0.6, bootstrap_features=with_replacement), identity(20), None, 9)
    seeds = np.random.RandomState(4).randint(np.iinfo(np.int32).max, size=6)
    for seed, features in zip(seeds.tolist(), theirs.estimators_features_, strict=True):
        np.testing.assert_array_equal(draws.features(seed), features)


def test_a_matrix_sparse_or_dense_has_one_order_that_rows_take_with_them():
    rng = np.random.default_rng(0)
    X = np.where(rng.random((200, 12)) < 0.2, rng.normal(size=(200, 12)), 0.0)
    X[3, 4] = np.nan
    y = rng.integers(0, 3, 200)
    order = order_by_content(X, [y], 2)
    for container in (sparse.csr_array, sparse.csc_matrix):
        np.testing.assert_array_equal(order_by_content(container(X), [y], 1), order)
    shuffled = rng.permutation(200)
    again = order_by_content(X[shuffled], [y[shuffled]], 1)
    np.testing.assert_array_equal(X[shuffled][again], X[order])
    assert not np.array_equal(order, np.arange(200))


def test_text_has_an_order_too():
    X = np.array([["a", 1], ["b", 2.5], ["c", None], ["a", 1]], dtype=object)
    order = order_by_content(X, [], 1)
    turned = order_by_content(X[::-1], [], 1)
    assert X[order].tolist() == X[::-1][turned].tolist()


@pytest.mark.parametrize(
    "damage", [{"order": [0, 0, 2]}, {"order": []}, {"n_columns": 4}, {"weight": [1.0]}, {"weight": [1.0, -1.0, 1.0]}]
)
def test_what_comes_damaged_from_a_file_is_refused(damage):
    draws = draws_of(asked(), identity(3), None, 2)
    draws.check()
    with pytest.raises(ValueError, match="damaged"):
        replace(draws, **{k: np.array(v, np.int32 if k == "order" else None) for k, v in damage.items()}).check()


def test_trees_that_forests_do_not_grow_are_fitted_one_by_one():
    """A criterion of one's own is that of single trees, and is not dropped; nor are bins, which forests have too."""
    from fastml.ensemble import BaggingRegressor
    from fastml.tree import DecisionTreeRegressor

    rng = np.random.default_rng(0)
    X = rng.normal(size=(500, 2))
    y = X[:, 0] ** 3 + rng.normal(size=500)
    binned = BaggingRegressor(DecisionTreeRegressor(max_bins=4), 3, random_state=0).fit(X, y)
    for tree in binned.estimators_:
        assert len(np.unique(tree.tree_.threshold[tree.tree_.feature == 0])) <= 3
    own = DecisionTreeRegressor(criterion=lambda weight, sum_wy, sum_wyy: sum_wyy / weight - (sum_wy / weight) ** 2)
    bags = BaggingRegressor(own, 3, random_state=0).fit(X, y)
    assert bags.score(X, y) > 0.7
