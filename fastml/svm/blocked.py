"""Blocked SMO: a working set of rows is solved exactly, then all rows learn of what changed in one pass.

Each round takes the rows that violate the optimum most (half of them from the last round's set), solves their problem
by SMO on kernel rows that fit into the cache, and adds the changed coefficients' kernel values to g of all rows without
ever storing them. Rows that sit at a bound and pull nowhere are left out (shrunk) and caught up with at the end.

Limit: every support vector meets every row about twice, d multiplications and additions and an exponential each.
Joachims 1999 (working sets, shrinking); Fan, Chen and Lin 2005 (SMO). The sizes below were measured on ijcnn1 and on
flights: keeping no row of the last set took many times as long, and a set that stays small does not end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastml.svm.packed import AnyRows, Floats, Places, WorkingSet, padded

if TYPE_CHECKING:
    from fastml.svm.solver import Problem, Watch

FIRST_SET = 1024  # rows of the first working set
LARGEST_SET = 2048
LARGEST_SET_OF_MANY = 4096  # where there are MANY rows
MANY = 45_000
STALLED = 3  # rounds in which the gap must halve, or the set grows
INNER = 0.1  # of the gap: how far a working set is solved
INNER_STEPS = 50  # a row of the set
SHRINK_EVERY = 3
SHRINK_FROM = 0.2  # of the rows: fewer are not worth the copy


@dataclass
class State:
    """Where a problem stands; all arrays are of all of its rows."""

    beta: Floats
    g: Floats
    gap: float = np.inf
    n_steps: int = 0
    kernel_rows: int = 0


@dataclass
class _Asleep:
    """Rows that were shrunk together, and beta of all rows then: g of these is as it was."""

    rows: Places
    beta: Floats


def reach(problem: Problem, beta: Floats, g: Floats) -> tuple[Floats, Floats]:
    """(up, low): what a row gains by rising and by falling; -inf and inf where it cannot."""
    up = np.where(beta < problem.upper, g + np.where(beta < 0, problem.epsilon, -problem.epsilon), -np.inf)
    low = np.where(beta > problem.lower, g + np.where(beta > 0, -problem.epsilon, problem.epsilon), np.inf)
    return up, low


def kkt_gap(g: Floats, beta: Floats, problem: Problem) -> float:
    """How far a feasible point is from the conditions of its optimum; 0 or less at the optimum."""
    up, low = reach(problem, beta, g)
    if problem.group is None:
        return float(up.max(initial=-np.inf) - low.min(initial=np.inf))
    own = [problem.group == k for k in (0, 1)]
    return float(max(up[k].max(initial=-np.inf) - low[k].min(initial=np.inf) for k in own))


class BlockedSolver:
    """Rounds over one problem, from `state` on, which they change."""

    def __init__(self, rows: AnyRows, problem: Problem, state: State, cache_bytes: int) -> None:
        self.rows, self.problem, self.state = rows, problem, state
        self.n = rows.n
        item = rows.dtype.itemsize
        fits = max(2, int((cache_bytes / item) ** 0.5))
        lanes = padded(1, rows.dtype)
        self.limit = max(lanes, min(LARGEST_SET_OF_MANY if self.n > MANY else LARGEST_SET, fits) // lanes * lanes)
        self.size = min(FIRST_SET, self.limit)
        self.store: NDArray[Any] = np.empty(0, rows.dtype)
        self.active = np.arange(self.n)
        self.active_rows = rows
        self.asleep: list[_Asleep] = []
        self.last: Places = np.empty(0, np.int64)
        none = np.zeros(self.n, np.int8)
        self.group = none if problem.group is None else problem.group
        self.groups = range(1 if problem.group is None else 2)

    def run(self, tol: float, max_steps: int, watch: Watch | None = None) -> bool:
        """Rounds until the gap of all rows is at most `tol`, or steps run out, or the watch stops; True if it did not
        end by the gap."""
        state = self.state
        gaps: list[float] = []
        for round_number in range(1 << 62):
            up, low = reach(self.problem, state.beta, state.g)
            state.gap, tops, bottoms = self._gap(up, low)
            if state.gap <= tol:
                if not self.asleep:
                    return False
                self._wake()
                gaps = []
                continue
            if state.n_steps >= max_steps or (watch is not None and round_number and watch(state.gap, state.n_steps)):
                break
            gaps.append(state.gap)
            if len(gaps) > STALLED and gaps[-1] > 0.5 * gaps[-1 - STALLED] and self.size < self.limit:
                self.size, gaps = min(2 * self.size, self.limit), []
            if round_number % SHRINK_EVERY == SHRINK_EVERY - 1:
                self._shrink(up, low, tops, bottoms)
            if not self._round(up, low, tol, max_steps):
                break
        self._wake()
        up, low = reach(self.problem, state.beta, state.g)
        state.gap = self._gap(up, low)[0]
        return True

    def _gap(self, up: Floats, low: Floats) -> tuple[float, list[float], list[float]]:
        """(gap, best to rise and best to fall of each group) of the active rows."""
        tops, bottoms = [], []
        for k in self.groups:
            own = self.active if len(self.groups) == 1 else self.active[self.group[self.active] == k]
            tops.append(float(up[own].max(initial=-np.inf)))
            bottoms.append(float(low[own].min(initial=np.inf)))
        return max(t - b for t, b in zip(tops, bottoms, strict=True)), tops, bottoms

    def _round(self, up: Floats, low: Floats, tol: float, max_steps: int) -> bool:
        """One working set; False if nothing moved."""
        state = self.state
        places = self._working_set(up, low)  # among the active
        own = self.active[places]
        if len(self.store) < padded(len(own), self.rows.dtype) ** 2:
            self.store = np.empty(padded(len(own), self.rows.dtype) ** 2, self.rows.dtype)
        part = WorkingSet(own, self.problem, state.beta, state.g)
        steps, _, n_rows = self.active_rows.solve(
            places, self.store, part, max(0.5 * tol, INNER * state.gap),
            min(INNER_STEPS * len(own) + 1000, max_steps - state.n_steps),
        )  # fmt: skip
        state.n_steps += steps
        change = part.beta[: len(own)] - state.beta[own]
        moved = np.flatnonzero(change)
        state.kernel_rows += n_rows + len(moved)
        if len(moved) == 0:
            return False
        state.beta[own] = part.beta[: len(own)]
        sums = np.zeros(padded(self.active_rows.n, self.rows.dtype))
        self.active_rows.add(self.active_rows, places[moved], change[moved], sums)  # type: ignore[arg-type]
        state.g[self.active] -= sums[: self.active_rows.n]
        self.last = own
        return True

    def _working_set(self, up: Floats, low: Floats) -> Places:
        """Places among the active rows, ascending: half from the last set, free rows first, then the worst."""
        beta, problem, active = self.state.beta, self.problem, self.active
        size = min(self.size, len(active))
        chosen = np.zeros(self.n, bool)
        if len(active) > size:
            free = (beta[self.last] > problem.lower[self.last]) & (beta[self.last] < problem.upper[self.last])
            chosen[self.last[np.argsort(~free, kind="stable")][: size // 2]] = True
            each = (size - int(chosen[active].sum())) // (2 * len(self.groups))
            for k in self.groups:
                own = active if len(self.groups) == 1 else active[self.group[active] == k]
                for value in (-up, low):
                    left = own[~chosen[own] & np.isfinite(value[own])]
                    chosen[_least(value, left, each)] = True
        else:
            chosen[active] = True
        return np.flatnonzero(chosen[active])

    def _shrink(self, up: Floats, low: Floats, tops: list[float], bottoms: list[float]) -> None:
        """Leave out rows that no pair with the best could move, if they are many."""
        active = self.active
        top, bottom = np.array(tops)[self.group[active]], np.array(bottoms)[self.group[active]]
        stays = ((up[active] > bottom) & np.isfinite(up[active])) | ((low[active] < top) & np.isfinite(low[active]))
        beta, problem = self.state.beta[active], self.problem
        stays |= (beta > problem.lower[active]) & (beta < problem.upper[active])
        if stays.mean() > 1.0 - SHRINK_FROM or stays.sum() < 2:
            return
        self.asleep.append(_Asleep(active[~stays], self.state.beta.copy()))
        self.active = active[stays]
        self.active_rows = self.rows.take(self.active)
        self.last = self.last[np.isin(self.last, self.active)]

    def _wake(self) -> None:
        """g of the rows that were left out, from the coefficients that changed since."""
        for sleeper in self.asleep:
            change = self.state.beta - sleeper.beta
            moved = np.flatnonzero(change)
            own = self.rows.take(sleeper.rows)
            sums = np.zeros(padded(own.n, self.rows.dtype))
            own.add(self.rows, moved, change[moved], sums)  # type: ignore[arg-type]
            self.state.g[sleeper.rows] -= sums[: own.n]
        self.asleep = []
        self.active, self.active_rows = np.arange(self.n), self.rows


def _least(value: Floats, among: Places, count: int) -> Places:
    """The `count` places of least value, ties by the lower place."""
    if len(among) <= count:
        return among
    values = value[among]
    limit = np.partition(values, count - 1)[count - 1] if count else -np.inf
    below = among[values < limit]
    return np.concatenate([below, among[values == limit][: count - len(below)]])
