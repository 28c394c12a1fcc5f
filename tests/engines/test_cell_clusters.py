"""cell_clusters against its twin: ties at eps, equal points, huge and tiny numbers, weights, the sphere."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastml._engines.cell_clusters import CellClusters, unit_vectors
from fastml.cluster.density.sphere import sphere_of
from tests.engines.clustering import FORMS, assert_same, points, run_cells, some_eps
from tests.reference import cell_clusters as twin

SEEDS = st.integers(0, 2**32 - 1)


@given(SEEDS, st.integers(1, 120), st.integers(1, 3), st.sampled_from(FORMS), st.integers(1, 9), st.integers(1, 3))
def test_labels_are_those_of_all_pairs(seed, n, d, form, min_samples, n_threads):
    rng = np.random.default_rng(seed)
    X = points(rng, n, d, form)
    eps = some_eps(rng, X)
    try:
        engine = CellClusters(X, eps, min_samples, n_threads=n_threads)
    except OverflowError:
        assert form == "tight and far"
        return
    assert_same(run_cells(engine), twin.cluster(twin.near_by_squares(X, eps), min_samples))


@given(SEEDS, st.integers(1, 80), st.integers(1, 3), st.booleans())
def test_weights(seed, n, d, with_negative):
    rng = np.random.default_rng(seed)
    X = points(rng, n, d, "grid")
    weight = rng.integers(-2 if with_negative else 0, 4, n) / 8
    near = twin.near_by_squares(X, 1.0)
    assert_same(run_cells(CellClusters(X, 1.0, 1.0, weight)), twin.cluster(near, 1.0, weight))


def test_weights_are_added_up_without_rounding_in_between():
    X = np.zeros((12, 1))
    weight = np.array([1e16, *[1.0] * 10, -1e16])
    assert run_cells(CellClusters(X, 1.0, 10.0, weight))[1].all()
    assert not run_cells(CellClusters(X, 1.0, 11.0, weight))[1].any()


@given(SEEDS, st.integers(1, 100), st.integers(-9, 0), st.integers(1, 6))
def test_the_sphere_with_its_poles_and_its_seam(seed, n, scale, min_samples):
    rng = np.random.default_rng(seed)
    eps = 3.3 * 10.0**scale
    centres = np.array([[np.pi / 2, 0.3], [-np.pi / 2, 1.0], [0.2, np.pi], [0.2, -np.pi], [0.0, 0.0]])
    angles = centres[rng.integers(0, 5, n)] + rng.normal(0, 2 * eps, (n, 2)) * rng.integers(0, 2, (n, 1))
    angles[:, 0] = np.clip(angles[:, 0], -np.pi / 2, np.pi / 2)
    angles[:, 1] = np.clip(angles[:, 1], -2 * np.pi, 2 * np.pi)
    sphere = sphere_of(angles, eps, "radians")
    try:
        engine = CellClusters(
            sphere.points(), np.sqrt(sphere.sure_sq), min_samples, None, angles, sphere.limit, sphere.sure_sq,
            sphere.never_sq,
        )  # fmt: skip
    except OverflowError:
        assert scale < -7
        return
    assert_same(run_cells(engine), twin.cluster(twin.near_on_sphere(angles, eps), min_samples))


def test_unit_vectors_are_those_of_the_sines():
    rng = np.random.default_rng(5)
    corners = np.array([[np.pi / 2, np.pi], [-np.pi / 2, -np.pi], [0.0, 2 * np.pi], [np.pi / 4, 3 * np.pi / 4], [0, 0]])
    angles = np.concatenate([rng.uniform(-7, 7, (40_000, 2)), corners])
    latitude, longitude = angles.T
    wanted = [np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude)]
    np.testing.assert_allclose(unit_vectors(angles, 2), np.stack(wanted, axis=1), rtol=0, atol=5e-16)
    with pytest.raises(ValueError, match="two columns"):
        unit_vectors(np.zeros((3, 3)))


def test_pairs_at_exactly_eps_on_the_sphere():
    eps = 0.1
    angles = np.stack([np.zeros(50), np.arange(50) * eps - 2.5], axis=1)
    sphere = sphere_of(angles, eps, "radians")
    engine = CellClusters(sphere.points(), np.sqrt(sphere.sure_sq), 2, None, angles, sphere.limit, sphere.sure_sq,
                          sphere.never_sq)  # fmt: skip
    assert_same(run_cells(engine), twin.cluster(twin.near_on_sphere(angles, eps), 2))


@given(SEEDS, st.sampled_from([1e-300, 1e-12, 1.0, 1e9, 1e200, np.inf]))
def test_any_eps(seed, eps):
    rng = np.random.default_rng(seed)
    X = points(rng, 60, 2, "grid")
    try:
        engine = CellClusters(X, eps, 2)
    except OverflowError:
        assert eps < 1e-8
        return
    assert_same(run_cells(engine), twin.cluster(twin.near_by_squares(X, eps), 2))


def test_many_points_in_few_cells_and_few_points_in_many():
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(0, 0.01, (800, 2)), rng.normal(3, 0.01, (5, 2)), rng.uniform(-40, 40, (400, 2))])
    for min_samples in (5, 300, 900):
        wanted = twin.cluster(twin.near_by_squares(X, 0.7), min_samples)
        assert_same(run_cells(CellClusters(X, 0.7, min_samples, n_threads=2), 100), wanted)


def test_full_cells_that_just_touch_and_that_do_not():
    rng = np.random.default_rng(3)
    for gap, n_clusters in ((1.0, 1), (1.0 + 1e-9, 2), (0.97, 1)):
        left = rng.uniform(0, 0.01, (300, 2)) * [1, 0]
        right = rng.uniform(0, 0.01, (300, 2)) * [1, 0] + [gap, 0]
        left[7], right[9] = [0.01, 0], [0.01 + gap, 0]
        right[:, 0] += left[:, 0].max() - right[:, 0].min() + gap
        X = np.concatenate([left, right])
        eps = float(right[:, 0].min() - left[:, 0].max()) if n_clusters == 1 else 1.0
        said = run_cells(CellClusters(X, eps, 5))
        assert_same(said, twin.cluster(twin.near_by_squares(X, eps), 5))
        assert said[0].max() + 1 == n_clusters


def test_no_square_is_added_up_by_a_fused_operation():
    """At a pair's own rounded distance some pairs would fall otherwise if a square were added unrounded."""
    rng = np.random.default_rng(1)
    X = rng.random((400, 2))
    for a, b in rng.integers(0, 400, (20, 2)):
        eps = float(np.sqrt((X[a, 0] - X[b, 0]) ** 2 + (X[a, 1] - X[b, 1]) ** 2))
        if eps > 0:
            assert_same(run_cells(CellClusters(X, eps, 3), 50), twin.cluster(twin.near_by_squares(X, eps), 3))


def test_strides_and_empty_pieces():
    rng = np.random.default_rng(2)
    X = rng.normal(size=(200, 6))[::-2, 1::2]
    X.setflags(write=False)
    engine = CellClusters(X, 0.8, 3)
    engine.find_cores(3, 3)
    assert_same(run_cells(engine), twin.cluster(twin.near_by_squares(X, 0.8), 3))


@pytest.mark.parametrize("shape", [(0, 2), (3, 4), (3, 0)])
def test_shapes_that_it_cannot_take(shape):
    with pytest.raises(ValueError, match="1 to 3 columns"):
        CellClusters(np.zeros(shape), 1.0, 2)


def test_steps_out_of_order_or_range():
    engine = CellClusters(np.zeros((3, 1)), 1.0, 2)
    for step in (engine.number_clusters, engine.results, lambda: engine.join_cells(0, 1)):
        with pytest.raises(ValueError, match="first"):
            step()
    with pytest.raises(ValueError, match="not within"):
        engine.find_cores(0, 2)
    with pytest.raises(ValueError, match="rows"):
        CellClusters(np.zeros((3, 1)), 1.0, 2, np.ones(2))
