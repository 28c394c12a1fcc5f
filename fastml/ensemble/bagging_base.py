"""What bagging for classes and for numbers share: parameters, the fit, the members."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml.base import (
    BaseEstimator,
    CallbackSupport,
    HasMethods,
    Interval,
    MetaEstimatorMixin,
    RealNotInt,
    check_is_fitted,
    check_random_state,
    fit_tasks,
)
from fastml.data.validation import check_finite, check_parameters, predict_table
from fastml.data.weights import check_sample_weight
from fastml.ensemble.averaged_forest import AveragedForest, joined, pruned
from fastml.ensemble.bagged_members import Rows, fit_members, open_rows, out_of_bag
from fastml.ensemble.bagged_trees import BaggedGrowth, growth_for, member_of, open_for_trees
from fastml.ensemble.bagging_draws import Draws
from fastml.ensemble.forest_fit import OutOfBag, grow_forest
from fastml.ensemble.learners import is_our_tree
from fastml.ensemble.rounds import Rounds
from fastml.ensemble.routing import routed, router
from fastml.io import ModelFiles
from fastml.threads import effective_threads

MAX_INT = np.iinfo(np.int32).max

BAGGING_CONSTRAINTS: dict[str, Any] = {
    "estimator": [HasMethods(["fit", "predict"]), None],
    "n_estimators": [Interval(Integral, 1, None, closed="left")],
    "max_samples": [None, Interval(Integral, 1, None, closed="left"), Interval(RealNotInt, 0, 1, closed="right")],
    "max_features": [Interval(Integral, 1, None, closed="left"), Interval(RealNotInt, 0, 1, closed="right")],
    "bootstrap": ["boolean"],
    "bootstrap_features": ["boolean"],
    "oob_score": ["boolean"],
    "warm_start": ["boolean"],
    "n_jobs": [None, Integral],
    "random_state": ["random_state"],
    "verbose": ["verbose"],
}


class Bagging(ModelFiles, CallbackSupport, MetaEstimatorMixin, BaseEstimator):
    """Members fitted on rows and columns drawn for each.

    Parameters
    ----------
    estimator : estimator, or None, default=None
        None is a decision tree. Over trees of this library the columns are sorted once for all members, and frames,
        categories and missing values are what the trees take them for; any other gets arrays, as in scikit-learn.
    n_estimators : int, default=10
    max_samples : int, float or None, default=None
        Rows drawn for each member: as many as there are (where weights count rows, as they count: 1, 2, 2 are five),
        so many, or this share of them (of the sum of weights).
    max_features : int or float, default=1.0
        Columns drawn for each member.
    bootstrap, bootstrap_features : bool, default=True, False
        Draw rows, and columns, with replacement.
    oob_score : bool, default=False
        Predict each row by the members that did not see it.
    warm_start : bool, default=False
        Add members to those that are there, up to n_estimators.
    n_jobs : int or None, default=None
        Threads over trees of this library, all by default; over other estimators joblib's workers, one by default.
    random_state : int, RandomState or None
    verbose : int, default=0
    """

    _parameter_constraints = BAGGING_CONSTRAINTS
    _parameter_notes = {
        "estimator": "it is fitted anew for each member",
        "max_samples": "rows drawn for each member",
        "max_features": "columns drawn for each member",
    }

    estimator: Any
    n_estimators: int
    max_samples: Any
    max_features: Any
    bootstrap: bool
    bootstrap_features: bool
    oob_score: bool
    warm_start: bool
    n_jobs: int | None
    random_state: Any
    verbose: int
    n_features_in_: int
    stop_reason_: str | None
    _draws: Draws
    _seeds: NDArray[np.int64]
    _forest: AveragedForest  # of members that are our trees
    _members: list[Any]  # of others

    def __init__(
        self, estimator: Any = None, n_estimators: int = 10, *, max_samples: Any = None, max_features: Any = 1.0,
        bootstrap: bool = True, bootstrap_features: bool = False, oob_score: bool = False, warm_start: bool = False,
        n_jobs: int | None = None, random_state: Any = None, verbose: int = 0,
    ) -> None:  # fmt: skip
        self.estimator = estimator
        self.n_estimators = n_estimators
        self.max_samples = max_samples
        self.max_features = max_features
        self.bootstrap = bootstrap
        self.bootstrap_features = bootstrap_features
        self.oob_score = oob_score
        self.warm_start = warm_start
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def _get_estimator(self) -> Any:
        """The parameter `estimator`, or the default."""
        raise NotImplementedError

    def _set_oob(self, total: NDArray[np.float64], n_members: NDArray[np.int64]) -> None:
        """Set the attributes of the out-of-bag predictions, of which these are the sums."""
        raise NotImplementedError

    def fit(self, X: Any, y: Any, sample_weight: Any = None, **fit_params: Any) -> Any:
        """Fit the members.

        Parameters
        ----------
        X : array-like, sparse matrix, or over trees of this library a frame, of shape (n_samples, n_features)
        y : array-like of shape (n_samples,); for numbers also (n_samples, n_outputs) where the members take it
        sample_weight : array-like of shape (n_samples,), optional
            Rows are drawn by their weights. Weights that are multiples of a unit act like rows repeated so often.
        **fit_params
            What scikit-learn's metadata routing passes on to the members' fit.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            What is wrong with a parameter or the data, before any work; what a member's fit raises.
        """
        check_parameters(self)
        params = routed(self, "fit", fit_params).get("fit", {})
        template = self._get_estimator()
        trees = is_our_tree(template)
        if trees:
            check_parameters(template)
        n_before = self._check_start(trees)
        before = dict(vars(self))
        self.estimator_ = template
        opened: Rows | BaggedGrowth
        if trees:
            table = open_for_trees(self, X)
            opened = growth_for(self, table, y, check_sample_weight(sample_weight, table.n_samples))
            matrix = table.matrix()
        else:
            opened, matrix = open_rows(self, X, y, sample_weight, params), None
        known = [name for name in ("n_features_in_", "classes_") if n_before and name in before]
        if not all(np.array_equal(before[name], getattr(self, name)) for name in known):
            self.__dict__ = before
            raise ValueError("warm_start=True needs the columns and classes of the fit before: set warm_start=False")
        if sample_weight is not None and not self.bootstrap:
            warnings.warn(
                f"When fitting {type(self).__name__} with sample_weight it is recommended to use bootstrap=True, got "
                f"{self.bootstrap}.", stacklevel=3,
            )  # fmt: skip
        if n_before == self.n_estimators:
            warnings.warn("Warm-start fitting without increasing n_estimators does not fit new trees.", stacklevel=3)
            return self
        return self._run(opened, matrix, n_before, X, y)

    def _check_start(self, trees: bool) -> int:
        """How many members are there already; ValueError where parameters do not go together."""
        if not self.bootstrap and self.oob_score:
            raise ValueError("Out of bag estimation only available if bootstrap=True")
        if self.warm_start and self.oob_score:
            raise ValueError("Out of bag estimate only available if warm_start=False")
        if not self.warm_start or not hasattr(self, "_seeds"):
            return 0
        n_before = len(self._seeds)
        if self.n_estimators < n_before:
            raise ValueError(
                f"n_estimators={self.n_estimators} must be larger or equal to len(estimators_)={n_before} when "
                "warm_start==True"
            )
        if trees != hasattr(self, "_forest"):
            raise ValueError("warm_start=True goes on with members of one kind: set warm_start=False for another one")
        return n_before

    def _run(self, opened: Rows | BaggedGrowth, matrix: Any, n_before: int, X: Any, y: Any) -> Any:
        """Fit what is not there yet, and set the fitted attributes."""
        seeds = check_random_state(self.random_state).randint(MAX_INT, size=self.n_estimators).astype(np.int64)
        if n_before:
            seeds[:n_before] = self._seeds
        n_more, oob = self.n_estimators - n_before, None
        with (
            fit_tasks(self, n_more, X=X, y=y) as tasks,
            Rounds(n_more, start=n_before, estimator=self, tasks=tasks, verbose=self.verbose) as loop,
        ):
            if isinstance(opened, BaggedGrowth):
                if self.oob_score:
                    oob = OutOfBag(opened, matrix, lambda shares: 0.0, opened.threads)
                parts = grow_forest(opened, seeds[n_before:], loop, oob, opened.threads, None, n_before)
            else:
                members = fit_members(self, opened, seeds[n_before:], loop)
        for name in ("oob_score_", "oob_decision_function_", "oob_prediction_", "_trees"):
            self.__dict__.pop(name, None)
        if isinstance(opened, BaggedGrowth):
            grown = joined(parts)
            if grown.n_trees > loop.n_done:  # the loop ended amid a batch
                grown = grown.first(loop.n_done)
                if oob is not None:
                    oob = OutOfBag(opened, matrix, oob.score, opened.threads)
                    oob.add(grown, seeds[: loop.n_done], self.n_estimators + 1, 0)
            grown = pruned(grown, self.estimator_.ccp_alpha, **opened.known)
            self._forest = joined([self._forest, grown]) if n_before else grown
            self.__dict__.pop("_members", None)
            n_members = self._forest.n_trees
        else:
            self._members = (self._members if n_before else []) + members
            self.__dict__.pop("_forest", None)
            n_members = len(self._members)
        self._seeds, self._draws, self.stop_reason_ = seeds[:n_members], opened.draws, loop.stop_reason
        if self.oob_score:
            self._take_oob(*((oob.total, oob.n_trees) if oob is not None else out_of_bag(self, opened)))  # type: ignore[arg-type]
        return self

    def _take_oob(self, total: NDArray[np.float64], n_members: NDArray[np.int64]) -> None:
        if (n_members == 0).any():
            warnings.warn(
                "Some inputs do not have OOB scores. This probably means too few estimators were used to compute any "
                "reliable oob estimates.", stacklevel=5,
            )  # fmt: skip
        self._set_oob(total, n_members)

    def _mean_of_trees(self, X: Any) -> NDArray[np.float64]:
        """(n, width): the mean over our trees of what each row's leaf says."""
        table = predict_table(self, X)
        check_finite(table)
        total = np.zeros((table.n_samples, self._forest.width))
        threads = effective_threads(self.n_jobs, 30.0 * table.n_samples * self._forest.n_trees)
        self._forest.add_shares(table.matrix(), total, n_threads=threads)
        return total / self._forest.n_trees

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_seeds")

    @property
    def estimators_(self) -> list[Any]:
        """The fitted members; trees of this library are made when they are asked for."""
        if not hasattr(self, "_seeds"):
            raise AttributeError(f"{type(self).__name__} is not fitted yet, and has no estimators_: call fit first")
        if hasattr(self, "_members"):
            return self._members
        if "_trees" not in self.__dict__:
            self._trees = [member_of(self, t) for t in range(self._forest.n_trees)]
        return self._trees

    @property
    def estimators_samples_(self) -> list[NDArray[np.int32]]:
        """The rows that each member saw, as often as it saw them."""
        check_is_fitted(self)
        return [self._draws.samples(seed) for seed in self._seeds.tolist()]

    @property
    def estimators_features_(self) -> list[NDArray[np.int64]]:
        """The columns that each member saw."""
        check_is_fitted(self)
        return [self._draws.features(seed) for seed in self._seeds.tolist()]

    def get_metadata_routing(self) -> Any:
        """scikit-learn's router: what each method passes on to the members."""
        return router(self, self._get_estimator())

    def __len__(self) -> int:
        return len(self.estimators_)

    def __getitem__(self, index: int) -> Any:
        return self.estimators_[index]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.estimators_)

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        return {name: value for name, value in state.items() if name != "_trees"}

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import get_tags

        tags, own = super().__sklearn_tags__(), get_tags(self._get_estimator())
        tags.input_tags.sparse = own.input_tags.sparse
        tags.input_tags.allow_nan = own.input_tags.allow_nan
        return tags
