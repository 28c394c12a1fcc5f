"""Pruning of a grown tree: by rows that it has not seen, by a bound on its errors, by its length; and by hand.

Each makes a leaf of a node where that costs no more than its subtree; `complexity` has the pruning by a cost of leaves.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray


class Cuttable(Protocol):
    """A tree, binary or multiway, as pruning sees it: arrays over its nodes, parents before their children.

    first_child, n_children : the children of node t are  first_child[t] .. first_child[t] + n_children[t] - 1.
    outputs : (n_nodes, n_outputs, n_classes) shares, or (n_nodes, n_outputs, 1) numbers.
    split_bits : bits that tell each split from the others of its column.
    subtree : the tree whose splits are only those marked, of which every one has its parent marked.
    """

    @property
    def first_child(self) -> NDArray[np.integer]: ...
    @property
    def n_children(self) -> NDArray[np.integer]: ...
    @property
    def is_split(self) -> NDArray[np.bool_]: ...
    @property
    def weight(self) -> NDArray[np.float64]: ...
    @property
    def impurity(self) -> NDArray[np.float64]: ...
    @property
    def outputs(self) -> NDArray[np.float64]: ...
    @property
    def n_features(self) -> int: ...
    def split_bits(self) -> NDArray[np.float64]: ...
    def subtree(self, is_split: NDArray[np.bool_]) -> Self: ...


T = TypeVar("T", bound=Cuttable)


def children_of(tree: Cuttable) -> dict[int, slice]:
    """Of each split its children, later nodes first, so that children come before their parent."""
    first, n = tree.first_child.tolist(), tree.n_children.tolist()
    return {t: slice(first[t], first[t] + n[t]) for t in np.flatnonzero(tree.is_split)[::-1].tolist()}


def cut(tree: T, at: NDArray[np.bool_]) -> T:
    """The tree with a leaf for each node marked in `at`, (n_nodes,)."""
    keep = tree.is_split & ~at
    reached = np.zeros(len(keep), bool)
    reached[0] = True
    for t, own in reversed(children_of(tree).items()):
        keep[t] &= reached[t]
        reached[own] = keep[t]
    return tree if keep.sum() == tree.is_split.sum() else tree.subtree(keep)


def cheapest(
    tree: T, cost: NDArray[np.float64], split_cost: NDArray[np.float64] | float = 0.0, preferred: float = 0.0
) -> T:
    """The subtree with the least sum of `cost` over its leaves and `split_cost` over its splits; among equals the
    smallest. Both (n_nodes,). A leaf may cost `preferred` more than what it replaces. O(nodes)."""
    best, of_split = cost.copy(), np.broadcast_to(split_cost, cost.shape)
    leaf = ~tree.is_split
    slack = preferred + 1e-12 * float(np.abs(cost).max(initial=1.0))
    for t, own in children_of(tree).items():
        below = best[own].sum() + of_split[t]
        leaf[t] = cost[t] <= below + slack
        best[t] = cost[t] if leaf[t] else below
    return cut(tree, tree.is_split & leaf)


def reduced_error(
    tree: T, ends: NDArray[np.int32], loss: Callable[[NDArray[np.float64], NDArray[np.int64]], float]
) -> T:
    """Cut every split that does not lower the loss of rows which the tree has not seen.

    ends : (n,) node in which each of them ends; it may be a split, at which a row stays that no branch takes.
    loss : (prediction of a node (n_outputs, n_classes), numbers of its rows) -> their loss with that prediction.
    O(n * depth). Source: Quinlan 1987, Simplifying decision trees.
    """
    order = np.argsort(ends, kind="stable")
    start = np.searchsorted(ends[order], np.arange(len(tree.is_split) + 1))
    rows = [order[start[t] : start[t + 1]] for t in range(len(tree.is_split))]

    def losses() -> NDArray[np.float64]:
        return np.array([loss(tree.outputs[t], own) if len(own) else 0.0 for t, own in enumerate(rows)])

    staying = losses()
    for t, below in children_of(tree).items():
        rows[t] = np.concatenate([rows[t], *rows[below]])
    return cheapest(tree, losses(), staying)


def error_bound(n: NDArray[np.float64], errors: NDArray[np.float64], confidence: float) -> NDArray[np.float64]:
    """Errors of leaves of n rows at their upper bound, as the program C4.5 computes them; both may be fractions.

    Without errors  n (1 - confidence^(1 / n)),  the binomial's bound; from one on the normal approximation to it with
    half an error more,

        n (e + z^2 / 2 + sqrt(z^2 (e (1 - e / n) + z^2 / 4))) / (n + z^2),   e = errors + 1/2,

    z from the program's table by straight lines; between none and one a straight line; and of a leaf in which next to
    all are errors two thirds of what is left. Source: Quinlan 1993, C4.5, chapter 4, and its program's `AddErrs`.
    """
    z2 = float(np.interp(confidence, CONFIDENCES, DEVIATIONS)) ** 2
    with np.errstate(divide="ignore"):
        none = np.where(n > 0, -n * np.expm1(np.log(confidence) / n), 0.0)
    one = _bound_of_some(n, np.ones_like(errors), z2)
    return np.where(
        errors < 1e-6, none, np.where(errors < 0.9999, none + errors * (one - none), _bound_of_some(n, errors, z2))
    )


CONFIDENCES = np.array([0, 0.001, 0.005, 0.01, 0.05, 0.10, 0.20, 0.40, 1.00])
DEVIATIONS = np.array([4.0, 3.09, 2.58, 2.33, 1.65, 1.28, 0.84, 0.25, 0.00])
PREFERRED = 0.1
"""Errors by which a leaf may be worse than what it replaces, in C4.5."""


def _bound_of_some(n: NDArray[np.float64], errors: NDArray[np.float64], z2: float) -> NDArray[np.float64]:
    e = errors + 0.5
    share = (e + z2 / 2 + np.sqrt(z2 * (np.maximum(e * (1 - e / np.maximum(n, 1e-300)), 0.0) + z2 / 4))) / (n + z2)
    return np.where(e >= n, errors + 0.67 * np.maximum(n - errors, 0.0), n * share)


def pessimistic(tree: T, confidence: float) -> T:
    """Cut splits that do not lower the errors by more than a tenth of one, when each leaf's are taken at their bound.

    From the leaves up, each node against the subtree that is left below it, as in C4.5; see `error_bound`. C4.5 also
    replaces a subtree by its largest branch; here only leaves do.
    """
    n = tree.weight
    return cheapest(
        tree, error_bound(n, n * (1.0 - tree.outputs[:, 0].max(axis=1)), confidence), preferred=PREFERRED
    )


def shortest(tree: T) -> T:
    """Cut splits that take more bits than they save in the classes of the rows (minimum description length).

    A leaf of N rows, N_k of each of K classes, takes a bit and  log2 C(N + K - 1, K - 1) + log2 N! / prod N_k!;  a
    split a bit, log2 of the columns and what tells it from others of its column (log2 (N - 1) for a threshold).
    Source: Quinlan and Rivest 1989, Inferring decision trees using the minimum description length principle; Mehta,
    Rissanen, Agrawal 1995.
    """
    from scipy.special import gammaln

    n, k = tree.weight, tree.outputs.shape[2]
    counts = tree.outputs[:, 0] * n[:, None]
    bits = (gammaln(n + k) - gammaln(k) - gammaln(counts + 1).sum(axis=1)) / np.log(2)
    return cheapest(tree, 1.0 + bits, 1.0 + np.log2(tree.n_features) + tree.split_bits())


def simplest(tree: T, says: NDArray[np.float64]) -> T:
    """Cut splits whose leaves all say the same, so that no prediction changes. says : (n_nodes, n_outputs)."""
    one, says = ~tree.is_split, says.copy()
    for t, own in children_of(tree).items():
        if one[own].all() and (says[own] == says[own.start]).all():
            one[t], says[t] = True, says[own.start]
    return cut(tree, tree.is_split & one)
