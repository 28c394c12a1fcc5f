"""kmeans_path: its numbers are those of the definitions, inertia falls, k is found where there are clusters."""

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.metrics import silhouette_samples

from fastml.cluster import KMeans, KMeansPath, kmeans_path
from fastml.cluster.kmeans.gap import gap_statistic, reference_rows, smallest_sufficient
from fastml.cluster.kmeans.silhouette import silhouettes
from fastml.plotting import plot_kmeans_path


def blobs(n=600, k=5, d=2, seed=0):
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.normal(size=(n // k, d)) + 12 * np.array([np.cos(c), np.sin(c * 2)] + [c] * (d - 2))
                           for c in range(k)])  # fmt: skip


@pytest.mark.parametrize("kind", ["dense", "float32", "sparse"])
def test_silhouettes_are_scikit_learns(kind, monkeypatch):
    monkeypatch.setattr("fastml.cluster.kmeans.silhouette.BLOCK_BYTES", 1 << 16)  # several blocks
    X = blobs() + 100
    labelings = [np.arange(600) % 7, np.r_[0, np.ones(599, int)], KMeans(5, random_state=0).fit(X).labels_]
    rows = {"dense": X, "float32": X.astype(np.float32), "sparse": sp.csr_matrix(X)}[kind]
    tolerance = 1e-4 if kind == "float32" else 1e-9
    for found, labels in zip(silhouettes(rows, labelings), labelings, strict=True):
        np.testing.assert_allclose(found, silhouette_samples(X, labels), atol=tolerance)


def test_one_cluster_has_no_silhouette_and_equal_rows_have_0():
    alone, equal = silhouettes(np.ones((6, 2)), [np.zeros(6, int), np.arange(6) % 2])
    assert np.isnan(alone).all()
    assert (equal == 0).all()


def test_the_gap_is_the_papers():
    inertia, reference = np.array([8.0, 2.0]), np.array([[8.0, 4.0], [2.0, 4.0]])
    gap, error = gap_statistic(inertia, reference)
    np.testing.assert_allclose(gap, [np.log(4) - np.log(8), np.log(4) - np.log(2)])
    np.testing.assert_allclose(error, [np.log(2) * np.sqrt(1.5), 0], atol=1e-15)
    ks = np.array([2, 3, 5])
    assert smallest_sufficient(ks, np.array([1.0, 1.2, 3]), np.array([0.1, 0.3, 0.1])) == 2
    assert smallest_sufficient(ks, np.array([1.0, 1.2, 3]), np.array([0.1, 0.1, 2.0])) == 3
    assert smallest_sufficient(ks, np.array([1.0, 2, 3]), np.zeros(3)) == 5


def test_references_fill_the_box_of_the_principal_components():
    rng = np.random.default_rng(0)
    t = rng.uniform(-1, 1, size=(4000, 1))
    X = np.hstack([t, t]) * 10 + rng.uniform(-0.1, 0.1, size=(4000, 2)) + 5
    (found,) = reference_rows(X, 1, np.random.RandomState(0))
    assert np.abs(found[:, 0] - found[:, 1]).max() < 0.5  # the box lies along the diagonal
    assert np.ptp(found[:, 0]) > 18
    np.testing.assert_allclose(found.mean(axis=0), 5, atol=0.5)


@pytest.mark.parametrize("k", [3, 5])
def test_k_is_found(k):
    path = kmeans_path(blobs(k=k), range(1, 9), random_state=0)
    assert path.k_by_gap == path.k_by_silhouette == k
    assert len(np.unique(path.model(k).labels_)) == k
    assert path.n_silhouette == path.n_gap == (600 // k) * k
    assert f"gap {k}" in str(path)
    table = path.table()
    assert table.dtype.names == ("k", "inertia", "silhouette", "gap", "gap_error")
    assert table["k"].tolist() == list(range(1, 9))


def test_without_clusters_the_gap_says_1():
    X = np.random.default_rng(3).uniform(size=(500, 2))
    assert kmeans_path(X, range(1, 6), random_state=0).k_by_gap == 1


def test_inertia_never_grows_and_is_no_worse_than_a_fit():
    X = np.random.default_rng(0).normal(size=(2000, 4))
    path = kmeans_path(X, [2, 3, 4, 8, 20, 21], random_state=0, n_references=0, silhouette_rows=0)
    assert (np.diff(path.inertia) <= 0).all()
    assert path.inertia[4] < 1.05 * KMeans(20, random_state=0).fit(X).inertia_
    assert path.k_by_gap is path.k_by_silhouette is None


def test_samples_are_said():
    path = kmeans_path(blobs(3000), range(2, 7), silhouette_rows=500, gap_rows=400, n_references=3, random_state=0)
    assert (path.n_silhouette, path.n_gap) == (500, 400)
    assert path.k_by_silhouette == path.k_by_gap == 5


@pytest.mark.parametrize("parameters", [{"metric": "cosine"}, {"min_size": 20}, {"max_iter": 1}])
def test_parameters_of_kmeans(parameters):
    path = kmeans_path(blobs(), [2, 3], random_state=0, **parameters)
    assert all(model.get_params()[name] == value for model in path.models for name, value in parameters.items())


def test_sparse_rows_and_weights():
    X = blobs() + 50
    weight = np.repeat([1.0, 0.0], 300)
    dense = kmeans_path(X, [2, 3, 4], sample_weight=weight, random_state=0, n_references=0)
    sparse = kmeans_path(sp.csr_matrix(X), [2, 3, 4], sample_weight=weight, random_state=0)
    np.testing.assert_allclose(dense.inertia, sparse.inertia)
    np.testing.assert_allclose(dense.silhouette, sparse.silhouette, atol=1e-9)
    assert dense.n_silhouette == 300


def test_more_clusters_than_distinct_rows():
    X = np.repeat(np.arange(3.0), 10)[:, None]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = kmeans_path(X, range(1, 6), random_state=0)
    assert path.inertia[2:].tolist() == [0, 0, 0]
    assert path.k_by_silhouette == 3
    assert np.isinf(path.gap[2:]).all()  # no reference is that tight


def test_the_elbow_is_where_the_line_is_farthest_above():
    rows = np.full(5, np.nan)
    given = ([], np.array([100.0, 55, 10, 8, 0]), rows, rows, rows, 0, 0)
    assert KMeansPath(np.arange(1, 6), *given).k_by_elbow == 3
    assert KMeansPath(np.arange(1, 3), [], np.ones(2), rows[:2], rows[:2], rows[:2], 0, 0).k_by_elbow is None


def test_the_picture_has_what_was_computed():
    figure = pytest.importorskip("matplotlib.figure")
    path = kmeans_path(blobs(), range(1, 7), random_state=0, n_references=2)
    axes = plot_kmeans_path(path, figure=figure.Figure())
    assert [ax.get_ylabel() for ax in axes] == ["inertia", "silhouette of 600 rows", "gap of 600 rows"]
    assert axes[0].lines[0].get_ydata().tolist() == path.inertia.tolist()
    few = kmeans_path(blobs(), [2, 3], n_references=0, silhouette_rows=0)
    assert len(plot_kmeans_path(few, figure=figure.Figure())) == 1
    with pytest.raises(TypeError, match="kmeans_path"):
        plot_kmeans_path([1, 2])


@pytest.mark.parametrize(("ks", "given", "match"), [
    ([], {}, "ks="), ([0, 1], {}, "ks="), ([2.5], {}, "ks="), ([5, 1000], {}, "ks has 1000, but X has 600 rows"),
    ([2], {"init": "random"}, "init cannot be given"), ([2], {"colour": 1}, "no parameter colour"),
    ([2], {"n_references": -1}, "n_references=-1"), ([2], {"silhouette_rows": 2.0}, "silhouette_rows=2.0"),
    ([2], {"min_size": 400}, "min_size=400 cannot be met"),
])  # fmt: skip
def test_bad_input_is_named(ks, given, match):
    with pytest.raises(ValueError, match=match):
        kmeans_path(blobs(), ks, **given)


def test_references_need_dense_rows():
    with pytest.raises(ValueError, match="n_references=3 needs dense X"):
        kmeans_path(sp.csr_matrix(blobs()), [2], n_references=3)


def test_a_k_that_was_not_fitted():
    with pytest.raises(ValueError, match="k=9 was not fitted; these were: 2, 3"):
        kmeans_path(blobs(), [3, 2, 3], n_references=0).model(9)
