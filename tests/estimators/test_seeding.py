"""Where k-means starts: scikit-learn's draws, k-means||, samples, what is refused."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.cluster import kmeans_plusplus as sklearn_plusplus

from fastml.cluster import KMeans
from fastml.cluster.kmeans.seeding import INITS, initial_centres, kmeans_plusplus
from tests.reference import kmeans_seeding as reference


def blobs(n=4000, d=3, k=20, seed=0):
    rng = np.random.default_rng(seed)
    return np.ascontiguousarray(rng.normal(size=(k, d)) * 20 + rng.normal(size=(n // k, k, d))).reshape(n, d)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("n", "d", "k"), [(50, 1, 5), (3000, 3, 60), (1500, 8, 30), (800, 9, 20), (700, 40, 25)])
def test_the_rows_are_those_of_scikit_learn(n, d, k, weighted, seed):
    rng = np.random.default_rng(seed)
    X, weight = rng.normal(size=(n, d)), rng.random(n) if weighted else None
    wanted = sklearn_plusplus(X, k, sample_weight=weight, random_state=seed)[1]
    for rows in (X, np.asfortranarray(X), sp.csr_matrix(X), sp.csr_array(X)):
        centres, found = kmeans_plusplus(rows, k, sample_weight=weight, random_state=seed)
        np.testing.assert_array_equal(found, wanted)
        np.testing.assert_array_equal(centres, X[wanted])


def test_bytes_are_numbers():
    X = np.random.default_rng(0).integers(0, 255, (5000, 3)).astype(np.uint8)
    centres, found = kmeans_plusplus(X, 100, random_state=1)
    np.testing.assert_array_equal(found, sklearn_plusplus(X.astype(float), 100, random_state=1)[1])
    assert centres.dtype == np.float64


def test_trials_and_draws_are_the_twins():
    X = np.random.default_rng(3).normal(size=(500, 2))
    found = kmeans_plusplus(X, 12, random_state=5, n_local_trials=3)[1]
    np.testing.assert_array_equal(found, reference.pick_rows(X, 12, None, np.random.RandomState(5), 3))


def test_all_rows_are_one():
    centres, found = kmeans_plusplus(np.ones((1000, 2)), 5, random_state=0)
    assert (centres == 1).all()
    assert found[1:].tolist() == [0] * 4  # as in scikit-learn


@pytest.mark.parametrize("init", INITS)
@pytest.mark.parametrize("kind", [np.float32, np.float64, np.uint8, "sparse"])
def test_every_init_gives_rows_of_x(init, kind):
    X = np.abs(blobs()).round()
    rows = sp.csr_matrix(X) if kind == "sparse" else X.astype(kind)
    weight = np.random.default_rng(0).random(len(X))
    centres = initial_centres(rows, 20, init, weight, np.random.RandomState(0))
    assert centres.dtype == (np.float32 if kind == np.float32 else np.float64)
    dense = rows.toarray() if kind == "sparse" else rows
    assert {tuple(c) for c in centres} <= {tuple(r) for r in dense.astype(centres.dtype)}


@pytest.mark.parametrize("init", ["k-means||", "subsampled"])
def test_clusters_far_apart_have_a_centre_each(init):
    X = blobs(n=40_000, k=40)
    centres = initial_centres(X, 40, init, None, np.random.RandomState(1))
    plain = initial_centres(X, 40, "k-means++", None, np.random.RandomState(1))
    drawn = initial_centres(X, 40, "random", None, np.random.RandomState(1))
    one, two, three = (KMeans(40, init=c, n_init=1, max_iter=1).fit(X).inertia_ for c in (centres, plain, drawn))
    assert one < 1.5 * two < 0.5 * three


@pytest.mark.parametrize("init", ["k-means||", "subsampled"])
@pytest.mark.parametrize("kind", ["equal", "few distinct", "as many as clusters"])
def test_few_rows_are_enough(init, kind):
    X = {"equal": np.ones((50, 2)), "few distinct": np.arange(50.0)[:, None] // 10, "as many as clusters":
         np.arange(8.0)[:, None]}[kind]  # fmt: skip
    centres = initial_centres(X, 8, init, None, np.random.RandomState(0))
    assert centres.shape == (8, X.shape[1])
    if kind == "few distinct":
        assert len(np.unique(centres)) == 5
    if kind == "as many as clusters":
        assert len(np.unique(centres)) == 8


@pytest.mark.parametrize("init", INITS)
def test_rows_without_weight_are_not_started_from(init):
    X = blobs()
    weight = np.zeros(len(X))
    weight[::7] = 1
    centres = initial_centres(X, 20, init, weight, np.random.RandomState(0))
    assert {tuple(c) for c in centres} <= {tuple(r) for r in X[::7]}


@pytest.mark.parametrize("init", INITS)
def test_threads_do_not_change_the_start(init):
    X = blobs(n=30_000)
    found = [initial_centres(X, 30, init, None, np.random.RandomState(0), n_threads=t) for t in (1, 2)]
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize("init", INITS)
def test_kmeans_takes_every_init(init):
    model = KMeans(20, init=init, random_state=0).fit(blobs())
    assert model.cluster_centers_.shape == (20, 3)


def test_too_few_weights_for_random():
    with pytest.raises(ValueError, match="n_clusters=5 rows, but only 3"):
        initial_centres(np.ones((9, 1)), 5, "random", np.array([1.0] * 3 + [0] * 6), np.random.RandomState(0))


@pytest.mark.parametrize(("change", "match"), [
    ({"n_clusters": 0}, "n_clusters=0 must be"),
    ({"n_clusters": 11}, "n_samples=10 should be >= n_clusters=11"),
    ({"n_local_trials": 0}, "n_local_trials=0 must be"),
    ({"sample_weight": -np.ones(10)}, "Negative"),
    ({"x_squared_norms": np.ones(3)}, "x_squared_norms"),
    ({"X": np.full((10, 2), np.nan)}, "NaN"),
    ({"X": np.full((10, 2), 1e200)}, "overflow"),
    ({"X": np.empty((0, 2))}, "minimum of 1 is required"),
])  # fmt: skip
def test_bad_input_is_named(change, match):
    given = {"X": np.ones((10, 2)), "n_clusters": 3} | change
    with pytest.raises(ValueError, match=match):
        kmeans_plusplus(given.pop("X"), given.pop("n_clusters"), **given)
