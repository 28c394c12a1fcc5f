"""Many small problems over the same rows, solved side by side: a pair of classes each, say."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from fastml._engines.smo import solve_problems
from fastml.svm.blocked import State
from fastml.svm.packed import DenseRows, Places, arguments_of
from fastml.svm.precision import FEW, WHOLE, Source, float32_will_do

if TYPE_CHECKING:
    from fastml.svm.solver import Kernel, Problem, Watch

MARGIN = 0.7  # of tol: what the float32 solution is solved to, so that its errors fit in
AT_ONCE = 64  # problems between two looks at the clock and at Ctrl-C
SAFETY = 4.0  # times the error that rounding leaves on average


def solve_side_by_side(
    X: Any,
    indexes: list[Places],
    kernel: Kernel,
    problems: list[Problem],
    tol: float,
    *,
    max_iter: int,
    n_threads: int,
    cache_bytes: int,
    watch: Watch | None = None,
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
    found: dict[int, State] = {}
    for first in range(0, len(suits), AT_ONCE):
        own = suits[first : first + AT_ONCE]
        places = [np.searchsorted(used, indexes[k]) for k in own]
        states = _solve(rows, places, [problems[k] for k in own], MARGIN * tol, max_iter, n_threads)
        found |= {k: state for k, state in zip(own, states, strict=True) if state.gap <= tol}
        gap, n_steps = max(state.gap for state in states), sum(state.n_steps for state in found.values())
        if watch is not None and watch(gap, n_steps):
            break
    return found


def _solve(
    rows: DenseRows, places: list[Places], problems: list[Problem], tol: float, max_iter: int, n_threads: int
) -> list[State]:
    """One state a problem, whose gap holds what rounding may hide."""
    kernel = rows.kernel
    starts = np.concatenate([[0], np.cumsum([len(own) for own in places])]).astype(np.int64)
    index = np.concatenate(places)
    g, lower, upper = (
        np.concatenate([getattr(problem, name) for problem in problems]).astype(np.float64)
        for name in ("z", "lower", "upper")
    )
    beta, n = np.zeros(len(g)), len(problems)
    steps, gap, n_rows = np.zeros(n, np.int64), np.zeros(n), np.zeros(n, np.int64)
    diagonal = rows.diagonal()
    solve_problems(
        rows.rows, rows.sq, diagonal, index, starts, *arguments_of(kernel), g, beta, lower, upper, problems[0].epsilon,
        tol, max_iter, steps, gap, n_rows, n_threads,
    )  # fmt: skip
    # Of rbf, values that matter are those of rows close together, whose exponent is a difference of numbers of size sq.
    size = 2.0 + 4.0 * rows.sq if kernel.kind == "rbf" else np.full(len(rows.sq), np.abs(diagonal).max())
    rounding = (SAFETY * 2.0**-24 * beta * size[index]) ** 2
    parts = [slice(begin, end) for begin, end in pairwise(starts)]
    return [
        State(
            beta[own].copy(), g[own].copy(), float(gap[k] + 2.0 * np.sqrt(rounding[own].sum())), int(steps[k]),
            int(n_rows[k]),
        )
        for k, own in enumerate(parts)
    ]  # fmt: skip
