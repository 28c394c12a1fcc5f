"""Neighbours: estimators, graphs, and trees of points."""

from fastml.neighbors.classification import KNeighborsClassifier, RadiusNeighborsClassifier
from fastml.neighbors.graphs import (
    KNeighborsTransformer,
    RadiusNeighborsTransformer,
    kneighbors_graph,
    radius_neighbors_graph,
)
from fastml.neighbors.regression import KNeighborsRegressor, RadiusNeighborsRegressor
from fastml.neighbors.trees import BallTree, KDTree
from fastml.neighbors.unsupervised import NearestNeighbors

__all__ = [
    "BallTree", "KDTree", "KNeighborsClassifier", "KNeighborsRegressor", "KNeighborsTransformer", "NearestNeighbors",
    "RadiusNeighborsClassifier", "RadiusNeighborsRegressor", "RadiusNeighborsTransformer", "kneighbors_graph",
    "radius_neighbors_graph",
]  # fmt: skip
