"""What a fitted machine says of rows, and its attributes that follow from others."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml.base import NotFittedError, check_is_fitted
from fastml.svm.decide import decision
from fastml.svm.kernels import call_kernel
from fastml.svm.pairs import Decomposition
from fastml.svm.rows import open_rows
from fastml.svm.solver import Kernel, Machine
from fastml.threads import effective_threads

Floats = NDArray[np.float64]


class MachineResults:
    """Decision values of every problem, `coef_` and `n_support_`."""

    kernel: Any
    n_jobs: int | None
    support_: NDArray[np.int32]
    support_vectors_: Any
    shape_fit_: tuple[int, ...]
    _kernel: Kernel
    _sparse: bool
    _X_fit: Any
    _n_support: NDArray[np.int32]
    _dual_coef_: Any
    _intercept_: Floats
    _machine: list[tuple[Any, Machine]]  # one, or none yet: a list, so that a prediction leaves the attributes alone

    def _decomposition(self) -> Decomposition:
        return Decomposition(2)

    def _by_problem(self) -> Any:
        """(n_problems, n_support) coefficients, an array or CSR."""
        coef = self._dual_coef_.toarray() if hasattr(self._dual_coef_, "toarray") else self._dual_coef_
        return self._decomposition().by_problem(coef, self._n_support)

    def _as_machine(self) -> Machine:
        """Put together when it is first asked for, and again if the coefficients were replaced."""
        if not self._machine or self._machine[0][0] is not self._dual_coef_:
            precomputed = self._kernel.kind == "precomputed"
            vectors = self.support_.astype(np.int64) if precomputed else self.support_vectors_
            made = Machine(self._kernel, vectors, self._by_problem(), self._intercept_, self._n_support)
            self._machine[:] = [(self._dual_coef_, made)]
        return self._machine[0][1]

    def __getstate__(self) -> Any:
        state: Any = super().__getstate__()
        return {**state, "_machine": []} if "_machine" in state else state

    def _open(self, X: Any) -> Any:
        """X of a prediction as the machine reads it: rows, or values of the kernel."""
        check_is_fitted(self)
        n_fit = self.shape_fit_[0]
        if callable(self.kernel):
            from sklearn.utils.validation import _num_samples

            return call_kernel(self.kernel, X, self._X_fit, _num_samples(X), n_fit, square=False)
        X = open_rows(self, X, reset=False)
        if hasattr(X, "indptr") and not self._sparse:
            name = type(self).__name__
            raise ValueError(f"cannot use sparse input in {name!r} trained on dense data: pass X.toarray()")
        if self._sparse and not hasattr(X, "indptr"):
            X = type(self.support_vectors_)(X)
        if self.kernel == "precomputed" and X.shape[1] != n_fit:
            raise ValueError(
                f"X.shape[1] = {X.shape[1]} should be equal to {n_fit}, the number of samples at training time"
            )
        if not self._sparse and self._n_support.sum() != len(self.support_):
            raise ValueError(f"The internal representation of {type(self).__name__} was altered")
        return X

    def _values(self, X: Any) -> Floats:
        """Decision values of every problem, (n_rows, n_problems)."""
        X, machine = self._open(X), self._as_machine()
        work = float(X.shape[0]) * len(self.support_) * (X.shape[1] / 16.0 + 1.0)
        return decision(X, machine, effective_threads(self.n_jobs, work))

    @property
    def coef_(self) -> Any:
        """Weights of the features, (n_problems, n_features), of a linear kernel; read-only."""
        if self.kernel != "linear":
            raise AttributeError("coef_ is only available when using a linear kernel")
        check_is_fitted(self)
        coef = self._signed(self._by_problem()) @ self.support_vectors_
        if self._sparse:
            kind = type(self.support_vectors_)
            coef = kind(coef)
            coef.data.flags.writeable = False
        else:
            coef = np.asarray(coef)
            coef.flags.writeable = False
        return coef

    def _signed(self, values: Any) -> Any:
        """Values of the problems with the sign that scikit-learn shows."""
        return values

    @property
    def n_support_(self) -> NDArray[np.int32]:
        """Number of support vectors of each class; one number where there are no classes."""
        try:
            check_is_fitted(self)
        except NotFittedError as error:
            raise AttributeError(str(error)) from None
        return self._n_support
