"""SVC and NuSVC."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml.svm.base import C_RANGE, NU_RANGE
from fastml.svm.classifier import CLASSIFIER_CONSTRAINTS, SupportVectorClassifier
from fastml.svm.problems import HingeProblem, NuClassProblem, most_nu
from fastml.svm.tasks import Formulation

__all__ = ["SVC", "NuSVC"]

Floats = NDArray[np.float64]


class SVC(SupportVectorClassifier):
    """Support vector classification with a soft margin.

        min over w, b   1/2 |w|^2 + C sum_i weight_i max(0, 1 - y_i f(x_i)),   f(x) = w phi(x) + b,   y_i = 1 or -1

    Parameters
    ----------
    C : float, default=1.0
        The price of a unit of error.
    kernel : {"linear", "poly", "rbf", "sigmoid", "precomputed"} or callable, default="rbf"
        A function gets (X, Z) and gives the matrix K(x_i, z_j); `fastml.jit.compile_kernel` makes one of a function of
        two rows.
    degree : int, default=3
    gamma : {"scale", "auto"} or float, default="scale"
        "scale" is 1 / (n_features * variance of X), "auto" 1 / n_features.
    coef0 : float, default=0.0
    shrinking : bool, default=True
        Set rows aside that stay at a bound; the result is the same to `tol`.
    probability : bool, default=False
        Calibrate by five-fold cross-fitting, which takes about five times as long.
    tol : float, default=1e-3
        The KKT gap at which the solver stops.
    cache_size : float, default=200
        Megabytes for values of the kernel.
    class_weight : dict or "balanced", optional
    verbose : bool or int, default=False
        Print the gap as the solver goes on, or each `verbose`-th time.
    max_iter : int, default=-1
        Steps at most of each problem; -1 is no limit.
    decision_function_shape : {"ovr", "ovo"}, default="ovr"
    break_ties : bool, default=False
    random_state : int, RandomState or None
        Deals the rows to the folds of `probability`.
    multi_class : {"ovo", "ovr"}, default="ovo"
        More than two classes: a problem for each two of them, or for each class one against all others.
    n_jobs : int or None
        Threads; None and -1 are all.
    max_time : float, optional
        Seconds after which the fit ends where it is.
    warm_start : bool, default=False
        Go on from the fit before: of the same rows, whatever changed in C or gamma.
    callbacks : list, optional
        Objects with the methods of `fastml.ensemble.callbacks.TrainingCallback`.

    Attributes
    ----------
    support_, support_vectors_, n_support_, dual_coef_, intercept_, coef_ (linear), classes_, class_weight_,
    fit_status_, shape_fit_, n_iter_, n_features_in_, feature_names_in_ : as scikit-learn has them; against the rest
        dual_coef_ has a row a class
    gap_ : float, the largest KKT gap that is left.  converged_ : bool, whether it is at most tol
    objective_ : (n_problems,) the dual objectives.  n_kernel_rows_ : int, rows of kernel matrices that were computed
    stop_reason_ : None, "max_time", "interrupt" or "callback"

    Notes
    -----
    Sequential minimal optimisation by second order; O(n_samples^2 n_features) or more. Source: Cortes, Vapnik 1995,
    Support-vector networks; Platt 1998; Fan, Chen, Lin 2005.
    """

    _parameter_constraints = CLASSIFIER_CONSTRAINTS | {"C": C_RANGE}

    def __init__(
        self, *, C: float = 1.0, kernel: Any = "rbf", degree: int = 3, gamma: Any = "scale", coef0: float = 0.0,
        shrinking: bool = True, probability: bool = False, tol: float = 1e-3, cache_size: float = 200,
        class_weight: Any = None, verbose: bool | int = False, max_iter: int = -1,
        decision_function_shape: str = "ovr", break_ties: bool = False, random_state: Any = None,
        multi_class: str = "ovo", n_jobs: int | None = None, max_time: float | None = None, warm_start: bool = False,
        callbacks: Any = None,
    ) -> None:  # fmt: skip
        self.C = C
        self.kernel = kernel
        self.degree = degree
        self.gamma = gamma
        self.coef0 = coef0
        self.shrinking = shrinking
        self.probability = probability
        self.tol = tol
        self.cache_size = cache_size
        self.class_weight = class_weight
        self.verbose = verbose
        self.max_iter = max_iter
        self.decision_function_shape = decision_function_shape
        self.break_ties = break_ties
        self.random_state = random_state
        self.multi_class = multi_class
        self.n_jobs = n_jobs
        self.max_time = max_time
        self.warm_start = warm_start
        self.callbacks = callbacks

    def _formulation(self, y: Floats, weight: Floats) -> Formulation:
        return HingeProblem(y, weight, self._bound())


class NuSVC(SupportVectorClassifier):
    """Support vector classification in which `nu` bounds the share of errors.

        min over w, b, rho   1/2 |w|^2 - nu rho + 1/n sum_i weight_i max(0, rho - y_i f(x_i)),   then all is over rho

    Parameters
    ----------
    nu : float in (0, 1], default=0.5
        At most this share of the rows lies inside the margin, at least this share are support vectors. At most twice
        the share of the rarer of two classes: else the problem has no solution.
    class_weight : dict or "balanced", optional
        Weighs the rows of a class; "balanced" makes every nu possible. Where weights leave too little of a class for
        nu, the largest nu that is possible is used, with a warning.
    kernel, degree, gamma, coef0, shrinking, probability, tol, cache_size, verbose, max_iter, decision_function_shape,
    break_ties, random_state, multi_class, n_jobs, max_time, warm_start, callbacks
        As in `SVC`.

    Attributes
    ----------
    As in `SVC`.

    Notes
    -----
    Source: Schoelkopf, Smola, Williamson, Bartlett 2000, New support vector algorithms; Chang, Lin 2001, Training
    nu-support vector classifiers.
    """

    _parameter_constraints = CLASSIFIER_CONSTRAINTS | {"nu": NU_RANGE}

    def __init__(
        self, *, nu: float = 0.5, kernel: Any = "rbf", degree: int = 3, gamma: Any = "scale", coef0: float = 0.0,
        shrinking: bool = True, probability: bool = False, tol: float = 1e-3, cache_size: float = 200,
        class_weight: Any = None, verbose: bool | int = False, max_iter: int = -1,
        decision_function_shape: str = "ovr", break_ties: bool = False, random_state: Any = None,
        multi_class: str = "ovo", n_jobs: int | None = None, max_time: float | None = None, warm_start: bool = False,
        callbacks: Any = None,
    ) -> None:  # fmt: skip
        self.nu = nu
        self.kernel = kernel
        self.degree = degree
        self.gamma = gamma
        self.coef0 = coef0
        self.shrinking = shrinking
        self.probability = probability
        self.tol = tol
        self.cache_size = cache_size
        self.class_weight = class_weight
        self.verbose = verbose
        self.max_iter = max_iter
        self.decision_function_shape = decision_function_shape
        self.break_ties = break_ties
        self.random_state = random_state
        self.multi_class = multi_class
        self.n_jobs = n_jobs
        self.max_time = max_time
        self.warm_start = warm_start
        self.callbacks = callbacks

    def _formulation(self, y: Floats, weight: Floats) -> Formulation:
        return NuClassProblem(y, weight, float(self.nu))

    def _check_weights(self, weight: Floats, codes: NDArray[np.int32]) -> None:
        beyond = self._infeasible(weight * self.class_weight_[codes], codes)
        if beyond:
            most, name, other = min(beyond)
            text = f"nu={self.nu} must be at most {most:.6g}, twice the share of the rarer of class {name} and {other}"
            if self.class_weight is None or self._infeasible(weight, codes):
                raise ValueError(
                    f"specified nu is infeasible: {text}, by weight; class_weight='balanced' lifts the limit"
                )
            warnings.warn(
                f"{text}, by class_weight={self.class_weight!r}: such problems are solved with the largest nu possible",
                UserWarning,
                stacklevel=5,
            )
        super()._check_weights(weight, codes)

    def _infeasible(self, weight: Floats, codes: NDArray[np.int32]) -> list[tuple[float, str, str]]:
        """(largest nu, its class, the other one) of the problems for which nu is too large."""
        count = np.bincount(codes, weights=weight, minlength=len(self.classes_))
        names = [repr(label) for label in self.classes_.tolist()]
        beyond = []
        for i, j in self._decomposition().sides:
            most = most_nu(count[i], count[j] if j >= 0 else count.sum() - count[i])
            if self.nu > most * (1.0 + 1e-12):
                beyond.append((most, names[i], names[j] if j >= 0 else "the rest"))
        return beyond
