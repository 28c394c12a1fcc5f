"""Places on a globe: found by their chords in a kd-tree, decided by the haversine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml._engines import kd_neighbors
from fastml._engines.ball_tree import BallTree, arcs_within, nearest_arcs
from fastml._engines.cell_clusters import unit_vectors
from fastml._engines.kd_tree import KdTree

EUCLIDEAN = (0, 2.0, None, 0)
SPARE = 8  # candidates by chord beyond k: with fewer, ties at the end leave more queries unsettled
ROUNDING = 4e-15  # a chord may be off by that, in radii of the globe


class Globe:
    """A kd-tree over places on the unit sphere.

    A chord is 2 sin(angle / 2): it orders places as the angle does, but for the last bits. Where these matter, the
    haversine decides, and `exact()` answers the queries that candidates do not settle.

    angles : (n, 2) float64 latitudes and longitudes in radians
    exact : () -> BallTree engine of the same places
    """

    def __init__(
        self, angles: NDArray[Any], leaf_size: int, exact: Callable[[], BallTree], threads: int
    ) -> None:
        self.angles = np.ascontiguousarray(angles, np.float64)
        self.kd = KdTree(unit_vectors(self.angles, threads), leaf_size, threads)
        self._exact = exact

    def nearest(
        self, asked: NDArray[np.float64], itself: bool, k: int, threads: int
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """(angles, rows) of the k nearest, (m, k); at equal angles the lowest rows."""
        places = None if itself else unit_vectors(asked, threads)
        chords, rows = kd_neighbors.nearest(self.kd, EUCLIDEAN, places, min(k + SPARE, len(self.angles)), threads)
        distance, settled = nearest_arcs(self.angles, asked, chords, rows, k, threads)
        distance, rows = np.ascontiguousarray(distance), np.ascontiguousarray(rows[:, :k])
        open_ = np.flatnonzero(settled == 0)
        if len(open_):
            distance[open_], rows[open_] = self._exact().nearest(asked[open_], k, threads)
        return distance, rows

    def count_within(self, asked: NDArray[np.float64], itself: bool, radius: Any, threads: int) -> NDArray[np.int64]:
        """How many places are within the angle, (m,)."""
        places = None if itself else unit_vectors(asked, threads)
        chord = 2.0 * np.sin(0.5 * np.minimum(radius, np.pi))
        most, least = (
            kd_neighbors.count_within(self.kd, EUCLIDEAN, places, limit, threads)
            for limit in (chord * (1 + ROUNDING) + ROUNDING, np.maximum(chord * (1 - ROUNDING) - ROUNDING, 0.0))
        )
        open_ = np.flatnonzero(most != least)
        if len(open_):
            own = np.broadcast_to(np.asarray(radius).reshape(-1), len(asked))[open_]
            most[open_] = self._exact().count_within(asked[open_], own, threads)
        return most

    def list_within(
        self, asked: NDArray[np.float64], itself: bool, radius: Any, threads: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """(start, rows, angles) of the places within the angle."""
        places = None if itself else unit_vectors(asked, threads)
        chord = 2.0 * np.sin(0.5 * np.minimum(radius, np.pi))
        start, rows, _ = kd_neighbors.list_within(
            self.kd, EUCLIDEAN, places, chord * (1 + ROUNDING) + ROUNDING, False, threads
        )
        radii = np.ascontiguousarray(np.broadcast_to(np.asarray(radius, np.float64).reshape(-1), len(asked)))
        distance, inside = arcs_within(self.angles, asked, radii, start, rows, threads)
        if inside.all():
            return start, rows, distance
        kept = np.concatenate([[0], np.cumsum(inside, dtype=np.int64)])
        inside = inside.astype(bool)
        return kept[start], rows[inside], distance[inside]
