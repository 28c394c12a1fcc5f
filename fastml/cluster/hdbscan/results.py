"""What a fitted HDBSCAN answers: labels of new points, cuts, outlier scores, the trees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.utils.validation import validate_data

from fastml.base import check_is_fitted
from fastml.cluster.hdbscan.edges import BLOCK, grown, spanning_search
from fastml.cluster.hdbscan.rows import MetricRows
from fastml.cluster.hdbscan.space import Space
from fastml.cluster.hdbscan.tree import INFINITE, MISSING, NOISE, CondensedTree, SingleLinkage
from fastml.threads import effective_threads

Floats = NDArray[np.float64]
Labels = NDArray[np.intp]


@dataclass
class Training:
    """What `predict` needs of the fit: the finite rows, their core distances, and how distances are made.

    space : where a kd-tree serves the metric (core distances are then reduced ones), else None
    scale : of `space`.  alpha : distances between points are divided by it where `space` is None
    divided : all distances, core distances too, are divided by it at last
    """

    X: Any
    core: Floats
    space: Space | None
    scale: float
    alpha: float
    divided: float
    by_tree: bool
    min_samples: int

    def nearest(self, new: Any, metric: Any, parameters: dict[str, Any], leaf_size: int, n_jobs: Any) -> Any:
        """Of each new row the nearest training row by mutual reachability, and the reachability."""
        n, d = self.X.shape
        if self.space is not None:
            threads = effective_threads(n_jobs, 40.0 * new.shape[0] * d * max(self.min_samples, 8))
            search = spanning_search(
                self.space, self.space.points(self.X), self.min_samples, self.scale, leaf_size, threads
            )
            asking = grown(self.space.points(new), leaf_size, threads)
            row, reach = search.place(asking, self.core, threads)
            return row, self.space.distance(reach) / self.divided
        rows = MetricRows(self.X[:2], metric, parameters, self.by_tree)
        nearest, reach = np.empty(new.shape[0], np.intp), np.empty(new.shape[0])
        step = max(1, BLOCK // n)
        for begin in range(0, new.shape[0], step):
            block = rows.between(new[begin : begin + step], self.X)
            core = np.partition(block, self.min_samples - 1, axis=1)[:, self.min_samples - 1]
            between = block / self.alpha
            found = np.maximum(np.maximum(core[:, None], self.core[None, :]), between)
            order = np.where(found == found.min(axis=1, keepdims=True), between, np.inf)
            nearest[begin : begin + len(block)] = order.argmin(axis=1)
            reach[begin : begin + len(block)] = found.min(axis=1)
        return nearest, reach / self.divided


class DensityResults:
    """The part of HDBSCAN that follows from its trees."""

    labels_: Labels
    probabilities_: Floats
    metric: Any
    metric_params: dict[str, Any] | None
    leaf_size: int
    n_jobs: int | None
    _condensed: CondensedTree
    _linkage: SingleLinkage
    _rows: NDArray[np.intp] | None  # the finite ones, None if all are
    _training: Training | None

    def approximate_predict(self, X: Any) -> tuple[Labels, Floats]:
        """Labels and probabilities of new rows, as if each joined the fitted clusters alone.

        A row goes to the cluster of the training row that is nearest by mutual reachability, or to the last one above
        it that is as sparse as the row's own density; rows of the fit get their own label and probability.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_new, n_features)

        Returns
        -------
        labels : (n_new,) as `labels_`, with -2 and -3 for rows with infinite and missing values
        probabilities : (n_new,)

        Raises
        ------
        NotFittedError, ValueError
            Before fit; another number of columns; metric="precomputed", which says nothing of new rows.
        """
        check_is_fitted(self)
        if self._training is None:
            raise ValueError("metric='precomputed' knows no distances of new rows: fit with a metric to predict")
        X = validate_data(
            self, X, reset=False, accept_sparse=["csr"], ensure_all_finite=False, dtype=np.float64, order="C"
        )
        rows, missing, infinite = split_rows(X)
        labels, probabilities = special_labels(X.shape[0], missing, infinite)
        if sp.issparse(X) and not sp.issparse(self._training.X):
            X = X.toarray()
        new = X if rows is None else X[rows]
        if new.shape[0]:
            nearest, reach = self._training.nearest(
                new, self.metric, self.metric_params or {}, self.leaf_size, self.n_jobs
            )
            with np.errstate(divide="ignore"):
                density = np.minimum(1.0 / reach, self._condensed.point_density[nearest])
            cluster = self._condensed.climb(self._condensed.point_cluster[nearest], density)
            where = slice(None) if rows is None else rows
            labels[where], probabilities[where] = self._condensed.labels(cluster, density)
        return labels, probabilities

    def predict(self, X: Any) -> Labels:
        """Labels of new rows; see `approximate_predict`."""
        return self.approximate_predict(X)[0]

    def dbscan_clustering(self, cut_distance: float, min_cluster_size: int = 5) -> Labels:
        """Labels of DBSCAN without border points at one distance: what is connected by reachabilities below it.

        Parameters
        ----------
        cut_distance : float
            In the units of the metric.
        min_cluster_size : int, default=5
            Smaller components are noise.

        Returns
        -------
        labels : (n_samples,) with -1 for noise, -2 and -3 for rows with infinite and missing values
        """
        check_is_fitted(self)
        labels = np.where(self.labels_ < NOISE, self.labels_, NOISE)
        labels[self._where] = self._linkage.get_clusters(cut_distance, min_cluster_size)
        return labels

    @property
    def _where(self) -> Any:
        return slice(None) if self._rows is None else self._rows

    @property
    def condensed_tree_(self) -> CondensedTree:
        """The condensed tree of the finite rows."""
        check_is_fitted(self)
        return self._condensed

    @property
    def single_linkage_tree_(self) -> SingleLinkage:
        """The single linkage of the finite rows."""
        check_is_fitted(self)
        return self._linkage

    @property
    def _single_linkage_tree_(self) -> NDArray[Any]:
        """As scikit-learn's private attribute: rows that are not finite join last, at infinity."""
        check_is_fitted(self)
        merges = self._linkage.to_records()
        if self._rows is None:
            return merges
        n, n_all = self._linkage.n_points, len(self.labels_)
        others = np.setdiff1d(np.arange(n_all), self._rows)
        for side in ("left_node", "right_node"):
            inner = merges[side] >= n
            merges[side] = np.where(inner, merges[side] + len(others), self._rows[np.where(inner, 0, merges[side])])
        last = np.empty(len(others), merges.dtype)
        last["left_node"], last["value"] = others, np.inf
        last["right_node"] = n_all + n - 2 + np.arange(len(others))
        last["cluster_size"] = n + 1 + np.arange(len(others))
        return np.concatenate([merges, last])

    @property
    def outlier_scores_(self) -> Floats:
        """GLOSH, (n_samples,): 0 deep in a cluster, to 1 far out; 1 with infinite values, NaN with missing ones."""
        check_is_fitted(self)
        scores = np.where(self.labels_ == MISSING, np.nan, 1.0)
        scores[self._where] = self._condensed.outlier_scores()
        return scores

    @property
    def cluster_persistence_(self) -> Floats:
        """(n_clusters,) in [0, 1]: how long each cluster lasts as the density rises."""
        check_is_fitted(self)
        return self._condensed.persistence(self.labels_[self._where])

    @property
    def exemplars_(self) -> list[Any]:
        """Of each cluster the rows at its densest places, which stand for it whatever its shape."""
        check_is_fitted(self)
        if self._training is None:
            raise AttributeError("exemplars_ are rows of X, and metric='precomputed' has none")
        return [self._training.X[rows] for rows in self._condensed.exemplars()]


def split_rows(X: Any) -> tuple[NDArray[np.intp] | None, NDArray[np.intp], NDArray[np.intp]]:
    """The finite rows (None: all), those with a missing value, those with an infinite one and none missing."""
    none = np.empty(0, np.intp)
    values = X.data if sp.issparse(X) else X
    with np.errstate(invalid="ignore", over="ignore"):
        if np.isfinite(values.sum()) or np.isfinite(values).all():
            return None, none, none
    if sp.issparse(X):
        bad = [np.zeros(X.shape[0], np.bool_) for _ in range(2)]
        row_of = np.repeat(np.arange(X.shape[0]), np.diff(X.indptr))
        for mark, found in zip(bad, (np.isnan(values), np.isinf(values)), strict=True):
            mark[row_of[found]] = True
        missing, infinite = bad
    else:
        missing, infinite = np.isnan(X).any(axis=1), np.isinf(X).any(axis=1)
    return np.flatnonzero(~missing & ~infinite), np.flatnonzero(missing), np.flatnonzero(infinite & ~missing)


def special_labels(n: int, missing: NDArray[np.intp], infinite: NDArray[np.intp]) -> tuple[Labels, Floats]:
    """Labels and probabilities of rows that are not finite; the others are noise as yet."""
    labels, probabilities = np.full(n, NOISE, np.intp), np.zeros(n)
    labels[infinite], labels[missing], probabilities[missing] = INFINITE, MISSING, np.nan
    return labels, probabilities
