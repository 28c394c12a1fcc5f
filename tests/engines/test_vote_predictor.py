"""The engine vote_predictor against its twin: leaves of rows, and what they say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastml._engines.vote_predictor import VoteForest, add_leaf_shares, can_vote
from tests.forests import random_columns, random_forest, random_rows
from tests.reference import vote_predictor as twin


def numbered(forest):
    """Leaves numbered tree by tree; returns (nodes, leaf_start)."""
    leaf_start = [0]
    for t in range(forest.n_trees):
        own = forest.nodes[forest.tree_start[t] : forest.tree_start[t + 1]]
        leaf = np.flatnonzero(own["left"] == 0)
        own["value"][leaf] = np.random.default_rng(t).permutation(len(leaf))
        leaf_start.append(leaf_start[-1] + len(leaf))
    return forest.nodes, np.array(leaf_start, np.int64)


def case(seed, n, n_trees, n_leaves, n_features=5):
    rng = np.random.default_rng(seed)
    edges, is_categorical = random_columns(rng, n_features)
    is_categorical[:] = False
    forest = random_forest(rng, n_trees, n_leaves, edges, is_categorical)
    nodes, leaf_start = numbered(forest)
    return forest, nodes, leaf_start, random_rows(rng, n, edges, is_categorical)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 150), st.integers(1, 8), st.integers(1, 60), st.integers(1, 3),
       st.sampled_from("CFS"), st.sampled_from([np.float32, np.float64]), st.booleans())  # fmt: skip
def test_leaves_and_shares_equal_the_twins(seed, n, n_trees, n_leaves, n_threads, layout, dtype, sparse):
    forest, nodes, leaf_start, X = case(seed, n, n_trees, n_leaves)
    given_rows = np.repeat(X, 2, axis=1)[:, ::2] if layout == "S" else np.asarray(X, order=layout)
    votes = VoteForest(nodes, forest.tree_start, X.shape[1])
    numbers = twin.leaf_numbers(forest, X)
    np.testing.assert_array_equal(votes.leaf_numbers(given_rows.astype(dtype), n_threads=n_threads), numbers)
    rng = np.random.default_rng(seed)
    n_all, width = int(leaf_start[-1]), 3
    start = np.cumsum([0, *rng.integers(0, 3, n_all)]).astype(np.int32) if sparse else None
    shares = rng.normal(size=int(start[-1]) if sparse else n_all * width)
    classes = rng.integers(0, width, len(shares)).astype(np.int32) if sparse else None
    if sparse:  # no class twice in a leaf
        for k in range(n_all):
            classes[start[k] : start[k + 1]] = rng.permutation(width)[: start[k + 1] - start[k]]
    use = (rng.random(n) < 0.7).astype(np.uint8)
    total, wanted = np.zeros((n, width)), np.zeros((n, width))
    votes.add_shares(given_rows, leaf_start, shares, total, start, classes, use, n_threads=n_threads)
    twin.add_shares(numbers, leaf_start, shares, start, classes, wanted, use)
    np.testing.assert_array_equal(total, wanted)
    if sparse:  # where a leaf has one class alone, its share is 1
        alone = np.repeat(np.diff(start) == 1, np.diff(start))
        shares[alone] = 1.0
        wanted[:], known = 0.0, np.zeros((n, width))
        twin.add_shares(numbers, leaf_start, shares, start, classes, wanted, use)
        VoteForest(nodes, forest.tree_start, X.shape[1], leaf_start, start, classes).add_shares(
            given_rows, leaf_start, shares, known, start, classes, use, n_threads=n_threads
        )
        np.testing.assert_array_equal(known, wanted)
    again = np.zeros((n, width))
    add_leaf_shares((numbers + leaf_start[:-1]).astype(np.int64), shares, again, start, classes, use, n_threads)
    np.testing.assert_array_equal(again, wanted)


def test_ranges_of_trees():
    forest, nodes, _, X = case(3, 70, 6, 20)
    votes = VoteForest(nodes, forest.tree_start, 5)
    np.testing.assert_array_equal(votes.leaf_numbers(X, 2, 5), twin.leaf_numbers(forest, X)[:, 2:5])


@pytest.mark.parametrize("scale", [1e-300, 1.0, 1e300])
def test_thresholds_far_apart_or_close_together(scale):
    rng = np.random.default_rng(0)
    edges = [np.unique(np.concatenate([rng.normal(size=50) * scale, [1e-310, 1e308, -1e308, 0.0, 5e-324]]))]
    flags = np.zeros(1, bool)
    forest = random_forest(rng, 5, 40, edges, flags)
    nodes, _ = numbered(forest)
    X = np.concatenate([edges[0], np.nextafter(edges[0], np.inf), np.nextafter(edges[0], -np.inf), [np.inf, -np.inf]])
    X = X[:, None]
    np.testing.assert_array_equal(
        VoteForest(nodes, forest.tree_start, 1).leaf_numbers(X), twin.leaf_numbers(forest, X)
    )


def test_what_does_not_fit_is_refused():
    forest, nodes, leaf_start, X = case(3, 10, 3, 8)
    votes = VoteForest(nodes, forest.tree_start, 5)
    shares, total = np.zeros(int(leaf_start[-1])), np.zeros((10, 1))
    with pytest.raises(ValueError, match="aligned float32 or float64"):
        votes.leaf_numbers(X[:, :4])
    with pytest.raises(ValueError, match="not within the forest's 3"):
        votes.leaf_numbers(X, 2, 4)
    with pytest.raises(ValueError, match="must have 10 rows"):
        votes.add_shares(X, leaf_start, shares, total[:9])
    with pytest.raises(ValueError, match="shares must have"):
        votes.add_shares(X, leaf_start, shares[1:], total)
    with pytest.raises(ValueError, match="do not fit the leaves"):
        votes.add_shares(X, leaf_start, shares, total, np.zeros(3, np.int32), np.zeros(1, np.int32))


def test_too_many_thresholds_or_categories():
    n = 70_000
    nodes = np.zeros(2 * n + 1, case(0, 1, 1, 2)[1].dtype)
    nodes["left"][:-1:2] = np.arange(1, 2 * n, 2)  # a chain
    nodes["value"][:-1:2] = np.arange(n)
    nodes["value"][nodes["left"] == 0] = np.arange(n + 1)
    with pytest.raises(OverflowError, match="70000 thresholds"):
        VoteForest(nodes, np.array([0, len(nodes)]), 1)
    nodes["feature"][0] = 1 << 30
    assert not can_vote(nodes, 1)
    assert not can_vote(nodes[:0], 40_000)
