"""What a fitted forest says of numbers: means, quantiles, intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml._engines.row_predictor import RowPredictor
from fastml.base import check_is_fitted
from fastml.ensemble.averaged_forest import AveragedForest
from fastml.ensemble.forest_fit import OutOfBag
from fastml.ensemble.forest_results import ForestResults

CHUNK = 1024  # rows whose weights over the training rows are held together


@dataclass(eq=False)
class LeafTargets:
    """Training targets by leaf: of each leaf of all trees the rows that it got, and how often.

    y : (n_outputs, n) targets
    start : (n_leaves + 1,) int64.  rows : (n_members,) int32.  share : (n_members,) float32
    """

    y: NDArray[np.float64]
    start: NDArray[np.int64]
    rows: NDArray[np.int32]
    share: NDArray[np.float32]

    @classmethod
    def of(
        cls, forest: AveragedForest, X: NDArray[Any], y: NDArray[np.float64], in_bag: Callable[[int], Any], threads: int
    ) -> LeafTargets:
        counts, rows, shares = [], [], []
        leaves = forest.leaf_numbers(X, threads)
        for t in range(forest.n_trees):
            count = in_bag(t)
            seen = np.flatnonzero(count)
            number = leaves[seen, t]
            order = np.argsort(number, kind="stable")
            n_leaves = int(forest.leaf_start[t + 1] - forest.leaf_start[t])
            total = np.bincount(number, count[seen], minlength=n_leaves)
            counts.append(np.bincount(number, minlength=n_leaves))
            rows.append(seen[order].astype(np.int32))
            shares.append((count[seen] / total[number])[order].astype(np.float32))
        start = np.concatenate([[0], np.cumsum(np.concatenate(counts))]).astype(np.int64)
        return cls(y, start, np.concatenate(rows), np.concatenate(shares))

    def quantiles(self, leaves: NDArray[np.int64], wanted: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, n_outputs, n_quantiles): the smallest target at which the weights of the training rows, the mean over the
        trees of their shares of the leaf, sum up to the quantile. leaves: (n, n_trees), numbers over all trees."""
        from scipy.sparse import csr_array

        n, n_trees = leaves.shape
        out = np.empty((n, len(self.y), len(wanted)))
        for k, y in enumerate(self.y):
            order = np.argsort(y, kind="stable")
            place = np.empty(len(y), np.int32)
            place[order] = np.arange(len(y))
            members = csr_array((self.share, place[self.rows], self.start), shape=(len(self.start) - 1, len(y)))
            for first in range(0, n, CHUNK):
                own = leaves[first : first + CHUNK]
                pointers = np.arange(0, own.size + 1, n_trees)
                pick = csr_array((np.ones(own.size), own.ravel(), pointers), shape=(len(own), members.shape[0]))
                weight = pick @ members
                weight.sort_indices()
                total = np.concatenate([[0.0], np.cumsum(weight.data)])
                begin, end = total[weight.indptr[:-1]], total[weight.indptr[1:]]
                for q, level in enumerate(wanted):
                    at = np.searchsorted(total[1:], begin + level * (end - begin) * (1 - 1e-6))
                    at = np.clip(at, weight.indptr[:-1], weight.indptr[1:] - 1)
                    out[first : first + CHUNK, k, q] = y[order[weight.indices[at]]]
        return out


class ForestRegressorResults(ForestResults):
    """Means over the trees, and with keep_targets=True quantiles."""

    _y: NDArray[np.float64]
    _targets: LeafTargets

    def predict(self, X: Any, quantiles: Sequence[float] | None = None) -> NDArray[np.float64]:
        """The mean of the trees' predictions, or quantiles of the target.

        Parameters
        ----------
        X : array-like, frame or sparse matrix of shape (n_samples, n_features)
        quantiles : sequence of float in (0, 1), optional
            With keep_targets=True. A training row weighs the mean over the trees of its share of the leaf that X's row
            is in; a quantile is the smallest target up to which the weights sum to it. Source: Meinshausen 2006.

        Returns
        -------
        (n_samples,) or (n_samples, n_outputs); with quantiles another axis behind, of as many.

        Raises
        ------
        ValueError
            Quantiles out of range, or of a forest that kept no targets.
        """
        if quantiles is None:
            said = self._mean_shares(X)
            return said[:, 0] if self.n_outputs_ == 1 else said
        wanted = np.atleast_1d(np.asarray(quantiles, np.float64))
        if wanted.ndim != 1 or not ((wanted > 0) & (wanted < 1)).all():
            raise ValueError(f"quantiles={quantiles!r} must be numbers between 0 and 1")
        check_is_fitted(self)
        if not hasattr(self, "_targets"):
            raise ValueError(
                f"quantiles={quantiles!r} need the training targets, which this forest did not keep: fit it with "
                "keep_targets=True"
            )
        matrix, threads = self._table(X)
        leaves = self._forest.leaf_numbers(matrix, threads) + self._forest.leaf_start[:-1]
        out = self._targets.quantiles(leaves, wanted)
        return out[:, 0] if self.n_outputs_ == 1 else out

    def predict_interval(self, X: Any, coverage: float = 0.9) -> NDArray[np.float64]:
        """Lower and upper ends between which the target lies with this probability, (n_samples, 2): the quantiles
        (1 - coverage) / 2 and (1 + coverage) / 2. See `predict`."""
        if not 0 < coverage < 1:
            raise ValueError(f"coverage={coverage!r} must be between 0 and 1: it is a probability")
        return self.predict(X, quantiles=[(1 - coverage) / 2, (1 + coverage) / 2])

    def predictor(self) -> Callable[[Any], Any]:
        """A frozen callable for one row: numbers in, the prediction out, in microseconds. One output only."""
        check_is_fitted(self)
        if self.n_outputs_ > 1:
            raise ValueError(f"predictor() is for one output, and this forest has {self.n_outputs_}: use predict")
        forest = self._forest
        nodes, is_leaf = forest.nodes.copy(), forest.nodes["left"] == 0
        tree = np.searchsorted(forest.tree_start, np.flatnonzero(is_leaf), side="right") - 1
        number = nodes["value"][is_leaf].astype(np.int64) + forest.leaf_start[tree]
        nodes["value"][is_leaf] = forest.shares[number] / forest.n_trees
        codes = list(forest.category_codes)
        return RowPredictor(nodes, forest.tree_start, forest.categories, 1, forest.n_features, codes, 0.0, "identity")

    def _oob_scorer(self) -> Callable[[NDArray[np.float64]], float]:
        y = self._y
        if callable(self.oob_score):
            given, flat = self.oob_score, y[0] if len(y) == 1 else y.T
            return lambda said: float(given(flat, said[:, 0] if len(y) == 1 else said))
        spread = ((y - y.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
        return lambda said: float(np.mean(1.0 - ((y - said.T) ** 2).sum(axis=1) / np.where(spread > 0, spread, 1.0)))

    def _take_oob(self, oob: OutOfBag) -> None:
        said = oob.mean()
        self.oob_prediction_ = said[:, 0] if self.n_outputs_ == 1 else said
        self.oob_score_ = self._oob_scorer()(said)
