"""The engine lloyd_bounds against its twin, over steps in which centres move; its bounds hold."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastml._engines.lloyd_bounds import BoundedLloyd
from fastml.cluster.kmeans.bounds import Bounds, groups_of
from fastml.cluster.kmeans.points import Points
from tests.engines.lloyd_cases import cases, points_of, start
from tests.reference import lloyd_bounds as twin


@settings(max_examples=60, deadline=None)
@given(cases, st.integers(1, 40), st.integers(2, 90), st.integers(1, 3), st.floats(0, 1))
def test_labels_and_sums_equal_the_twins_while_centres_move(case, d, k, n_threads, stride):
    seed, n, kind, dtype, weighted = case
    points, rng = points_of(seed, n, d, kind, dtype, weighted)
    state, centres = Bounds(points, k, n_threads), start(points, k, rng)
    for step in range(6):
        state.step(centres)
        wanted = twin.labels(points.X, centres)
        np.testing.assert_array_equal(state.labels(centres), wanted)
        np.testing.assert_array_equal(state.sums[:, :-1], twin.sums(points, wanted, k))
        check_bounds(state, points, centres)
        towards = start(points, k, rng).astype(np.float64)
        centres = (centres + (towards - centres) * stride * 0.5**step).astype(centres.dtype)
    state.step(centres)
    assert state.step(centres) == 0


def check_bounds(state, points, centres):
    """No bound is wrong: upper ones above the own distance, lower ones below those of all others of the group."""
    upper, base, lower = state._rows.bounds_now
    own = state.labels(centres)
    rows = np.arange(len(own))
    distance = np.sqrt(((points.X[:, None, :].astype(np.float64) - centres) ** 2).sum(axis=2))
    slack = 1e-9 * (1 + distance.max())
    assert (upper + state._drift[own] >= distance[rows, own] - slack).all()
    left = lower.astype(int) - state._units().astype(int)
    for g, group in enumerate(state._groups):
        others = np.where(own[:, None] == group, np.inf, distance[:, group]).min(axis=1)
        bound = np.where(left[:, g] > 0, base + state._quantum * left[:, g], -np.inf)
        alone = (len(group) == 1) & (own == group[0])  # nothing is asked of a group without others
        assert (alone | (bound <= others + slack)).all()


@pytest.mark.parametrize("k", [1, 64, 65, 200])
def test_groups_hold_each_centre_once(k):
    groups = groups_of(np.random.default_rng(k).normal(size=(k, 3)))
    assert len(groups) == min(k, 64)
    assert min(map(len, groups)) > 0
    np.testing.assert_array_equal(np.sort(np.concatenate(groups)), np.arange(k))


def test_what_does_not_fit_is_refused():
    points = Points.of(np.zeros((4, 3), np.float32))
    one = np.array([0, 1, 2], np.int32), np.array([0, 1], np.int32)
    with pytest.raises(ValueError, match="quantum > 0"):
        BoundedLloyd(points, *one, 0.0)
    with pytest.raises(ValueError, match="each centre once"):
        BoundedLloyd(points, one[0], np.array([1, 1], np.int32), 1.0)
    with pytest.raises(ValueError, match="group 0 is empty"):
        BoundedLloyd(points, np.array([0, 0, 2], np.int32), one[1], 1.0)
    state = BoundedLloyd(points, *one, 1.0)
    nothing, units = np.zeros(2), np.zeros(state.stride, np.uint8)
    with pytest.raises(ValueError, match="must fit 2 of them"):
        state.step(np.zeros((2, 3)), np.zeros((2, 3)), nothing, 0.0, nothing, nothing, units, np.zeros(2, np.float32))
    with pytest.raises(ValueError, match="settled after a step"):
        state.settle(nothing, nothing, units)
