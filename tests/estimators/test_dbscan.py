"""DBSCAN: scikit-learn's labels for every metric and kind of input; predict, great circles, files, bad input."""

import pickle
import signal

import numpy as np
import pytest
import sklearn.cluster
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from sklearn.base import clone
from sklearn.neighbors import NearestNeighbors

from fastml import io
from fastml.base import NotFittedError
from fastml.cluster import DBSCAN, dbscan, suggest_eps
from fastml.cluster.density import distinct

SEEDS = st.integers(0, 2**32 - 1)


def blobs(rng, n=240, d=2):
    centres = rng.normal(0, 4, (5, d))
    return np.concatenate([centres[rng.integers(0, 5, n - 60)] + rng.normal(0, 0.5, (n - 60, d)),
                           rng.uniform(-9, 9, (60, d))])  # fmt: skip


def assert_same(ours, theirs):
    np.testing.assert_array_equal(ours.labels_, theirs.labels_)
    np.testing.assert_array_equal(ours.core_sample_indices_, theirs.core_sample_indices_)
    ours_of, theirs_of = (m.components_.toarray() if sparse.issparse(m.components_) else m.components_
                          for m in (ours, theirs))  # fmt: skip
    np.testing.assert_array_equal(ours_of, theirs_of)


def both(X, weight=None, **parameters):
    """Fitted by us and by scikit-learn, by brute force: its ball tree loses pairs of what is no metric."""
    ours = DBSCAN(**parameters).fit(X, sample_weight=weight)
    theirs = sklearn.cluster.DBSCAN(**{"algorithm": "brute", **parameters}).fit(X, sample_weight=weight)
    return ours, theirs


METRICS = {
    "euclidean": ({}, 0.7), "l2": ({}, 0.7), "manhattan": ({}, 1.1), "cityblock": ({}, 1.1), "chebyshev": ({}, 0.5),
    "cosine": ({}, 0.01), "hamming": ({}, 0.6), "canberra": ({}, 0.4), "braycurtis": ({}, 0.1),
    "sqeuclidean": ({}, 0.4), "correlation": ({}, 0.01),
    "seuclidean": ({"V": np.array([1.0, 4.0, 0.25])}, 0.7), "jaccard": ({}, 0.4),
    "mahalanobis": ({"VI": np.array([[1.0, 0.2, 0.0], [0.2, 0.5, 0.1], [0.0, 0.1, 2.0]])}, 0.7),
    "minkowski": ({"p": 3}, 0.6), "dice": ({}, 0.3), "russellrao": ({}, 0.5),
}  # fmt: skip


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.filterwarnings("ignore:Data was converted to boolean")
def test_metrics_are_scikit_learns(metric):
    rng = np.random.default_rng(0)
    X = blobs(rng, d=3)
    if metric in ("hamming", "jaccard", "dice", "russellrao"):
        X = np.round(X) % 3
    if metric in ("jaccard", "dice", "russellrao"):
        X = X > 0
    params, eps = METRICS[metric]
    assert_same(*both(X, eps=eps, min_samples=4, metric=metric, metric_params=params or None))


@given(SEEDS, st.integers(1, 90), st.integers(1, 9), st.sampled_from([0.5, 1.0, 2**0.5, 3.0]), st.integers(1, 6))
def test_ties_on_a_grid(seed, n, d, eps, min_samples):
    X = np.random.default_rng(seed).integers(0, 5, (n, d))
    assert_same(*both(X, eps=eps, min_samples=min_samples))
    assert_same(*both(X, eps=eps, min_samples=min_samples, metric="manhattan"))


@pytest.mark.parametrize("d", [1, 2, 3, 4, 8, 20])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8])
def test_dimensions_and_types(d, dtype):
    X = blobs(np.random.default_rng(d), 600, d)
    X = (X * 9 + 100).clip(0, 255).astype(dtype) if dtype == np.uint8 else X.astype(dtype)
    for algorithm in ("auto", "brute"):
        eps = 0.7 * d**0.5 * (9 if dtype == np.uint8 else 1)
        assert_same(*both(X, eps=eps, algorithm=algorithm))


@pytest.mark.parametrize("metric", ["euclidean", "manhattan", "cosine"])
def test_sparse_rows(metric):
    X = sparse.random(150, 12, 0.2, "csr", random_state=0)
    eps = {"euclidean": 0.6, "manhattan": 0.8, "cosine": 0.3}[metric]
    assert_same(*both(X, eps=eps, metric=metric))
    assert_same(*both(sparse.csr_array(X), eps=eps, metric=metric))


def test_precomputed_distances_need_not_be_mutual():
    rng = np.random.default_rng(1)
    D = rng.random((200, 200))
    for matrix in (D, sparse.csr_matrix(np.where(D < 0.3, D, 0.0)), D.astype(np.float32)):
        assert_same(*both(matrix, eps=0.02, min_samples=4, metric="precomputed"))
        assert_same(*both(matrix, np.arange(200.0) / 90, eps=0.02, min_samples=4, metric="precomputed"))


@given(SEEDS, st.booleans(), st.integers(1, 5))
def test_weights(seed, with_negative, d):
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 4, (80, d))
    weight = rng.integers(-3 if with_negative else 0, 4, 80) / 2
    assert_same(*both(X, weight, eps=1.0, min_samples=2))


def test_a_weight_is_so_many_rows():
    rng = np.random.default_rng(2)
    X, times = blobs(rng), rng.integers(1, 5, 240)
    weighted = DBSCAN(0.6, min_samples=9).fit(X, sample_weight=times)
    repeated = DBSCAN(0.6, min_samples=9).fit(np.repeat(X, times, axis=0))
    np.testing.assert_array_equal(np.repeat(weighted.labels_, times), repeated.labels_)


def test_a_function_of_the_users_own():
    rng = np.random.default_rng(3)
    X = blobs(rng, 150, 3)

    def city(a, b, scale=1.0):
        return scale * np.abs(a - b).sum()

    wanted = DBSCAN(1.2, metric="manhattan").fit(X).labels_
    np.testing.assert_array_equal(DBSCAN(1.2, metric=city).fit(X).labels_, wanted)
    halved = DBSCAN(0.6, metric=city, metric_params={"scale": 0.5}).fit(X)
    np.testing.assert_array_equal(halved.labels_, wanted)
    assert (halved.predict(X)[halved.core_sample_indices_] == wanted[halved.core_sample_indices_]).all()


def test_a_function_is_compiled_where_rows_are_many():
    pytest.importorskip("numba")
    X = blobs(np.random.default_rng(4), 700, 3)
    labels = DBSCAN(1.2, metric=lambda a, b: np.abs(a - b).sum(), n_jobs=2).fit(X).labels_
    np.testing.assert_array_equal(labels, DBSCAN(1.2, metric="manhattan").fit(X).labels_)


@pytest.mark.parametrize("units", ["radians", "degrees", "km", "miles"])
def test_great_circles(units):
    rng = np.random.default_rng(5)
    degrees = np.stack([rng.uniform(-90, 90, 3000), rng.uniform(-180, 180, 3000)], axis=1)
    wanted = sklearn.cluster.DBSCAN(0.04, metric="haversine").fit(np.radians(degrees))
    eps = {"radians": 0.04, "degrees": np.degrees(0.04), "km": 0.04 * 6371.0088, "miles": 0.04 * 6371.0088 / 1.609344}
    X = np.radians(degrees) if units == "radians" else degrees
    model = DBSCAN(eps[units] * (1 + 1e-12), metric="haversine", units=units).fit(X)
    np.testing.assert_array_equal(model.labels_, wanted.labels_)
    core = model.core_sample_indices_
    np.testing.assert_array_equal(model.predict(X)[core], wanted.labels_[core])
    assert DBSCAN(1e9, metric="haversine", units=units).fit(X[:100]).labels_.max() == 0


def test_paris_and_london_are_344_km_apart():
    X = [[48.8567, 2.3508], [51.5072, -0.1275]]
    for eps, n_clusters in ((343.0, 2), (345.0, 1)):
        labels = DBSCAN(eps, min_samples=1, metric="haversine", units="km").fit(X).labels_
        assert len(set(labels)) == n_clusters


@pytest.mark.parametrize(("d", "metric"), [(2, "euclidean"), (5, "euclidean"), (20, "cosine"), (3, "chebyshev"),
                                           (2, "haversine"), (3, "canberra")])  # fmt: skip
def test_predict_gives_the_nearest_core_points_cluster(d, metric):
    rng = np.random.default_rng(6)
    X = blobs(rng, d=d) / (9 if metric == "haversine" else 1)
    eps = {"euclidean": 0.6 * d**0.5, "cosine": 0.05, "chebyshev": 0.5, "haversine": 0.08, "canberra": 0.4}[metric]
    model = DBSCAN(eps, metric=metric).fit(X)
    assert model.labels_.max() > 0
    new = blobs(rng, 100, d) / (9 if metric == "haversine" else 1)
    nearest = NearestNeighbors(n_neighbors=1, metric=metric, algorithm="brute").fit(model.components_)
    distance, index = nearest.kneighbors(new)
    of_core = model.labels_[model.core_sample_indices_]
    np.testing.assert_array_equal(model.predict(new), np.where(distance <= eps, of_core[index], -1)[:, 0])
    assert ((model.predict(X) < 0) == (model.labels_ < 0)).all()


def test_predict_of_matrices():
    X = blobs(np.random.default_rng(7))
    distances = np.sqrt(((X[:, None] - X[None]) ** 2).sum(axis=2))
    wanted = DBSCAN(0.6).fit(X).predict(X)
    model = DBSCAN(0.6, metric="precomputed").fit(distances)
    np.testing.assert_array_equal(model.predict(distances), wanted)
    near = sparse.csr_matrix(np.where(distances < 2, distances + 1e-15, 0))
    np.testing.assert_array_equal(model.predict(near), wanted)
    rows = DBSCAN(0.6).fit(sparse.csr_matrix(X))
    np.testing.assert_array_equal(rows.predict(sparse.csr_matrix(X)), wanted)


def test_of_clusters_equally_near_the_lowest_counts():
    model = DBSCAN(1.0, min_samples=2).fit([[5.0], [5.0], [3.0], [3.0]])
    assert model.labels_.tolist() == [0, 0, 1, 1]
    assert model.predict([[4.0], [2.0], [1.9]]).tolist() == [0, 1, -1]


def test_no_core_points():
    model = DBSCAN(0.1, min_samples=3).fit([[0.0, 0.0], [1.0, 1.0]])
    assert model.components_.shape == (0, 2)
    assert model.predict([[0.0, 0.0]]).tolist() == [-1]


@pytest.mark.parametrize(
    ("metric", "d"), [("euclidean", 2), ("euclidean", 5), ("haversine", 2), ("manhattan", 2), ("manhattan", 5)]
)
def test_equal_points_cost_no_square(metric, d, monkeypatch):
    rng = np.random.default_rng(8)
    X = np.concatenate([np.repeat(rng.random((3, d)), 40, axis=0), rng.random((80, d))])[rng.permutation(200)]
    weight = rng.integers(0, 3, 200).astype(float)
    ways = [(m, w) for m in (4, 41) for w in (None, weight)]
    wanted = [DBSCAN(0.1, metric=metric, min_samples=m).fit(X, sample_weight=w) for m, w in ways]
    monkeypatch.setattr(distinct, "MANY", 20)
    assert distinct.distinct_rows(X, None) is not None
    said = [DBSCAN(0.1, metric=metric, min_samples=m).fit(X, sample_weight=w) for m, w in ways]
    for one, other in zip(said, wanted, strict=True):
        assert_same(one, other)


def test_a_million_equal_points():
    X = np.zeros((1_000_000, 5))
    assert not DBSCAN(min_samples=900_000).fit(X).labels_.any()
    X[::2] = 0.3  # two heaps within eps, and two that are not
    assert not DBSCAN(1.0, min_samples=900_000).fit(X).labels_.any()
    assert (DBSCAN(0.1, min_samples=900_000).fit(X).labels_ == -1).all()
    assert DBSCAN(0.1, min_samples=9).fit(X[:, :2]).labels_.max() == 1


def test_saved_pickled_and_cloned(tmp_path):
    X = blobs(np.random.default_rng(9))
    cases = (X, {"metric": "seuclidean"}), (sparse.csr_matrix(X), {}), (X, {"metric": "minkowski", "p": 3})
    for X_, parameters in cases:
        model = DBSCAN(0.5, **parameters).fit(X_)
        model.save(tmp_path / "model.fastml")
        for again in (io.load(tmp_path / "model.fastml"), pickle.loads(pickle.dumps(model))):
            assert_same(again, model)
            np.testing.assert_array_equal(again.predict(X_), model.predict(X_))
        assert clone(model).get_params() == model.get_params()


def test_the_function():
    X = blobs(np.random.default_rng(10))
    core, labels = dbscan(X, 0.6, min_samples=4)
    model = DBSCAN(0.6, min_samples=4).fit(X)
    np.testing.assert_array_equal(core, model.core_sample_indices_)
    np.testing.assert_array_equal(labels, model.labels_)
    from fastml.cluster import dbscan as again

    assert again is dbscan


def test_an_interrupt_ends_a_long_fit(monkeypatch):
    X = np.random.default_rng(11).random((6000, 2))
    monkeypatch.setattr("fastml.cluster.density.steps.PIECE_SECONDS", 0.0)

    calls = []

    def metric(a, b):
        calls.append(1)
        if len(calls) == 200_000:
            signal.raise_signal(signal.SIGINT)
        return abs(float(a[0]) - float(b[0]))

    with pytest.warns(UserWarning, match="cannot compile"), pytest.raises(KeyboardInterrupt):
        DBSCAN(1e-9, metric=metric).fit(X)
    assert len(calls) < 6000 * 6000


def test_progress_is_printed_only_when_asked_for(capsys):
    X = blobs(np.random.default_rng(12))
    DBSCAN(0.6).fit(X)
    assert capsys.readouterr().out == ""
    DBSCAN(0.6, verbose=True).fit(X)
    assert "core points 100%" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("parameters", "X", "words"),
    [
        ({"eps": 0}, [[1.0]], "eps.*> 0.*distance in the units of X"),
        ({"eps": -1.0}, [[1.0]], "eps.*> 0"),
        ({"min_samples": 0}, [[1.0]], "min_samples"),
        ({"metric": "euclidian"}, [[1.0]], "Did you mean 'euclidean'"),
        ({"metric": "haversine"}, [[1.0]], "two columns"),
        ({"metric": "haversine"}, [[48.9, 2.4]], "latitude.*48.9.*units='degrees', 'km'"),
        ({"metric": "haversine", "units": "km"}, [[2.4, 400.0]], "longitude.*400"),
        ({"metric": "haversine", "units": "km"}, [[120.0, 48.0]], "latitude comes first"),
        ({"metric": "haversine", "units": "km", "eps": 1e-9}, [[1.0, 48.0]], "at least"),
        ({"metric": "haversine", "units": "feet"}, [[1.0, 48.0]], "units"),
        ({}, [[np.nan, 1.0]], "NaN"),
        ({}, [[np.inf, 1.0]], "infinity"),
        ({}, [[1e200, 1.0]], "squared distances overflow"),
        ({"eps": 1e-200}, [[1.0, 1.0]], "square vanishes"),
        ({"metric": "minkowski", "metric_params": {"w": [1.0]}}, [[1.0, 1.0]], r"shape \(2,\)"),
        ({"metric": "minkowski", "metric_params": {"w": [1.0, -1.0]}}, [[1.0, 1.0]], ">= 0"),
        ({"metric": "manhattan", "metric_params": {"V": 1}}, [[1.0, 1.0]], "does not take"),
        ({"metric": "precomputed"}, [[1.0, 1.0]], "square"),
        ({"metric": "precomputed"}, [[0.0, -1.0], [-1.0, 0.0]], "Negative values"),
        ({"metric": lambda a, b: a[0] - b[0]}, [[1.0], [2.0], [4.0]], "must be >= 0"),
        ({"metric": lambda a, b: 2 * b[0] if a[0] < b[0] else a[0] - b[0]}, [[1.0], [2.0], [4.0]], "symmetric"),
        ({"metric": lambda a, b: float("nan")}, [[1.0], [2.0], [4.0]], "finite"),
    ],
)  # fmt: skip
def test_bad_input_is_named(parameters, X, words):
    with pytest.raises(ValueError, match=words):
        DBSCAN(**parameters).fit(X)


def test_predict_needs_a_fit_and_its_width():
    with pytest.raises(NotFittedError):
        DBSCAN().predict([[1.0]])
    model = DBSCAN().fit([[1.0, 2.0]])
    with pytest.raises(ValueError, match="2 features"):
        model.predict([[1.0]])


@pytest.mark.parametrize("X", [np.zeros((500, 2)), np.zeros((500, 20)), np.zeros((500, 500))])
def test_memory_is_told_before_the_work(X):
    metric = "precomputed" if X.shape[0] == X.shape[1] else "euclidean"
    with pytest.raises(MemoryError, match=r"bytes over the data, more than max_memory=1,000"):
        DBSCAN(metric=metric, max_memory=1000).fit(X)
    DBSCAN(metric=metric, max_memory=10**9).fit(X)


def test_suggest_eps_finds_the_knee():
    rng = np.random.default_rng(13)
    X = np.concatenate([rng.normal(c, 0.3, (300, 2)) for c in (0, 5, 10)] + [rng.uniform(-5, 15, (60, 2))])
    found = suggest_eps(X, 5)
    assert len(found.distances) == 960
    assert (np.diff(found.distances) >= 0).all()
    assert float(found) == found.eps == found.distances[found.knee]
    assert DBSCAN(float(found)).fit(X).labels_.max() == 2
    assert len(suggest_eps(X, 5, max_rows=100).distances) == 100
    degrees = X[:300]
    km = suggest_eps(degrees, metric="haversine", units="km")
    radians = suggest_eps(np.radians(degrees), metric="haversine")
    assert km.eps == pytest.approx(radians.eps * 6371.0088)
    for bad, words in (((X, 1), "min_samples=1"), ((X[:3], 5), "3 rows"), ((np.zeros((9, 2)), 5), "no knee")):
        with pytest.raises(ValueError, match=words):
            suggest_eps(*bad)
