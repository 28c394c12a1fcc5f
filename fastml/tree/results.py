"""What a fitted tree can tell: leaves, paths, importances, the course of its pruning."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml._engines.row_predictor import RowPredictor
from fastml.base import check_is_fitted, is_classifier
from fastml.data.validation import check_finite, predict_table
from fastml.io import ModelFiles
from fastml.threads import effective_threads
from fastml.tree.fitted import FittedTree


class TreeResults(ModelFiles):
    """The part of scikit-learn's interface that needs no training data."""

    n_jobs: int | None
    _fitted: FittedTree

    def _leaves(self, X: Any) -> NDArray[np.int32]:
        check_is_fitted(self)
        table = predict_table(self, X)
        check_finite(table)
        threads = effective_threads(self.n_jobs, 40.0 * table.n_samples)
        return self._fitted.leaves(table.matrix(), threads)

    def _fitted_values(self, X: Any) -> NDArray[np.float64]:
        """(n_samples, n_outputs, n_classes) of each row's leaf."""
        leaves = self._leaves(X)
        return self._fitted.value[leaves]

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_fitted")

    @property
    def tree_(self) -> Any:
        """scikit-learn's own `Tree`, with all its arrays and methods."""
        if not hasattr(self, "_fitted"):
            raise AttributeError(f"{type(self).__name__} is not fitted yet, and has no tree_: call fit first")
        return self._fitted.as_sklearn()

    def apply(self, X: Any, check_input: bool = True) -> NDArray[np.int64]:
        """The number in `tree_` of each row's leaf, (n_samples,)."""
        leaves = self._leaves(X)
        return self._fitted.place[leaves]

    def decision_path(self, X: Any, check_input: bool = True) -> Any:
        """A sparse matrix (n_samples, n_nodes): 1 for each node of `tree_` that a row passes."""
        from scipy.sparse import csr_matrix

        leaves = self._leaves(X)
        fitted = self._fitted
        left, parent = fitted.nodes["left"].astype(np.int64), np.full(len(fitted.nodes), -1)
        splits = np.flatnonzero(left)
        parent[left[splits]] = parent[left[splits] + 1] = splits
        depth = fitted.depths[leaves]
        indptr = np.concatenate([[0], np.cumsum(depth + 1)])
        indices = np.empty(indptr[-1], np.int64)
        node, step = leaves.astype(np.int64), 0
        rows = np.arange(len(leaves))
        while len(rows):
            indices[indptr[rows + 1] - 1 - step] = fitted.place[node]
            node = parent[node]
            rows, node = rows[node >= 0], node[node >= 0]
            step += 1
        shape = (len(leaves), len(fitted.nodes))
        return csr_matrix((np.ones(len(indices), np.int64), indices, indptr), shape=shape)

    def predictor(self) -> Callable[[Any], Any]:
        """A frozen callable for one row: numbers in, the leaf's value out, in microseconds.

        A class's shares as (n_classes,), a number as float; for several outputs (n_outputs, n_classes) or (n_outputs,).
        No checks, no threads, no allocation; what it returns is shared and must not be changed. Categorical columns
        take level numbers.
        """
        check_is_fitted(self)
        fitted = self._fitted
        nodes, leaf = fitted.nodes.copy(), ~fitted.is_split
        nodes["value"][leaf] = np.flatnonzero(leaf)
        codes = list(fitted.category_codes)
        walk = RowPredictor(nodes, [0, len(nodes)], fitted.categories, 1, fitted.n_features, codes, 0.0, "identity")
        one_output = fitted.value[:, 0] if len(fitted.n_classes) == 1 else fitted.value
        values = list(one_output) if is_classifier(self) else one_output[..., 0].tolist()
        return lambda row: values[int(walk(row))]

    def get_depth(self) -> int:
        """Splits on the longest path."""
        check_is_fitted(self)
        return int(self._fitted.depths.max())

    def get_n_leaves(self) -> int:
        check_is_fitted(self)
        return int(np.count_nonzero(~self._fitted.is_split))

    @property
    def feature_importances_(self) -> NDArray[np.float64]:
        """Share of each column in the decrease of the impurity, (n_features,)."""
        check_is_fitted(self)
        return self._fitted.importances()

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = True
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = True
        return tags
