"""From X and a metric to the spanning tree, by the way that the metric, the data and `algorithm` allow."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import scipy.sparse as sp

from fastml._engines.condensed_tree import single_linkage
from fastml.base import FitTasks
from fastml.cluster.hdbscan.edges import Edges, graph_edges, row_edges, tree_edges
from fastml.cluster.hdbscan.results import Training
from fastml.cluster.hdbscan.rows import BALL_METRICS, KD_METRICS, MetricRows, given_graph, given_rows
from fastml.cluster.hdbscan.space import Space
from fastml.cluster.hdbscan.tree import SingleLinkage

DENSE_AT_MOST = 1 << 24  # numbers, 128 MB: sparse rows that have no more of them are read as dense ones


def check_algorithm(algorithm: str, metric: Any, sparse: bool) -> None:
    """ValueError where a tree is asked for that the metric or the data do not allow."""
    valid = {"kd_tree": KD_METRICS, "ball_tree": BALL_METRICS}.get(algorithm)
    if valid is None:
        return
    if not isinstance(metric, str) or metric not in valid:
        kind = "KDTree" if algorithm == "kd_tree" else "BallTree"
        raise ValueError(
            f"{metric} is not a valid metric for a {kind}-based algorithm. Please select a different metric."
        )
    if sparse:
        raise ValueError("Sparse data matrices only support algorithm `brute`.")


def linkage_of(edges: Edges) -> SingleLinkage:
    """Edges merged in ascending order."""
    return SingleLinkage(*single_linkage(edges.first, edges.second, edges.weight, edges.length))


def fit_given(D: Any, min_samples: int, alpha: float, max_distance: float, tasks: FitTasks) -> Edges:
    """Distances that the user gives, as a matrix or as a sparse graph; alpha divides all of them."""
    if sp.issparse(D):
        graph = given_graph(D)
        if alpha != 1.0:
            graph = graph / alpha
        return graph_edges(graph, min_samples, max_distance, tasks)
    rows = given_rows(D)
    scaled = rows if alpha == 1.0 else lambda begin, end: rows(begin, end) / alpha
    edges = row_edges(scaled, D.shape[0], min_samples, 1.0, tasks)
    if np.isinf(edges.weight).any():
        warnings.warn(
            "The minimum spanning tree contains edge weights with value infinity. Potentially, you are missing too "
            "many distances in the initial distance matrix for the given neighborhood size.", UserWarning, stacklevel=3,
        )  # fmt: skip
    return edges


def fit_metric(
    X: Any, metric: Any, parameters: dict[str, Any], min_samples: int, alpha: float, algorithm: str, leaf_size: int,
    n_jobs: Any, tasks: FitTasks,
) -> tuple[Edges, Training]:  # fmt: skip
    """Rows with a metric: over a kd-tree where it has a space, else row by row.

    As in scikit-learn, alpha divides all distances where these are made without a tree, and only those between points,
    not the core distances, where a tree finds the latter.
    """
    by_tree = algorithm != "brute" and isinstance(metric, str) and metric in BALL_METRICS and not sp.issparse(X)
    inner, divided = (alpha, 1.0) if by_tree else (1.0, alpha)
    if sp.issparse(X) and float(X.shape[0]) * X.shape[1] <= DENSE_AT_MOST and not callable(metric):
        X = X.toarray()
    space = None if sp.issparse(X) else Space.of(metric, parameters, X)
    scale = None if space is None else space.scale(inner)
    if space is not None and scale is not None:
        edges = tree_edges(space, X, min_samples, scale, leaf_size, n_jobs, tasks)
    else:
        space = None
        rows = MetricRows(X, metric, parameters, by_tree, n_jobs)
        edges = row_edges(rows, X.shape[0], min_samples, inner, tasks)
    training = Training(X, edges.core, space, scale or 1.0, inner, divided, by_tree, min_samples)
    if divided != 1.0:
        edges = Edges(edges.first, edges.second, edges.weight / divided, edges.length / divided, edges.core)
    return edges, training
