"""row_predictor against its twin: float thresholds, one row or many, links, categories, what is not a row."""

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastml._engines.row_predictor import RowForest, RowPredictor
from tests.forests import random_columns, random_forest, random_rows
from tests.reference import forest_predictor as walk
from tests.reference import row_predictor as twin


def arrays(forest):
    return forest.nodes, forest.tree_start, forest.categories, forest.n_outputs, forest.n_features


def case(seed, n, n_trees, n_leaves, n_features=5, n_outputs=1, categories=True):
    rng = np.random.default_rng(seed)
    edges, is_categorical = random_columns(rng, n_features)
    is_categorical &= categories
    forest = random_forest(rng, n_trees, n_leaves, edges, is_categorical, n_outputs)
    return forest, random_rows(rng, n, edges, is_categorical), is_categorical


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 150), st.integers(0, 12), st.integers(1, 30), st.integers(1, 3),
       st.integers(1, 3), st.sampled_from("CFS"))  # fmt: skip
def test_rows_equal_the_twin(seed, n, n_rounds, n_leaves, n_outputs, n_threads, layout):
    forest, X, _ = case(seed, n, n_rounds * n_outputs, n_leaves, n_outputs=n_outputs)
    wanted = walk.add_trees(forest, X, np.zeros((n_outputs, n)))
    given = np.repeat(X, 2, axis=1)[:, ::2] if layout == "S" else np.asarray(X, order=layout)
    rows, raw = RowForest(*arrays(forest)), np.zeros((n_outputs, n))
    rows.add_rows(given, raw, n_threads=n_threads)
    np.testing.assert_array_equal(raw, wanted)
    np.testing.assert_array_equal(rows.leaf_rows(given, n_threads=n_threads), walk.leaves(forest, X))


def test_float32_is_compared_as_the_number_it_is():
    forest, X, _ = case(1, 50, 20, 20, categories=False)
    X = (X + np.random.default_rng(0).normal(size=X.shape)).astype(np.float32)
    raw = np.zeros((1, 50))
    RowForest(*arrays(forest)).add_rows(X, raw)
    np.testing.assert_array_equal(raw, walk.add_trees(forest, X.astype(np.float64), np.zeros((1, 50))))


def test_ranges_of_trees():
    forest, X, _ = case(2, 40, 12, 10, n_outputs=3)
    rows, raw = RowForest(*arrays(forest)), np.zeros((3, 40))
    for begin, end in [(0, 3), (3, 9), (9, 12)]:
        rows.add_rows(X, raw, begin, end)
    np.testing.assert_array_equal(raw, walk.add_trees(forest, X, np.zeros((3, 40))))
    np.testing.assert_array_equal(rows.leaf_rows(X[:2], 3, 9), walk.leaves(forest, X[:2])[:, 3:9])


@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.parametrize("link", ["identity", "sigmoid", "softmax"])
def test_links_and_base(n_outputs, link):
    forest, X, _ = case(3, 30, 6, 12, n_outputs=n_outputs)
    base = np.linspace(-1, 1, n_outputs)
    predictor = RowPredictor(*arrays(forest), base=base, link=link)
    wanted, raw = twin.predict(forest, X, base, link), twin.predict(forest, X, base)
    for x, w, r in zip(X, wanted, raw, strict=True):
        got = predictor(x)
        assert isinstance(got, float) if n_outputs == 1 else got.shape == (3,)
        np.testing.assert_allclose(got, w if n_outputs > 1 else w[0], rtol=1e-12)
        np.testing.assert_array_equal(predictor.raw(x), r if n_outputs > 1 else r[0])
    np.testing.assert_allclose(predictor(X), wanted if n_outputs > 1 else wanted[:, 0], rtol=1e-12)


@pytest.mark.parametrize("make", [list, tuple, lambda x: [None if np.isnan(v) else v for v in x], np.asarray,
                                  lambda x: np.repeat(x, 2)[::2], lambda x: x.astype(">f8"),
                                  lambda x: x.astype(object), lambda x: [np.float64(v) for v in x]])  # fmt: skip
def test_kinds_of_rows(make):
    forest, X, _ = case(4, 20, 10, 12)
    predictor = RowPredictor(*arrays(forest))
    np.testing.assert_array_equal([predictor(make(x)) for x in X], twin.predict(forest, X)[:, 0])


def test_level_numbers_become_codes():
    forest, X, is_categorical = case(12, 80, 10, 12, n_features=8)
    assert is_categorical.any()
    rng = np.random.default_rng(1)
    codes = [rng.integers(1, 256, 20).astype(np.uint8) if c else None for c in is_categorical]
    X[:, is_categorical] = rng.choice([0, 1, 5, 19, 20, 300, -1, 1e300, np.nan], (80, int(is_categorical.sum())))
    predictor = RowPredictor(*arrays(forest), category_codes=codes)
    wanted = twin.predict(forest, twin.with_codes(X, is_categorical, codes))[:, 0]
    np.testing.assert_array_equal([predictor(x) for x in X], wanted)


def test_more_columns_than_the_stack_holds():
    forest, X, _ = case(5, 12, 80, 30, n_features=900)
    predictor, raw = RowPredictor(*arrays(forest)), np.zeros((1, 12))
    assert predictor.n_slots > 512
    wanted = twin.predict(forest, X)[:, 0]
    np.testing.assert_array_equal([predictor(x) for x in X], wanted)
    predictor.add_rows(X, raw)
    np.testing.assert_array_equal(raw[0], wanted)


def test_what_is_not_a_row():
    forest, _X, _ = case(6, 3, 4, 5)
    predictor = RowPredictor(*arrays(forest))
    for row in ([1.0], np.zeros(4), (), np.zeros((1, 1, 5))):
        with pytest.raises(ValueError, match="n_features=5"):
            predictor(row)
    with pytest.raises((TypeError, ValueError)):
        predictor(["a"] * 5)
    with pytest.raises(ValueError, match="link='probit'"):
        RowPredictor(*arrays(forest), link="probit")


def test_threads_share_one_predictor():
    forest, X, _ = case(7, 200, 30, 20)
    predictor = RowPredictor(*arrays(forest))
    wanted, wrong = [predictor(x) for x in X], []

    def work():
        wrong.extend(i for i, x in enumerate(X) if predictor(list(x)) != wanted[i])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
