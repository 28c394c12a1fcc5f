"""Clusterings: k-means."""

from fastml.cluster.kmeans import KMeans

__all__ = ["KMeans"]
