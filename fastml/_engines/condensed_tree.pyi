"""Minimum spanning tree -> single linkage -> condensed tree -> selected clusters -> labels.

A linkage is four arrays of n - 1 merges in ascending order: left, right (a point's number, or n + that of a merge),
value (distance) and size (points together). m clusters, of which 0 is the root; parents have lower numbers than their
children.
"""

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int32]
Floats = NDArray[np.float64]

def single_linkage(first: Ints, second: Ints, weight: Floats, length: Floats) -> tuple[Ints, Ints, Floats, Ints]:
    """The linkage of a spanning tree of n points with n - 1 edges.

    first, second : ends of each edge, in [0, n)
    weight : what edges are merged by; length : what decides between equal weights, then the ends' numbers
    Of two components the one on the side of point 0 is the left one. O(n log n); 36 bytes a point beside the result.
    Raises ValueError where the edges are no spanning tree.
    """

def condense(
    left: Ints, right: Ints, value: Floats, size: Ints, min_cluster_size: int
) -> tuple[Ints, Floats, Ints, Floats, Ints, Floats, Floats, Floats]:  # fmt: skip
    """Clusters that part from others of at least min_cluster_size points, breadth first.

    Returns point_cluster (n,), the cluster that a point falls out of, and point_density (n,), 1 / distance at which it
    does; then of each cluster parent (the root's is -1), birth (density), size, stability (sum over its points of the
    density at which each leaves, less birth), death (the highest density at which anything leaves it), and the highest
    death at or below it.
    """

def select(
    parent: Ints, birth: Floats, size: Ints, stability: Floats, leaf: bool, allow_single_cluster: bool, epsilon: float,
    max_cluster_size: float | None = ...,
) -> NDArray[np.bool_]:  # fmt: skip
    """The clusters taken, (m,): the leaves, or those of the largest total stability; none is below another of them,
    but where epsilon, a distance below which clusters are not parted, puts it there."""

def label(
    point_cluster: Ints, point_density: Floats, parent: Ints, death: Floats, selected: NDArray[np.bool_],
    allow_single_cluster: bool, epsilon: float,
) -> tuple[Ints, Floats, Ints]:  # fmt: skip
    """Labels (n,), -1 for noise; probabilities (n,), density at which a point leaves over the cluster's death; and the
    label of each cluster's points (m,)."""

def cut(left: Ints, right: Ints, value: Floats, size: Ints, distance: float, min_cluster_size: int) -> Ints:
    """Labels (n,) of the components that edges shorter than distance make; of smaller ones -1."""
