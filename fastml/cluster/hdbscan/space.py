"""Metrics that a kd-tree serves: points moved to where their distance is one of the four that have bounds by boxes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ALIASES = {"l2": "euclidean", "p": "minkowski", "l1": "manhattan", "cityblock": "manhattan", "infinity": "chebyshev"}
SAFE_BITS = 400  # numbers of up to 2^400 can be squared, and their squares be summed
RADIANS_AT_MOST = 2 * np.pi + 1e-6


@dataclass(frozen=True)
class Space:
    """How rows become points, and reduced distances the metric's.

    metric : as the user named it, of its names the first.  engine : "euclidean", "manhattan", "chebyshev", "minkowski"
    power : of Minkowski's metric.  weight : (d,) what columns are multiplied by, or (d, d), or None
    unit : what rows are divided by first, a power of 2, so that no square overflows or vanishes
    """

    metric: str
    engine: str
    power: float = 2.0
    weight: Any = None
    unit: float = 1.0

    @classmethod
    def of(cls, metric: Any, parameters: dict[str, Any], X: Floats) -> Space | None:
        """The space of these rows, or None for a metric without one. ValueError for parameters that make no sense."""
        name = ALIASES.get(metric, metric) if isinstance(metric, str) else None
        made = _made(name, parameters, X)
        if made is None or (name == "cosine" and not X.any(axis=1).all()):  # a row of zeros has no direction
            return None
        # Powers are between 2^-1000 and 2^1000 if what is raised is no larger than this.
        bits = min(SAFE_BITS, int(900 / made.power)) if made.engine == "minkowski" else SAFE_BITS
        largest = float(np.abs(X).max(initial=0.0)) if made.metric not in ("cosine", "haversine") else 0.0
        if made.weight is not None:
            largest *= max(1.0, float(np.abs(made.weight).max()))
        exponent = int(np.frexp(largest)[1])
        if largest > 0 and (exponent > bits or exponent < -bits):
            return cls(made.metric, made.engine, made.power, made.weight, float(np.ldexp(1.0, min(exponent, 1000))))
        return made

    def points(self, X: Floats) -> Floats:
        """Rows as points, C order; X itself where nothing is to be done."""
        if self.metric == "haversine":
            latitude, longitude = X[:, 0], X[:, 1]
            across = np.cos(latitude)
            return np.stack([across * np.cos(longitude), across * np.sin(longitude), np.sin(latitude)], axis=1)
        if self.metric == "cosine":
            X = X / np.abs(X).max(axis=1, keepdims=True)  # so that no square overflows
            return np.ascontiguousarray(X / np.sqrt((X * X).sum(axis=1, keepdims=True)))
        if self.unit != 1.0:
            X = X / self.unit
        if self.weight is not None:
            X = X @ self.weight if self.weight.ndim == 2 else X * self.weight
        return np.ascontiguousarray(X)

    def distance(self, reduced: Floats) -> Floats:
        """Reduced distances as the metric's own."""
        if self.metric == "haversine":
            return 2.0 * np.arcsin(np.minimum(np.sqrt(reduced) / 2.0, 1.0))
        if self.metric == "cosine":
            return reduced / 2.0
        if self.metric == "sqeuclidean":
            return reduced * self.unit * self.unit
        if self.engine == "euclidean":
            return np.sqrt(reduced) * self.unit
        return (reduced ** (1.0 / self.power) if self.engine == "minkowski" else reduced) * self.unit

    def scale(self, alpha: float) -> float | None:
        """What a reduced distance is multiplied by where the distance is divided by alpha; None: no one number."""
        if alpha == 1.0:
            return 1.0
        if self.metric == "haversine":
            return None
        exponent = {"euclidean": 2.0, "minkowski": self.power}.get(self.engine, 1.0)
        return alpha ** -(1.0 if self.metric in ("cosine", "sqeuclidean") else exponent)


def _made(name: str | None, parameters: dict[str, Any], X: Floats) -> Space | None:
    known = set(parameters)
    if name in ("euclidean", "manhattan", "chebyshev", "sqeuclidean", "cosine") and not known:
        return Space(name, name if name in ("manhattan", "chebyshev") else "euclidean")
    if name == "haversine" and not known:
        if X.shape[1] != 2:
            raise ValueError(
                f"metric='haversine' needs 2 columns, latitude and longitude in radians, and X has {X.shape[1]}"
            )
        if np.abs(X).max(initial=0.0) > RADIANS_AT_MOST:
            raise ValueError(
                f"metric='haversine' takes radians, and X has {np.abs(X).max():g}: convert degrees with np.radians(X)"
            )
        return Space(name, "euclidean")
    if name == "minkowski" and known <= {"p", "w"}:
        power = float(parameters.get("p", 2.0))
        weight = parameters.get("w")
        if not power >= 1.0:
            return None
        if weight is not None:
            weight = np.asarray(weight, np.float64)
            if weight.shape != (X.shape[1],) or not (weight >= 0).all() or not np.isfinite(weight).all():
                raise ValueError(f"metric_params={parameters!r}: w must have {X.shape[1]} numbers >= 0, one a column")
            weight = weight ** (1.0 / power) if power < np.inf else (weight > 0).astype(np.float64)
        engine = {1.0: "manhattan", 2.0: "euclidean", np.inf: "chebyshev"}.get(power, "minkowski")
        return Space(name, engine, power, weight)
    if name == "seuclidean" and known <= {"V"}:
        variance = np.asarray(parameters["V"], np.float64) if "V" in known else X.var(axis=0, ddof=1)
        if variance.shape != (X.shape[1],) or not (variance > 0).all():
            raise ValueError(f"metric='seuclidean' divides by the columns' variances, which must be > 0: V={variance}")
        return Space(name, "euclidean", weight=1.0 / np.sqrt(variance))
    return None
