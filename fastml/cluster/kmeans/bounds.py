"""Lloyd's algorithm by bounds: groups of centres, how far they have drifted, how far apart they are."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml._engines.lloyd_bounds import BoundedLloyd
from fastml.cluster.kmeans.points import Points

MOST_GROUPS = 64  # a bit and a byte of a row each
MOST_PAIRS = 512  # centres up to which all distances between them are kept
RANGE = 0.8  # what bounds tell apart above the own distance, as a share of the spread of the points
EARLY = (3, 5, 9, 17, 33)  # steps before which it is done in any case, since own distances have become shorter
AFRESH = 40  # quanta that half of the groups must have drifted for all bounds to be made again
DOT_LOSS = 1e-2  # of the squared spread that roundings of a dot product may take
SETTLE = 48  # quanta that groups may drift before bounds are brought up to date


class Bounds:
    """Elkan's bounds, or bounds for groups of centres where there are many."""

    def __init__(self, points: Points, n_clusters: int, n_threads: int) -> None:
        self._points, self._n_threads, self._k = points, n_threads, n_clusters
        self._rows: BoundedLloyd | None = None
        self._spread = _spread(points)
        self._quantum = self._spread * RANGE / 255

    def _begin(self, centres: NDArray[np.float64]) -> BoundedLloyd:
        self._groups = groups_of(centres)
        self._member = np.concatenate(self._groups).astype(np.int32)
        start = np.cumsum([0, *map(len, self._groups)]).astype(np.int32)
        self._start = start[:-1]
        self._rows = BoundedLloyd(self._points, start, self._member, self._quantum)
        self._drift, self._group_drift = np.zeros(self._k), np.zeros(len(self._groups))
        self._before, self._n_steps = centres, 0
        return self._rows

    def step(self, centres: NDArray[Any]) -> int:
        at = np.ascontiguousarray(centres, np.float64)
        rows = self._rows or self._begin(at)
        moves = at - self._before
        moved = np.sqrt(np.einsum("ij,ij->i", moves, moves)) * (1 + 1e-12)
        self._before = at
        self._drift += moved
        self._group_drift += np.maximum.reduceat(moved[self._member], self._start)
        units = self._units()
        afresh = bool(np.median(self._group_drift) > AFRESH * self._quantum)
        self._n_steps += 1
        if self._n_steps in EARLY or self._group_drift.max() > SETTLE * self._quantum:
            rows.settle(self._drift, self._group_drift, units, self._n_threads)
            self._drift[:], self._group_drift[:], units[:] = 0, 0, 0
        fast, off, relative = _fast(at, self._points)
        half, nearest = self._between(at)
        return rows.step(
            at, fast, off, relative, self._drift, self._group_drift, units, nearest, half, self._squares(fast),
            afresh, self._n_threads,
        )  # fmt: skip

    def _squares(self, fast: NDArray[Any]) -> NDArray[np.float64] | None:
        """Squared norms of centres, where distances may come from dot products: of float32 not far from the origin."""
        d = fast.shape[1]
        if fast.dtype != np.float32:
            return None
        reach = float(np.abs(self._points.offset).max()) + 1 / self._points.unit
        if (d / 16 + 12) * 6e-8 * 4 * d * reach * reach > DOT_LOSS * self._spread**2:
            return None
        wide = fast.astype(np.float64)
        return np.einsum("ij,ij->i", wide, wide)

    def _units(self) -> NDArray[np.uint8]:
        units = np.zeros(self._rows.stride, np.uint8)  # type: ignore[union-attr]
        needed = np.ceil(self._group_drift / self._quantum * (1 + 1e-9))
        units[: len(needed)] = np.minimum(needed, 255)
        return units

    def _between(self, centres: NDArray[np.float64]) -> tuple[NDArray[np.float32] | None, NDArray[np.float32]]:
        """Half of the distances between centres, rounded down, and of each centre the least; or nothing."""
        if self._k > MOST_PAIRS:
            return None, np.zeros(self._k, np.float32)
        own = centres - self._points.offset
        sq = np.einsum("ij,ij->i", own, own)
        apart = sq[:, None] + sq - 2 * (own @ own.T)
        apart -= 1e-12 * (sq[:, None] + sq)  # what the difference of large numbers may be off by
        half = (np.sqrt(np.maximum(apart, 0)) * (0.5 * (1 - 1e-6))).astype(np.float32)
        np.fill_diagonal(half, np.inf)
        return half, half.min(axis=1)

    @property
    def sums(self) -> NDArray[np.int64]:
        return self._rows.sums  # type: ignore[union-attr]

    def labels(self, centres: NDArray[Any]) -> NDArray[np.int32]:
        return self._rows.labels  # type: ignore[union-attr]

    def final_labels(self, centres: NDArray[Any]) -> NDArray[np.int32]:
        """A step with these centres, of which only the labels are wanted."""
        self.step(centres)
        return self._rows.labels  # type: ignore[union-attr]


def groups_of(centres: NDArray[np.float64]) -> list[NDArray[np.intp]]:
    """At most 64 groups of centres near to each other: each one, or halves of halves along the widest column."""
    k = len(centres)
    if k <= MOST_GROUPS:
        return [np.array([c]) for c in range(k)]
    groups = [np.arange(k)]
    while len(groups) < MOST_GROUPS:
        halves = []
        for group in groups:
            widest = int(np.argmax(np.ptp(centres[group], axis=0)))
            order = group[np.argsort(centres[group, widest], kind="stable")]
            halves += [order[: len(order) // 2], order[len(order) // 2 :]]
        groups = halves
    return groups


def _spread(points: Points) -> float:
    """About how far rows are from each other's middle; it says how coarse bounds are, and no result depends on it."""
    rows = points.X[:: max(1, len(points.X) // 256)].astype(np.float64)
    spread = float(np.sqrt(rows.var(axis=0).sum()))
    return spread if spread > 0 else 1.0


def _fast(centres: NDArray[np.float64], points: Points) -> tuple[NDArray[Any], NDArray[np.float64], float]:
    """Centres in X's type, how far these are from them, and the share that a distance to them may be off by."""
    k, d = centres.shape
    if points.X.dtype == np.uint8:
        fast = np.rint(np.clip(centres, 0, 255)).astype(np.uint8)
        apart = centres - fast
        return fast, np.sqrt(np.einsum("ij,ij->i", apart, apart)) * (1 + 1e-9), 1e-12
    roundings = d / 16 + 24
    if points.X.dtype == np.float32:
        fast = centres.astype(np.float32)
        apart = centres - fast
        lost = np.sqrt(np.einsum("ij,ij->i", apart, apart)) * (1 + 1e-9) + np.sqrt(d) * 1e-18  # squares near 0 vanish
        return fast, lost, roundings * 2.0**-24
    return centres, np.full(k, np.sqrt(d) * 1e-150), 4 * roundings * 2.0**-53
