"""What `metric`, `p` and `metric_params` say, in one record; which rows and which limit decide."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml._engines.block_clusters import KINDS

ALIASES = {"l2": "euclidean", "l1": "manhattan", "cityblock": "manhattan", "matching": "hamming"}
IN_ENGINES = {*KINDS, "cosine"}
LEAST_EPS, MOST = 1e-150, 1e150
"""Beyond these, squares leave the range of float64."""


@dataclass(frozen=True)
class Metric:
    """name : of IN_ENGINES, "precomputed", "own" or another of scikit-learn's; p : of "minkowski"; weight : (d,) of
    "minkowski" (or None) and "seuclidean", (d, d) of "mahalanobis"; compiled : the function of "own", at an address."""

    name: str
    p: float = 2.0
    weight: NDArray[np.float64] | None = None
    function: Callable[..., float] | None = None
    params: dict[str, Any] = field(default_factory=dict)
    compiled: Any = None

    @property
    def engine(self) -> Any:
        """As block_clusters takes it."""
        if self.name == "cosine":
            return "cosine"
        return KINDS[self.name], self.p, self.weight, 0 if self.compiled is None else self.compiled.address

    def reduced(self, eps: float) -> float:
        """What an engine compares its sums with."""
        if self.name in ("euclidean", "seuclidean", "mahalanobis"):
            return eps * eps
        if self.name == "minkowski":
            return float(np.float64(eps) ** self.p)
        return eps


def resolve_metric(metric: Any, p: float | None, metric_params: dict[str, Any] | None, X: Any) -> Metric:
    """The metric that scikit-learn would use for these parameters.

    Raises
    ------
    ValueError
        A `w` of another length or with negative numbers; parameters that the metric does not take.
    """
    params = dict(metric_params or {})
    if callable(metric):
        return Metric("own", function=metric, params=params)
    name = ALIASES.get(metric, metric)
    if name == "minkowski":
        return _minkowski(p, params, X.shape[1])
    if name == "seuclidean" and not hasattr(X, "tocsr"):
        variance = params.pop("V", None)
        variance = np.var(X, axis=0, ddof=1, dtype=np.float64) if variance is None else variance
        made = Metric(name, weight=_numbers("V", variance, X.shape[1]))
    elif name == "mahalanobis" and not hasattr(X, "tocsr"):
        made = Metric(name, weight=_inverse_covariance(params, X))
    else:
        return Metric(name, params=_none_but(name, params, () if name in {*IN_ENGINES, "precomputed"} else params))
    _none_but(name, params, ())
    return made


def _minkowski(p: float | None, params: dict[str, Any], n_features: int) -> Metric:
    if "p" in params and p is not None:
        warnings.warn(
            "Parameter p is found in metric_params. The corresponding parameter from __init__ is ignored.",
            SyntaxWarning,
            stacklevel=5,
        )
    power = params.pop("p", p)
    power = 2.0 if power is None else float(power)
    w = params.pop("w", None)
    _none_but("minkowski", params, ())
    if not power > 0:
        raise ValueError(f"p={power!r} must be > 0: it is the power of the Minkowski distance")
    if w is None:
        return Metric({1.0: "manhattan", 2.0: "euclidean", np.inf: "chebyshev"}.get(power, "minkowski"), power)
    w = _numbers("w", w, n_features)
    if not (w >= 0).all() or np.isinf(power):
        raise ValueError("metric_params['w'] must be numbers >= 0, and has no meaning with p=inf")
    return Metric("minkowski", power, w)


def _inverse_covariance(params: dict[str, Any], X: Any) -> NDArray[np.float64]:
    """VI, or the inverse of V, or that of the data."""
    d = X.shape[1]
    inverse, covariance = params.pop("VI", None), params.pop("V", None)
    if inverse is None:
        covariance = np.atleast_2d(np.cov(X.T)) if covariance is None else covariance
        inverse = np.linalg.inv(np.asarray(covariance, dtype=np.float64))
    return _numbers("VI", inverse, d * d, (d, d))


def _numbers(name: str, values: Any, size: int, shape: tuple[int, ...] | None = None) -> NDArray[np.float64]:
    array = np.ascontiguousarray(values, dtype=np.float64)
    if array.shape != (shape or (size,)) or not np.isfinite(array).all():
        raise ValueError(f"metric_params[{name!r}] must be finite, of shape {shape or (size,)}; it has {array.shape}")
    return array


def _none_but(name: str, params: dict[str, Any], allowed: Any) -> dict[str, Any]:
    strange = sorted(set(params) - set(allowed))
    if strange:
        raise ValueError(f"metric_params has {', '.join(strange)}, which metric={name!r} does not take")
    return params


def column_ranges(X: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Smallest and largest number of each column; one by one where rows are so short that NumPy would crawl."""
    if X.shape[1] > 8:
        return X.min(axis=0).astype(np.float64), X.max(axis=0).astype(np.float64)
    pairs = [(column.min(), column.max()) for column in X.T]
    low, high = np.array(pairs, dtype=np.float64).reshape(-1, 2).T
    return low, high


def check_range(metric: Metric, X: Any, eps: float) -> None:
    """ValueError where squares or powers would leave the range of float64, so that no distance could be told."""
    values = X.data if hasattr(X, "tocsr") else X
    if metric.name not in ("euclidean", "minkowski", "seuclidean", "mahalanobis", "sqeuclidean") or values.size == 0:
        return
    power = max(2.0, metric.p)
    largest = float(max(abs(float(values.min())), abs(float(values.max()))))
    most, least = MOST ** (2.0 / power), LEAST_EPS ** (2.0 / power)
    if largest > most:
        raise ValueError(
            f"X has values up to {largest:g}, whose squared distances overflow: multiply X and eps by {1 / largest:.0e}"
        )
    if eps < least:
        raise ValueError(f"eps={eps!r} is so small that its square vanishes: multiply X and eps by {1 / eps:.0e}")
