"""Clusterings; each is loaded when it is asked for."""

from typing import TYPE_CHECKING

from fastml.lazy import lazily

if TYPE_CHECKING:
    from fastml.cluster.bisecting import BisectingKMeans
    from fastml.cluster.dbscan_eps import EpsSuggestion, suggest_eps
    from fastml.cluster.dbscan_estimator import DBSCAN, dbscan
    from fastml.cluster.hdbscan import HDBSCAN
    from fastml.cluster.kmeans import KMeans
    from fastml.cluster.minibatch import MiniBatchKMeans
    from fastml.cluster.path import KMeansPath, kmeans_path
    from fastml.cluster.scaled import ScaledClustering
    from fastml.cluster.seeding import kmeans_plusplus

__all__ = [
    "DBSCAN", "HDBSCAN", "BisectingKMeans", "EpsSuggestion", "KMeans", "KMeansPath", "MiniBatchKMeans",
    "ScaledClustering", "dbscan", "kmeans_path", "kmeans_plusplus", "suggest_eps",
]  # fmt: skip

_MODULES = {
    "BisectingKMeans": "bisecting",
    "DBSCAN": "dbscan_estimator",
    "EpsSuggestion": "dbscan_eps",
    "HDBSCAN": "hdbscan",
    "KMeans": "kmeans",
    "KMeansPath": "path",
    "MiniBatchKMeans": "minibatch",
    "ScaledClustering": "scaled",
    "dbscan": "dbscan_estimator",
    "kmeans_path": "path",
    "kmeans_plusplus": "seeding",
    "suggest_eps": "dbscan_eps",
}

__getattr__, __dir__ = lazily(__name__, _MODULES)
