"""SVR and NuSVR: a tube around the training rows, of a width that is given or found."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml.base import Interval, RegressorMixin
from fastml.data.encoding import check_target_regression
from fastml.data.validation import check_same_length
from fastml.svm.base import C_RANGE, CONSTRAINTS, NU_RANGE
from fastml.svm.problems import NuTubeProblem, TubeProblem
from fastml.svm.single import SingleMachine
from fastml.svm.tasks import Formulation

__all__ = ["SVR", "NuSVR"]

Floats = NDArray[np.float64]


class _Regressor(RegressorMixin, SingleMachine):
    """What the two share."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Fit to numbers.

        Parameters
        ----------
        X : array-like, frame or sparse matrix of shape (n_samples, n_features); of kernel="precomputed" the square
            matrix K(x_i, x_j); of a kernel of one's own whatever it takes
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), optional
            Multiplies C of each row; rows of weight 0 or less are left out.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            What is wrong with a parameter or the data.

        Warns
        -----
        ConvergenceWarning
            The fit ended above `tol`: max_iter, max_time, or Ctrl-C (then a `FitInterrupted`).
        """
        return self._fit(X, y, sample_weight)

    def _targets(self, y: Any, n_samples: int) -> Floats:
        y = check_target_regression(y, self)
        check_same_length(X=n_samples, y=len(y))
        return y

    def predict(self, X: Any) -> Floats:
        """f(x), (n_samples,). X as for `fit`; of kernel="precomputed" K(x, x_i) of every training row x_i."""
        return self._values(X)[:, 0]


class SVR(_Regressor):
    """Support vector regression: errors beyond epsilon are paid for.

        min over w, b   1/2 |w|^2 + C sum_i weight_i max(0, |y_i - f(x_i)| - epsilon),   f(x) = w phi(x) + b

    Parameters
    ----------
    kernel : {"linear", "poly", "rbf", "sigmoid", "precomputed"} or callable, default="rbf"
        A function gets (X, Z) and gives the matrix K(x_i, z_j); `fastml.jit.compile_kernel` makes one of a function of
        two rows.
    degree : int, default=3
    gamma : {"scale", "auto"} or float, default="scale"
        "scale" is 1 / (n_features * variance of X), "auto" 1 / n_features.
    coef0 : float, default=0.0
    tol : float, default=1e-3
        The KKT gap at which the solver stops, in the unit of y.
    C : float, default=1.0
    epsilon : float, default=0.1
        Half of the tube's width, in the unit of y.
    shrinking : bool, default=True
        Set rows aside that stay at a bound; the result is the same to `tol`.
    cache_size : float, default=200
        Megabytes for values of the kernel.
    verbose : bool or int, default=False
        Print the gap as the solver goes on, or each `verbose`-th time.
    max_iter : int, default=-1
        Steps at most; -1 is no limit.
    n_jobs : int or None
        Threads; None and -1 are all.
    max_time : float, optional
        Seconds after which the fit ends where it is.
    warm_start : bool, default=False
        Go on from the fit before: of the same rows, whatever changed in C, gamma or epsilon.
    callbacks : list, optional
        Objects with the methods of `fastml.ensemble.callbacks.TrainingCallback`.

    Attributes
    ----------
    support_, support_vectors_, n_support_, dual_coef_, intercept_, coef_ (linear), fit_status_, shape_fit_, n_iter_,
    n_features_in_, feature_names_in_ : as scikit-learn has them
    gap_ : float, the KKT gap that is left.  converged_ : bool, whether it is at most tol
    objective_ : (1,) the dual objective.  n_kernel_rows_ : int, rows of the kernel matrix that were computed
    stop_reason_ : None, "max_time", "interrupt" or "callback"

    Notes
    -----
    Sequential minimal optimisation by second order; O(n_samples^2 n_features) or more. Source: Smola and Schoelkopf
    2004, A tutorial on support vector regression; Fan, Chen, Lin 2005.
    """

    _parameter_constraints = CONSTRAINTS | {"C": C_RANGE, "epsilon": [Interval(Real, 0.0, None, closed="left")]}

    def __init__(
        self, *, kernel: Any = "rbf", degree: int = 3, gamma: Any = "scale", coef0: float = 0.0, tol: float = 1e-3,
        C: float = 1.0, epsilon: float = 0.1, shrinking: bool = True, cache_size: float = 200,
        verbose: bool | int = False, max_iter: int = -1, n_jobs: int | None = None, max_time: float | None = None,
        warm_start: bool = False, callbacks: Any = None,
    ) -> None:  # fmt: skip
        self.kernel = kernel
        self.degree = degree
        self.gamma = gamma
        self.coef0 = coef0
        self.tol = tol
        self.C = C
        self.epsilon = epsilon
        self.shrinking = shrinking
        self.cache_size = cache_size
        self.verbose = verbose
        self.max_iter = max_iter
        self.n_jobs = n_jobs
        self.max_time = max_time
        self.warm_start = warm_start
        self.callbacks = callbacks

    def _formulation(self, y: Floats, weight: Floats) -> Formulation:
        return TubeProblem(y, weight, self._bound(), float(self.epsilon))


class NuSVR(_Regressor):
    """Support vector regression whose tube is as wide as `nu` asks: at most that share of the rows lies outside.

        min over w, b, epsilon   1/2 |w|^2 + C (n nu epsilon + sum_i max(0, |y_i - f(x_i)| - epsilon))

    Parameters
    ----------
    nu : float in (0, 1], default=0.5
        At most this share of the rows errs, at least this share are support vectors.
    C : float, default=1.0
    kernel, degree, gamma, coef0, shrinking, tol, cache_size, verbose, max_iter, n_jobs, max_time, warm_start, callbacks
        As in `SVR`.

    Attributes
    ----------
    As in `SVR`.

    Notes
    -----
    Source: Schoelkopf, Smola, Williamson, Bartlett 2000, New support vector algorithms.
    """

    _parameter_constraints = CONSTRAINTS | {"C": C_RANGE, "nu": NU_RANGE}

    def __init__(
        self, *, nu: float = 0.5, C: float = 1.0, kernel: Any = "rbf", degree: int = 3, gamma: Any = "scale",
        coef0: float = 0.0, shrinking: bool = True, tol: float = 1e-3, cache_size: float = 200,
        verbose: bool | int = False, max_iter: int = -1, n_jobs: int | None = None, max_time: float | None = None,
        warm_start: bool = False, callbacks: Any = None,
    ) -> None:  # fmt: skip
        self.nu = nu
        self.C = C
        self.kernel = kernel
        self.degree = degree
        self.gamma = gamma
        self.coef0 = coef0
        self.shrinking = shrinking
        self.tol = tol
        self.cache_size = cache_size
        self.verbose = verbose
        self.max_iter = max_iter
        self.n_jobs = n_jobs
        self.max_time = max_time
        self.warm_start = warm_start
        self.callbacks = callbacks

    def _formulation(self, y: Floats, weight: Floats) -> Formulation:
        before = getattr(self, "_overlap", None) if self.warm_start else None
        overlap = None if before is None or len(before) != len(y) else before * (self._bound() / self._C_of_fit)
        return NuTubeProblem(y, weight, self._bound(), float(self.nu), overlap)
