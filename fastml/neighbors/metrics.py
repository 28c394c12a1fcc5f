"""What a user calls a metric -> what engines take: a number, a power, weights, an address; units of the haversine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml._engines.ball_tree import KINDS
from fastml.jit.metrics import OwnMetric, compile_metric

ALIASES = {
    "l2": "euclidean", "p": "minkowski", "cityblock": "manhattan", "l1": "manhattan", "infinity": "chebyshev",
    "sokalmichener": "rogerstanimoto", "pyfunc": "own",
}  # fmt: skip
KD_TREE_METRICS = [
    "euclidean", "l2", "minkowski", "p", "manhattan", "cityblock", "l1", "chebyshev", "infinity",
]  # fmt: skip
BALL_TREE_METRICS = [
    *KD_TREE_METRICS, "seuclidean", "mahalanobis", "hamming", "canberra", "braycurtis", "jaccard", "dice",
    "rogerstanimoto", "russellrao", "sokalmichener", "sokalsneath", "haversine", "pyfunc",
]  # fmt: skip
IN_LANES = {"euclidean", "manhattan", "chebyshev", "seuclidean"}  # what kd_neighbors takes
ARGUMENTS = {
    "minkowski": {"p", "w"}, "seuclidean": {"V"}, "mahalanobis": {"V", "VI"}, "haversine": {"units"},
}  # fmt: skip
EARTH = {"km": 6371.0088, "miles": 6371.0088 / 1.609344}
"""The mean radius of the Earth (IUGG: (2 a + b) / 3)."""
COMPILES_FROM = 512  # rows; below, a user's metric in Python is sooner done than Numba's second
MOST_RADIANS = 2 * np.pi + 1e-9


@dataclass(frozen=True)
class Metric:
    """A metric of rows with d columns.

    name : one of KINDS
    engine : (kind, p, weight, address)
    to_x : factor from the user's coordinates to the engine's; 1 but for degrees
    to_distance : factor from the engine's distances to the user's; 1 but for a sphere's radius
    """

    name: str
    p: float = 2.0
    weight: NDArray[np.float64] | None = None
    to_x: float = 1.0
    to_distance: float = 1.0
    own: OwnMetric | None = field(default=None, compare=False)

    @property
    def engine(self) -> tuple[int, float, NDArray[np.float64] | None, int]:
        return KINDS[self.name], self.p, self.weight, self.own.address if self.own else 0

    @property
    def in_lanes(self) -> bool:
        """Whether kd_neighbors has it, 8 points at a time; else it is for ball_tree."""
        return self.name in IN_LANES

    @property
    def has_triangle(self) -> bool:
        return self.own is None or self.own.has_triangle

    def coordinates(self, X: NDArray[Any], what: str = "X") -> NDArray[Any]:
        """X as the engines take it; ValueError for angles that no place has, and for sums of powers that overflow."""
        if self.name != "haversine":
            self._check_size(X, what)
            return X
        check_angles(X, self.to_x != 1.0, what)
        return X * self.to_x if self.to_x != 1.0 else X

    def _check_size(self, X: NDArray[Any], what: str) -> None:
        power = {"euclidean": 2.0, "seuclidean": 2.0, "mahalanobis": 2.0, "minkowski": self.p}.get(self.name)
        if power is None or not X.size:
            return
        scale = 1.0 if self.weight is None else max(1.0, float(np.max(np.abs(self.weight))))
        if self.name == "seuclidean" and self.weight is not None:
            scale = max(1.0, 1.0 / float(self.weight.min()))
        far = max(abs(float(X.max())), abs(float(X.min())))
        if 2.0 * far > (1e307 / (scale * X.shape[1] ** 2)) ** (1.0 / power):
            raise ValueError(
                f"{what} has a value of {far:g}, so far out that its power {power:g} overflows: scale it down, or use "
                "metric='manhattan' or 'chebyshev'"
            )


def resolve_metric(metric: Any, arguments: dict[str, Any], X: NDArray[Any], allowed: list[str] | None = None) -> Metric:
    """The metric that a user means.

    Parameters
    ----------
    metric : str, callable or scikit-learn's DistanceMetric
        Of `BALL_TREE_METRICS`; or (a, b, **arguments) -> float.
    arguments : dict
        p and w of Minkowski's, V of seuclidean (variances), V or VI of mahalanobis (covariance, its inverse), units of
        haversine ("radians", "degrees", "km", "miles" or a sphere's radius, the last three for X in degrees).
    X : (n, d)
        The points: their number of columns, and rows to try a user's function on.
    allowed : list of str, optional
        Names that are valid here.

    Raises
    ------
    ValueError, TypeError
        It names the argument, its value and what it must be.
    """
    d = X.shape[1]
    if type(metric).__name__.endswith(("Distance64", "Distance32")):
        metric, arguments = _of_object(metric)
    if callable(metric):
        if allowed is not None and "pyfunc" not in allowed:
            raise ValueError(f"metric={metric!r} is not valid here: a KDTree needs bounds by boxes; use BallTree")
        return _of_function(metric, arguments, X)
    if not isinstance(metric, str):
        raise TypeError(f"metric={metric!r} must be a name or a function of two rows")
    name = ALIASES.get(metric, metric)
    if name not in KINDS or metric == "own":
        raise ValueError(f"Unrecognized metric {metric!r}: it must be one of {', '.join(allowed or BALL_TREE_METRICS)}")
    if allowed is not None and metric not in allowed:
        raise ValueError(f"metric {metric!r} is not valid here: it must be one of {', '.join(allowed)}")
    if name == "own":
        given = dict(arguments)
        function = given.pop("func", None)
        if not callable(function):
            raise TypeError("metric='pyfunc' needs func=, a function of two rows")
        return _of_function(function, given, X)
    strange = sorted(set(arguments) - ARGUMENTS.get(name, set()))
    if strange:
        raise TypeError(f"metric {metric!r} takes no argument {', '.join(strange)}")
    return MAKERS[name](d, **arguments) if name in MAKERS else Metric(name)


def _of_object(metric: Any) -> tuple[str, dict[str, Any]]:
    """The name and arguments of a DistanceMetric of scikit-learn's, which it shows to pickle only."""
    name = type(metric).__name__[: -len("Distance64")].lower()
    p, vector, matrix, *function = metric.__getstate__()
    if name == "minkowski":
        return name, {"p": p, "w": vector if len(vector) else None}
    if function:
        return name, {**function[1], "func": function[0]}
    return name, {"seuclidean": {"V": vector}, "mahalanobis": {"VI": matrix}}.get(name, {})


def check_angles(X: NDArray[Any], in_degrees: bool, what: str = "X") -> None:
    """ValueError unless X is (n, 2): latitudes and longitudes in the unit that is meant."""
    if X.shape[1] != 2:
        raise ValueError(
            f"Haversine distance only valid in 2 dimensions: {what} has {X.shape[1]} columns; it must have latitude "
            "and longitude, in this order"
        )
    if in_degrees:
        far = np.abs(X).max(axis=0, initial=0.0)
        if far[0] > 90.0 or far[1] > 360.0:
            raise ValueError(
                f"{what} has a latitude of {far[0]:g} and a longitude of {far[1]:g} (largest sizes): in degrees they "
                "go up to 90 and 360. Latitude comes first"
            )
    elif np.abs(X).max(initial=0.0) > MOST_RADIANS:
        raise ValueError(
            f"{what} has an angle of {np.abs(X).max():g}: metric='haversine' takes radians, up to 2 pi. If these are "
            "degrees, say units='degrees', or np.radians(X)"
        )


def _of_function(function: Callable, arguments: dict[str, Any], X: NDArray[Any]) -> Metric:
    step = max(1, len(X) // 8)
    own = compile_metric(function, X[::step], arguments, compiles=len(X) >= COMPILES_FROM)
    return Metric("own", own=own)


def _vector(name: str, value: Any, d: int) -> NDArray[np.float64]:
    vector = np.ascontiguousarray(value, dtype=np.float64)
    if vector.shape != (d,):
        raise ValueError(f"{name} has shape {vector.shape}; it must have a number for each of the {d} columns")
    return vector


def _minkowski(d: int, p: float = 2.0, w: Any = None) -> Metric:
    if not p >= 1:
        raise ValueError(f"p={p!r} must be greater than or equal to 1: below, the triangle inequality does not hold")
    if w is not None:
        weight = _vector("w", w, d)
        if not ((weight >= 0) & np.isfinite(weight)).all():
            raise ValueError(f"w={weight.tolist()} must be >= 0 and finite: they are weights of the columns")
        if np.isinf(p):
            return Metric("chebyshev") if (weight == 1).all() else _refuse_weights()
        return Metric("minkowski", p=float(p), weight=weight)
    names = {1.0: "manhattan", 2.0: "euclidean", np.inf: "chebyshev"}
    return Metric(names.get(float(p), "minkowski"), p=float(p))


def _refuse_weights() -> Metric:
    raise ValueError("w has no meaning at p=inf: the largest difference counts. Scale the columns of X instead")


def _seuclidean(d: int, V: Any = None) -> Metric:
    if V is None:
        raise TypeError("metric='seuclidean' needs V=, the variances of the columns, such as X.var(axis=0, ddof=1)")
    weight = _vector("V", V, d)
    if not ((weight > 0) & np.isfinite(weight)).all():
        raise ValueError(f"V={weight.tolist()} must be > 0 and finite: they are the columns' variances")
    return Metric("seuclidean", weight=weight)


def _mahalanobis(d: int, V: Any = None, VI: Any = None) -> Metric:
    if (V is None) == (VI is None):
        raise TypeError("metric='mahalanobis' needs V=, a covariance matrix, or VI=, the inverse of one")
    matrix = np.array(V if VI is None else VI, dtype=np.float64)
    if matrix.shape != (d, d) or not np.isfinite(matrix).all() or not np.allclose(matrix, matrix.T):
        raise ValueError(f"{'V' if VI is None else 'VI'} must be a symmetric matrix ({d}, {d}) of finite numbers")
    if np.linalg.eigvalsh(matrix)[0] < -1e-10 * np.abs(matrix).max():
        raise ValueError(f"{'V' if VI is None else 'VI'} has a negative eigenvalue: it is no covariance matrix")
    return Metric("mahalanobis", weight=np.ascontiguousarray(np.linalg.inv(matrix) if VI is None else matrix))


def _haversine(d: int, units: Any = "radians") -> Metric:
    if units == "radians":
        return Metric("haversine")
    degree = np.pi / 180.0
    if units == "degrees":
        return Metric("haversine", to_x=degree, to_distance=1.0 / degree)
    radius = EARTH.get(units) if isinstance(units, str) else units
    if radius is None or isinstance(radius, bool) or not np.isreal(radius) or not 0 < radius < np.inf:
        raise ValueError(
            f"units={units!r} must be 'radians', 'degrees', 'km', 'miles' or the sphere's radius, a number > 0"
        )
    return Metric("haversine", to_x=degree, to_distance=float(radius))


MAKERS: dict[str, Callable[..., Metric]] = {
    "minkowski": _minkowski, "seuclidean": _seuclidean, "mahalanobis": _mahalanobis, "haversine": _haversine,
}  # fmt: skip
