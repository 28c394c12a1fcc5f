"""Minimum spanning trees of mutual reachability where distances come by rows (Prim), or as a sparse graph (Kruskal)."""

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int32]
Floats = NDArray[np.float64]

class PrimTree:
    """Grows from point 0.

    core : (n,) core distances.  40 bytes a point.

    while tree.current >= 0:
        tree.add(distances_from(tree.current))
    """

    n_points: int
    n_edges: int
    current: int
    def __init__(self, core: Floats) -> None: ...
    def add(self, row: Floats) -> int:
        """Take the current point's distances to all points, (n,); the next current point, -1 at the end. O(n)."""
    def edges(self) -> tuple[Ints, Ints, Floats, Floats]:
        """first, second (the one that came later), mutual reachability, distance: (n - 1,) each."""

def graph_tree(first: Ints, second: Ints, weight: Floats, length: Floats, n_points: int) -> NDArray[np.int64]:
    """The numbers of the edges of a minimum spanning forest, ascending by weight, length, smaller and larger end.

    Fewer than n_points - 1 where the graph is not connected. O(m log m), 28 bytes an edge."""
