"""OneClassSVM: the region where most of the rows lie."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml.base import OutlierMixin
from fastml.svm.base import CONSTRAINTS, NU_RANGE
from fastml.svm.problems import SupportProblem
from fastml.svm.single import SingleMachine
from fastml.svm.tasks import Formulation

__all__ = ["OneClassSVM"]

Floats = NDArray[np.float64]


class OneClassSVM(OutlierMixin, SingleMachine):
    """The half space of the kernel's features that holds all but a share `nu` of the rows, as far from 0 as it may be.

        min over w, rho   1/2 |w|^2 - rho sum_i weight_i nu + sum_i weight_i max(0, rho - w phi(x_i))

    Parameters
    ----------
    nu : float in (0, 1], default=0.5
        At most this share of the training rows lies outside, at least this share are support vectors.
    kernel, degree, gamma, coef0, tol, shrinking, cache_size, verbose, max_iter, n_jobs, max_time, warm_start, callbacks
        As in `SVR`.

    Attributes
    ----------
    As in `SVR`, and offset_ : float, -intercept_: decision_function = score_samples - offset_

    Notes
    -----
    Source: Schoelkopf, Platt, Shawe-Taylor, Smola, Williamson 2001, Estimating the support of a high-dimensional
    distribution.
    """

    _parameter_constraints = CONSTRAINTS | {"nu": NU_RANGE}

    def __init__(
        self, *, kernel: Any = "rbf", degree: int = 3, gamma: Any = "scale", coef0: float = 0.0, tol: float = 1e-3,
        nu: float = 0.5, shrinking: bool = True, cache_size: float = 200, verbose: bool | int = False,
        max_iter: int = -1, n_jobs: int | None = None, max_time: float | None = None, warm_start: bool = False,
        callbacks: Any = None,
    ) -> None:  # fmt: skip
        self.kernel = kernel
        self.degree = degree
        self.gamma = gamma
        self.coef0 = coef0
        self.tol = tol
        self.nu = nu
        self.shrinking = shrinking
        self.cache_size = cache_size
        self.verbose = verbose
        self.max_iter = max_iter
        self.n_jobs = n_jobs
        self.max_time = max_time
        self.warm_start = warm_start
        self.callbacks = callbacks

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Any:
        """Fit to rows; y is there for the convention. X and sample_weight as in `SVR.fit`."""
        self._fit(X, None, sample_weight)
        self.offset_ = -self._intercept_
        return self

    def _targets(self, y: Any, n_samples: int) -> None:
        return None

    def _formulation(self, y: Any, weight: Floats) -> Formulation:
        return SupportProblem(weight, float(self.nu))

    def decision_function(self, X: Any) -> Floats:
        """f(x), (n_samples,): above 0 inside."""
        return self._values(X)[:, 0]

    def score_samples(self, X: Any) -> Floats:
        """sum_i alpha_i K(x_i, x), (n_samples,)."""
        return self.decision_function(X) + self.offset_

    def predict(self, X: Any) -> NDArray[np.intp]:
        """1 inside, -1 outside, (n_samples,)."""
        return np.where(self.decision_function(X) > 0, 1, -1).astype(np.intp)
