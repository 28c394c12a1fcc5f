"""Lloyd's algorithm from given centres: assign each point to its nearest centre, move centres to means, repeat."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from fastml._engines.lloyd import inertia, nearest, squared_distances
from fastml.cluster.kmeans.engines import Engine, open_engine
from fastml.cluster.kmeans.means import new_centres
from fastml.cluster.kmeans.points import Centres, Points, float_type
from fastml.cluster.kmeans.sparse_points import SparsePoints, sparse_nearest, sparse_squared_distances
from fastml.ensemble.rounds import Rounds


@dataclass(frozen=True)
class LloydResult:
    """Where Lloyd's algorithm ended.

    labels : (n,) int32, nearest of `centres`; ties go to the lowest number.
    centres : (k, d), of X's dtype (float64 for bytes).
    inertia : weighted sum of squared distances to the own centre, summed in float64.
    n_iter : steps done.
    converged : no point moved in the last step ("labels"), the centres moved by no more than tol ("tol"), or None.
    shift : squared distances by which the centres moved in the last step, added up.
    """

    labels: NDArray[np.int32]
    centres: NDArray[Any]
    inertia: float
    n_iter: int
    converged: str | None
    shift: float


@dataclass(frozen=True)
class Step:
    """What a step left, for who watches the loop; labels and inertia are computed when asked for."""

    number: int
    centres: NDArray[Any]
    shift: float
    converged: str | None
    labels: Callable[[], NDArray[np.int32]]
    inertia: Callable[[], float]


def run_lloyd(
    X: Any,
    sample_weight: NDArray[np.float64] | None,
    centres: NDArray[Any],
    *,
    max_iter: int = 300,
    tol: float = 0.0,
    n_threads: int = 1,
    algorithm: str = "auto",
    metric: str = "euclidean",
    points: Points | SparsePoints | None = None,
    loop: Rounds | None = None,
    watch: Callable[[Step], None] | None = None,
) -> LloydResult:
    """Lloyd's algorithm from the given centres.

    Parameters
    ----------
    X : (n, d) float32, float64 or uint8 array in C order, or CSR (float32, float64; indices int32 or int64)
        Finite numbers.
    sample_weight : (n,) float64, or None
    centres : (k, d)
        The start; not changed.
    max_iter : int
    tol : float
        Ends when the squared distances by which the centres moved add up to no more than this.
    n_threads : int
        The result does not depend on it.
    algorithm : str
        An engine of `fastml.cluster.kmeans.engines`, or "auto". The result does not depend on it.
    metric : "euclidean" or "cosine"
        cosine: rows of X have length 1, and centres are brought back to length 1 after each step.
    points : Points or SparsePoints, optional
        Of X, its weights and these centres, where the caller has them.
    loop : Rounds, optional
        Of max_iter rounds; whoever listens to it can end it.
    watch : callable, optional
        Called after each step.
    """
    at = np.ascontiguousarray(centres, float_type(X))
    if points is None:
        points = points_of(X, sample_weight, n_threads)
    points = points.holding(at)
    engine = open_engine(points, len(at), max_iter, algorithm, n_threads)
    if loop is None:
        loop = Rounds(max_iter)
    converged, shift, n_iter = None, np.inf, 0
    with loop:
        for step in loop:
            moved = engine.step(at)
            before, n_iter = at, step + 1
            far_rows = partial(_far_rows, points, engine, before, n_threads)
            at = new_centres(points, engine.sums, far_rows, metric).astype(before.dtype)
            moves = at.astype(np.float64) - before
            shift = float(np.einsum("ij,ij->", moves, moves))
            converged = "labels" if not moved else "tol" if shift <= tol else None
            if watch is not None:
                labels = partial(engine.labels, before)
                watch(Step(step, at, shift, converged, labels, partial(_inertia_now, points, labels, at, n_threads)))
            if converged:
                loop.stop("converged")
    labels_out = engine.labels(before) if converged == "labels" else engine.final_labels(at)
    value = inertia_of(X, labels_out, at, sample_weight, n_threads)
    return LloydResult(labels_out, at, value, n_iter, converged, shift)


def _inertia_now(points: Any, labels: Callable[[], NDArray[np.int32]], centres: NDArray[Any], n_threads: int) -> float:
    return inertia_of(points.X, labels(), centres, points.weight, n_threads)


def points_of(
    X: Any, weight: NDArray[np.float64] | None = None, n_threads: int = 1, squares: bool = False
) -> Points | SparsePoints:
    """X as the engines read it; ValueError where it is not finite."""
    if sp.issparse(X):
        return SparsePoints.of(X, weight, squares)
    return Points.of(X, weight, n_threads, squares)


def assign(X: Any, centres: NDArray[Any], n_threads: int = 1) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """The nearest centre of each row, ties to the lowest number, and the squared distance to it."""
    labels = nearest_centres(X, centres, n_threads)
    return labels, squared(X, labels, centres, n_threads)


def nearest_centres(X: Any, centres: NDArray[Any], n_threads: int = 1) -> NDArray[np.int32]:
    """The nearest centre of each row, ties to the lowest number."""
    if sp.issparse(X):
        return sparse_nearest(X, centres, n_threads)
    points = Points.of(X, None, n_threads).holding(centres)
    return nearest(points, Centres(centres, points), n_threads)


def squared(X: Any, labels: NDArray[np.int32], centres: NDArray[Any], n_threads: int = 1) -> NDArray[np.float64]:
    """(n,) float64 squared distances of rows to the centres of their labels."""
    if sp.issparse(X):
        return sparse_squared_distances(X, labels, centres, n_threads)
    return squared_distances(X, labels, np.ascontiguousarray(centres, np.float64), n_threads)


def all_squared(X: Any, centres: NDArray[Any], n_threads: int = 1) -> NDArray[np.float64]:
    """(n, k) float64 squared distances of rows to all centres."""
    out = np.empty((X.shape[0], len(centres)))
    for c in range(len(centres)):
        out[:, c] = squared(X, np.full(X.shape[0], c, np.int32), centres, n_threads)
    return out


def inertia_of(
    X: Any, labels: NDArray[np.int32], centres: NDArray[Any], weight: NDArray[np.float64] | None, n_threads: int = 1
) -> float:
    """Weighted sum of squared distances of rows to the centres of their labels."""
    if sp.issparse(X):
        sq = sparse_squared_distances(X, labels, centres, n_threads)
        return float(np.add.accumulate(sq if weight is None else sq * weight)[-1])
    return inertia(X, labels, np.ascontiguousarray(centres, np.float64), weight, n_threads)


def _far_rows(
    points: Any, engine: Engine, centres: NDArray[Any], n_threads: int, count: int
) -> tuple[NDArray[Any], NDArray[np.int32]]:
    """Rows of weight farthest from their centres, farthest first, ties by row; none where all lie on their centres."""
    labels = engine.labels(centres)
    sq = squared(points.X, labels, centres, n_threads)
    if points.weight is not None:
        sq[points.weight == 0] = 0.0
    count = min(count, int(np.count_nonzero(sq)))
    if not count:
        return np.empty(0, np.intp), np.empty(0, np.int32)
    rows = np.flatnonzero(sq >= np.partition(sq, len(sq) - count)[len(sq) - count])
    rows = rows[np.argsort(-sq[rows], kind="stable")][:count]
    return rows, labels[rows]
