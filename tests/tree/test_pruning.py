"""Cost-complexity pruning against its twin, and rows against their leaves."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fastml.tree.pruning import prune
from fastml.tree.structure import CATEGORICAL, NODE
from tests.reference.pruning import pruned_leaves


def random_tree(n_splits, rng):
    """(nodes, gain, cover, categories); every third split is one of categories, numbered in order."""
    nodes, leaves = np.zeros(2 * n_splits + 1, NODE), [0]
    n_categorical = 0
    for s in range(n_splits):
        t = leaves.pop(rng.integers(len(leaves)))
        nodes["left"][t] = 2 * s + 1
        leaves += [2 * s + 1, 2 * s + 2]
        nodes["feature"][t] = rng.integers(5)
    for t in np.flatnonzero(nodes["left"]):
        if t % 3 == 0:
            nodes["feature"][t] |= CATEGORICAL
            nodes["value"][t] = n_categorical
            n_categorical += 1
    gain = np.where(nodes["left"] != 0, rng.integers(1, 20, len(nodes)), 0).astype(np.float32)
    categories = np.arange(8 * n_categorical, dtype=np.uint32).reshape(-1, 8) if n_categorical else None
    return nodes, gain, np.arange(len(nodes), dtype=np.float32), categories


@given(st.integers(0, 25), st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.5, 3.0, 7.5, 100.0]))
def test_the_subtree_is_that_of_weakest_links(n_splits, seed, alpha):
    rng = np.random.default_rng(seed)
    tree = nodes, gain, _, categories = random_tree(n_splits, rng)
    leaf_of = rng.choice(np.flatnonzero(nodes["left"] == 0), 50).astype(np.int32)
    before = leaf_of.copy()
    new_nodes, new_gain, new_cover, new_categories = prune(tree, alpha, leaf_of)
    is_leaf = new_nodes["left"] == 0
    # cover tells which node of the old tree a node was
    assert sorted(new_cover[is_leaf]) == pruned_leaves(nodes["left"], gain, alpha)
    assert is_leaf[leaf_of].all()
    parent = {child: t for t in np.flatnonzero(nodes["left"]) for child in (nodes["left"][t], nodes["left"][t] + 1)}
    for old, new in zip(before, leaf_of, strict=True):
        while old != new_cover[new]:
            old = parent[old]
    for t in np.flatnonzero(~is_leaf):
        old = int(new_cover[t])
        assert new_gain[t] == gain[old]
        assert new_nodes["feature"][t] == nodes["feature"][old]
        assert new_cover[new_nodes["left"][t]] == nodes["left"][old]
        if nodes["feature"][old] & CATEGORICAL:
            row = new_categories[int(new_nodes["value"][t])]
            np.testing.assert_array_equal(row, categories[int(nodes["value"][old])])
