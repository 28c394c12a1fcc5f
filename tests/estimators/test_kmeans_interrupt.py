"""Ctrl-C around k-means: what is done is kept, and said."""

import os
import signal
import threading

import numpy as np
import pytest

from fastml.cluster import BisectingKMeans, MiniBatchKMeans, kmeans_path
from fastml.exceptions import FitInterrupted


class Press:
    """Ctrl-C when the wrapped function is called for the n-th time."""

    def __init__(self, function, number):
        self.function, self.number = function, number

    def __call__(self, *args, **kwargs):
        self.number -= 1
        if self.number == 0:
            os.kill(os.getpid(), signal.SIGINT)
        return self.function(*args, **kwargs)


@pytest.fixture(autouse=True)
def in_the_main_thread():
    if threading.current_thread() is not threading.main_thread() or os.name == "nt":
        pytest.skip("Ctrl-C reaches the main thread")


def press(monkeypatch, place, number):
    module, name = place.rsplit(".", 1)
    monkeypatch.setattr(place, Press(getattr(__import__(module, fromlist=["_"]), name), number))


X = np.random.default_rng(0).normal(size=(3000, 4))


def test_batches(monkeypatch):
    press(monkeypatch, "fastml.cluster.kmeans.batches.assign", 5)
    with pytest.warns(FitInterrupted, match="after 5 of"):
        model = MiniBatchKMeans(8, batch_size=100, random_state=0).fit(X)
    assert model.n_steps_ == 5
    assert model.predict(X).shape == (3000,)


def test_halves(monkeypatch):
    press(monkeypatch, "fastml.cluster.kmeans.bisecting.run_lloyd", 3)
    with pytest.warns(FitInterrupted, match="after 3 of 7 rounds"):
        model = BisectingKMeans(8, random_state=0).fit(X)
    assert model.cluster_centers_.shape == (8, 4)
    assert len(np.unique(model.labels_)) == 4
    np.testing.assert_array_equal(model.predict(X), model.labels_)


def test_path(monkeypatch):
    press(monkeypatch, "fastml.cluster.kmeans.estimator.run_lloyd", 2)
    with pytest.warns(FitInterrupted, match="after 2 of 5 rounds"):
        path = kmeans_path(X, range(2, 7), n_references=0, random_state=0)
    assert path.ks.tolist() == [2, 3]
    assert len(path.silhouette) == 2
