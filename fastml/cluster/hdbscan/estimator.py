"""HDBSCAN, with scikit-learn's parameters, over a kd-tree; with predict and outlier scores."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.utils.validation import validate_data

from fastml.base import (
    BaseEstimator,
    CallbackSupport,
    ClusterMixin,
    Hidden,
    Interval,
    StrOptions,
    fit_tasks,
)
from fastml.cluster.hdbscan.centres import centroids, medoids
from fastml.cluster.hdbscan.fit import check_algorithm, fit_given, fit_metric, linkage_of
from fastml.cluster.hdbscan.results import DensityResults, special_labels, split_rows
from fastml.cluster.hdbscan.rows import METRICS
from fastml.cluster.hdbscan.tree import CondensedTree
from fastml.data.validation import check_parameters
from fastml.threads import effective_threads

__all__ = ["HDBSCAN"]


class HDBSCAN(ClusterMixin, DensityResults, CallbackSupport, BaseEstimator):
    """Clusters of any shape and density, found over all distances at once, and noise; with scikit-learn's parameters.

    Points are joined along the minimum spanning tree of  max(core(a), core(b), d(a, b) / alpha),  their mutual
    reachability, where core is the distance to the min_samples-th nearest point. Of the clusters that this makes and
    breaks as the distance falls, those are taken that last: of the largest sums over points of  1 / distance  at
    leaving less that at birth.

    Parameters
    ----------
    min_cluster_size : int, default=5
        Fewer points are no cluster but fall out of one.
    min_samples : int or None
        Which neighbour gives the core distance, the point itself among them. None: min_cluster_size.
    cluster_selection_epsilon : float, default=0.0
        Clusters that part below this distance are one. In the units of the metric.
    max_cluster_size : int or None
        Larger clusters give way to those below them ("eom" only).
    metric : str or callable, default="euclidean"
        Any of scikit-learn's, a function of two rows, or "precomputed": X is a matrix of distances, or a sparse graph
        of them. "haversine" takes latitude and longitude in radians.
    metric_params : dict or None
        Of the metric.
    alpha : float, default=1.0
        See above.
    algorithm : {"auto", "brute", "kd_tree", "ball_tree"}, default="auto"
        Taken for the metrics and for where alpha stands, as in scikit-learn; how neighbours are found follows from the
        metric: over a kd-tree for the Euclidean, Manhattan, Chebyshev, Minkowski, standardised Euclidean, cosine and
        haversine distances, row by row for the others.
    leaf_size : int, default=40
        Points in a leaf of the tree, between 8 and 64; it has no influence on the result.
    n_jobs : int or None
        Threads; None is all of them. The result does not depend on it.
    cluster_selection_method : {"eom", "leaf"}, default="eom"
        The clusters of most excess of mass, or the leaves of the tree: finer, and of one density each.
    allow_single_cluster : bool, default=False
        Whether one cluster of everything is a result.
    store_centers : {"centroid", "medoid", "both"} or None
    copy : bool, default=True
        X is never written to, with or without it.

    Attributes
    ----------
    labels_ : (n_samples,) int; -1 noise, -2 rows with infinite values, -3 rows with missing ones
    probabilities_ : (n_samples,) how firmly a point belongs to its cluster; noise 0, missing NaN
    outlier_scores_ : (n_samples,) GLOSH
    cluster_persistence_ : (n_clusters,).  exemplars_ : list of n_clusters arrays of rows
    condensed_tree_, single_linkage_tree_ : with to_numpy() and to_pandas()
    centroids_, medoids_ : (n_clusters, n_features), with store_centers
    n_features_in_, feature_names_in_

    Notes
    -----
    O(n log n) in few dimensions, O(n^2) at worst; about 100 bytes a point, whatever the metric but a function on few
    points. Clusters have scikit-learn's numbers. Where several edges have one reachability, the shortest goes first,
    then that of the smallest rows; scikit-learn leaves it to chance. Ctrl-C between rounds leaves an earlier fit
    as it was. `set_callbacks` shows progress, a task a round. Source: Campello, Moulavi, Sander 2013; Campello,
    Moulavi, Zimek, Sander 2015 (GLOSH); Malzer, Baum 2020 (epsilon); March, Ram, Gray 2010 (Boruvka over trees).

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from fastml.cluster import HDBSCAN
    >>> X, _ = load_digits(return_X_y=True)
    >>> model = HDBSCAN(min_cluster_size=20).fit(X)
    >>> model.predict(X[:5]).tolist() == model.labels_[:5].tolist()
    True
    """

    _parameter_constraints = {
        "min_cluster_size": [Interval(Integral, 2, None, closed="left")],
        "min_samples": [Interval(Integral, 1, None, closed="left"), None],
        "cluster_selection_epsilon": [Interval(Real, 0, None, closed="left")],
        "max_cluster_size": [None, Interval(Integral, 1, None, closed="left")],
        "metric": [StrOptions(METRICS), callable],
        "metric_params": [dict, None],
        "alpha": [Interval(Real, 0, None, closed="neither")],
        "algorithm": [StrOptions({"auto", "brute", "kd_tree", "ball_tree"})],
        "leaf_size": [Interval(Integral, 1, None, closed="left")],
        "n_jobs": [Integral, None],
        "cluster_selection_method": [StrOptions({"eom", "leaf"})],
        "allow_single_cluster": ["boolean"],
        "store_centers": [None, StrOptions({"centroid", "medoid", "both"})],
        "copy": ["boolean", Hidden(StrOptions({"warn"}))],
    }
    _parameter_notes = {
        "min_cluster_size": "how many points make a cluster",
        "min_samples": "which neighbour gives a point's core distance, the point itself is the first",
        "cluster_selection_epsilon": "a distance in the units of the metric",
        "alpha": "what distances are divided by",
    }

    def __init__(
        self, min_cluster_size: int = 5, min_samples: int | None = None, cluster_selection_epsilon: float = 0.0,
        max_cluster_size: int | None = None, metric: Any = "euclidean", metric_params: dict[str, Any] | None = None,
        alpha: float = 1.0, algorithm: str = "auto", leaf_size: int = 40, n_jobs: int | None = None,
        cluster_selection_method: str = "eom", allow_single_cluster: bool = False, store_centers: str | None = None,
        copy: Any = True,
    ) -> None:  # fmt: skip
        self.min_cluster_size = min_cluster_size
        self.min_samples = min_samples
        self.cluster_selection_epsilon = cluster_selection_epsilon
        self.max_cluster_size = max_cluster_size
        self.metric = metric
        self.metric_params = metric_params
        self.alpha = alpha
        self.algorithm = algorithm
        self.leaf_size = leaf_size
        self.n_jobs = n_jobs
        self.cluster_selection_method = cluster_selection_method
        self.allow_single_cluster = allow_single_cluster
        self.store_centers = store_centers
        self.copy = copy

    def fit(self, X: Any, y: Any = None) -> HDBSCAN:
        """Find the clusters.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features), or (n_samples, n_samples) of distances
            Rows with missing or infinite values are set aside. A matrix of distances may have infinite ones.
        y : ignored

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            What is wrong with a parameter or the data, before any work.
        """
        check_parameters(self)
        effective_threads(self.n_jobs, 0.0)  # raises what is wrong with n_jobs, whether threads are used or not
        given = isinstance(self.metric, str) and self.metric == "precomputed"
        if given and self.store_centers is not None:
            raise ValueError("Cannot store centers when using a precomputed distance matrix.")
        X = self._open(X, given)
        rows, missing, infinite = (None, None, None) if given else split_rows(X)
        check_algorithm(self.algorithm, self.metric, sp.issparse(X))
        finite = X if rows is None else X[rows]
        min_samples = self._checked_min_samples(finite.shape[0])
        with fit_tasks(self, None, X=X, y=y) as tasks:
            if given:
                longest = (self.metric_params or {}).get("max_distance", 0.0)
                edges, training = fit_given(finite, min_samples, self.alpha, longest, tasks), None
            else:
                edges, training = fit_metric(
                    finite, self.metric, self.metric_params or {}, min_samples, self.alpha, self.algorithm,
                    self.leaf_size, self.n_jobs, tasks,
                )  # fmt: skip
            linkage = linkage_of(edges)
            condensed = CondensedTree.of(
                linkage, self.min_cluster_size, self.cluster_selection_method == "leaf", self.allow_single_cluster,
                self.cluster_selection_epsilon, self.max_cluster_size,
            )  # fmt: skip
        self._linkage, self._condensed, self._training, self._rows = linkage, condensed, training, rows
        self.labels_, self.probabilities_ = self._labelled(X.shape[0], missing, infinite)
        if self.store_centers is not None:
            self._store_centres(finite)
        return self

    def fit_predict(self, X: Any, y: Any = None, **kwargs: Any) -> NDArray[np.intp]:
        """Find the clusters and return `labels_`."""
        return self.fit(X).labels_

    def _open(self, X: Any, given: bool) -> Any:
        if given:
            X = validate_data(self, X, accept_sparse=["csr", "lil"], ensure_all_finite=sp.issparse(X), dtype=np.float64)
            if not sp.issparse(X) and np.isnan(X).any():
                raise ValueError("np.nan values found in precomputed-dense: give np.inf for distances that are missing")
        else:
            X = validate_data(self, X, accept_sparse=["csr"], ensure_all_finite=False, dtype=np.float64, order="C")
        return X

    def _checked_min_samples(self, n: int) -> int:
        if n == 1:
            raise ValueError("n_samples=1 while HDBSCAN requires more than one sample")
        min_samples = self.min_cluster_size if self.min_samples is None else self.min_samples
        if min_samples > n:
            raise ValueError(
                f"min_samples ({min_samples}) must be at most the number of samples in X ({n}): a point has no farther "
                "neighbours"
            )
        return int(min_samples)

    def _labelled(self, n: int, missing: Any, infinite: Any) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        labels, probabilities = self._condensed.labels()
        if self._rows is None:
            return labels.astype(np.intp), probabilities
        all_labels, all_probabilities = special_labels(n, missing, infinite)
        all_labels[self._rows], all_probabilities[self._rows] = labels, probabilities
        return all_labels, all_probabilities

    def _store_centres(self, X: Any) -> None:
        labels, weight = self._condensed.labels()
        if self.store_centers != "medoid":
            self.centroids_ = centroids(X, labels, weight)
        if self.store_centers != "centroid":
            self.medoids_ = medoids(X, labels, weight, self.metric, self.metric_params or {})

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = not (isinstance(self.metric, str) and self.metric == "precomputed")
        tags.input_tags.pairwise = isinstance(self.metric, str) and self.metric == "precomputed"
        return tags
