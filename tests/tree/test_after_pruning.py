"""Prunings of decision trees: each against every subtree there is, on small trees."""

from itertools import product
from math import comb, factorial, log2

import numpy as np
import pytest
from scipy.stats import binom
from sklearn.datasets import make_friedman1

from fastml.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier
from fastml.tree.after_pruning import error_bound


def noisy(n=300, seed=0, n_classes=3):
    X, y = make_friedman1(n, 5, noise=6.0, random_state=seed)
    return X, np.digitize(y, np.quantile(y, np.arange(1, n_classes) / n_classes))


def subtrees(tree, node=0):
    """Every set of leaves that a pruning can leave, by numbers of tree_."""
    yield (node,)
    if tree.children_left[node] >= 0:
        for a, b in product(
            subtrees(tree, tree.children_left[node]), subtrees(tree, tree.children_right[node])
        ):
            yield a + b


def n_splits(leaves):
    return len(leaves) - 1


def leaves_of(model, original):
    """The leaves of a pruned tree as nodes of the tree that it was: by the path to each."""
    pruned, found = model.tree_, []

    def follow(i, k):
        if pruned.children_left[i] < 0:
            found.append(k)
            return
        assert (pruned.feature[i], pruned.threshold[i]) == (original.feature[k], original.threshold[k])
        follow(pruned.children_left[i], original.children_left[k])
        follow(pruned.children_right[i], original.children_right[k])

    follow(0, 0)
    return tuple(found)


def check_cheapest(model, original, cost):
    """No other subtree costs less, and none that costs the same has fewer leaves."""
    kept = leaves_of(model, original)
    best = min((round(cost(s), 9), len(s)) for s in subtrees(original))
    assert (round(cost(kept), 9), len(kept)) == best


def rows_below(original, X):
    """Rows of each node."""
    path = original.decision_path(X.astype(np.float32)).toarray().astype(bool)
    return [np.flatnonzero(path[:, t]) for t in range(original.node_count)]


@pytest.mark.parametrize("seed", range(4))
def test_reduced_error_pruning_is_the_best_subtree_for_the_other_rows(seed):
    X, y = noisy(seed=seed)
    model = DecisionTreeClassifier(max_leaf_nodes=9).fit(X[:150], y[:150])
    original, rows = model.tree_, rows_below(model.tree_, X[150:])
    wrong = [(y[150:][rows[t]] != original.value[t, 0].argmax()).sum() for t in range(original.node_count)]
    model.prune_reduced_error(X[150:], y[150:])
    check_cheapest(model, original, lambda leaves: sum(wrong[t] for t in leaves))
    regressor = DecisionTreeRegressor(max_leaf_nodes=9).fit(X[:150], y[:150])
    original, weight = regressor.tree_, np.random.default_rng(seed).uniform(0, 2, 150)
    rows = rows_below(original, X[150:])
    error = [weight[r] @ (y[150:][r] - original.value[t, 0, 0]) ** 2 for t, r in enumerate(rows)]
    regressor.prune_reduced_error(X[150:], y[150:], weight)
    check_cheapest(regressor, original, lambda leaves: sum(error[t] for t in leaves))


def bound(n, errors, confidence):
    """C4.5's bound on the errors of a leaf, by the formulas of Quinlan's program."""
    if errors == 0:
        return n * (1 - confidence ** (1 / n))
    table = {0.10: 1.28, 0.20: 0.84, 0.40: 0.25, 1.00: 0.0}
    known = sorted(table)
    low = max(c for c in known if c <= confidence)
    high = min(c for c in known if c >= confidence)
    step = 0 if low == high else (confidence - low) / (high - low)
    z2 = (table[low] + (table[high] - table[low]) * step) ** 2
    if errors + 0.5 >= n:
        return errors + 0.67 * (n - errors)
    e = errors + 0.5
    return n * (e + z2 / 2 + np.sqrt(z2 * (e * (1 - e / n) + z2 / 4))) / (n + z2)


@pytest.mark.parametrize("confidence", [0.1, 0.25, 0.6])
def test_pessimistic_pruning_takes_errors_at_their_bound(confidence):
    X, y = noisy()
    model = DecisionTreeClassifier(max_leaf_nodes=9).fit(X, y)
    original, expected = model.tree_, []

    def prune(t):
        """The bound of what is left below node t, whose leaves are the last of `expected`."""
        n = int(original.n_node_samples[t])
        own, first = bound(n, round(n * (1 - original.value[t, 0].max())), confidence), len(expected)
        if original.children_left[t] < 0:
            expected.append(t)
            return own
        below = prune(original.children_left[t]) + prune(original.children_right[t])
        if own > below + 0.1:
            return below
        expected[first:] = [t]
        return own

    prune(0)
    assert leaves_of(model.prune_pessimistic(confidence), original) == tuple(expected)
    assert len(expected) > 1


def test_the_bound_on_errors_is_about_the_binomials():
    n, errors = (g.ravel() for g in np.meshgrid(np.arange(4.0, 60.0), np.arange(0.0, 3.0)))
    ours = error_bound(n, errors, 0.25) / n
    assert np.abs(binom.cdf(errors, n, ours) - 0.25).max() < 0.03
    np.testing.assert_allclose(binom.cdf(0, n, ours)[errors == 0], 0.25)
    half = [error_bound(np.array([9.0]), np.array([e]), 0.25)[0] for e in (0.0, 0.5, 1.0)]
    assert half[1] == pytest.approx((half[0] + half[2]) / 2)


@pytest.mark.parametrize("seed", range(3))
def test_pruning_by_a_cost_of_leaves_is_the_same_before_and_after_the_fit(seed):
    X, y = noisy(seed=seed)
    for alpha in (0.0, 0.01, 0.03, 1.0):
        model = DecisionTreeClassifier().fit(X, y).prune_cost_complexity(alpha)
        before = DecisionTreeClassifier(ccp_alpha=alpha).fit(X, y)
        np.testing.assert_array_equal(model.tree_.threshold, before.tree_.threshold)
    for alpha in (-1, "some"):
        with pytest.raises(ValueError, match=f"ccp_alpha={alpha!r} must be >= 0"):
            model.prune_cost_complexity(alpha)


def test_the_shortest_description():
    X, y = noisy(120, n_classes=2)
    model = DecisionTreeClassifier(max_leaf_nodes=9).fit(X, y)
    original = model.tree_
    counts = np.rint(original.value[:, 0] * original.n_node_samples[:, None]).astype(int)

    def bits(leaves):
        total, inner = 0.0, set()
        for t in leaves:
            n = int(counts[t].sum())
            classes = factorial(n) // (factorial(int(counts[t][0])) * factorial(int(counts[t][1])))
            total += 1 + log2(comb(n + 1, 1)) + log2(classes)
        waiting = [0]
        while waiting:
            t = waiting.pop()
            if t not in leaves:
                inner.add(t)
                waiting += [original.children_left[t], original.children_right[t]]
        return total + sum(1 + log2(X.shape[1]) + log2(max(original.n_node_samples[t] - 1, 1)) for t in inner)

    model.prune_shortest()
    check_cheapest(model, original, bits)
    assert 1 < model.get_n_leaves() < 9


def test_simplify_changes_no_prediction():
    X, y = noisy()
    model = DecisionTreeClassifier(max_depth=5).fit(X, y)
    said, n_leaves = model.predict(X), model.get_n_leaves()
    model.simplify()
    assert model.get_n_leaves() < n_leaves
    np.testing.assert_array_equal(model.predict(X), said)
    tree = model.tree_
    for t in np.flatnonzero(tree.children_left >= 0):
        below = tree.children_left[t], tree.children_right[t]
        if all(tree.children_left[c] < 0 for c in below):
            assert len({tree.value[c, 0].argmax() for c in below}) == 2
    steps = DecisionTreeRegressor().fit(X, (X[:, 0] > 0.5) + 0.0)
    assert steps.simplify().get_n_leaves() == 2
    needless = ExtraTreeClassifier(max_depth=3, random_state=0).fit(X, np.zeros(len(X)))
    assert needless.simplify().get_n_leaves() == 1


def test_pruning_by_hand():
    X, y = noisy()
    model = DecisionTreeClassifier(max_depth=3).fit(X, y)
    original = model.tree_
    child = int(original.children_left[0])
    assert leaves_of(model.prune(child), original)[0] == child
    assert model.prune([0]).get_n_leaves() == 1
    assert model.prune([]).get_n_leaves() == 1
    np.testing.assert_allclose(model.predict_proba(X[:1])[0], np.bincount(y) / len(y))
    for nodes in (1, -1, 0.5, [0, 99]):
        with pytest.raises(ValueError, match="numbers of nodes"):
            model.prune(nodes)


def test_bad_input():
    X, y = noisy()
    model = DecisionTreeClassifier(max_depth=3).fit(X, y)
    with pytest.raises(ValueError, match="0 sample"):
        model.prune_reduced_error(X[:0], y[:0])
    with pytest.raises(ValueError, match="inconsistent"):
        model.prune_reduced_error(X, y[:10])
    with pytest.raises(ValueError, match=r"confidence=0"):
        model.prune_pessimistic(0)
    with pytest.raises(ValueError, match="one output"):
        DecisionTreeClassifier(max_depth=2).fit(X, np.stack([y, y], 1)).prune_shortest()
