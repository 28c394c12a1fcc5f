"""KMeans with limits on the sizes of clusters: limits hold, each step is the best there is, what cannot be is said."""

from itertools import pairwise

import numpy as np
import pytest
import scipy.sparse as sp

from fastml import io
from fastml.cluster import KMeans
from fastml.cluster.kmeans.sized import assign_sized
from tests.reference.sized_assignment import least_cost


def lopsided(n=1200, seed=0):
    """Nine tenths of the points in one place."""
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.normal(size=(n * 9 // 10, 2)), rng.normal([8, 0], size=(n // 10, 2))])


@pytest.mark.parametrize("sizes", [{"min_size": 200}, {"max_size": 320}, {"min_size": 300, "max_size": 300}])
@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_limits_hold_and_the_assignment_is_the_best(metric, sizes):
    X = lopsided()
    model = KMeans(4, random_state=0, metric=metric, **sizes).fit(X)
    found = np.bincount(model.labels_, minlength=4)
    least, most = sizes.get("min_size", 0), sizes.get("max_size", len(X))
    assert least <= found.min() <= found.max() <= most
    rows = X / np.linalg.norm(X, axis=1)[:, None] if metric == "cosine" else X
    costs = ((rows[:, None] - model.cluster_centers_) ** 2).sum(axis=2)
    np.testing.assert_allclose(model.inertia_, least_cost(costs, least, most))
    means = np.array([rows[model.labels_ == c].mean(axis=0) for c in range(4)])
    if metric == "euclidean" and model.n_iter_ < 300:
        np.testing.assert_allclose(model.cluster_centers_, means, atol=0.1)


def test_limits_that_do_not_bind_change_nothing():
    X = lopsided()
    free = KMeans(5, random_state=0).fit(X)
    bound = KMeans(5, random_state=0, min_size=1, max_size=len(X)).fit(X)
    np.testing.assert_array_equal(free.labels_, bound.labels_)
    np.testing.assert_allclose(free.cluster_centers_, bound.cluster_centers_)


def test_inertia_never_grows():
    X = lopsided()
    start = X[:4]
    steps = [KMeans(4, init=start, max_iter=m, tol=0, min_size=250).fit(X).inertia_ for m in range(1, 12)]
    assert all(after <= before * (1 + 1e-12) for before, after in pairwise(steps))


@pytest.mark.parametrize("kind", [np.float32, np.uint8, "csr"])
def test_kinds_of_rows(kind):
    X = np.abs(lopsided() * 4).round()
    rows = sp.csr_matrix(X) if kind == "csr" else X.astype(kind)
    model = KMeans(4, random_state=0, max_size=300).fit(rows)
    assert np.bincount(model.labels_).tolist() == [300] * 4
    np.testing.assert_allclose(model.inertia_, KMeans(4, random_state=0, max_size=300).fit(X).inertia_, rtol=1e-5)


def test_weights_are_costs_and_rows_count_as_one():
    X = lopsided()
    weight = np.random.default_rng(0).random(len(X)) + 0.1
    model = KMeans(4, random_state=0, max_size=300).fit(X, sample_weight=weight)
    assert np.bincount(model.labels_).tolist() == [300] * 4
    costs = weight[:, None] * ((X[:, None] - model.cluster_centers_) ** 2).sum(axis=2)
    np.testing.assert_allclose(model.inertia_, least_cost(costs, 0, 300))


def test_equal_rows_are_parted_by_number():
    labels = assign_sized(np.ones((90, 2)), np.ones((3, 2)), min_size=30)
    assert np.bincount(labels).tolist() == [30, 30, 30]


def test_threads_do_not_change_the_bits():
    X = lopsided(20_000)
    one, two = (KMeans(6, random_state=0, max_size=3400, n_jobs=n).fit(X) for n in (1, 2))
    np.testing.assert_array_equal(one.labels_, two.labels_)
    np.testing.assert_array_equal(one.cluster_centers_, two.cluster_centers_)


def test_a_model_file_knows_the_limits(tmp_path):
    model = KMeans(4, random_state=0, max_size=300).fit(lopsided())
    io.save(model, tmp_path / "model.fastml")
    assert io.load(tmp_path / "model.fastml").get_params()["max_size"] == 300


@pytest.mark.parametrize(("sizes", "match"), [
    ({"min_size": 26}, "min_size=26 cannot be met: 4 clusters need 104 rows and X has 100. min_size=25 can"),
    ({"max_size": 24}, "max_size=24 cannot be met: 4 clusters hold 96 rows and X has 100. max_size=25 can"),
    ({"min_size": 3, "max_size": 2}, "min_size=3 is above max_size=2"),
    ({"min_size": -1}, "min_size"), ({"max_size": 0}, "max_size"), ({"max_size": 2.5}, "max_size"),
])  # fmt: skip
def test_limits_that_cannot_be_met_are_refused(sizes, match):
    with pytest.raises(ValueError, match=match):
        KMeans(4, **sizes).fit(np.arange(100.0)[:, None])
