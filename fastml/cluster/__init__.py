"""Clusterings: k-means."""

__all__: list[str] = []
