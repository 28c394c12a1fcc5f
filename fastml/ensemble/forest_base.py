"""What all forests share: the fit, for classes and for numbers."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml.base import (
    BaseEstimator,
    CallbackSupport,
    ClassifierMixin,
    RegressorMixin,
    StrOptions,
    check_random_state,
    fit_tasks,
)
from fastml.data.frames import Table
from fastml.data.validation import check_finite, check_parameters, check_same_length, fit_table
from fastml.data.weights import check_sample_weight
from fastml.ensemble.averaged_forest import joined
from fastml.ensemble.forest_classes import ForestClassifierResults
from fastml.ensemble.forest_fit import Growth, OutOfBag, grow_forest
from fastml.ensemble.forest_numbers import ForestRegressorResults, LeafTargets
from fastml.ensemble.forest_parameters import FOREST_CONSTRAINTS, FOREST_NOTES, ForestParameters, in_units
from fastml.ensemble.forest_results import ForestResults
from fastml.ensemble.rounds import Rounds
from fastml.threads import effective_threads
from fastml.tree.cart import DecisionTreeRegressor
from fastml.tree.criteria import Criterion, criterion_of_classes, criterion_of_numbers
from fastml.tree.ranked_columns import RankedColumns
from fastml.tree.targets import centre_of, check_counts, encode_classes, encode_numbers, weights_of_rows

MAX_INT = np.iinfo(np.int32).max


class FittableForest(ForestParameters, ForestResults, CallbackSupport, BaseEstimator):
    """What all four share."""

    _parameter_notes = FOREST_NOTES
    _parameter_constraints = FOREST_CONSTRAINTS
    splitter = "best"
    stop_reason_: str | None

    def _open(self, X: Any, y: Any, sample_weight: Any) -> tuple[Table, NDArray[np.float64] | None]:
        """X as columns, and the weights; what is wrong with them or the parameters is said before any work."""
        check_parameters(self)
        if hasattr(y, "tocsr"):
            raise ValueError("sparse multilabel-indicator for y is not supported.")
        self._check_bagging()
        table = fit_table(self, X, categorical=self.categorical_features, unseen=self.unseen)
        check_finite(table)
        return table, check_sample_weight(sample_weight, table.n_samples)

    def _tree_parameters(self) -> dict[str, Any]:
        """Those that a tree of the forest has too."""
        own = self.get_params(deep=False)
        weight = {} if own.get("class_weight") == "balanced_subsample" else {"class_weight": own.get("class_weight")}
        names = set(DecisionTreeRegressor._get_param_names()) & set(own)
        return {name: own[name] for name in names} | (weight if "class_weight" in own else {})

    def _grow(
        self, X: Any, y: Any, table: Table, weight: NDArray[np.float64] | None, n_classes: tuple[int, ...],
        centre: NDArray[np.float64], criterion: Criterion, target: dict[str, Any], balanced: bool = False,
    ) -> Any:  # fmt: skip
        """The trees, on what is checked."""
        n = table.n_samples
        if self.bootstrap and weight is not None:
            weight = in_units(weight)
        n_draws = self._n_draws(n, weight)
        before = self._forest if self.warm_start and hasattr(self, "_forest") else None
        n_before = before.n_trees if before is not None else 0
        if self.n_estimators < n_before:
            raise ValueError(
                f"n_estimators={self.n_estimators} must be larger or equal to len(estimators_)={n_before} when "
                "warm_start==True"
            )
        if before is not None and self.n_estimators == n_before:
            warnings.warn("Warm-start fitting without increasing n_estimators does not fit new trees.", stacklevel=3)
            if not self.oob_score or hasattr(self, "oob_score_"):
                return self
        if before is not None and (before.n_classes, before.n_features) != (n_classes, self.n_features_in_):
            raise ValueError(
                f"warm_start=True found a forest of {before.n_features} columns and {before.n_classes} classes, and "
                f"now there are {self.n_features_in_} and {n_classes}: fit on the same columns and classes"
            )
        options = self._grow_options(n, float(n_draws or (n if weight is None else weight.sum())))
        options |= {"seed": 0, **self._interactions()}
        seeds = check_random_state(self.random_state).randint(MAX_INT, size=self.n_estimators)
        growth = self._growth(table, weight, n_draws, n_classes, centre, criterion, target, options, balanced)
        threads = effective_threads(self.n_jobs, 40.0 * n * self.n_estimators)
        oob = None
        if self.oob_score or self.patience is not None:
            oob = OutOfBag(growth, table.matrix(), self._oob_scorer(), threads)
            if before is not None:
                oob.add(before, seeds[:n_before], self.n_estimators + 1, 0)
        stop = self._stopped if self.patience is not None else None
        with (
            fit_tasks(self, self.n_estimators - n_before, X=X, y=y) as tasks,
            Rounds(self.n_estimators - n_before, start=n_before, estimator=self, tasks=tasks,
                   verbose=self.verbose) as loop,
        ):  # fmt: skip
            parts = grow_forest(growth, seeds[n_before:], loop, oob, threads, stop, n_before)
        forest = joined(([before] if before is not None else []) + parts)
        self._keep(forest, seeds[: forest.n_trees], growth, oob)
        self.stop_reason_ = loop.stop_reason
        return self

    def _growth(
        self, table: Table, weight: NDArray[np.float64] | None, n_draws: int, n_classes: tuple[int, ...],
        centre: NDArray[np.float64], criterion: Criterion, target: dict[str, Any], options: dict[str, Any],
        balanced: bool,
    ) -> Growth:  # fmt: skip
        """What all trees share, with rows in the order of the columns'."""
        classes = "label" in target
        coded = [codes or None for codes in table.is_categorical.tolist()]
        monotone = self._monotone(coded, len(n_classes), max(n_classes) if classes else 0)
        work = 20.0 * table.n_samples * self.max_features_ * self.n_estimators
        columns = RankedColumns.of(table, target["label"] if classes else target["y"], self.n_jobs, work, self.max_bins)
        by_row = [name for name in ("label", "y") if target.get(name) is not None]
        ordered = {
            name: np.ascontiguousarray(value[:, columns.order]) if name in by_row else value
            for name, value in target.items()
        }
        known = {"centre": centre.ravel(), "criterion": criterion.name, "n_classes": n_classes,
                 "n_features": self.n_features_in_, "category_codes": columns.category_codes}  # fmt: skip
        own = None if weight is None else weight[columns.order]
        return Growth(columns, criterion, options, ordered | {"monotone": monotone}, own, n_draws, balanced, known)


class FittableForestClassifier(ClassifierMixin, ForestClassifierResults, FittableForest):
    """A forest for classes."""

    class_weight: Any

    _parameter_constraints = FOREST_CONSTRAINTS | {
        "criterion": [StrOptions({"gini", "entropy", "log_loss"}), callable],
        "class_weight": [StrOptions({"balanced", "balanced_subsample"}), dict, list, None],
    }

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Grow the trees.

        Parameters
        ----------
        X : array-like, frame or sparse matrix of shape (n_samples, n_features)
            Numbers, of which NaN is missing, and categories.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Classes of any kind.
        sample_weight : array-like of shape (n_samples,), optional
            With bootstrap, rows are drawn by their weights; else they weigh so much. Weight 0 leaves a row out.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            What is wrong with a parameter or the data, before any work.
        """
        table, weight = self._open(X, y, sample_weight)
        label, classes = encode_classes(y, self)
        check_same_length(X=table.n_samples, y=label.shape[1])
        by_class, balanced = self.class_weight, False
        if by_class == "balanced_subsample":
            balanced, by_class = bool(self.bootstrap), None if self.bootstrap else "balanced"
        weight = weights_of_rows(by_class, label, classes, weight)
        n_classes = tuple(len(own) for own in classes)
        self.n_outputs_, self._codes = len(classes), label
        self.classes_ = classes[0] if self.n_outputs_ == 1 else classes
        self.n_classes_ = n_classes[0] if self.n_outputs_ == 1 else list(n_classes)
        criterion = criterion_of_classes(self.criterion, label, max(n_classes))
        two = n_classes == (2,) and criterion.own is None
        target = {
            "label": label, "n_classes": max(n_classes), "y": label.astype(np.float64) if two else None,
            "classes_of": np.array(n_classes, np.int32),
        }  # fmt: skip
        if self.warm_start and isinstance(self.class_weight, str):
            warnings.warn(
                f"class_weight={self.class_weight!r} with warm_start=True weighs classes anew in each fit: give the "
                "weights themselves if the data of the fits differ.", stacklevel=2,
            )  # fmt: skip
        try:
            self._grow(X, y, table, weight, n_classes, np.zeros(len(n_classes)), criterion, target, balanced)
            if self.importance != "impurity":
                one_hot = np.concatenate([np.eye(max(n_classes))[own] for own in label], axis=1)
                self._measure(table.matrix(), one_hot, label[0])
        finally:
            del self._codes  # training data are not kept
        return self

    def _tree(self, t: int) -> Any:
        member = super()._tree(t)
        # As in scikit-learn, a tree of a forest says the numbers of the classes.
        numbers = [np.arange(n, dtype=np.float64) for n in self._forest.n_classes]
        member.classes_ = numbers[0] if self.n_outputs_ == 1 else numbers
        member.n_classes_ = self.n_classes_
        return member

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


class FittableForestRegressor(RegressorMixin, ForestRegressorResults, FittableForest):
    """A forest for numbers."""

    _parameter_constraints = FOREST_CONSTRAINTS | {
        "criterion": [StrOptions({"squared_error", "friedman_mse", "absolute_error", "poisson"}), callable],
        "keep_targets": ["boolean"],
    }

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Grow the trees; as for the classifier, with numbers for y."""
        table, weight = self._open(X, y, sample_weight)
        y_rows = encode_numbers(y, self)
        if self.criterion == "poisson":
            check_counts(y_rows, "strictly positive")
        check_same_length(X=table.n_samples, y=y_rows.shape[1])
        criterion = criterion_of_numbers(self.criterion, y_rows)
        centre = centre_of(y_rows, criterion.name)
        self.n_outputs_, self._y = len(y_rows), y_rows
        target = {"y": np.ascontiguousarray(y_rows - centre)}
        try:
            self._grow(X, y, table, weight, (1,) * len(y_rows), centre, criterion, target)
            if self.importance != "impurity":
                self._measure(table.matrix(), y_rows.T - y_rows.mean(axis=1), None)
            if self.keep_targets:
                own = np.ones(table.n_samples) if weight is None else weight
                in_bag = self._in_bag if self.bootstrap else lambda t: own
                threads = effective_threads(self.n_jobs, 30.0 * table.n_samples * self._forest.n_trees)
                self._targets = LeafTargets.of(self._forest, table.matrix(), y_rows, in_bag, threads)
        finally:
            del self._y  # training data are not kept, but for keep_targets
        return self
