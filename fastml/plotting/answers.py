"""What a model says of rows, in the form that a picture takes: shares of classes, scores, or numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml.base import is_classifier, is_regressor

RESPONSES = ("auto", "predict_proba", "decision_function", "predict")


@dataclass(frozen=True, eq=False)
class Answers:
    """Of n rows: `shares` of `classes`, (n, n_classes); or `numbers`, (n,), `signed` where 0 is between two classes.

    says : what they are, in words; of shares to be followed by the class.
    """

    says: str
    shares: NDArray[np.float64] | None = None
    classes: NDArray[Any] | None = None
    numbers: NDArray[np.float64] | None = None
    signed: bool = False


def answers(estimator: Any, rows: Any, response: str) -> Answers:
    """Ask the model once.

    "auto" is the first of predict_proba, decision_function and predict that it has; predict of what is no classifier
    and decides nothing. Scores of several classes become shares by  exp s_k / sum_l exp s_l.
    """
    of_classes, of_numbers = _kind(estimator)
    if response != "auto":
        wanted: tuple[str, ...] = (response,)
    else:
        wanted = RESPONSES[3 if of_numbers else 1 if of_classes else 2 :]
    method = next((name for name in wanted if hasattr(estimator, name)), None)
    if method is None:
        raise TypeError(f"{type(estimator).__name__} has no {' or '.join(wanted)}: it says nothing that could be drawn")
    said = getattr(estimator, method)(rows)
    said = said if isinstance(said, list) else np.asarray(said)
    if isinstance(said, list) or (method == "predict" and said.ndim > 1 and said.shape[1] > 1):
        raise ValueError(f"{type(estimator).__name__} predicts several outputs, and a picture shows one")
    classes = getattr(estimator, "classes_", None)
    if method == "predict":
        said = said.reshape(len(said))
        if of_classes or (not of_numbers and said.dtype.kind != "f"):
            return _of_labels(said, classes)
        return Answers("prediction", numbers=said.astype(np.float64))
    if method == "decision_function" and (said.ndim == 1 or said.shape[1] == 1):
        scores = said.reshape(len(said)).astype(np.float64)
        return Answers("decision function", classes=classes, numbers=scores, signed=True)
    if classes is None or said.shape[1] != len(classes):
        raise ValueError(
            f"{method} of {type(estimator).__name__} has {said.shape[1]} columns, which are not its classes: "
            "use response='predict'"
        )
    if method == "decision_function":
        said = np.exp(said - said.max(axis=1, keepdims=True))
        said /= said.sum(axis=1, keepdims=True)
    return Answers("probability of", shares=said.astype(np.float64), classes=np.asarray(classes))


def _kind(estimator: Any) -> tuple[bool, bool]:
    """Whether it is a classifier, and a regressor; what has no tags is known by its methods."""
    try:
        return bool(is_classifier(estimator)), bool(is_regressor(estimator))
    except AttributeError:
        return hasattr(estimator, "predict_proba"), False


def _of_labels(said: NDArray[Any], classes: Any) -> Answers:
    known = np.unique(said) if classes is None else np.asarray(classes)
    return Answers("predicted", shares=(said[:, None] == known).astype(np.float64), classes=known)
