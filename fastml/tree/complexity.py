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

from fastml.tree.fitted import FittedTree


def weakest_links(tree: FittedTree) -> tuple[list[float], list[float], list[int]]:
    """The cuts in order: (alphas, R of the tree after each cut, nodes). O(nodes * depth * log nodes)."""
    left = tree.nodes["left"].astype(np.int64)
    parent = np.full(len(left), -1)
    splits = np.flatnonzero(left)
    parent[left[splits]] = parent[left[splits] + 1] = splits
    own = tree.weight / tree.weight[0] * tree.impurity
    below, n_leaves = own.copy(), np.ones(len(left), np.int64)
    for t in splits[::-1].tolist():
        below[t] = below[left[t]] + below[left[t] + 1]
        n_leaves[t] = n_leaves[left[t]] + n_leaves[left[t] + 1]
    alive = left != 0
    strength = np.where(alive, (own - below) / np.maximum(n_leaves - 1, 1), np.inf)
    heap = [(strength[t], t) for t in splits.tolist()]
    heapq.heapify(heap)
    alphas, risks, cut = [], [], []
    while heap:
        alpha, t = heapq.heappop(heap)
        if not alive[t] or alpha != strength[t]:
            continue
        waiting = [t]
        while waiting:  # nothing below is a split any more
            node = waiting.pop()
            if alive[node]:
                alive[node] = False
                waiting += [left[node], left[node] + 1]
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
        cut.append(int(t))
    return alphas, risks, cut


def pruning_path(tree: FittedTree) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(ccp_alphas, impurities) from the whole tree to the root alone; cuts of one alpha are one step."""
    alphas, risks, _ = weakest_links(tree)
    whole = float((tree.weight / tree.weight[0] * tree.impurity)[~tree.is_split].sum())
    return np.array([0.0, *alphas]), np.array([whole, *risks])


def prune_by_complexity(tree: FittedTree, alpha: float) -> FittedTree:
    """The smallest subtree with the least R(T) + alpha * leaves."""
    alphas, _, cut = weakest_links(tree)
    left, is_split = tree.nodes["left"].astype(np.int64), tree.is_split.copy()
    for link, t in zip(alphas, cut, strict=True):
        if link > alpha:
            break
        waiting = [t]
        while waiting:
            node = waiting.pop()
            if is_split[node]:
                is_split[node] = False
                waiting += [left[node], left[node] + 1]
    return tree if is_split.sum() == tree.is_split.sum() else tree.subtree(is_split)
