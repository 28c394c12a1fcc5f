"""ScaledClustering: columns in units of their spread, centres and predictions in those of X."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from fastml import io
from fastml.cluster import BisectingKMeans, KMeans, ScaledClustering


def points():
    rng = np.random.default_rng(0)
    return np.concatenate([rng.normal([x, 1000 * y, 7], [1, 1000, 0], size=(50, 3)) for x in (0, 9) for y in (0, 9)])


@pytest.mark.parametrize(("scale", "scaler"), [("deviation", StandardScaler()), ("range", MinMaxScaler())])
@pytest.mark.parametrize("clustering", [KMeans(4, random_state=0), BisectingKMeans(4, random_state=0)])
def test_it_is_the_clustering_of_scaled_columns(clustering, scale, scaler):
    X = points()
    model = ScaledClustering(clustering, scale=scale).fit(X)
    plain = type(clustering)(4, random_state=0).fit(scaler.fit_transform(X))
    np.testing.assert_array_equal(model.labels_, plain.labels_)
    np.testing.assert_allclose(model.cluster_centers_, scaler.inverse_transform(plain.cluster_centers_))
    np.testing.assert_allclose(model.inertia_, plain.inertia_)
    np.testing.assert_array_equal(model.predict(X), model.labels_)
    assert not hasattr(clustering, "labels_")


def test_weights_are_repetition():
    X = points()
    weight = np.arange(len(X)) % 3
    for scale in ("deviation", "range"):
        one = ScaledClustering(KMeans(2, init=np.eye(2, 3), n_init=1), scale=scale).fit(X, sample_weight=weight)
        two = ScaledClustering(KMeans(2, init=np.eye(2, 3), n_init=1), scale=scale).fit(X.repeat(weight, axis=0))
        np.testing.assert_allclose(one.cluster_centers_, two.cluster_centers_)
        np.testing.assert_allclose(one.scale_, two.scale_)


def test_a_model_file(tmp_path):
    model = ScaledClustering(KMeans(4, random_state=0)).fit(points())
    io.save(model, tmp_path / "model.fastml")
    loaded = io.load(tmp_path / "model.fastml")
    np.testing.assert_array_equal(loaded.predict(points()), model.labels_)
    np.testing.assert_array_equal(loaded.cluster_centers_, model.cluster_centers_)


@pytest.mark.parametrize(("X", "match"), [
    (np.array([[1.0], [np.nan]]), "NaN"), (np.array([[1.0], [np.inf]]), "infinity|NaN"),
])  # fmt: skip
def test_what_is_not_finite_is_named(X, match):
    with pytest.raises(ValueError, match=match):
        ScaledClustering(KMeans(1)).fit(X)


def test_sparse_rows_are_refused():
    with pytest.raises(TypeError, match="needs dense data"):
        ScaledClustering(KMeans(2)).fit(sp.csr_matrix(np.eye(3)))


def test_words_are_refused_with_a_remedy():
    pandas = pytest.importorskip("pandas")
    with pytest.raises(ValueError, match="in column 'town': it holds categories where numbers are needed"):
        KMeans(1).fit(pandas.DataFrame({"x": [1.0, 2], "town": pandas.Categorical(["Oslo", "Rome"])}))
