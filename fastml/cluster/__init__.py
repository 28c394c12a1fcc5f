"""Clusterings: k-means, in whole, in batches, by halves, for many numbers of clusters."""

from fastml.cluster.bisecting import BisectingKMeans
from fastml.cluster.kmeans import KMeans
from fastml.cluster.minibatch import MiniBatchKMeans
from fastml.cluster.path import KMeansPath, kmeans_path
from fastml.cluster.scaled import ScaledClustering
from fastml.cluster.seeding import kmeans_plusplus

__all__ = [
    "BisectingKMeans", "KMeans", "KMeansPath", "MiniBatchKMeans", "ScaledClustering", "kmeans_path", "kmeans_plusplus",
]  # fmt: skip
