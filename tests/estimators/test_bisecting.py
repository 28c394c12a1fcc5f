"""BisectingKMeans: scikit-learn's tree, predictions down the tree, rows that cannot be parted."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.cluster import BisectingKMeans as SklearnBisecting

from fastml import io
from fastml.base import ConvergenceWarning
from fastml.cluster import BisectingKMeans
from fastml.cluster.kmeans.bisecting_tree import BisectingTree


def blobs(n=2000, d=3, k=10, seed=0):
    rng = np.random.default_rng(seed)
    return np.ascontiguousarray(rng.normal(size=(k, d)) * 6 + rng.normal(size=(n // k, k, d))).reshape(n, d)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("strategy", ["biggest_inertia", "largest_cluster"])
@pytest.mark.parametrize("init", ["random", "k-means++"])
def test_the_tree_is_that_of_scikit_learn(init, strategy, weighted):
    X = blobs()
    weight = np.random.default_rng(1).random(len(X)) if weighted else None
    given = {"n_clusters": 9, "init": init, "bisecting_strategy": strategy, "random_state": 2, "n_init": 2}
    mine = BisectingKMeans(**given).fit(X, sample_weight=weight)
    theirs = SklearnBisecting(**given).fit(X, sample_weight=weight)
    np.testing.assert_array_equal(mine.labels_, theirs.labels_)
    np.testing.assert_allclose(mine.cluster_centers_, theirs.cluster_centers_, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(mine.inertia_, theirs.inertia_)
    new = blobs(seed=5)
    np.testing.assert_array_equal(mine.predict(new), theirs.predict(new))


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.uint8, "csr"])
def test_labels_are_predictions(kind):
    X = np.abs(blobs().round())
    rows = sp.csr_matrix(X) if kind == "csr" else X.astype(kind)
    model = BisectingKMeans(9, random_state=0).fit(rows)
    np.testing.assert_array_equal(model.labels_, model.predict(rows))
    assert len(np.unique(model.labels_)) == 9


def test_few_distinct_rows():
    X = np.repeat(np.arange(3.0), 20)[:, None]
    for strategy in ("biggest_inertia", "largest_cluster"):
        with pytest.warns(ConvergenceWarning, match=r"distinct clusters \(3\) found smaller than n_clusters \(6\)"):
            model = BisectingKMeans(6, random_state=0, bisecting_strategy=strategy).fit(X)
        assert model.cluster_centers_.shape == (6, 1)
        np.testing.assert_array_equal(model.cluster_centers_[model.labels_], X)
        np.testing.assert_array_equal(model.labels_, model.predict(X))
        assert model.inertia_ == 0


def test_as_many_clusters_as_rows():
    X = np.random.default_rng(0).normal(size=(20, 2))
    model = BisectingKMeans(20, random_state=0).fit(X)
    np.testing.assert_allclose(model.cluster_centers_[model.labels_], X, rtol=1e-12)
    assert len(np.unique(model.labels_)) == 20


def test_rows_without_weight_do_not_count():
    X = np.concatenate([blobs(), np.full((500, 3), 1e6)])
    weight = np.repeat([1.0, 0.0], [2000, 500])
    model = BisectingKMeans(5, random_state=0).fit(X, sample_weight=weight)
    assert np.abs(model.cluster_centers_).max() < 1e3


def test_threads_do_not_change_the_bits():
    X = blobs(n=40_000)
    one, two = (BisectingKMeans(9, random_state=0, n_jobs=n).fit(X) for n in (1, 2))
    np.testing.assert_array_equal(one.cluster_centers_, two.cluster_centers_)


def test_a_saved_model_predicts_the_same(tmp_path):
    X = blobs()
    model = BisectingKMeans(9, random_state=0).fit(X)
    io.save(model, tmp_path / "model.fastml")
    np.testing.assert_array_equal(io.load(tmp_path / "model.fastml").predict(X), model.labels_)


@pytest.mark.parametrize("left", [[1, -1, -1, -1], [0, -1, -1], [2, -1, -1]])
def test_a_damaged_tree_is_refused(left):
    with pytest.raises(ValueError, match="damaged"):
        BisectingTree(np.array(left, np.int32), np.zeros((3, 2)), np.zeros(3, np.int32)).check()


def test_leaves_are_numbered_from_left_to_right():
    tree = BisectingTree.of([1, 3, -1, -1, -1], [np.array([float(i)]) for i in range(5)])
    assert tree.labels.tolist() == [-1, -1, 2, 0, 1]
    assert tree.leaf_centres().ravel().tolist() == [3, 4, 2]


@pytest.mark.parametrize(("change", "match"), [
    ({"n_clusters": 0}, "n_clusters"), ({"n_clusters": 11}, "n_samples=10 should be >= n_clusters=11"),
    ({"bisecting_strategy": "largest"}, "bisecting_strategy"), ({"init": np.ones((2, 1))}, "init"),
])  # fmt: skip
def test_bad_parameters_are_named(change, match):
    with pytest.raises(ValueError, match=match):
        BisectingKMeans(**change).fit(np.arange(10.0)[:, None])
