"""What SVC and NuSVC share: classes, problems of two, votes and probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.metaestimators import available_if

from fastml.base import ClassifierMixin, NotFittedError, StrOptions, check_is_fitted
from fastml.data.encoding import encode_labels
from fastml.data.validation import check_same_length
from fastml.data.weights import class_weights
from fastml.svm.base import CONSTRAINTS, SupportVectorMachine
from fastml.svm.calibration import Calibration, cross_fit
from fastml.svm.pairs import Decomposition
from fastml.svm.tasks import Formulation, Task
from fastml.svm.votes import scores, votes

Floats = NDArray[np.float64]

CLASSIFIER_CONSTRAINTS = CONSTRAINTS | {
    "class_weight": [StrOptions({"balanced"}), dict, None],
    "decision_function_shape": [StrOptions({"ovr", "ovo"})],
    "break_ties": ["boolean"],
    "probability": ["boolean"],
    "random_state": ["random_state"],
    "multi_class": [StrOptions({"ovo", "ovr"})],
}


def _has_probability(machine: Any) -> bool:
    if not machine.probability:
        raise AttributeError("predict_proba is not available when probability=False: fit with probability=True")
    return True


class SupportVectorClassifier(ClassifierMixin, SupportVectorMachine):
    """Base of SVC and NuSVC."""

    _parameter_constraints = CLASSIFIER_CONSTRAINTS
    _parameter_notes = SupportVectorMachine._parameter_notes | {
        "multi_class": "'ovo' solves a problem for each two classes, 'ovr' one for each class against the rest",
    }

    class_weight: Any
    decision_function_shape: str
    break_ties: bool
    probability: bool
    random_state: Any
    multi_class: str
    classes_: NDArray[Any]
    _calibration: Calibration | None

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Fit to classes.

        Parameters
        ----------
        X : array-like, frame or sparse matrix of shape (n_samples, n_features); of kernel="precomputed" the square
            matrix K(x_i, x_j); of a kernel of one's own whatever it takes
        y : array-like of shape (n_samples,), classes of any kind, at least two
        sample_weight : array-like of shape (n_samples,), optional
            Multiplies C of each row (of NuSVC: counts the row so many times); rows of weight 0 or less are left out.

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
        self._check_options()
        self._calibration = None
        try:
            return self._fit(X, y, sample_weight)
        finally:
            self.__dict__.pop("_labels", None)  # training data are not kept

    def _check_options(self) -> None:
        if self.multi_class == "ovr" and self.decision_function_shape == "ovo":
            raise ValueError(
                "multi_class='ovr' has one decision value a class: decision_function_shape='ovo' is for "
                "multi_class='ovo'"
            )

    def _formulation(self, y: Floats, weight: Floats) -> Formulation:
        raise NotImplementedError

    def _check_weights(self, weight: Floats, codes: NDArray[np.int32]) -> None:
        """Refuse weights that leave a class without any."""
        by_class = weight * self.class_weight_[codes]
        present = np.bincount(codes, weights=by_class, minlength=len(self.classes_)) > 0
        if present.sum() == 1:
            raise ValueError("Invalid input - all samples with positive weights belong to the same class.")
        if not present.all():
            gone = self.classes_[~present].tolist()
            raise ValueError(
                f"Invalid input - all samples of the classes {gone} have zero or negative weights (sample_weight times "
                "class_weight): leave these rows out of X and y, or give them a weight"
            )

    def _targets(self, y: Any, n_samples: int) -> NDArray[np.int32]:
        codes, self.classes_ = encode_labels(y, self)
        check_same_length(X=n_samples, y=len(codes))
        if len(self.classes_) < 2:
            raise ValueError(
                f"The number of classes has to be greater than one; got {len(self.classes_)} class: y holds "
                f"{self.classes_.tolist()} only"
            )
        self.class_weight_ = class_weights(self.class_weight, codes, self.classes_)
        self._labels = codes
        return codes

    def _tasks(self, y: NDArray[np.int32], weight: Floats) -> list[Task]:
        self._check_weights(weight, y)
        weight = weight * self.class_weight_[y]
        parts = self._decomposition().rows(y, weight > 0)
        return [Task(index, self._formulation(sign, weight[index])) for index, sign in parts]

    def _codes(self) -> NDArray[np.int32]:
        return self._labels

    def _decomposition(self) -> Decomposition:
        k = len(self.classes_)
        return Decomposition(k, self.multi_class == "ovr" and k > 2)

    def _signed(self, values: Any) -> Any:
        """Of two classes the second one is the positive one, for the eye."""
        return -values if len(self.classes_) == 2 else values

    def _scores(self, values: Floats) -> Floats:
        """`decision_function` from the problems' values."""
        k = len(self.classes_)
        if k == 2:
            return -values[:, 0]
        if self.decision_function_shape == "ovo" or self._decomposition().against_rest:
            return values
        return scores(values, k)

    def _said(self, values: Floats) -> NDArray[np.intp]:
        """Class numbers from the problems' values."""
        k = len(self.classes_)
        if k == 2:
            return np.where(values[:, 0] > 0, 0, 1)
        if self._decomposition().against_rest:
            return values.argmax(axis=1)
        if self.break_ties and self.decision_function_shape == "ovr":
            return scores(values, k).argmax(axis=1)
        return votes(values, k).argmax(axis=1)

    def decision_function(self, X: Any) -> Floats:
        """Values of the problems, or one score a class.

        Parameters
        ----------
        X : as for `fit`; of kernel="precomputed" K(x, x_i) of every training row x_i

        Returns
        -------
        (n_samples,) for two classes: above 0 says the second one. decision_function_shape="ovo": a column a pair
        (i, j), i < j, above 0 says class i. "ovr": a column a class, its votes plus, within (-1/3, 1/3), the sum of its
        pairs' values; with multi_class="ovr" the values of the problems.
        """
        return self._scores(self._values(X))

    def predict(self, X: Any) -> NDArray[Any]:
        """The class with most votes, the first of those that tie; with break_ties, or against the rest, the highest
        score. (n_samples,)"""
        check_is_fitted(self)
        if self.break_ties and self.decision_function_shape == "ovo":
            raise ValueError("break_ties must be False when decision_function_shape is 'ovo'")
        return self.classes_.take(self._said(self._values(X)))

    @available_if(_has_probability)
    def predict_proba(self, X: Any) -> Floats:
        """(n_samples, n_classes), whose argmax is always `predict`. See docs/svm.md for the method."""
        values = self._values(X)
        if self._calibration is None:
            raise NotFittedError("predict_proba is not available when fitted with probability=False: fit again")
        return self._calibration.probabilities(values, self._said(values))

    @available_if(_has_probability)
    def predict_log_proba(self, X: Any) -> Floats:
        """Logarithms of `predict_proba`."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def _calibrate(self, rows: Any, y: NDArray[np.int32], weight: Floats, cache: int, watch: Any) -> None:
        if self.probability:
            self._calibration = cross_fit(self, rows, y, weight, cache, watch)
