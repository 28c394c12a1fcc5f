"""Chooses the engine for the data and runs its steps in pieces, between which Ctrl-C is heard and progress told."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml._engines.block_clusters import BlockClusters
from fastml._engines.cell_clusters import CellClusters
from fastml.cluster.density.filter import Filter, coordinate_filter, euclidean_filter, no_filter
from fastml.cluster.density.metrics import Metric
from fastml.cluster.density.sphere import Sphere
from fastml.threads import effective_threads

CELL_COLUMNS = 3
PIECE_SECONDS = 0.3
Found = tuple[NDArray[np.intp], NDArray[np.bool_]]


class Progress:
    """Runs `step(first, last)` over n units; tells how far it is if asked to."""

    def __init__(self, verbose: bool | int = False) -> None:
        self.verbose = bool(verbose)
        self.began = time.perf_counter()

    def over(self, name: str, n: int, step: Callable[[int, int], Any], piece: int) -> None:
        """Pieces grow until one takes a third of a second; a KeyboardInterrupt comes through between two."""
        first = 0
        while first < n:
            last = min(first + piece, n)
            begin = time.perf_counter()
            step(first, last)
            took = time.perf_counter() - begin
            first = last
            if took < PIECE_SECONDS / 2:
                piece *= 2
            elif took > PIECE_SECONDS * 2:
                piece = max(1, piece // 2)
            if self.verbose:
                took = time.perf_counter() - self.began
                print(f"DBSCAN: {name} {100 * last // n}%, {took:.1f} s", flush=True)  # noqa: T201 - asked for


def cluster_cells(
    X: NDArray[np.float64], eps: float, min_samples: float, weight: NDArray[np.float64] | None, sphere: Sphere | None,
    n_threads: int, progress: Progress,
) -> Found:  # fmt: skip
    """By the cells of a grid; OverflowError where there would be too many."""
    if sphere is None:
        engine = CellClusters(X, eps, min_samples, weight, n_threads=n_threads)
    else:
        engine = CellClusters(
            sphere.points(n_threads), float(np.sqrt(sphere.sure_sq)), min_samples, weight, sphere.angles, sphere.limit,
            sphere.sure_sq, sphere.never_sq, n_threads=n_threads,
        )  # fmt: skip
    progress.over("core points", engine.n_cells, engine.find_cores, 1 << 19)
    engine.keep_cores()
    progress.over("clusters", engine.n_cells, engine.join_cells, 1 << 19)
    engine.number_clusters()
    progress.over("labels", engine.n_cells, engine.reach_borders, 1 << 19)
    return engine.results()


def cluster_blocks(engine: BlockClusters, progress: Progress) -> Found:
    """By the blocks of a kd-tree."""
    progress.over("core points", engine.n_blocks, engine.find_cores, 512)
    engine.keep_cores()
    engine.join_within(0, engine.n_blocks)
    progress.over("clusters", engine.n_blocks, engine.join_blocks, 512)
    engine.number_clusters()
    progress.over("labels", engine.n_blocks, engine.reach_borders, 512)
    return engine.results()


def cluster_rows(
    X: NDArray[Any], metric: Metric, eps: float, min_samples: float, weight: NDArray[np.float64] | None,
    n_jobs: int | None, progress: Progress, sphere: Sphere | None = None,
) -> Found:  # fmt: skip
    """Clusters of dense rows by a metric that the engines know, or by a function with an address.

    X : (n, d) float32 or float64, C order
    """
    n, d = X.shape
    n_threads = effective_threads(n_jobs, 30.0 * n * max(d, 4))
    if metric.name == "haversine" or (metric.name == "euclidean" and d <= CELL_COLUMNS):
        try:
            points = X if sphere is not None else X.astype(np.float64, copy=False)
            return cluster_cells(points, eps, min_samples, weight, sphere, n_threads, progress)
        except OverflowError:  # a grid so fine that the numbers of its cells do not fit a word
            pass
    rows, limit, screen = _decided_by(X, metric, eps, sphere)
    engine = BlockClusters(
        rows, screen.points, metric.engine, limit, min_samples, norm=screen.norm, sure=screen.sure, never=screen.never,
        sample_weight=weight, keeps=metric,
        n_threads=1 if getattr(metric.compiled, "is_interpreted", False) else n_threads,
    )  # fmt: skip
    del screen
    return cluster_blocks(engine, progress)


def _decided_by(
    X: NDArray[Any], metric: Metric, eps: float, sphere: Sphere | None
) -> tuple[NDArray[Any], float, Filter]:
    """The rows that decide, what their sum is compared with, and the filter before them."""
    limit = metric.reduced(eps)
    if metric.name == "euclidean":
        return X, limit, euclidean_filter(X, eps)
    if metric.name in ("manhattan", "chebyshev"):
        return X, limit, coordinate_filter(X, eps, metric.name)
    if metric.name == "minkowski" and metric.weight is None:
        return X, limit, coordinate_filter(X, eps, "chebyshev", exact_norm=False)
    if metric.name == "cosine":
        return _cosine(X, eps)
    if sphere is not None:
        near, far = np.sqrt(sphere.sure_sq), np.sqrt(sphere.never_sq)
        return sphere.angles, sphere.limit, euclidean_filter(sphere.points(), float(near), float(far))
    return X.astype(np.float64, copy=False), limit, no_filter(len(X))


def _cosine(X: NDArray[Any], eps: float) -> tuple[NDArray[np.float64], float, Filter]:
    """Rows of length 1, whose squared distance is twice the cosine distance; a row of zeros is at 1 from all others."""
    rows = X.astype(np.float64)
    length = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    if not length.all():
        length[length == 0] = 1.0
        return rows / length[:, None], eps, no_filter(len(X))
    rows /= length[:, None]
    slack = (X.shape[1] + 16) * 2.0**-50
    return rows, eps, euclidean_filter(rows, float(np.sqrt(max(2 * eps - slack, 0.0))), float(np.sqrt(2 * eps + slack)))
