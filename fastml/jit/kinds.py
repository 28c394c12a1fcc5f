"""Whether a user's function speaks of one row or of all rows, found by asking it about five rows both ways."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from fastml.jit.checks import name_of, sample_of

Kind = Literal["scalar", "array"]


@dataclass(frozen=True)
class Answers:
    """What a function made of five rows: one at a time, and at once."""

    kind: Kind
    is_pair: bool  # (gradient, hessian), or a loss alone
    both: bool  # it could do either


def ask(function: Callable, y: np.ndarray, n_outputs: int, takes_weight: bool, kind: Kind | None = None) -> Answers:
    """Find out what a function is.

    It is of scalars if it takes two floats and gives numbers, and gives the same numbers for arrays if it
    takes these as well: `(raw - y, 1.0)` is of scalars, `(raw - y, np.ones(len(y)))` is of arrays, and so is
    `(raw - y.mean(), ...)`. With a `sample_weight`, or with more than one output, it is of arrays.

    Raises
    ------
    ValueError
        It takes neither floats nor arrays, or gives neither a pair nor a loss.
    """
    if kind == "array" or takes_weight or n_outputs > 1:
        at_once, trouble = _try(lambda: function(np.array(y, dtype=np.float64), _raw(len(y), n_outputs)))
        if trouble:
            raise _no_answer(function, {"arrays": trouble}) from trouble
        return Answers("array", isinstance(at_once, (tuple, list)), both=False)
    values = np.unique(sample_of(y, 1000))
    five = values[np.linspace(0, len(values) - 1, 5).astype(np.intp)]
    one_by_one, scalar_trouble = _try(lambda: [_scalar(function, *p) for p in zip(five, _raw(5), strict=True)])
    if scalar_trouble and kind == "scalar":
        raise _no_answer(function, {"two floats": scalar_trouble}) from scalar_trouble
    at_once, array_trouble = _try(lambda: _of_arrays(function(five.copy(), _raw(5)), 5))
    if scalar_trouble and array_trouble:  # it may hold an array of its own with a value for each row of the fit
        at_once, array_trouble = _try(lambda: _of_arrays(function(np.array(y, dtype=np.float64), _raw(len(y))), len(y)))
    if scalar_trouble and array_trouble:
        raise _no_answer(function, {"two floats": scalar_trouble, "arrays": array_trouble}) from scalar_trouble
    if scalar_trouble:
        return Answers("array", at_once.ndim == 2, both=False)
    alone = np.array(one_by_one).T
    if kind is None and not array_trouble and not _same(at_once, alone):
        return Answers("array", at_once.ndim == 2, both=True)
    return Answers("scalar", alone.ndim == 2, both=kind is None and not array_trouble)


def _raw(n: int, n_outputs: int = 1) -> np.ndarray:
    """Raw scores to try, of no special values: (n,) or (n, n_outputs)."""
    raw = np.resize([0.1875, -0.4375, 0.6875, 0.3125, -0.8125], n)
    return raw if n_outputs == 1 else raw[:, None] + np.arange(n_outputs) / 8


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    return one.shape == other.shape and np.allclose(one, other, rtol=1e-9, atol=1e-12, equal_nan=True)


def _try(function: Callable[[], Any]) -> tuple[Any, Exception | None]:
    try:
        with np.errstate(all="ignore"):
            return function(), None
    except Exception as error:
        return None, error


def _scalar(function: Callable, y: float, raw: float) -> Any:
    try:
        answer = function(float(y), float(raw))
    except ArithmeticError:  # compiled code gives NaN or infinity there; the checks will tell
        return float("nan")
    if isinstance(answer, (tuple, list)):
        if len(answer) != 2:
            raise ValueError(f"it returned {len(answer)} values, not (gradient, hessian)")
        return [_number(part) for part in answer]
    return _number(answer)


def _number(value: Any) -> float:
    if np.ndim(value) or not isinstance(value, (int, float, np.number, np.bool_, np.ndarray)):
        raise TypeError(f"it returned {value!r} where a number should be")
    return float(value)


def _of_arrays(answer: Any, n: int) -> np.ndarray:
    """The answer as (2, n), or as (n,) if it is a loss."""
    if isinstance(answer, (tuple, list)) and len(answer) == 2:
        return np.stack([np.broadcast_to(np.asarray(part, dtype=np.float64), (n,)) for part in answer])
    values = np.asarray(answer, dtype=np.float64)
    if values.shape != (n,):
        raise ValueError(f"it returned an array of shape {values.shape} for {n} rows")
    return values


def _no_answer(function: Callable, tried: dict[str, Exception]) -> ValueError:
    said = "; ".join(f"with {what} it raised {type(error).__name__}: {error}" for what, error in tried.items())
    hint = ""
    if any("get_label" in str(error) for error in tried.values()):
        hint = ". XGBoost's native order is (predictions, DMatrix); here it is (y_true, y_pred), as in its XGBRegressor"
    wanted = "(y, raw) -> (gradient, hessian), of two floats or of arrays"
    return ValueError(f"objective `{name_of(function)}` must be {wanted}: {said}{hint}")
