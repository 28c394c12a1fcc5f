"""Clusters and the curve of distances: what is drawn is what was given."""

import numpy as np
import pytest

from fastml import plotting
from fastml.cluster import DBSCAN, suggest_eps

figure = pytest.importorskip("matplotlib.figure")


@pytest.fixture
def ax():
    return figure.Figure().subplots()


@pytest.fixture
def X():
    rng = np.random.default_rng(0)
    return np.concatenate([rng.normal(c, 0.3, (100, 2)) for c in (0, 5)] + [rng.uniform(-5, 10, (20, 2))])


def test_the_curve_and_its_knee(ax, X):
    found = suggest_eps(X)
    plotting.plot_k_distances(found, ax=ax)
    assert ax.lines[0].get_ydata().tolist() == found.distances.tolist()
    assert f"eps = {found.eps:.4g}" in [line.get_label() for line in ax.lines]
    assert "number 5" in ax.get_ylabel()


def test_clusters_and_noise(ax, X):
    model = DBSCAN(0.5).fit(X)
    plotting.plot_clusters(X, model, ax=ax)
    noise, members = ax.collections
    assert len(noise.get_offsets()) == (model.labels_ < 0).sum()
    assert len(members.get_offsets()) == (model.labels_ >= 0).sum()
    assert ax.get_title() == f"{model.labels_.max() + 1} clusters"


def test_what_cannot_be_drawn(ax, X):
    for bad in ((X[:, :1], np.zeros(220)), (X, np.zeros(3))):
        with pytest.raises(ValueError, match="two columns and a label for each row"):
            plotting.plot_clusters(*bad, ax=ax)
