"""The five problems as one: how each estimator's dual becomes min 1/2 b'Kb - z'b + epsilon sum |b|, and the way back.

A machine says f(x) = sum_i b_i K(x_i, x) + intercept. With g = z - K b, a row that is neither at 0 nor at a bound has
g - epsilon sign(b) = intercept.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fastml.svm.precision import FEW
from fastml.svm.solver import Problem, Solution
from fastml.svm.starts import feasible, filled

Floats = NDArray[np.float64]

INSIDE = 2.0**-36  # of the largest value: what rounding may take from a row on the boundary
INSIDE_OF_MANY = 2.0**-20  # where decision values are summed in float32


@dataclass
class Fitted:
    """A problem's part of the model."""

    beta: Floats  # (n,)  coefficient of each of the problem's rows
    intercept: float
    scale: float = 1.0  # what the dual variables were divided by (NuSVC)
    overlap: Floats | None = None  # (n,)  what both of a row's dual variables have, which beta does not tell (NuSVR)


class HingeProblem:
    """C-SVC: max 1 - y f(x), each row's weight C. b = y alpha, z = y, 0 <= y b <= C, sum of b 0."""

    def __init__(self, y: Floats, weight: Floats, C: float) -> None:
        self.y, self.bound = y, C * weight

    def problem(self, warm: Floats | None = None) -> Problem:
        lower, upper = np.where(self.y > 0, 0.0, -self.bound), np.where(self.y > 0, self.bound, 0.0)
        return Problem(self.y, lower, upper, start=None if warm is None else feasible(warm, lower, upper, 0.0))

    def fitted(self, solution: Solution, problem: Problem) -> Fitted:
        return Fitted(solution.beta, intercept(solution.g, solution.beta, problem))


class TubeProblem:
    """SVR: errors beyond epsilon. b = alpha - alpha*, z = y, |b| <= C, sum of b 0."""

    def __init__(self, y: Floats, weight: Floats, C: float, epsilon: float) -> None:
        self.y, self.bound, self.epsilon = y, C * weight, epsilon

    def problem(self, warm: Floats | None = None) -> Problem:
        lower = -self.bound
        start = None if warm is None else feasible(warm, lower, self.bound, 0.0)
        return Problem(self.y, lower, self.bound, self.epsilon, start=start)

    def fitted(self, solution: Solution, problem: Problem) -> Fitted:
        return Fitted(solution.beta, intercept(solution.g, solution.beta, problem))


class SupportProblem:
    """One class: b = alpha, z = 0, 0 <= b <= weight, sum of b nu times that of the weights.

    The rows between 0 and their bound lie on the boundary. Of the intercepts that the gap leaves the largest is taken,
    so that they count as inside and `nu` bounds the share of training rows outside.
    """

    def __init__(self, weight: Floats, nu: float) -> None:
        self.weight, self.nu = weight, nu

    def problem(self, warm: Floats | None = None) -> Problem:
        zero, total = np.zeros(len(self.weight)), self.nu * self.weight.sum()
        start = filled(self.weight, total) if warm is None else feasible(warm, zero, self.weight, total)
        return Problem(zero, zero, self.weight, start=start)

    def fitted(self, solution: Solution, problem: Problem) -> Fitted:
        g, free = solution.g, (solution.beta > 0) & (solution.beta < self.weight)
        if not free.any():
            return Fitted(solution.beta, intercept(g, solution.beta, problem))
        slack = INSIDE if np.count_nonzero(solution.beta) <= FEW else INSIDE_OF_MANY
        return Fitted(solution.beta, float(g[free].max() + slack * np.abs(g).max()))


class NuClassProblem:
    """nu-SVC: b = y alpha, z = 0, 0 <= y b <= weight, each class sums to nu/2 of all weights.

    The margin is not 1 but r, half of what parts the classes' intercepts: all is divided by it, so that it becomes 1.
    """

    def __init__(self, y: Floats, weight: Floats, nu: float) -> None:
        self.y, self.weight, self.nu = y, weight, min(nu, most_nu(weight[y > 0].sum(), weight[y < 0].sum()))

    def problem(self, warm: Floats | None = None) -> Problem:
        y, weight, half = self.y, self.weight, self.nu * self.weight.sum() / 2.0
        start = np.zeros(len(y))
        for sign in (1.0, -1.0):
            own = y == sign
            start[own] = sign * (
                filled(weight[own], half) if warm is None
                else feasible(sign * warm[own], np.zeros(own.sum()), weight[own], half)
            )
        lower, upper = np.where(y > 0, 0.0, -weight), np.where(y > 0, weight, 0.0)
        return Problem(np.zeros(len(y)), lower, upper, group=(y < 0).astype(np.int8), start=start)

    def fitted(self, solution: Solution, problem: Problem) -> Fitted:
        positive, negative = (_of_group(solution, problem, k) for k in (0, 1))
        margin = (negative - positive) / 2.0
        margin = margin if margin > 0 else 1.0  # a fit that was stopped early, or classes that lie in one place
        return Fitted(solution.beta / margin, (positive + negative) / 2.0 / margin, margin)


def most_nu(first: float, other: float) -> float:
    """The largest nu of nu-SVC: with more, the class that weighs less cannot sum to its half."""
    return 2.0 * min(first, other) / (first + other) if first + other > 0 else 0.0


class NuTubeProblem:
    """nu-SVR: the tube's width is found, with nu/2 of all weights on each side of it.

    Each row comes twice, b = alpha in [0, C] in one group and b = -alpha* in [-C, 0] in the other; z = y.
    `overlap` is of the fit that a warm start goes on from.
    """

    def __init__(self, y: Floats, weight: Floats, C: float, nu: float, overlap: Floats | None = None) -> None:
        self.y, self.bound, self.nu = y, C * weight, nu
        self.overlap = np.zeros(len(y)) if overlap is None else overlap

    def problem(self, warm: Floats | None = None) -> Problem:
        n, bound, half = len(self.y), self.bound, self.nu * self.bound.sum() / 2.0
        zero = np.zeros(n)
        if warm is None:
            start = filled(bound, half)
            start = np.concatenate([start, -start])
        else:
            above, below = np.maximum(warm, 0.0) + self.overlap, np.maximum(-warm, 0.0) + self.overlap
            start = np.concatenate([feasible(above, zero, bound, half), -feasible(below, zero, bound, half)])
        return Problem(
            np.concatenate([self.y, self.y]), np.concatenate([zero, -bound]), np.concatenate([bound, zero]),
            group=np.repeat([0, 1], n).astype(np.int8), start=start,
        )  # fmt: skip

    def fitted(self, solution: Solution, problem: Problem) -> Fitted:
        n = len(self.y)
        above, below = (_of_group(solution, problem, k) for k in (0, 1))
        overlap = np.minimum(solution.beta[:n], -solution.beta[n:])
        beta = solution.beta[:n] + solution.beta[n:]
        return Fitted(beta, (above + below) / 2.0, overlap=overlap if overlap.any() else None)


def intercept(g: Floats, beta: Floats, problem: Problem) -> float:
    """The mean of g - epsilon sign(b) over the rows between 0 and a bound; without any, the middle of what is allowed.

    As LIBSVM has it.
    """
    free = (beta > problem.lower) & (beta < problem.upper) & ((beta != 0) | (problem.epsilon == 0))
    if free.any():
        return float(np.mean(g[free] - problem.epsilon * np.sign(beta[free])))
    up = g + np.where(beta < 0, problem.epsilon, -problem.epsilon)
    low = g + np.where(beta > 0, -problem.epsilon, problem.epsilon)
    least = up[beta < problem.upper].max(initial=-np.inf)
    most = low[beta > problem.lower].min(initial=np.inf)
    if np.isinf(least) or np.isinf(most):  # nothing may move either way
        return float(np.where(np.isfinite(least), least, np.where(np.isfinite(most), most, 0.0)))
    return float(least + most) / 2.0


def _of_group(solution: Solution, problem: Problem, k: int) -> float:
    own = problem.group == k
    return intercept(
        solution.g[own], solution.beta[own], Problem(problem.z[own], problem.lower[own], problem.upper[own])
    )
