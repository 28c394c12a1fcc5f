"""Which search serves: what a metric is, by which algorithms it may be answered, and the rule behind algorithm="auto".

The rule: half of the points or more as neighbours, and metrics that no tree has, go to all pairs. Few columns go to a
tree, more than MOST_COLUMNS to all pairs, and in between the points' own dimension decides, which is measured on a
sample of them: a tree visits a part of the points that grows with it, and a visit costs several times what a pair costs
a screen. Measured in docs/neighbors.md.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.metrics import DistanceMetric
from sklearn.neighbors import VALID_METRICS, VALID_METRICS_SPARSE

from fastml.neighbors.brute import SPARSE_METRICS
from fastml.neighbors.metrics import ALIASES, BALL_TREE_METRICS, KD_TREE_METRICS, Metric, resolve_metric
from fastml.neighbors.searches import BruteSearch, PairwiseSearch, PrecomputedSearch, TreeSearch

FEW_COLUMNS, MOST_COLUMNS = 6, 64
FEW_POINTS = 1000
"""With fewer points up to 15 columns are few."""
SCREENED_COLUMNS = 4
"""Beyond, a screen that bounds a dear distance by the Euclidean one beats a tree, which evaluates each pair."""
MOST_DIMENSIONS = 7.5
"""Of normal points in 8 columns 7.0 is measured, in 10 columns 8.2; there a tree and all pairs take the same time."""
BRUTE_METRICS = sorted(VALID_METRICS["brute"])
VALID = {"brute": BRUTE_METRICS, "kd_tree": KD_TREE_METRICS, "ball_tree": BALL_TREE_METRICS}
PLAIN = {"manhattan", "euclidean", "chebyshev"}
SEMIMETRIC = (
    "Mind that for 0 < p < 1, Minkowski metrics are not distance metrics. Continuing the execution with "
    "`algorithm='brute'`."
)


def metric_object(metric: Any) -> str | None:
    """The name of a DistanceMetric object's metric without parameters; None where it has some, or of anything else."""
    if not isinstance(metric, DistanceMetric) and not hasattr(metric, "rdist_to_dist"):
        return None
    name = type(metric).__name__.removesuffix("32").removesuffix("64").removesuffix("Distance").lower()
    return name if name in PLAIN | {"haversine", "hamming", "canberra", "braycurtis"} else None


def check_name(metric: Any, algorithm: str) -> None:
    """ValueError where the algorithm has no such metric; worded as scikit-learn does."""
    if algorithm == "auto":
        plain = isinstance(metric, str) and metric != "precomputed" and metric in BALL_TREE_METRICS
        algorithm = "ball_tree" if plain else "brute"
    if hasattr(metric, "pairwise"):
        return
    if callable(metric):
        if algorithm == "kd_tree":
            raise ValueError(
                f"kd_tree does not support callable metric '{metric}': it bounds distances by boxes. Use ball_tree"
            )
        return
    if metric not in VALID[algorithm]:
        raise ValueError(
            f"Metric '{metric}' not valid. Use sorted(sklearn.neighbors.VALID_METRICS['{algorithm}']) to get valid "
            "options. Metric can also be a callable function."
        )


def effective(metric: Any, p: Any, params: dict[str, Any] | None) -> tuple[Any, dict[str, Any]]:
    """The metric by its simplest name, and its parameters: Minkowski's is Manhattan's where p is 1, and so on."""
    own = dict(params or {})
    if params is not None and "p" in params and p is not None:
        warnings.warn(
            "Parameter p is found in metric_params. The corresponding parameter from __init__ is ignored.",
            SyntaxWarning, stacklevel=5,
        )  # fmt: skip
    if metric != "minkowski":
        return metric, own
    p, w = own.pop("p", p), own.pop("w", None)
    p = 2 if p is None else p
    if w is None and p in (1, 2, np.inf):
        return {1: "manhattan", 2: "euclidean", np.inf: "chebyshev"}[p], own
    return "minkowski", {**own, "p": p, "w": w}


def choose(metric: Any, params: dict[str, Any], algorithm: str, X: Any, n_neighbors: int | None) -> str:
    """ "kd_tree", "ball_tree" or "brute" for dense X."""
    semimetric = metric == "minkowski" and params["p"] < 1
    if semimetric and algorithm in ("kd_tree", "ball_tree"):
        raise ValueError(
            f'algorithm="{algorithm}" does not support 0 < p < 1 for the Minkowski metric. To resolve this problem '
            'either set p >= 1 or algorithm="brute".'
        )
    if semimetric:
        warnings.warn(SEMIMETRIC, stacklevel=5)
        return "brute"
    if algorithm == "kd_tree" and metric == "minkowski" and params.get("w") is not None:
        raise ValueError(
            "algorithm='kd_tree' is not valid for metric='minkowski' with a weight parameter 'w': try "
            "algorithm='ball_tree' or algorithm='brute' instead."
        )
    if algorithm != "auto":
        return algorithm
    known = metric_object(metric) or metric
    if known == "precomputed" or (n_neighbors is not None and n_neighbors >= X.shape[0] // 2):
        return "brute"
    if callable(known):
        return "ball_tree"
    if known not in BALL_TREE_METRICS or known == "hamming" or not suits_a_tree(X):
        return "brute"
    if known in ("minkowski", "mahalanobis") and X.shape[1] > SCREENED_COLUMNS:
        return "brute"
    if known in KD_TREE_METRICS and params.get("w") is None:
        return "kd_tree"
    return "ball_tree"


def suits_a_tree(X: Any) -> bool:
    """Whether a tree will leave most of the points alone."""
    n, d = X.shape
    if n < FEW_POINTS:
        return bool(d <= 15)
    return bool(d <= FEW_COLUMNS or (d <= MOST_COLUMNS and dimension(X) <= MOST_DIMENSIONS))


def dimension(X: Any, n_sample: int = 1024, n_queries: int = 128, k: int = 10) -> float:
    """The dimension in which the points lie, as their nearest neighbours have it; 0 where most points are equal.

    How fast the number of neighbours grows with the distance, on a sample. O(n_sample n_queries d).
    Source: Levina and Bickel 2004, Maximum likelihood estimation of intrinsic dimension.
    """
    sample = np.asarray(X[np.linspace(0, len(X) - 1, min(len(X), n_sample)).astype(np.int64)], np.float64)
    sample = sample - sample.mean(axis=0)
    size = np.abs(sample).max()
    if not 0.0 < size < np.inf:
        return 0.0
    sample /= size
    asked = sample[:: max(1, len(sample) // n_queries)]
    D = (asked**2).sum(axis=1)[:, None] - 2.0 * (asked @ sample.T) + (sample**2).sum(axis=1)
    near = np.sqrt(np.maximum(np.sort(D, axis=1)[:, 1 : k + 1], 0.0))
    near = near[near[:, 0] > 1e-7]
    growth = float(np.log(near[:, -1:] / near[:, :-1]).mean()) if len(near) >= n_queries // 4 else np.inf
    return (k - 2) / (k - 1) / growth if growth > 0.0 else np.inf


def make_search(
    X: Any, metric: Any, params: dict[str, Any], method: str, leaf_size: int, units: Any, n_jobs: int | None
) -> Any:
    """The search by `method` ("kd_tree", "ball_tree" or "brute") over the points X."""
    sparse = hasattr(X, "indptr")
    if metric == "precomputed":
        return PrecomputedSearch(X)
    known = metric_object(metric) or metric
    if known == "haversine" and units != "radians":
        params = {**params, "units": units}
    if method != "brute":
        tried = X if callable(known) else X[:1] * 0  # of names the number of columns is all that is asked
        return TreeSearch(X, resolve_metric(known, params, tried), leaf_size, n_jobs)
    name = ALIASES.get(known, known) if isinstance(known, str) else known
    if sparse:
        if name in SPARSE_METRICS and not params:
            return BruteSearch(X, Metric(name))
        return PairwiseSearch(X, metric, params)
    if name == "cosine" and not params:
        return BruteSearch(X, Metric("cosine"))
    if name == "sqeuclidean" and not params:
        return BruteSearch(X, Metric("euclidean"), squared=True)
    if name == "minkowski" and (params["p"] < 1 or (params["w"] is not None and np.isinf(params["p"]))):
        return _odd_minkowski(X, params)
    if callable(name) and not hasattr(name, "pairwise"):
        return BruteSearch(X, resolve_metric(name, params, X))
    if name in BALL_TREE_METRICS and name != "pyfunc":
        return BruteSearch(X, resolve_metric(name, _defaults(name, params, X), X[:1] * 0))
    return PairwiseSearch(X, metric, params)


def _odd_minkowski(X: Any, params: dict[str, Any]) -> BruteSearch | PairwiseSearch:
    w = params["w"]
    if np.isinf(params["p"]):
        return PairwiseSearch(X, "minkowski", params)
    weight = None if w is None else np.ascontiguousarray(w, np.float64)
    if weight is not None and (weight.shape != (X.shape[1],) or not (weight >= 0).all()):
        raise ValueError(f"w={w!r} must have a number >= 0 for each of the {X.shape[1]} columns")
    return BruteSearch(X, Metric("minkowski", p=float(params["p"]), weight=weight))


def _defaults(name: str, params: dict[str, Any], X: Any) -> dict[str, Any]:
    """Variances and covariances that nobody gave are those of the points."""
    if name == "seuclidean" and "V" not in params:
        return {"V": np.var(X, axis=0, ddof=1)}
    if name == "mahalanobis" and not {"V", "VI"} & set(params):
        return {"V": np.atleast_2d(np.cov(X, rowvar=False))}
    return params


def check_sparse_name(metric: Any) -> None:
    """ValueError where no sparse matrix has such distances."""
    if metric not in VALID_METRICS_SPARSE["brute"] and not callable(metric) and not hasattr(metric, "pairwise"):
        raise ValueError(
            f"Metric '{metric}' not valid for sparse input. Use "
            "sorted(sklearn.neighbors.VALID_METRICS_SPARSE['brute']) to get valid options. "
            "Metric can also be a callable function."
        )
