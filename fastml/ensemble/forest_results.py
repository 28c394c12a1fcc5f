"""What any fitted forest can tell: trees, leaves, paths, importances, proximities."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml.base import check_is_fitted
from fastml.data.validation import check_finite, predict_table
from fastml.ensemble.averaged_forest import AveragedForest, pruned
from fastml.ensemble.forest_fit import Growth, OutOfBag, in_bag
from fastml.ensemble.forest_importances import by_impurity, by_permutation, unbiased
from fastml.io import ModelFiles
from fastml.threads import effective_threads

_FITTED = (
    "_forest", "_seeds", "_targets", "_importances", "_trees", "oob_score_", "oob_curve_", "oob_decision_function_",
    "oob_prediction_",
)  # fmt: skip


class ForestResults(ModelFiles):
    """The part of scikit-learn's interface that needs no training data."""

    n_jobs: int | None
    bootstrap: bool
    importance: str
    keep_targets: bool
    patience: int | None
    tol: float
    ccp_alpha: float
    oob_score: Any
    n_features_in_: int
    n_outputs_: int
    _forest: AveragedForest
    _seeds: NDArray[np.int64]

    def _member(self) -> Any:
        """A tree with this forest's parameters, not fitted."""
        raise NotImplementedError

    def _oob_scorer(self) -> Any:
        """Predictions (n, width) -> score, on the training targets of the fit under way."""
        raise NotImplementedError

    def _take_oob(self, oob: OutOfBag) -> None:
        """Set the attributes that hold out-of-bag predictions."""
        raise NotImplementedError

    def _stopped(self, curve: list[tuple[int, float]]) -> bool:
        """Whether the out-of-bag score has not risen for patience trees."""
        if not curve or self.patience is None:
            return False
        best_n, best = curve[0]
        for n, score in curve:
            if score > best + self.tol:
                best_n, best = n, score
        return curve[-1][0] - best_n >= self.patience

    def _keep(self, forest: AveragedForest, seeds: NDArray[np.int64], growth: Growth, oob: OutOfBag | None) -> None:
        """Set the fitted attributes."""
        for name in _FITTED:
            self.__dict__.pop(name, None)
        self._forest, self._seeds = pruned(forest, self.ccp_alpha, **growth.known), seeds
        self._bagging = (growth.columns.order, growth.n_draws, growth.weight)
        if oob is not None:
            self.oob_curve_ = np.array(oob.curve, dtype=np.float64).reshape(-1, 2)
            if self.oob_score:
                self._take_oob(oob)
                if (oob.n_trees == 0).any():
                    warnings.warn(
                        "Some inputs do not have OOB scores. This probably means too few trees were used to compute "
                        "any reliable OOB estimates.", UserWarning, stacklevel=4,
                    )  # fmt: skip

    def _table(self, X: Any) -> tuple[NDArray[Any], int]:
        """X of a prediction as a matrix, and the threads for it."""
        check_is_fitted(self)
        table = predict_table(self, X)
        check_finite(table)
        return table.matrix(), effective_threads(self.n_jobs, 10.0 * table.n_samples * self._forest.n_trees)

    def _mean_shares(self, X: Any) -> NDArray[np.float64]:
        """(n, width): the mean over the trees of what each row's leaf says."""
        matrix, threads = self._table(X)
        total = np.zeros((len(matrix), self._forest.width))
        self._forest.add_shares(matrix, total, n_threads=threads)
        total /= self._forest.n_trees
        return total

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_forest")

    @property
    def estimators_(self) -> list[Any]:
        """The trees as estimators, made when they are asked for."""
        if not hasattr(self, "_forest"):
            raise AttributeError(f"{type(self).__name__} is not fitted yet, and has no estimators_: call fit first")
        if "_trees" not in self.__dict__:
            self._trees = [self._tree(t) for t in range(self._forest.n_trees)]
        return self._trees

    def _tree(self, t: int) -> Any:
        member = self._member().set_params(random_state=int(self._seeds[t]))
        for name in ("_schema", "n_features_in_", "n_outputs_", "max_features_"):
            if hasattr(self, name):
                setattr(member, name, getattr(self, name))
        member._fitted = self._forest.tree(t)
        return member

    @property
    def estimator_(self) -> Any:
        """A tree with the forest's parameters."""
        return self._member()

    estimator = estimator_

    @property
    def estimators_samples_(self) -> list[NDArray[np.int32]]:
        """The rows that each tree saw, as often as it saw them."""
        check_is_fitted(self)
        rows = np.arange(len(self._bagging[0]), dtype=np.int32)
        if not self.bootstrap:
            return [rows] * self._forest.n_trees
        return [np.repeat(rows, self._in_bag(t).astype(np.int64)) for t in range(self._forest.n_trees)]

    def _in_bag(self, t: int) -> NDArray[np.float64]:
        return in_bag(int(self._seeds[t]), *self._bagging)

    def apply(self, X: Any) -> NDArray[np.int64]:
        """The number in its tree's `tree_` of each row's leaf, (n_samples, n_trees)."""
        matrix, threads = self._table(X)
        numbers = self._forest.leaf_numbers(matrix, threads)
        out = np.empty(numbers.shape, np.int64)
        for t, tree in enumerate(self.estimators_):
            fitted = tree._fitted
            own = self._forest.nodes[self._forest.tree_start[t] : self._forest.tree_start[t + 1]]
            leaf = np.flatnonzero(own["left"] == 0)
            node_of = np.empty(len(leaf), np.int64)
            node_of[own["value"][leaf].astype(np.int64)] = fitted.place[leaf]
            out[:, t] = node_of[numbers[:, t]]
        return out

    def decision_path(self, X: Any) -> tuple[Any, NDArray[np.int64]]:
        """(a sparse matrix (n_samples, n_nodes) with 1 for each node that a row passes, where each tree's begin)."""
        from scipy.sparse import hstack

        check_is_fitted(self)
        paths = [tree.decision_path(X) for tree in self.estimators_]
        return hstack(paths).tocsr(), np.cumsum([0, *(path.shape[1] for path in paths)])

    def proximity(self, X: Any, Y: Any = None) -> Any:
        """The share of trees in which two rows end in one leaf.

        Parameters
        ----------
        X : as for predict, (n, n_features).  Y : (m, n_features) or None: X

        Returns
        -------
        scipy.sparse.csr_array (n, m), of float64
            Without entries where no tree has both rows in one leaf. As many entries as there are pairs of rows in
            leaves: few for trees grown to the end, n * m for stumps. Source: Breiman 2001.
        """
        of_x = self._leaf_matrix(X)
        of_y = of_x if Y is None else self._leaf_matrix(Y)
        out = of_x @ of_y.T
        out.data /= self._forest.n_trees
        return out

    def _leaf_matrix(self, X: Any) -> Any:
        """(n, n_leaves of all trees) with a 1 for each row's leaf in each tree."""
        from scipy.sparse import csr_array

        matrix, threads = self._table(X)
        leaves = self._forest.leaf_numbers(matrix, threads) + self._forest.leaf_start[:-1]
        n, n_trees = leaves.shape
        shape = (n, int(self._forest.leaf_start[-1]))
        return csr_array((np.ones(leaves.size), leaves.ravel(), np.arange(0, leaves.size + 1, n_trees)), shape=shape)

    @property
    def feature_importances_(self) -> NDArray[np.float64]:
        """(n_features,); see the parameter `importance`. The decrease of the impurity sums to 1."""
        check_is_fitted(self)
        if "_importances" in self.__dict__:
            return self._importances
        return by_impurity(self._forest)

    def _measure(self, X: NDArray[Any], target: NDArray[np.float64], codes: NDArray[np.int32] | None) -> None:
        """Set `_importances` where they need the training data: target (n, width) as leaves' shares are."""
        threads = effective_threads(self.n_jobs, 40.0 * len(X))
        out_of_bag = [np.flatnonzero(self._in_bag(t) == 0) for t in range(self._forest.n_trees)]
        if self.importance == "unbiased":
            self._importances = unbiased(self._forest, X, target, out_of_bag, threads)
        elif self.importance == "permutation":
            seed = int(self._seeds[0])
            self._importances = by_permutation(self._forest, X, target, codes, out_of_bag, seed, threads)

    def __len__(self) -> int:
        return len(self.estimators_)

    def __getitem__(self, index: int) -> Any:
        return self.estimators_[index]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.estimators_)

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = super().__getstate__()  # type: ignore[assignment]
        return {k: v for k, v in state.items() if k != "_trees"}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = True
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = True
        return tags
