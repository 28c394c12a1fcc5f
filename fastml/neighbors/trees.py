"""KDTree and BallTree: points that answer who is near, how many are, and how densely they lie."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_array

from fastml._engines.ball_tree import sort_lists
from fastml._engines.kernel_density import log_densities
from fastml.neighbors.density import KERNELS, log_norm
from fastml.neighbors.metrics import BALL_TREE_METRICS, KD_TREE_METRICS, resolve_metric
from fastml.neighbors.tree_index import TreeIndex
from fastml.threads import effective_threads

NODE = np.dtype([("idx_start", np.int64), ("idx_end", np.int64), ("is_leaf", np.int64), ("radius", np.float64)])


class _Tree:
    """What both trees are: a kd order, a metric, and queries to them."""

    valid_metrics: list[str] = []

    def __init__(
        self, X: Any, leaf_size: int = 40, metric: Any = "minkowski", sample_weight: Any = None, *,
        n_jobs: int | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        X = _points(X)
        if leaf_size < 1:
            raise ValueError(f"leaf_size={leaf_size!r} must be greater than or equal to 1: it is a number of points")
        self.data = X
        self.leaf_size, self.metric, self.n_jobs = int(leaf_size), metric, n_jobs
        self.metric_kwargs = kwargs
        self.sample_weight = None if sample_weight is None else _weights(sample_weight, len(X))
        self.sum_weight = float(len(X) if self.sample_weight is None else self.sample_weight.sum())
        resolved = resolve_metric(metric, kwargs, X, self.valid_metrics)
        self._index = TreeIndex(np.ascontiguousarray(X), resolved, self.leaf_size, n_jobs)

    def __getstate__(self) -> dict[str, Any]:
        """Without what follows from the rest: it is grown again, the same to the bit, sooner than it is read."""
        return {name: value for name, value in self.__dict__.items() if name != "_index"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        resolved = resolve_metric(self.metric, self.metric_kwargs, self.data, self.valid_metrics)
        self._index = TreeIndex(np.ascontiguousarray(self.data), resolved, self.leaf_size, self.n_jobs)

    def query(
        self, X: Any, k: int = 1, return_distance: bool = True, dualtree: bool = False, breadth_first: bool = False,
        sort_results: bool = True,
    ) -> Any:  # fmt: skip
        """The k nearest points of each row of X.

        Parameters
        ----------
        X : array-like (m, d)
        k : int, at most n
        return_distance : bool
        dualtree, breadth_first, sort_results
            Without meaning here: queries go down in blocks, and results are always in order.

        Returns
        -------
        distance : (m, k) float64, only with `return_distance`
        index : (m, k) int64, by distance; at equal distances the lowest index first
        """
        X = self._rows(X)
        if not 1 <= k <= len(self.data):
            raise ValueError(
                f"k={k!r} must be less than or equal to the number of training points, {len(self.data)}, and >= 1"
            )
        distance, index = self._index.nearest(X, int(k), self.n_jobs)
        return (distance, index) if return_distance else index

    def query_radius(
        self, X: Any, r: Any, return_distance: bool = False, count_only: bool = False, sort_results: bool = False
    ) -> Any:
        """The points within r of each row of X, those at r itself included.

        Parameters
        ----------
        X : array-like (m, d)
        r : float or array-like (m,), >= 0
        return_distance : bool
        count_only : bool
            Count them, without a look at the points of nodes that are within as a whole.
        sort_results : bool
            By distance, at equal distances by index; needs `return_distance`.

        Returns
        -------
        count : (m,) int64, with `count_only`
        index : (m,) object, of int64 arrays
        distance : (m,) object, of float64 arrays, only with `return_distance`
        """
        if count_only and return_distance:
            raise ValueError("count_only and return_distance cannot both be true")
        if sort_results and not return_distance:
            raise ValueError("return_distance must be True if sort_results is True")
        X = self._rows(X)
        radius = _radius(r, len(X))
        if count_only:
            return self._index.count_within(X, radius, self.n_jobs)
        start, index, distance = self._index.list_within(X, radius, return_distance, self.n_jobs)
        if distance is None:
            return _split(index, start)
        if sort_results:
            sort_lists(start, index, distance, effective_threads(self.n_jobs, 20.0 * len(index)))
        return _split(index, start), _split(distance, start)

    def kernel_density(
        self, X: Any, h: float, kernel: str = "gaussian", atol: float = 0, rtol: float = 1e-8,
        breadth_first: bool = True, return_log: bool = False,
    ) -> NDArray[np.float64]:  # fmt: skip
        """sum_i w_i K(d(x, x_i) / h) / norm for each row x of X, with weights w, or 1.

        Parameters
        ----------
        X : array-like (m, d)
        h : float, > 0
            Bandwidth, in the units of the distance.
        kernel : {"gaussian", "tophat", "epanechnikov", "exponential", "linear", "cosine"}
        atol, rtol : float, >= 0
            The density is off by less than atol + rtol * density.
        breadth_first
            Without meaning here.
        return_log : bool
            The logarithm, which is finite far out, too.

        Returns
        -------
        density : (m,) float64
        """
        X = self._rows(X)
        if kernel not in KERNELS:
            raise ValueError(f"kernel = {kernel!r} not recognized: it must be one of {', '.join(KERNELS)}")
        if not 0 < h < np.inf:
            raise ValueError(f"h={h!r} must be > 0: it is a bandwidth in the units of the distance")
        if not (atol >= 0 and rtol >= 0):
            raise ValueError(f"atol={atol!r} and rtol={rtol!r} must be >= 0: they are tolerances")
        metric = self._index.metric
        own_h = float(h) / metric.to_distance
        norm = log_norm(kernel, float(h), self.data.shape[1])
        threads = effective_threads(self.n_jobs, 1000.0 * len(X)) if metric.own is None else 1
        log_density = log_densities(
            self._index.balls(self.n_jobs), metric.coordinates(X), KERNELS.index(kernel), own_h, norm, float(atol),
            float(rtol), self.sample_weight, threads,
        )  # fmt: skip
        return log_density if return_log else np.exp(log_density)

    def two_point_correlation(self, X: Any, r: Any, dualtree: bool = False) -> NDArray[np.int64]:
        """How many pairs of a row of X and a point are within each of the radii r, (len(r),)."""
        X = self._rows(X)
        radii = np.atleast_1d(np.asarray(r, dtype=np.float64))
        return np.array([self._index.count_within(X, _radius(one, len(X)), self.n_jobs).sum() for one in radii])

    def get_arrays(self) -> tuple[NDArray[Any], NDArray[np.int64], NDArray[Any], NDArray[np.float64]]:
        """(points, order, nodes, bounds).

        order : (n,) int64, the rows in the order of the tree
        nodes : (n_nodes,) of idx_start, idx_end, is_leaf, radius; node i has the children 2 i + 1 and 2 i + 2
        bounds : KDTree (2, n_nodes, d), lower and upper corners; BallTree (1, n_nodes, d), centres
        """
        kd = self._index.kd
        nodes = np.zeros(2 ** (kd.depth + 1) - 1, NODE)
        for level in range(kd.depth + 1):
            own = slice(2**level - 1, 2 ** (level + 1) - 1)
            edges = (kd.n_samples * np.arange(2**level + 1)) >> level
            nodes["idx_start"][own], nodes["idx_end"][own] = edges[:-1], edges[1:]
        nodes["is_leaf"][2**kd.depth - 1 :] = 1
        bounds = self._bounds(nodes)
        return self.data, kd.order.astype(np.int64), nodes, bounds

    def _bounds(self, nodes: NDArray[Any]) -> NDArray[np.float64]:
        boxes = self._index.kd.boxes
        nodes["radius"] = np.sqrt((((boxes[:, 1] - boxes[:, 0]) / 2) ** 2).sum(axis=1))
        return np.ascontiguousarray(boxes.transpose(1, 0, 2))

    def get_tree_stats(self) -> tuple[int, int, int]:
        """(trims, leaves, splits) of queries, which are not counted here: zeros."""
        return 0, 0, 0

    def get_n_calls(self) -> int:
        """How many distances were computed, which is not counted here: 0."""
        return 0

    def reset_n_calls(self) -> None:
        """Without effect: distances are not counted here."""

    def _rows(self, X: Any) -> NDArray[Any]:
        X = _points(X)
        if X.shape[1] != self.data.shape[1]:
            raise ValueError(
                f"query data dimension must match training data dimension: X has {X.shape[1]} columns, the tree "
                f"{self.data.shape[1]}"
            )
        return X


class KDTree(_Tree):
    """A tree for metrics whose distances are bounded by boxes; a node is the box around its points.

    Parameters
    ----------
    X : array-like (n, d)
        float32 is kept as it is; distances are float64.
    leaf_size : int, default=40
        Points of a leaf, at most; raised to 64 (32 in two columns or one), with which vectors of 8 are full. No answer
        depends on it.
    metric : str or callable, default="minkowski"
        One of `valid_metrics`. Euclidean, Manhattan, Chebyshev and standardised Euclidean distances are computed 8 at a
        time, the others one by one.
    sample_weight : array-like (n,), optional
        What each point counts in `kernel_density`.
    n_jobs : int or None, default=None
        Threads: None means all, where the work is worth it. The answers are the same for any number.
    **kwargs
        Arguments of the metric: p and w, V, VI, units; see `resolve_metric`.

    Raises
    ------
    ValueError, TypeError
        X is empty or not finite, an argument is out of its range.

    Notes
    -----
    O(n log n) to make, also where points are equal; besides X 8 d + 4 bytes a point and 16 d + 4 a node.
    """

    valid_metrics = KD_TREE_METRICS


class BallTree(_Tree):
    """A tree for any metric that obeys the triangle inequality; a node is a ball around its points.

    For metrics that a `KDTree` has, boxes answer here, too: they are tighter.

    Parameters
    ----------
    X : array-like (n, d)
        float32 is kept as it is; distances are float64.
    leaf_size : int, default=40
        Points of a leaf, at most; raised to 64 (32 in two columns or one), with which vectors of 8 are full. No answer
        depends on it.
    metric : str or callable, default="minkowski"
        One of `valid_metrics`. Euclidean, Manhattan, Chebyshev and standardised Euclidean distances are computed 8 at a
        time, the others one by one.
    sample_weight : array-like (n,), optional
        What each point counts in `kernel_density`.
    n_jobs : int or None, default=None
        Threads: None means all, where the work is worth it. The answers are the same for any number.
    **kwargs
        Arguments of the metric: p and w, V, VI, units; see `resolve_metric`.

    Raises
    ------
    ValueError, TypeError
        X is empty or not finite, an argument is out of its range.

    Notes
    -----
    O(n log n) to make, also where points are equal; besides X 8 d + 4 bytes a point and 16 d + 4 a node.
    """

    valid_metrics = BALL_TREE_METRICS

    def _bounds(self, nodes: NDArray[Any]) -> NDArray[np.float64]:
        balls = self._index.balls(self.n_jobs)
        if balls.centres is not None and balls.radii is not None:
            nodes["radius"] = balls.radii
            return balls.centres[None].copy()
        centres = np.array([balls.points[node["idx_start"] : node["idx_end"]].mean(axis=0) for node in nodes])
        for node, centre in zip(nodes, centres, strict=True):
            one = TreeIndex(np.ascontiguousarray(centre[None]), self._index.metric)
            node["radius"] = one.nearest(balls.points[node["idx_start"] : node["idx_end"]], 1)[0].max()
        return centres[None]


def _points(X: Any) -> NDArray[Any]:
    """X as float32 or float64 in C order, finite; scikit-learn's check takes longer than a query."""
    plain = type(X) is np.ndarray and X.ndim == 2 and X.dtype in (np.float64, np.float32)
    if plain and X.flags.c_contiguous and X.flags.aligned and X.size:
        with np.errstate(over="ignore", invalid="ignore"):
            if np.isfinite(X.sum()):  # a sum that overflows has to be looked at again
                return X
    return check_array(X, dtype=[np.float64, np.float32], order="C")


def _weights(given: Any, n: int) -> NDArray[np.float64]:
    weight = np.ascontiguousarray(given, dtype=np.float64)
    if weight.shape != (n,):
        raise ValueError(f"sample_weight has shape {weight.shape}; it must have a number for each of the {n} points")
    if not ((weight >= 0) & np.isfinite(weight)).all():
        raise ValueError("sample_weight must be >= 0 and finite: it says what each point counts")
    return weight


def _radius(r: Any, n: int) -> NDArray[np.float64]:
    radius = np.asarray(r, dtype=np.float64)
    if radius.shape not in ((), (1,), (n,)):
        raise ValueError(f"r must be broadcastable to X.shape: a number or {n} of them; it has shape {radius.shape}")
    if not (radius >= 0).all():
        raise ValueError(f"r={radius[~(radius >= 0)][0] if radius.ndim else radius} must be >= 0: it is a distance")
    return radius


def _split(values: NDArray[Any], start: NDArray[np.int64]) -> NDArray[Any]:
    """The lists as an array of arrays."""
    out = np.empty(len(start) - 1, dtype=object)
    for i in range(len(out)):
        out[i] = values[start[i] : start[i + 1]]
    return out
