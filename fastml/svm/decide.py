"""Decision values: every vector of a machine meets every row once, whatever the number of problems."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastml._engines.kernel_rows import add_kernel_many, take_rows
from fastml.svm.packed import PANEL, DenseRows, Floats, Places, SparseRows, arguments_of, kernel_of_products, padded
from fastml.svm.precision import FEW, SMALL, Source, float32_will_do

if TYPE_CHECKING:
    from fastml.svm.solver import Machine

CHUNK = 1 << 12  # rows at a time
MOST_DENSE = 1 << 24  # numbers of a chunk of sparse rows that may lie dense


def decision(X: Any, machine: Machine, n_threads: int = 1) -> Floats:
    """(n_rows, n_problems) values f(x) = sum_v coef[v] K(x, v) + intercept.

    Machines of few vectors, and those whose kernel float32 does not hold, are summed in float64; the others in float32
    over 64 vectors at a time, which leaves some 1e-7 of the coefficients' sum.
    """
    n_problems = machine.coef.shape[0]
    out = np.empty((X.shape[0], n_problems))
    if machine.kernel.kind == "precomputed":
        out[:] = (machine.coef @ np.asarray(X)[:, machine.vectors].T).T
    elif not hasattr(X, "indptr") and machine.vectors.shape[0]:
        _dense(X, machine.vectors, machine, out, n_threads)
    elif machine.vectors.shape[0]:
        _sparse(X, machine, out, n_threads)
    else:
        out[:] = 0.0
    out += machine.intercept
    return out


def _dense(X: NDArray[Any], vectors: Any, machine: Machine, out: Floats, n_threads: int) -> None:
    everyone = np.arange(vectors.shape[0])
    source = Source(vectors, everyone, machine.kernel, n_threads)
    of = source.rows(dtype=np.float32 if len(everyone) > FEW else np.float64)
    if of.dtype == np.float32 and not float32_will_do(of):
        of = source.rows()
    groups = [_Group(of, vectors, problems, coef) for vectors, problems, coef in _groups(machine)]  # type: ignore[arg-type]
    for begin in range(0, len(X), CHUNK):
        index = np.arange(begin, min(begin + CHUNK, len(X)))
        rows = DenseRows.of(X, index, machine.kernel, of.dtype, source.mean, n_threads)
        sums = np.zeros((out.shape[1], padded(rows.n, of.dtype)))
        for group in groups:
            group.add(rows, sums)
        out[begin : begin + CHUNK] = sums[:, : rows.n].T


class _Group:
    """Vectors that the same problems have, in panels."""

    def __init__(self, of: DenseRows, vectors: Places, problems: Places, coef: Floats) -> None:
        n_panels = -(-len(vectors) // PANEL)
        self.problems = problems
        self.panels = np.empty((n_panels, of.rows.shape[1], PANEL), of.dtype)
        self.sq = np.empty(n_panels * PANEL, of.dtype)
        take_rows(of.rows, of.sq, vectors, self.panels, self.sq)
        whole = np.zeros((len(problems), n_panels * PANEL))
        whole[:, : len(vectors)] = coef
        in_panels = whole.reshape(len(problems), n_panels, PANEL).transpose(1, 0, 2)
        self.coef = np.ascontiguousarray(in_panels, dtype=of.dtype)

    def add(self, rows: DenseRows, sums: Floats) -> None:
        out = np.zeros((len(self.problems), sums.shape[1]))
        add_kernel_many(
            rows.rows, rows.sq, self.panels, self.sq, self.coef, *arguments_of(rows.kernel), out, rows.n_threads
        )
        sums[self.problems] += out


def _groups(machine: Machine) -> Iterator[tuple[Places, Places, Floats]]:
    """(vectors, problems, coefficients): all vectors at once, or those of each class with that class's problems."""
    coef = machine.coef
    sizes = machine.sizes
    if sizes is None or not hasattr(coef, "indptr"):
        coef = coef.toarray() if hasattr(coef, "indptr") else coef
        yield np.arange(coef.shape[1]), np.arange(coef.shape[0]), coef
        return
    ends = np.cumsum(sizes)
    for begin, end in zip(ends - sizes, ends, strict=True):
        part = coef[:, begin:end]
        problems = np.flatnonzero(np.diff(part.tocsr().indptr))
        if len(problems):
            yield np.arange(begin, end), problems, part.tocsr()[problems].toarray()


def _sparse(X: Any, machine: Machine, out: Floats, n_threads: int) -> None:
    vectors, coef = machine.vectors, machine.coef
    few = vectors.shape[0] * X.shape[1] <= SMALL
    if coef.shape[0] == 1 and not few:
        everyone = np.arange(vectors.shape[0])
        weights = coef.toarray()[0] if hasattr(coef, "indptr") else coef[0]
        dtype = np.float32 if len(everyone) > FEW else np.float64
        of = SparseRows.of(vectors, everyone, machine.kernel, dtype)
        if dtype == np.float32 and not float32_will_do(of):
            of = SparseRows.of(vectors, everyone, machine.kernel, np.float64)
        rows = SparseRows.of(X, np.arange(X.shape[0]), machine.kernel, of.dtype, n_threads)
        sums = np.zeros(rows.n)
        rows.add(of, everyone, weights, sums)
        out[:, 0] = sums
        return
    # Only columns of the vectors matter to the products; where these are many, chunks of rows are small.
    if vectors.shape[0] * X.shape[1] <= MOST_DENSE:
        dense = vectors.toarray()
        at_once = max(1, MOST_DENSE // max(X.shape[1], 1))
        for begin in range(0, X.shape[0], at_once):
            _dense(X[begin : begin + at_once].toarray(), dense, machine, out[begin : begin + at_once], n_threads)
        return
    at_once = max(1, MOST_DENSE // max(vectors.shape[0], 1))
    for begin in range(0, X.shape[0], at_once):
        K = kernel_of_products(X[begin : begin + at_once], vectors, machine.kernel)
        out[begin : begin + at_once] = (coef @ K.T).T
