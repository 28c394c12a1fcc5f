"""What the five machines share: their parameters, the fit in one sentence, attributes laid out as scikit-learn's."""

from __future__ import annotations

import warnings
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml.base import BaseEstimator, CallbackSupport, ConvergenceWarning, Interval, StrOptions, fit_tasks
from fastml.data.validation import check_parameters
from fastml.io import ModelFiles
from fastml.svm.kernels import kernel_of
from fastml.svm.results import MachineResults
from fastml.svm.rows import check_cache, open_fit, row_weights
from fastml.svm.spread import column_moments, warn_of_scales
from fastml.svm.tasks import Answers, Task, solve_tasks
from fastml.svm.watch import GapWatch
from fastml.threads import effective_threads

Floats = NDArray[np.float64]

CONSTRAINTS: dict[str, Any] = {
    "kernel": [StrOptions({"linear", "poly", "rbf", "sigmoid", "precomputed"}), callable],
    "degree": [Interval(Integral, 0, None, closed="left")],
    "gamma": [StrOptions({"scale", "auto"}), Interval(Real, 0.0, None, closed="neither")],
    "coef0": [Interval(Real, None, None, closed="neither")],
    "tol": [Interval(Real, 0.0, None, closed="neither")],
    "shrinking": ["boolean"],
    "cache_size": [Interval(Real, 0, None, closed="neither")],
    "verbose": ["verbose"],
    "max_iter": [Interval(Integral, -1, None, closed="left")],
    "n_jobs": [Integral, None],
    "max_time": [Interval(Real, 0, None, closed="neither"), None],
    "warm_start": ["boolean"],
    "callbacks": [list, tuple, None],
}
C_RANGE = [Interval(Real, 0.0, None, closed="right")]
NU_RANGE = [Interval(Real, 0.0, 1.0, closed="right")]
NOTES = {
    "C": "the price of a unit of error; larger fits the training rows more closely",
    "gamma": "1 / squared unit of the features, how fast the kernel falls with distance",
    "nu": "a share: at most so many rows err, at least so many are support vectors",
    "epsilon": "in the unit of y: smaller errors cost nothing",
    "tol": "the KKT gap at which the solver stops, in the unit of the decision values",
    "cache_size": "megabytes that the solver may use for values of the kernel",
}
LARGEST_C = 1e300  # C = inf would make a bound times 0 no number
MOST_STEPS = 10_000_000  # of one problem without max_iter, or 100 a row, as LIBSVM


class SupportVectorMachine(MachineResults, ModelFiles, CallbackSupport, BaseEstimator):
    """Base of the five estimators."""

    _parameter_constraints = CONSTRAINTS
    _parameter_notes = NOTES

    kernel: Any
    tol: float
    cache_size: float
    verbose: bool | int
    max_iter: int
    n_jobs: int | None
    max_time: float | None
    warm_start: bool
    callbacks: Any
    intercept_: Floats

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.pairwise = self.kernel == "precomputed"
        tags.input_tags.sparse = self.kernel != "precomputed"
        return tags

    def _codes(self) -> NDArray[np.int32]:
        """The class of each training row; one class for all where there are none."""
        raise NotImplementedError

    def _tasks(self, y: Any, weight: Floats) -> list[Task]:
        """The problems of a fit; checks what they ask of y and of the weights."""
        raise NotImplementedError

    def _targets(self, y: Any, n_samples: int) -> Any:
        """y as `_tasks` takes it."""
        raise NotImplementedError

    def _fit(self, X: Any, y: Any, sample_weight: Any) -> Any:
        check_parameters(self)
        rows, n_samples = open_fit(self, X)
        y = self._targets(y, n_samples)
        weight = row_weights(sample_weight, n_samples)
        tasks = self._tasks(y, weight)
        cache = check_cache(self.cache_size, max(len(task.index) for task in tasks))
        warm = self._warm(tasks, n_samples)
        self._prepare(X, rows)
        with (
            fit_tasks(self, None, X=X, y=y) as listeners,
            GapWatch(
                n_problems=len(tasks), verbose=self.verbose, max_time=self.max_time, callbacks=self.callbacks,
                estimator=self, tasks=listeners,
            ) as watch,
        ):  # fmt: skip
            answers = self._solve(rows, tasks, cache, watch, warm)
            self._keep(rows, tasks, answers)
            self._calibrate(rows, y, weight, cache, watch)
        self.stop_reason_ = watch.stop_reason
        self._warn_unless_converged()
        return self

    def _prepare(self, X: Any, rows: Any) -> None:
        """Find the kernel; keep what a prediction needs to know of the fit."""
        user = callable(self.kernel)
        moments = None if user or self.kernel == "precomputed" else column_moments(rows)
        if moments is not None:
            warn_of_scales(moments[1], getattr(self, "feature_names_in_", None), type(self).__name__)
        self._kernel = kernel_of(self, moments, rows.shape[1])
        self._gamma = self._kernel.gamma
        self._sparse = hasattr(rows, "indptr")
        self._X_fit = X if user else None
        self.shape_fit_ = tuple(X.shape) if hasattr(X, "shape") else (rows.shape[0],)

    def _solve(self, rows: Any, tasks: list[Task], cache: int, watch: Any, warm: Any = None) -> Answers:
        n, d = rows.shape
        return solve_tasks(
            rows, tasks, self._kernel, self.tol,
            max_iter=self.max_iter if self.max_iter >= 0 else max(MOST_STEPS, 100 * n),
            n_threads=effective_threads(self.n_jobs, float(n) * n * d), cache_bytes=cache, watch=watch, warm=warm,
        )  # fmt: skip

    def _keep(self, rows: Any, tasks: list[Task], answers: Answers) -> None:
        """The attributes that scikit-learn has, and how far the solver came."""
        fitted = answers.fitted
        index = [task.index for task in tasks]
        layout = self._decomposition().layout(self._codes(), index, [part.beta for part in fitted])
        self.support_, self._n_support, coef = layout
        intercept = np.array([part.intercept for part in fitted])
        if not (np.isfinite(coef).all() and np.isfinite(intercept).all()):
            raise ValueError(
                "The dual coefficients or intercepts are not finite. The input data may contain large values and need "
                "to be preprocessed."
            )
        at = self.support_.astype(np.int64)
        self.support_vectors_ = np.empty((0, 0)) if self._kernel.kind == "precomputed" else rows[at]
        if self._sparse:
            from scipy.sparse import csr_array, csr_matrix

            kind = csr_matrix if isinstance(rows, csr_matrix) else csr_array
            coef = kind(coef)
        self._dual_coef_, self._intercept_ = coef, intercept
        self.dual_coef_, self.intercept_ = self._signed(coef), self._signed(intercept.copy())
        self._scales = np.array([part.scale for part in fitted])
        self._C_of_fit = self._bound()
        self._machine = []
        solutions = answers.solutions
        self.gap_ = float(max(s.gap for s in solutions))
        self.converged_ = all(s.converged for s in solutions)
        self.fit_status_ = int(not self.converged_)
        self.n_kernel_rows_ = int(sum(s.kernel_rows for s in solutions))
        self.objective_ = np.array(answers.objectives)
        self._n_steps = np.array([s.n_steps for s in solutions], dtype=np.int32)
        self.n_iter_: Any = self._n_steps

    def _calibrate(self, rows: Any, y: Any, weight: Floats, cache: int, watch: Any) -> None:
        """Probabilities, where they are asked for."""

    def _warn_unless_converged(self) -> None:
        if self.converged_ or self.stop_reason_ == "interrupt":  # which has said so
            return
        left = f" The KKT gap is {self.gap_:.3g}, above tol={self.tol:g}."
        if self.stop_reason_ is not None:
            limit = f"max_time={self.max_time}" if self.stop_reason_ == "max_time" else self.stop_reason_
            message = f"Solver stopped early ({limit}).{left} warm_start=True goes on from here."
        elif 0 <= self.max_iter <= self._n_steps.max():
            message = (
                f"Solver terminated early (max_iter={self.max_iter}).  Consider pre-processing your data with "
                f"StandardScaler or MinMaxScaler.{left}"
            )
        else:
            message = f"Solver stopped where rounding leaves nothing to gain.{left} Scale X, or use a larger tol."
        warnings.warn(message, ConvergenceWarning, stacklevel=4)

    def _warm(self, tasks: list[Task], n_samples: int) -> list[Floats] | None:
        """Each problem's coefficients of the fit before, by C of now over C of then; None without one."""
        if not self.warm_start or not hasattr(self, "_dual_coef_"):
            return None
        if self.shape_fit_[0] != n_samples or len(self._scales) != len(tasks):
            raise ValueError(
                f"warm_start=True goes on from a fit of {self.shape_fit_[0]} rows and {len(self._scales)} problems; "
                f"these are {n_samples} and {len(tasks)}: fit the same rows again, or set warm_start=False"
            )
        coef, growth, found = self._by_problem(), self._bound() / self._C_of_fit, []
        for k, task in enumerate(tasks):
            row = coef[[k]]
            beta = np.zeros(n_samples)
            beta[self.support_] = np.ravel(row.toarray() if hasattr(row, "toarray") else row)
            found.append(beta[task.index] * (growth * self._scales[k]))
        return found

    def _bound(self) -> float:
        """C as a number that can be multiplied by 0."""
        return min(float(getattr(self, "C", 1.0)), LARGEST_C)
