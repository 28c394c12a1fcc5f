"""The engine ball_tree against its twin, metric by metric."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastml._engines.ball_tree import KINDS, BallTree, sort_lists
from fastml._engines.kd_tree import KdTree
from tests.reference import ball_tree as twin

COUNTED = {"hamming", "jaccard", "dice", "rogerstanimoto", "russellrao", "sokalsneath"}


def case(seed, n, d, metric):
    """(X, queries, engine's metric, twin's arguments)."""
    rng = np.random.default_rng(seed)
    X, p, weight, arguments = rng.normal(size=(n, d)), 2.0, None, {}
    if seed % 3 == 0:
        X = np.round(X)
    match metric:
        case "minkowski":
            p = float(rng.choice([1.0, 1.5, 3.0, 7.5]))
            weight = np.round(rng.exponential(size=d), 1) if seed % 2 else None
            arguments = {"p": p, "w": 1.0 if weight is None else weight}
        case "mahalanobis":
            root = rng.normal(size=(d, d))
            weight = root @ root.T + 0.1 * np.eye(d)
            arguments = {"VI": weight}
        case "haversine":
            X = (rng.random((n, 2)) - 0.5) * [np.pi, 2 * np.pi]
            X[: n // 2] *= 0.01  # close together
        case "hamming" | "canberra" | "braycurtis":
            X = np.round(2 * X)
        case "jaccard" | "dice" | "rogerstanimoto" | "russellrao" | "sokalsneath":
            X = (X > 0.5) * rng.integers(1, 3, X.shape).astype(float)
    queries = np.concatenate([X[:5], -X[-5:]])
    return X, queries, (KINDS[metric], p, weight, 0), arguments


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 120), st.integers(1, 9), st.sampled_from(sorted(twin.METRICS)),
       st.integers(1, 40), st.integers(1, 20), st.integers(1, 3))  # fmt: skip
def test_the_twins_neighbours(seed, n, d, metric, leaf_size, k, n_threads):
    X, queries, engine_metric, arguments = case(seed, n, d, metric)
    tree = BallTree(KdTree(X, leaf_size), X, engine_metric, n_threads=n_threads)
    wanted = twin.distances(queries, X, metric, **arguments)
    k = min(k, n)
    distance, rows = tree.nearest(queries, k, n_threads)
    close = 1e-7 if metric == "haversine" else 1e-12  # an arc near half the globe
    np.testing.assert_allclose(distance, np.sort(wanted, axis=1)[:, :k], rtol=1e-12, atol=close)
    np.testing.assert_allclose(distance, np.take_along_axis(wanted, rows, axis=1), rtol=1e-12, atol=close)
    for own, row in zip(distance, rows, strict=True):
        assert np.all((np.diff(own) > 0) | ((np.diff(own) == 0) & (np.diff(row) > 0)))
    if metric in COUNTED:  # distances without rounding: ties are ties
        np.testing.assert_array_equal(rows, np.argsort(wanted, axis=1, kind="stable")[:, :k])
    radius = np.quantile(wanted, 0.3, axis=1) * (1 + 1e-9)  # not at a distance, where rounding decides
    inside = wanted <= radius[:, None]
    sure = ~np.isclose(wanted, radius[:, None], rtol=1e-10, atol=close).any()
    count = tree.count_within(queries, radius, n_threads)
    start, found, apart = tree.list_within(queries, radius, True, n_threads)
    _, plain, _ = tree.list_within(queries, radius, False, n_threads)
    np.testing.assert_array_equal(np.diff(start), count)
    if sure:
        np.testing.assert_array_equal(count, inside.sum(axis=1))
    for i in range(len(queries)):
        own = slice(start[i], start[i + 1])
        np.testing.assert_array_equal(np.sort(plain[own]), np.sort(found[own]))
        np.testing.assert_allclose(apart[own], wanted[i, found[own]], rtol=1e-12, atol=close)


def test_threads_change_nothing():
    for metric in twin.METRICS:
        X, queries, engine_metric, _ = case(7, 500, 3, metric)
        trees = [BallTree(KdTree(X, 8), X, engine_metric, n_threads=threads) for threads in (1, 4)]
        for one, other in zip(trees[0].nearest(queries, 9, 1), trees[1].nearest(queries, 9, 4), strict=True):
            np.testing.assert_array_equal(one, other)
        if trees[0].radii is not None:
            np.testing.assert_array_equal(trees[0].radii, trees[1].radii)


def test_balls_hold_their_points():
    X, _, engine_metric, arguments = case(3, 200, 4, "mahalanobis")
    kd = KdTree(X, 8)
    tree = BallTree(kd, X, engine_metric)
    for node, centre in enumerate(tree.centres):
        level = (node + 1).bit_length() - 1
        j = node + 1 - 2**level
        own = X[kd.order[200 * j >> level : 200 * (j + 1) >> level]]
        np.testing.assert_allclose(centre, own.mean(axis=0), atol=1e-12)
        apart = twin.distances(centre[None], own, "mahalanobis", **arguments)
        np.testing.assert_allclose(tree.radii[node], apart.max(), rtol=1e-12, atol=1e-12)


def test_balls_are_used():
    """With a triangle that does not hold, all points are looked at: the same answers."""
    X, queries, engine_metric, _ = case(5, 400, 2, "haversine")
    kd = KdTree(X, 8)
    with_balls, without = (BallTree(kd, X, engine_metric, triangle) for triangle in (True, False))
    assert np.isinf(without.radii).all()
    for one, other in zip(with_balls.nearest(queries, 5), without.nearest(queries, 5), strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(with_balls.count_within(queries, 0.3), without.count_within(queries, 0.3))


def test_sort_lists():
    rng = np.random.default_rng(0)
    start = np.cumsum([0, 0, 1, 2, 50, 1000]).astype(np.int64)
    rows, distance = rng.permutation(start[-1]), np.round(rng.random(start[-1]), 2)
    wanted = [np.lexsort((rows[a:b], distance[a:b])) + a for a, b in pairwise(start)]
    wanted_rows, wanted_distance = rows[np.concatenate(wanted)], distance[np.concatenate(wanted)]
    sort_lists(start, rows, distance, 3)
    np.testing.assert_array_equal(rows, wanted_rows)
    np.testing.assert_array_equal(distance, wanted_distance)
    for bad in (start[:-1], start + 1, start[::-1].copy()):
        with pytest.raises(ValueError, match="start"):
            sort_lists(bad, rows, distance)


def test_what_does_not_belong_together_is_refused():
    X = np.zeros((5, 2))
    with pytest.raises(ValueError, match=r"X has shape \(4, 2\)"):
        BallTree(KdTree(X), X[:4], (KINDS["hamming"], 2.0, None, 0))
    tree = BallTree(KdTree(X), X, (KINDS["hamming"], 2.0, None, 0))
    with pytest.raises(ValueError, match=r"\(n, 2\)"):
        tree.nearest(np.zeros((1, 3)), 1)
    with pytest.raises(ValueError, match="k=6"):
        tree.nearest(X, 6)
    with pytest.raises(ValueError, match="radius"):
        tree.count_within(X, -1.0)
