"""Pruning of a grown tree: by rows that it has not seen, by a bound on its errors, by its length; and by hand.

Each makes a leaf of a node where that costs no more than its subtree; `complexity` has the pruning by a cost of leaves.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from fastml.tree.fitted import FittedTree


def cut(tree: FittedTree, at: NDArray[np.bool_]) -> FittedTree:
    """The tree with a leaf for each node marked in `at`, (n_nodes,)."""
    left, keep = tree.nodes["left"].astype(np.int64), tree.is_split & ~at
    reached = np.zeros(len(left), bool)
    reached[0] = True
    for t in np.flatnonzero(left).tolist():  # parents come before their children
        keep[t] &= reached[t]
        reached[left[t] : left[t] + 2] = keep[t]
    return tree if keep.sum() == tree.is_split.sum() else tree.subtree(keep)


def cheapest(tree: FittedTree, cost: NDArray[np.float64], split_cost: NDArray[np.float64] | float = 0.0) -> FittedTree:
    """The subtree with the least sum of `cost` over its leaves and `split_cost` over its splits; among equals the
    smallest. Both (n_nodes,). O(nodes)."""
    left, best = tree.nodes["left"].astype(np.int64), cost.copy()
    of_split = np.broadcast_to(split_cost, cost.shape)
    slack = 1e-12 * float(np.abs(cost).max(initial=1.0))
    for t in np.flatnonzero(left)[::-1].tolist():
        best[t] = min(cost[t], best[left[t]] + best[left[t] + 1] + of_split[t] + slack)
    return cut(tree, tree.is_split & (cost <= best))


def reduced_error(
    tree: FittedTree, leaves: NDArray[np.int32], loss: Callable[[NDArray[np.float64], NDArray[np.int64]], float]
) -> FittedTree:
    """Cut every split that does not lower the loss of rows which the tree has not seen.

    leaves : (n,) node in which each of them ends.
    loss : (prediction of a node (n_outputs, n_classes), numbers of its rows) -> their loss with that prediction.
    O(n * depth). Source: Quinlan 1987, Simplifying decision trees.
    """
    left = tree.nodes["left"].astype(np.int64)
    order = np.argsort(leaves, kind="stable")
    start = np.searchsorted(leaves[order], np.arange(len(left) + 1))
    rows: dict[int, NDArray[np.int64]] = {}
    cost = np.zeros(len(left))
    for t in range(len(left) - 1, -1, -1):
        if left[t] == 0:
            rows[t] = order[start[t] : start[t + 1]]
        else:
            rows[t] = np.concatenate([rows.pop(left[t]), rows.pop(left[t] + 1)])
        cost[t] = loss(tree.value[t], rows[t]) if len(rows[t]) else 0.0
    return cheapest(tree, cost)


def error_bound(n: NDArray[np.float64], errors: NDArray[np.float64], confidence: float) -> NDArray[np.float64]:
    """Errors of leaves of n rows at their upper bound, as C4.5 takes them.

    n times the share p at which `errors` or fewer have the probability `confidence`; both may be fractions of rows.
    Source: Quinlan 1993, C4.5, chapter 4.
    """
    from scipy.special import betaincinv

    return n * betaincinv(errors + 1.0, np.maximum(n - errors, 1e-9), 1.0 - confidence)


def pessimistic(tree: FittedTree, confidence: float) -> FittedTree:
    """Cut splits that do not lower the errors when each leaf's are taken at their upper bound, see error_bound."""
    n = tree.weight
    return cheapest(tree, error_bound(n, n * (1.0 - tree.value[:, 0].max(axis=1)), confidence))


def shortest(tree: FittedTree) -> FittedTree:
    """Cut splits that take more bits than they save in the classes of the rows (minimum description length).

    A leaf of N rows, N_k of each of K classes, takes a bit and  log2 C(N + K - 1, K - 1) + log2 N! / prod N_k!;  a
    split a bit, log2 of the columns and log2 (N - 1) for its threshold. Source: Quinlan and Rivest 1989, Inferring
    decision trees using the minimum description length principle; Mehta, Rissanen, Agrawal 1995.
    """
    from scipy.special import gammaln

    n, k = tree.weight, tree.n_classes[0]
    counts = tree.value[:, 0] * n[:, None]
    bits = (gammaln(n + k) - gammaln(k) - gammaln(counts + 1).sum(axis=1)) / np.log(2)
    return cheapest(tree, 1.0 + bits, 1.0 + np.log2(tree.n_features) + np.log2(np.maximum(n - 1, 1)))


def simplest(tree: FittedTree, says: NDArray[np.float64]) -> FittedTree:
    """Cut splits whose leaves all say the same, so that no prediction changes. says : (n_nodes, n_outputs)."""
    left, one = tree.nodes["left"].astype(np.int64), ~tree.is_split
    says = says.copy()
    for t in np.flatnonzero(left)[::-1].tolist():
        a, b = left[t], left[t] + 1
        if one[a] and one[b] and (says[a] == says[b]).all():
            one[t], says[t] = True, says[a]
    return cut(tree, tree.is_split & one)
