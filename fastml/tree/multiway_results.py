"""What a fitted multiway tree can tell: leaves, depth, importances, rules."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml.base import ClassifierMixin, RegressorMixin, check_is_fitted
from fastml.data.frames import Table
from fastml.data.validation import predict_table
from fastml.io import ModelFiles
from fastml.tree.multiway_columns import check_finite_columns
from fastml.tree.multiway_rules import Words, rules_of
from fastml.tree.multiway_structure import MultiwayTree
from fastml.tree.prunable import PrunableClassifier, PrunableRegressor


class MultiwayResults(ModelFiles):
    """The part of the interface that needs no training data."""

    tree_: MultiwayTree
    n_features_in_: int

    @property
    def _fitted(self) -> MultiwayTree:
        return self.tree_

    @_fitted.setter
    def _fitted(self, tree: MultiwayTree) -> None:
        self.tree_ = tree

    def _leaves(self, X: Any) -> NDArray[np.int32]:
        return self.tree_.leaves(self._later(X))

    def _later(self, X: Any) -> Table:
        check_is_fitted(self)
        table = predict_table(self, X)
        check_finite_columns(table)
        return table

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "tree_")

    def apply(self, X: Any) -> NDArray[np.int64]:
        """The number in `tree_` of the node where each row ends, (n_samples,).

        That is a leaf, or the last split at which the training rows had the row's value. A row that goes down several
        branches ends where the heaviest leads.
        """
        return self._leaves(X).astype(np.int64)

    def get_depth(self) -> int:
        """Splits on the longest path."""
        check_is_fitted(self)
        return int(self.tree_.depths.max())

    def get_n_leaves(self) -> int:
        check_is_fitted(self)
        return int(np.count_nonzero(~self.tree_.is_split))

    @property
    def feature_importances_(self) -> NDArray[np.float64]:
        """Share of each column in the decrease of entropy or variance, (n_features,)."""
        check_is_fitted(self)
        return self.tree_.importances()

    def export_rules(self, *, decimals: int = 2) -> str:
        """The tree as text, one IF ... THEN ... a leaf; see :func:`fastml.tree.export_rules`."""
        return rules_of(self._words(decimals))

    def _words(self, decimals: int) -> Words:
        check_is_fitted(self)
        schema = self._schema  # type: ignore[attr-defined]
        return Words(self.tree_, schema.names, schema.levels, getattr(self, "classes_", None), decimals)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = True
        return tags


class ClassResults(ClassifierMixin, MultiwayResults, PrunableClassifier):
    """Predictions of classes."""

    classes_: NDArray[Any]

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Shares of the classes, (n_samples, n_classes), in the order of `classes_`."""
        table = self._later(X)
        return self.tree_.values(table)

    def predict_log_proba(self, X: Any) -> NDArray[np.float64]:
        """Logarithms of `predict_proba`."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def predict(self, X: Any) -> NDArray[Any]:
        """The class with the largest share, the first one of equals, (n_samples,)."""
        best = self.predict_proba(X).argmax(axis=1)
        return self.classes_.take(best)


class NumberResults(RegressorMixin, MultiwayResults, PrunableRegressor):
    """Predictions of numbers."""

    def predict(self, X: Any) -> NDArray[np.float64]:
        """The mean where each row ends, (n_samples,)."""
        table = self._later(X)
        return self.tree_.values(table)[:, 0]
