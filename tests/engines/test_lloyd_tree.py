"""The engine lloyd_tree against its twin: labels and sums of boxes are those of their points."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastml._engines.lloyd_tree import BoxLloyd
from fastml.cluster.kmeans.points import Centres, Points
from tests.engines.lloyd_cases import cases, points_of, start
from tests.reference import lloyd_tree as twin


@settings(max_examples=80, deadline=None)
@given(cases, st.integers(1, 3), st.integers(1, 20), st.integers(1, 3))
def test_labels_and_sums_equal_the_twins(case, d, k, n_threads):
    seed, n, kind, dtype, weighted = case
    points, rng = points_of(seed, 4 * n, d, kind, dtype, weighted)
    centres = start(points, k, rng)
    points = points.holding(centres)
    state = BoxLloyd(points, k, n_threads)
    labels = np.empty(4 * n, np.int32)
    assert state.step(Centres(centres, points), n_threads, labels)
    wanted = twin.labels(points.X, centres)
    np.testing.assert_array_equal(labels, wanted)
    np.testing.assert_array_equal(state.sums[:, :-1], twin.sums(points, wanted, k))
    assert not state.step(Centres(centres, points), n_threads)


def test_points_that_change_places_are_seen():
    """Both clusters have the same sums before and after; the check tells that labels are others."""
    X = np.array([[-1.0], [1.0], [-1.0], [1.0], [0.0], [0.0]])
    points = Points.of(X)
    state = BoxLloyd(points, 2)
    state.step(Centres(np.array([[-1.0], [1.0]]), points))
    before = state.sums.copy()
    assert state.step(Centres(np.array([[1.0], [-1.0]]), points))
    assert (before[:, 1] != state.sums[:, 1]).any() or (before[:, 2] != state.sums[:, 2]).all()


def test_many_boxes():
    rng = np.random.default_rng(1)
    points = Points.of(rng.normal(size=(40_000, 2)).astype(np.float32))
    centres = points.X[:50]
    state, labels = BoxLloyd(points, 50, 2), np.empty(40_000, np.int32)
    state.step(Centres(centres, points), 2, labels)
    sq = ((points.X[:, None, :].astype(np.float64) - centres) ** 2).sum(axis=2)
    np.testing.assert_array_equal(labels, sq.argmin(axis=1))


def test_what_does_not_fit_is_refused():
    points = Points.of(np.zeros((4, 3), np.float32))
    with pytest.raises(ValueError, match="at most 3 columns"):
        BoxLloyd(Points.of(np.zeros((4, 4))), 2)
    with pytest.raises(ValueError, match="there must be 2 centres"):
        BoxLloyd(points, 2).step(Centres(np.zeros((3, 3)), points))
    with pytest.raises(ValueError, match="labels_out must have 4"):
        BoxLloyd(points, 2).step(Centres(np.zeros((2, 3)), points), 1, np.empty(3, np.int32))
