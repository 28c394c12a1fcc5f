"""k-means with limits on the sizes of clusters: assignment by minimum-cost flow in place of the nearest centre."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml._engines.sized_assignment import SizedAssignment
from fastml.cluster.kmeans.batches import cluster_sums
from fastml.cluster.kmeans.lloyd import LloydResult, Step, all_squared, inertia_of
from fastml.cluster.kmeans.means import on_sphere
from fastml.cluster.kmeans.points import float_type
from fastml.ensemble.rounds import Rounds

MUCH = 4 << 30  # bytes beyond which memory is announced
BYTES_OF_A_COST = 24  # distances, their product with the weight while it is made, heaps


def check_sizes(n_samples: int, n_clusters: int, min_size: int | None, max_size: int | None) -> tuple[int, int]:
    """The limits as numbers; ValueError where n_samples rows cannot meet them."""
    least = 0 if min_size is None else int(min_size)
    most = n_samples if max_size is None else int(max_size)
    if least > most:
        raise ValueError(f"min_size={min_size} is above max_size={max_size}: no cluster can meet both.")
    if least * n_clusters > n_samples:
        raise ValueError(
            f"min_size={min_size} cannot be met: {n_clusters} clusters need {least * n_clusters} rows and X has "
            f"{n_samples}. min_size={n_samples // n_clusters} can, or fewer clusters."
        )
    if most * n_clusters < n_samples:
        raise ValueError(
            f"max_size={max_size} cannot be met: {n_clusters} clusters hold {most * n_clusters} rows and X has "
            f"{n_samples}. max_size={-(-n_samples // n_clusters)} can, or more clusters."
        )
    n_bytes = BYTES_OF_A_COST * n_samples * n_clusters
    if n_bytes > MUCH:
        warnings.warn(
            f"Limits on sizes need {n_bytes / (1 << 30):.1f} GiB: {BYTES_OF_A_COST} bytes for each row and cluster.",
            ResourceWarning,
            stacklevel=4,
        )
    return least, most


def assign_sized(
    X: Any,
    centres: NDArray[Any],
    min_size: int | None = None,
    max_size: int | None = None,
    sample_weight: NDArray[np.float64] | None = None,
    n_threads: int = 1,
) -> NDArray[np.int32]:
    r"""Labels that minimise :math:`\sum_i w_i |x_i - \mu_{c(i)}|^2` with min_size to max_size rows in each cluster.

    Parameters
    ----------
    X : (n, d) float32, float64 or uint8 array in C order, or CSR
    centres : (k, d)
    min_size, max_size : int or None
        Numbers of rows: a row counts as one whatever its weight.
    sample_weight : (n,) float64, or None
    n_threads : int
        For the distances.

    Returns
    -------
    (n,) int32

    Notes
    -----
    Exact. From the nearest centres, each row too many moves along the cheapest path through the clusters: O(n k log n)
    to begin with, O(k^2 + p k log n) for a path that passes p clusters. 24 bytes for each row and cluster.
    """
    least, most = check_sizes(X.shape[0], len(centres), min_size, max_size)
    costs = all_squared(X, centres, n_threads)
    if sample_weight is not None:
        costs *= sample_weight[:, None]
    assignment = SizedAssignment(costs, least, most)
    assignment.run()
    return assignment.labels


def run_sized(
    X: Any,
    sample_weight: NDArray[np.float64] | None,
    centres: NDArray[Any],
    *,
    min_size: int | None,
    max_size: int | None,
    max_iter: int = 300,
    tol: float = 0.0,
    n_threads: int = 1,
    metric: str = "euclidean",
    loop: Rounds | None = None,
    watch: Callable[[Step], None] | None = None,
) -> LloydResult:
    """`run_lloyd` with limits on sizes; a cluster without weight keeps its centre."""
    at = np.ascontiguousarray(centres, float_type(X))
    if loop is None:
        loop = Rounds(max_iter)
    labels: NDArray[np.int32] | None = None
    converged, shift, n_iter = None, np.inf, 0
    with loop:
        for step in loop:
            found = assign_sized(X, at, min_size, max_size, sample_weight, n_threads)
            moved = labels is None or not np.array_equal(found, labels)
            labels, before, n_iter = found, at, step + 1
            sums, weight = cluster_sums(X, labels, sample_weight, len(at))
            means = at.astype(np.float64)
            means[weight > 0] = sums[weight > 0] / weight[weight > 0, None]
            at = (on_sphere(means) if metric == "cosine" else means).astype(before.dtype)
            shift = float(np.sum((at.astype(np.float64) - before) ** 2))
            converged = "labels" if not moved else "tol" if shift <= tol else None
            if watch is not None:
                own = partial(np.asarray, labels)
                watch(Step(step, at, shift, converged, own, partial(inertia_of, X, labels, at, sample_weight)))
            if converged:
                loop.stop("converged")
    if converged != "labels":  # labels of the last centres, as without limits
        labels = assign_sized(X, at, min_size, max_size, sample_weight, n_threads)
    assert labels is not None  # noqa: S101 - of one step at least
    return LloydResult(labels, at, inertia_of(X, labels, at, sample_weight, n_threads), n_iter, converged, shift)
