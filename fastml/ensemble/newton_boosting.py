"""XGBClassifier and XGBRegressor: second-order gradient boosting under XGBoost's names."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml.base import BaseEstimator, CallbackSupport, ClassifierMixin, RegressorMixin
from fastml.data.encoding import encode_known, encode_labels
from fastml.data.weights import combined_weight
from fastml.ensemble.newton_fit import fit_newton
from fastml.ensemble.newton_parameters import XGB_CONSTRAINTS, XGB_NOTES, XGBParameters
from fastml.ensemble.newton_results import XGBResults
from fastml.ensemble.rows import encode_numbers

__all__ = ["XGBClassifier", "XGBRegressor"]

_FIT_DOC = """Boost trees on X and y.

        Parameters
        ----------
        X : array-like, frame or sparse matrix of shape (n_samples, n_features)
            NaN is missing; strings and categoricals of a frame are categories. A sparse zero is a zero.
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), optional
            Weight 2 counts as the row given twice, 0 leaves it out.
        base_margin : array-like of shape (n_samples,) or (n_samples, n_classes), optional
            Raw scores to start from instead of the base score.
        eval_set : list of (X, y), optional
            Scored each round; early stopping watches the last one.
        sample_weight_eval_set : list of arrays, optional
        X_val, y_val, sample_weight_val : optional
            The same as one eval_set, in the form that pipelines and scikit-learn use.
        groups : array-like of shape (n_samples,), optional
            Rows of a group stay together when `validation_fraction` or `splitter` takes rows off.
        verbose : bool or int
            Print the scores each round, or each `verbose`-th.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            What is wrong with a parameter or the data, before any work.
        """


class _XGB(XGBParameters, XGBResults, CallbackSupport, BaseEstimator):
    """What both estimators share: tags, and the fit in terms of targets that are numbers."""

    _parameter_constraints = XGB_CONSTRAINTS
    _parameter_notes = XGB_NOTES

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = True
        return tags


class XGBRegressor(RegressorMixin, _XGB):
    """Second-order gradient boosting for numbers, with XGBoost's parameters.

    Each round adds a tree that minimises  sum_i [g_i w(x_i) + h_i w(x_i)^2 / 2] + gamma T + lambda |w|^2 / 2 +
    alpha |w|_1  over its leaf weights w, with g, h the loss's first and second derivatives at the scores so far.

    See :class:`XGBClassifier` for the parameters; `objective` is "reg:squarederror" or a function.

    Notes
    -----
    O(rounds * n_samples * n_features * depth / 2) at most; memory 2 bytes a value and about 40 a row.
    The same bits for any number of threads. Source: Chen and Guestrin 2016.
    """

    def fit(
        self, X: Any, y: Any, *, sample_weight: Any = None, base_margin: Any = None, eval_set: Any = None,
        sample_weight_eval_set: Any = None, X_val: Any = None, y_val: Any = None, sample_weight_val: Any = None,
        groups: Any = None, verbose: bool | int = False,
    ) -> XGBRegressor:  # fmt: skip
        fit_newton(
            self, X, y, "regression", lambda target: encode_numbers(target, self),
            sample_weight=sample_weight, base_margin=base_margin, eval_set=eval_set,
            sample_weight_eval_set=sample_weight_eval_set, validation=(X_val, y_val, sample_weight_val),
            groups=groups, verbose=verbose,
        )  # fmt: skip
        return self

    fit.__doc__ = _FIT_DOC

    def predict(
        self, X: Any, *, output_margin: bool = False, base_margin: Any = None,
        iteration_range: tuple[int, int] | None = None,
    ) -> NDArray[np.float64]:  # fmt: skip
        """Predictions (n_samples,), of the best round where early stopping found one.

        Parameters
        ----------
        X : array-like, frame or sparse matrix of shape (n_samples, n_features)
        output_margin : bool
            Raw scores, before any link.
        base_margin : array-like of shape (n_samples,), optional
        iteration_range : (first, stop), optional
            Rounds to use; (0, 0) means all.
        """
        raw = self._raw(X, iteration_range, base_margin)[0]
        return raw if output_margin else self._link(raw)


class XGBClassifier(ClassifierMixin, _XGB):
    """Second-order gradient boosting for classes, with XGBoost's parameters.

    The objective is "binary:logistic" or "multi:softprob" as the labels have it, or a function.
    See :class:`XGBRegressor` for the formula.
    """

    def fit(
        self, X: Any, y: Any, *, sample_weight: Any = None, base_margin: Any = None, eval_set: Any = None,
        sample_weight_eval_set: Any = None, X_val: Any = None, y_val: Any = None, sample_weight_val: Any = None,
        groups: Any = None, verbose: bool | int = False,
    ) -> XGBClassifier:  # fmt: skip
        codes, classes = encode_labels(y, self, min_classes=2)
        self.classes_ = classes
        self.n_classes_ = len(classes)
        fit_newton(
            self, X, codes, "binary" if len(classes) == 2 else "multiclass", self._encode,
            sample_weight=sample_weight, base_margin=base_margin, eval_set=eval_set,
            sample_weight_eval_set=sample_weight_eval_set, validation=(X_val, y_val, sample_weight_val),
            groups=groups, verbose=verbose,
        )  # fmt: skip
        return self

    fit.__doc__ = _FIT_DOC

    def _encode(self, y: Any) -> NDArray[np.int32]:
        """Class numbers of labels that the fit knows."""
        return encode_known(y, self.classes_, self)

    def decision_function(self, X: Any, *, iteration_range: tuple[int, int] | None = None) -> NDArray[np.float64]:
        """Raw scores: (n_samples,) log-odds of the second class, or (n_samples, n_classes)."""
        raw = self._raw(X, iteration_range)
        return raw[0] if len(raw) == 1 else np.ascontiguousarray(raw.T)

    def predict_proba(
        self, X: Any, *, base_margin: Any = None, iteration_range: tuple[int, int] | None = None
    ) -> NDArray[np.float64]:
        """Probabilities of the classes, (n_samples, n_classes), in the order of `classes_`."""
        raw = self._raw(X, iteration_range, base_margin)
        if len(raw) == 1:
            p = self._link(raw[0])
            return np.stack([1.0 - p, p], axis=1)
        return np.ascontiguousarray(self._link(raw).T)

    def predict_log_proba(self, X: Any) -> NDArray[np.float64]:
        """Logarithms of the probabilities."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def predict(
        self, X: Any, *, output_margin: bool = False, base_margin: Any = None,
        iteration_range: tuple[int, int] | None = None,
    ) -> NDArray[Any]:  # fmt: skip
        """The most probable class of each row; with `output_margin` raw scores as `decision_function`."""
        raw = self._raw(X, iteration_range, base_margin)
        if output_margin:
            return raw[0] if len(raw) == 1 else np.ascontiguousarray(raw.T)
        return self.classes_[(raw[0] > 0).astype(np.intp) if len(raw) == 1 else raw.argmax(axis=0)]

    def _final_weight(self, codes: NDArray[Any], weight: NDArray[np.float64] | None) -> NDArray[np.float64] | None:
        """Sample weights times `class_weight` and `scale_pos_weight`."""
        weight = combined_weight(self.class_weight, codes, self.classes_, weight)
        if self.scale_pos_weight in (None, 1):
            return weight
        if self.n_classes_ != 2:
            raise ValueError(f"scale_pos_weight={self.scale_pos_weight} is for two classes; use class_weight instead")
        scaled = np.where(codes == 1, float(self.scale_pos_weight), 1.0)
        return scaled if weight is None else weight * scaled
