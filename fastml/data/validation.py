"""What an estimator checks first: its parameters against their declared ranges, X against the fit, lengths."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

import numpy as np
from sklearn import get_config

from fastml.base import InvalidParameterError, NotFittedError, Options, check_is_fitted, make_constraint
from fastml.data.frames import Schema, Table, Unseen
from fastml.data.names import estimator_name

# Filled class by class: making the objects takes longer than asking them.
_CONSTRAINTS: dict[type, dict[str, list[Any]]] = {}


def _constraints(kind: type) -> dict[str, list[Any]]:
    """The declared ranges of an estimator class as objects that answer `is_satisfied_by`."""
    if kind not in _CONSTRAINTS:
        declared: dict[str, Any] = getattr(kind, "_parameter_constraints", {})
        _CONSTRAINTS[kind] = {
            name: [make_constraint(range_) for range_ in ranges]
            for name, ranges in declared.items()
            if ranges != "no_validation"
        }
    return _CONSTRAINTS[kind]


def check_parameters(estimator: Any) -> None:
    """Every parameter of an estimator against `_parameter_constraints`, scikit-learn's declarative ranges.

    A class may say in `_parameter_notes`, a dict from parameter to half a sentence, what a parameter is; its errors
    then end with it.

    Raises
    ------
    InvalidParameterError
        A ValueError and a TypeError. It names the parameter, its value, what it may be, and for a misspelt option
        the one that comes closest.

    Notes
    -----
    About 1 microsecond a parameter; `sklearn.set_config(skip_parameter_validation=True)` skips it.
    """
    if get_config()["skip_parameter_validation"]:
        return
    for name, ranges in _constraints(type(estimator)).items():
        value = getattr(estimator, name)
        if not any(range_.is_satisfied_by(value) for range_ in ranges):
            raise InvalidParameterError(_complaint(estimator, name, value, [r for r in ranges if not r.hidden]))


def _complaint(estimator: Any, name: str, value: Any, ranges: list[Any]) -> str:
    options = sorted({option for r in ranges if isinstance(r, Options) for option in r.options}, key=str)
    shown = [str(r) for r in ranges if not isinstance(r, Options)]
    if options:
        shown.insert(0, f"one of {', '.join(map(repr, options))}")
    allowed = shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} or {shown[-1]}"
    text = f"The {name!r} parameter of {estimator_name(estimator)} must be {allowed}. Got {value!r} instead."
    close = get_close_matches(value, [o for o in options if isinstance(o, str)], n=1) if isinstance(value, str) else []
    if close:
        text += f" Did you mean {close[0]!r}?"
    note = getattr(estimator, "_parameter_notes", {}).get(name)
    return f"{text} ({name}: {note})" if note else text


def check_same_length(**lengths: int) -> None:
    """Raise ValueError unless all inputs, given as name=number of samples, are equally long."""
    if len(set(lengths.values())) > 1:
        named = ", ".join(f"{name} has {n}" for name, n in lengths.items())
        raise ValueError(
            f"Found input variables with inconsistent numbers of samples: {list(lengths.values())} ({named})."
        )


def fit_table(
    estimator: Any,
    X: Any,
    *,
    categorical: Any = None,
    unseen: Unseen = "missing",
    allow_sparse: bool = True,
    ensure_min_samples: int = 1,
) -> Table:
    """Open X for `estimator.fit`: sets `n_features_in_`, `feature_names_in_` and the `_schema` for `predict_table`.

    Parameters and errors as `Table.from_any` and `Schema` have them.
    """
    table = Table.from_any(
        X, categorical, allow_sparse=allow_sparse, ensure_min_samples=ensure_min_samples, estimator=estimator
    )
    estimator._schema = table.schema(unseen)
    estimator.n_features_in_ = table.n_features
    if table.names is not None:
        estimator.feature_names_in_ = table.names
    elif hasattr(estimator, "feature_names_in_"):  # of an earlier fit
        del estimator.feature_names_in_
    return table


def predict_table(estimator: Any, X: Any, *, allow_sparse: bool = True) -> Table:
    """Open X for a prediction of an estimator that `fit_table` served; NotFittedError before that."""
    schema: Schema | None = getattr(estimator, "_schema", None)
    if schema is None:
        check_is_fitted(estimator)
        raise NotFittedError(f"This {type(estimator).__name__} instance is not fitted yet: call fit first.")
    return schema.apply(X, estimator, allow_sparse=allow_sparse)


def check_finite(table: Table) -> None:
    """ValueError where a number is infinite."""
    X = table.dense if table.dense is not None and table.dense.dtype.kind == "f" else None
    of_numbers = np.flatnonzero(~table.is_categorical)
    for values in [X] if X is not None else (table.column(int(j)) for j in of_numbers):
        if np.isinf(values).any():
            raise ValueError(f"Input X contains infinity or a value too large for {values.dtype!r}.")
