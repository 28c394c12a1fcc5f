"""Assignment under bounds on sizes: the least cost that SciPy finds, and no move or cycle that would better it."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fastml._engines.sized_assignment import SizedAssignment
from tests.reference.sized_assignment import least_cost


@st.composite
def problems(draw):
    n, k = draw(st.integers(1, 40)), draw(st.integers(1, 6))
    values = draw(st.sampled_from([st.integers(0, 3), st.integers(-5, 1000), st.floats(0, 1, width=32)]))
    costs = draw(arrays(np.float64, (n, k), elements=values))
    least = draw(st.integers(0, n // k))
    most = draw(st.integers(max(-(-n // k), least), n))
    return costs, least, most


@settings(max_examples=300, deadline=None)
@given(problems())
def test_the_cost_is_the_least(problem):
    costs, least, most = problem
    assignment = SizedAssignment(costs, least, most)
    assignment.run()
    sizes = np.bincount(assignment.labels, minlength=costs.shape[1])
    assert least <= sizes.min() <= sizes.max() <= most
    cost = costs[np.arange(len(costs)), assignment.labels].sum()
    np.testing.assert_allclose(cost, least_cost(costs, least, most), rtol=1e-9, atol=1e-9 * max(1, np.abs(costs).max()))


def test_without_limits_rows_stay_in_the_cheapest_cluster():
    costs = np.random.default_rng(0).integers(0, 5, (200, 4)).astype(float)
    assignment = SizedAssignment(costs, 0, 200)
    assert assignment.run() == 0
    np.testing.assert_array_equal(assignment.labels, costs.argmin(axis=1))


@pytest.mark.parametrize("kind", ["even", "one far cluster", "equal costs", "huge"])
def test_no_exchange_of_rows_is_cheaper(kind):
    rng = np.random.default_rng(1)
    n, k = 3000, 7
    costs = rng.random((n, k))
    if kind == "one far cluster":
        costs[:, 3] += 100
    if kind == "equal costs":
        costs[:] = 1
    if kind == "huge":
        costs *= 1e280
    assignment = SizedAssignment(costs, n // k, n // k + 1)
    assignment.run()
    labels = assignment.labels
    moving = np.full((k, k), np.inf)  # the cheapest row of each cluster to each other one
    for c in range(k):
        moving[c] = (costs[labels == c] - costs[labels == c][:, c : c + 1]).min(axis=0)
    slack = 1e-9 * costs.max()
    for length in (2, 3):
        for ring in itertools.permutations(range(k), length):
            assert sum(moving[a, b] for a, b in zip(ring, ring[1:] + ring[:1], strict=True)) >= -slack


def test_rows_that_come_and_go():
    """So tight that many rows pass through each cluster: heaps drop those that left."""
    rng = np.random.default_rng(2)
    costs = np.abs(rng.normal(size=(4000, 1)) ** 3 - np.linspace(-1, 1, 12))
    assignment = SizedAssignment(costs, 333, 334)
    assert assignment.run() > 1000
    sizes = np.bincount(assignment.labels)
    assert set(sizes) <= {333, 334}
    order = rng.permutation(4000)
    again = SizedAssignment(np.ascontiguousarray(costs[order]), 333, 334)
    again.run()
    rows = np.arange(4000)
    np.testing.assert_allclose(costs[rows, assignment.labels].sum(), costs[order][rows, again.labels].sum())


@pytest.mark.parametrize(("costs", "least", "most"), [
    (np.ones((4, 2)), 3, 4), (np.ones((4, 2)), 0, 1), (np.ones((4, 2)), 2, 1), (np.ones((0, 2)), 0, 1),
    (np.ones((4, 0)), 0, 4), (np.full((4, 2), np.nan), 0, 4), (np.full((4, 2), np.inf), 0, 4),
])  # fmt: skip
def test_what_cannot_be_is_refused(costs, least, most):
    with pytest.raises(ValueError, match=r"cannot be in|must be"):
        SizedAssignment(costs, least, most)
