"""Rows as the kernels read them, dense or sparse: sums over kernel values that are never stored, and SMO over some."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml._engines import kernel_rows as engine
from fastml._engines.smo import solve_matrix, solve_rows

Places = NDArray[np.int64]
Floats = NDArray[np.float64]

KINDS = {"linear": 0, "poly": 1, "rbf": 2, "sigmoid": 3}
VECTOR = 64  # bytes that a kernel handles at once
PANEL = 8
LARGEST_PANEL = 1 << 24  # numbers of a working set's rows, dense
NO_GROUP = np.empty(0, np.int8)


def arguments_of(kernel: Any) -> tuple[int, int, float, float]:
    """A kernel as the engines take it."""
    return KINDS[kernel.kind], int(kernel.degree), float(kernel.gamma), float(kernel.coef0)


def scale_of(kernel: Any) -> float:
    """What rows are multiplied by, so that rbf is 2^(x.z - |x|^2 / 2 - |z|^2 / 2)."""
    return float(np.sqrt(2.0 * kernel.gamma * np.log2(np.e))) if kernel.kind == "rbf" else 1.0


def padded(n: int, dtype: Any) -> int:
    """n or more, whole vectors."""
    lanes = VECTOR // np.dtype(dtype).itemsize
    return -(-n // lanes) * lanes


class DenseRows:
    """Packed rows (n_blocks, d, lanes) and half of their squared norms; see the stub of `kernel_rows`."""

    def __init__(self, rows: NDArray[Any], sq: NDArray[Any], n: int, kernel: Any, n_threads: int = 1) -> None:
        self.rows, self.sq, self.n, self.kernel, self.n_threads = rows, sq, n, kernel, n_threads
        self.dtype = rows.dtype

    @classmethod
    def of(
        cls, X: NDArray[Any], index: Places, kernel: Any, dtype: Any, mean: Floats, n_threads: int = 1
    ) -> DenseRows:
        """Rows `index` of X, less `mean`."""
        n_padded = padded(len(index), dtype)
        lanes = VECTOR // np.dtype(dtype).itemsize
        rows, sq = np.empty((n_padded // lanes, X.shape[1], lanes), dtype), np.empty(n_padded, dtype)
        engine.pack_rows(X, index, mean, scale_of(kernel), rows, sq, n_threads)
        return cls(rows, sq, len(index), kernel, n_threads)

    def take(self, places: Places) -> DenseRows:
        """Some of the rows, side by side."""
        n_padded = padded(len(places), self.dtype)
        lanes = self.rows.shape[2]
        rows, sq = np.empty((n_padded // lanes, self.rows.shape[1], lanes), self.dtype), np.empty(n_padded, self.dtype)
        engine.take_rows(self.rows, self.sq, places, rows, sq)
        return DenseRows(rows, sq, len(places), self.kernel, self.n_threads)

    def add(self, of: DenseRows, places: Places, coef: Floats, out: Floats) -> None:
        """out[i] += sum over v of coef[v] K(row i, row places[v] of `of`); out has room for whole vectors."""
        n_panels = -(-len(places) // PANEL)
        panels = np.empty((n_panels, self.rows.shape[1], PANEL), self.dtype)
        sq, weights = np.empty(n_panels * PANEL, self.dtype), np.zeros(n_panels * PANEL, self.dtype)
        engine.take_rows(of.rows, of.sq, places, panels, sq)
        weights[: len(places)] = coef
        engine.add_kernel(
            self.rows, self.sq, panels, sq, weights, *arguments_of(self.kernel), out, self.n_threads
        )

    def diagonal(self) -> NDArray[Any]:
        """K(x, x) of each row."""
        kernel = self.kernel
        if kernel.kind == "rbf":
            return np.ones(len(self.sq), self.dtype)
        dots = 2.0 * self.sq.astype(np.float64)
        if kernel.kind == "poly":
            dots = (kernel.gamma * dots + kernel.coef0) ** kernel.degree
        elif kernel.kind == "sigmoid":
            dots = np.tanh(kernel.gamma * dots + kernel.coef0)
        return dots.astype(self.dtype)

    def solve(self, places: Places, store: NDArray[Any], problem: WorkingSet, tol: float, max_steps: int) -> Outcome:
        """SMO over the rows at `places`."""
        own = self if len(places) == self.n and (places == np.arange(self.n)).all() else self.take(places)
        problem.pad(len(own.sq), self.dtype)
        steps, gap, n_rows = solve_rows(
            own.rows, own.sq, own.diagonal(), *arguments_of(self.kernel), store, problem.g, problem.beta, problem.lower,
            problem.upper, problem.epsilon, problem.group, tol, max_steps,
        )  # fmt: skip
        return steps, gap, n_rows


Outcome = tuple[int, float, int]  # steps, the gap that is left, rows of the kernel matrix computed


class SparseRows:
    """Rows of a CSR matrix by number; nothing is copied but their numbers in the type of the sums."""

    def __init__(
        self, indptr: Places, indices: NDArray[np.int32], values: NDArray[Any], sq: NDArray[Any], index: Places,
        kernel: Any, d: int, n_threads: int = 1,
    ) -> None:  # fmt: skip
        self.indptr, self.indices, self.values, self.sq, self.index = indptr, indices, values, sq, index
        self.kernel, self.d, self.n_threads = kernel, d, n_threads
        self.dtype, self.n = values.dtype, len(index)

    @classmethod
    def of(cls, X: Any, index: Places, kernel: Any, dtype: Any, n_threads: int = 1) -> SparseRows:
        """Rows `index` of X."""
        values = (X.data.astype(np.float64) * scale_of(kernel)).astype(dtype)
        row = np.repeat(np.arange(X.shape[0]), np.diff(X.indptr))
        sq = (np.bincount(row, values.astype(np.float64) ** 2, minlength=X.shape[0]) / 2.0).astype(dtype)
        return cls(
            X.indptr.astype(np.int64), X.indices.astype(np.int32, copy=False), values, sq, index, kernel, X.shape[1],
            n_threads,
        )  # fmt: skip

    def take(self, places: Places) -> SparseRows:
        """Some of the rows."""
        return SparseRows(
            self.indptr, self.indices, self.values, self.sq, self.index[places], self.kernel, self.d, self.n_threads
        )

    def _entries(self, index: Places) -> tuple[Places, Places, NDArray[Any]]:
        """(row among index, column, value) of all entries of some rows."""
        lengths = self.indptr[index + 1] - self.indptr[index]
        ends = np.cumsum(lengths)
        at = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - lengths - self.indptr[index], lengths)
        return np.repeat(np.arange(len(index)), lengths), self.indices[at].astype(np.int64), self.values[at]

    def add(self, of: SparseRows, places: Places, coef: Floats, out: Floats) -> None:
        """As `DenseRows.add`."""
        width = 4 * VECTOR // self.dtype.itemsize
        slot_of = np.zeros(self.d, np.int32)
        for begin in range(0, len(places), width):
            index = of.index[places[begin : begin + width]]
            row, column, value = of._entries(index)
            used = np.unique(column)
            slot_of[used] = np.arange(1, len(used) + 1)
            panel = np.zeros((len(used) + 1, width), self.dtype)
            panel[slot_of[column], row] = value
            sq, weights = np.zeros(width, self.dtype), np.zeros(width, self.dtype)
            sq[: len(index)] = of.sq[index]
            weights[: len(index)] = coef[begin : begin + width]
            engine.add_sparse(
                self.indptr, self.indices, self.values, self.sq, self.index, slot_of, panel, sq, weights,
                *arguments_of(self.kernel), out, self.n_threads,
            )  # fmt: skip
            slot_of[used] = 0

    def solve(self, places: Places, store: NDArray[Any], problem: WorkingSet, tol: float, max_steps: int) -> Outcome:
        """As `DenseRows.solve`; of the columns those that these rows have."""
        row, column, value = self._entries(self.index[places])
        used, column = np.unique(column, return_inverse=True)
        if len(places) * len(used) <= LARGEST_PANEL:
            X = np.zeros((len(places), len(used)), self.dtype)
            X[row, column] = value / scale_of(self.kernel)
            mean = np.zeros(len(used))
            own = DenseRows.of(X, np.arange(len(places)), self.kernel, self.dtype, mean, self.n_threads)
            return own.solve(np.arange(len(places)), store, problem, tol, max_steps)
        from scipy.sparse import csr_array

        X = csr_array((value.astype(np.float64) / scale_of(self.kernel), (row, column)), shape=(len(places), len(used)))
        return problem.solve_matrix(kernel_of_products(X, X, self.kernel).astype(self.dtype), tol, max_steps)


def kernel_of_products(X: Any, Z: Any, kernel: Any) -> Floats:
    """(n, m) kernel values of CSR rows that have too many columns to lie dense, in float64."""
    dots = (X @ Z.T).toarray().astype(np.float64, copy=False)
    if kernel.kind == "rbf":
        own, other = (np.asarray(rows.multiply(rows).sum(axis=1), np.float64).ravel() for rows in (X, Z))
        return np.asarray(np.exp(-kernel.gamma * np.maximum(own[:, None] + other - 2.0 * dots, 0.0)))
    if kernel.kind == "poly":
        return np.asarray((kernel.gamma * dots + kernel.coef0) ** kernel.degree)
    return np.asarray(np.tanh(kernel.gamma * dots + kernel.coef0)) if kernel.kind == "sigmoid" else np.asarray(dots)


class MatrixRows:
    """Rows of a kernel matrix that the user computed."""

    def __init__(self, K: NDArray[Any], index: Places, dtype: Any) -> None:
        self.K, self.index, self.dtype, self.n = K, index, np.dtype(dtype), len(index)

    def take(self, places: Places) -> MatrixRows:
        """Some of the rows."""
        return MatrixRows(self.K, self.index[places], self.dtype)

    def add(self, of: MatrixRows, places: Places, coef: Floats, out: Floats) -> None:
        """As `DenseRows.add`."""
        at_once = max(1, (1 << 20) // max(1, len(places)))
        columns = of.index[places]
        for begin in range(0, self.n, at_once):
            rows = self.index[begin : begin + at_once]
            out[begin : begin + len(rows)] += (self.K[np.ix_(rows, columns)] * coef).sum(axis=1)

    def solve(self, places: Places, store: NDArray[Any], problem: WorkingSet, tol: float, max_steps: int) -> Outcome:
        """As `DenseRows.solve`."""
        own = self.index[places]
        return problem.solve_matrix(self.K[np.ix_(own, own)].astype(self.dtype), tol, max_steps)


AnyRows = DenseRows | SparseRows | MatrixRows


class WorkingSet:
    """The part of a problem that SMO has at hand; arrays of whole vectors, what lies behind is held at 0."""

    def __init__(self, places: Places, problem: Any, beta: Floats, g: Floats) -> None:
        self.n, self.epsilon = len(places), problem.epsilon
        self.beta, self.g = beta[places], g[places]
        self.lower, self.upper = problem.lower[places], problem.upper[places]
        self.group = NO_GROUP if problem.group is None else problem.group[places]

    def pad(self, n: int, dtype: Any) -> None:
        """Make room for n variables, g in the type of the kernel."""
        more = n - self.n
        self.g = np.concatenate([self.g, np.zeros(more)]).astype(dtype)
        self.beta, self.lower, self.upper = (
            np.concatenate([values, np.zeros(more)]) for values in (self.beta, self.lower, self.upper)
        )
        if len(self.group):
            self.group = np.concatenate([self.group, np.zeros(more, np.int8)])

    def solve_matrix(self, K: NDArray[Any], tol: float, max_steps: int) -> Outcome:
        """SMO over a whole kernel matrix."""
        n = padded(len(K), K.dtype)
        whole = np.zeros((n, n), K.dtype)
        whole[: len(K), : len(K)] = K
        self.pad(n, K.dtype)
        steps, gap = solve_matrix(
            whole, self.g, self.beta, self.lower, self.upper, self.epsilon, self.group, tol, max_steps
        )
        return steps, gap, len(K)
