"""How much a forest owes to each column."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fastml.ensemble.averaged_forest import AveragedForest
from fastml.tree.leaf_sums import sum_upwards
from fastml.tree.structure import FEATURE


def by_impurity(forest: AveragedForest) -> NDArray[np.float64]:
    """Mean over the trees that have splits of each one's share of the decrease of the impurity; sums to 1."""
    total, n_trees = np.zeros(forest.n_features), 0
    for t in range(forest.n_trees):
        if forest.tree_start[t + 1] - forest.tree_start[t] > 1:
            total += forest.tree(t).importances()
            n_trees += 1
    mass = total.sum()
    return total / mass if mass > 0 else total


def unbiased(
    forest: AveragedForest, X: NDArray, target: NDArray[np.float64], out_of_bag: list[NDArray[np.int64]], n_threads: int
) -> NDArray[np.float64]:
    """The decrease of the impurity as rows that the trees did not see confirm it.

    With m_s the mean target of a node on the tree's rows (for classes their shares) and S_s the sum of the targets of
    the out-of-bag rows that reach it, a split adds  (m_left S_left + m_right S_right - m_s S_s) / n_oob  to its column;
    with the tree's own rows in place of the others that is the decrease of the squared error or the Gini impurity. A
    column that says nothing gets zero on average, however many values it has. Source: Li, Wang, Basu, Kumbier, Yu 2019,
    A debiased MDI feature importance measure for random forests.

    target : (n, width), as leaves' shares are.  out_of_bag : the rows of each tree
    """
    total = np.zeros(forest.n_features)
    for t, rows in enumerate(out_of_bag):
        tree = forest.tree(t)
        if len(rows) == 0 or len(tree.nodes) == 1:
            continue
        left = tree.nodes["left"].astype(np.int64)
        at = tree.leaves(X[rows], n_threads)
        sums = np.zeros((len(left), target.shape[1]))
        np.add.at(sums, at, target[rows])
        sum_upwards(sums, left)
        fit = (tree.value.reshape(len(left), -1) * sums).sum(axis=1)
        split = np.flatnonzero(left)
        gain = fit[left[split]] + fit[left[split] + 1] - fit[split]
        feature = (tree.nodes["feature"][split] & FEATURE).astype(np.int64)
        total += np.bincount(feature, gain, minlength=forest.n_features) / len(rows)
    return total / max(forest.n_trees, 1)


def by_permutation(
    forest: AveragedForest, X: NDArray, target: NDArray[np.float64], codes: NDArray[np.int32] | None,
    out_of_bag: list[NDArray[np.int64]], seed: int, n_threads: int,
) -> NDArray[np.float64]:  # fmt: skip
    """Mean over the trees of by how much the score on the out-of-bag rows falls when a column is shuffled among them:
    the share of right classes where codes are given, else the negative mean squared error. Source: Breiman 2001."""
    rng = np.random.default_rng(seed)
    total = np.zeros(forest.n_features)
    for t, rows in enumerate(out_of_bag):
        if len(rows) == 0:
            continue
        tree = forest.tree(t)
        value = tree.value.reshape(len(tree.nodes), -1)
        said = value.argmax(axis=1) if codes is not None else None

        def score(X: NDArray, rows=rows, tree=tree, value=value, said=said) -> float:
            at = tree.leaves(X, n_threads)
            if codes is not None and said is not None:
                return float(np.mean(said[at] == codes[rows]))
            return -float(np.mean((value[at] - target[rows]) ** 2))

        own = X[rows]
        before = score(own)
        for j in np.unique(tree.nodes["feature"][tree.is_split] & FEATURE).tolist():
            kept = own[:, j].copy()
            own[:, j] = rng.permutation(kept)
            total[j] += before - score(own)
            own[:, j] = kept
    return total / max(forest.n_trees, 1)
