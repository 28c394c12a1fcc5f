"""CART: DecisionTreeClassifier, DecisionTreeRegressor and their random kin, with scikit-learn's parameters."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml.base import BaseEstimator, ClassifierMixin, RegressorMixin, StrOptions
from fastml.data.frames import Table
from fastml.data.validation import check_finite, check_parameters, check_same_length, fit_table
from fastml.data.weights import check_sample_weight
from fastml.interrupts import watched
from fastml.tree.complexity import prune_by_complexity
from fastml.tree.criteria import Criterion, criterion_of_classes, criterion_of_numbers
from fastml.tree.fitted import FittedTree
from fastml.tree.parameters import CART_CONSTRAINTS, CART_NOTES, TreeParameters
from fastml.tree.prunable import PrunableClassifier, PrunableRegressor
from fastml.tree.results import TreeResults
from fastml.tree.sorted_columns import SortedColumns
from fastml.tree.targets import centre_of, check_counts, encode_classes, encode_numbers, weights_of_rows

__all__ = ["DecisionTreeClassifier", "DecisionTreeRegressor", "ExtraTreeClassifier", "ExtraTreeRegressor"]


class _Cart(TreeParameters, TreeResults, BaseEstimator):
    """What all four share."""

    _parameter_notes = CART_NOTES
    _parameter_constraints = CART_CONSTRAINTS

    def _open(self, X: Any) -> Table:
        """X as columns: of numbers, finite or missing, or of categories."""
        table = fit_table(self, X, categorical=self.categorical_features, unseen=self.unseen)
        check_finite(table)
        self._interactions()  # says what is wrong with it
        return table

    def _as(self, other: Any) -> None:
        """Take the columns of an ensemble that opened X for its trees."""
        for name in ("_schema", "n_features_in_", "feature_names_in_"):
            if hasattr(other, name):
                setattr(self, name, getattr(other, name))

    def _grow(
        self, columns: SortedColumns, criterion: Criterion, weight: NDArray[np.float64] | None, in_place: bool,
        **target: Any,
    ) -> Any:  # fmt: skip
        total = float(columns.n_samples) if weight is None else float(weight.sum())
        options = self._grow_options(columns.n_samples, total) | self._interactions()
        # The one split of a stump moves nothing, unless values are missing or columns categorical.
        still = options["max_depth"] == 1 and not columns.moves
        with watched():
            return columns.grower.grow(
                criterion.name, options, weight=weight, in_place=in_place or still, own=criterion.own, **target
            )

    def _take(
        self, columns: SortedColumns, grown: Any, value: NDArray[np.float64], n_classes: tuple[int, ...]
    ) -> None:
        nodes, categories, impurity, n_node_samples, weight, _ = grown
        tree = FittedTree(
            nodes, categories, value, impurity, n_node_samples, weight, n_classes, self.n_features_in_,
            columns.category_codes,
        )  # fmt: skip
        self._fitted = prune_by_complexity(tree, self.ccp_alpha) if self.ccp_alpha > 0 else tree


class _TreeClassifier(ClassifierMixin, PrunableClassifier, _Cart):
    classes_: Any  # an array, or for several outputs a list of them
    n_classes_: Any
    class_weight: Any

    _parameter_constraints = CART_CONSTRAINTS | {
        "criterion": [StrOptions({"gini", "entropy", "log_loss"}), callable],
        "class_weight": [dict, list, StrOptions({"balanced"}), None],
    }

    def fit(self, X: Any, y: Any, sample_weight: Any = None, check_input: bool = True) -> Any:
        """Grow the tree.

        Parameters
        ----------
        X : array-like, frame or sparse matrix of shape (n_samples, n_features)
            Numbers; NaN is missing and goes to the side of each split where it serves best.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Classes of any kind.
        sample_weight : array-like of shape (n_samples,), optional
            Weight 0 leaves a row out.
        check_input : bool
            Without effect: input is always checked.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            What is wrong with a parameter or the data, before any work.
        """
        check_parameters(self)
        table = self._open(X)
        label, classes = encode_classes(y, self)
        check_same_length(X=table.n_samples, y=label.shape[1])
        weight = self._weights(label, classes, check_sample_weight(sample_weight, table.n_samples))
        columns = SortedColumns.of(table, self.n_jobs, self.max_bins)
        return self._fit_classes(columns, label, classes, weight, in_place=True)

    def _fit_classes(
        self, columns: SortedColumns, label: NDArray[np.int32], classes: list[NDArray[Any]],
        weight: NDArray[np.float64] | None, in_place: bool = False,
    ) -> Any:  # fmt: skip
        """Grow on what is checked; in_place: the columns serve no other tree."""
        n_classes = tuple(len(own) for own in classes)
        most = max(n_classes)
        two = len(classes) == 1 and most == 2
        grown = self._grow(
            columns, criterion_of_classes(self.criterion, label, most), weight, in_place, label=label, n_classes=most,
            y=label.astype(np.float64) if two else None,
            monotone=self._monotone(columns.category_codes, len(classes), most),
        )  # fmt: skip
        sums, node_weight = grown[5].reshape(-1, len(classes), most), grown[4]
        self.n_outputs_ = len(classes)
        self.classes_ = classes[0] if self.n_outputs_ == 1 else classes
        self.n_classes_ = most if self.n_outputs_ == 1 else list(n_classes)
        self._take(columns, grown, sums / np.where(node_weight > 0, node_weight, 1.0)[:, None, None], n_classes)
        return self

    def _weights(
        self, label: NDArray[np.int32], classes: list[NDArray[Any]], weight: NDArray[np.float64] | None
    ) -> NDArray[np.float64] | None:
        return weights_of_rows(self.class_weight, label, classes, weight)

    def predict(self, X: Any, check_input: bool = True) -> NDArray[Any]:
        """The most frequent class of each row's leaf, (n_samples,) or (n_samples, n_outputs)."""
        value = self._fitted_values(X)
        if self.n_outputs_ == 1:
            return self.classes_.take(value[:, 0].argmax(axis=1))
        return np.stack([own.take(value[:, k].argmax(axis=1)) for k, own in enumerate(self.classes_)], axis=1)

    def predict_proba(self, X: Any, check_input: bool = True) -> Any:
        """The share of each class in each row's leaf, (n_samples, n_classes); a list of them for several outputs."""
        value = self._fitted_values(X)
        if self.n_outputs_ == 1:
            return value[:, 0]
        return [value[:, k, :n] for k, n in enumerate(self.n_classes_)]

    def predict_log_proba(self, X: Any) -> Any:
        """Logarithms of `predict_proba`."""
        with np.errstate(divide="ignore"):
            proba = self.predict_proba(X)
            return np.log(proba) if self.n_outputs_ == 1 else [np.log(p) for p in proba]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


class _TreeRegressor(RegressorMixin, PrunableRegressor, _Cart):
    _parameter_constraints = CART_CONSTRAINTS | {
        "criterion": [StrOptions({"squared_error", "friedman_mse", "absolute_error", "poisson"}), callable],
    }

    def fit(self, X: Any, y: Any, sample_weight: Any = None, check_input: bool = True) -> Any:
        """Grow the tree; as for the classifier, with numbers for y."""
        check_parameters(self)
        table = self._open(X)
        y = encode_numbers(y, self)
        if self.criterion == "poisson":
            check_counts(y)
        check_same_length(X=table.n_samples, y=y.shape[1])
        weight = check_sample_weight(sample_weight, table.n_samples)
        if self.criterion == "friedman_mse":
            warnings.warn(
                "criterion='friedman_mse' is deprecated, as in scikit-learn 1.9: use 'squared_error'.", FutureWarning,
                stacklevel=2,
            )  # fmt: skip
        return self._fit_numbers(SortedColumns.of(table, self.n_jobs, self.max_bins), y, weight, in_place=True)

    def _fit_numbers(
        self, columns: SortedColumns, y: NDArray[np.float64], weight: NDArray[np.float64] | None, in_place: bool = False
    ) -> Any:
        """Grow on what is checked; in_place: the columns serve no other tree."""
        criterion = criterion_of_numbers(self.criterion, y)
        centre = centre_of(y, criterion.name)
        grown = self._grow(
            columns, criterion, weight, in_place, y=np.ascontiguousarray(y - centre),
            monotone=self._monotone(columns.category_codes, len(y), 0),
        )  # fmt: skip
        node_weight = grown[4]
        self.n_outputs_ = len(y)
        scale = np.ones(1) if criterion.name == "absolute_error" else np.where(node_weight > 0, node_weight, 1.0)
        value = grown[5][:, : len(y)] / scale[:, None] + centre.T
        self._take(columns, grown, value[:, :, None], (1,) * len(y))
        return self

    def predict(self, X: Any, check_input: bool = True) -> NDArray[np.float64]:
        """The mean (absolute_error: the median) of each row's leaf, (n_samples,) or (n_samples, n_outputs)."""
        value = self._fitted_values(X)[:, :, 0]
        return value[:, 0] if self.n_outputs_ == 1 else value


class DecisionTreeClassifier(_TreeClassifier):
    """A decision tree for classes, with scikit-learn's parameters and exact thresholds.

    Each node is split where the impurity of the children, weighted by their rows, is least:
    gini  1 - sum p_k^2,  or entropy  -sum p_k log2 p_k  ("log_loss" is the same).

    Parameters
    ----------
    criterion : {"gini", "entropy", "log_loss"} or callable, default="gini"
        A function of the shares of the classes, (n_classes,) -> impurity, compiled by Numba.
    class_weight : dict, list of dicts, "balanced" or None
    max_bins : int or None, default=None
        Bins of about equally many rows that a column of numbers is cut into, once for the tree; splits lie between
        them. None: every threshold, as for a column of no more values. Weights do not count.
    **others
        As :class:`fastml.tree.parameters.TreeParameters` lists them.

    Attributes
    ----------
    classes_, n_classes_, n_outputs_, n_features_in_, feature_names_in_, max_features_
    tree_ : scikit-learn's `Tree`, made when it is asked for
    feature_importances_ : (n_features,) normalised decrease of the impurity

    Notes
    -----
    O(n_features * n_samples * depth) after sorting each column once; 16 bytes a value of X. Trees equal
    scikit-learn's wherever no tie decides. The same bits for any number of threads. Source: Breiman et al. 1984.
    """

    def __init__(
        self, *, criterion: Any = "gini", splitter: str = "best", max_depth: int | None = None,
        min_samples_split: float = 2, min_samples_leaf: float = 1, min_weight_fraction_leaf: float = 0.0,
        max_features: Any = None, random_state: Any = None, max_leaf_nodes: int | None = None,
        min_impurity_decrease: float = 0.0, class_weight: Any = None, ccp_alpha: float = 0.0,
        monotonic_cst: Any = None, categorical_features: Any = "auto", unseen: str = "missing",
        n_jobs: int | None = None, max_bins: int | None = None, interaction_cst: Any = None,
    ) -> None:  # fmt: skip
        self.criterion = criterion
        self.splitter = splitter
        self.max_depth = max_depth
        self.min_samples_split = min_samples_split
        self.min_samples_leaf = min_samples_leaf
        self.min_weight_fraction_leaf = min_weight_fraction_leaf
        self.max_features = max_features
        self.random_state = random_state
        self.max_leaf_nodes = max_leaf_nodes
        self.min_impurity_decrease = min_impurity_decrease
        self.class_weight = class_weight
        self.ccp_alpha = ccp_alpha
        self.monotonic_cst = monotonic_cst
        self.categorical_features = categorical_features
        self.unseen = unseen
        self.n_jobs = n_jobs
        self.max_bins = max_bins
        self.interaction_cst = interaction_cst


class DecisionTreeRegressor(_TreeRegressor):
    """A decision tree for numbers, with scikit-learn's parameters and exact thresholds.

    Each node is split where the impurity of the children, weighted by their rows, is least: the mean squared error, the
    mean absolute error from the median, or half the Poisson deviance.

    Parameters
    ----------
    criterion : {"squared_error", "absolute_error", "poisson", "friedman_mse"} or callable, default="squared_error"
        A function (weight, sum_wy, sum_wyy) -> impurity, compiled by Numba, of the sums of w, w y and w y^2 of a node.
        "friedman_mse" is deprecated: it chooses the splits of "squared_error".
    max_bins : int or None, default=None
        Bins of about equally many rows that a column of numbers is cut into, once for the tree; splits lie between
        them. None: every threshold, as for a column of no more values. Weights do not count.
    **others
        As :class:`fastml.tree.parameters.TreeParameters` lists them.

    Attributes
    ----------
    n_outputs_, n_features_in_, feature_names_in_, max_features_
    tree_ : scikit-learn's `Tree`, made when it is asked for
    feature_importances_ : (n_features,) normalised decrease of the impurity

    Notes
    -----
    As for :class:`DecisionTreeClassifier`; "absolute_error" takes O(log n_samples) times as long.
    """

    def __init__(
        self, *, criterion: Any = "squared_error", splitter: str = "best", max_depth: int | None = None,
        min_samples_split: float = 2, min_samples_leaf: float = 1, min_weight_fraction_leaf: float = 0.0,
        max_features: Any = None, random_state: Any = None, max_leaf_nodes: int | None = None,
        min_impurity_decrease: float = 0.0, ccp_alpha: float = 0.0, monotonic_cst: Any = None,
        categorical_features: Any = "auto", unseen: str = "missing", n_jobs: int | None = None,
        max_bins: int | None = None, interaction_cst: Any = None,
    ) -> None:  # fmt: skip
        self.criterion = criterion
        self.splitter = splitter
        self.max_depth = max_depth
        self.min_samples_split = min_samples_split
        self.min_samples_leaf = min_samples_leaf
        self.min_weight_fraction_leaf = min_weight_fraction_leaf
        self.max_features = max_features
        self.random_state = random_state
        self.max_leaf_nodes = max_leaf_nodes
        self.min_impurity_decrease = min_impurity_decrease
        self.ccp_alpha = ccp_alpha
        self.monotonic_cst = monotonic_cst
        self.categorical_features = categorical_features
        self.unseen = unseen
        self.n_jobs = n_jobs
        self.max_bins = max_bins
        self.interaction_cst = interaction_cst


class ExtraTreeClassifier(DecisionTreeClassifier):
    """An extremely randomised tree for classes: for each of some columns one random threshold, the best of them.

    Parameters as for :class:`DecisionTreeClassifier`, with other defaults. Source: Geurts, Ernst, Wehenkel 2006.
    """

    def __init__(
        self, *, criterion: Any = "gini", splitter: str = "random", max_depth: int | None = None,
        min_samples_split: float = 2, min_samples_leaf: float = 1, min_weight_fraction_leaf: float = 0.0,
        max_features: Any = "sqrt", random_state: Any = None, max_leaf_nodes: int | None = None,
        min_impurity_decrease: float = 0.0, class_weight: Any = None, ccp_alpha: float = 0.0,
        monotonic_cst: Any = None, categorical_features: Any = "auto", unseen: str = "missing",
        n_jobs: int | None = None, max_bins: int | None = None, interaction_cst: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(
            criterion=criterion, splitter=splitter, max_depth=max_depth, min_samples_split=min_samples_split,
            min_samples_leaf=min_samples_leaf, min_weight_fraction_leaf=min_weight_fraction_leaf,
            max_features=max_features, random_state=random_state, max_leaf_nodes=max_leaf_nodes,
            min_impurity_decrease=min_impurity_decrease, class_weight=class_weight, ccp_alpha=ccp_alpha,
            monotonic_cst=monotonic_cst, categorical_features=categorical_features, unseen=unseen, n_jobs=n_jobs,
            max_bins=max_bins, interaction_cst=interaction_cst,
        )  # fmt: skip


class ExtraTreeRegressor(DecisionTreeRegressor):
    """An extremely randomised tree for numbers: for each of some columns one random threshold, the best of them.

    Parameters as for :class:`DecisionTreeRegressor`, with other defaults. Source: Geurts, Ernst, Wehenkel 2006.
    """

    def __init__(
        self, *, criterion: Any = "squared_error", splitter: str = "random", max_depth: int | None = None,
        min_samples_split: float = 2, min_samples_leaf: float = 1, min_weight_fraction_leaf: float = 0.0,
        max_features: Any = 1.0, random_state: Any = None, max_leaf_nodes: int | None = None,
        min_impurity_decrease: float = 0.0, ccp_alpha: float = 0.0, monotonic_cst: Any = None,
        categorical_features: Any = "auto", unseen: str = "missing", n_jobs: int | None = None,
        max_bins: int | None = None, interaction_cst: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(
            criterion=criterion, splitter=splitter, max_depth=max_depth, min_samples_split=min_samples_split,
            min_samples_leaf=min_samples_leaf, min_weight_fraction_leaf=min_weight_fraction_leaf,
            max_features=max_features, random_state=random_state, max_leaf_nodes=max_leaf_nodes,
            min_impurity_decrease=min_impurity_decrease, ccp_alpha=ccp_alpha, monotonic_cst=monotonic_cst,
            categorical_features=categorical_features, unseen=unseen, n_jobs=n_jobs,
            max_bins=max_bins, interaction_cst=interaction_cst,
        )  # fmt: skip
