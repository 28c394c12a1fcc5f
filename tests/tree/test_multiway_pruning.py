"""Prunings of multiway trees: each against every subtree there is, on small trees with missing values."""

from itertools import product
from math import comb, factorial, lgamma, log, log2

import numpy as np
import pandas as pd
import pytest

from fastml.tree import C45Classifier, CHAIDClassifier, CHAIDRegressor, ID3Classifier
from fastml.tree.after_pruning import error_bound


def data(n, seed, missing=0.1):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({name: rng.choice(list("pqr")[:k], n) for name, k in (("a", 3), ("b", 2), ("c", 3))})
    X["d"] = rng.normal(size=n)
    signal = X["a"].eq("p") * 1.0 + (X["b"] == X["c"]) + (X["d"] > 0) + rng.normal(size=n)
    for name in ("a", "d"):
        X.loc[rng.random(n) < missing, name] = None
    return X, np.digitize(signal, [0.8, 2.0]), signal.to_numpy()


def grown(estimator, seed):
    """A tree that fits too well, and rows that it has not seen."""
    X, label, signal = data(400, seed)
    y = signal if estimator is CHAIDRegressor else label
    if estimator is ID3Classifier:
        X = X.drop(columns="d")
    loose = {"max_depth": 2 if estimator in (ID3Classifier, C45Classifier) else 3}
    if estimator in (CHAIDClassifier, CHAIDRegressor):
        loose |= {"alpha_split": 0.6, "alpha_merge": 0.2, "max_bins": 3, "min_samples_leaf": 3}
    if estimator is C45Classifier:
        loose |= {"confidence": None}
    return estimator(**loose).fit(X[:250], y[:250]), X[250:], y[250:]


def subtrees(tree, node=0):
    """Every set of leaves that a pruning can leave."""
    yield (node,)
    if tree.feature[node] >= 0:
        for parts in product(*(list(subtrees(tree, child)) for child in tree.children(node))):
            yield sum(parts, ())


def splits_above(tree, leaves):
    """The splits that stay with these leaves."""
    found = set()
    for t in leaves:
        while (t := int(tree.parent[t])) >= 0:
            found.add(t)
    return found


def leaves_of(pruned, original):
    """The leaves of a pruned tree as nodes of the tree that it was."""
    found, waiting = [], [(0, 0)]
    while waiting:
        i, k = waiting.pop()
        if pruned.feature[i] < 0:
            found.append(k)
            continue
        assert pruned.feature[i] == original.feature[k]
        waiting += zip(pruned.children(i), original.children(k), strict=True)
    np.testing.assert_array_equal(pruned.value[np.flatnonzero(pruned.feature < 0)].sum(axis=0),
                                  original.value[sorted(found)].sum(axis=0))  # fmt: skip
    return tuple(sorted(found))


def check_cheapest(model, original, cost):
    kept = leaves_of(model.tree_, original)
    every = list(subtrees(original))
    assert len(every) > 4
    best = min((round(cost(s), 8), len(s)) for s in every)
    assert (round(cost(kept), 8), len(kept)) == best


TREES = [ID3Classifier, C45Classifier, CHAIDClassifier, CHAIDRegressor]


@pytest.mark.parametrize("estimator", TREES)
@pytest.mark.parametrize("seed", range(2))
def test_reduced_error_is_the_best_subtree_for_the_other_rows(estimator, seed):
    model, X, y = grown(estimator, seed)
    X = X.assign(b=np.where(np.arange(len(X)) % 9, X["b"], "new"))  # stays at the split, where none was missing
    weight = np.random.default_rng(seed).uniform(0, 2, len(X))
    original, ends = model.tree_, model.apply(X)
    loss = [
        (y - said[0]) ** 2 if estimator is CHAIDRegressor else y != said.argmax() for said in original.value
    ]  # of each row at each node

    def cost(leaves):
        there, total = set(leaves) | splits_above(original, leaves), 0.0
        for row, t in enumerate(ends.tolist()):
            while t not in there:
                t = int(original.parent[t])
            total += weight[row] * loss[t][row]
        return total

    model.prune_reduced_error(X, y, weight)
    check_cheapest(model, original, cost)


@pytest.mark.parametrize("estimator", TREES[:3])
@pytest.mark.parametrize("seed", range(2))
def test_pessimistic_pruning_from_the_leaves_up(estimator, seed):
    model, _, _ = grown(estimator, seed)
    original, expected = model.tree_, []
    bound = error_bound(original.weight, original.weight * (1 - original.value.max(axis=1)), 0.25)

    def prune(t):
        first, below = len(expected), sum(prune(child) for child in original.children(t))
        if original.feature[t] >= 0 and bound[t] > below + 0.1:
            return below
        expected[first:] = [t]
        return bound[t]

    prune(0)
    assert leaves_of(model.prune_pessimistic(0.25).tree_, original) == tuple(sorted(expected))


@pytest.mark.parametrize("estimator", TREES[:3])
def test_the_shortest_description(estimator):
    model, _, _ = grown(estimator, 1)
    original = model.tree_

    def split_bits(t):
        if original.table[t] < 0:
            return log2(original.weight[t] - 1)
        to = original.branches_of(t)
        known, r = int((to >= 0).sum()), int(original.n_children[t])
        if original.coding.kinds[original.feature[t]] == "ordinal":
            return log2(comb(known - 1, r - 1))
        ways = sum((-1) ** i * comb(r, i) * (r - i) ** known for i in range(r)) // factorial(r)
        return log2(ways)

    def bits(leaves):
        total = 0.0
        for t in leaves:
            n = original.weight[t]
            counts = original.value[t] * n
            total += 1 + log_gamma2(n + 3) - log_gamma2(3) - log_gamma2(n + 1) + log_gamma2(n + 1)
            total -= sum(log_gamma2(c + 1) for c in counts)
        return total + sum(1 + log2(model.n_features_in_) + split_bits(t) for t in splits_above(original, leaves))

    model.prune_shortest()
    check_cheapest(model, original, bits)


def log_gamma2(x):
    return lgamma(x) / log(2)


@pytest.mark.parametrize("estimator", TREES)
@pytest.mark.parametrize("alpha", [0.002, 0.01])
def test_cost_complexity(estimator, alpha):
    model, X, y = grown(estimator, 2)
    original = model.tree_
    scale = original.impurity[0]
    own = original.weight / original.weight[0] * original.impurity
    model.prune_cost_complexity(alpha * scale)
    check_cheapest(model, original, lambda leaves: sum(own[t] + alpha * scale for t in leaves))
    path = model.cost_complexity_pruning_path(X, y)
    assert (np.diff(path.ccp_alphas) >= -1e-12).all()
    assert (np.diff(path.impurities) >= -1e-12).all()


@pytest.mark.parametrize("estimator", TREES)
def test_by_hand_and_simplify(estimator):
    model, X, _ = grown(estimator, 0)
    original, said = model.tree_, model.predict(X)
    model.simplify()
    np.testing.assert_array_equal(model.predict(X), said)
    for t in np.flatnonzero(model.tree_.is_split):
        below = list(model.tree_.children(t))
        if not model.tree_.is_split[below].any():
            values = model.tree_.value[below]
            assert len(set(values[:, 0] if estimator is CHAIDRegressor else values.argmax(axis=1))) > 1
    model.tree_ = original
    child = original.children(0)[1]
    assert child in leaves_of(model.prune(child).tree_, original)
    model.tree_.check()
    assert model.prune([0]).get_n_leaves() == 1
    assert model.prune([]).get_n_leaves() == 1
    np.testing.assert_allclose(model.tree_.value[0], original.value[0])
    for nodes in (1, -1, 0.5, [0, 99]):
        with pytest.raises(ValueError, match=r"nodes=.* must be numbers of nodes of tree_, whole and from 0 to 0"):
            model.prune(nodes)


@pytest.mark.parametrize("estimator", TREES)
def test_bad_input(estimator):
    model, X, y = grown(estimator, 0)
    with pytest.raises(ValueError, match=r"0 sample\(s\): reduced-error pruning needs rows"):
        model.prune_reduced_error(X[:0], y[:0])
    with pytest.raises(ValueError, match="inconsistent"):
        model.prune_reduced_error(X, y[:10])
    with pytest.raises(ValueError, match="sample_weight is 0 for every row"):
        model.prune_reduced_error(X, y, np.zeros(len(X)))
    with pytest.raises(ValueError, match=r"ccp_alpha=-1 must be >= 0"):
        model.prune_cost_complexity(-1)
    if estimator is CHAIDRegressor:
        assert not hasattr(model, "prune_pessimistic")
        return
    with pytest.raises(ValueError, match="confidence=2 must lie between 0 and 1"):
        model.prune_pessimistic(2)
    with pytest.raises(ValueError, match="y"):
        model.prune_reduced_error(X, np.full(len(X), 7))
