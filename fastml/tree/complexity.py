"""Minimal cost-complexity pruning of a fitted tree.

With R(T) the impurity of the leaves, weighted by their share of the rows, the subtree T with the smallest
R(T) + alpha * (leaves of T)  is found for every alpha at once: the node whose split takes least off R for each leaf
that it adds,  (R(t) - R(T_t)) / (leaves of T_t - 1),  is cut first.
Source: Breiman, Friedman, Olshen, Stone 1984, chapter 3.
"""

from __future__ import annotations

import heapq

import numpy as np
from numpy.typing import NDArray

from fastml.tree.after_pruning import Cuttable, T, children_of, cut


def weakest_links(tree: Cuttable) -> tuple[list[float], list[float], list[int]]:
    """The cuts in order: (alphas, R of the tree after each cut, nodes). O(nodes * depth * log nodes)."""
    children, alive = children_of(tree), tree.is_split.copy()
    parent = np.full(len(alive), -1)
    own = tree.weight / tree.weight[0] * tree.impurity
    below, n_leaves = own.copy(), np.ones(len(alive), np.int64)
    for t, places in children.items():
        parent[places] = t
        below[t], n_leaves[t] = below[places].sum(), n_leaves[places].sum()
    strength = np.where(alive, (own - below) / np.maximum(n_leaves - 1, 1), np.inf)
    heap = [(strength[t], t) for t in children]
    heapq.heapify(heap)
    alphas, risks, cuts = [], [], []
    while heap:
        alpha, t = heapq.heappop(heap)
        if not alive[t] or alpha != strength[t]:
            continue
        waiting = [t]
        while waiting:  # nothing below is a split any more
            node = waiting.pop()
            if alive[node]:
                alive[node] = False
                waiting += range(children[node].start, children[node].stop)
        saved, gone = own[t] - below[t], n_leaves[t] - 1
        node = t
        while node >= 0:
            below[node] += saved
            n_leaves[node] -= gone
            if node != t:
                strength[node] = (own[node] - below[node]) / (n_leaves[node] - 1) if n_leaves[node] > 1 else np.inf
                heapq.heappush(heap, (strength[node], int(node)))
            node = parent[node]
        alphas.append(float(alpha))
        risks.append(float(below[0]))
        cuts.append(int(t))
    return alphas, risks, cuts


def pruning_path(tree: Cuttable) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(ccp_alphas, impurities) from the whole tree to the root alone; cuts of one alpha are one step."""
    alphas, risks, _ = weakest_links(tree)
    whole = float((tree.weight / tree.weight[0] * tree.impurity)[~tree.is_split].sum())
    return np.array([0.0, *alphas]), np.array([whole, *risks])


def prune_by_complexity(tree: T, alpha: float) -> T:
    """The smallest subtree with the least R(T) + alpha * leaves."""
    alphas, _, cuts = weakest_links(tree)
    n_cuts = next((i for i, link in enumerate(alphas) if link > alpha), len(alphas))
    at = np.zeros(len(tree.is_split), bool)
    at[cuts[:n_cuts]] = True
    return cut(tree, at)
