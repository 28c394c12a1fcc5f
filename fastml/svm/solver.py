"""The seam between estimators and engines: one quadratic problem in, its solution out; decision values of a machine.

    min over b  1/2 b'Kb - z'b + epsilon sum |b|,   lower <= b <= upper,   the sum of b (of each group) as in `start`

b is each row's dual variable times its sign, K the kernel of the rows as they are given. `docs/svm.md` has how each
estimator's problem becomes this one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fastml.svm.blocked import State
from fastml.svm.precision import minimise
from fastml.svm.side_by_side import solve_side_by_side

Kind = Literal["linear", "poly", "rbf", "sigmoid", "precomputed"]
Watch = Callable[[float, int], bool]  # (the gap that is left, steps so far) -> whether to stop


@dataclass(frozen=True)
class Kernel:
    """linear x.z;  poly (gamma x.z + coef0)^degree;  rbf exp(-gamma |x - z|^2);  sigmoid tanh(gamma x.z + coef0)."""

    kind: Kind
    gamma: float = 1.0
    degree: int = 3
    coef0: float = 0.0


@dataclass
class Problem:
    """One problem over n rows; see the module."""

    z: NDArray[np.float64]  # (n,)
    lower: NDArray[np.float64]  # (n,)
    upper: NDArray[np.float64]  # (n,)
    epsilon: float = 0.0
    group: NDArray[np.int8] | None = None  # (n,) of 0 and 1: each group keeps its own sum
    start: NDArray[np.float64] | None = None  # (n,) inside the box; None is 0


@dataclass
class Solution:
    """What a solver found, and how far it came."""

    beta: NDArray[np.float64]  # (n,)
    g: NDArray[np.float64]  # (n,)  z - K beta
    gap: float  # max over who may rise of g -+ epsilon, less the min over who may fall; at most tol if converged
    n_steps: int
    converged: bool
    kernel_rows: int  # rows of the kernel matrix that were computed

    def objective(self, problem: Problem) -> float:
        """Of the minimum above."""
        return float(-0.5 * self.beta @ (problem.z + self.g) + problem.epsilon * np.abs(self.beta).sum())


@dataclass
class Machine:
    """What decision values are made of: one problem's f(x) = sum_v coef[v] K(x, v) + intercept a column."""

    kernel: Kernel
    vectors: Any  # (n_vectors, n_features) dense or CSR; of a precomputed kernel the column numbers of the vectors
    coef: Any  # (n_problems, n_vectors) float64 array, or CSR where most are 0
    intercept: NDArray[np.float64]  # (n_problems,)
    sizes: NDArray[np.integer[Any]] | None = None  # vectors of each class, which lie together; where coef is CSR


def solve(
    X: Any,
    index: NDArray[np.int64],
    kernel: Kernel,
    problem: Problem,
    tol: float,
    *,
    max_iter: int,
    n_threads: int,
    cache_bytes: int,
    watch: Watch | None = None,
) -> Solution:
    """Solve a problem to a KKT gap of at most `tol`, in float64.

    Parameters
    ----------
    X : (n_rows, n_features) C-order float32 or float64, CSR, or of a precomputed kernel the square matrix
    index : (n,) int64, the rows of X that are this problem's; a row may come twice
    kernel, problem
    tol : float
    max_iter : int
        Steps at most; 0 only computes g and the gap of the start.
    n_threads, cache_bytes : int
    watch : callable, optional
        Asked several times a second.
    """
    state = minimise(
        X, index, kernel, problem, tol, max_iter=max_iter, n_threads=n_threads, cache_bytes=cache_bytes, watch=watch
    )
    return _solution(state, tol)


def solve_all(
    X: Any, indexes: list[NDArray[np.int64]], kernel: Kernel, problems: list[Problem], tol: float, *, max_iter: int,
    n_threads: int, cache_bytes: int, watch: Watch | None = None,
) -> dict[int, Solution]:
    """Solutions of those of many small problems that can be had side by side; the others are `solve`'s."""
    states = solve_side_by_side(
        X, indexes, kernel, problems, tol, max_iter=max_iter, n_threads=n_threads, cache_bytes=cache_bytes, watch=watch
    )
    return {k: _solution(state, tol) for k, state in states.items()}


def _solution(state: State, tol: float) -> Solution:
    return Solution(state.beta, state.g, state.gap, state.n_steps, state.gap <= tol, state.kernel_rows)
