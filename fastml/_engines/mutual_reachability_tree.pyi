"""The minimum spanning tree of mutual reachability, by Boruvka's rounds over a kd-tree."""

import numpy as np
from numpy.typing import NDArray

from fastml._engines.kd_tree import KdTree

LEAF_SIZE: int
METRICS: dict[str, int]

class ReachabilityTree:
    """Core distances, then rounds until one component is left.

    tree : KdTree of float64 points, leaves of at most LEAF_SIZE
    min_samples : the core distance is that to so many of the nearest points, the point itself among them
    metric : "euclidean", "manhattan", "chebyshev" or "minkowski", the latter with its power >= 1
    scale : what reduced distances (squares, sums of powers) are multiplied by before the largest of them and the core
        distances is taken
    The same tree for any number of threads: of equal edges that of the smaller distance, then of the smaller rows; only
    between points on top of each other, at a reachability of 0, any edges that join them.
    About 80 bytes a point beside the tree. Raises ValueError for what does not fit.

    ReachabilityTree(...), find_core_distances(0, n_leaves), then join() while n_components > 1.
    """

    n_points: int
    n_leaves: int
    n_components: int
    n_edges: int
    def __init__(
        self, tree: KdTree, min_samples: int, metric: str = ..., power: float = ..., scale: float = ...
    ) -> None: ...
    def find_core_distances(self, begin: int, end: int, n_threads: int = ...) -> None:
        """Of the points in leaves begin to end: a part of the work, so that somebody can look in between."""
    def place(
        self, tree: KdTree, core: NDArray[np.float64], n_threads: int = ...
    ) -> tuple[NDArray[np.int32], NDArray[np.float64]]:  # fmt: skip
        """Of other points, in a tree of their own: the row that is nearest by mutual reachability, and the reduced
        reachability. core : (n_points,) as core_distances() gave them; that of another point is its distance to
        the min_samples-th nearest of ours."""
    def core_distances(self) -> NDArray[np.float64]:
        """Reduced, by row."""
    def join(self, n_threads: int = ...) -> int:
        """One round: components find the shortest edge out of them, and are joined. The number of components left."""
    def edges(
        self,
    ) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64], NDArray[np.float64]]:
        """first, second (rows), reduced mutual reachability, reduced distance times scale: (n - 1,) each."""
