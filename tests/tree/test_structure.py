"""Forest: views, slices, builder, importances, pickles, damage."""

import pickle

import numpy as np
import pytest

from fastml.tree.structure import IMPORTANCES, MISSING_LEFT, NODE, Forest, ForestBuilder, concatenate
from tests.forests import random_columns, random_forest, random_rows
from tests.reference import forest_predictor as twin


def stump(feature, value, left, right, gain=2.0):
    nodes = np.zeros(3, NODE)
    nodes["left"][0] = 1
    nodes["feature"][0] = np.uint32(feature) | MISSING_LEFT
    nodes["value"] = [value, left, right]
    return nodes, None, np.array([gain, 0, 0], np.float32), np.array([10, 4, 6], np.float32)


@pytest.fixture
def forest():
    rng = np.random.default_rng(0)
    edges, _is_categorical = random_columns(rng, 6)
    return random_forest(rng, 12, 9, edges, np.array([True, False] * 3), n_outputs=3)


def test_importance_of_stumps():
    builder = ForestBuilder(4)
    for tree in (stump(1, 0.5, 1, 2, gain=4), stump(1, 1.5, 1, 2, gain=2), stump(3, 0.5, 1, 2, gain=1)):
        builder.append(*tree)
    forest = builder.freeze()
    wanted = {"weight": [0, 2, 0, 1], "gain": [0, 3, 0, 1], "total_gain": [0, 6, 0, 1],
              "cover": [0, 10, 0, 10], "total_cover": [0, 20, 0, 10]}  # fmt: skip
    assert set(wanted) == set(IMPORTANCES)
    for kind, values in wanted.items():
        np.testing.assert_array_equal(forest.importance(kind), values)
    with pytest.raises(ValueError, match="'split' is unknown"):
        forest.importance("split")
    assert (forest.max_depth, forest.n_leaves, forest.used_features().tolist()) == (1, 6, [1, 3])
    assert repr(forest) == "Forest(n_trees=3, n_leaves=6, max_depth=1, n_outputs=1, n_features=4)"


def test_no_trees():
    forest = ForestBuilder(3).freeze().check()
    assert (forest.n_trees, forest.max_depth, forest.importance().tolist()) == (0, 0, [0, 0, 0])
    raw = np.ones((1, 5))
    forest.on_rows().add_rows(np.zeros((5, 3)), raw)
    forest.on_codes([np.empty(0)] * 3).add_codes(np.zeros((3, 64), np.uint8), 5, raw)
    assert forest.predictor(base=2.0)([0, 0, 0]) == 2.0
    assert np.all(raw == 1)


def test_slices_and_concatenation_keep_the_trees(forest):
    X = random_rows(np.random.default_rng(1), 20, [np.arange(3.0)] * 6, np.array([True, False] * 3))
    parts = [forest.slice(0, 3), forest.slice(3, 3), forest.slice(3, 12)]
    assert np.shares_memory(parts[2].nodes, forest.nodes)
    whole = concatenate(parts).check()
    np.testing.assert_array_equal(twin.leaves(whole, X), twin.leaves(forest, X))
    np.testing.assert_array_equal(whole.gain, forest.gain)
    for part, begin in zip(parts, (0, 3, 3), strict=True):
        own = twin.leaves(forest, X)[:, begin : begin + part.n_trees]
        np.testing.assert_array_equal(part.on_rows().leaf_rows(X), own)
    with pytest.raises(ValueError, match="multiples of n_outputs=3"):
        forest.slice(1, 3)
    with pytest.raises(ValueError, match="cannot be continued"):
        concatenate([forest, ForestBuilder(6, 1).freeze()])


def test_builder_can_go_on_after_freezing():
    builder = ForestBuilder(2)
    builder.append(*stump(0, 0.5, 1, 2))
    first = builder.freeze()
    builder.append(*stump(1, 0.5, 1, 2))
    assert (first.n_trees, builder.n_trees, builder.freeze().n_trees) == (1, 2, 2)


def test_views_of_a_tree(forest):
    tree = forest.tree(2)
    assert tree.n_leaves == 9
    assert np.shares_memory(tree.value, forest.nodes)
    node = int(np.flatnonzero(tree.is_categorical & ~tree.is_leaf)[0])
    row = tree.categories[int(tree.value[node])]
    assert tree.left_codes(node).tolist() == [c for c in range(256) if row[c // 32] >> (c % 32) & 1]
    with pytest.raises(IndexError, match="12 trees"):
        forest.tree(12)


def test_pickle_leaves_the_compiled_forms_behind(forest):
    forest.on_rows()
    again = pickle.loads(pickle.dumps(forest))
    assert again._cache == {}
    assert forest._cache
    np.testing.assert_array_equal(again.nodes, forest.nodes)
    again.on_rows()
    assert forest.on_rows() is forest.on_rows()


def test_compiled_forms_follow_their_edges():
    forest = concatenate([ForestBuilder(1).freeze()])
    edges = [np.array([0.5])]
    assert forest.on_codes(edges) is forest.on_codes(edges)
    assert forest.on_codes(edges) is not forest.on_codes([np.array([0.5])])


def test_check_refuses_damage(forest):
    def damaged(**changes):
        return Forest(**{**{k: v for k, v in vars(forest).items() if k != "_cache"}, **changes})

    shorter = {name: getattr(forest, name)[:-1] for name in ("nodes", "gain", "cover")}
    for changes in ({"gain": forest.gain[1:]}, {"n_outputs": 5}, {"n_features": 2}, shorter,
                    {"categories": forest.categories[:1]}, {"tree_start": forest.tree_start[:-3]}):  # fmt: skip
        with pytest.raises(ValueError, match="damaged"):
            damaged(**changes).check()
