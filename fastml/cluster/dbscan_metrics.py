"""What `metric`, `p` and `metric_params` say, in one record; which rows and which limit decide."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

ALIASES = {"l2": "euclidean", "l1": "manhattan", "cityblock": "manhattan", "matching": "hamming", "infinity": "chebyshev"}
IN_ENGINES = ("euclidean", "manhattan", "chebyshev", "minkowski", "cosine", "hamming", "haversine")
LEAST_EPS, MOST = 1e-150, 1e150
"""Beyond these, squares leave the range of float64."""


@dataclass(frozen=True)
class Metric:
    """name : as IN_ENGINES, "precomputed", "function" or another of scikit-learn's; p, w : of "minkowski"."""

    name: str
    p: float = 2.0
    w: NDArray[np.float64] | None = None
    function: Callable[..., float] | None = None
    params: dict[str, Any] = field(default_factory=dict)


def resolve_metric(metric: Any, p: float | None, metric_params: dict[str, Any] | None, n_features: int) -> Metric:
    """The metric that scikit-learn would use for these parameters.

    Raises
    ------
    ValueError
        A `w` of another length or with negative numbers; parameters that the metric does not take.
    """
    params = dict(metric_params or {})
    if callable(metric):
        return Metric("function", function=metric, params=params)
    name = ALIASES.get(metric, metric)
    if name == "minkowski":
        if "p" in params and p is not None:
            warnings.warn(
                "Parameter p is found in metric_params. The corresponding parameter from __init__ is ignored.",
                SyntaxWarning,
                stacklevel=4,
            )
        power = params.pop("p", p)
        power = 2.0 if power is None else float(power)
        w = params.pop("w", None)
        if not power > 0:
            raise ValueError(f"p={power!r} must be > 0: it is the power of the Minkowski distance")
        if w is not None:
            w = np.ascontiguousarray(w, dtype=np.float64)
            if w.shape != (n_features,) or not (w >= 0).all() or not np.isfinite(w).all():
                raise ValueError(f"metric_params['w'] must be {n_features} numbers >= 0, one for each feature")
            if np.isinf(power):
                raise ValueError("metric_params['w'] has no meaning with p=inf: leave it out, or scale the columns")
            chosen = Metric("minkowski", power, w)
        else:
            chosen = Metric({1.0: "manhattan", 2.0: "euclidean", np.inf: "chebyshev"}.get(power, "minkowski"), power)
        name = chosen.name
    else:
        chosen = Metric(name, params=params)
    if name in (*IN_ENGINES, "precomputed") and params:
        raise ValueError(f"metric_params={params!r}: metric={metric!r} takes no such parameter")
    return chosen


def check_range(metric: Metric, X: Any, eps: float) -> None:
    """ValueError where squares or powers would leave the range of float64, so that no distance could be told."""
    values = X.data if hasattr(X, "tocsr") else X
    if metric.name not in ("euclidean", "minkowski", "sqeuclidean") or values.size == 0:
        return
    power = max(2.0, metric.p if metric.name == "minkowski" else 2.0)
    largest = float(max(abs(float(values.min())), abs(float(values.max()))))
    most, least = MOST ** (2.0 / power), LEAST_EPS ** (2.0 / power)
    if largest > most:
        raise ValueError(
            f"X has values up to {largest:g}, whose squared distances overflow: multiply X and eps by {1 / largest:.0e}"
        )
    if eps < least:
        raise ValueError(f"eps={eps!r} is so small that its square vanishes: multiply X and eps by {1 / eps:.0e}")
