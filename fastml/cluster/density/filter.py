"""float32 coordinates in which most pairs are decided, and the two distances between which they are not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml.cluster.density.metrics import column_ranges

ROTATE_FROM = 8
"""Features from which principal axes come first: few coordinates then tell that a pair is far apart."""
ROTATE_TO = 1024
"""Features above which finding the axes (d^3) costs more than it saves."""
SAMPLED = 8192
CHUNK = 1 << 18
"""Numbers of float64 on the way to the filter at once."""
UNIT = 2.0**-24
"""Half a unit in the last place of float32, relative."""


@dataclass(frozen=True)
class Filter:
    """points : (n, d') float32; a pair at a distance (squared, where norm is "euclidean") of at most `sure` is within
    eps, one beyond `never` is not."""

    points: NDArray[np.float32]
    norm: str
    sure: float
    never: float


def no_filter(n_samples: int) -> Filter:
    """Where nothing is known before the rows themselves are looked at."""
    return Filter(np.empty((n_samples, 0), np.float32), "euclidean", -1.0, 0.0)


def euclidean_filter(X: NDArray[Any], eps: float, far: float | None = None) -> Filter:
    """X (n, d), centred, turned to its principal axes and scaled by a power of 2 into the unit ball.

    A rounded point is 2^-24 off at most, so a distance is off by a = 2^-23, and the sum of d squares by a relative
    b = (d + 32) 2^-24. Few columns of whole numbers whose squares add up to less than 2^24 are taken as they are, and
    nothing rounds; where there are more, the axes save more than ties at eps cost.

    far : where it is not a distance that decides, but one that is within for sure up to eps and not beyond far
    """
    n, d = X.shape
    low, high = column_ranges(X)
    small = float(((high - low) ** 2).sum()) < 2.0**24 and float(np.abs([low, high]).max()) < 2.0**24
    if far is None and d < ROTATE_FROM and small and _whole(X):
        limit = float(min(np.floor(eps * eps), 2.0**24))
        order = np.argsort(low - high, kind="stable")
        return Filter(np.ascontiguousarray(X[:, order], dtype=np.float32), "euclidean", limit, limit)
    sample = X[:: -(-n // SAMPLED)].astype(np.float64)
    centre = sample.mean(axis=0)
    sample -= centre
    axes: NDArray[Any]
    if ROTATE_FROM <= d <= ROTATE_TO and len(sample) >= 4 * d:
        size = max(float(np.abs(sample).max()), np.finfo(float).tiny)
        axes = np.linalg.eigh((sample / size).T @ (sample / size))[1][:, ::-1]
    else:
        axes = np.argsort(-sample.var(axis=0), kind="stable")
    radius = float(np.sqrt(np.maximum((low - centre) ** 2, (high - centre) ** 2).sum()))  # no point is farther away
    scale = _scale(radius)
    points = np.empty((n, d), np.float32)
    step = max(1, CHUNK // d)
    for begin in range(0, n, step):
        part = (X[begin : begin + step] - centre) * scale
        points[begin : begin + step] = part @ axes if axes.ndim == 2 else part[:, axes]
    off = 2 * UNIT * 1.01 + d * 2.0**-48
    sure, never = _margins(eps * scale, (eps if far is None else far) * scale, off, (d + 32) * UNIT)
    return Filter(points, "euclidean", sure, never)


def coordinate_filter(X: NDArray[Any], eps: float, norm: str, *, exact_norm: bool = True) -> Filter:
    """X (n, d), centred and scaled; sums of absolute differences ("manhattan") or the largest one ("chebyshev").

    exact_norm : False where the norm is only a lower bound of the metric, so that no pair is sure.
    """
    n, d = X.shape
    low, high = column_ranges(X)
    centre = low / 2 + high / 2
    reach = np.maximum(high - centre, centre - low)
    radius = float(reach.sum() if norm == "manhattan" else reach.max())
    scale = _scale(radius)
    order = np.argsort(-reach, kind="stable")
    points = np.empty((n, d), np.float32)
    step = max(1, CHUNK // d)
    for begin in range(0, n, step):
        points[begin : begin + step] = ((X[begin : begin + step] - centre) * scale)[:, order]
    sure, never = _margins(eps * scale, eps * scale, 2 * UNIT * 1.01 + d * 2.0**-48, (d + 32) * UNIT, squared=False)
    return Filter(points, norm, sure if exact_norm else -1.0, never)


def _scale(radius: float) -> float:
    """The power of 2 that brings a radius to at most 1."""
    return float(2.0 ** min(-np.ceil(np.log2(radius)), 1000.0)) if radius > 0 else 1.0


def _whole(X: NDArray[Any]) -> bool:
    """Whether all numbers are whole; a few rows are asked first."""
    if X.dtype.kind in "iu":
        return True
    if not bool((np.rint(X[:64]) == X[:64]).all()):
        return False
    return all(bool((np.rint(part) == part).all()) for part in np.array_split(X, max(1, X.size // (1 << 20))))


def _margins(near: float, far: float, off: float, relative: float, *, squared: bool = True) -> tuple[float, float]:
    """The largest filter distance that is surely within eps, and the smallest beyond which none is; as float32."""
    grown = 1.0 + relative
    near, far = max(near * (1.0 - relative) - off, 0.0), far * (1.0 + relative) + off
    sure, never = (near * near / grown, far * far * grown) if squared else (near / grown, far * grown)
    with np.errstate(over="ignore"):
        low = np.nextafter(np.float32(sure), np.float32(-1.0)) if near > 0 else np.float32(-1.0)
        high = np.nextafter(np.float32(never), np.float32(np.inf))
    return float(low), float(high)
