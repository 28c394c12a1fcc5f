"""Many small problems over the same rows, solved side by side: a pair of classes each, say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastml._engines.smo import solve_problems
from fastml.svm.blocked import State
from fastml.svm.packed import DenseRows, Places, arguments_of
from fastml.svm.precision import FEW, WHOLE, Source, float32_will_do

if TYPE_CHECKING:
    from fastml.svm.solver import Kernel, Problem

MARGIN = 0.7  # of tol: what the float32 solution is solved to, so that its errors fit in
SAFETY = 4.0  # times the error that rounding leaves on average


def solve_side_by_side(
    X: Any, indexes: list[Places], kernel: Kernel, problems: list[Problem], tol: float, *, max_iter: int, n_threads: int,
    cache_bytes: int,
) -> dict[int, State]:
    """The states of those problems that were solved beyond doubt, in float32; the others are left to the caller."""
    suits = [
        k for k, (index, problem) in enumerate(zip(indexes, problems, strict=True))
        if FEW < len(index) <= WHOLE and problem.group is None and problem.start is None
        and problem.epsilon == problems[0].epsilon and 4 * len(index) ** 2 * n_threads <= cache_bytes
    ]  # fmt: skip
    if len(suits) < 2 or hasattr(X, "indptr") or kernel.kind == "precomputed" or tol < 1e-5:
        return {}
    used = np.unique(np.concatenate([indexes[k] for k in suits]))
    rows = Source(X, used, kernel, n_threads).rows(dtype=np.float32)
    if not isinstance(rows, DenseRows) or not float32_will_do(rows):
        return {}
    starts = np.concatenate([[0], np.cumsum([len(indexes[k]) for k in suits])]).astype(np.int64)
    index = np.searchsorted(used, np.concatenate([indexes[k] for k in suits]))
    g, lower, upper = (
        np.concatenate([getattr(problems[k], name) for k in suits]).astype(np.float64) for name in ("z", "lower", "upper")
    )
    beta = np.zeros(len(g))
    steps, gap, n_rows = np.zeros(len(suits), np.int64), np.zeros(len(suits)), np.zeros(len(suits), np.int64)
    diagonal = rows.diagonal()
    solve_problems(
        rows.rows, rows.sq, diagonal, index, starts, *arguments_of(kernel), g, beta, lower, upper, problems[0].epsilon,
        MARGIN * tol, max_iter, steps, gap, n_rows, n_threads,
    )
    # Of rbf, values that matter are those of rows close together, whose exponent is a difference of numbers of size sq.
    size = 2.0 + 4.0 * rows.sq if kernel.kind == "rbf" else np.full(len(rows.sq), np.abs(diagonal).max())
    rounding = (SAFETY * 2.0**-24 * beta * size[index]) ** 2
    found = {}
    for at, k in enumerate(suits):
        own = slice(starts[at], starts[at + 1])
        if gap[at] + 2.0 * np.sqrt(rounding[own].sum()) <= tol:
            found[k] = State(beta[own].copy(), g[own].copy(), float(gap[at]), int(steps[at]), int(n_rows[at]))
    return found
