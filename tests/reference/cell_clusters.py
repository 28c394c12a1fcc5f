"""Twin of cell_clusters: all pairs, by sums of squares in the order of the columns, or by the haversine formula."""

import numpy as np

from tests.reference.graph_clusters import core_points, reach


def near_by_squares(X, eps):
    """(n, n) whether the sum of squared differences is at most eps * eps."""
    total = np.zeros((len(X), len(X)))
    for column in X.T:
        total += (column[:, None] - column[None, :]) ** 2
    return total <= eps * eps


def near_on_sphere(angles, eps):
    """(n, n) whether the angle between two places is at most eps, all in radians."""
    latitude, longitude = angles.T
    up, along = (np.sin(0.5 * (part[:, None] - part[None, :])) for part in (latitude, longitude))
    across = np.cos(latitude)[:, None] * np.cos(latitude)[None, :]
    return up * up + across * along * along <= (np.sin(0.5 * eps) ** 2 if eps < np.pi else 1.0)


def cluster(near, min_samples, weight=None):
    """(labels, is_core)"""
    is_core = core_points(near, min_samples, weight)
    return reach(near, is_core), is_core
