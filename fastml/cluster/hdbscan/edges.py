"""The minimum spanning tree of mutual reachability, by what is known of the distances: points, rows or a graph."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml._engines.kd_tree import KdTree
from fastml._engines.mutual_reachability_tree import LEAF_SIZE, ReachabilityTree
from fastml._engines.spanning_tree import PrimTree, graph_tree
from fastml.base import FitTasks
from fastml.cluster.hdbscan.space import Space
from fastml.threads import effective_threads

Floats = NDArray[np.float64]
Rows = Callable[[int, int], Floats]  # (i, j) -> the distances of points i to j to all, (j - i, n)

PAIRS_A_STEP = 4e9  # differences, at most, between two looks at the keyboard
BLOCK = 1 << 22  # distances that lie in memory at once


@dataclass(frozen=True)
class Edges:
    """A spanning tree: ends, mutual reachability and distance of each edge; and the points' core distances."""

    first: NDArray[np.int32]
    second: NDArray[np.int32]
    weight: Floats
    length: Floats
    core: Floats


def grown(points: Floats, leaf_size: int, threads: int) -> KdTree:
    """Their kd-tree; the size of its leaves has no influence on what is found."""
    return KdTree(points, min(max(leaf_size, 8), LEAF_SIZE), threads)


def spanning_search(space: Space, points: Floats, min_samples: int, scale: float, leaf_size: int, threads: int) -> Any:
    """The engine over the kd-tree of these points."""
    return ReachabilityTree(grown(points, leaf_size, threads), min_samples, space.engine, space.power, scale)


def tree_edges(
    space: Space, X: Floats, min_samples: int, scale: float, leaf_size: int, n_jobs: Any, tasks: FitTasks
) -> Edges:
    """Boruvka over a kd-tree. scale : see `Space.scale`. The core distances are reduced ones."""
    n, d = X.shape
    threads = effective_threads(n_jobs, 20.0 * n * d * max(min_samples, 8))
    search = spanning_search(space, space.points(X), min_samples, scale, leaf_size, threads)
    step = max(64, int(PAIRS_A_STEP / (float(n) * n * d) * search.n_leaves) * threads)
    tasks.begin("core distances")
    for begin in range(0, search.n_leaves, step):
        search.find_core_distances(begin, min(begin + step, search.n_leaves), threads)
    core = search.core_distances()
    tasks.end()
    while search.n_components > 1:
        tasks.begin("round")
        search.join(threads)
        tasks.end()
    first, second, weight, length = search.edges()
    return Edges(first, second, space.distance(weight), space.distance(length), core)


def row_edges(row_of: Rows, n: int, min_samples: int, alpha: float, tasks: FitTasks) -> Edges:
    """Prim over rows of distances, which alpha divides where points meet, and not in the core distances."""
    step = max(1, BLOCK // n)
    core = np.empty(n)
    tasks.begin("core distances")
    for begin in range(0, n, step):
        block = row_of(begin, min(begin + step, n))
        core[begin : begin + len(block)] = np.partition(block, min_samples - 1, axis=1)[:, min_samples - 1]
    tasks.end()
    tree = PrimTree(core)
    tasks.begin("spanning tree")
    while tree.current >= 0:
        row = np.ascontiguousarray(row_of(tree.current, tree.current + 1)[0], np.float64)
        tree.add(row if alpha == 1.0 else row / alpha)
    tasks.end()
    return Edges(*tree.edges(), core)


def graph_edges(graph: Any, min_samples: int, max_distance: float, tasks: FitTasks) -> Edges:
    """Kruskal over a sparse matrix of distances, CSR; what is not stored is not an edge.

    Raises ValueError where a row has too few entries, or the graph is not connected.
    """
    n = graph.shape[0]
    tasks.begin("spanning tree")
    counts = np.diff(graph.indptr)
    if (counts < min_samples).any():
        few = int(np.argmax(counts < min_samples))
        raise ValueError(
            f"There exists points with fewer than {min_samples} neighbors (row {few} has {counts[few]}). Ensure your "
            f"distance matrix has non-zero values for at least `min_samples`={min_samples} neighbors for each point "
            "(a k-nearest-neighbors graph), or specify a `max_distance` in `metric_params` to use when distances are "
            "missing."
        )
    data = np.asarray(graph.data, np.float64)
    core = np.array([
        np.partition(data[begin:end], min_samples - 1)[min_samples - 1]
        for begin, end in zip(graph.indptr[:-1], graph.indptr[1:], strict=True)
    ])  # fmt: skip
    first, second = np.repeat(np.arange(n, dtype=np.int32), counts), graph.indices.astype(np.int32)
    reach = np.maximum(np.maximum(core[first], core[second]), data)
    if max_distance > 0:
        reach[~np.isfinite(reach)] = max_distance
    taken = graph_tree(first, second, reach, data, n)
    if len(taken) < n - 1:
        raise ValueError(
            f"Sparse mutual reachability matrix has {n - len(taken)} connected components. HDBSCAN cannot be performed "
            "on a disconnected graph. Ensure that the sparse distance matrix has only one connected component."
        )
    tasks.end()
    return Edges(first[taken], second[taken], reach[taken], data[taken], core)
