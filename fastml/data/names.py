"""Names: of columns, whether they are those of the fit, which ones the caller points at; of estimators in errors."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def estimator_name(estimator: Any) -> str | None:
    """The name that error messages use: of a class, an instance, or a string that is one already."""
    if estimator is None or isinstance(estimator, str):
        return estimator
    return estimator.__name__ if isinstance(estimator, type) else type(estimator).__name__


def column_label(names: NDArray[np.object_] | None, j: int) -> str:
    """How errors call column j."""
    return f"column {j}" if names is None else f"column {names[j]!r}"


def feature_names(columns: list[Any]) -> NDArray[np.object_] | None:
    """Column names as `feature_names_in_` has them: all strings, or None."""
    text = [isinstance(name, str) for name in columns]
    if columns and all(text):
        names = np.empty(len(columns), dtype=object)
        names[:] = columns
        return names
    if any(text):
        types = sorted({type(name).__qualname__ for name in columns})
        raise TypeError(
            "Feature names are only supported if all input features have string names, but your input has "
            f"{types} as feature name / column name types. If you want feature names to be stored and validated, you "
            "must convert them all to strings, by using X.columns = X.columns.astype(str) for example. Otherwise you "
            "can remove feature / column names from your input data, or convert them all to a non-string data type."
        )
    return None


def check_same_names(fitted: NDArray[np.object_], given: NDArray[np.object_]) -> None:
    """Raise, worded as scikit-learn does, unless the names are those of the fit in their order."""
    if len(fitted) == len(given) and (fitted == given).all():
        return
    message = "The feature names should match those that were passed during fit.\n"
    unseen, missing = sorted(set(given) - set(fitted)), sorted(set(fitted) - set(given))
    for title, names in (("unseen at fit time", unseen), ("seen at fit time, yet now missing", missing)):
        if names:
            message += f"Feature names {title}:\n" + "".join(f"- {name}\n" for name in names[:5])
            message += "- ...\n" if len(names) > 5 else ""
    if not unseen and not missing:
        message += "Feature names must be in the same order as they were in fit.\n"
    raise ValueError(message)


def declared_mask(categorical: Any, names: NDArray[np.object_] | None, n_features: int) -> NDArray[np.bool_]:
    """The mask of the columns that the caller names as categories."""
    mask = np.zeros(n_features, dtype=bool)
    if categorical is None or (isinstance(categorical, str) and categorical == "auto"):
        return mask
    chosen = np.asarray([categorical] if isinstance(categorical, str) else categorical)
    if chosen.ndim != 1:
        raise ValueError(f"categorical={categorical!r} must be None, 'auto', or one mask, list of indices or of names")
    if not chosen.size:
        return mask
    if chosen.dtype.kind == "b":
        if len(chosen) != n_features:
            raise ValueError(f"categorical is a mask of {len(chosen)} columns, but X has {n_features} features")
        return chosen.copy()
    if chosen.dtype.kind in "iu":
        if chosen.min() < 0 or chosen.max() >= n_features:
            raise ValueError(f"categorical={chosen.tolist()} must hold column numbers in [0, {n_features - 1}]")
        mask[chosen] = True
        return mask
    if names is None:
        raise ValueError(
            f"categorical={chosen.tolist()} names columns, but X has no column names: pass their numbers or a mask"
        )
    place = {name: j for j, name in enumerate(names.tolist())}
    if unknown := [name for name in chosen.tolist() if name not in place]:
        raise ValueError(f"categorical names {unknown}, but the columns of X are {names.tolist()}")
    mask[[place[name] for name in chosen.tolist()]] = True
    return mask
