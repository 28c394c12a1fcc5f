"""Clusterings: k-means."""

from fastml.cluster.kmeans import KMeans
from fastml.cluster.seeding import kmeans_plusplus

__all__ = ["KMeans", "kmeans_plusplus"]
