"""The engine kd_neighbors against its twin: the very distances and rows, ties by the lowest row."""

import signal
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastml._engines.ball_tree import KINDS
from fastml._engines.kd_neighbors import count_within, list_within, nearest
from fastml._engines.kd_tree import KdTree
from tests.engines.test_kd_tree import KINDS as POINTS
from tests.engines.test_kd_tree import points
from tests.reference import kd_neighbors as twin

METRICS = ("euclidean", "manhattan", "chebyshev", "seuclidean")


def case(seed, n, d, kind, dtype, metric, itself):
    """(X, queries, engine's metric, reduced distances); queries are rows of X, rows between them, and rows far out."""
    rng = np.random.default_rng(seed)
    X = points(seed, n, d, kind)
    X = np.ascontiguousarray(np.clip(X, -3e38, 3e38) if dtype == np.float32 else X, dtype)
    weight = rng.exponential(size=d) + 0.1 if metric == "seuclidean" else None
    m = rng.integers(1, 130)
    asked = X if itself else np.concatenate([
        X[rng.integers(0, n, m)], 0.5 * X[rng.integers(0, n, m)] + 0.5 * X[rng.integers(0, n, m)], -X[:3],
    ]).astype(dtype)  # fmt: skip
    return X, asked, (KINDS[metric], 2.0, weight, 0), twin.reduced(asked, X, metric, weight)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 250), st.integers(1, 20), st.sampled_from(POINTS), st.integers(1, 90),
       st.sampled_from([np.float32, np.float64]), st.sampled_from(METRICS), st.booleans(), st.integers(1, 60),
       st.integers(1, 3))  # fmt: skip
def test_the_twins_neighbours(seed, n, d, kind, leaf_size, dtype, metric, itself, k, n_threads):
    X, asked, engine_metric, total = case(seed, n, d, kind, dtype, metric, itself)
    k = n if k > n else k
    distance, rows = nearest(KdTree(X, leaf_size), engine_metric, None if itself else asked, k, n_threads)
    wanted_distance, wanted_rows = twin.nearest(total, k, metric)
    np.testing.assert_array_equal(rows, wanted_rows)
    np.testing.assert_array_equal(distance, wanted_distance)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 250), st.integers(1, 20), st.sampled_from(POINTS), st.integers(1, 90),
       st.sampled_from([np.float32, np.float64]), st.sampled_from(METRICS), st.booleans(), st.booleans(),
       st.integers(1, 3))  # fmt: skip
def test_the_twins_radius(seed, n, d, kind, leaf_size, dtype, metric, itself, one_radius, n_threads):
    X, asked, engine_metric, total = case(seed, n, d, kind, dtype, metric, itself)
    rng = np.random.default_rng(seed)
    size = 1 if one_radius else len(asked)
    distances = twin.distance(total, metric)
    radius = distances[rng.integers(0, len(asked), size), rng.integers(0, n, size)]  # at a pair
    wanted = twin.within(total, radius, metric)
    tree, asking = KdTree(X, leaf_size), None if itself else asked
    np.testing.assert_array_equal(
        count_within(tree, engine_metric, asking, radius, n_threads), [len(rows) for rows in wanted]
    )
    start, rows, found = list_within(tree, engine_metric, asking, radius, True, n_threads)
    plain_start, plain, none = list_within(tree, engine_metric, asking, radius, False, n_threads)
    assert none is None
    np.testing.assert_array_equal(plain_start, start)
    for i in range(len(asked)):
        own = slice(start[i], start[i + 1])
        np.testing.assert_array_equal(np.sort(rows[own]), wanted[i])
        np.testing.assert_array_equal(np.sort(plain[own]), wanted[i])
        np.testing.assert_array_equal(found[own], distances[i, rows[own]])


def test_many_neighbours_and_large_leaves():
    X = np.round(np.random.default_rng(0).normal(size=(3000, 2)), 1)
    total = twin.reduced(X[:50], X)
    for k, leaf_size in ((31, 300), (32, 16), (33, 64), (500, 3000), (3000, 64)):
        distance, rows = nearest(KdTree(X, leaf_size), (0, 2.0, None, 0), X[:50].copy(), k, 2)
        wanted_distance, wanted_rows = twin.nearest(total, k, "euclidean")
        np.testing.assert_array_equal(rows, wanted_rows)
        np.testing.assert_array_equal(distance, wanted_distance)


def test_equal_points_take_no_quadratic_time():
    """At a million they would take hours otherwise."""
    X = np.full((1_000_000, 2), 0.3)
    tree, metric = KdTree(X, 32), (0, 2.0, None, 0)
    np.testing.assert_array_equal(nearest(tree, metric, None, 3, 2)[1], np.tile([0, 1, 2], (len(X), 1)))
    assert (count_within(tree, metric, None, 0.0, 2) == len(X)).all()


def test_what_makes_no_sense_is_refused():
    tree, metric = KdTree(np.zeros((5, 2)), 2), (0, 2.0, None, 0)
    for k in (0, 6):
        with pytest.raises(ValueError, match=f"k={k}"):
            nearest(tree, metric, None, k)
    for radius in (-1.0, np.nan, [1.0, 2.0]):
        with pytest.raises(ValueError, match="radius"):
            count_within(tree, metric, np.zeros((3, 2)), radius)
    with pytest.raises(ValueError, match=r"\(n, 2\)"):
        nearest(tree, metric, np.zeros((3, 3)), 1)
    with pytest.raises(ValueError, match="NaN"):
        nearest(tree, metric, np.full((3, 2), np.nan), 1)
    with pytest.raises(ValueError, match="ball tree"):
        nearest(tree, (KINDS["hamming"], 2.0, None, 0), None, 1)
    with pytest.raises(ValueError, match="not known"):
        nearest(tree, (99, 2.0, None, 0), None, 1)


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="no way to send Ctrl-C to oneself here")
def test_ctrl_c_stops_it():
    X = np.random.default_rng(0).random((600_000, 3))
    tree = KdTree(X, 32)
    main = threading.main_thread().ident
    timer = threading.Timer(0.05, lambda: signal.pthread_kill(main, signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        nearest(tree, (0, 2.0, None, 0), None, 200, 1)
