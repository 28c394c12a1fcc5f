"""The engine brute_neighbors, with the screens that are made for it, against its twin."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from fastml._engines import brute_neighbors as engine
from fastml._engines.brute_neighbors import BruteRows
from fastml.neighbors.brute import BruteIndex, screen_of
from fastml.neighbors.metrics import Metric
from fastml.neighbors.screens import SQUARES, Screen, useful_directions
from tests.reference import brute_neighbors as twin

NAMES = ["euclidean", "manhattan", "chebyshev", "minkowski", "seuclidean", "mahalanobis", "cosine", "hamming"]
DTYPES = st.sampled_from([np.float32, np.float64])


@st.composite
def rows(draw, width=None):
    """Points and queries, ugly ones: ties, copies, one row, far out, tiny, on a grid, with zeros."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    d = width or draw(st.integers(1, 9))
    n, m = draw(st.integers(1, 200)), draw(st.integers(1, 14))
    kind = draw(st.sampled_from(["normal", "grid", "copies", "constant", "far", "sparse"]))
    X, Q = rng.normal(size=(n, d)), rng.normal(size=(m, d))
    if kind == "grid":
        X, Q = np.round(2 * X), np.round(2 * Q)
    elif kind == "copies":
        X, Q = X[rng.integers(0, n, n) // 4], X[rng.integers(0, n, m)]
    elif kind == "constant":
        X[:], Q[:] = 0.1, 0.1
    elif kind == "far":
        X, Q = 1.0 + 1e-9 * X, 1.0 + 1e-9 * Q
    elif kind == "sparse":
        X, Q = X * (rng.random(X.shape) < 0.3), Q * (rng.random(Q.shape) < 0.3)
    scale = draw(st.sampled_from([1.0, 1e-5, 1e12]))
    return X * scale, Q * scale


def metric_of(name, d, rng):
    p, weight = 2.0, None
    if name == "minkowski":
        p, weight = float(rng.choice([0.5, 1.5, 3.0])), rng.random(d) if rng.random() < 0.5 else None
    elif name == "seuclidean":
        weight = 0.1 + rng.random(d)
    elif name == "mahalanobis":
        root = rng.normal(size=(d, d))
        weight = root @ root.T + 0.1 * np.eye(d)
    return Metric(name, p=p, weight=weight)


def check_nearest(index, X, Q, metric, k, n_threads=1):
    """Each is within rounding as near as the twin's; equal distances come by row; distances are those of the rows."""
    table = twin.table(X, Q, metric.name, metric.p, metric.weight)
    distance, found = index.nearest(Q, k, n_threads)
    wanted, _ = twin.nearest(table, k)
    relative = 1e-7 if metric.name == "mahalanobis" else 1e-12
    slack = max(1e-28 if metric.name == "cosine" else 1e-300, relative * np.abs(table).max(initial=0.0))
    np.testing.assert_allclose(distance, wanted, rtol=1e-9, atol=slack)
    np.testing.assert_allclose(np.take_along_axis(table, found, 1), distance, rtol=1e-9, atol=slack)
    assert (np.diff(distance, axis=1) >= 0).all()
    assert all(len(set(at)) == k for at in found)
    if metric.name in ("euclidean", "manhattan", "chebyshev", "hamming") and index.unit == 1.0:  # bit by bit
        before_the_root = twin.table(X, Q, metric.name, root=False)
        np.testing.assert_array_equal(found, twin.nearest(before_the_root, k)[1])


@given(rows(), st.sampled_from(NAMES), DTYPES, st.data())
def test_nearest_equals_the_twin(drawn, name, dtype, data):
    X, Q = (np.ascontiguousarray(part, dtype) for part in drawn)
    rng = np.random.default_rng(len(X))
    metric = metric_of(name, X.shape[1], rng)
    k = data.draw(st.integers(1, len(X)))
    index = BruteIndex(X, metric)
    check_nearest(index, X, Q, metric, k)
    forced = BruteIndex(X, metric)
    if screen_of(metric, X.shape[1]).kind:
        forced._points["screen"] = screened(forced, X, metric)
        check_nearest(forced, X, Q, metric, k, 3)
        for a, b in zip(index.nearest(Q, k), forced.nearest(Q, k, 2), strict=True):
            np.testing.assert_array_equal(a, b)


def screened(index, X, metric):
    """Points behind a screen, however few they are."""
    screen = screen_of(metric, X.shape[1])
    X, norm = index._coordinates(X, index.unit), None
    norm = index._norm(X)
    screen.settle(X, norm, False)
    return screen.points(X, norm), screen


@given(rows(), st.sampled_from([*NAMES[:3], *NAMES[-2:]]), st.floats(0, 3), st.booleans())
def test_within_a_radius_equals_the_twin(drawn, name, radius, exclude_self):
    X, Q = (np.ascontiguousarray(part) for part in drawn)
    Q = X[: len(Q)].copy() if exclude_self else Q
    metric = Metric(name)
    table = twin.table(X, Q, name)
    radius = radius * np.median(table)
    if exclude_self:
        table[np.arange(len(Q)), np.arange(len(Q))] = np.inf
    size = 1.0 if name == "cosine" else max(radius, np.abs(X).max())
    near = np.abs(table - radius) <= 1e-12 * size  # either answer is right there
    wanted = twin.within(np.where(near, np.inf, table), radius)
    for index in (BruteIndex(X, metric), BruteIndex(X, metric)):
        start, found, distance = index.list_within(Q, radius, True, 2, exclude_self)
        for i, own in enumerate(wanted):
            at = found[start[i] : start[i + 1]]
            assert (np.diff(at) > 0).all()
            np.testing.assert_array_equal(at[~near[i, at]], own)
            np.testing.assert_allclose(distance[start[i] : start[i + 1]], table[i, at], rtol=1e-9, atol=1e-300 + 1e-15)
        np.testing.assert_array_equal(index.count_within(Q, radius, 1, exclude_self), np.diff(start))
        index._points["screen"] = screened(index, X, metric)


@given(rows(), st.sampled_from(["euclidean", "manhattan", "cosine"]), DTYPES, st.data())
def test_sparse_equals_dense_bit_by_bit(drawn, name, dtype, data):
    rng = np.random.default_rng(1)
    X, Q = (np.asarray(part * (rng.random(part.shape) < 0.5), dtype) for part in drawn)
    k = data.draw(st.integers(1, len(X)))
    dense, sparse = BruteIndex(X, Metric(name)), BruteIndex(csr_array(X), Metric(name))
    ours, theirs = sparse.nearest(csr_array(Q), k, 2), dense.nearest(Q, k)
    if name != "cosine":  # whose rows' lengths are summed in another order
        np.testing.assert_array_equal(ours[1], theirs[1])
        np.testing.assert_array_equal(ours[0], theirs[0])
    np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-9, atol=1e-15)
    radius = float(np.median(theirs[0]))
    counts = sparse.count_within(csr_array(Q), radius * (1 + 1e-9))
    np.testing.assert_array_equal(counts, dense.count_within(Q, radius * (1 + 1e-9)))


def test_places_on_a_sphere():
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.uniform(-np.pi / 2, np.pi / 2, 300), rng.uniform(-np.pi, np.pi, 300)])
    check_nearest(BruteIndex(X, Metric("haversine")), X, X[:20] + 0.01, Metric("haversine"), 5)
    crowded = 0.5 + 1e-7 * rng.normal(size=(300, 2))
    index = BruteIndex(crowded, Metric("haversine"))
    index._points["screen"] = screened(index, crowded, Metric("haversine"))
    check_nearest(index, crowded, crowded[:9], Metric("haversine"), 5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_projection_changes_no_bit(dtype):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3000, 12)) @ rng.normal(size=(12, 130)) + 0.05 * rng.normal(size=(3000, 130)) + 5
    X = np.ascontiguousarray(X, dtype)
    plain, projected = Screen(SQUARES).settle(X, None, False), Screen(SQUARES).settle(X, None, True)
    assert plain.m == 130
    assert projected.m == 33
    said = [
        engine.nearest(s.points(X, None), s.queries(X[:200], None), (0, 2.0, None, 0), s.engine(), 7, False, t)
        for s, t in ((plain, 1), (projected, 1), (projected, 3))
    ]
    for other in said[1:]:
        np.testing.assert_array_equal(said[0][0], other[0])
        np.testing.assert_array_equal(said[0][1], other[1])
    table = np.sqrt(((X[:200, None].astype(float) - X[None].astype(float)) ** 2).sum(axis=2))
    np.testing.assert_allclose(said[0][0], twin.nearest(table, 7)[0], rtol=1e-12, atol=1e-12)


def test_no_projection_where_nothing_is_gained():
    assert useful_directions(np.random.default_rng(0).normal(size=(2048, 200))) is None


@pytest.mark.parametrize("size", [1e-200, 1e-160, 1e160, 1e200, 1e300])
@pytest.mark.parametrize("name", ["euclidean", "manhattan", "minkowski", "cosine"])
def test_squares_that_overflow_or_vanish(size, name):
    rng = np.random.default_rng(0)
    X, Q = rng.normal(size=(150, 4)), rng.normal(size=(5, 4))
    metric = Metric(name, p=3.0)
    near = BruteIndex(X, metric).nearest(Q, 3)
    far = BruteIndex(X * size, metric).nearest(Q * size, 3)
    np.testing.assert_array_equal(near[1], far[1])
    np.testing.assert_allclose(near[0] * (1.0 if name == "cosine" else size), far[0], rtol=1e-12)


def test_queries_far_beyond_the_points():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(500, 4))
    for size in (1e9, 1e60, 1e180):
        Q = rng.normal(size=(30, 4)) * size
        found = BruteIndex(X, Metric("euclidean")).nearest(Q, 2)
        assert np.isfinite(found[0]).all()
        np.testing.assert_allclose(found[0][:, 0], np.sqrt(((Q / size) ** 2).sum(axis=1)) * size, rtol=1e-6)
        sparse = BruteIndex(csr_array(X), Metric("euclidean")).nearest(csr_array(Q), 2)
        np.testing.assert_array_equal(sparse[1], found[1])


def test_large_k_and_many_points():
    rng = np.random.default_rng(0)
    X = np.round(rng.normal(size=(9000, 3)), 1)
    index = BruteIndex(X, Metric("euclidean"))
    table = ((X[:7, None] - X[None]) ** 2).sum(axis=2)
    for k in (1, 500, 9000):
        distance, found = index.nearest(X[:7], k)
        wanted = twin.nearest(table, k)
        np.testing.assert_array_equal(found, wanted[1])
        np.testing.assert_array_equal(distance, np.sqrt(wanted[0]))


def test_known_distances():
    D = np.array([[3.0, 1.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
    distance, found = engine.nearest_in_rows(D, 3)
    np.testing.assert_array_equal(found, [[3, 1, 2], [0, 1, 2]])
    np.testing.assert_array_equal(distance, [[0, 1, 1], [0, 0, 0]])
    np.testing.assert_array_equal(engine.nearest_in_rows(D, 2, 2, 3)[1], [[3, 1], [0, 1]])
    with pytest.raises(ValueError, match="NaN"):
        engine.nearest_in_rows(np.full((1, 4), np.nan), 1)


def test_what_does_not_fit_is_refused():
    X = np.zeros((5, 3))
    rows, euclidean, none = BruteRows(X), (0, 2.0, None, 0), (0, 0, 1.0, 1.0, 1.0)
    with pytest.raises(ValueError, match="C order"):
        BruteRows(X.T)
    with pytest.raises(ValueError, match="between 0 and the 5"):
        engine.nearest(rows, rows, euclidean, none, 6)
    with pytest.raises(ValueError, match="differ"):
        engine.nearest(rows, BruteRows(np.zeros((5, 2))), euclidean, none, 1)
    with pytest.raises(ValueError, match="needs bias"):
        engine.nearest(rows, rows, euclidean, (1, 3, 1.0, 1.0, 1.0), 1)
    with pytest.raises(ValueError, match="no screen of kind 9"):
        engine.nearest(rows, rows, euclidean, (9, 3, 1.0, 1.0, 1.0), 1)
    with pytest.raises(ValueError, match="radius must be >= 0"):
        engine.count_within(rows, rows, euclidean, none, -1.0)
    with pytest.raises(ValueError, match="do not belong together"):
        BruteRows((np.ones(2), np.array([1, 0], np.int32), np.array([0, 2], np.int64), 3))
    with pytest.raises(ValueError, match="is needed"):
        BruteRows(X, np.ones(4))
    screen = Screen(SQUARES).settle(X, None, False)
    with pytest.raises(ValueError, match="another shape"):
        engine.nearest(screen.points(X, None), screen.queries(X, None), euclidean, (1, 2, 1.0, 1.0, 1.0), 1)
    assert engine.nearest(rows, BruteRows(np.zeros((0, 3))), euclidean, none, 2)[0].shape == (0, 2)
