"""Where k-means starts, and k-means in batches, for fastml and for scikit-learn: the same draws, so the same rows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

Factory = Callable[[int], Any]  # number of threads -> estimator
SEED = 0


class Seeds:
    """k-means++ as an estimator: `fit` draws the rows, `predict` gives the nearest of them."""

    def __init__(self, pick: Callable[..., Any], n_clusters: int, **more: Any) -> None:
        self.pick, self.n_clusters, self.more = pick, n_clusters, more

    def fit(self, X: Any, y: Any = None) -> "Seeds":
        n_clusters = min(self.n_clusters, len(X))  # a warm-up has few rows
        self.cluster_centers_ = self.pick(X, n_clusters, random_state=SEED, **self.more)[0]
        return self

    def predict(self, X: Any) -> np.ndarray:
        from sklearn.metrics import pairwise_distances_argmin

        return pairwise_distances_argmin(X, self.cluster_centers_)


def explained(estimator: Any, X: Any, y: np.ndarray) -> float:
    """Share of the variance that lies between the centres' clusters, higher is better."""
    rest = X - np.asarray(estimator.cluster_centers_)[estimator.predict(X)]
    return float(1 - np.sum(rest**2) / np.sum((X - X.mean(axis=0)) ** 2))


@dataclass(frozen=True)
class Seeding:
    """Greedy k-means++."""

    n_clusters: int

    def factories(self) -> Mapping[str, Factory]:
        """Library -> (threads -> estimator). Each imports its library when called."""
        return {"fastml": self.fastml, "scikit-learn": self.scikit_learn}

    def fastml(self, n_threads: int) -> Any:
        from fastml.cluster import kmeans_plusplus

        return Seeds(kmeans_plusplus, self.n_clusters, n_jobs=n_threads)

    def scikit_learn(self, n_threads: int) -> Any:
        from sklearn.cluster import kmeans_plusplus

        return Seeds(kmeans_plusplus, self.n_clusters)


@dataclass(frozen=True)
class MiniBatch:
    """MiniBatchKMeans with its defaults."""

    n_clusters: int

    def factories(self) -> Mapping[str, Factory]:
        """Library -> (threads -> estimator). Each imports its library when called."""
        return {"fastml": self.fastml, "scikit-learn": self.scikit_learn}

    def fastml(self, n_threads: int) -> Any:
        from fastml.cluster import MiniBatchKMeans

        return MiniBatchKMeans(self.n_clusters, random_state=SEED, n_jobs=n_threads)

    def scikit_learn(self, n_threads: int) -> Any:
        from sklearn.cluster import MiniBatchKMeans

        return MiniBatchKMeans(self.n_clusters, random_state=SEED)
