"""The problems of a fit, solved one after the other, and what is left of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fastml.svm.problems import Fitted
from fastml.svm.solver import Kernel, Problem, Solution, solve, solve_all
from fastml.svm.watch import GapWatch

Floats = NDArray[np.float64]


class Formulation(Protocol):
    """An estimator's dual as a problem of the solver, and the way back; see `fastml.svm.problems`."""

    def problem(self, warm: Floats | None = None) -> Problem: ...

    def fitted(self, solution: Solution, problem: Problem) -> Fitted: ...


@dataclass
class Task:
    """A formulation over some rows of the fit."""

    index: NDArray[np.int64]
    formulation: Formulation


@dataclass
class Answers:
    """One entry a task."""

    solutions: list[Solution]
    fitted: list[Fitted]
    objectives: list[float]


def solve_tasks(
    X: Any,
    tasks: list[Task],
    kernel: Kernel,
    tol: float,
    *,
    max_iter: int,
    n_threads: int,
    cache_bytes: int,
    watch: GapWatch,
    warm: list[Floats] | None = None,
) -> Answers:
    """Solve all tasks; those that are left when the watch says stop stay where they start.

    Parameters
    ----------
    X, kernel, tol, max_iter, n_threads, cache_bytes
        As `fastml.svm.solver.solve` has them.
    watch : GapWatch
    warm : list of (n,) float64, optional
        Coefficients to start from, of each task's rows.
    """
    answers = Answers([], [], [])
    problems = [task.formulation.problem(None if warm is None else warm[k]) for k, task in enumerate(tasks)]
    indexes = [
        np.concatenate([task.index, task.index]) if len(problem.z) > len(task.index) else task.index
        for task, problem in zip(tasks, problems, strict=True)
    ]
    together: dict[int, Solution] = {}
    if len(tasks) > 1 and not watch.stopped:
        together = solve_all(
            X, indexes, kernel, problems, tol, max_iter=max_iter, n_threads=n_threads, cache_bytes=cache_bytes,
            watch=watch,
        )
    for k, (task, index, problem) in enumerate(zip(tasks, indexes, problems, strict=True)):
        if not watch.stopped:
            watch.problem = k
        solution = together[k] if k in together else solve(
            X, index, kernel, problem, tol, max_iter=0 if watch.stopped else max_iter, n_threads=n_threads,
            cache_bytes=cache_bytes, watch=watch,
        )  # fmt: skip
        if not watch.stopped:
            watch(solution.gap, solution.n_steps)
        answers.solutions.append(solution)
        answers.fitted.append(task.formulation.fitted(solution, problem))
        answers.objectives.append(solution.objective(problem))
    return answers
