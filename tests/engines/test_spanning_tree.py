"""Prim's and Kruskal's trees against Kruskal over all pairs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastml._engines.spanning_tree import PrimTree, graph_tree
from tests.engines.test_mutual_reachability_tree import as_dict, grown, points
from tests.reference import spanning_tree as reference
from tests.reference.mutual_reachability_tree import core_distances, distances


def prim(D, core):
    tree = PrimTree(core)
    while tree.current >= 0:
        tree.add(np.ascontiguousarray(D[tree.current]))
    return tree


@settings(deadline=None, max_examples=200)
@given(points(most=40), st.integers(1, 6))
def test_rows_give_the_tree_of_all_pairs_and_that_of_boruvka(X, min_samples):
    min_samples = min(min_samples, len(X))
    D = distances(X, "euclidean")
    core = core_distances(D, min_samples)
    found = as_dict(*prim(D, core).edges())
    assert found == reference.tree_of_rows(D, core)
    assert found == as_dict(*grown(X, min_samples).edges())


def test_infinite_distances_are_the_last_to_be_crossed():
    D = np.full((4, 4), np.inf)
    D[0, 3] = D[3, 0] = D[1, 2] = D[2, 1] = 1.0
    np.fill_diagonal(D, 0.0)
    _, _, weight, _ = prim(D, np.zeros(4)).edges()
    assert sorted(weight) == [1.0, 1.0, np.inf]


@settings(deadline=None, max_examples=200)
@given(st.integers(1, 25), st.integers(0, 60), st.integers(0, 2**32 - 1))
def test_a_graphs_forest_is_minimal(n_points, n_edges, seed):
    rng = np.random.default_rng(seed)
    first, second = rng.integers(0, n_points, (2, n_edges)).astype(np.int32)
    weight = rng.integers(0, 9, n_edges) / 2.0
    taken = graph_tree(first, second, weight, weight, n_points)
    edges = {}
    for a, b, w in zip(first.tolist(), second.tolist(), weight.tolist(), strict=True):
        edges[a, b] = min(w, edges.get((a, b), np.inf))
    total, count = reference.forest_weight(n_points, edges)
    assert (weight[taken].sum(), len(taken)) == (total, count)
    assert (np.diff(weight[taken]) >= 0).all()


def test_what_does_not_fit_is_refused():
    tree = PrimTree(np.zeros(2))
    with pytest.raises(ValueError, match="3 distances, not 2"):
        tree.add(np.zeros(3))
    with pytest.raises(ValueError, match="1 points are not in the tree"):
        tree.edges()
    tree.add(np.zeros(2))
    tree.add(np.zeros(2))
    with pytest.raises(ValueError, match="has all of its points"):
        tree.add(np.zeros(2))
    with pytest.raises(ValueError, match="0 points"):
        PrimTree(np.zeros(0))
    ends, weight = np.array([0, 5], np.int32), np.ones(2)
    with pytest.raises(ValueError, match="edge 1 joins 5 and 5"):
        graph_tree(ends, ends, weight, weight, 5)
    with pytest.raises(ValueError, match="equally long"):
        graph_tree(ends, ends, weight[:1], weight, 6)
