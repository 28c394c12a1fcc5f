"""The engine kernel_density against its twin, within the tolerances that were asked for."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastml._engines.ball_tree import KINDS, BallTree
from fastml._engines.kd_tree import KdTree
from fastml._engines.kernel_density import log_densities
from tests.reference import ball_tree, kd_neighbors
from tests.reference import kernel_density as twin


def tree_of(X, metric):
    return BallTree(KdTree(X, 8), X, (KINDS[metric], 2.0, None, 0))


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 200), st.integers(1, 5), st.integers(0, 5),
       st.sampled_from(["euclidean", "manhattan", "canberra"]), st.floats(0.01, 10.0),
       st.sampled_from([0.0, 1e-4, 0.1]), st.sampled_from([0.0, 1e-8, 1e-3]), st.booleans())  # fmt: skip
def test_the_twins_densities(seed, n, d, kernel, metric, h, atol, rtol, weighted):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    queries = np.concatenate([X[:5], rng.normal(size=(5, d))])
    weights = rng.exponential(size=n) if weighted else np.ones(n)
    if metric == "canberra":
        distances = ball_tree.distances(queries, X, metric)
    else:
        distances = kd_neighbors.distance(kd_neighbors.reduced(queries, X, metric), metric)
    wanted = twin.densities(distances, kernel, h, -0.3, weights)
    asked = (tree_of(X, metric), queries, kernel, h, -0.3, atol, rtol, weights if weighted else None, 2)
    found = np.exp(log_densities(*asked))
    assert np.all(np.abs(found - wanted) <= atol + rtol * wanted + 1e-11 * weights.sum())


@pytest.mark.parametrize("kernel", [0, 3])
def test_far_out_there_is_a_logarithm(kernel):
    X = np.random.default_rng(0).normal(size=(500, 2))
    queries = np.array([[1e3, 0.0], [0.0, -1e5]])
    found = log_densities(tree_of(X, "euclidean"), queries, kernel, 0.1, 0.0, 0.0, 1e-8)
    z = kd_neighbors.distance(kd_neighbors.reduced(queries, X), "euclidean") / 0.1
    logs = -0.5 * z * z if kernel == 0 else -z
    np.testing.assert_allclose(found, np.logaddexp.reduce(logs, axis=1), rtol=1e-12)


@pytest.mark.parametrize("kernel", [1, 2, 4, 5])
def test_kernels_that_end_give_nothing_outside(kernel):
    found = log_densities(tree_of(np.zeros((9, 2)), "euclidean"), np.ones((1, 2)), kernel, 1.0, 0.0, 0.0, 0.0)
    assert found[0] == -np.inf


def test_a_tolerance_saves_work_and_threads_change_nothing():
    X = np.random.default_rng(0).normal(size=(20_000, 2))
    tree = tree_of(X, "euclidean")
    loose = log_densities(tree, X[:50], 0, 0.5, 0.0, 0.0, 0.01, None, 1)
    exact = log_densities(tree, X[:50], 0, 0.5, 0.0, 0.0, 0.0, None, 1)
    assert not np.array_equal(loose, exact)
    np.testing.assert_allclose(loose, exact, atol=0.01)
    np.testing.assert_array_equal(loose, log_densities(tree, X[:50], 0, 0.5, 0.0, 0.0, 0.01, None, 3))


def test_what_makes_no_sense_is_refused():
    tree = tree_of(np.zeros((3, 2)), "euclidean")
    for queries, kernel, h, weights in (
        (np.zeros((1, 3)), 0, 1.0, None), (np.zeros((1, 2)), 6, 1.0, None), (np.zeros((1, 2)), 0, 0.0, None),
        (np.zeros((1, 2)), 0, 1.0, np.ones(2)),
    ):  # fmt: skip
        with pytest.raises(ValueError, match="must be"):
            log_densities(tree, queries, kernel, h, 0.0, 0.0, 0.0, weights)
