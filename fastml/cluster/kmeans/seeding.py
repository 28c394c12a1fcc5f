"""Where k-means starts: k-means++, on all rows or on some, k-means||, rows drawn at random, what is given."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from fastml._engines.kmeans_seeding import DenseSeeds, SparseSeeds
from fastml.base import check_random_state
from fastml.cluster.kmeans.oversampling import oversampled_rows
from fastml.cluster.kmeans.points import float_type
from fastml.cluster.rows import rows_of
from fastml.data.weights import check_sample_weight
from fastml.threads import effective_threads

INITS = ("k-means++", "k-means||", "subsampled", "random")
SAMPLE_PER_CLUSTER, LEAST_SAMPLE = 50, 10_000  # rows of "subsampled": 2 to 6% more inertia at the start
SORT_FROM = 24  # centres from which on putting the points in order pays: measured on pixels, 273k x 3


def initial_centres(
    X: Any,
    n_clusters: int,
    init: Any,
    sample_weight: NDArray[np.float64] | None,
    random_state: np.random.RandomState,
    n_local_trials: int | None = None,
    n_threads: int = 1,
) -> NDArray[Any]:
    """(n_clusters, n_features) centres to start from, of X's float type (float64 for bytes).

    Parameters
    ----------
    X : (n, d) float32, float64 or uint8 array in C order, or CSR
        Finite numbers.
    n_clusters : int
        At most n.
    init : str, callable or array
        "k-means++" and "random" draw what scikit-learn draws. "k-means||" oversamples in five passes over X and thins
        out by weighted k-means++ (Bahmani 2012). "subsampled" runs k-means++ on max(50 n_clusters, 10 000) rows drawn
        without replacement. A callable is given X, n_clusters and random_state.
    sample_weight : (n,) float64, or None
    random_state : RandomState
    n_local_trials : int, optional
        Candidates of each round of k-means++; 2 + floor(log(n_clusters)) by default.
    n_threads : int
        The result does not depend on it.

    Raises
    ------
    ValueError
        Another shape than (n_clusters, n_features), centres that are not finite, or, for "random", fewer rows of
        weight above 0 than clusters.
    """
    dtype = float_type(X)
    if callable(init):
        return check_centres(init(X, n_clusters, random_state=random_state), n_clusters, X.shape[1], dtype)
    if not isinstance(init, str):
        return check_centres(init, n_clusters, X.shape[1], dtype)
    n_samples = X.shape[0]
    if init == "random":
        weight = np.ones(n_samples) if sample_weight is None else sample_weight
        if np.count_nonzero(weight) < n_clusters:
            raise ValueError(
                f"init='random' draws n_clusters={n_clusters} rows, but only {np.count_nonzero(weight)} have a weight "
                "above 0: ask for fewer clusters."
            )
        rows = random_state.choice(n_samples, size=n_clusters, replace=False, p=weight / weight.sum())
    elif init == "k-means||":
        rows = oversampled_rows(X, n_clusters, sample_weight, random_state, pick_rows, n_local_trials, n_threads)
    elif init == "subsampled":
        rows = _rows_of_sample(X, n_clusters, sample_weight, random_state, n_local_trials, n_threads)
    else:
        rows = pick_rows(X, n_clusters, sample_weight, random_state, n_local_trials, n_threads)
    return dense_rows(X, rows)


def check_centres(centres: Any, n_clusters: int, n_features: int, dtype: Any) -> NDArray[Any]:
    """A copy of given centres in C order; ValueError where they do not fit."""
    centres = np.array(centres.toarray() if sp.issparse(centres) else centres, dtype, order="C")
    if centres.ndim != 2 or centres.shape[0] != n_clusters:
        raise ValueError(
            f"The shape of the initial centers {centres.shape} does not match the number of clusters {n_clusters}."
        )
    if centres.shape[1] != n_features:
        raise ValueError(
            f"The shape of the initial centers {centres.shape} does not match the number of features of the data "
            f"{n_features}."
        )
    if not np.isfinite(centres).all():
        raise ValueError("init contains NaN or infinity: give finite centres to start from.")
    return centres


def dense_rows(X: Any, rows: NDArray[np.int64]) -> NDArray[Any]:
    """These rows as an array of X's float type."""
    chosen = X[rows]
    return np.asarray(chosen.toarray() if sp.issparse(chosen) else chosen, float_type(X))


def pick_rows(
    X: Any,
    n_clusters: int,
    weight: NDArray[np.float64] | None,
    random_state: np.random.RandomState,
    n_local_trials: int | None = None,
    n_threads: int = 1,
) -> NDArray[np.int64]:
    """Rows to start from by greedy k-means++; parameters as `initial_centres`.

    Each next one is the best of some, which are drawn with odds weight times squared distance to the rows before. Where
    all rows are chosen already (fewer distinct ones than clusters) it is the first row again.
    """
    n_samples = X.shape[0]
    trials = 2 + int(math.log(n_clusters)) if n_local_trials is None else n_local_trials
    seeds: SparseSeeds | DenseSeeds
    if sp.issparse(X):
        seeds = SparseSeeds(X, weight, n_clusters, n_threads)
    else:
        seeds = DenseSeeds(X, weight, n_clusters, n_clusters >= SORT_FROM, n_threads)
    odds = np.full(n_samples, 1.0 / n_samples) if weight is None else weight / weight.sum()
    picked = np.empty(n_clusters, np.int64)
    picked[0] = random_state.choice(n_samples, p=odds)
    seeds.add(picked[0], n_threads)
    for c in range(1, n_clusters):
        candidates = seeds.draw(random_state.uniform(size=trials) * seeds.potential)
        picked[c] = candidates[np.argmax(seeds.gains(candidates, n_threads))]
        seeds.add(picked[c], n_threads)
    return picked


def _rows_of_sample(
    X: Any,
    n_clusters: int,
    weight: NDArray[np.float64] | None,
    random_state: np.random.RandomState,
    n_local_trials: int | None,
    n_threads: int,
) -> NDArray[np.int64]:
    """k-means++ on rows drawn without replacement from those of weight above 0."""
    n_samples = max(SAMPLE_PER_CLUSTER * n_clusters, LEAST_SAMPLE)
    some = np.arange(X.shape[0]) if weight is None else np.flatnonzero(weight)
    if len(some) > n_samples:
        some = np.sort(random_state.permutation(some)[:n_samples])
    own = None if weight is None else weight[some]
    return some[pick_rows(X[some], n_clusters, own, random_state, n_local_trials, n_threads)]


def kmeans_plusplus(
    X: Any,
    n_clusters: int,
    *,
    sample_weight: Any = None,
    x_squared_norms: Any = None,
    random_state: Any = None,
    n_local_trials: int | None = None,
    n_jobs: int | None = None,
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    r"""Rows to start k-means from, by greedy k-means++.

    The first is drawn by weight. Each next one is, of `n_local_trials` rows drawn with odds
    :math:`w_i \min_c |x_i - x_c|^2`, the one after which the sum of these is least.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
    n_clusters : int
    sample_weight : array-like of shape (n_samples,), optional
    x_squared_norms : array-like of shape (n_samples,), optional
        Has no effect: distances are taken from differences.
    random_state : int, RandomState instance or None, default=None
        The same draws as scikit-learn's, and so the same rows unless rounding decides.
    n_local_trials : int, default=2 + floor(log(n_clusters))
    n_jobs : int or None, default=None
        Threads; None and -1 use all processors. The result does not depend on it.

    Returns
    -------
    centers : (n_clusters, n_features)
    indices : (n_clusters,) int64
        ``X[indices]`` are the centres.

    Raises
    ------
    ValueError
        More clusters than rows; NaN, infinity or numbers whose squares overflow.

    Notes
    -----
    O(n d k trials) at most. Up to 8 columns, where points are put in order, boxes of 64 neighbours are left out that a
    candidate cannot change, so that rounds become cheaper the more centres there are; in more columns single rows are.
    Up to 90 bytes a row beside X.

    References
    ----------
    Arthur and Vassilvitskii 2007, k-means++: the advantages of careful seeding. Elkan 2003, Using the triangle
    inequality to accelerate k-means.
    """
    rows = rows_of(X)
    n_samples = rows.shape[0]
    for name, value in (("n_clusters", n_clusters), ("n_local_trials", n_local_trials)):
        if value is None and name == "n_local_trials":
            continue
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
            raise ValueError(f"{name}={value!r} must be a whole number >= 1")
    if n_samples < n_clusters:
        raise ValueError(f"n_samples={n_samples} should be >= n_clusters={n_clusters}. Ask for fewer clusters.")
    if x_squared_norms is not None and np.shape(x_squared_norms) != (n_samples,):
        raise ValueError(
            f"The length of x_squared_norms {np.shape(x_squared_norms)} should be equal to the length of n_samples "
            f"{n_samples}."
        )
    weight = check_sample_weight(sample_weight, n_samples)
    n_numbers = rows.nnz if sp.issparse(rows) else rows.size
    threads = effective_threads(n_jobs, float(n_numbers))
    generator = check_random_state(random_state)
    picked = pick_rows(rows, int(n_clusters), weight, generator, n_local_trials, threads)
    return dense_rows(rows, picked), picked
