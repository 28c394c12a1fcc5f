"""A user's loss: of one row, compiled into a block kernel; or of all rows, called in Python every round."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from fastml.jit import checks
from fastml.jit.blocks import Block, build_block
from fastml.jit.kinds import Kind, ask
from fastml.jit.starts import newton_start

Pair = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Loss:
    """A loss of your own, for `objective=`; a plain function is short for ``Loss(gradient_hessian=function)``.

    Parameters
    ----------
    value : callable, optional
        (y, raw) -> loss of a row. On its own it is differentiated numerically inside the compiled kernel (five
        points, relative error about 1e-7); beside `gradient_hessian` it serves to check that before the fit.
    gradient_hessian : callable, optional
        (y, raw) -> first and second derivative of the loss in raw. y is the class number 0, 1, ... for a
        classifier.
    link : {"identity", "logistic", "softmax", "log"} or callable, optional
        From raw scores to predictions; None is the usual one of the estimator.
    kind : {"scalar", "array"}, optional
        Whether the functions take two floats, or arrays (n,) or (n, n_classes) as XGBoost's objectives do. None
        finds out: see `fastml.jit.kinds.ask`.
    surrogate_hessian : bool
        The hessian is a bound on purpose: do not compare it with differences.

    Notes
    -----
    A function of arrays may take `sample_weight`, and then has to apply it; otherwise what it returns is
    multiplied by the weights. It costs a pass through Python each round, which a function of floats does not.
    """

    value: Callable | None = None
    gradient_hessian: Callable | None = None
    link: str | Callable | None = None
    kind: Kind | None = None
    surrogate_hessian: bool = False

    def __post_init__(self) -> None:
        if self.value is None and self.gradient_hessian is None:
            raise ValueError("Loss() needs value, gradient_hessian, or both")
        if self.kind not in (None, "scalar", "array"):
            raise ValueError(f"kind={self.kind!r} must be 'scalar', 'array' or None")
        links = ("identity", "logistic", "softmax", "log")
        if self.link is not None and not callable(self.link) and self.link not in links:
            raise ValueError(f"link={self.link!r} must be one of {', '.join(links)}, a function, or None")

    def __call__(self, y: Any, raw: Any) -> Any:
        """What the user's function says: (gradient, hessian), or the loss if that is all it gives."""
        return (self.gradient_hessian or self.value)(y, raw)  # type: ignore[misc]


def compile_loss(
    objective: Callable | Loss, y: np.ndarray, *, n_outputs: int = 1, link: str = "identity"
) -> BlockLoss | ArrayLoss:
    """Check a user's loss and make it ready for the fit.

    Parameters
    ----------
    objective : callable or Loss
        (y, raw) -> (gradient, hessian), of two floats or of arrays; or of two floats -> loss.
    y : (n,) array
        Targets or class codes of all rows; some of them are tried.
    n_outputs : int
        Raw scores a row; more than one asks for a function of arrays.
    link : str
        The estimator's usual link, for a loss that names none.

    Returns
    -------
    BlockLoss or ArrayLoss
        With `address` for the engines, or None where `gradient_hessian` is to be called each round.

    Raises
    ------
    ValueError
        Arguments, shapes, values that are not finite, a negative hessian, wrong derivatives, or what Numba
        cannot compile; with the point or the line.
    """
    loss = objective if isinstance(objective, Loss) else Loss(gradient_hessian=objective)
    function = loss.gradient_hessian if loss.gradient_hessian is not None else loss.value
    takes = checks.check_signature(function, ("y", "raw"), ("sample_weight",))  # type: ignore[arg-type]
    answers = ask(function, y, n_outputs, bool(takes), loss.kind)  # type: ignore[arg-type]
    if loss.link is None:
        loss = replace(loss, link=link)
    if not answers.is_pair and loss.value is None:
        loss = replace(loss, value=function, gradient_hessian=None)
    elif answers.is_pair and loss.gradient_hessian is None:
        raise ValueError(f"value=`{checks.name_of(function)}` returned two numbers: it must return the loss alone")
    if not answers.is_pair and loss.gradient_hessian is not None:
        raise ValueError(f"gradient_hessian=`{checks.name_of(function)}` must return (gradient, hessian)")
    if answers.kind == "array":
        return _array_loss(loss, y, n_outputs, bool(takes))
    try:
        return _block_loss(loss, y)
    except ValueError as error:
        if answers.both and answers.is_pair and str(error).startswith("Numba cannot compile"):
            return _array_loss(loss, y, n_outputs, bool(takes))
        raise


class BlockLoss:
    """A loss behind a block kernel, `fastml_loss_block`. Keep it while an engine holds its address.

    A pickle holds the function, which is compiled again when a fit next asks for the address.

    Attributes
    ----------
    address : int
        Of the C function. Call it from any thread, with or without the GIL.
    params : tuple of float
        What the kernel wants to find behind its last argument.
    link : str, callable or None
    name : str
    """

    n_outputs = 1
    constant_hessian = False

    def __init__(self, name: str, function: Callable, step: float | None, link: Any) -> None:
        self.name = name
        self.link = link
        self.params: tuple[float, ...] = () if step is None else (step,)
        self._function = function

    @cached_property
    def _block(self) -> Block:
        return build_block(self._function, differentiates=bool(self.params))

    @property
    def address(self) -> int:
        return self._block.address

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_block"}

    def gradient_hessian(self, y: np.ndarray, raw: np.ndarray, weight: np.ndarray | None = None) -> Pair:
        """The kernel on whole arrays (n,), times the weights."""
        y, raw = (np.ascontiguousarray(a, dtype=np.float64) for a in (y, raw))
        gradient, hessian = self._block(y, raw, self.params)
        self.raise_pending()
        return _weighted(gradient, hessian, weight)

    def start(self, y: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
        """The constant raw score at which the loss is smallest, (1,)."""
        return np.array([newton_start(self, y, weight)])

    def raise_pending(self) -> None:
        """Raise what the function raised while an engine called it; to be asked after each round.

        Only with NUMBA_DISABLE_JIT=1 can there be anything: compiled code gives NaN, see `fault`.
        """
        self._block.raise_pending()

    def fault(self, y: np.ndarray, raw: np.ndarray) -> None:
        """Raise a ValueError that shows the first row where the gradient or hessian is not finite, if one is so."""
        gradient, hessian = self.gradient_hessian(y, raw)
        bad = np.flatnonzero(~(np.isfinite(gradient) & np.isfinite(hessian)))
        if bad.size:
            i = int(bad[0])
            try:
                self._function(float(y[i]), float(raw[i]))
            except Exception as error:
                raise ValueError(
                    f"objective `{self.name}` raised {type(error).__name__} {checks.at(y, raw, i)}: {error}"
                ) from error
        checks.check_finite(self.name, y, raw, gradient, hessian)


class ArrayLoss:
    """A loss of all rows, called in Python each round, as XGBoost calls its custom objectives."""

    address = None
    params: tuple[float, ...] = ()
    constant_hessian = False

    def __init__(self, name: str, function: Callable, n_outputs: int, takes_weight: bool, link: Any) -> None:
        self.name = name
        self.link = link
        self.n_outputs = n_outputs
        self._function = function
        self._takes_weight = takes_weight
        self._has_warned = False

    def gradient_hessian(self, y: np.ndarray, raw: np.ndarray, weight: np.ndarray | None = None) -> Pair:
        """Gradient and hessian, (n,) or (n_outputs, n) as raw is, in float64 and C order, weights applied.

        The user's function sees raw as (n,) or (n, n_outputs), and may write into what it is given. A negative
        hessian counts as 0, with a warning once.
        """
        given = np.array(raw.T, dtype=np.float64, order="C")
        if self._takes_weight:
            answer = self._function(y.copy(), given, sample_weight=None if weight is None else weight.copy())
            weight = None
        else:
            answer = self._function(y.copy(), given)
        gradient, hessian = self._pair(answer, raw.shape)
        if not np.isfinite(gradient.sum() + hessian.sum()):
            for k in range(self.n_outputs):
                one = (raw, gradient, hessian) if raw.ndim == 1 else (raw[k], gradient[k], hessian[k])
                checks.check_finite(self.name, y, *one)
        if hessian.size and hessian.min() < 0:
            np.maximum(hessian, 0.0, out=hessian)
            if not self._has_warned:
                self._has_warned = True
                warnings.warn(
                    f"objective `{self.name}` returned a negative hessian; it counts as 0. Return a bound >= 0 to "
                    "choose the step yourself",
                    stacklevel=2,
                )
        return _weighted(gradient, hessian, weight)

    def start(self, y: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
        """The constant raw score at which the loss is smallest; zeros with more than one output. (n_outputs,)"""
        if self.n_outputs > 1:
            return np.zeros(self.n_outputs)
        return np.array([newton_start(self, y, weight)])

    def raise_pending(self) -> None:
        """Nothing is ever pending: Python raises by itself."""

    def _pair(self, answer: Any, shape: tuple[int, ...]) -> list[np.ndarray]:
        if not isinstance(answer, (tuple, list)) or len(answer) != 2:
            raise ValueError(f"objective `{self.name}` must return (gradient, hessian), not {type(answer).__name__}")
        n = shape[-1]
        wanted = (n,) if len(shape) == 1 else (n, shape[0])
        parts = []
        for what, part in zip(("gradient", "hessian"), answer, strict=True):
            values = np.asarray(part, dtype=np.float64)
            if values.shape != wanted and values.size == n * self.n_outputs and values.ndim <= 2:
                values = values.reshape(wanted)  # XGBoost before 2.1 wanted flat ones, and (n, 1) is common
            if values.shape != wanted:
                raise ValueError(f"objective `{self.name}`: the {what} has shape {values.shape}; it must be {wanted}")
            parts.append(np.array(values.T, order="C"))
        return parts


def _weighted(gradient: np.ndarray, hessian: np.ndarray, weight: np.ndarray | None) -> Pair:
    if weight is not None:
        gradient *= weight
        hessian *= weight
    return gradient, hessian


def _block_loss(loss: Loss, y: np.ndarray) -> BlockLoss:
    function = loss.gradient_hessian or loss.value
    name = checks.name_of(function)
    step = None
    if loss.gradient_hessian is None:
        at_zero = checks.grid(y, 0.0)
        step = checks.best_step(lambda h: _differences(loss.value, *at_zero, h))  # type: ignore[arg-type]
    made = BlockLoss(name, function, step, loss.link)  # type: ignore[arg-type]
    for start in dict.fromkeys((0.0, newton_start(made, checks.sample_of(y, 256)))):
        _check_points(loss, made, checks.grid(y, start))
    return made


def _check_points(loss: Loss, made: BlockLoss, points: Pair) -> None:
    made.fault(*points)
    y, raw = points
    if loss.gradient_hessian is None:
        checks.check_hessian(made.name, y, raw, _differences(loss.value, y, raw, made.params[0])[1])  # type: ignore[arg-type]
        return
    python = _in_python(loss.gradient_hessian, y, raw)  # its hessian is as it came: the kernel cuts at 0
    checks.check_hessian(made.name, y, raw, python[1])
    checks.check_same(made.name, y, raw, made.gradient_hessian(y, raw), python)
    if loss.value is not None:
        value = loss.value
        _check_value(loss, made.name, points, lambda y, raw: _in_python(value, y, raw), made.gradient_hessian)


def _array_loss(loss: Loss, y: np.ndarray, n_outputs: int, takes_weight: bool) -> ArrayLoss:
    if loss.gradient_hessian is None:
        name = checks.name_of(loss.value)
        raise ValueError(f"value=`{name}` is of arrays: give gradient_hessian as well, or a function of two floats")
    made = ArrayLoss(checks.name_of(loss.gradient_hessian), loss.gradient_hessian, n_outputs, takes_weight, loss.link)
    y = np.ascontiguousarray(y, dtype=np.float64)
    raw = np.zeros(len(y)) if n_outputs == 1 else np.zeros((n_outputs, len(y)))
    made.gradient_hessian(y, raw, None)  # shapes and numbers near the start; what comes later is seen each round
    if loss.value is not None:
        if n_outputs > 1:
            raise ValueError("Loss(value=...) is checked for one output only: leave it out with more than two classes")
        value = loss.value
        points = y, np.resize(checks.OFFSETS, len(y))
        _check_value(loss, made.name, points, lambda y, raw: np.asarray(value(y, raw)), made.gradient_hessian)
    return made


def _check_value(loss: Loss, name: str, points: Pair, value: Callable, pair: Callable[..., Pair]) -> None:
    """Ask that gradient and hessian are the derivatives of the value that the user gave beside them."""
    y, raw = points

    def first_two(step: float) -> Pair:
        left, right = value(y, raw - step), value(y, raw + step)
        return (right - left) / step, (right - 2 * value(y, raw) + left) / step**2

    with np.errstate(all="ignore"):
        step = min(1e-2, checks.best_step(first_two))
        gradient, hessian = pair(y, raw)
        checks.check_derivative(name, "gradient", y, raw, value, gradient, step)
        if not loss.surrogate_hessian:
            checks.check_derivative(name, "hessian", y, raw, lambda y, raw: pair(y, raw)[0], hessian, step)


def _in_python(function: Callable, y: np.ndarray, raw: np.ndarray) -> Any:
    """The function at each point, by Python: (n,) for a loss, two of them for a pair; NaN where it raises."""
    function = getattr(function, "py_func", function)
    answers = []
    with np.errstate(all="ignore"):
        for point in zip(y, raw, strict=True):
            try:
                answers.append(function(*point))
            except Exception:
                answers.append(None)
    is_pair = any(isinstance(a, (tuple, list)) for a in answers)
    nothing: Any = (np.nan, np.nan) if is_pair else np.nan
    values = np.array([nothing if a is None else a for a in answers], dtype=np.float64)
    return (values[:, 0], values[:, 1]) if is_pair else values


def _differences(value: Callable, y: np.ndarray, raw: np.ndarray, step: float) -> Pair:
    """What the numerically differentiating kernel will compute with this step."""
    left2, left, here, right, right2 = (_in_python(value, y, raw + k * step) for k in (-2, -1, 0, 1, 2))
    gradient = (8.0 * (right - left) - (right2 - left2)) / (12.0 * step)
    return gradient, ((right - here) - (here - left)) / (step * step)
