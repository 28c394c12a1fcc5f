"""Clusterings: k-means, in whole, in batches, by halves."""

from fastml.cluster.bisecting import BisectingKMeans
from fastml.cluster.kmeans import KMeans
from fastml.cluster.minibatch import MiniBatchKMeans
from fastml.cluster.seeding import kmeans_plusplus

__all__ = ["BisectingKMeans", "KMeans", "MiniBatchKMeans", "kmeans_plusplus"]
