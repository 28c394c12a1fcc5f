"""The scikit-learn seam: base classes, checks and callbacks, with the differences between its versions hidden here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import sklearn
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    ClassNamePrefixFeaturesOutMixin,
    ClusterMixin,
    MetaEstimatorMixin,
    OutlierMixin,
    RegressorMixin,
    TransformerMixin,
    clone,
    is_classifier,
    is_regressor,
)
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning, NotFittedError
from sklearn.utils._param_validation import (
    HasMethods,
    Hidden,
    Interval,
    InvalidParameterError,
    Options,
    RealNotInt,
    StrOptions,
    make_constraint,
)
from sklearn.utils.validation import check_is_fitted, check_random_state

__all__ = [
    "SKLEARN_VERSION", "BaseEstimator", "CallbackSupport", "ClassNamePrefixFeaturesOutMixin", "ClassifierMixin",
    "ClusterMixin", "ConvergenceWarning", "DataConversionWarning", "FitTasks", "HasMethods", "Hidden", "Interval",
    "InvalidParameterError", "MetaEstimatorMixin", "NotFittedError", "Options", "OutlierMixin", "RealNotInt",
    "RegressorMixin", "StrOptions", "TransformerMixin", "check_is_fitted", "check_random_state", "clone",
    "fit_tasks", "is_classifier", "is_regressor", "make_constraint",
]  # fmt: skip

SKLEARN_VERSION: tuple[int, int] = tuple(int(part) for part in sklearn.__version__.split(".")[:2])  # type: ignore[assignment]


def _protocol() -> Any:
    """scikit-learn's callback module, or None before 1.9; imported late because it costs 50 ms."""
    try:
        from sklearn.callback import _callback_support
    except ImportError:
        return None
    return _callback_support


class CallbackSupport:
    """Mixin: `set_callbacks` as scikit-learn 1.9 has it.

    scikit-learn asks for the method, not for its own mixin, so this one can wait with importing the protocol
    until somebody sets a callback.
    """

    def set_callbacks(self, *callbacks: Any) -> Any:
        """Set the callbacks that `fit` calls; none takes them away.

        Parameters
        ----------
        *callbacks : objects following scikit-learn's FitCallback protocol
            Such as `sklearn.callback.ProgressBar()`.

        Returns
        -------
        self

        Raises
        ------
        TypeError
            A callback without the protocol's methods.
        ImportError
            scikit-learn is older than 1.9, which brought the protocol.
        """
        if not callbacks:
            self.__dict__.pop("_skl_callbacks", None)
            return self
        support = _protocol()
        if support is None:
            raise ImportError(
                f"set_callbacks needs scikit-learn >= 1.9, which brought the callback protocol; {sklearn.__version__} "
                "is installed. Use verbose= for progress, or upgrade: pip install -U scikit-learn"
            )
        return support.CallbackSupportMixin.set_callbacks(self, *callbacks)


class FitTasks:
    """What a fit's loop tells the callbacks: `begin(name)`, work, `end(...)`; this one has nobody listening."""

    active = False

    def begin(self, name: str = "") -> None:
        """A step of the loop starts."""

    def end(self, fitted: Callable[[], dict[str, Any]] | None = None) -> bool:
        """A step is done; True asks the loop to stop. `fitted()` gives the attributes of the model as it is now."""
        return False


class _CallbackTasks(FitTasks):
    """Steps of the loop as subtasks of scikit-learn's task tree."""

    active = True

    def __init__(self, estimator: Any, root: Any, data: dict[str, Any]) -> None:
        self._estimator, self._root, self._data = estimator, root, data
        self._task: Any = None

    def begin(self, name: str = "") -> None:
        self._task = self._root.subcontext(task_name=name)
        self._task.call_on_fit_task_begin(estimator=self._estimator, **self._data)

    def end(self, fitted: Callable[[], dict[str, Any]] | None = None) -> bool:
        return bool(
            self._task.call_on_fit_task_end(estimator=self._estimator, reconstruction_attributes=fitted, **self._data)
        )


_SILENT = FitTasks()


@contextmanager
def fit_tasks(
    estimator: Any,
    n_tasks: int | None,
    *,
    X: Any = None,
    y: Any = None,
    metadata: dict[str, Any] | None = None,
    name: str = "fit",
) -> Iterator[FitTasks]:
    """The callbacks around a fit's loop; costs nothing when nobody set a callback.

    Parameters
    ----------
    estimator : estimator with CallbackSupport
    n_tasks : int or None
        Steps of the loop at most, None when unknown.
    X, y, metadata
        What callbacks that ask for it are given.

    Yields
    ------
    FitTasks
        Its `end` returns True when a callback asks to stop.
    """
    # A meta-estimator that listens leaves its own task here; the two task trees are joined even without callbacks.
    if not (getattr(estimator, "_skl_callbacks", None) or hasattr(estimator, "_parent_callback_ctx")):
        yield _SILENT
        return
    support = _protocol()
    with support.callback_management_context(estimator):
        root = support.CallbackSupportMixin._init_callback_context(estimator, task_name=name, max_subtasks=n_tasks)
        data = {"X": X, "y": y, "metadata": metadata}
        root.call_on_fit_task_begin(estimator=estimator, **data)
        # Inside a meta-estimator without callbacks the root is enough: a subtask a round would be told to nobody.
        yield _CallbackTasks(estimator, root, data) if getattr(estimator, "_skl_callbacks", None) else _SILENT
        root.call_on_fit_task_end(estimator=estimator, reconstruction_attributes=dict, **data)
