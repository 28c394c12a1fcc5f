"""What a fitted first-order booster can tell: scores by stages, leaves, trees, importances."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml.base import check_is_fitted
from fastml.data.validation import predict_table
from fastml.ensemble.fitted import FittedForest, ThresholdForest
from fastml.ensemble.gradient_fit import raw_so_far
from fastml.ensemble.initial_scores import constant_init, initial_scores
from fastml.io import ModelFiles
from fastml.losses import Loss
from fastml.threads import effective_threads
from fastml.tree.structure import Forest
from fastml.tree.views import tree_views

_FITTED = (
    "_fitted", "_stages", "_start", "_init", "_seed", "n_estimators_", "train_score_", "oob_scores_", "oob_score_",
    "oob_improvement_", "stop_reason_",
)  # fmt: skip


class GradientResults(ModelFiles):
    """The part of scikit-learn's interface that needs no training data."""

    n_jobs: int | None
    n_estimators_: int
    _fitted: FittedForest | ThresholdForest
    _stages: list[dict[str, Any]]  # of each round, the parameters that its trees were grown with
    _init: Any
    _loss: Loss

    def _forget(self) -> None:
        """Take away what an earlier fit left."""
        for name in _FITTED:
            self.__dict__.pop(name, None)

    def _raw(self, X: Any) -> Any:
        """Raw scores (n_outputs, n_samples)."""
        check_is_fitted(self)
        table = predict_table(self, X)
        return raw_so_far(self, X, table)

    def _staged_raw(self, X: Any) -> Iterator[NDArray[np.float64]]:
        """Raw scores after each round, the same array each time."""
        check_is_fitted(self)
        table = predict_table(self, X)
        fitted, n = self._fitted, table.n_samples
        k = fitted.forest.n_outputs
        threads = effective_threads(self.n_jobs, 2.0 * n * k)
        scores = initial_scores(self, X)
        raw = np.empty((k, n))
        raw[:] = fitted.start[:, None] if scores is None else scores
        yield from fitted.stages(table, raw, threads)

    def _leaves(self, X: Any) -> NDArray[np.int32]:
        """Node in which each row ends, (n_samples, n_rounds, n_outputs)."""
        check_is_fitted(self)
        table, forest = predict_table(self, X), self._fitted.forest
        threads = effective_threads(self.n_jobs, 2.0 * table.n_samples * forest.n_trees)
        leaves = self._fitted.leaves(table, (0, forest.n_trees), threads)
        return leaves.reshape(table.n_samples, -1, forest.n_outputs)

    @property
    def forest_(self) -> Forest:
        check_is_fitted(self)
        return self._fitted.forest

    @property
    def estimators_(self) -> NDArray[Any]:
        """The trees as scikit-learn shows them, (n_rounds, n_outputs); see `fastml.tree.views.TreeView`."""
        check_is_fitted(self)
        fitted = self._fitted
        if "views" not in fitted._compiled:
            fitted._compiled["views"] = tree_views(fitted.forest, self._stages)
        return fitted._compiled["views"]

    @property
    def init_(self) -> Any:
        """The fitted `init`, or a dummy that predicts the constant."""
        check_is_fitted(self)
        return constant_init(self) if self._init is None else self._init

    def predictor(self) -> Any:
        """A frozen callable for one row: numbers in, prediction out (a class's probabilities), in microseconds.

        No checks, no threads, no allocation but the result. Categorical columns take level numbers.
        """
        forest = self.forest_
        if not (self._init is None or isinstance(self._init, str)):
            raise ValueError(f"init={self._init!r} has no predictor for one row: use predict, or init=None")
        if self._loss.name == "exponential":
            raw = self._fitted.predictor("identity", forest.n_trees)
            return lambda row: 1.0 / (1.0 + math.exp(min(-2.0 * raw(row), 700.0)))
        link = {"logistic": "sigmoid", "softmax": "softmax"}.get(self._loss.link, "identity")
        return self._fitted.predictor(link, forest.n_trees)

    @property
    def feature_importances_(self) -> NDArray[np.float64]:
        """Share of each column in the reduction of the squared error of the gradients, (n_features,)."""
        gains = self.forest_.importance("total_gain")
        total = gains.sum()
        return gains / total if total > 0 else gains
