"""block_clusters against its twins: metrics, filters that know little or nothing, ties at eps, weights, boxes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastml._engines.block_clusters import KINDS, BlockClusters
from fastml.cluster.density.filter import coordinate_filter, euclidean_filter, no_filter
from tests.engines.clustering import FORMS, assert_same, points, run_blocks, some_eps
from tests.reference import block_clusters, cell_clusters
from tests.reference.cell_clusters import cluster

SEEDS = st.integers(0, 2**32 - 1)


def engine_of(X, screen, metric, limit, min_samples, weight=None, n_threads=1, **more):
    if metric in KINDS:
        metric = (KINDS[metric], more.get("p", 2.0), more.get("w"), 0)
    return BlockClusters(X, screen.points, metric, limit, min_samples, norm=screen.norm, sure=screen.sure,
                         never=screen.never, sample_weight=weight, n_threads=n_threads)  # fmt: skip


@given(SEEDS, st.integers(1, 300), st.integers(1, 40), st.sampled_from(FORMS), st.integers(1, 9), st.integers(1, 3),
       st.sampled_from([np.float32, np.float64]))  # fmt: skip
def test_euclidean_labels_are_those_of_all_pairs(seed, n, d, form, min_samples, n_threads, dtype):
    rng = np.random.default_rng(seed)
    X = points(rng, n, d, form).astype(dtype)
    eps = some_eps(rng, X.astype(float))
    engine = engine_of(X, euclidean_filter(X, eps), "euclidean", eps * eps, min_samples, n_threads=n_threads)
    assert_same(run_blocks(engine), cluster(block_clusters.distances(X, "euclidean") <= eps * eps, min_samples))


@given(SEEDS, st.integers(1, 200), st.integers(1, 12), st.sampled_from(FORMS),
       st.sampled_from(["manhattan", "chebyshev", "minkowski", "weighted", "hamming"]), st.integers(1, 6))  # fmt: skip
def test_other_metrics(seed, n, d, form, metric, min_samples):
    rng = np.random.default_rng(seed)
    X = points(rng, n, d, form)
    w = rng.integers(0, 3, d).astype(float) if metric == "weighted" else None
    screen = no_filter(n)
    p, name = (3.0, "minkowski") if metric in ("minkowski", "weighted") else (2.0, metric)
    reduced = block_clusters.distances(X, name, p, w)
    limit = float(reduced[rng.integers(0, n), rng.integers(0, n)])  # of a pair: a tie, but for powers' last bits
    limit = limit * (1 + 1e-9) if name in ("minkowski", "hamming") else limit
    if name in ("manhattan", "chebyshev"):
        screen = coordinate_filter(X, limit, name)
    elif metric == "minkowski":
        screen = coordinate_filter(X, limit ** (1 / 3), "chebyshev", exact_norm=False)
    engine = engine_of(X, screen, name, limit, min_samples, p=p, w=w)
    assert_same(run_blocks(engine), cluster(reduced <= limit, min_samples))


@given(SEEDS, st.integers(1, 200), st.booleans(), st.booleans())
def test_weights(seed, n, with_negative, with_filter):
    rng = np.random.default_rng(seed)
    X = points(rng, n, 3, "grid")
    weight = rng.integers(-2 if with_negative else 0, 4, n) / 8
    screen = euclidean_filter(X, 1.0) if with_filter else no_filter(n)
    engine = engine_of(X, screen, "euclidean", 1.0, 1.0, weight)
    assert_same(run_blocks(engine), cluster(cell_clusters.near_by_squares(X, 1.0), 1.0, weight))


@given(SEEDS, st.integers(1, 150), st.integers(1, 20), st.sampled_from(FORMS), st.booleans())
def test_the_filter_is_right_about_what_it_is_sure_of(seed, n, d, form, far_eps):
    rng = np.random.default_rng(seed)
    X = points(rng, n, d, form)
    eps = some_eps(rng, X) * (1e3 if far_eps else 1.0)
    screen = euclidean_filter(X, eps)
    square = np.zeros((n, n), np.float32)
    for column in screen.points.T:
        square += (column[:, None] - column[None, :]) ** 2
    near = block_clusters.distances(X, "euclidean") <= eps * eps
    assert near[square <= screen.sure].all()
    assert not near[square > screen.never].any()


def test_most_pairs_are_decided_by_the_filter():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(500, 20))
    screen = euclidean_filter(X, 4.0)
    assert 0 < screen.sure < screen.never < screen.sure * 1.0001


def test_cosine_is_one_less_the_product():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(150, 5))
    X /= np.sqrt((X**2).sum(axis=1))[:, None]
    product = np.zeros((150, 150))
    for column in X.T:
        product += column[:, None] * column[None, :]
    np.fill_diagonal(product, 1.0)
    near = 1.0 - product <= 0.1
    assert_same(run_blocks(engine_of(X, no_filter(150), "cosine", 0.1, 4)), cluster(near, 4))


def test_angles():
    rng = np.random.default_rng(4)
    angles = np.stack([rng.uniform(-1.5, 1.5, 300), rng.uniform(-3, 3, 300)], axis=1)
    engine = engine_of(angles, no_filter(300), "haversine", float(np.sin(0.1) ** 2), 3)
    assert_same(run_blocks(engine), cluster(cell_clusters.near_on_sphere(angles, 0.2), 3))


def test_equal_points_are_one_cluster():
    X = np.ones((5000, 7))
    labels, is_core = run_blocks(engine_of(X, euclidean_filter(X, 1.0), "euclidean", 1.0, 5000), 100)
    assert not labels.any()
    assert is_core.all()


def test_steps_out_of_order_and_arguments_that_do_not_fit():
    X = np.zeros((3, 2))
    engine = engine_of(X, no_filter(3), "euclidean", 1.0, 2)
    early = (lambda: engine.join_blocks(0, 1), engine.number_clusters, engine.results, lambda: engine.find_cores(0, 2))
    for step in early:
        with pytest.raises(ValueError):
            step()
    for rows, metric, words in (
        (X[:, ::-1], "euclidean", "C-ordered"), (X[:2], "euclidean", "one number of rows"),
        (X.astype(np.float32), "hamming", "float64"), (np.zeros((3, 3)), "haversine", "two columns"),
        (X, "seuclidean", "lacks"), (X, "own", "lacks"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=words):
            engine_of(rows, no_filter(3), metric, 1.0, 2)
    with pytest.raises(ValueError, match="2 numbers"):
        engine_of(X, no_filter(3), "minkowski", 1.0, 2, w=np.ones(3))
