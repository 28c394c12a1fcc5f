"""MiniBatchKMeans: scikit-learn's learning and draws, batches one by one, what is refused."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.cluster import MiniBatchKMeans as SklearnMiniBatch

from fastml import io
from fastml.cluster import KMeans, MiniBatchKMeans
from fastml.cluster.kmeans.batches import Learning, Progress, cluster_sums


def blobs(n=6000, d=4, k=12, seed=0):
    rng = np.random.default_rng(seed)
    return np.ascontiguousarray(rng.normal(size=(k, d)) * 10 + rng.normal(size=(n // k, k, d))).reshape(n, d)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("change", [
    {}, {"init": "random"}, {"init": "random", "n_init": 1, "reassignment_ratio": 0.5}, {"tol": 1e-3},
    {"batch_size": 50, "max_no_improvement": None, "max_iter": 2}, {"compute_labels": False}, {"init_size": 100},
])  # fmt: skip
def test_it_learns_as_scikit_learn_does(change, weighted):
    X = blobs()
    weight = np.random.default_rng(0).random(len(X)) if weighted else None
    given = {"n_clusters": 12, "batch_size": 200, "random_state": 3} | change
    mine = MiniBatchKMeans(**given).fit(X, sample_weight=weight)
    theirs = SklearnMiniBatch(**given).fit(X, sample_weight=weight)
    assert (mine.n_steps_, mine.n_iter_) == (theirs.n_steps_, theirs.n_iter_)
    np.testing.assert_allclose(mine.cluster_centers_, theirs.cluster_centers_, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(mine.inertia_, theirs.inertia_)
    assert hasattr(mine, "labels_") == given.get("compute_labels", True)
    if hasattr(mine, "labels_"):
        np.testing.assert_array_equal(mine.labels_, theirs.labels_)


def test_batches_one_by_one_learn_as_scikit_learn_does():
    X = blobs()
    mine, theirs = (kind(12, init="random", random_state=1) for kind in (MiniBatchKMeans, SklearnMiniBatch))
    for begin in range(0, len(X), 300):
        mine.partial_fit(X[begin : begin + 300])
        theirs.partial_fit(X[begin : begin + 300])
    np.testing.assert_allclose(mine.cluster_centers_, theirs.cluster_centers_, rtol=1e-9, atol=1e-9)
    assert mine.n_steps_ == theirs.n_steps_ == 20


@pytest.mark.parametrize("kind", [np.float32, np.uint8, "csr"])
def test_kinds_of_rows_agree(kind):
    X = np.abs(blobs().round())
    rows = sp.csr_matrix(X) if kind == "csr" else X.astype(kind)
    one, other = (MiniBatchKMeans(12, random_state=0).fit(each) for each in (X, rows))
    np.testing.assert_allclose(one.cluster_centers_, other.cluster_centers_, rtol=1e-4, atol=1e-4)
    assert other.cluster_centers_.dtype == (np.float32 if kind == np.float32 else np.float64)


def test_it_comes_near_to_k_means():
    X = blobs(n=60_000, k=12)
    full = KMeans(12, random_state=0).fit(X).inertia_
    assert MiniBatchKMeans(12, random_state=0).fit(X).inertia_ < 1.1 * full


def test_a_loaded_model_goes_on_where_it_was(tmp_path):
    X = blobs()
    model = MiniBatchKMeans(12, init="random", random_state=1, batch_size=100).fit(X[:3000])
    io.save(model, tmp_path / "model.fastml")
    loaded = io.load(tmp_path / "model.fastml")
    for begin in range(0, 3000, 100):
        model.partial_fit(X[begin : begin + 100])
        loaded.partial_fit(X[begin : begin + 100])
    np.testing.assert_array_equal(model.cluster_centers_, loaded.cluster_centers_)


def test_threads_do_not_change_the_bits():
    X = blobs(n=30_000)
    one, two = (MiniBatchKMeans(12, batch_size=8000, random_state=0, n_jobs=n).fit(X) for n in (1, 2))
    np.testing.assert_array_equal(one.cluster_centers_, two.cluster_centers_)


def test_rows_without_weight_are_left_out():
    X = np.concatenate([blobs(n=600), np.full((600, 4), 1e6)])
    weight = np.repeat([1.0, 0.0], 600)
    for init in ("k-means++", "random"):
        model = MiniBatchKMeans(12, init=init, random_state=0).fit(X, sample_weight=weight)
        assert np.abs(model.cluster_centers_).max() < 1e3


def test_a_centre_is_the_mean_of_all_its_rows():
    rng = np.random.default_rng(0)
    X, weight = rng.normal(size=(400, 3)), rng.random(400)
    start = np.array([[-9.0, 0, 0], [9, 0, 0]])
    learning = Learning(start, np.zeros(2))
    X[:200, 0] -= 9
    X[200:, 0] += 9
    order = rng.permutation(400)
    for rows in order.reshape(8, 50):
        learning.step(X[rows], weight[rows], np.random.RandomState(0), 0.0, 50)
    wanted = [np.average(X[part], axis=0, weights=weight[part]) for part in (slice(0, 200), slice(200, 400))]
    np.testing.assert_allclose(learning.centres, wanted)
    np.testing.assert_allclose(learning.counts, [weight[:200].sum(), weight[200:].sum()])


def test_sums_of_clusters():
    X = np.arange(12.0).reshape(6, 2)
    labels, weight = np.array([2, 0, 2, 0, 0, 2], np.int32), np.array([1.0, 2, 3, 4, 5, 6])
    for rows in (X, sp.csr_matrix(X), X.astype(np.uint8)):
        sums, seen = cluster_sums(rows, labels, weight, 3)
        np.testing.assert_array_equal(seen, [11, 0, 10])
        np.testing.assert_array_equal(sums, [[2 * 2 + 4 * 6 + 5 * 8, 2 * 3 + 4 * 7 + 5 * 9], [0, 0],
                                             [3 * 4 + 6 * 10, 1 + 3 * 5 + 6 * 11]])  # fmt: skip


def test_progress_waits_for_its_patience():
    progress = Progress(alpha=1.0, tol=0.0, patience=2)
    assert [progress.add(v, 0.0) for v in (5, 4, 4, 3, 3)] == [None] * 5
    assert progress.add(3.5, 0.0) == "lack of improvement in inertia"
    assert Progress(1.0, tol=0.5, patience=None).add(1.0, 0.4) == "small centers change"


@pytest.mark.parametrize(("change", "match"), [
    ({"batch_size": 0}, "batch_size"), ({"n_clusters": 7000}, "n_samples=6000 should be >= n_clusters=7000"),
    ({"reassignment_ratio": -1}, "reassignment_ratio"), ({"init": "k-mean"}, "Did you mean 'k-means"),
    ({"max_no_improvement": -1}, "max_no_improvement"), ({"init": np.ones((3, 4))}, "does not match the number of"),
])  # fmt: skip
def test_bad_parameters_are_named(change, match):
    for method in ("fit", "partial_fit"):
        with pytest.raises(ValueError, match=match):
            getattr(MiniBatchKMeans(**change), method)(blobs())


def test_a_batch_of_another_width():
    model = MiniBatchKMeans(3).partial_fit(blobs())
    with pytest.raises(ValueError, match="expecting 4 features"):
        model.partial_fit(blobs(d=5))
