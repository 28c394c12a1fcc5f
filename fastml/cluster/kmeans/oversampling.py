"""k-means||: many candidates in few passes over the rows, thinned out by weighted k-means++ (Bahmani 2012)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from fastml.cluster.kmeans.lloyd import assign, nearest_centres

OVERSAMPLING = 2.0  # candidates that a round draws on average, in clusters
N_ROUNDS = 5  # both as in the paper's experiments


def oversampled_rows(
    X: Any,
    n_clusters: int,
    weight: NDArray[np.float64] | None,
    random_state: np.random.RandomState,
    pick_rows: Callable[..., NDArray[np.int64]],
    n_local_trials: int | None = None,
    n_threads: int = 1,
) -> NDArray[np.int64]:
    """Rows to start from, as `initial_centres` describes it; `pick_rows` is k-means++."""
    n_samples = X.shape[0]
    own = np.ones(n_samples) if weight is None else weight
    candidates = random_state.choice(n_samples, p=own / own.sum(), size=1)
    nearest = assign(X, _dense(X, candidates), n_threads)[1]
    for _ in range(N_ROUNDS):
        share = own * nearest
        potential = float(share.sum())
        if not potential > 0:
            break
        drawn = random_state.uniform(size=n_samples) * potential < OVERSAMPLING * n_clusters * share
        new = np.flatnonzero(drawn)
        if len(new):
            candidates = np.concatenate([candidates, new])
            nearest = np.minimum(nearest, assign(X, _dense(X, new), n_threads)[1])
    if len(candidates) < n_clusters:  # few distinct rows, or unlucky draws: any others of weight
        free = own > 0
        free[candidates] = False
        others = random_state.permutation(np.flatnonzero(free))[: n_clusters - len(candidates)]
        candidates = np.concatenate([candidates, others])
    if len(candidates) < n_clusters:
        return np.resize(candidates, n_clusters)
    labels = nearest_centres(X, _dense(X, candidates), n_threads)
    crowd = np.bincount(labels, weights=weight, minlength=len(candidates)).astype(np.float64)
    return candidates[pick_rows(X[candidates], n_clusters, crowd, random_state, n_local_trials, n_threads)]


def _dense(X: Any, rows: NDArray[np.int64]) -> NDArray[Any]:
    chosen = X[rows]
    return np.asarray(chosen.toarray() if sp.issparse(chosen) else chosen)
