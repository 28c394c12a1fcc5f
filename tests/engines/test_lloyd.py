"""The engine lloyd against its twin: what columns hold, distances, labels and sums."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastml._engines.lloyd import LaneLloyd, column_squares, column_stats, inertia, nearest, squared_distances
from fastml.cluster.kmeans.points import Centres, Points
from tests.engines.lloyd_cases import cases, points_of, start
from tests.reference import lloyd as twin


@settings(max_examples=80, deadline=None)
@given(cases, st.integers(1, 20), st.integers(1, 20), st.integers(1, 3))
def test_labels_and_sums_equal_the_twins(case, d, k, n_threads):
    seed, n, kind, dtype, weighted = case
    points, rng = points_of(seed, n, d, kind, dtype, weighted)
    state = LaneLloyd(points, k, n_threads)
    for _ in range(2):  # the second time most points have a cluster already
        centres = start(points, k, rng)
        points = points.holding(centres)
        moved = state.step(Centres(centres, points), n_threads)
        wanted = twin.labels(points.X, centres)
        np.testing.assert_array_equal(state.labels, wanted)
        np.testing.assert_array_equal(state.sums[:, :-1], twin.sums(points, wanted, k))
        np.testing.assert_array_equal(nearest(points, Centres(centres, points), n_threads), wanted)
        assert 0 <= moved <= n
    assert state.step(Centres(centres, points), n_threads) == 0


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8])
@pytest.mark.parametrize("shape", [(1, 1), (3000, 1), (2500, 3), (1100, 256), (1030, 300), (5, 700)])
def test_columns(shape, dtype):
    X = (np.random.default_rng(0).normal(size=shape) * 30 + 100).astype(dtype)
    least, most, total = column_stats(X, 3)
    np.testing.assert_array_equal(least, X.min(axis=0))
    np.testing.assert_array_equal(most, X.max(axis=0))
    np.testing.assert_allclose(total, X.sum(axis=0, dtype=np.float64), rtol=1e-13)
    mean = total / len(X)
    squares = ((X.astype(np.float64) - mean) ** 2).sum(axis=0)
    np.testing.assert_allclose(column_squares(X, mean, 2), squares, rtol=1e-12, atol=1e-300)
    np.testing.assert_array_equal(column_stats(X, 1), column_stats(X, 3))


@pytest.mark.parametrize("d", [1, 7, 8, 9, 40])
def test_distances_are_the_twins_to_the_last_bit(d):
    rng = np.random.default_rng(d)
    for dtype in (np.float32, np.float64, np.uint8):
        X, centres = (rng.normal(size=(50, d)) * 50 + 100).astype(dtype), rng.normal(size=(3, d)) * 100
        labels = rng.integers(0, 3, 50).astype(np.int32)
        wanted = [twin.squared_distance(x, centres[c]) for x, c in zip(X, labels, strict=True)]
        np.testing.assert_array_equal(squared_distances(X, labels, centres, 2), wanted)
        weight = rng.random(50)
        assert inertia(X, labels, centres, weight) == pytest.approx(np.dot(weight, wanted), rel=1e-13)


def test_what_does_not_fit_is_refused():
    X = np.zeros((4, 3), np.float32)
    points = Points.of(X)
    labels = np.zeros(4, np.int32)
    with pytest.raises(ValueError, match="aligned 2-D array"):
        column_stats(X.T)
    with pytest.raises(ValueError, match="float32, float64 or uint8"):
        column_stats(X.astype(np.int32))
    with pytest.raises(ValueError, match="no rows"):
        column_stats(X[:0])
    with pytest.raises(ValueError, match="no number of a centre"):
        squared_distances(X, labels + 2, np.zeros((2, 3)))
    with pytest.raises(ValueError, match="centres 3 columns"):
        inertia(X, labels, np.zeros((2, 2)))
    with pytest.raises(ValueError, match="must have 3 columns"):
        nearest(points, Centres(np.zeros((2, 1)), Points.of(X[:, :1].copy())))
    with pytest.raises(ValueError, match="there must be 2 centres"):
        LaneLloyd(points, 2).step(Centres(np.zeros((3, 3)), points))
    with pytest.raises(ValueError, match="rows and clusters"):
        LaneLloyd(points, 0)
