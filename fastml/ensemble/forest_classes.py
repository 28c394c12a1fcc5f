"""What a fitted forest says of classes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml.ensemble.forest_fit import OutOfBag
from fastml.ensemble.forest_results import ForestResults


class ForestClassifierResults(ForestResults):
    """Classes and their shares; the argmax of the shares is the class."""

    classes_: Any
    n_classes_: Any
    _codes: NDArray[np.int32]

    def _apart(self, shares: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, n_outputs, most classes)"""
        return shares.reshape(len(shares), self.n_outputs_, -1)

    def predict(self, X: Any) -> NDArray[Any]:
        """The class with the largest mean share, (n_samples,) or (n_samples, n_outputs)."""
        shares = self._apart(self._mean_shares(X))
        if self.n_outputs_ == 1:
            return self.classes_.take(shares[:, 0].argmax(axis=1))
        return np.stack([own.take(shares[:, k].argmax(axis=1)) for k, own in enumerate(self.classes_)], axis=1)

    def predict_proba(self, X: Any) -> Any:
        """The mean over the trees of the class's share in each row's leaf, (n_samples, n_classes); a list of them for
        several outputs."""
        shares = self._mean_shares(X)
        if self.n_outputs_ == 1:
            return shares
        apart = self._apart(shares)
        return [apart[:, k, :n] for k, n in enumerate(self.n_classes_)]

    def predict_log_proba(self, X: Any) -> Any:
        """Logarithms of `predict_proba`."""
        with np.errstate(divide="ignore"):
            proba = self.predict_proba(X)
            return np.log(proba) if self.n_outputs_ == 1 else [np.log(p) for p in proba]

    def predictor(self) -> Callable[[Any], NDArray[np.float64]]:
        """A frozen callable for one row: numbers in, the classes' shares out; no checks. One output only."""
        forest = self._forest
        if self.n_outputs_ > 1:
            raise ValueError(f"predictor() is for one output, and this forest has {self.n_outputs_}: use predict_proba")
        n_trees, width = forest.n_trees, forest.width

        def shares(row: Any) -> NDArray[np.float64]:
            total = np.zeros((1, width))
            forest.add_shares(np.asarray(row, np.float64).reshape(1, -1), total)
            return total[0] / n_trees

        return shares

    def _oob_scorer(self) -> Callable[[NDArray[np.float64]], float]:
        codes = self._codes
        if len(codes) > 1 and max(self.n_classes_) > 2:
            raise ValueError(
                "The type of target cannot be used to compute OOB estimates. Got multiclass-multioutput while only the "
                "following are supported: continuous, continuous-multioutput, binary, multiclass, multilabel-indicator."
            )
        if callable(self.oob_score):
            given, y = self.oob_score, codes[0] if len(codes) == 1 else codes.T
            return lambda shares: float(given(y, self._said(shares)))
        return lambda shares: float(np.mean((self._said(shares).reshape(len(shares), -1) == codes.T).all(axis=1)))

    def _said(self, shares: NDArray[np.float64]) -> NDArray[np.int64]:
        """Class numbers, (n,) or (n, n_outputs)."""
        said = self._apart(shares).argmax(axis=2)
        return said[:, 0] if self.n_outputs_ == 1 else said

    def _take_oob(self, oob: OutOfBag) -> None:
        shares = oob.mean()
        apart = self._apart(shares)
        self.oob_decision_function_ = apart[:, 0] if self.n_outputs_ == 1 else apart.transpose(0, 2, 1)
        self.oob_score_ = self._oob_scorer()(shares)
