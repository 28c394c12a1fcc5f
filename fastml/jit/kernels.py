"""A user's kernel, a function of two rows, compiled into one that fills a matrix, for support vector machines."""

from __future__ import annotations

import ctypes
import inspect
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml.jit.blocks import CACHE_SIZE, first_helpful_line, jit_is_off
from fastml.jit.checks import name_of
from fastml.jit.fingerprint import fingerprint
from fastml.jit.helpers import with_helpers
from fastml.threads import effective_threads

C_KERNEL = ctypes.CFUNCTYPE(
    None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_ssize_t, ctypes.c_ssize_t, ctypes.c_ssize_t, ctypes.c_void_p
)
TRIED = 4  # rows that the function is asked about before it fills a matrix
PARTS = 16  # that the rows of a matrix are dealt in
ROUNDING = 1e-7  # of the largest value tried: what two orders of the same sum may differ by
PER_COLUMN = 5.0  # ns, about, that a function takes a column of a pair of rows

_lock = threading.Lock()
_cache: dict[Any, tuple[Any, Any]] = {}


class RowKernel:
    """K(x, z) of two rows as a function of two sets of rows: kernel(X, Z) -> (len(X), len(Z)) float64.

    Made by `compile_kernel`; given to `SVC(kernel=...)` and the like. Compiled at the first call, which takes a second;
    it is kept for all kernels of the same code. A matrix of rows with themselves is computed by half.
    """

    def __init__(self, function: Callable[[Any, Any], float], n_jobs: int | None = None) -> None:
        self.function, self.n_jobs = function, n_jobs
        self.__name__ = name_of(function)

    def __repr__(self) -> str:
        return f"compile_kernel({self.__name__})"

    def __reduce__(self) -> Any:
        return compile_kernel, (self.function, self.n_jobs)

    def __deepcopy__(self, memo: Any) -> RowKernel:
        return self

    def __call__(self, X: Any, Z: Any) -> NDArray[np.float64]:
        """The matrix of kernel values.

        Raises
        ------
        ValueError
            A value that is not finite, or that depends on the order of its rows; with the rows. What Numba cannot
            compile.
        TypeError
            Sparse rows, or rows that are no numbers.
        """
        same = X is Z
        A = _rows(X)
        B = A if same else _rows(Z)
        if A.shape[1] != B.shape[1]:
            raise ValueError(f"X has {A.shape[1]} columns, and the rows of the fit have {B.shape[1]}")
        out = np.empty((len(A), len(B)))
        if not out.size:
            return out
        tried = np.concatenate([A[np.linspace(0, len(A) - 1, TRIED).astype(int)], B[[0, -1]]])
        said = self._asked(tried)
        if jit_is_off():
            for i, row in enumerate(A):
                out[i] = [self._of(row, other) for other in B]
            return out
        block = _compiled(self.function)
        self._compare(block, tried, said)
        self._fill(block, A, B, out, same)
        return out

    def _fill(self, block: Any, A: Any, B: Any, out: NDArray[np.float64], same: bool) -> None:
        """Rows of the matrix, some a thread; each value by itself, so that threads leave the bits alone."""
        work = PER_COLUMN * out.size * A.shape[1] / (2 if same else 1)
        n_threads = effective_threads(self.n_jobs, work)
        step = -(-len(A) // max(PARTS, 4 * n_threads))

        def part(begin: int) -> None:
            end = min(begin + step, len(A))
            n_columns = end if same else len(B)  # of a matrix of its own rows up to the diagonal
            part_out = np.empty((end - begin, n_columns))
            rows = A[begin:end]
            block(rows.ctypes.data, B.ctypes.data, len(rows), n_columns, A.shape[1], part_out.ctypes.data)
            out[begin:end, :n_columns] = part_out
            if same:
                out[:begin, begin:end] = part_out[:, :begin].T

        begins = range(0, len(A), step)
        if n_threads == 1:
            for begin in begins:
                part(begin)
        else:
            with ThreadPoolExecutor(n_threads) as pool:
                list(pool.map(part, begins))

    def _of(self, x: NDArray[np.float64], z: NDArray[np.float64]) -> float:
        """Of two rows, in Python."""
        plain = getattr(self.function, "py_func", self.function)
        try:
            with np.errstate(all="ignore"):
                said = plain(x, z)
        except Exception as error:
            where = f"of the rows {_few(x)} and {_few(z)}"
            raise ValueError(f"kernel `{self.__name__}` raised {type(error).__name__} {where}: {error}") from error
        if np.ndim(said) or not isinstance(said, (int, float, np.number, np.bool_)):
            raise ValueError(f"kernel `{self.__name__}` returned {said!r}; of two rows it must return a number")
        return float(said)

    def _asked(self, tried: NDArray[np.float64]) -> NDArray[np.float64]:
        """What it says in Python of all pairs of some rows: finite, and the same in either order."""
        said = np.array([[self._of(x, z) for z in tried] for x in tried])
        if not np.isfinite(said).all():
            i, j = (int(k) for k in np.argwhere(~np.isfinite(said))[0])
            raise ValueError(
                f"kernel `{self.__name__}` is {said[i, j]} of the rows {_few(tried[i])} and {_few(tried[j])}; it must "
                "be finite"
            )
        slack = ROUNDING * np.abs(said).max()
        if (np.abs(said - said.T) > slack).any():
            i, j = divmod(int(np.abs(said - said.T).argmax()), len(said))
            raise ValueError(
                f"kernel `{self.__name__}` is not symmetric: {said[i, j]} of the rows {_few(tried[i])} and "
                f"{_few(tried[j])}, and {said[j, i]} in the other order"
            )
        return said

    def _compare(self, block: Any, tried: NDArray[np.float64], said: NDArray[np.float64]) -> None:
        """Refuse what says another thing compiled than in Python."""
        slack = ROUNDING * np.abs(said).max()
        compiled = np.empty_like(said)
        n, d = tried.shape
        block(tried.ctypes.data, tried.ctypes.data, n, n, d, compiled.ctypes.data)
        off = ~(np.abs(compiled - said) <= slack)
        if off.any():
            i, j = (int(k) for k in np.argwhere(off)[0])
            raise ValueError(
                f"kernel `{self.__name__}` gives {said[i, j]} in Python and {compiled[i, j]} compiled, of the rows "
                f"{_few(tried[i])} and {_few(tried[j])}: it must be of its rows alone, in arithmetic, math and numpy"
            )


def compile_kernel(function: Callable[[Any, Any], float], n_jobs: int | None = None) -> RowKernel:
    """Make a kernel of two rows one of two sets of rows, by Numba.

    Parameters
    ----------
    function : callable
        (x, z) -> float, of two rows of float64; the same in either order, and finite. Positive semidefinite, if the
        optimum is to be one.
    n_jobs : int or None
        Threads; None and -1 are all.

    Returns
    -------
    RowKernel
        For `kernel=`; it is compiled when it is first called.

    Raises
    ------
    ValueError, TypeError
        Not a function of two arguments.

    Examples
    --------
    >>> from fastml.jit import compile_kernel
    >>> from fastml.svm import SVC
    >>> def shared(x, z):
    ...     total = 0.0
    ...     for j in range(len(x)):
    ...         total += min(x[j], z[j])
    ...     return total
    >>> model = SVC(kernel=compile_kernel(shared))
    """
    if not callable(function):
        raise TypeError(f"compile_kernel takes a function of two rows, not a {type(function).__name__}")
    try:
        inspect.signature(function).bind("x", "z")
    except TypeError as error:
        name = name_of(function)
        raise ValueError(f"kernel `{name}` takes {inspect.signature(function)}: it must take two rows") from error
    except ValueError:  # a function in C without a signature
        pass
    return RowKernel(function, n_jobs)


def _rows(X: Any) -> NDArray[np.float64]:
    if hasattr(X, "toarray"):
        raise TypeError("a compiled kernel reads dense rows: pass X.toarray()")
    rows = np.ascontiguousarray(X, dtype=np.float64)
    if rows.ndim != 2:
        raise ValueError(f"Expected 2D array, got an array of {rows.ndim} dimensions: a compiled kernel reads rows")
    return rows


def _few(row: NDArray[np.float64]) -> str:
    return f"[{', '.join(f'{value:g}' for value in row[:5])}{', ...' if len(row) > 5 else ''}]"


def _compiled(function: Callable) -> Any:
    key = fingerprint(function)
    with _lock:
        if key is None:
            return _build(function)[1]
        if key not in _cache:
            made = _build(function)
            while len(_cache) >= CACHE_SIZE:
                _cache.pop(next(iter(_cache)))
            _cache[key] = made
        return _cache[key][1]


def _build(function: Callable) -> tuple[Any, Any]:
    """(what must be kept, the C function) that fills n_a x n_b values."""
    from numba import carray, cfunc, njit, types
    from numba.core.errors import NumbaError

    options: dict[str, Any] = {"error_model": "numpy", "fastmath": False, "nogil": True}
    own = with_helpers(function, lambda plain: njit(plain, **options), {})

    def fill(a, b, n_a, n_b, d, out):
        A, B, values = carray(a, (n_a, d)), carray(b, (n_b, d)), carray(out, (n_a, n_b))
        for i in range(n_a):
            try:  # an exception would be printed, and leave the answer unset
                for j in range(n_b):
                    values[i, j] = own(A[i], B[j])
            except Exception:
                values[i, :] = np.nan

    number = types.float64
    pointer = types.CPointer(number)
    try:
        row = types.Array(number, 1, "C")
        own.compile((row, row))
        made = cfunc(types.void(pointer, pointer, types.intp, types.intp, types.intp, pointer), **options)(fill)
    except NumbaError as error:
        raise ValueError(
            f"Numba cannot compile kernel `{name_of(function)}`: {first_helpful_line(str(error))}. It must be a "
            "function (x, z) -> float of two rows, by arithmetic, math and numpy"
        ) from error
    return (own, made), _Held(made)


class _Held:
    """A C function that keeps what it was compiled from."""

    def __init__(self, made: Any) -> None:
        self._made = made
        self._call = C_KERNEL(made.address)

    def __call__(self, *arguments: Any) -> None:
        self._call(*arguments)
