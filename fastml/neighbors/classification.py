"""Classes by the votes of neighbours."""

from __future__ import annotations

import warnings
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml.base import ClassifierMixin, StrOptions, check_is_fitted
from fastml.neighbors.neighbors_base import NeighborsBase
from fastml.neighbors.queries import NearestQueries, RadiusQueries
from fastml.neighbors.votes import class_sums, class_sums_of_lists, shares, weights_in_lists, weights_of

WEIGHTS = [StrOptions({"uniform", "distance"}), callable, None]
ZERO_WEIGHTS = (
    "All neighbors of some sample is getting zero weights. Please modify 'weights' to avoid this case if you are using "
    "a user-defined function."
)


def constraints(without: str) -> dict[str, list[Any]]:
    """Ranges of the parameters that all share, but for one."""
    return {name: ranges for name, ranges in NeighborsBase._parameter_constraints.items() if name != without}


class _Votes(ClassifierMixin, NeighborsBase):
    """What both classifiers share."""

    classes_: Any
    outputs_2d_: bool
    _y: NDArray[np.intp]

    def fit(self, X: Any, y: Any) -> Any:
        """Keep the points and their classes.

        Parameters
        ----------
        X : as NearestNeighbors.fit
        y : (n_samples,) or (n_samples, n_outputs)
        """
        return self._fit(X, y)

    def _outputs(self) -> list[tuple[NDArray[Any], NDArray[np.intp]]]:
        """Of each output its classes and the points' codes."""
        if not self.outputs_2d_:
            return [(self.classes_, self._y)]
        return [(classes, self._y[:, j]) for j, classes in enumerate(self.classes_)]

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Share of the rows of which all outputs are right.

        X of None: of the points themselves, none of which is its own neighbour, which is leave-one-out validation.
        """
        return float(super().score(X, y, sample_weight))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


class KNeighborsClassifier(_Votes, NearestQueries):
    """The class that most of the k nearest points have, with scikit-learn's parameters.

    Parameters
    ----------
    n_neighbors : int, default=5
    weights : {"uniform", "distance"}, callable or None, default="uniform"
        "distance": a vote counts 1 / distance, and points at the query itself alone where there are any. A function is
        given the distances (n_queries, n_neighbors) and returns as many weights.
    **others
        algorithm, leaf_size, p, metric, metric_params, n_jobs, units:
        see :class:`fastml.neighbors.neighbors_base.NeighborsBase`.

    Attributes
    ----------
    classes_ : (n_classes,), or a list of them for several outputs
    outputs_2d_ : whether y had several outputs
    effective_metric_, effective_metric_params_, n_samples_fit_, n_features_in_, feature_names_in_

    Notes
    -----
    Points at equal distances count in the order of their rows; of classes with equal votes the first wins.
    """

    _parameter_constraints = {**constraints("radius"), "weights": WEIGHTS}

    def __init__(
        self, n_neighbors: int = 5, *, weights: Any = "uniform", algorithm: str = "auto", leaf_size: int = 30,
        p: float = 2, metric: Any = "minkowski", metric_params: dict[str, Any] | None = None, n_jobs: int | None = None,
        units: Any = "radians",
    ) -> None:  # fmt: skip
        self.n_neighbors = n_neighbors
        self.weights = weights
        self.algorithm = algorithm
        self.leaf_size = leaf_size
        self.p = p
        self.metric = metric
        self.metric_params = metric_params
        self.n_jobs = n_jobs
        self.units = units

    def _sums(self, X: Any) -> list[NDArray[np.float64]]:
        """Of each output the weights of each class, (n_queries, n_classes)."""
        check_is_fitted(self, "_fit_method")
        distance, rows = self.kneighbors(X)
        weights = weights_of(distance, self.weights)
        if weights is not None and (weights == 0).all(axis=1).any():
            raise ValueError(ZERO_WEIGHTS)
        return [class_sums(codes, rows, weights, len(classes)) for classes, codes in self._outputs()]

    def predict(self, X: Any) -> NDArray[Any]:
        """The class of each query, (n_queries,) or (n_queries, n_outputs).

        Parameters
        ----------
        X : as in `kneighbors`; None asks for the points themselves, none of which is its own neighbour
        """
        sums = self._sums(X)
        found = [classes[own.argmax(axis=1)] for own, (classes, _) in zip(sums, self._outputs(), strict=True)]
        return np.column_stack(found).astype(found[0].dtype) if self.outputs_2d_ else found[0]

    def predict_proba(self, X: Any) -> Any:
        """The classes' shares of the votes, (n_queries, n_classes), or a list of them for several outputs.

        Parameters
        ----------
        X : as in `predict`
        """
        found = [shares(own) for own in self._sums(X)]
        return found if self.outputs_2d_ else found[0]


class RadiusNeighborsClassifier(_Votes, RadiusQueries):
    """The class that most of the points within a radius have, with scikit-learn's parameters.

    Parameters
    ----------
    radius : float, default=1.0
    weights : as :class:`KNeighborsClassifier`; a function is given an array of arrays
    outlier_label : label, list of labels, "most_frequent" or None, default=None
        What a query without neighbours gets, one for all outputs or one each; None: an error.
    **others
        algorithm, leaf_size, p, metric, metric_params, n_jobs, units:
        see :class:`fastml.neighbors.neighbors_base.NeighborsBase`.

    Attributes
    ----------
    classes_, outputs_2d_, outlier_label_
    effective_metric_, effective_metric_params_, n_samples_fit_, n_features_in_, feature_names_in_
    """

    _parameter_constraints = {
        **constraints("n_neighbors"), "weights": WEIGHTS, "outlier_label": [Integral, str, "array-like", None],
    }  # fmt: skip

    def __init__(
        self, radius: float = 1.0, *, weights: Any = "uniform", algorithm: str = "auto", leaf_size: int = 30,
        p: float = 2, metric: Any = "minkowski", outlier_label: Any = None, metric_params: dict[str, Any] | None = None,
        n_jobs: int | None = None, units: Any = "radians",
    ) -> None:  # fmt: skip
        self.radius = radius
        self.weights = weights
        self.algorithm = algorithm
        self.leaf_size = leaf_size
        self.p = p
        self.metric = metric
        self.outlier_label = outlier_label
        self.metric_params = metric_params
        self.n_jobs = n_jobs
        self.units = units

    def fit(self, X: Any, y: Any) -> RadiusNeighborsClassifier:
        """As KNeighborsClassifier.fit; TypeError where an outlier's label is of another type than the classes."""
        self._fit(X, y)
        self.outlier_label_ = self._labels()
        return self

    def _labels(self) -> Any:
        outputs, label = self._outputs(), self.outlier_label
        if label is None:
            return None
        if isinstance(label, str) and label == "most_frequent":
            return [classes[np.bincount(codes).argmax()] for classes, codes in outputs]
        labels = [label] * len(outputs) if isinstance(label, str) or np.ndim(label) == 0 else label
        if len(labels) != len(outputs):
            raise ValueError(
                f"The length of outlier_label: {labels} is inconsistent with the output length: {len(outputs)}"
            )
        for (classes, _), own in zip(outputs, labels, strict=True):
            if np.ndim(own) and not isinstance(own, str):
                raise TypeError(f"The outlier_label of classes {classes} is supposed to be a scalar, got {own}.")
            if np.append(classes, own).dtype != classes.dtype:
                raise TypeError(f"The dtype of outlier_label {own} is inconsistent with classes {classes} in y.")
        return labels

    def predict(self, X: Any) -> NDArray[Any]:
        """The class of each query, (n_queries,) or (n_queries, n_outputs).

        Parameters
        ----------
        X : as in `kneighbors`; None asks for the points themselves, none of which is its own neighbour

        Raises
        ------
        ValueError
            A query has no neighbours, and there is no outlier_label.
        """
        said = self.predict_proba(X)
        found = []
        outputs = zip(said if self.outputs_2d_ else [said], self._outputs(), strict=True)
        for j, (own, (classes, _)) in enumerate(outputs):
            label = classes[own.argmax(axis=1)]
            alone = (own == 0).all(axis=1)
            if alone.any():
                label[alone] = self.outlier_label_[j]
            found.append(label)
        return np.column_stack(found).astype(found[0].dtype) if self.outputs_2d_ else found[0]

    def predict_proba(self, X: Any) -> Any:
        """The classes' shares of the votes, (n_queries, n_classes), or a list of them for several outputs.

        Parameters
        ----------
        X : as in `predict`
        """
        check_is_fitted(self, "_fit_method")
        start, rows, distance = self._lists(X, None, self.weights not in (None, "uniform"))
        alone = np.flatnonzero(np.diff(start) == 0)
        if self.outlier_label_ is None and len(alone):
            raise ValueError(
                f"No neighbors found for test samples {alone!r}, you can try using larger radius, giving a label for "
                "outliers, or considering removing them from your dataset."
            )
        weights = weights_in_lists(start, distance, self.weights)
        found = []
        for j, (classes, codes) in enumerate(self._outputs()):
            sums = class_sums_of_lists(codes, start, rows, weights, len(classes))
            if len(alone):
                at = np.flatnonzero(classes == self.outlier_label_[j])
                if len(at):
                    sums[alone, at[0]] = 1.0
                else:
                    warnings.warn(
                        f"Outlier label {self.outlier_label_[j]} is not in training classes. All class probabilities "
                        "of outliers will be assigned with 0.", stacklevel=2,
                    )  # fmt: skip
            found.append(shares(sums, 1.0))
        return found if self.outputs_2d_ else found[0]
