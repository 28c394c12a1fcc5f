"""KDTree and BallTree: scikit-learn's answers, any metric, units, densities, pickles, bad input."""

import pickle

import numpy as np
import pytest
import sklearn.neighbors

from fastml.neighbors import BallTree, KDTree

RNG = np.random.default_rng(0)
X, Y = RNG.random((400, 3)), RNG.random((60, 3))
COVARIANCE = np.cov(X.T)
CASES = [
    (KDTree, "euclidean", {}), (KDTree, "l1", {}), (KDTree, "chebyshev", {}), (KDTree, "minkowski", {"p": 3}),
    (BallTree, "euclidean", {}), (BallTree, "seuclidean", {"V": X.var(axis=0)}),
    (BallTree, "minkowski", {"p": 1.5, "w": np.array([1.0, 2.0, 0.5])}), (BallTree, "mahalanobis", {"V": COVARIANCE}),
    (BallTree, "mahalanobis", {"VI": np.linalg.inv(COVARIANCE)}), (BallTree, "canberra", {}),
    (BallTree, "braycurtis", {}),
]  # fmt: skip


def theirs(tree, *args, **kwargs):
    return getattr(sklearn.neighbors, tree.__name__)(*args, **kwargs)


@pytest.mark.parametrize(("tree", "metric", "arguments"), CASES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scikit_learns_answers(tree, metric, arguments, dtype):
    points, queries = X.astype(dtype), Y.astype(dtype)
    ours, other = tree(points, metric=metric, **arguments), theirs(tree, points, metric=metric, **arguments)
    for mine, wanted in zip(ours.query(queries, 5), other.query(queries, 5), strict=True):
        np.testing.assert_allclose(mine, wanted, rtol=1e-14)
    np.testing.assert_array_equal(ours.query(queries, 5, return_distance=False), other.query(queries, 5)[1])
    r = 1.0001 * np.median(ours.query(queries, 9)[0])
    np.testing.assert_array_equal(ours.query_radius(queries, r, count_only=True),
                                  other.query_radius(queries, r, count_only=True))  # fmt: skip
    radii = np.linspace(0, 2 * r, len(queries))
    mine, wanted = (t.query_radius(queries, radii, return_distance=True, sort_results=True) for t in (ours, other))
    for i in range(len(queries)):
        np.testing.assert_array_equal(mine[0][i], wanted[0][i])
        np.testing.assert_allclose(mine[1][i], wanted[1][i], rtol=1e-14)
    pairs = [t.two_point_correlation(queries, [r, 2 * r]) for t in (ours, other)]
    np.testing.assert_array_equal(*pairs)
    np.testing.assert_allclose(ours.kernel_density(queries, r), other.kernel_density(queries, r), rtol=1e-6)


@pytest.mark.parametrize("kernel", ["gaussian", "tophat", "epanechnikov", "exponential", "linear", "cosine"])
@pytest.mark.parametrize("d", [1, 2, 5])
def test_densities_and_norms(kernel, d):
    points, weight = RNG.normal(size=(300, d)), RNG.exponential(size=300)
    for w in (None, weight):
        ours, other = KDTree(points, sample_weight=w), theirs(KDTree, points, sample_weight=w)
        assert ours.sum_weight == pytest.approx(other.sum_weight)
        for h in (0.3, 2.0):
            asked = {"kernel": kernel, "h": h, "rtol": 1e-10}
            mine, wanted = (t.kernel_density(points[:20], **asked) for t in (ours, other))
            np.testing.assert_allclose(mine, wanted, rtol=1e-8, atol=1e-9)
            logs = ours.kernel_density(points[:20], return_log=True, **asked)
            np.testing.assert_allclose(np.exp(logs), mine)


def places(n=200):
    return np.column_stack([180 * RNG.random(n) - 90, 360 * RNG.random(n) - 180])


def test_units_of_the_haversine():
    P = places()
    radians, degrees, km, miles, own = (
        BallTree(np.radians(P) if units == "radians" else P, metric="haversine", units=units)
        for units in ("radians", "degrees", "km", "miles", 2.0)
    )
    distance, index = theirs(BallTree, np.radians(P), metric="haversine").query(np.radians(P[:9]), 4)
    mine, where = radians.query(np.radians(P[:9]), 4)
    np.testing.assert_array_equal(where, index)
    np.testing.assert_allclose(mine, distance, rtol=1e-14, atol=1e-16)
    for tree, factor in ((degrees, 180 / np.pi), (km, 6371.0088), (miles, 6371.0088 / 1.609344), (own, 2.0)):
        there, where = tree.query(P[:9], 4)
        np.testing.assert_array_equal(where, index)
        np.testing.assert_allclose(there, factor * distance, rtol=1e-9, atol=1e-9)
        np.testing.assert_array_equal(tree.query_radius(P[:9], factor * distance[:, 2] * 1.0001, count_only=True), 3)
    paris, london = [[48.8566, 2.3522]], [[51.5074, -0.1278]]
    assert BallTree(paris, metric="haversine", units="km").query(london)[0][0, 0] == pytest.approx(343.6, abs=0.2)


@pytest.mark.parametrize("n", [60, 900])  # in Python, compiled
def test_a_users_metric(n):
    def city(a, b):
        return np.abs(a - b).sum()

    points = RNG.random((n, 3))
    mine, wanted = BallTree(points, metric=city), KDTree(points, metric="manhattan")
    for ours, other in zip(mine.query(Y, 4), wanted.query(Y, 4), strict=True):
        np.testing.assert_allclose(ours, other, rtol=1e-14)
    counts = [t.query_radius(Y, 0.4, count_only=True) for t in (mine, wanted)]
    np.testing.assert_array_equal(*counts)
    named = BallTree(points, metric="pyfunc", func=city)
    np.testing.assert_array_equal(named.query(Y, 4)[1], wanted.query(Y, 4)[1])


def test_a_function_without_triangle_is_exact():
    points = RNG.random((800, 2))
    squares = BallTree(points, metric=lambda a, b: ((a - b) ** 2).sum())
    np.testing.assert_array_equal(squares.query(points[:50], 7)[1], KDTree(points).query(points[:50], 7)[1])


def test_a_metric_that_is_nan_somewhere_is_reported_with_the_pair():
    def broken(a, b):
        return np.nan if a[0] + b[0] > 1.9 else np.abs(a - b).sum()

    tree = BallTree(0.9 * X, metric=broken)
    with pytest.raises(ValueError, match=r"metric `broken` is NaN at a=\[1.05, .*b="):
        tree.query(np.ones((1, 3)) * [1.05, 1, 1], 400)


def power(a, b, p):
    return np.sum(np.abs(a - b) ** p) ** (1 / p)


@pytest.mark.parametrize("protocol", [0, 2, 5])
@pytest.mark.parametrize(("tree", "metric", "arguments"), [*CASES, (BallTree, power, {"p": 2})])
def test_pickles(tree, metric, arguments, protocol):
    one = tree(X, leaf_size=7, metric=metric, sample_weight=np.ones(len(X)), **arguments)
    data = pickle.dumps(one, protocol=protocol)
    other = pickle.loads(data)
    if protocol == 5:
        assert len(data) < X.nbytes + 8 * len(X) + 2000
    for mine, wanted in zip(other.query(Y, 3), one.query(Y, 3), strict=True):
        np.testing.assert_array_equal(mine, wanted)
    np.testing.assert_array_equal(other.kernel_density(Y, 0.2), one.kernel_density(Y, 0.2))


@pytest.mark.parametrize("tree", [KDTree, BallTree])
def test_arrays_are_a_tree(tree):
    data, order, nodes, bounds = tree(RNG.random((1000, 2)), leaf_size=40).get_arrays()
    np.testing.assert_array_equal(np.sort(order), np.arange(1000))
    assert (nodes["idx_start"][0], nodes["idx_end"][0]) == (0, 1000)
    for i, node in enumerate(nodes):
        own = data[order[node["idx_start"] : node["idx_end"]]]
        if not node["is_leaf"]:
            assert nodes["idx_start"][2 * i + 1] == node["idx_start"]
            assert nodes["idx_end"][2 * i + 2] == node["idx_end"]
        if tree is KDTree:
            np.testing.assert_array_equal(bounds[:, i], [own.min(axis=0), own.max(axis=0)])
        else:
            assert np.linalg.norm(own - bounds[0, i], axis=1).max() == pytest.approx(node["radius"])


def test_threads_and_memory_layouts_change_nothing():
    points = np.round(RNG.random((20_000, 3)), 2)
    one = KDTree(points, n_jobs=1).query(points, 6)
    readonly = points.copy()
    readonly.flags.writeable = False
    for other in (
        KDTree(points, n_jobs=3).query(points, 6), KDTree(np.asfortranarray(points), n_jobs=2).query(points[:, ::1], 6),
        KDTree(readonly).query(np.repeat(points, 2, axis=0)[::2], 6), KDTree(points.tolist()).query(points, 6),
    ):  # fmt: skip
        for mine, wanted in zip(other, one, strict=True):
            np.testing.assert_array_equal(mine, wanted)


@pytest.mark.parametrize(
    ("tree", "given", "says"),
    [
        (KDTree, {"X": np.zeros((0, 3))}, "0 sample"),
        (KDTree, {"X": [[1.0, np.nan]]}, "NaN"),
        (KDTree, {"X": [[1.0, np.inf]]}, "infinity"),
        (KDTree, {"X": [1.0, 2.0]}, "Expected 2D"),
        (KDTree, {"leaf_size": 0}, "leaf_size=0 must be greater than or equal to 1"),
        (KDTree, {"metric": "euclidian"}, "Unrecognized metric 'euclidian'"),
        (KDTree, {"metric": "haversine"}, "'haversine' is not valid here"),
        (KDTree, {"metric": power}, "use BallTree"),
        (KDTree, {"metric": 3}, "metric=3 must be a name"),
        (KDTree, {"metric": "euclidean", "V": 1}, "takes no argument V"),
        (KDTree, {"p": 0.5}, "p=0.5 must be greater than or equal to 1"),
        (KDTree, {"p": np.nan}, "p=nan"),
        (KDTree, {"p": 3, "w": [1.0, 2.0]}, r"w has shape \(2,\)"),
        (KDTree, {"p": 3, "w": [1.0, 2.0, -1.0]}, "must be >= 0"),
        (KDTree, {"sample_weight": [1.0]}, "sample_weight has shape"),
        (KDTree, {"sample_weight": -np.ones(400)}, "sample_weight must be >= 0"),
        (BallTree, {"metric": "haversine"}, "only valid in 2 dimensions: X has 3 columns"),
        (BallTree, {"metric": "haversine", "X": [[48.9, 2.4]]}, "takes radians.*units='degrees'"),
        (BallTree, {"metric": "haversine", "X": [[2.4, 148.9], [100.0, 0.0]], "units": "km"}, "latitude of 100"),
        (BallTree, {"metric": "haversine", "X": [[0.1, 0.2]], "units": "leagues"}, "units='leagues'"),
        (BallTree, {"metric": "haversine", "X": [[0.1, 0.2]], "units": -1.0}, "units=-1.0"),
        (BallTree, {"metric": "seuclidean"}, "needs V="),
        (BallTree, {"metric": "seuclidean", "V": [1.0, 0.0, 1.0]}, "must be > 0"),
        (BallTree, {"metric": "mahalanobis"}, "needs V="),
        (BallTree, {"metric": "mahalanobis", "VI": np.diag([1.0, -1.0, 1.0])}, "negative eigenvalue"),
        (BallTree, {"metric": "mahalanobis", "VI": np.triu(np.ones((3, 3)))}, "symmetric"),
        (BallTree, {"metric": "pyfunc"}, "needs func="),
    ],
)
def test_bad_input(tree, given, says):
    with pytest.raises((ValueError, TypeError), match=says):
        tree(**{"X": X, **given})


def test_bad_questions():
    tree = KDTree(X)
    for asked, says in (
        (lambda: tree.query(Y, 401), "less than or equal to the number of training points, 400"),
        (lambda: tree.query(Y, 0), "k=0"),
        (lambda: tree.query(Y[:, :2]), "X has 2 columns, the tree 3"),
        (lambda: tree.query([[1.0, np.nan, 0.0]]), "NaN"),
        (lambda: tree.query_radius(Y, -1), "r=-1.0 must be >= 0"),
        (lambda: tree.query_radius(Y, [1.0, 2.0]), "broadcastable"),
        (lambda: tree.query_radius(Y, 1, count_only=True, return_distance=True), "cannot both be true"),
        (lambda: tree.query_radius(Y, 1, sort_results=True), "return_distance must be True"),
        (lambda: tree.kernel_density(Y, 0), "h=0 must be > 0"),
        (lambda: tree.kernel_density(Y, 1, kernel="box"), "kernel = 'box' not recognized"),
        (lambda: tree.kernel_density(Y, 1, atol=-1), "atol=-1"),
        (lambda: BallTree([[0.1, 0.2]], metric="haversine").query([[0.1, 48.0]]), "radians"),
    ):
        with pytest.raises(ValueError, match=says):
            asked()


@pytest.mark.parametrize("size", [1e300, 1e-300])
def test_sizes_whose_squares_leave_the_range(size):
    points = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 3.0]]) * size
    for metric in ("manhattan", "chebyshev"):
        distance, index = KDTree(points, metric=metric).query(points, 3)
        np.testing.assert_array_equal(index[0], [0, 1, 2])
        np.testing.assert_allclose(distance[0], np.array([0.0, 1.0, 3.0]) * size)
    if size > 1:
        for given in ({}, {"p": 3}):
            with pytest.raises(ValueError, match=r"X has a value of 3e\+300, .* overflows"):
                KDTree(points, **given)
        with pytest.raises(ValueError, match="overflows"):
            KDTree(points / size).query(points)
    else:
        np.testing.assert_array_equal(np.sort(KDTree(points).query(points, 3)[1], axis=1), [[0, 1, 2]] * 3)
