"""Clusterings; each is loaded when it is asked for."""

from typing import TYPE_CHECKING

from fastml.lazy import lazily

if TYPE_CHECKING:
    from fastml.cluster.density.eps import EpsSuggestion, suggest_eps
    from fastml.cluster.density.estimator import DBSCAN, dbscan
    from fastml.cluster.hdbscan.estimator import HDBSCAN
    from fastml.cluster.kmeans.bisecting import BisectingKMeans
    from fastml.cluster.kmeans.estimator import KMeans
    from fastml.cluster.kmeans.minibatch import MiniBatchKMeans
    from fastml.cluster.kmeans.path import KMeansPath, kmeans_path
    from fastml.cluster.kmeans.seeding import kmeans_plusplus
    from fastml.cluster.scaled import ScaledClustering

__all__ = [
    "DBSCAN", "HDBSCAN", "BisectingKMeans", "EpsSuggestion", "KMeans", "KMeansPath", "MiniBatchKMeans",
    "ScaledClustering", "dbscan", "kmeans_path", "kmeans_plusplus", "suggest_eps",
]  # fmt: skip

_MODULES = {
    "BisectingKMeans": "kmeans.bisecting",
    "DBSCAN": "density.estimator",
    "EpsSuggestion": "density.eps",
    "HDBSCAN": "hdbscan.estimator",
    "KMeans": "kmeans.estimator",
    "KMeansPath": "kmeans.path",
    "MiniBatchKMeans": "kmeans.minibatch",
    "ScaledClustering": "scaled",
    "dbscan": "density.estimator",
    "kmeans_path": "kmeans.path",
    "kmeans_plusplus": "kmeans.seeding",
    "suggest_eps": "density.eps",
}

__getattr__, __dir__ = lazily(__name__, _MODULES)
