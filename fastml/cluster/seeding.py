"""Where k-means starts."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import kmeans_plusplus


def initial_centres(
    X: Any,
    n_clusters: int,
    init: str,
    sample_weight: NDArray[np.float64] | None,
    random_state: np.random.RandomState,
    n_local_trials: int | None = None,
    n_threads: int = 1,
) -> NDArray[Any]:
    """(n_clusters, n_features) rows of X to start from, by k-means++ or drawn at random."""
    if init == "random":
        p = None if sample_weight is None else sample_weight / sample_weight.sum()
        centres = X[random_state.choice(X.shape[0], size=n_clusters, replace=False, p=p)]
        return centres.toarray() if hasattr(centres, "toarray") else centres
    if X.dtype == np.uint8:
        X = X.astype(np.float32)
    return kmeans_plusplus(
        X, n_clusters, sample_weight=sample_weight, random_state=random_state, n_local_trials=n_local_trials
    )[0]
