"""How many bytes a fit will take, said before it begins."""

from __future__ import annotations

from fastml.cluster.density.metrics import Metric
from fastml.cluster.density.rows import SLAB

SCREENED = ("euclidean", "manhattan", "chebyshev", "minkowski", "cosine")


def bytes_needed(n_samples: int, n_features: int, metric: Metric, *, by_slabs: bool, is_double: bool) -> int:
    """Over the data, at the most; not counting `components_`, a copy of the core points."""
    if by_slabs:
        return n_samples * 40 + 3 * 8 * max(SLAB, n_samples)
    if metric.name == "haversine":
        return n_samples * (16 + 24 + 24 + 60)
    if metric.name == "euclidean" and n_features <= 3:
        return n_samples * ((0 if is_double else 8 * n_features) + 16 * n_features + 52)
    copies = 8 if metric.name == "cosine" or not (is_double or metric.name in SCREENED) else 0
    screen = 8 if metric.name in SCREENED and metric.weight is None else 0
    return n_samples * ((copies + screen) * n_features + 60) + 5_000_000


def check_memory(needed: int, max_memory: float | None, *, by_slabs: bool) -> None:
    """Raise MemoryError where a fit would take more than max_memory bytes."""
    if max_memory is not None and needed > max_memory:
        remedy = (
            "fit a sample and predict the others" if by_slabs
            else "fit a sample and predict the others, or keep fewer columns"
        )  # fmt: skip
        raise MemoryError(
            f"DBSCAN would take {needed:,} bytes over the data, more than max_memory={max_memory:,.0f}: {remedy}"
        )
