"""HDBSCAN as users meet it: scikit-learn's labels, new rows, every kind of metric, bad input."""

import pickle
from functools import partial

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from scipy.spatial.distance import cdist
from sklearn.base import clone
from sklearn.cluster import HDBSCAN as TheirHDBSCAN
from sklearn.datasets import make_blobs

from fastml import io
from fastml.cluster import HDBSCAN

BLOBS = make_blobs([150, 100, 60, 40], centers=None, n_features=3, cluster_std=1.3, random_state=4)[0]
PLANE = make_blobs(300, centers=[(0, 0), (6, 6), (0, 7)], cluster_std=[0.5, 1.5, 1.0], random_state=1)[0]
EARTH = np.radians(np.random.default_rng(2).uniform((-80, -170), (80, 170), (250, 2)))
OPTIONS = [
    {},
    {"min_cluster_size": 12},
    {"cluster_selection_method": "leaf"},
    {"allow_single_cluster": True},
    {"max_cluster_size": 70},
    {"alpha": 1.7},
    {"alpha": 0.6},
    {"algorithm": "brute", "alpha": 1.7},
]
METRICS = [
    ("manhattan", None), ("chebyshev", None), ("cityblock", None), ("infinity", None), ("l2", None), ("p", {"p": 3.0}),
    ("minkowski", {"p": 1.5}), ("minkowski", {"p": 1.0}), ("minkowski", {"p": 2.5, "w": np.array([1.0, 0.5, 2.0])}),
    ("seuclidean", {"V": np.array([1.0, 3.0, 0.5])}), ("mahalanobis", {"V": np.cov(BLOBS.T)}), ("canberra", None),
    ("braycurtis", None), ("cosine", None), ("correlation", None), ("sqeuclidean", None),
]  # fmt: skip


def theirs(X, **parameters):
    return TheirHDBSCAN(copy=True, **parameters).fit(X)


def same(ours, them, rtol=1e-9):
    np.testing.assert_array_equal(ours.labels_, them.labels_)
    np.testing.assert_allclose(ours.probabilities_, them.probabilities_, rtol=rtol, atol=1e-12)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("X", [BLOBS, PLANE], ids=["blobs", "plane"])
def test_labels_are_scikit_learns_where_no_tie_decides(X, options):
    parameters = {"min_samples": 1, **options}  # core distances of 0, so that no two edges have one reachability
    ours, them = HDBSCAN(**parameters).fit(X), theirs(X, **parameters)
    same(ours, them)
    rtol = 1e-9 if "algorithm" in options else 1e-12  # theirs from scalar products
    np.testing.assert_allclose(ours._single_linkage_tree_["value"], them._single_linkage_tree_["value"], rtol=rtol)
    for name in ("left_node", "right_node", "cluster_size"):
        np.testing.assert_array_equal(ours._single_linkage_tree_[name], them._single_linkage_tree_[name])
    for cut, least in ((0.4, 2), (1.0, 5)):
        np.testing.assert_array_equal(ours.dbscan_clustering(cut, least), them.dbscan_clustering(cut, least))


@pytest.mark.parametrize("min_samples", [2, 5, 12])
def test_reachabilities_are_scikit_learns_to_the_bit(min_samples):
    ours, them = HDBSCAN(min_samples=min_samples).fit(BLOBS), theirs(BLOBS, min_samples=min_samples)
    np.testing.assert_array_equal(ours._single_linkage_tree_["value"], them._single_linkage_tree_["value"])


@pytest.mark.parametrize(("metric", "parameters"), METRICS, ids=lambda value: str(value)[:20])
def test_metrics(metric, parameters):
    X = np.abs(BLOBS) + np.arange(3) if metric in ("cosine", "correlation") else BLOBS
    options = {"min_samples": 1, "metric": metric, "metric_params": parameters, "min_cluster_size": 4}
    by = "ball_tree" if "w" in (parameters or {}) else "auto"  # their kd-tree takes no weights
    ours, them = HDBSCAN(**options).fit(X), theirs(X, algorithm=by, **options)
    np.testing.assert_allclose(
        ours._single_linkage_tree_["value"], them._single_linkage_tree_["value"], rtol=1e-6, atol=1e-12
    )
    same(ours, them, rtol=1e-6)
    np.testing.assert_array_equal(ours.predict(X), ours.labels_)


def test_haversine():
    ours, them = (f(EARTH, min_samples=1, metric="haversine") for f in (lambda X, **p: HDBSCAN(**p).fit(X), theirs))
    same(ours, them, rtol=1e-7)
    narrow = HDBSCAN(min_samples=1, metric="haversine", alpha=2.0).fit(EARTH)
    same(narrow, theirs(EARTH, min_samples=1, metric="haversine", alpha=2.0), rtol=1e-7)
    np.testing.assert_array_equal(narrow.predict(EARTH), narrow.labels_)


def test_truths_and_codes():
    rng = np.random.default_rng(3)
    X = (rng.random((120, 12)) < np.repeat([[0.1], [0.9], [0.5]], 40, axis=0)).astype(float)
    X[:, 0] = 1.0  # two rows without a truth have no distance by some of these
    for metric in ("hamming", "jaccard", "dice", "russellrao", "yule"):
        ours, them = HDBSCAN(metric=metric).fit(X), theirs(X, metric=metric)
        np.testing.assert_allclose(ours._single_linkage_tree_["value"], them._single_linkage_tree_["value"], rtol=1e-12)


def test_a_function_of_the_users():
    def blocks(a, b, power=1.0):
        return float((np.abs(a - b) ** power).sum())

    X = PLANE[:90]
    ours = HDBSCAN(metric=blocks, min_samples=1).fit(X)
    same(ours, HDBSCAN(metric="manhattan", min_samples=1).fit(X))
    np.testing.assert_array_equal(ours.predict(X), ours.labels_)
    same(HDBSCAN(metric=blocks, metric_params={"power": 2.0}, min_samples=1).fit(X),
         HDBSCAN(metric="sqeuclidean", min_samples=1).fit(X))  # fmt: skip


def test_given_distances():
    D = cdist(PLANE, PLANE)
    kept = D.copy()
    same(HDBSCAN(metric="precomputed", min_samples=1, copy=False).fit(D), HDBSCAN(min_samples=1).fit(PLANE))
    np.testing.assert_array_equal(D, kept)
    whole, graph = HDBSCAN(metric="precomputed", min_samples=4).fit(D), D + np.eye(len(D)) * 1e-300
    same(HDBSCAN(metric="precomputed", min_samples=4).fit(sp.csr_matrix(graph)), whole)
    D[D > 5.0] = np.inf
    with pytest.warns(UserWarning, match="edge weights with value infinity"):
        HDBSCAN(metric="precomputed").fit(np.where(np.arange(300)[:, None] // 100 == np.arange(300) // 100, D, np.inf))
    with pytest.raises(ValueError, match="knows no distances of new rows"):
        whole.predict(D)
    with pytest.raises(AttributeError, match="precomputed"):
        whole.exemplars_  # noqa: B018


def test_a_graph_with_zeros_and_few_entries():
    graph = sp.csr_matrix((np.array([0.0, 0.0, 1.0, 1.0]), ([0, 1, 1, 2], [1, 0, 2, 1])), shape=(3, 3))
    model = HDBSCAN(metric="precomputed", min_cluster_size=2, min_samples=1).fit(graph)
    assert model._single_linkage_tree_["value"].tolist() == [0.0, 1.0]  # a distance of 0 that is stored is a distance
    with pytest.raises(ValueError, match="fewer than 2 neighbors"):
        HDBSCAN(metric="precomputed", min_cluster_size=2).fit(graph)
    with pytest.raises(ValueError, match="2 connected components"):
        HDBSCAN(metric="precomputed", min_samples=1).fit(sp.block_diag([graph, graph[:2, :2]]).tocsr())


def test_sparse_rows_are_rows():
    X = sp.random(150, 20, density=0.2, random_state=0, format="csr")
    for metric in ("euclidean", "cosine", "manhattan"):
        same(HDBSCAN(metric=metric, min_samples=1).fit(X), HDBSCAN(metric=metric, min_samples=1).fit(X.toarray()))
    model = HDBSCAN().fit(X)
    np.testing.assert_array_equal(model.predict(X), model.labels_)


def test_more_sparse_rows_than_are_read_as_dense_ones(monkeypatch):
    monkeypatch.setattr("fastml.cluster.hdbscan.fit.DENSE_AT_MOST", 10)
    monkeypatch.setattr("fastml.cluster.hdbscan.rows.MATRIX_AT_MOST", 10)  # and row by row
    X = sp.random(120, 20, density=0.2, random_state=0, format="csr")
    model = HDBSCAN(min_samples=2, store_centers="both").fit(X)
    same(model, HDBSCAN(min_samples=2).fit(X.toarray()))
    np.testing.assert_array_equal(model.predict(X.toarray()), model.labels_)
    assert model.medoids_.shape == model.centroids_.shape


def test_rows_that_are_not_finite_are_set_aside():
    X = PLANE.copy()
    X[3, 0], X[7], X[11, 1], X[20, 0] = np.nan, np.inf, -np.inf, np.nan
    X[20, 1] = np.inf
    finite = np.isfinite(X).all(axis=1)
    model, clean = HDBSCAN().fit(X), HDBSCAN().fit(X[finite])
    assert model.labels_[[3, 7, 11, 20]].tolist() == [-3, -2, -2, -3]
    np.testing.assert_array_equal(model.labels_[finite], clean.labels_)
    np.testing.assert_array_equal(model.outlier_scores_[finite], clean.outlier_scores_)
    assert np.isnan(model.probabilities_[[3, 20]]).all()
    assert model.outlier_scores_[[7, 11]].tolist() == [1.0, 1.0]
    cut = model.dbscan_clustering(0.5)
    np.testing.assert_array_equal(cut[finite], clean.dbscan_clustering(0.5))
    assert cut[[3, 7, 11, 20]].tolist() == [-3, -2, -2, -3]
    labels, probabilities = model.approximate_predict(X)
    np.testing.assert_array_equal(labels, model.labels_)
    np.testing.assert_array_equal(probabilities, model.probabilities_)
    merges = model._single_linkage_tree_
    assert (len(merges), merges["cluster_size"][-1]) == (len(X) - 1, len(X))
    assert set(merges["left_node"]) | set(merges["right_node"]) == set(range(2 * len(X) - 2))
    with pytest.raises(ValueError, match=r"at most the number of samples in X \(0\)"):
        HDBSCAN().fit(np.full((9, 2), np.nan))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"alpha": 1.5},
        {"algorithm": "brute", "alpha": 0.5},
        {"metric": "canberra"},
        {"min_samples": 1},
        {"allow_single_cluster": True},
        {"metric": "cosine"},
    ],
    ids=str,
)
def test_new_rows_join_what_is_nearest_by_reachability(options):
    X, new = PLANE[::2], np.concatenate([PLANE[1::2], np.random.default_rng(0).uniform(-5, 12, (60, 2))])
    model = HDBSCAN(min_cluster_size=8, **options).fit(X)
    by_tree = model.algorithm != "brute" and model.metric != "cosine"
    k = model.min_samples or 8
    D, between = (cdist(rows, X, model.metric) for rows in (X, new))
    core, own = np.sort(D, axis=1)[:, k - 1], np.sort(between, axis=1)[:, k - 1]
    inner, divided = (model.alpha, 1.0) if by_tree else (1.0, model.alpha)
    reach = np.maximum(np.maximum(own[:, None], core), between / inner) / divided
    tree, labels, chances = model.condensed_tree_, [], []
    for i, row in enumerate(reach):
        nearest = np.lexsort((between[i], row))[0]
        with np.errstate(divide="ignore"):
            density = min(1 / row[nearest], tree.point_density[nearest])
        cluster = tree.point_cluster[nearest]
        while tree.birth[cluster] > density:
            cluster = tree.parent[cluster]
        while cluster > 0 and not tree.selected[cluster]:
            cluster = tree.parent[cluster]
        taken = tree.selected[cluster] and (cluster > 0 or density >= tree.death[0])
        labels.append(np.flatnonzero(tree.selected).tolist().index(cluster) if taken else -1)
        chances.append(min(1.0, density / tree.death[cluster]) if taken else 0.0)
    found, probabilities = model.approximate_predict(new)
    np.testing.assert_array_equal(found, labels)
    np.testing.assert_allclose(probabilities, chances, rtol=1e-9)
    assert 0 < (found >= 0).sum() < len(new)
    np.testing.assert_array_equal(model.predict(X), model.labels_)
    np.testing.assert_allclose(model.approximate_predict(X)[1], model.probabilities_, rtol=1e-12)


def test_outlier_scores_persistence_and_exemplars():
    far = np.concatenate([PLANE, [[40.0, -30.0]]])
    model = HDBSCAN(min_cluster_size=10).fit(far)
    assert model.outlier_scores_.argmax() == len(PLANE)
    assert model.outlier_scores_.min() >= 0 and model.outlier_scores_.max() < 1  # noqa: PT018
    n_clusters = model.labels_.max() + 1
    assert model.cluster_persistence_.shape == (n_clusters,)
    assert ((model.cluster_persistence_ > 0) & (model.cluster_persistence_ <= 1)).all()
    for k, rows in enumerate(model.exemplars_):
        assert (model.predict(rows) == k).all()
    tree = model.condensed_tree_
    rows = tree.to_numpy()
    assert len(rows) == len(far) + len(tree.parent) - 1
    assert (tree.to_pandas()["child_size"] >= 1).all()
    assert model.single_linkage_tree_.to_numpy().shape == (len(far) - 1, 4)
    assert list(model.single_linkage_tree_.to_pandas()) == ["left_node", "right_node", "value", "cluster_size"]


def test_epsilon_joins_what_is_nearer():
    none, some, much = (
        HDBSCAN(min_cluster_size=4, cluster_selection_epsilon=e).fit(PLANE).labels_.max() for e in (0.0, 1.0, 2.5)
    )
    assert none > some >= much > 0
    whole = HDBSCAN(cluster_selection_epsilon=1e9, allow_single_cluster=True).fit(PLANE)
    assert set(whole.labels_) == {0}


def test_centres():
    model = HDBSCAN(store_centers="both", min_samples=1, min_cluster_size=20).fit(PLANE)
    them = theirs(PLANE, store_centers="both", min_samples=1, min_cluster_size=20)
    np.testing.assert_allclose(model.centroids_, them.centroids_, rtol=1e-12)
    np.testing.assert_array_equal(model.medoids_, them.medoids_)


@pytest.mark.parametrize(
    "options", [{}, {"metric": "cosine"}, {"metric": "canberra"}, {"store_centers": "both"}], ids=str
)
def test_files_pickles_and_clones(options, tmp_path):
    X = PLANE.copy()
    X[5, 0] = np.nan
    model = HDBSCAN(**options).fit(X)
    io.save(model, tmp_path / "model")
    for other in (io.load(tmp_path / "model"), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(other.labels_, model.labels_)
        np.testing.assert_array_equal(other.predict(X), model.labels_)
        np.testing.assert_array_equal(other.dbscan_clustering(1.0), model.dbscan_clustering(1.0))
        np.testing.assert_array_equal(other.outlier_scores_, model.outlier_scores_)
    assert not hasattr(clone(model), "labels_")


def test_whatever_holds_the_numbers():
    X = np.round(PLANE, 3).astype(np.float32)
    whole = HDBSCAN().fit(X.astype(np.float64))
    frozen = np.asfortranarray(X)
    frozen.flags.writeable = False
    frame = pd.DataFrame(X, columns=["x", "y"])
    for held in (X, frozen, X.tolist(), frame, np.repeat(X, 2, axis=0)[::2]):
        np.testing.assert_array_equal(HDBSCAN().fit(held).labels_, whole.labels_)
    assert HDBSCAN().fit(frame).feature_names_in_.tolist() == ["x", "y"]


@pytest.mark.parametrize("factor", [2.0**600, 2.0**-600, 2.0**1020])
@pytest.mark.parametrize("metric", ["euclidean", "minkowski", "cosine"])
def test_numbers_of_any_size(factor, metric):
    parameters = {"metric": metric, "metric_params": {"p": 3.0} if metric == "minkowski" else None}
    X = PLANE / 64
    model, plain = HDBSCAN(**parameters).fit(X * factor), HDBSCAN(**parameters).fit(X)
    np.testing.assert_array_equal(model.labels_, plain.labels_)
    np.testing.assert_array_equal(model.predict(X * factor), plain.labels_)
    if metric == "euclidean":
        np.testing.assert_array_equal(model.single_linkage_tree_.value, plain.single_linkage_tree_.value * factor)


def test_threads_make_no_difference():
    X = np.random.default_rng(0).normal(size=(20_000, 3)) ** 3
    models = [HDBSCAN(n_jobs=n).fit(X) for n in (1, 2, 5)]
    for model in models[1:]:
        np.testing.assert_array_equal(model.labels_, models[0].labels_)
        np.testing.assert_array_equal(model._single_linkage_tree_, models[0]._single_linkage_tree_)


@pytest.mark.parametrize("X", [np.zeros((2, 1)), np.zeros((40, 3)), [[0.0], [1.0]], np.arange(6.0)[:, None]], ids=str)
def test_few_rows_or_equal_ones(X):
    model = HDBSCAN(min_cluster_size=2).fit(X)
    assert model.labels_.shape == model.probabilities_.shape == (len(X),)
    np.testing.assert_array_equal(model.predict(X), model.labels_)
    np.testing.assert_array_equal(model.labels_, theirs(np.asarray(X), min_cluster_size=2).labels_)


def test_crowds_of_equal_rows():
    X = np.repeat(np.arange(4.0)[:, None] ** 3, 50_000, axis=0)
    model = HDBSCAN().fit(X)
    assert np.unique(model.labels_).tolist() == [0, 1, 2, 3]
    assert (model.probabilities_ == 1.0).all()


def test_an_interrupted_fit_leaves_the_earlier_one(monkeypatch):
    model = HDBSCAN().fit(PLANE)
    before = model.labels_.copy()
    monkeypatch.setattr("fastml.cluster.hdbscan.edges.ReachabilityTree", _Interrupted)
    with pytest.raises(KeyboardInterrupt):
        model.fit(BLOBS[:, :2])
    np.testing.assert_array_equal(model.labels_, before)
    np.testing.assert_array_equal(model.dbscan_clustering(0.5), HDBSCAN.dbscan_clustering(model, 0.5))


class _Interrupted:
    n_leaves, n_components = 1, 2

    def __init__(self, *arguments):
        pass

    def find_core_distances(self, *arguments):
        raise KeyboardInterrupt


def test_callbacks_hear_of_every_round():
    pytest.importorskip("sklearn.callback")
    heard = []

    class Listener:
        def setup(self, estimator, context): ...
        def teardown(self, estimator, context): ...
        def on_fit_task_begin(self, estimator, context, **data): ...
        def on_fit_task_end(self, estimator, context, **data):
            heard.append(context.task_name)

    model = HDBSCAN().set_callbacks(Listener())
    model.fit(PLANE)
    assert heard.count("core distances") == 1
    assert 1 < heard.count("round") < 12


def test_a_partial_is_a_metric():
    same(HDBSCAN(metric=partial(cdist_one, metric="chebyshev"), min_samples=1).fit(PLANE[:60]),
         HDBSCAN(metric="chebyshev", min_samples=1).fit(PLANE[:60]))  # fmt: skip


def cdist_one(a, b, metric):
    return cdist(a[None], b[None], metric)[0, 0]
