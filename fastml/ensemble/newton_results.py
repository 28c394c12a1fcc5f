"""What a fitted second-order booster can tell: scores, leaves, importances, and itself as a file."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml.base import check_is_fitted
from fastml.data.validation import predict_table
from fastml.ensemble.fitted import FittedForest, ThresholdForest
from fastml.ensemble.metrics import LINKS
from fastml.io import ModelFiles
from fastml.threads import effective_threads
from fastml.tree.structure import Forest


class XGBResults(ModelFiles):
    """The part of XGBoost's interface that needs no training data."""

    n_jobs: Any
    n_estimators_: int
    _fitted: FittedForest | ThresholdForest
    _loss: Any
    _evals_log: dict[str, dict[str, list[float]]]
    _value: Any

    def _rounds(self, iteration_range: tuple[int, int] | None) -> tuple[int, int]:
        """Trees to use, as (begin, end) trees; up to the best round by default."""
        check_is_fitted(self)
        k = self._fitted.forest.n_outputs
        if iteration_range is None or tuple(iteration_range) == (0, 0):
            best = getattr(self, "_best_iteration", None)
            stop = self.n_estimators_ if best is None or iteration_range is not None else best + 1
            return 0, stop * k
        begin, end = (int(i) for i in iteration_range)
        end = end or self.n_estimators_
        if not 0 <= begin < end <= self.n_estimators_:
            n = self.n_estimators_
            raise ValueError(f"iteration_range={iteration_range} must be (first, stop) within the model's {n} rounds")
        return begin * k, end * k

    def _raw(self, X: Any, iteration_range: Any = None, base_margin: Any = None) -> NDArray[np.float64]:
        """Raw scores (n_outputs, n_samples)."""
        trees = self._rounds(iteration_range)
        table = predict_table(self, X)
        threads = effective_threads(self.n_jobs, 2.0 * table.n_samples * (trees[1] - trees[0]))
        start = None if base_margin is None else check_margin(base_margin, len(self.intercept_), table.n_samples)
        return self._fitted.raw(table, trees, threads, start)

    @property
    def forest_(self) -> Forest:
        check_is_fitted(self)
        return self._fitted.forest

    @property
    def intercept_(self) -> NDArray[np.float64]:
        """Raw scores before the first tree, (n_outputs,)."""
        check_is_fitted(self)
        return self._fitted.start

    @property
    def best_iteration(self) -> int:
        """The round with the best score, from 0; only with early stopping."""
        return self._early("_best_iteration")

    @property
    def best_score(self) -> float:
        """The score of that round."""
        return self._early("_best_score")

    def _early(self, name: str) -> Any:
        check_is_fitted(self)
        value = getattr(self, name, None)
        if value is None:
            raise AttributeError(f"`{name[1:]}` is only defined when early stopping is used: set early_stopping_rounds")
        return value

    def evals_result(self) -> dict[str, dict[str, list[float]]]:
        """{data: {metric: [one score a round]}}, data named validation_0, validation_1, ..."""
        check_is_fitted(self)
        if not self._evals_log:
            raise ValueError("no scores were kept: give fit an eval_set, X_val and y_val, or set validation_fraction")
        return {data: {m: list(v) for m, v in metrics.items()} for data, metrics in self._evals_log.items()}

    @property
    def feature_importances_(self) -> NDArray[np.float64]:
        """Importances of `importance_type`, (n_features,), summing to 1 unless no tree split."""
        values = self.forest_.importance(self._value("importance_type"))
        total = values.sum()
        return values / total if total > 0 else values

    def apply(self, X: Any, iteration_range: tuple[int, int] | None = None) -> NDArray[np.int32]:
        """Node in which each row ends in each tree, (n_samples, n_trees)."""
        trees = self._rounds(iteration_range)
        table = predict_table(self, X)
        return self._fitted.leaves(table, trees, effective_threads(self.n_jobs, 2.0 * table.n_samples * trees[1]))

    def predictor(self) -> Any:
        """A frozen callable for one row: numbers in, prediction out (a class's probabilities), in microseconds.

        No checks, no threads, no allocation but the result. Categorical columns take level numbers.
        """
        _, end = self._rounds(None)
        link = {"identity": "identity", "logistic": "sigmoid", "softmax": "softmax"}.get(self._loss.link)
        if link is not None:
            return self._fitted.predictor(link, end)
        raw = self._fitted.predictor("identity", end)
        return lambda row: self._link(raw(row))

    def _link(self, raw: NDArray[np.float64]) -> NDArray[np.float64]:
        """Predictions of raw scores (n,) or (n_outputs, n)."""
        link = self._loss.link
        return link(raw) if callable(link) else LINKS[link](raw)


def check_margin(margin: Any, n_outputs: int, n_samples: int) -> NDArray[np.float64]:
    """base_margin as (n_outputs, n_samples), a copy."""
    values = np.array(margin, dtype=np.float64)
    if values.ndim == 1 and n_outputs == 1:
        values = values[:, None]
    if values.shape != (n_samples, n_outputs) or not np.isfinite(values).all():
        raise ValueError(
            f"base_margin of shape {np.shape(margin)} must be finite, of shape ({n_samples}, {n_outputs})"
            + (f" or ({n_samples},)" if n_outputs == 1 else "")
        )
    return np.ascontiguousarray(values.T)
