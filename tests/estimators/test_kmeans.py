"""KMeans: scikit-learn's answers for the same start, optimality, and what goes wrong says why."""

import os
import pickle
import signal
import tracemalloc
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.cluster
from sklearn.datasets import make_blobs

from fastml.base import ConvergenceWarning
from fastml.cluster import KMeans
from fastml.exceptions import FitInterrupted
from fastml.io import load, save

ALGORITHMS = ("lloyd", "elkan", "tree")


def blobs(n, d, k, dtype=np.float64, seed=0):
    X, _ = make_blobs(n, d, centers=k, cluster_std=3.0, random_state=seed)
    return X.astype(dtype)


def fit(X, k, start=None, weight=None, **parameters):
    start = X[:k] if start is None else start
    start = start.toarray() if sp.issparse(start) else start
    return KMeans(k, init=start, n_init=1, tol=0, **parameters).fit(X, sample_weight=weight)


def assert_same(one, other):
    np.testing.assert_array_equal(one.labels_, other.labels_)
    np.testing.assert_array_equal(one.cluster_centers_, other.cluster_centers_)
    assert one.inertia_ == other.inertia_
    assert one.n_iter_ == other.n_iter_


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("max_iter", [1, 7, 300])
@pytest.mark.parametrize("d", [1, 2, 3, 12, 150])
def test_same_as_scikit_learn_from_the_same_start(d, max_iter, weighted):
    X = blobs(2000, d, 9)
    weight = np.random.default_rng(0).exponential(size=len(X)) if weighted else None
    ours = fit(X, 13, weight=weight, max_iter=max_iter)
    theirs = sklearn.cluster.KMeans(13, init=X[:13], n_init=1, tol=0, max_iter=max_iter).fit(X, sample_weight=weight)
    np.testing.assert_array_equal(ours.labels_, theirs.labels_)
    np.testing.assert_allclose(ours.cluster_centers_, theirs.cluster_centers_, rtol=1e-10, atol=1e-10)
    assert ours.inertia_ == pytest.approx(theirs.inertia_, rel=1e-12)
    assert ours.n_iter_ == theirs.n_iter_
    np.testing.assert_allclose(ours.transform(X), theirs.transform(X), atol=1e-5)  # theirs is of differences of squares
    assert ours.score(X, sample_weight=weight) == pytest.approx(theirs.score(X, sample_weight=weight), rel=1e-12)
    np.testing.assert_array_equal(ours.predict(X), ours.labels_)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8])
@pytest.mark.parametrize("d", [2, 3, 20, 120])
@pytest.mark.parametrize("grid", [False, True])
def test_every_algorithm_gives_the_same_bits(d, dtype, grid):
    X = np.clip(blobs(3000, d, 11) * 8 + 120, 0, 255)
    X = np.ascontiguousarray((np.round(X / 40) * 40 if grid else X).astype(dtype))
    start = X[np.random.default_rng(1).choice(len(X), 30, replace=False)]
    models = [
        fit(X, 30, start.astype(float), algorithm=algorithm, n_jobs=n_jobs)
        for algorithm in ALGORITHMS for n_jobs in (1, 3) if algorithm != "tree" or d <= 3
    ]
    for other in models[1:]:
        assert_same(models[0], other)
    assert models[0].cluster_centers_.dtype == (np.float32 if dtype == np.float32 else np.float64)


def test_inertia_falls_and_no_other_centre_is_nearer():
    X = blobs(1500, 6, 8)
    before = np.inf
    for max_iter in (1, 2, 3, 5, 10, 300):
        model = fit(X, 8, max_iter=max_iter)
        assert model.inertia_ <= before
        before = model.inertia_
    sq = model.transform(X) ** 2
    np.testing.assert_array_equal(sq.argmin(axis=1), model.labels_)
    means = np.array([X[model.labels_ == c].mean(axis=0) for c in range(8)])
    np.testing.assert_allclose(model.cluster_centers_, means)
    # any other centres give these clusters a larger sum
    for shift in np.random.default_rng(0).normal(size=(20, 6)) * 0.01:
        assert ((X - means[model.labels_] - shift) ** 2).sum() > model.inertia_


@pytest.mark.parametrize("index", [np.int32, np.int64])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sparse_as_dense(dtype, index):
    rng = np.random.default_rng(3)
    X = (rng.normal(size=(800, 40)) * (rng.random((800, 40)) < 0.2)).astype(dtype)
    S = sp.csr_matrix(X)
    S.indices, S.indptr = S.indices.astype(index), S.indptr.astype(index)
    S.data.flags.writeable = S.indices.flags.writeable = False
    dense, sparse = fit(X, 12), fit(S, 12)
    np.testing.assert_array_equal(dense.labels_, sparse.labels_)
    off = 1e-6 if dtype == np.float32 else 1e-12
    np.testing.assert_allclose(dense.cluster_centers_, sparse.cluster_centers_, atol=off)
    assert sparse.inertia_ == pytest.approx(dense.inertia_, rel=off)
    np.testing.assert_array_equal(sparse.predict(S), sparse.labels_)
    np.testing.assert_array_equal(sparse.predict(X), sparse.labels_)
    np.testing.assert_array_equal(dense.predict(S.tocsc()), dense.labels_)
    assert sparse.score(S) == pytest.approx(-sparse.inertia_)


@pytest.mark.parametrize("sparse", [False, True])
def test_weights_count_rows(sparse):
    X = blobs(300, 5, 4)
    weight = np.random.default_rng(0).integers(0, 4, 300)
    weight[:6] = 1
    repeated = np.repeat(X, weight, axis=0)
    make = sp.csr_matrix if sparse else np.asarray
    one, other = fit(make(X), 6, X[:6], weight), fit(make(repeated), 6, X[:6])
    np.testing.assert_allclose(one.cluster_centers_, other.cluster_centers_, rtol=1e-12)
    assert one.inertia_ == pytest.approx(other.inertia_)
    np.testing.assert_array_equal(np.repeat(one.labels_, weight), other.labels_)


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_clusters_that_lose_their_points_start_again_at_the_farthest(algorithm, sparse):
    X = np.array([[0.0], [1.0], [2.0], [10.0], [11.0], [40.0]])
    model = fit(sp.csr_matrix(X) if sparse else X, 3, np.array([[0.0], [1000.0], [6.0]]), algorithm=algorithm)
    assert model.inertia_ == pytest.approx(2.5)
    np.testing.assert_allclose(np.sort(model.cluster_centers_.ravel()), [1.0, 10.5, 40.0])


def test_cosine_is_lloyd_on_the_sphere():
    rng = np.random.default_rng(5)
    X = rng.normal(size=(600, 7)) * rng.exponential(size=(600, 1))
    model = fit(X, 5, metric="cosine")
    unit = X / np.linalg.norm(X, axis=1)[:, None]
    np.testing.assert_allclose(np.linalg.norm(model.cluster_centers_, axis=1), 1)
    cosine = unit @ model.cluster_centers_.T
    np.testing.assert_array_equal(cosine.argmax(axis=1), model.labels_)
    assert model.inertia_ == pytest.approx(2 * (1 - cosine.max(axis=1)).sum())
    np.testing.assert_allclose(model.transform(X), 1 - cosine, atol=1e-12)
    for c in range(5):
        mean = unit[model.labels_ == c].sum(axis=0)
        np.testing.assert_allclose(model.cluster_centers_[c], mean / np.linalg.norm(mean))
    np.testing.assert_array_equal(model.predict(1000 * X), model.labels_)
    np.testing.assert_array_equal(fit(sp.csr_matrix(X), 5, X[:5], metric="cosine").labels_, model.labels_)


def test_bytes_are_read_as_they_are():
    X = np.random.default_rng(0).integers(0, 256, (2000, 110), dtype=np.uint8)
    one, other = fit(X, 20, X[:20].astype(float)), fit(X.astype(np.float64), 20)
    np.testing.assert_array_equal(one.labels_, other.labels_)
    np.testing.assert_allclose(one.cluster_centers_, other.cluster_centers_, rtol=1e-12)
    assert one.inertia_ == pytest.approx(other.inertia_, rel=1e-12)


@pytest.mark.parametrize("factor", [1e-30, 1e-12, 1e12, 1e17])
def test_numbers_of_any_size_in_float32(factor):
    X = blobs(500, 3, 5, np.float32)
    small = fit(X, 5)
    large = fit(np.ldexp(X, int(np.log2(factor))), 5)
    np.testing.assert_array_equal(small.labels_, large.labels_)
    assert np.isfinite(large.inertia_)
    many = np.repeat(X, 40, axis=1)
    assert_same(fit(many, 5), fit(many, 5, algorithm="lloyd"))


def test_memory_is_linear():
    for d in (2, 16, 200):
        X = np.random.default_rng(0).normal(size=(40_000, d)).astype(np.float32)
        tracemalloc.start()
        fit(X, 40, max_iter=3)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 100 * len(X) + (X.nbytes if d <= 100 else 0) + 2e6


def test_more_starts_are_no_worse():
    X = blobs(500, 2, 12)
    models = [KMeans(12, init="random", n_init=n, random_state=0).fit(X) for n in (1, 10)]
    assert models[1].inertia_ <= models[0].inertia_
    assert KMeans(12, n_init=3, random_state=1, n_jobs=1).fit(X).inertia_ == KMeans(
        12, n_init=3, random_state=1, n_jobs=2).fit(X).inertia_


def test_fewer_distinct_points_than_clusters():
    X = np.repeat(np.arange(3.0)[:, None], 5, axis=0)
    for algorithm in ALGORITHMS:
        with pytest.warns(ConvergenceWarning, match=r"distinct clusters \(3\) found smaller than n_clusters \(4\)"):
            model = fit(X, 4, algorithm=algorithm)
        assert model.inertia_ == 0
        assert np.isfinite(model.cluster_centers_).all()


def test_equal_points_take_no_quadratic_time():
    X = np.ones((300_000, 2), np.float32)
    with pytest.warns(ConvergenceWarning):
        assert fit(X, 20).n_iter_ <= 2


BAD = [
    ({}, np.ones((3, 2)), "n_samples=3 should be >= n_clusters=4"),
    ({}, np.array([[1.0, np.nan]] * 5), r"Input X contains NaN \(column 1\)"),
    ({}, np.array([[np.inf, 1.0]] * 5), "Input X contains infinity"),
    ({}, np.array([[1e200, 1.0]] * 5), "squares overflow: divide X by a constant"),
    ({}, np.arange(5)[:, None] * 1e-200, "multiply X by a constant"),
    ({}, np.r_[np.random.default_rng(0).normal(size=(99, 1)), [[1e30]]].astype(np.float32), "Clip the column"),
    ({"init": np.ones((3, 2))}, np.ones((5, 2)), r"initial centers \(3, 2\) does not match the number of clusters 4"),
    ({"init": np.ones((4, 3))}, np.ones((5, 2)), r"\(4, 3\) does not match the number of features of the data 2"),
    ({"init": np.full((4, 2), np.nan)}, np.ones((5, 2)), "init contains NaN or infinity"),
    ({"init": np.full((4, 2), 1e200)}, np.ones((5, 2)), "give centres near the data"),
    ({"algorithm": "tree"}, np.ones((5, 4)), "algorithm='tree' is for up to 3 columns, X has 4"),
    ({"n_clusters": 0}, np.ones((5, 2)), "'n_clusters' parameter of KMeans must be"),
    ({"metric": "cosin"}, np.ones((5, 2)), "Did you mean 'cosine'"),
]  # fmt: skip


@pytest.mark.parametrize(("parameters", "X", "message"), BAD)
def test_bad_input_says_what_and_why(parameters, X, message):
    with pytest.raises(ValueError, match=message):
        KMeans(**{"n_clusters": 4, **parameters}).fit(X)


def test_bad_weights_and_rows():
    X = blobs(20, 2, 2)
    with pytest.raises(ValueError, match="Negative values"):
        KMeans(2).fit(X, sample_weight=-np.ones(20))
    with pytest.raises(ValueError, match="non-zero"):
        KMeans(2).fit(X, sample_weight=np.zeros(20))
    model = KMeans(2, random_state=0).fit(X)
    for other in (X[:, :1], sp.csr_matrix(X[:, :1])):
        with pytest.raises(ValueError, match="X has 1 features, but KMeans is expecting 2"):
            model.predict(other)
    with pytest.raises(ValueError, match="contains NaN"):
        model.predict(X * np.nan)
    with pytest.raises(ValueError, match="contains NaN"):
        KMeans(2).fit(sp.csr_matrix(X * np.nan))


@pytest.mark.parametrize("layout", ["F", "strided", "read-only", "big-endian"])
def test_any_layout(layout):
    X = blobs(400, 5, 3)
    given = {"F": np.asfortranarray(X), "strided": np.repeat(X, 2, axis=1)[:, ::2], "read-only": X.copy(),
             "big-endian": X.astype(">f8")}[layout]  # fmt: skip
    given.flags.writeable = False
    kept = given.copy()
    assert_same(fit(given, 3, X[:3]), fit(X, 3))
    np.testing.assert_array_equal(given, kept)


def test_files_and_pickle(tmp_path):
    X = blobs(200, 3, 4, np.float32)
    for model in (fit(X, 4), fit(sp.csr_matrix(X), 4)):
        save(model, tmp_path / "model.fastml")
        for other in (load(tmp_path / "model.fastml"), pickle.loads(pickle.dumps(model))):
            np.testing.assert_array_equal(other.predict(X), model.labels_)
            assert other.inertia_ == model.inertia_


class Interrupt:
    """A callback that presses Ctrl-C after two steps."""

    def setup(self, estimator, context):
        self.n = 0

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context, *, fitted_estimator):
        self.n += 1
        if self.n == 2:
            self.seen = fitted_estimator
            os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_leaves_a_model_that_can_be_used():
    pytest.importorskip("sklearn.callback")
    X = blobs(2000, 4, 20)
    callback = Interrupt()
    model = KMeans(20, init=X[:20], n_init=1, tol=0).set_callbacks(callback)
    with pytest.warns(FitInterrupted, match="interrupted after 2 of 300 rounds"):
        model.fit(X)
    assert_same(model, fit(X, 20, max_iter=2))
    np.testing.assert_array_equal(model.predict(X), model.labels_)
    np.testing.assert_array_equal(callback.seen.predict(X), model.labels_)
    assert callback.seen.n_iter_ == 2


def test_verbose_prints_the_inertia(capsys):
    X = blobs(300, 2, 4)
    fit(X, 4, verbose=1)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Initialization complete"
    inertia = [float(line.split()[-1].rstrip(".")) for line in lines if line.startswith("Iteration")]
    assert inertia == sorted(inertia, reverse=True)
    assert "strict convergence" in lines[-1]


def test_output_names_follow_scikit_learn():
    model = KMeans(3, random_state=0).fit(blobs(50, 2, 3))
    assert list(model.get_feature_names_out()) == ["kmeans0", "kmeans1", "kmeans2"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert model.set_output(transform="pandas").transform(blobs(50, 2, 3)).shape == (50, 3)
