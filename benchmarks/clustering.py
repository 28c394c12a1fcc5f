"""k-means from a given start: Lloyd's steps by fastml, scikit-learn, scikit-learn-intelex and faiss.

All begin at the same rows and do the same number of steps; faiss does not stop before.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

Factory = Callable[[int], Any]  # number of threads -> estimator


@dataclass
class FromRows:
    """An estimator whose start is rows of what it is fitted to."""

    n_clusters: int
    make: Callable[[np.ndarray], Any]  # the start -> what fits and predicts
    model: Any = field(default=None, init=False)

    def fit(self, X: np.ndarray, y: Any = None) -> "FromRows":
        self.model = self.make(start(X, min(self.n_clusters, len(X) // 2))).fit(X)
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        return self.model.predict(X)


def start(X: np.ndarray, n_clusters: int) -> np.ndarray:
    """So many different rows, drawn at random, as floats."""
    rows = np.random.default_rng(0).permutation(len(X))[: 20 * n_clusters]
    first = np.sort(np.unique(X[rows], axis=0, return_index=True)[1])[:n_clusters]
    return np.ascontiguousarray(X[rows[first]], np.float32)


class Faiss:
    """faiss.Kmeans as an estimator."""

    def __init__(self, centres: np.ndarray, n_steps: int, n_threads: int) -> None:
        self.start, self.n_steps, self.n_threads = centres, n_steps, n_threads

    def fit(self, X: np.ndarray) -> "Faiss":
        import faiss

        faiss.omp_set_num_threads(self.n_threads)
        k, d = self.start.shape
        limits = {"min_points_per_centroid": 1, "max_points_per_centroid": len(X)}
        self.kmeans = faiss.Kmeans(d, k, niter=self.n_steps, **limits)
        self.kmeans.train(np.asarray(X, np.float32), init_centroids=self.start)
        self.cluster_centers_ = self.kmeans.centroids
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        return self.kmeans.index.search(np.asarray(X, np.float32), 1)[1].ravel()


@dataclass(frozen=True)
class Means:
    """So many clusters, so many steps at most."""

    n_clusters: int
    n_steps: int = 30

    def factories(self) -> Mapping[str, Factory]:
        """Library -> (threads -> estimator). Each imports its library when called."""
        return {
            "fastml": self.fastml,
            "scikit-learn": self.scikit_learn,
            "scikit-learn elkan": partial(self.scikit_learn, algorithm="elkan"),
            "scikit-learn-intelex": self.scikit_learn_intelex,
            "faiss-cpu": self.faiss,
        }

    def _settings(self, centres: np.ndarray) -> dict[str, Any]:
        return {"n_clusters": len(centres), "init": centres, "n_init": 1, "max_iter": self.n_steps, "tol": 0}

    def fastml(self, n_threads: int) -> Any:
        from fastml.cluster import KMeans

        return FromRows(self.n_clusters, lambda c: KMeans(**self._settings(c), n_jobs=n_threads))

    def scikit_learn(self, n_threads: int, algorithm: str = "lloyd") -> Any:
        from sklearn.cluster import KMeans

        return FromRows(self.n_clusters, lambda c: KMeans(**self._settings(c), algorithm=algorithm))

    def scikit_learn_intelex(self, n_threads: int) -> Any:
        from sklearnex.cluster import KMeans

        return FromRows(self.n_clusters, lambda c: KMeans(**self._settings(c), n_jobs=n_threads))

    def faiss(self, n_threads: int) -> Any:
        import faiss  # noqa: F401 - to learn whether it is here

        return FromRows(self.n_clusters, lambda c: Faiss(c, self.n_steps, n_threads))


def log_inertia(estimator: Any, X: Any, y: np.ndarray) -> float:
    """Minus the logarithm of the sum of squared distances, higher is better: 1e-4 apart is 1e-4 of the sum."""
    centres = np.asarray(estimator.model.cluster_centers_, np.float64)
    labels = np.asarray(estimator.predict(X)).ravel()
    total = sum(
        float(((X[rows].astype(np.float64) - centres[labels[rows]]) ** 2).sum())
        for rows in np.array_split(np.arange(len(X)), max(1, len(X) // 4096))
    )
    return -float(np.log(total))
