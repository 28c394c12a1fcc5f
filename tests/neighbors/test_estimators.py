"""The estimators: equal to scikit-learn's, the same by every algorithm, kept in files, and hard to break."""

import pickle

import numpy as np
import pytest
import sklearn.neighbors as theirs
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csc_array, csr_array, csr_matrix
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

import fastml.io
import fastml.neighbors as ours
from fastml.neighbors.choice import dimension, suits_a_tree

ALGORITHMS = ("brute", "kd_tree", "ball_tree", "auto")
CLASSES = ("KNeighborsClassifier", "KNeighborsRegressor", "RadiusNeighborsClassifier", "RadiusNeighborsRegressor")


def data(seed, n=150, d=3, m=40):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    return X, rng.integers(0, 3, n), rng.normal(size=(m, d))


@given(st.integers(0, 2**32), st.integers(1, 60), st.integers(1, 5), st.booleans(), st.sampled_from(["f4", "f8"]))
def test_every_algorithm_gives_the_same_bits(seed, n, d, on_a_grid, dtype):
    X, _, Q = data(seed, n, d, 9)
    if on_a_grid:
        X, Q = np.round(X), np.round(Q)
    X, Q = X.astype(dtype), Q.astype(dtype)
    k = 1 + seed % n
    said = [ours.NearestNeighbors(n_neighbors=k, algorithm=a).fit(X) for a in ALGORITHMS]
    for one in said[1:]:
        for a, b in zip(said[0].kneighbors(Q), one.kneighbors(Q), strict=True):
            np.testing.assert_array_equal(a, b)
        for r in (0.0, 1.0, 2.5):
            np.testing.assert_array_equal(said[0].radius_neighbors_count(Q, r), one.radius_neighbors_count(Q, r))
            lists = [model.radius_neighbors(Q, r, sort_results=True) for model in (said[0], one)]
            for a, b in zip(*lists, strict=True):
                for left, right in zip(a, b, strict=True):
                    np.testing.assert_array_equal(left, right)
        if k < n:
            np.testing.assert_array_equal(said[0].kneighbors()[1], one.kneighbors()[1])
        counts = [model.radius_neighbors_count(radius=1.0) for model in (said[0], one)]
        np.testing.assert_array_equal(*counts)


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("weights", ["uniform", "distance", lambda d: np.array([1 / (1 + x) for x in d], d.dtype)])
@pytest.mark.parametrize("outputs", [1, 2])
@pytest.mark.parametrize("algorithm", ["brute", "auto"])
def test_predictions_equal_scikit_learns(name, weights, outputs, algorithm):
    X, y, Q = data(3)
    y = y if name.endswith("Classifier") else y + 0.5
    Q[:5] = X[:5]  # at distance 0
    y = y if outputs == 1 else np.column_stack([y, (y + X[:, 0] > 1).astype(y.dtype)])
    parameters = {"weights": weights, "algorithm": algorithm}
    if name.startswith("Radius"):
        parameters["radius"] = 2.5 if name.endswith("Classifier") else 0.4
        if name.endswith("Classifier"):
            parameters["outlier_label"] = "most_frequent"
    one, other = getattr(ours, name)(**parameters).fit(X, y), getattr(theirs, name)(**parameters).fit(X, y)
    with np.errstate(invalid="ignore"):
        for asked in (Q, None):
            np.testing.assert_allclose(one.predict(asked), other.predict(asked), rtol=1e-9, atol=1e-12, equal_nan=True)
            if hasattr(other, "predict_proba"):
                said, wanted = one.predict_proba(asked), other.predict_proba(asked)
                pairs = [(said, wanted)] if outputs == 1 else zip(said, wanted, strict=True)
                for a, b in pairs:
                    np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    "metric",
    ["cosine", "correlation", "canberra", "braycurtis", "hamming", "jaccard", "sqeuclidean", "chebyshev", "cityblock",
     "seuclidean", "mahalanobis", "l2"],
)  # fmt: skip
def test_metrics_equal_scikit_learns(metric):
    X, _, Q = data(1, 300, 6)
    if metric in ("hamming", "jaccard"):
        X, Q = (X > 0.5).astype(float), (Q > 0.5).astype(float)
    params = {"seuclidean": {"V": X.var(axis=0)}, "mahalanobis": {"VI": np.linalg.inv(np.cov(X.T))}}.get(metric)
    one = ours.NearestNeighbors(metric=metric, algorithm="brute", metric_params=params).fit(X)
    other = theirs.NearestNeighbors(metric=metric, algorithm="brute", metric_params=params).fit(X)
    np.testing.assert_allclose(one.kneighbors(Q)[0], other.kneighbors(Q)[0], rtol=1e-7, atol=1e-12)
    lists = other.radius_neighbors(Q, 0.517, return_distance=False)
    np.testing.assert_array_equal(one.radius_neighbors_count(Q, 0.517), [len(row) for row in lists])


@pytest.mark.parametrize("metric", ["euclidean", "cosine", "manhattan"])
@pytest.mark.parametrize("kind", [csr_matrix, csr_array, csc_array])
def test_sparse_and_dense_may_meet(metric, kind):
    X, _, Q = data(2, 200, 8)
    X, Q = X * (X > 0.3), Q * (Q > 0.3)
    wanted = ours.NearestNeighbors(metric=metric, algorithm="brute").fit(X).kneighbors(Q)
    for points, asked in ((kind(X), kind(Q)), (kind(X), Q), (X, kind(Q))):
        found = ours.NearestNeighbors(metric=metric, algorithm="brute").fit(points).kneighbors(asked)
        np.testing.assert_allclose(found[0], wanted[0], rtol=1e-9, atol=1e-15)
    unsorted = kind(X).tocsr()
    unsorted.indices = unsorted.indices.astype(np.int64)
    unsorted.indptr = unsorted.indptr.astype(np.int64)
    found = ours.NearestNeighbors(metric=metric).fit(unsorted).kneighbors(kind(Q))
    np.testing.assert_allclose(found[0], wanted[0], rtol=1e-9, atol=1e-15)


def test_sparse_blocks_within_working_memory():
    from sklearn import config_context

    X, _, Q = data(2, 100, 50)
    whole = ours.NearestNeighbors(algorithm="brute").fit(X).kneighbors(csr_array(Q))
    with config_context(working_memory=0.001):
        parts = ours.NearestNeighbors(algorithm="brute").fit(X)
        np.testing.assert_array_equal(whole[1], parts.kneighbors(csr_array(Q))[1])
        counts = [parts.radius_neighbors_count(asked, 9.0) for asked in (csr_array(Q), Q)]
        np.testing.assert_array_equal(*counts)
        far = ours.NearestNeighbors(metric="correlation").fit(X)
        lists = far.radius_neighbors(Q, 1.0)[1]
        np.testing.assert_array_equal(far.radius_neighbors_count(Q, 1.0), [len(i) for i in lists])


@pytest.mark.parametrize("algorithm", ["auto", "brute", "ball_tree"])
def test_kilometres(algorithm):
    rng = np.random.default_rng(0)
    degrees = np.column_stack([rng.uniform(-90, 90, 500), rng.uniform(-180, 180, 500)])
    km = ours.NearestNeighbors(metric="haversine", units="km", algorithm=algorithm, radius=900.0).fit(degrees)
    radians = theirs.NearestNeighbors(metric="haversine", algorithm="ball_tree").fit(np.radians(degrees))
    np.testing.assert_allclose(km.kneighbors()[0], radians.kneighbors()[0] * 6371.0088, rtol=1e-9)
    within = radians.radius_neighbors(np.radians(degrees), 900 / 6371.0088, return_distance=False)
    np.testing.assert_array_equal(km.radius_neighbors_count(degrees), [len(row) for row in within])
    plain = ours.NearestNeighbors(metric="haversine", algorithm=algorithm).fit(np.radians(degrees))
    np.testing.assert_allclose(plain.kneighbors()[0], radians.kneighbors()[0], rtol=1e-9)


@pytest.mark.parametrize("algorithm", ["auto", "brute"])
def test_a_function_of_ones_own(algorithm):
    X, _, Q = data(5, 700)

    def city(a, b):
        return np.abs(a - b).sum()

    own = ours.NearestNeighbors(metric=city, algorithm=algorithm).fit(X).kneighbors(Q)
    named = ours.NearestNeighbors(metric="manhattan").fit(X).kneighbors(Q)
    np.testing.assert_array_equal(own[1], named[1])
    for bad in (lambda a, b: a[0] - b[0], lambda a, b: float("nan"), lambda a, b: 1.0):
        with pytest.raises(ValueError, match="metric"):
            ours.NearestNeighbors(metric=bad, algorithm=algorithm).fit(X)


def test_nan_of_a_function_is_not_hidden():
    X, _, _ = data(5, 100)

    def fragile(a, b):
        return float("nan") if max(abs(a[0]), abs(b[0])) > 50 else float(np.abs(a - b).sum())

    near = ours.NearestNeighbors(metric=fragile, algorithm="brute", n_neighbors=100).fit(X)
    with pytest.raises(ValueError, match="NaN"):
        near.kneighbors(X[:2] + 100)


@pytest.mark.parametrize("points", ["dense", "sparse", "precomputed"])
@pytest.mark.parametrize("name", CLASSES)
def test_files_and_copies(tmp_path, name, points):
    X, y, Q = data(4)
    X, Q = (X, X[:20]) if points == "precomputed" else (X, Q)
    if points == "precomputed":
        X = np.abs(X[:, None] - X[None]).sum(axis=2)
        Q = X[:20]
    elif points == "sparse":
        X, Q = csr_matrix(X), csr_matrix(Q)
    model = getattr(ours, name)(metric="precomputed" if points == "precomputed" else "minkowski", weights="distance")
    model.set_params(**({"radius": 20.0} if "Radius" in name else {})).fit(X, y)
    said = model.predict(Q)
    fastml.io.save(model, tmp_path / "model")
    for other in (fastml.io.load(tmp_path / "model"), pickle.loads(pickle.dumps(model)), clone(model).fit(X, y)):
        np.testing.assert_array_equal(other.predict(Q), said)
        assert other.get_params() == model.get_params()


@pytest.mark.parametrize("metric", ["euclidean", "manhattan", "cosine", "hamming", "minkowski"])
@pytest.mark.parametrize("sparse", [False, True])
def test_threads_change_no_bit(metric, sparse):
    if sparse and metric in ("hamming", "minkowski"):
        pytest.skip("no search of ours for sparse rows")
    rng = np.random.default_rng(0)
    X = rng.normal(size=(4000, 20)).astype(np.float32) * (rng.random((4000, 20)) < 0.5)
    X = csr_matrix(X) if sparse else X
    said = [
        (m.kneighbors(X[:500]), m.radius_neighbors_count(X[:500], m.kneighbors(X[:500])[0][:, 3]))
        for m in (
            ours.NearestNeighbors(metric=metric, algorithm="brute", p=3, n_jobs=j).fit(X) for j in (1, 2, 5)
        )
    ]
    for (distance, rows), count in said[1:]:
        np.testing.assert_array_equal(distance, said[0][0][0])
        np.testing.assert_array_equal(rows, said[0][0][1])
        np.testing.assert_array_equal(count, said[0][1])


def test_graphs_feed_what_comes_next():
    X, y, Q = data(6)
    chain = make_pipeline(ours.KNeighborsTransformer(n_neighbors=20), ours.KNeighborsClassifier(metric="precomputed"))
    np.testing.assert_array_equal(chain.fit(X, y).predict(Q), ours.KNeighborsClassifier().fit(X, y).predict(Q))
    for mode in ("connectivity", "distance"):
        for include in (True, False, "auto"):
            for name, size in (("kneighbors_graph", 4), ("radius_neighbors_graph", 0.7)):
                a = getattr(ours, name)(X, size, mode=mode, include_self=include)
                b = getattr(theirs, name)(X, size, mode=mode, include_self=include)
                np.testing.assert_allclose(a.toarray(), b.toarray(), rtol=1e-12)
    with pytest.raises(ValueError, match="Got manhattan for metric"):
        ours.kneighbors_graph(ours.NearestNeighbors().fit(X), 3, metric="manhattan")


def test_the_rule():
    rng = np.random.default_rng(0)
    assert 1.5 < dimension(rng.normal(size=(5000, 2)) @ rng.normal(size=(2, 30))) < 2.5
    assert dimension(np.ones((2000, 8))) == 0.0
    assert suits_a_tree(rng.normal(size=(5000, 3)) @ rng.normal(size=(3, 30)))
    assert not suits_a_tree(rng.normal(size=(5000, 30)))
    assert dimension(np.repeat(rng.normal(size=(4, 8)), 1000, axis=0)) in (0.0, np.inf)
    for X, k, algorithm in ((rng.normal(size=(50, 5)), 5, "kd_tree"), (rng.normal(size=(50, 20)), 5, "brute"),
                            (rng.normal(size=(50, 5)), 25, "brute")):  # fmt: skip
        assert ours.NearestNeighbors(n_neighbors=k).fit(X)._fit_method == algorithm


X3 = np.arange(12.0).reshape(4, 3)


def globe(**options):
    return ours.NearestNeighbors(metric="haversine", **options)



@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: ours.NearestNeighbors(n_neighbors=0).fit(X3), "n_neighbors"),
        (lambda: ours.NearestNeighbors(radius=-1).fit(X3), "radius.*it is a distance"),
        (lambda: ours.NearestNeighbors(algorithm="kdtree").fit(X3), "Did you mean 'kd_tree'"),
        (lambda: ours.NearestNeighbors(metric="euclid").fit(X3), "metric"),
        (lambda: ours.NearestNeighbors(units="km").fit(X3), "belong to metric='haversine'"),
        (lambda: ours.NearestNeighbors(metric="haversine", algorithm="ball_tree").fit(X3), "2 dimensions"),
        (lambda: globe(units="km", algorithm="ball_tree").fit([[95.0, 0]] * 9), "latitude"),
        (lambda: globe(algorithm="brute").fit(9 * X3[:, :2]).kneighbors(X3[:, :2], 1), "radians"),
        (lambda: ours.NearestNeighbors(p=0.5, algorithm="kd_tree").fit(X3), "does not support 0 < p < 1"),
        (lambda: ours.NearestNeighbors(algorithm="kd_tree", metric="cosine").fit(X3), "not valid"),
        (lambda: ours.NearestNeighbors(metric="precomputed").fit(X3), "must be square"),
        (lambda: ours.NearestNeighbors(metric="precomputed").fit(-np.ones((3, 3))), "Negative values"),
        (lambda: ours.NearestNeighbors(metric="seuclidean", metric_params={"V": [1.0, 2]}).fit(X3), "V has shape"),
        (lambda: ours.NearestNeighbors().fit([[1.0, np.nan]]), "NaN"),
        (lambda: ours.NearestNeighbors().fit([[1.0, np.inf]]), "infinity"),
        (lambda: ours.NearestNeighbors().fit(X3).kneighbors(X3, 5), "Expected n_neighbors <= n_samples_fit"),
        (lambda: ours.NearestNeighbors().fit(X3).kneighbors(None, 4), "Expected n_neighbors < n_samples_fit"),
        (lambda: ours.NearestNeighbors().fit(X3).kneighbors(X3[:, :2], 1), "features"),
        (lambda: ours.NearestNeighbors().fit(X3).kneighbors([[1.0, 2, np.nan]], 1), "NaN"),
        (lambda: ours.NearestNeighbors().fit(X3).kneighbors(X3, 0), "Expected n_neighbors > 0"),
        (lambda: ours.NearestNeighbors().fit(X3).radius_neighbors(X3, -0.5), "radius=-0.5 must be >= 0"),
        (lambda: ours.NearestNeighbors().fit(X3).radius_neighbors(X3, np.nan), "radius=nan"),
        (lambda: ours.NearestNeighbors().fit(X3).radius_neighbors(X3, [1.0, 2.0]), "or 4 of them"),
        (lambda: ours.NearestNeighbors(algorithm="kd_tree").fit(X3).kneighbors(csr_matrix(X3), 1), "sparse"),
        (lambda: ours.NearestNeighbors(metric="haversine").fit(csr_matrix(X3)), "not valid for sparse"),
        (lambda: ours.RadiusNeighborsClassifier(0.1).fit(X3, [0, 1, 0, 1]).predict(X3 + 1), "No neighbors found"),
        (lambda: ours.KNeighborsClassifier(2, weights=np.zeros_like).fit(X3, [0, 1, 0, 1]).predict(X3), "zero weights"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(make, match):
    with pytest.raises(ValueError, match=match):
        make()


def test_a_count_that_is_no_number():
    with pytest.raises(TypeError, match="enter integer value"):
        ours.NearestNeighbors().fit(X3).kneighbors(X3, 2.5)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("size", [1e-200, 1e150, 1e200])
def test_far_out(algorithm, size):
    X, _, Q = data(0)
    near = ours.NearestNeighbors(algorithm=algorithm).fit(X)
    far = ours.NearestNeighbors(algorithm=algorithm).fit(X * size)
    distance, rows = far.kneighbors(Q * size)
    np.testing.assert_array_equal(far.radius_neighbors_count(Q * size, size), near.radius_neighbors_count(Q, 1.0))
    np.testing.assert_array_equal(rows, near.kneighbors(Q)[1])
    np.testing.assert_allclose(distance, near.kneighbors(Q)[0] * size, rtol=1e-9)


def test_no_neighbours_at_all():
    X, y, Q = data(0)
    near = ours.NearestNeighbors(radius=1e-9).fit(X)
    assert [len(row) for row in near.radius_neighbors(Q)[1]] == [0] * len(Q)
    assert near.radius_neighbors_graph(Q).nnz == 0
    with pytest.warns(UserWarning, match="predicting NaN"):
        assert np.isnan(ours.RadiusNeighborsRegressor(1e-9).fit(X, y).predict(Q)).all()
