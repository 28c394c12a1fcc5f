"""forest_predictor against its twin: codes in batches, small and large trees, many outputs, ranges, damage."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastml._engines.forest_predictor import CompiledForest
from fastml.tree.structure import NODE, ForestBuilder
from tests.forests import flat, random_columns, random_forest, random_rows, random_tree
from tests.reference import forest_predictor as twin


def compiled(forest, edges):
    return CompiledForest(forest.nodes, forest.tree_start, forest.categories, forest.n_outputs, *flat(edges))


def case(seed, n, n_trees, n_leaves, n_features=5, n_outputs=1, chain=0.0):
    rng = np.random.default_rng(seed)
    edges, is_categorical = random_columns(rng, n_features)
    forest = random_forest(rng, n_trees, n_leaves, edges, is_categorical, n_outputs, chain)
    X = random_rows(rng, n, edges, is_categorical)
    return forest, X, twin.encode(X, edges, is_categorical), compiled(forest, edges), rng.normal(size=(n_outputs, n))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 150), st.integers(0, 5), st.integers(1, 40), st.integers(1, 3),
       st.sampled_from([0.0, 0.8, 1.0]), st.integers(1, 3))  # fmt: skip
def test_small_trees_equal_the_twin(seed, n, n_rounds, n_leaves, n_outputs, chain, n_threads):
    forest, X, codes, predictor, raw = case(seed, n, n_rounds * n_outputs, n_leaves, 5, n_outputs, chain)
    wanted = twin.add_trees(forest, X, raw.copy())
    predictor.add_codes(codes, n, raw, n_threads=n_threads)
    np.testing.assert_array_equal(raw, wanted)
    np.testing.assert_array_equal(predictor.leaf_codes(codes, n, n_threads=n_threads), twin.leaves(forest, X))


@pytest.mark.parametrize("n_leaves", [31, 33, 64, 128, 255, 256, 257, 700])
@pytest.mark.parametrize("chain", [0.0, 0.5, 1.0])
def test_sizes_around_the_limits(n_leaves, chain):
    forest, X, codes, predictor, raw = case(n_leaves, 130, 3, n_leaves, chain=chain)
    wanted = twin.add_trees(forest, X, raw.copy())
    predictor.add_codes(codes, len(X), raw)
    np.testing.assert_array_equal(raw, wanted)
    np.testing.assert_array_equal(predictor.leaf_codes(codes, len(X)), twin.leaves(forest, X))


def test_small_and_large_trees_mix_in_order():
    forest, X, codes, predictor, raw = case(5, 600, 12, lambda rng: int(rng.choice([1, 2, 30, 300])), n_outputs=2)
    wanted = twin.add_trees(forest, X, raw.copy())
    predictor.add_codes(codes, len(X), raw, n_threads=2)
    np.testing.assert_array_equal(raw, wanted)


def test_more_splits_than_a_group_holds():
    forest, X, codes, predictor, raw = case(6, 70, 150, 200)
    wanted = twin.add_trees(forest, X, raw.copy())
    predictor.add_codes(codes, len(X), raw)
    np.testing.assert_array_equal(raw, wanted)


def test_ranges_of_trees_add_up_to_the_whole():
    forest, X, codes, predictor, raw = case(7, 1100, 12, 20, n_outputs=3)
    whole, parts = raw.copy(), raw.copy()
    predictor.add_codes(codes, len(X), whole)
    for begin, end in [(0, 3), (3, 3), (3, 9), (9, 12)]:
        predictor.add_codes(codes, len(X), parts, begin, end)
    np.testing.assert_array_equal(whole, parts)
    np.testing.assert_array_equal(predictor.leaf_codes(codes, len(X), 3, 9), twin.leaves(forest, X)[:, 3:9])


def test_all_but_missing_and_only_missing():
    nodes = np.zeros(9, NODE)
    nodes["left"][[0, 1, 2, 3]] = [1, 3, 5, 7]
    nodes["feature"][0] = 0  # inf: all but missing go left
    nodes["feature"][1] = nodes["feature"][3] = 1 | 1 << 31
    nodes["feature"][2] = 1
    nodes["value"] = [np.inf, np.nan, np.inf, 0.5, 1, 2, 3, 4, 5]
    edges = [np.empty(0), np.array([0.5])]
    X = np.array([[a, b] for a in (-np.inf, 0, np.inf, np.nan) for b in (0.5, 1, np.nan)])
    builder = ForestBuilder(2)
    builder.append(nodes, None, np.zeros(9, np.float32), np.zeros(9, np.float32))
    forest = builder.freeze()
    codes = twin.encode(X, edges, [False, False])
    np.testing.assert_array_equal(compiled(forest, edges).leaf_codes(codes, len(X)), twin.leaves(forest, X))


def test_255_bins_and_wide_columns():
    rng = np.random.default_rng(3)
    edges = [np.arange(254.0)] * 3
    forest = random_forest(rng, 20, 31, edges, [False] * 3)
    X = rng.integers(-1, 256, (700, 3)) - 0.0
    X[rng.random(X.shape) < 0.1] = np.nan
    raw = np.zeros((1, 700))
    compiled(forest, edges).add_codes(twin.encode(X, edges, [False] * 3), 700, raw)
    np.testing.assert_array_equal(raw, twin.add_trees(forest, X, np.zeros((1, 700))))


def test_views_of_codes_and_raw():
    forest, X, codes, predictor, _raw = case(8, 512, 5, 9, n_outputs=1)
    wide = np.zeros((1, 700))
    predictor.add_codes(codes[:, :512], 512, wide[:, 100:612])
    np.testing.assert_array_equal(wide[:, 100:612], twin.add_trees(forest, X, np.zeros((1, 512))))
    assert not wide[:, :100].any()
    assert not wide[:, 612:].any()


@pytest.mark.parametrize("field, node, value", [("left", 0, 99), ("left", 1, 1), ("left", 0, -3), ("left", 2, 1),
                                                ("feature", 0, 77), ("value", 0, 0.123)])  # fmt: skip
def test_damaged_trees_are_refused(field, node, value):
    edges = [np.array([0.5]), np.array([1.5])]
    nodes, categories = random_tree(np.random.default_rng(0), 5, edges, [False, False], chain=1.0)
    nodes[field][node] = value
    with pytest.raises(ValueError, match=r"damaged|not among its edges"):
        CompiledForest(nodes, [0, len(nodes)], categories, 1, *flat(edges))


def test_wrong_arguments():
    _forest, _X, codes, predictor, raw = case(9, 100, 4, 5)
    with pytest.raises(ValueError, match="codes must be"):
        predictor.add_codes(codes[:, :100], 100, raw)
    with pytest.raises(ValueError, match="codes must be"):
        predictor.add_codes(codes[:3], 100, raw)
    with pytest.raises(ValueError, match="raw_inout"):
        predictor.add_codes(codes, 100, raw[:, :99])
    with pytest.raises(ValueError, match="trees"):
        predictor.add_codes(codes, 100, raw, 3, 5)
