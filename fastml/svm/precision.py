"""One problem solved in float32 as far as that goes, checked in float64, and finished there where it must be.

g = z - K beta is summed in float64 from float32 kernel values. When the gap is closed, g of some rows is computed in
float64 from scratch; where what they differ by could leave a gap above `tol`, that of all rows is, and the rounds go on
from it: what float32 then adds is small, so that its errors are too. A last resort is float64 throughout.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastml.svm.blocked import BlockedSolver, State, kkt_gap
from fastml.svm.packed import AnyRows, DenseRows, Floats, MatrixRows, Places, SparseRows, WorkingSet, padded

if TYPE_CHECKING:
    from fastml.svm.solver import Kernel, Problem, Watch

FEW = 256  # rows: a problem of fewer is solved in float64 at once
WHOLE = 1500  # rows: a problem of fewer is solved with its whole kernel at hand
SAMPLE = 256  # rows that are checked first
SAFETY = 3.0  # times the largest error that the sample shows
CORRECTIONS = 4  # returns to a float64 g before float64 throughout
LARGEST_NORM = 60.0  # half the squared norm of a packed rbf row: float32 has 2^-20 of it
STEPS_BETWEEN_LOOKS = 2e8  # over the rows: about 0.2 s between two looks at the clock and at Ctrl-C
SMALL = 1 << 20  # numbers: sparse rows of fewer are read as dense ones, the same bits as of these
DENSE_FROM = 4.0  # places a number: sparse rows that are fuller are read as dense ones
CHUNK = 1 << 14  # rows that are checked at a time


class Source:
    """The rows of a problem, in the type that is asked for."""

    def __init__(self, X: Any, index: Places, kernel: Kernel, n_threads: int) -> None:
        if hasattr(X, "indptr") and X.shape[0] * X.shape[1] <= max(SMALL, DENSE_FROM * X.nnz):
            X = X.toarray()
        self.X, self.index, self.kernel, self.n_threads = X, index, kernel, n_threads
        self.sparse = hasattr(X, "indptr")
        self._whole: dict[Any, SparseRows] = {}  # all rows in a type: their numbers and norms are made once
        self.precomputed = kernel.kind == "precomputed"
        if not self.sparse and not self.precomputed:
            d = X.shape[1]
            # Distances stay what they are, and squares far from 0 would drown them.
            self.mean = X[index].mean(axis=0, dtype=np.float64) if kernel.kind == "rbf" and len(index) else np.zeros(d)

    def rows(self, places: Places | None = None, dtype: Any = np.float64) -> AnyRows:
        """Those at `places`, all by default."""
        index = self.index if places is None else self.index[places]
        if self.precomputed:
            return MatrixRows(self.X, index, dtype)
        if self.sparse:
            if dtype not in self._whole:
                everyone = np.arange(self.X.shape[0])
                self._whole[dtype] = SparseRows.of(self.X, everyone, self.kernel, dtype, self.n_threads)
            return self._whole[dtype].take(index)
        return DenseRows.of(self.X, index, self.kernel, dtype, self.mean, self.n_threads)

    def product(self, places: Places, beta: Floats) -> Floats:
        """K beta at `places`, in float64."""
        moved = np.flatnonzero(beta)
        of = self.rows(moved)
        out = np.empty(len(places))
        for begin in range(0, len(places), CHUNK):
            part = self.rows(places[begin : begin + CHUNK])
            sums = np.zeros(padded(part.n, np.float64))
            part.add(of, np.arange(len(moved)), beta[moved], sums)  # type: ignore[arg-type]
            out[begin : begin + CHUNK] = sums[: part.n]
        return out


def minimise(
    X: Any, index: Places, kernel: Kernel, problem: Problem, tol: float, *, max_iter: int, n_threads: int,
    cache_bytes: int, watch: Watch | None = None,
) -> State:
    """Solve a problem to a gap of at most `tol` by a float64 g; see `fastml.svm.solver.solve`."""
    source = Source(X, index, kernel, n_threads)
    n = len(index)
    start = np.zeros(n) if problem.start is None else problem.start.astype(np.float64)
    everywhere = np.arange(n)
    g = problem.z - source.product(everywhere, start) if start.any() else problem.z.astype(np.float64)
    state = State(start, g)
    state.gap = kkt_gap(state.g, state.beta, problem)
    if max_iter <= 0 or n == 0:
        return state
    rows = source.rows(dtype=np.float64 if n <= FEW or tol < 1e-5 else np.float32)
    if rows.dtype == np.float32 and not float32_will_do(rows):
        rows = source.rows()
    for _ in range(CORRECTIONS):
        narrow = rows.dtype == np.float32
        if _rounds(rows, problem, state, (0.9 if narrow else 0.95) * tol, max_iter, cache_bytes, watch):
            break
        if narrow and _trusted(source, problem, state, tol):
            return state
        state.g = problem.z - source.product(everywhere, state.beta)
        state.gap = kkt_gap(state.g, state.beta, problem)
        if state.gap <= tol:
            return state
    else:
        _rounds(source.rows(), problem, state, 0.95 * tol, max_iter, cache_bytes, watch)
    state.g = problem.z - source.product(everywhere, state.beta)
    state.gap = kkt_gap(state.g, state.beta, problem)
    return state


def _rounds(
    rows: AnyRows, problem: Problem, state: State, tol: float, max_iter: int, cache_bytes: int, watch: Watch | None
) -> bool:
    """Solve from `state` on; True if it was stopped."""
    n = padded(rows.n, rows.dtype)
    if rows.n > WHOLE or n * n * rows.dtype.itemsize > cache_bytes:
        return BlockedSolver(rows, problem, state, cache_bytes).run(tol, max_iter, watch)
    everywhere, store = np.arange(rows.n), np.empty(n * n, rows.dtype)
    look = max(256, int(STEPS_BETWEEN_LOOKS / rows.n))
    while state.gap > tol:
        part = WorkingSet(everywhere, problem, state.beta, state.g)
        steps, state.gap, n_rows = rows.solve(everywhere, store, part, tol, min(look, max_iter - state.n_steps))
        unmoved = bool((part.beta[: rows.n] == state.beta).all())
        state.beta, state.g = part.beta[: rows.n], part.g[: rows.n].astype(np.float64)
        state.n_steps, state.kernel_rows = state.n_steps + steps, max(state.kernel_rows, n_rows)
        if state.gap > tol and (unmoved or state.n_steps >= max_iter or (watch and watch(state.gap, state.n_steps))):
            return True
    return False


def float32_will_do(rows: AnyRows) -> bool:
    """Whether kernel values can be had to some 1e-5 in float32."""
    if isinstance(rows, MatrixRows):
        return bool(rows.K.max(initial=0.0) < 1e30 and rows.K.min(initial=0.0) > -1e30)
    largest = float(rows.sq.max(initial=0.0))
    return largest < (LARGEST_NORM if rows.kernel.kind == "rbf" else 1e8)


def _trusted(source: Source, problem: Problem, state: State, tol: float) -> bool:
    """Whether g, summed from float32 values, is what float64 gives, by a sample of rows."""
    n = len(state.g)
    places = np.unique(np.linspace(0, n - 1, SAMPLE).astype(np.int64)) if n > SAMPLE else np.arange(n)
    exact = problem.z[places] - source.product(places, state.beta)
    return bool(state.gap + 2.0 * SAFETY * np.abs(exact - state.g[places]).max() <= tol)
