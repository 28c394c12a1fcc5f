"""Neighbours: trees of points."""

from fastml.neighbors.trees import BallTree, KDTree

__all__ = ["BallTree", "KDTree"]
