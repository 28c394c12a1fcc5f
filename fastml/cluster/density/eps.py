"""suggest_eps: the distance to the min_samples-th nearest point, in order, and where that curve bends."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml.cluster.density.metrics import resolve_metric
from fastml.cluster.density.sphere import UNITS, angles_of
from fastml.neighbors.metrics import EARTH


@dataclass(frozen=True)
class EpsSuggestion:
    """What `suggest_eps` found; `float(suggestion)` is eps, `fastml.plotting.plot_k_distances` draws it.

    eps : the distance at the knee
    distances : (n_asked,) ascending, from the rows asked to their min_samples-th nearest, themselves included
    knee : place of eps among the distances
    min_samples : as given
    """

    eps: float
    distances: NDArray[np.float64]
    knee: int
    min_samples: int

    def __float__(self) -> float:
        return self.eps


def suggest_eps(
    X: Any,
    min_samples: int = 5,
    *,
    metric: Any = "euclidean",
    metric_params: dict[str, Any] | None = None,
    p: float | None = None,
    units: str = "radians",
    max_rows: int = 20_000,
    random_state: Any = 0,
    n_jobs: int | None = None,
) -> EpsSuggestion:
    """An eps for DBSCAN, read off the data: at the knee of the sorted distances to the min_samples-th nearest point.

    Points of clusters lie before the knee, where the curve is flat, noise behind it. The knee is the point of the curve
    that lies farthest below the straight line between its ends, both axes scaled to 1 (Satopaa et al. 2011). With that
    eps, the rows before the knee are core. A curve without a bend has no good eps: look at
    `fastml.plotting.plot_k_distances`.

    Parameters
    ----------
    X : (n_samples, n_features)
    min_samples : int, default=5
        As DBSCAN's: the point itself is the first one.
    metric, metric_params, p, units :
        As DBSCAN's.
    max_rows : int, default=20_000
        Rows that are asked for their neighbours among all, drawn by random_state.
    random_state : int, RandomState or None
    n_jobs : int, optional

    Returns
    -------
    EpsSuggestion

    Raises
    ------
    ValueError
        min_samples above the number of rows, or the same distance for all rows.

    Examples
    --------
    >>> import numpy as np
    >>> from fastml.cluster import suggest_eps
    >>> rng = np.random.default_rng(0)
    >>> X = np.concatenate([rng.normal(0, 1, (500, 2)), rng.normal(9, 1, (500, 2)), rng.uniform(-20, 20, (40, 2))])
    >>> 0.2 < float(suggest_eps(X, 5)) < 1.5
    True
    """
    from sklearn.utils import check_array, check_random_state

    from fastml.neighbors import NearestNeighbors

    X = check_array(X, accept_sparse="csr")
    n = X.shape[0]
    if isinstance(min_samples, bool) or not isinstance(min_samples, Integral) or not 2 <= min_samples <= n:
        raise ValueError(
            f"min_samples={min_samples!r} must be from 2 to the {n} rows: the first neighbour of a point "
            "is itself"
        )
    if units not in UNITS:
        raise ValueError(f"units={units!r} must be one of {', '.join(UNITS)}")
    chosen = resolve_metric(metric, p, metric_params, X)
    scale, name, params = 1.0, chosen.name, dict(chosen.params)
    if name == "haversine":
        X, scale = angles_of(X, units), EARTH.get(units, 180 / np.pi if units == "degrees" else 1.0)
    if name == "own":
        name = chosen.function
    elif chosen.weight is not None:
        params[{"minkowski": "w", "seuclidean": "V", "mahalanobis": "VI"}[name]] = chosen.weight
    asked = np.arange(n)
    if n > max_rows:
        asked = np.sort(check_random_state(random_state).choice(n, max_rows, replace=False))
    index = NearestNeighbors(
        n_neighbors=int(min_samples), metric=name, metric_params=params or None, p=chosen.p, n_jobs=n_jobs
    ).fit(X)
    distances = np.sort(index.kneighbors(X[asked])[0][:, -1].astype(np.float64)) * scale
    knee = _knee(distances)
    return EpsSuggestion(float(distances[knee]), distances, knee, int(min_samples))


def _knee(curve: NDArray[np.float64]) -> int:
    """Where an ascending curve is farthest below the line from its first to its last point."""
    rise = curve[-1] - curve[0]
    if not rise > 0:
        raise ValueError(
            f"each row is at the distance {curve[0]:g} from its min_samples-th nearest: the curve has no knee. Take "
            "any eps from there on, or another min_samples"
        )
    return int(np.argmax(np.linspace(0.0, 1.0, len(curve)) - (curve - curve[0]) / rise))
