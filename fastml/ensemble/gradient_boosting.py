"""GradientBoostingClassifier and GradientBoostingRegressor: first-order gradient boosting, scikit-learn's names."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml.base import BaseEstimator, CallbackSupport, ClassifierMixin, Interval, RegressorMixin, StrOptions
from fastml.data.encoding import encode_known, encode_labels
from fastml.ensemble.gradient_fit import fit_gradient
from fastml.ensemble.gradient_parameters import GRADIENT_CONSTRAINTS, GRADIENT_NOTES, GradientParameters, check_init
from fastml.ensemble.gradient_results import GradientResults
from fastml.ensemble.rows import encode_numbers
from fastml.ensemble.scores import logistic, softmax
from fastml.losses import AbsoluteError, BinaryLogistic, Exponential, Huber, Loss, Quantile, Softmax, SquaredError

__all__ = ["GradientBoostingClassifier", "GradientBoostingRegressor"]


class _GradientBoosting(GradientParameters, GradientResults, CallbackSupport, BaseEstimator):
    """What both estimators share."""

    _parameter_notes = GRADIENT_NOTES
    _init_method = "predict"

    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, monitor: Any = None, *, X_val: Any = None, y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Any:  # fmt: skip
        """Boost trees on X and y.

        Parameters
        ----------
        X : array-like, frame or sparse matrix of shape (n_samples, n_features)
            NaN is missing; strings and categoricals of a frame are categories. A sparse zero is a zero.
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), optional
            Weight 0 leaves a row out.
        monitor : function of (round, estimator, dict), optional
            Called after each round; the estimator can predict, and True stops the fit.
        X_val, y_val, sample_weight_val : optional
            Rows for `n_iter_no_change` to watch, instead of some of X.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            What is wrong with a parameter or the data, before any work.
        """
        if self.criterion != "deprecated":
            warnings.warn(
                "The parameter `criterion` has no effect: trees reduce the squared error of the negative gradient. "
                "scikit-learn removes it in 1.11; leave it at its default.",
                FutureWarning, stacklevel=2,
            )  # fmt: skip
        fit_gradient(self, X, y, sample_weight, monitor, (X_val, y_val, sample_weight_val))
        return self

    def _check_init(self) -> None:
        check_init(self, self._init_method)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = True
        return tags


class GradientBoostingRegressor(RegressorMixin, _GradientBoosting):
    """First-order gradient boosting for numbers, with scikit-learn's parameters.

    Each round grows a regression tree on  -dL/draw  of every row, and then gives each leaf the value v with the
    smallest  sum_i w_i L(y_i, raw_i + v)  over its rows: the mean, the median or the quantile of the residuals.

    Parameters
    ----------
    loss : {"squared_error", "absolute_error", "huber", "quantile"}, default="squared_error"
    alpha : float in (0, 1), default=0.9
        The quantile to predict with loss="quantile"; with "huber", the share of residuals that are no outliers.
    **others
        As :class:`fastml.ensemble.gradient_parameters.GradientParameters` lists them.

    Attributes
    ----------
    estimators_ : (n_rounds, 1) views of the trees
    forest_ : Forest
    n_estimators_ : rounds in the model
    train_score_ : (n_rounds,) loss of the rows that the round saw; twice the half squared error
    oob_improvement_, oob_scores_, oob_score_ : with subsample < 1, of the other rows
    feature_importances_ : (n_features,)
    init_, max_features_, n_features_in_, feature_names_in_
    stop_reason_ : None, "early_stopping", "max_time", "interrupt" or "callback"

    Notes
    -----
    O(rounds * n_samples * n_features * depth / 2) at most; "absolute_error", "huber" and "quantile" sort the
    residuals each round. The same bits for any number of threads. Source: Friedman 2001.
    """

    _parameter_constraints = GRADIENT_CONSTRAINTS | {
        "loss": [StrOptions({"squared_error", "absolute_error", "huber", "quantile"})],
        "alpha": [Interval(Real, 0.0, 1.0, closed="neither")],
    }

    def __init__(
        self, *, loss: str = "squared_error", learning_rate: float = 0.1, n_estimators: int = 100,
        subsample: float = 1.0, criterion: str = "deprecated", min_samples_split: float = 2,
        min_samples_leaf: float = 1, min_weight_fraction_leaf: float = 0.0, max_depth: int | None = 3,
        min_impurity_decrease: float = 0.0, init: Any = None, random_state: Any = None, max_features: Any = None,
        alpha: float = 0.9, verbose: int = 0, max_leaf_nodes: int | None = None, warm_start: bool = False,
        validation_fraction: float = 0.1, n_iter_no_change: int | None = None, tol: float = 1e-4,
        ccp_alpha: float = 0.0, tree_method: str = "hist", max_bin: int = 255, categorical_features: Any = "auto",
        unseen: str = "missing", refit: bool = False, max_time: float | None = None, callbacks: Any = None,
        n_jobs: int | None = None, interaction_cst: Any = None,
    ) -> None:  # fmt: skip
        self.loss = loss
        self.learning_rate = learning_rate
        self.n_estimators = n_estimators
        self.subsample = subsample
        self.criterion = criterion
        self.min_samples_split = min_samples_split
        self.min_samples_leaf = min_samples_leaf
        self.min_weight_fraction_leaf = min_weight_fraction_leaf
        self.max_depth = max_depth
        self.min_impurity_decrease = min_impurity_decrease
        self.init = init
        self.random_state = random_state
        self.max_features = max_features
        self.alpha = alpha
        self.verbose = verbose
        self.max_leaf_nodes = max_leaf_nodes
        self.warm_start = warm_start
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.ccp_alpha = ccp_alpha
        self.tree_method = tree_method
        self.max_bin = max_bin
        self.categorical_features = categorical_features
        self.unseen = unseen
        self.refit = refit
        self.max_time = max_time
        self.callbacks = callbacks
        self.n_jobs = n_jobs
        self.interaction_cst = interaction_cst

    def _target(self, y: Any, weight: NDArray[np.float64] | None, known: bool) -> NDArray[np.float64]:
        losses: dict[str, Any] = {
            "squared_error": SquaredError, "absolute_error": AbsoluteError,
            "huber": lambda: Huber(self.alpha), "quantile": lambda: Quantile(self.alpha),
        }  # fmt: skip
        self._loss: Loss = losses[self.loss]()
        return encode_numbers(y, self)

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Predictions, (n_samples,)."""
        return self._raw(X)[0]

    def staged_predict(self, X: Any) -> Iterator[NDArray[np.float64]]:
        """Predictions after each round, (n_samples,)."""
        for raw in self._staged_raw(X):
            yield raw[0].copy()

    def apply(self, X: Any) -> NDArray[np.int32]:
        """Node in which each row ends in each tree, (n_samples, n_rounds)."""
        return self._leaves(X)[:, :, 0]


class GradientBoostingClassifier(ClassifierMixin, _GradientBoosting):
    """First-order gradient boosting for classes, with scikit-learn's parameters.

    Each round grows a regression tree on  -dL/draw  of every row, one a class where there are more than two, and then
    gives each leaf one Newton step  -sum_i w_i g_i / sum_i w_i h_i  with g, h the loss's first and second derivatives.

    Parameters
    ----------
    loss : {"log_loss", "exponential"}, default="log_loss"
    **others
        As :class:`fastml.ensemble.gradient_parameters.GradientParameters` lists them.

    Attributes
    ----------
    classes_, n_classes_
    estimators_ : (n_rounds, n_classes) views of the trees, (n_rounds, 1) for two classes
    forest_ : Forest
    n_estimators_ : rounds in the model
    train_score_ : (n_rounds,) loss of the rows that the round saw; twice the log loss for two classes
    oob_improvement_, oob_scores_, oob_score_ : with subsample < 1, of the other rows
    feature_importances_ : (n_features,)
    init_, max_features_, n_features_in_, feature_names_in_
    stop_reason_ : None, "early_stopping", "max_time", "interrupt" or "callback"

    Notes
    -----
    O(rounds * n_outputs * n_samples * n_features * depth / 2) at most. The same bits for any number of threads.
    Sources: Friedman 2001; Friedman, Hastie and Tibshirani 2000.
    """

    _parameter_constraints = GRADIENT_CONSTRAINTS | {"loss": [StrOptions({"log_loss", "exponential"})]}
    _init_method = "predict_proba"
    classes_: NDArray[Any]

    def __init__(
        self, *, loss: str = "log_loss", learning_rate: float = 0.1, n_estimators: int = 100, subsample: float = 1.0,
        criterion: str = "deprecated", min_samples_split: float = 2, min_samples_leaf: float = 1,
        min_weight_fraction_leaf: float = 0.0, max_depth: int | None = 3, min_impurity_decrease: float = 0.0,
        init: Any = None, random_state: Any = None, max_features: Any = None, verbose: int = 0,
        max_leaf_nodes: int | None = None, warm_start: bool = False, validation_fraction: float = 0.1,
        n_iter_no_change: int | None = None, tol: float = 1e-4, ccp_alpha: float = 0.0, tree_method: str = "hist",
        max_bin: int = 255, categorical_features: Any = "auto", unseen: str = "missing", refit: bool = False,
        max_time: float | None = None, callbacks: Any = None, n_jobs: int | None = None, interaction_cst: Any = None,
    ) -> None:  # fmt: skip
        self.loss = loss
        self.learning_rate = learning_rate
        self.n_estimators = n_estimators
        self.subsample = subsample
        self.criterion = criterion
        self.min_samples_split = min_samples_split
        self.min_samples_leaf = min_samples_leaf
        self.min_weight_fraction_leaf = min_weight_fraction_leaf
        self.max_depth = max_depth
        self.min_impurity_decrease = min_impurity_decrease
        self.init = init
        self.random_state = random_state
        self.max_features = max_features
        self.verbose = verbose
        self.max_leaf_nodes = max_leaf_nodes
        self.warm_start = warm_start
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.ccp_alpha = ccp_alpha
        self.tree_method = tree_method
        self.max_bin = max_bin
        self.categorical_features = categorical_features
        self.unseen = unseen
        self.refit = refit
        self.max_time = max_time
        self.callbacks = callbacks
        self.n_jobs = n_jobs
        self.interaction_cst = interaction_cst

    def _target(self, y: Any, weight: NDArray[np.float64] | None, known: bool) -> NDArray[np.float32]:
        """Class numbers; the classes are those of y, or `known` from the fit."""
        if known:
            return encode_known(y, self.classes_, self).astype(np.float32)
        codes, classes = encode_labels(y, self)
        if weight is None or len(weight) == len(codes):
            n_left = np.count_nonzero(np.bincount(codes, weights=weight))
            if n_left < 2:
                raise ValueError(
                    f"y contains {n_left} class after sample_weight trimmed classes with zero weights, while a "
                    "minimum of 2 classes are required."
                )
        if self.loss == "exponential" and len(classes) > 2:
            raise ValueError(
                f"loss='exponential' is only suitable for a binary classification problem, while y has {len(classes)} "
                "classes: use loss='log_loss'"
            )
        self.classes_, self.n_classes_ = classes, len(classes)
        one_tree = Exponential() if self.loss == "exponential" else BinaryLogistic()
        self._loss: Loss = one_tree if len(classes) == 2 else Softmax(len(classes))
        return codes.astype(np.float32)

    def _probabilities(self, raw: NDArray[np.float64]) -> NDArray[np.float64]:
        if len(raw) > 1:
            return np.ascontiguousarray(softmax(raw).T)
        p = logistic(2.0 * raw[0] if self.loss == "exponential" else raw[0])
        return np.stack([1.0 - p, p], axis=1)

    def _labels(self, raw: NDArray[np.float64]) -> NDArray[Any]:
        return self.classes_[(raw[0] >= 0).astype(np.intp) if len(raw) == 1 else raw.argmax(axis=0)]

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Raw scores: (n_samples,) for two classes, (n_samples, n_classes) for more."""
        raw = self._raw(X)
        return raw[0] if len(raw) == 1 else np.ascontiguousarray(raw.T)

    def predict(self, X: Any) -> NDArray[Any]:
        """The most probable class of each row."""
        return self._labels(self._raw(X))

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Probabilities of the classes, (n_samples, n_classes), in the order of `classes_`."""
        return self._probabilities(self._raw(X))

    def predict_log_proba(self, X: Any) -> NDArray[np.float64]:
        """Logarithms of the probabilities."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def staged_decision_function(self, X: Any) -> Iterator[NDArray[np.float64]]:
        """Raw scores after each round, (n_samples, n_classes), or (n_samples, 1) for two classes."""
        for raw in self._staged_raw(X):
            yield raw.T.copy()

    def staged_predict(self, X: Any) -> Iterator[NDArray[Any]]:
        """Classes after each round, (n_samples,)."""
        for raw in self._staged_raw(X):
            yield self._labels(raw)

    def staged_predict_proba(self, X: Any) -> Iterator[NDArray[np.float64]]:
        """Probabilities after each round, (n_samples, n_classes)."""
        for raw in self._staged_raw(X):
            yield self._probabilities(raw)

    def apply(self, X: Any) -> NDArray[np.int32]:
        """Node in which each row ends in each tree, (n_samples, n_rounds, n_classes), or 1 for two classes."""
        return self._leaves(X)
