"""A user's impurity, compiled for the engine that grows trees, and what is asked of it before it is used."""

from __future__ import annotations

import ctypes
import inspect
import threading
import warnings
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fastml.jit.blocks import CACHE_SIZE, first_helpful_line, jit_is_off
from fastml.jit.checks import name_of
from fastml.jit.fingerprint import fingerprint
from fastml.jit.helpers import with_helpers

Target = Literal["classes", "numbers"]
ARGUMENTS = {"classes": ("share",), "numbers": ("weight", "sum_wy", "sum_wyy")}
SAYS = {"classes": "the shares of the classes in a node, an array", "numbers": "the sums of w, w y and w y^2 in a node"}
C_IMPURITY = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_void_p, ctypes.c_ssize_t)
ROUNDING = 1e-7  # of the largest impurity, or of the mean square: what cancellation may leave

_lock = threading.Lock()
_cache: dict[Any, OwnCriterion] = {}


class OwnCriterion:
    """An impurity behind a C function (statistics, how many) -> double. Keep it while an engine holds its address.

    is_interpreted : Numba's JIT is off, and it must be called by the thread that asked for the fit
    """

    def __init__(self, function: Callable, target: Target, address: int, owner: Any, is_interpreted: bool) -> None:
        self.function, self.target, self.address = function, target, address
        self.is_interpreted = is_interpreted
        self._owner = owner
        self._call = C_IMPURITY(address)

    def __call__(self, statistics: NDArray[np.float64]) -> float:
        """Of one node, as an engine asks."""
        given = np.array(statistics, dtype=np.float64)
        return self._call(given.ctypes.data, len(given))

    def refuse(self, statistics: NDArray[np.float64]) -> None:
        """Raise what is wrong with a node for which an engine got no finite number."""
        said = _in_python(self.function, self.target, statistics)
        raise ValueError(
            f"criterion `{name_of(self.function)}` gave {said if not np.isfinite(said) else self(statistics)} "
            f"{_at(self.target, statistics)}, in a node or behind a cut that the tree tried; it must be finite "
            "wherever a node has weight"
        )


def compile_criterion(function: Callable, target: Target, samples: NDArray[np.float64]) -> OwnCriterion:
    """Check a user's impurity and make it ready for the fit.

    Parameters
    ----------
    function : callable
        (share) -> float, of the shares of the classes, (n_classes,) float64; or (weight, sum_wy, sum_wyy) -> float.
    target : {"classes", "numbers"}
    samples : (n, n_classes) or (n, 3)
        Nodes to try, as the function takes them.

    Raises
    ------
    ValueError
        Arguments, a value that is no number, not finite or negative, or what Numba cannot compile; with the point.

    Warns
    -----
    UserWarning
        It is not concave: of two nodes together it says less than of each by itself.
    """
    _check_signature(function, target)
    said = np.array([_in_python(function, target, row) for row in samples])
    _check_values(function, target, samples, said)
    made = _build(function, target)
    compiled = np.array([made(row) for row in samples])
    _check_values(function, target, samples, compiled)
    off = np.flatnonzero(np.abs(compiled - said) > ROUNDING * _scale(target, samples, said))
    if off.size:
        i = int(off[0])
        raise ValueError(
            f"criterion `{name_of(function)}` gives {said[i]} in Python and {compiled[i]} compiled, "
            f"{_at(target, samples[i])}: it must be of its arguments alone, in arithmetic, math and numpy"
        )
    _check_concave(made, samples, said)
    return made


def samples_of_classes(share: NDArray[np.float64]) -> NDArray[np.float64]:
    """Nodes to try: those given (n, n_classes), pure and even ones, and some at random."""
    k = share.shape[1]
    drawn = np.random.default_rng(0).dirichlet(np.ones(k), 24)
    return np.concatenate([share, np.eye(k)[:16], np.full((1, k), 1.0 / k), drawn])


def samples_of_numbers(y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Nodes to try: all of y (n,), single rows, and some rows at random."""
    rng = np.random.default_rng(0)
    parts = [y, *y[rng.integers(0, len(y), 8)][:, None], *(y[rng.integers(0, len(y), k)] for k in (2, 2, 3, 5, 9, 30))]
    return np.array([[float(len(part)), part.sum(), (part**2).sum()] for part in parts])


def _check_signature(function: Callable, target: Target) -> None:
    names = ARGUMENTS[target]
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # a function in C without a signature
        return
    if _binds(signature, names):
        return
    other: Target = "numbers" if target == "classes" else "classes"
    fits = f": a criterion for {other}, and y is {target}" if _binds(signature, ARGUMENTS[other]) else ""
    raise ValueError(
        f"criterion=`{name_of(function)}` takes {signature}{fits}; for {target} it must take ({', '.join(names)}), "
        f"{SAYS[target]}"
    )


def _binds(signature: inspect.Signature, names: tuple[str, ...]) -> bool:
    try:
        signature.bind(*names)
    except TypeError:
        return False
    return True


def _in_python(function: Callable, target: Target, row: NDArray[np.float64]) -> float:
    plain = getattr(function, "py_func", function)
    arguments = [np.array(row)] if target == "classes" else [np.float64(value) for value in row]
    try:
        with np.errstate(all="ignore"):
            said = plain(*arguments)
    except Exception as error:
        name = name_of(function)
        raise ValueError(f"criterion `{name}` raised {type(error).__name__} {_at(target, row)}: {error}") from error
    if np.ndim(said) or not isinstance(said, (int, float, np.number, np.bool_)):
        name = name_of(function)
        raise ValueError(f"criterion `{name}` returned {said!r} {_at(target, row)}; it must return a number")
    return float(said)


def _at(target: Target, row: NDArray[np.float64]) -> str:
    given = [repr(np.asarray(row).tolist())] if target == "classes" else [repr(float(value)) for value in row]
    return "at " + ", ".join(f"{name}={value}" for name, value in zip(ARGUMENTS[target], given, strict=True))


def _scale(target: Target, samples: NDArray[np.float64], said: NDArray[np.float64]) -> Any:
    most = max(1e-300, float(np.abs(said).max()))
    return most if target == "classes" else np.maximum(most, samples[:, 2] / samples[:, 0])


def _check_values(function: Callable, target: Target, samples: NDArray[np.float64], said: NDArray[np.float64]) -> None:
    for what, bad in (
        ("be finite wherever a node has weight", ~np.isfinite(said)),
        ("be >= 0, and 0 where nothing is left to split", said < -ROUNDING * _scale(target, samples, said)),
    ):
        if bad.any():
            i = int(np.flatnonzero(bad)[0])
            raise ValueError(f"criterion `{name_of(function)}` is {said[i]} {_at(target, samples[i])}; it must {what}")


def _check_concave(made: OwnCriterion, samples: NDArray[np.float64], said: NDArray[np.float64]) -> None:
    """Of two nodes together it should say at least what it says of them apart, weighted: else cuts raise it."""
    by_class = made.target == "classes"
    weight = np.full(len(samples), 0.5) if by_class else samples[:, 0]
    slack = ROUNDING * np.max(_scale(made.target, samples, said))
    for i in range(len(samples) - 1):
        both = (samples[i] + samples[i + 1]) * (0.5 if by_class else 1.0)
        apart = weight[i] * said[i] + weight[i + 1] * said[i + 1]
        total = weight[i] + weight[i + 1]
        if made(both) < apart / total - slack:
            warnings.warn(
                f"criterion `{name_of(made.function)}` is not concave: it is {made(both):g} "
                f"{_at(made.target, both)}, less than the mean {apart / total:g} of two nodes that make this one. A "
                "cut that raises it is not made, however good the ones below it",
                UserWarning,
                stacklevel=5,
            )
            return


def _build(function: Callable, target: Target) -> OwnCriterion:
    if jit_is_off():
        return _interpreted(function, target)
    key = fingerprint(function)
    with _lock:
        if key is not None and (key, target) in _cache:
            return _cache[key, target]
        made = _compiled(function, target)
        if key is not None:
            while len(_cache) >= CACHE_SIZE:
                _cache.pop(next(iter(_cache)))
            _cache[key, target] = made
        return made


def _interpreted(function: Callable, target: Target) -> OwnCriterion:
    def impurity(at: int, n: int) -> float:
        given = np.array((ctypes.c_double * n).from_address(at), dtype=np.float64)
        try:
            return _in_python(function, target, given)
        except ValueError:  # C cannot carry it: it is called again when the engine reports the point
            return float("nan")

    callback = C_IMPURITY(impurity)
    return OwnCriterion(function, target, ctypes.cast(callback, ctypes.c_void_p).value or 0, callback, True)


def _compiled(function: Callable, target: Target) -> OwnCriterion:
    from numba import carray, cfunc, njit, types
    from numba.core.errors import NumbaError

    # As for losses: what the function gives in Python, but for the last bit of an exponential, and NaN stays NaN.
    options: dict[str, Any] = {"error_model": "numpy", "fastmath": False, "nogil": True}
    own = with_helpers(function, lambda plain: njit(plain, **options), {})

    def of_classes(at, n):
        try:  # an exception would be printed, and leave the answer unset
            return float(own(carray(at, (n,))))
        except Exception:
            return np.nan

    def of_numbers(at, n):
        given = carray(at, (3,))
        try:
            return float(own(given[0], given[1], given[2]))
        except Exception:
            return np.nan

    number = types.float64
    try:
        own.compile((types.Array(number, 1, "C"),) if target == "classes" else (number,) * 3)
        signature = number(types.CPointer(number), types.intp)
        made = cfunc(signature, **options)(of_classes if target == "classes" else of_numbers)
    except NumbaError as error:
        raise ValueError(
            f"Numba cannot compile criterion `{name_of(function)}`: {first_helpful_line(str(error))}. It must be a "
            f"function ({', '.join(ARGUMENTS[target])}) -> float, by arithmetic, math and numpy"
        ) from error
    return OwnCriterion(function, target, made.address or 0, made, False)
