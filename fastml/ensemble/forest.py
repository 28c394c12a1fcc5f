"""RandomForest and ExtraTrees, for classes and for numbers, with scikit-learn's parameters."""

from __future__ import annotations

from typing import Any

from fastml.ensemble.forest_base import FittableForestClassifier, FittableForestRegressor
from fastml.tree.cart import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier, ExtraTreeRegressor

__all__ = ["ExtraTreesClassifier", "ExtraTreesRegressor", "RandomForestClassifier", "RandomForestRegressor"]


class RandomForestClassifier(FittableForestClassifier):
    """A forest of decision trees for classes, with scikit-learn's parameters.

    Each tree sees rows drawn with replacement, and each of its splits looks at some columns drawn at random; the forest
    says the mean of the trees' shares of the classes.

    Parameters
    ----------
    criterion : {"gini", "entropy", "log_loss"} or callable, default="gini"
    class_weight : dict, list of dicts, "balanced", "balanced_subsample" or None
        "balanced_subsample" weighs classes by the rows that each tree sees.
    **others
        As :class:`fastml.ensemble.forest_parameters.ForestParameters` lists them.

    Attributes
    ----------
    classes_, n_classes_, n_outputs_, n_features_in_, feature_names_in_, max_features_
    estimators_ : the trees, made when they are asked for
    feature_importances_ : (n_features,), see `importance`
    oob_score_, oob_decision_function_ : with oob_score.  oob_curve_ : (k, 2), out-of-bag score after so many trees
    stop_reason_ : None, "early_stopping", "callback" or "interrupt"

    Notes
    -----
    O(max_features * n_samples * depth) a tree. The same bits for any number of threads. Ctrl-C ends the fit with the
    trees so far. Source: Breiman 2001, Random forests.
    """

    def __init__(
        self, n_estimators: int = 100, *, criterion: Any = "gini", max_depth: int | None = None,
        min_samples_split: float = 2, min_samples_leaf: float = 1, min_weight_fraction_leaf: float = 0.0,
        max_features: Any = "sqrt", max_leaf_nodes: int | None = None, min_impurity_decrease: float = 0.0,
        bootstrap: bool = True, oob_score: Any = False, n_jobs: int | None = None, random_state: Any = None,
        verbose: int = 0, warm_start: bool = False, class_weight: Any = None, ccp_alpha: float = 0.0,
        max_samples: Any = None, monotonic_cst: Any = None, patience: int | None = None, tol: float = 1e-4,
        importance: str = "impurity", categorical_features: Any = "auto",
        unseen: str = "missing", interaction_cst: Any = None, max_bins: int | None = None,
    ) -> None:  # fmt: skip
        self.n_estimators = n_estimators
        self.criterion = criterion
        self.max_depth = max_depth
        self.min_samples_split = min_samples_split
        self.min_samples_leaf = min_samples_leaf
        self.min_weight_fraction_leaf = min_weight_fraction_leaf
        self.max_features = max_features
        self.max_leaf_nodes = max_leaf_nodes
        self.min_impurity_decrease = min_impurity_decrease
        self.bootstrap = bootstrap
        self.oob_score = oob_score
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose
        self.warm_start = warm_start
        self.class_weight = class_weight
        self.ccp_alpha = ccp_alpha
        self.max_samples = max_samples
        self.monotonic_cst = monotonic_cst
        self.patience = patience
        self.tol = tol
        self.importance = importance
        self.categorical_features = categorical_features
        self.unseen = unseen
        self.interaction_cst = interaction_cst
        self.max_bins = max_bins

    def _member(self) -> Any:
        return DecisionTreeClassifier(**self._tree_parameters())


class RandomForestRegressor(FittableForestRegressor):
    """A forest of decision trees for numbers, with scikit-learn's parameters.

    As :class:`RandomForestClassifier`; the forest says the mean of the trees' predictions, and quantiles with
    ``keep_targets=True``.

    Parameters
    ----------
    criterion : {"squared_error", "absolute_error", "poisson", "friedman_mse"} or callable, default="squared_error"
    **others
        As :class:`fastml.ensemble.forest_parameters.ForestParameters` lists them.

    Attributes
    ----------
    n_outputs_, n_features_in_, feature_names_in_, max_features_
    estimators_ : the trees, made when they are asked for
    feature_importances_ : (n_features,), see `importance`
    oob_score_, oob_prediction_ : with oob_score.  oob_curve_ : (k, 2), out-of-bag score after so many trees
    stop_reason_ : None, "early_stopping", "callback" or "interrupt"

    Notes
    -----
    O(max_features * n_samples * depth) a tree. The same bits for any number of threads. Ctrl-C ends the fit with the
    trees so far. Source: Breiman 2001, Random forests.
    """

    def __init__(
        self, n_estimators: int = 100, *, criterion: Any = "squared_error", max_depth: int | None = None,
        min_samples_split: float = 2, min_samples_leaf: float = 1, min_weight_fraction_leaf: float = 0.0,
        max_features: Any = 1.0, max_leaf_nodes: int | None = None, min_impurity_decrease: float = 0.0,
        bootstrap: bool = True, oob_score: Any = False, n_jobs: int | None = None, random_state: Any = None,
        verbose: int = 0, warm_start: bool = False, ccp_alpha: float = 0.0,
        max_samples: Any = None, monotonic_cst: Any = None, patience: int | None = None, tol: float = 1e-4,
        importance: str = "impurity", keep_targets: bool = False, categorical_features: Any = "auto",
        unseen: str = "missing", interaction_cst: Any = None, max_bins: int | None = None,
    ) -> None:  # fmt: skip
        self.n_estimators = n_estimators
        self.criterion = criterion
        self.max_depth = max_depth
        self.min_samples_split = min_samples_split
        self.min_samples_leaf = min_samples_leaf
        self.min_weight_fraction_leaf = min_weight_fraction_leaf
        self.max_features = max_features
        self.max_leaf_nodes = max_leaf_nodes
        self.min_impurity_decrease = min_impurity_decrease
        self.bootstrap = bootstrap
        self.oob_score = oob_score
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose
        self.warm_start = warm_start
        self.ccp_alpha = ccp_alpha
        self.max_samples = max_samples
        self.monotonic_cst = monotonic_cst
        self.patience = patience
        self.tol = tol
        self.importance = importance
        self.keep_targets = keep_targets
        self.categorical_features = categorical_features
        self.unseen = unseen
        self.interaction_cst = interaction_cst
        self.max_bins = max_bins

    def _member(self) -> Any:
        return DecisionTreeRegressor(**self._tree_parameters())


class ExtraTreesClassifier(FittableForestClassifier):
    """A forest of extremely random trees for classes, with scikit-learn's parameters.

    Each split looks at one random threshold of each column drawn. Trees see all rows unless bootstrap is asked for.

    Parameters
    ----------
    criterion : {"gini", "entropy", "log_loss"} or callable, default="gini"
    class_weight : dict, list of dicts, "balanced", "balanced_subsample" or None
        "balanced_subsample" weighs classes by the rows that each tree sees.
    **others
        As :class:`fastml.ensemble.forest_parameters.ForestParameters` lists them.

    Attributes
    ----------
    classes_, n_classes_, n_outputs_, n_features_in_, feature_names_in_, max_features_
    estimators_ : the trees, made when they are asked for
    feature_importances_ : (n_features,), see `importance`
    oob_score_, oob_decision_function_ : with oob_score.  oob_curve_ : (k, 2), out-of-bag score after so many trees
    stop_reason_ : None, "early_stopping", "callback" or "interrupt"

    Notes
    -----
    O(max_features * n_samples * depth) a tree. The same bits for any number of threads. Ctrl-C ends the fit with the
    trees so far. Source: Geurts, Ernst, Wehenkel 2006,
    Extremely randomized trees.
    """

    splitter = "random"

    def __init__(
        self, n_estimators: int = 100, *, criterion: Any = "gini", max_depth: int | None = None,
        min_samples_split: float = 2, min_samples_leaf: float = 1, min_weight_fraction_leaf: float = 0.0,
        max_features: Any = "sqrt", max_leaf_nodes: int | None = None, min_impurity_decrease: float = 0.0,
        bootstrap: bool = False, oob_score: Any = False, n_jobs: int | None = None, random_state: Any = None,
        verbose: int = 0, warm_start: bool = False, class_weight: Any = None, ccp_alpha: float = 0.0,
        max_samples: Any = None, monotonic_cst: Any = None, patience: int | None = None, tol: float = 1e-4,
        importance: str = "impurity", categorical_features: Any = "auto",
        unseen: str = "missing", interaction_cst: Any = None, max_bins: int | None = None,
    ) -> None:  # fmt: skip
        self.n_estimators = n_estimators
        self.criterion = criterion
        self.max_depth = max_depth
        self.min_samples_split = min_samples_split
        self.min_samples_leaf = min_samples_leaf
        self.min_weight_fraction_leaf = min_weight_fraction_leaf
        self.max_features = max_features
        self.max_leaf_nodes = max_leaf_nodes
        self.min_impurity_decrease = min_impurity_decrease
        self.bootstrap = bootstrap
        self.oob_score = oob_score
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose
        self.warm_start = warm_start
        self.class_weight = class_weight
        self.ccp_alpha = ccp_alpha
        self.max_samples = max_samples
        self.monotonic_cst = monotonic_cst
        self.patience = patience
        self.tol = tol
        self.importance = importance
        self.categorical_features = categorical_features
        self.unseen = unseen
        self.interaction_cst = interaction_cst
        self.max_bins = max_bins

    def _member(self) -> Any:
        return ExtraTreeClassifier(**self._tree_parameters())


class ExtraTreesRegressor(FittableForestRegressor):
    """A forest of extremely random trees for numbers, with scikit-learn's parameters.

    As :class:`ExtraTreesClassifier`; the forest says the mean of the trees' predictions, and quantiles with
    ``keep_targets=True``.

    Parameters
    ----------
    criterion : {"squared_error", "absolute_error", "poisson", "friedman_mse"} or callable, default="squared_error"
    **others
        As :class:`fastml.ensemble.forest_parameters.ForestParameters` lists them.

    Attributes
    ----------
    n_outputs_, n_features_in_, feature_names_in_, max_features_
    estimators_ : the trees, made when they are asked for
    feature_importances_ : (n_features,), see `importance`
    oob_score_, oob_prediction_ : with oob_score.  oob_curve_ : (k, 2), out-of-bag score after so many trees
    stop_reason_ : None, "early_stopping", "callback" or "interrupt"

    Notes
    -----
    O(max_features * n_samples * depth) a tree. The same bits for any number of threads. Ctrl-C ends the fit with the
    trees so far. Source: Geurts, Ernst, Wehenkel 2006,
    Extremely randomized trees.
    """

    splitter = "random"

    def __init__(
        self, n_estimators: int = 100, *, criterion: Any = "squared_error", max_depth: int | None = None,
        min_samples_split: float = 2, min_samples_leaf: float = 1, min_weight_fraction_leaf: float = 0.0,
        max_features: Any = 1.0, max_leaf_nodes: int | None = None, min_impurity_decrease: float = 0.0,
        bootstrap: bool = False, oob_score: Any = False, n_jobs: int | None = None, random_state: Any = None,
        verbose: int = 0, warm_start: bool = False, ccp_alpha: float = 0.0,
        max_samples: Any = None, monotonic_cst: Any = None, patience: int | None = None, tol: float = 1e-4,
        importance: str = "impurity", keep_targets: bool = False, categorical_features: Any = "auto",
        unseen: str = "missing", interaction_cst: Any = None, max_bins: int | None = None,
    ) -> None:  # fmt: skip
        self.n_estimators = n_estimators
        self.criterion = criterion
        self.max_depth = max_depth
        self.min_samples_split = min_samples_split
        self.min_samples_leaf = min_samples_leaf
        self.min_weight_fraction_leaf = min_weight_fraction_leaf
        self.max_features = max_features
        self.max_leaf_nodes = max_leaf_nodes
        self.min_impurity_decrease = min_impurity_decrease
        self.bootstrap = bootstrap
        self.oob_score = oob_score
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose
        self.warm_start = warm_start
        self.ccp_alpha = ccp_alpha
        self.max_samples = max_samples
        self.monotonic_cst = monotonic_cst
        self.patience = patience
        self.tol = tol
        self.importance = importance
        self.keep_targets = keep_targets
        self.categorical_features = categorical_features
        self.unseen = unseen
        self.interaction_cst = interaction_cst
        self.max_bins = max_bins

    def _member(self) -> Any:
        return ExtraTreeRegressor(**self._tree_parameters())
