"""Probabilities from decision values: cross-fitted slopes through one half at 0, so that they never contradict labels.

Of a problem of two, with the decision value v of the model,

    P(first class | v) = 1 / (1 + exp(-a v)),   a = a_0 for v > 0, a_1 for v < 0,   both >= 0

which is Platt's sigmoid held at 1/2 where the label changes, with a slope for each side. The slopes maximise the
likelihood of values that come from five-fold cross-fitting, each over its own side, with Platt's smoothed targets
(N_1 + 1) / (N_1 + 2) and 1 / (N_0 + 2). Pairs are coupled by the second method of Wu, Lin, Weng; where the largest of
these is not the class that `predict` says, the nearest probabilities are taken for which it is.
Sources: Platt 1999, Probabilistic outputs for support vector machines; Wu, Lin, Weng 2004, Probability estimates for
multi-class classification by pairwise coupling.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from fastml.base import check_random_state
from fastml.svm.decide import decision
from fastml.svm.hashes import row_hashes
from fastml.svm.pairs import Decomposition
from fastml.svm.solver import Machine
from fastml.svm.tasks import Task

Floats = NDArray[np.float64]

N_FOLDS = 5
LEAST = 1e-7  # of a pair's probability, so that coupling has one answer; as LIBSVM
HALVINGS = 100
BLOCK = 1 << 20  # numbers of the systems of coupling solved at once


@dataclass
class Calibration:
    """Slopes of each problem, (n_problems, 2): above 0 and below."""

    slopes: Floats
    n_classes: int
    against_rest: bool

    def check(self) -> None:
        """What comes from a file."""
        problems = len(Decomposition(self.n_classes, self.against_rest).sides)
        if self.slopes.shape != (problems, 2) or not (self.slopes >= 0).all():
            raise ValueError(f"slopes of shape {self.slopes.shape} for {problems} problems, or below 0")

    def probabilities(self, values: Floats, said: NDArray[np.intp]) -> Floats:
        """(n, n_classes) from the problems' values (n, n_problems); their argmax is `said`."""
        first = expit(values * np.where(values > 0, self.slopes[:, 0], self.slopes[:, 1]))
        if self.n_classes == 2:
            shares = np.column_stack([first[:, 0], expit(-values[:, 0] * self._slope_of(values[:, 0]))])
        elif self.against_rest:
            shares = np.maximum(first, LEAST)
            shares /= shares.sum(axis=1, keepdims=True)
        else:
            step = max(1, BLOCK // (self.n_classes + 1) ** 2)
            blocks = range(0, len(first), step)
            shares = np.concatenate([coupled(first[b : b + step], self.n_classes) for b in blocks] or [first[:, :0]])
            shares = shares.reshape(len(first), self.n_classes)
        return agreeing(shares, said)

    def _slope_of(self, values: Floats) -> Floats:
        return np.where(values > 0, self.slopes[0, 0], self.slopes[0, 1])


def cross_fit(machine: Any, rows: Any, codes: NDArray[np.int32], weight: Floats, cache: int, watch: Any) -> Calibration:
    """The calibration of a classifier, from models that did not see the rows whose values they give.

    A problem whose class is not among a fold's training rows gives nothing there; one without any value has slope 1.
    """
    decomposition = machine._decomposition()
    kept = weight > 0
    by_class = weight * machine.class_weight_[codes]
    fold = _deal(rows, codes, kept, check_random_state(machine.random_state))
    sides = decomposition.sides
    values: list[list[Floats]] = [[] for _ in sides]
    truths: list[list[Floats]] = [[] for _ in sides]
    weights: list[list[Floats]] = [[] for _ in sides]
    for k in range(N_FOLDS):
        training = decomposition.rows(codes, kept & (fold != k))
        held_out = decomposition.rows(codes, kept & (fold == k))
        used = [p for p, (_, sign) in enumerate(training) if len(np.unique(sign)) == 2 and len(held_out[p][0])]
        tasks = [Task(training[p][0], machine._formulation(training[p][1], by_class[training[p][0]])) for p in used]
        answers = machine._solve(rows, tasks, cache, watch)
        if watch.stopped:
            break
        for p, task, part in zip(used, tasks, answers.fitted, strict=True):
            index, sign = held_out[p]
            at = task.index[part.beta != 0]
            vectors = at if machine._kernel.kind == "precomputed" else rows[at]
            coef = part.beta[part.beta != 0][None]
            made = Machine(machine._kernel, vectors, coef, np.array([part.intercept]))
            values[p].append(decision(rows[index], made)[:, 0])
            truths[p].append(sign)
            weights[p].append(weight[index])
    slopes = np.ones((len(sides), 2))
    for p in range(len(sides)):
        if values[p]:
            slopes[p] = fit_slopes(*(np.concatenate(part[p]) for part in (values, truths, weights)))
    return Calibration(slopes, len(machine.classes_), decomposition.against_rest)


def _deal(rows: Any, codes: NDArray[np.int32], kept: NDArray[np.bool_], random: Any) -> NDArray[np.int64]:
    """The fold of each row: the different rows of a class go round, so that equal ones are never on both sides."""
    fold = np.zeros(len(codes), dtype=np.int64)
    for k in range(int(codes.max()) + 1):
        own = np.flatnonzero((codes == k) & kept)
        different, number = np.unique(row_hashes(rows[own]), return_inverse=True)
        fold[own] = random.permutation(len(different))[number] % N_FOLDS
    return fold


def fit_slopes(values: Floats, truth: Floats, weight: Floats) -> Floats:
    """(above 0, below 0) from values, truths of 1 and -1, and weights; a side without rows takes the other's."""
    slopes = [_slope(values[side], truth[side], weight[side]) for side in (values > 0, values < 0)]
    known = [slope for slope in slopes if slope is not None]
    return np.array([(known[0] if known else 1.0) if slope is None else slope for slope in slopes])


def _slope(values: Floats, truth: Floats, weight: Floats) -> float | None:
    """The a >= 0 of the greatest likelihood: where the sum of w (t - 1 / (1 + exp(-a v))) v crosses 0, by halving."""
    if not len(values):
        return None
    positive, negative = weight[truth > 0].sum(), weight[truth < 0].sum()
    target = np.where(truth > 0, (positive + 1.0) / (positive + 2.0), 1.0 / (negative + 2.0))
    scale = np.abs(values).max()
    v = values / scale

    def rises(a: float) -> bool:
        return bool((weight * (target - expit(a * v)) * v).sum() > 0)

    if not rises(0.0):
        return 0.0
    low, high = 0.0, 1.0
    while rises(high) and high < 2.0**60:
        low, high = high, 2.0 * high
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if rises(middle) else (low, middle)
    return float(high / scale)


def coupled(first: Floats, n_classes: int) -> Floats:
    """Probabilities of the classes (n, n_classes) from those of pairs (n, n_pairs), r_ij of class i against j.

    They minimise the sum over i and j of (r_ji p_i - r_ij p_j)^2, and sum to 1.
    """
    n, k = len(first), n_classes
    r = np.zeros((n, k, k))
    for problem, (i, j) in enumerate(Decomposition(k).sides):
        r[:, i, j] = np.clip(first[:, problem], LEAST, 1.0 - LEAST)
        r[:, j, i] = 1.0 - r[:, i, j]
    system = np.zeros((n, k + 1, k + 1))
    system[:, :k, :k] = -r * r.transpose(0, 2, 1)
    at = np.arange(k)
    system[:, at, at] = (r**2).sum(axis=1)
    system[:, :k, k] = system[:, k, :k] = 1.0
    right = np.zeros((n, k + 1, 1))
    right[:, k] = 1.0
    shares = np.maximum(np.linalg.solve(system, right)[:, :k, 0], 0.0)
    return shares / shares.sum(axis=1, keepdims=True)


def agreeing(shares: Floats, said: NDArray[np.intp]) -> Floats:
    """The nearest probabilities whose argmax is `said`.

    The class that is said and those above it take their common mean, one after the other from the top, until none is
    above; the class then gets a unit in the last place more, so that it is alone at the top.
    """
    rows = np.arange(len(shares))
    off = rows[shares.argmax(axis=1) != said]
    for i in off:
        p, c = shares[i], said[i]
        above = np.argsort(-p, kind="stable")
        above = above[above != c]
        total, taken = p[c], 0
        while taken < len(above) and p[above[taken]] > total / (taken + 1):
            total += p[above[taken]]
            taken += 1
        p[above[:taken]] = p[c] = total / (taken + 1)
    others = shares.copy()
    others[rows, said] = -1.0
    shares[rows, said] = np.maximum(shares[rows, said], np.nextafter(others.max(axis=1, initial=-1.0), 2.0))
    return shares
