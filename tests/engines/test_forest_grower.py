"""The engine forest_grower against its twin, that of exact_grower, and exact_grower itself."""

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastml._engines.column_sorter import ranks_of, sort_columns
from fastml._engines.forest_grower import ForestGrower, bootstrap_counts
from fastml.ensemble.averaged_forest import AveragedForest
from fastml.tree.interactions import Interactions
from tests.engines.test_exact_grower import (
    CLASS_CRITERIA,
    NUMBER_CRITERIA,
    OPTIONS,
    check_tree,
    column,
    goes_left,
    problems,
    rows_of,
    target_of,
)  # fmt: skip
from tests.engines.test_exact_grower import grow as grow_exact
from tests.reference import forest_grower as twin
from tests.reference.exact_grower import impurity
from tests.reference.interactions import allowed_in_nodes, constraints


def grow(
    X, criterion, target, n_classes=0, weight=None, n_threads=1, monotone=None, categorical=(), seeds=(0,), wide=False,
    n_draws=0, balanced=False, **options,
):  # fmt: skip
    """AveragedForest of one tree a seed. wide: ranks of 32 bits."""
    flags = np.isin(np.arange(X.shape[1]), categorical).astype(np.uint8) if len(categorical) else None
    entries, values, start = sort_columns(list(X.T), n_threads)
    ranks = ranks_of(entries, 2**20 if wide else int(np.diff(start).max()), None, n_threads)
    assert ranks.dtype == (np.uint32 if wide else np.uint16)
    two = target.astype(float) if n_classes == 2 and len(target) == 1 else None
    label, y = (target, two) if n_classes else (None, target)
    grown = ForestGrower(ranks, values, start, n_threads, flags).grow(
        criterion, {**OPTIONS, **options}, np.array(seeds, np.uint64), label, n_classes, y, weight, monotone, n_draws,
        balanced, np.array([n_classes] * len(target), np.int32),
    )  # fmt: skip
    return AveragedForest.of(
        grown, centre=np.zeros(len(target)), criterion=criterion, n_classes=(max(n_classes, 1),) * len(target),
        n_features=X.shape[1], category_codes=(None,) * X.shape[1],
    )  # fmt: skip


def as_grown(tree, criterion):
    """A tree as exact_grower gives it."""
    scale = 1.0 if criterion == "absolute_error" else tree.weight[:, None]
    sums = tree.value.reshape(len(tree.nodes), -1) * scale
    return tree.nodes, tree.categories, tree.impurity, tree.n_node_samples, tree.weight, sums


@given(problems(), st.booleans())
@settings(max_examples=150)
def test_every_node_is_what_it_says_and_every_split_is_the_best(problem, wide):
    X, criterion, target, n_classes, weight, options = problem
    tree = grow(X, criterion, target, n_classes, weight, wide=wide, **options).tree(0)
    check_tree(X, criterion, target, n_classes, weight, as_grown(tree, criterion), options)


@given(problems(), st.booleans(), st.data())
def test_every_split_is_the_best_that_its_branch_allows(problem, wide, data):
    X, criterion, target, n_classes, weight, options = problem
    options = options | {"interactions": data.draw(constraints(X.shape[1]))}
    tree = grow(X, criterion, target, n_classes, weight, wide=wide, **options).tree(0)
    check_tree(X, criterion, target, n_classes, weight, as_grown(tree, criterion), options)


@pytest.mark.parametrize("groups", [[{0, 1}, {1, 2}, {3, 4, 5}], [{0}, {1, 2, 3, 4, 5}], [{0, 5}]])
@pytest.mark.parametrize("options", [{"max_features": 2}, {"random_cuts": 1}, {"max_leaves": 300}])
def test_columns_are_drawn_from_those_that_a_branch_allows(groups, options):
    rng = np.random.default_rng(3)
    X = np.stack([column(kind, 9000, rng) for kind in ("many", "few", "missing", "many", "constant", "many")], 1)
    target = target_of("gini", 1, 3, X, rng)
    constraints, trees = Interactions.of(groups, 6), set()
    for n_threads, seeds in ((1, [3, 4]), (2, [3, 4]), (5, [3, 4]), (5, [3])):  # the last by all threads together
        forest = grow(X, "gini", target, 3, None, n_threads, seeds=seeds, interactions=constraints, max_depth=12,
                      **options)  # fmt: skip
        for t in range(len(seeds)):
            nodes = forest.tree(t).nodes
            for node, allowed in zip(nodes, allowed_in_nodes(nodes, constraints, 6), strict=True):
                assert node["left"] == 0 or int(node["feature"]) & 0x3FFFFFFF in allowed
        trees.add(forest.tree(0).nodes.tobytes())
    assert len(trees) == 1


@given(
    st.integers(0, 2**32 - 1), st.sampled_from(CLASS_CRITERIA + NUMBER_CRITERIA), st.sampled_from([2, 2, 3]),
    st.sampled_from([1, 1, 2]), st.sampled_from([0, 6]), st.booleans(),
)  # fmt: skip
def test_no_set_of_levels_is_better(seed, criterion, n_classes, n_outputs, max_leaves, random_cuts):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([2, 12, 60]))
    X = np.stack([column(kind, n, rng) for kind in ("category", "category missing", "many")], 1)
    n_classes = n_classes if criterion in CLASS_CRITERIA else 0
    target = target_of(criterion, n_outputs, n_classes, X, rng)
    weight = rng.integers(1, 4, n) + 0.0 if seed % 2 else None
    options = {"max_leaves": max_leaves, "random_cuts": int(random_cuts)}
    tree = grow(X, criterion, target, n_classes, weight, categorical=(0, 1), **options).tree(0)
    if random_cuts:
        rows, _ = rows_of(X, tree.nodes, weight, tree.categories)
        assert all(len(own) for own in rows.values())
    else:
        check_tree(X, criterion, target, n_classes, weight, as_grown(tree, criterion), options, (0, 1))


def same_but_for_ties(X, criterion, target, weight, n_classes, one, other):
    """Walk two trees side by side; where splits differ they must take the same off the impurity, and what is below is
    not compared. Returns how many nodes agree."""
    agreed, waiting = 0, [(np.flatnonzero(weight), 0, 0)]
    while waiting:
        rows, i, k = waiting.pop()
        a, b = one[0][i], other[0][k]
        if a["left"] == 0 or b["left"] == 0:
            assert a["left"] == b["left"]
            agreed += 1
            continue
        pairs = ((a, one), (b, other))
        sides = [goes_left(X[rows, node["feature"] & 0x3FFFFFFF], node, tree[1]) for node, tree in pairs]
        if np.array_equal(*sides):
            agreed += a["feature"] == b["feature"] and (a["value"] == b["value"] or bool(a["feature"] >> 30 & 1))
            waiting += [(rows[sides[0]], a["left"], b["left"]), (rows[~sides[0]], a["left"] + 1, b["left"] + 1)]
            continue
        left = [
            sum(weight[part].sum() * impurity(criterion, target[:, part], weight[part], n_classes)
                for part in (rows[side], rows[~side])) for side in sides
        ]  # fmt: skip
        assert left[0] == pytest.approx(left[1], rel=1e-9)
    return agreed


@pytest.mark.parametrize("n", [30, 700, 6000])
@pytest.mark.parametrize("kinds", [("many", "few", "many", "few", "many"), ("many", "missing", "few", "category")])
@pytest.mark.parametrize("criterion", (*CLASS_CRITERIA, "squared_error", "poisson"))
@pytest.mark.parametrize("options", [{}, {"random_cuts": 1}, {"min_samples_leaf": 5}, {"max_leaves": 40}])
def test_a_tree_is_that_of_the_exact_grower_with_the_same_seed(n, kinds, criterion, options):
    """All sizes of nodes: cells, keys sorted by counting and by digits, subtrees copied. Whole numbers, so that sums do
    not hang on their order."""
    rng = np.random.default_rng(n)
    X = np.stack([column(kind, n, rng) for kind in kinds], 1)
    categorical = tuple(j for j, kind in enumerate(kinds) if kind == "category")
    n_classes = 4 if criterion in CLASS_CRITERIA else 0
    target = target_of(criterion, 1, n_classes, X, rng)
    if not n_classes:
        target = np.round(16 * target)
    weight = rng.integers(0, 3, n) + 0.0
    options = {"max_features": 2, "max_depth": 0 if options.get("max_leaves") else 9, **options}
    for seed in range(2):
        tree = grow(X, criterion, target, n_classes, weight, categorical=categorical, seeds=[seed], **options).tree(0)
        grown = grow_exact(
            X, criterion, target, n_classes, weight, categorical=categorical, seed=seed, **options
        )
        agreed = same_but_for_ties(X, criterion, target, weight, n_classes, (tree.nodes, tree.categories), grown[:2])
        assert agreed > 0.5 * len(grown[0]) or n == 30


@pytest.mark.parametrize("n_classes", [2, 3, 40])
@pytest.mark.parametrize("wide", [False, True])
def test_rows_drawn_and_classes_made_even_are_weights(n_classes, wide):
    rng = np.random.default_rng(1)
    X = np.stack([column(kind, 900, rng) for kind in ("many", "few", "missing", "many")], 1)
    target = target_of("gini", 1, n_classes, X, rng)
    for seed in range(3):
        counts = twin.bootstrap_counts(seed, len(X), 800)
        for balanced in (False, True):
            drawn = grow(X, "gini", target, n_classes, n_draws=800, balanced=balanced, seeds=[seed], wide=wide,
                         max_features=2, max_depth=6)  # fmt: skip
            weight = twin.balanced(counts, target) if balanced else counts
            weighed = grow(X, "gini", target, n_classes, weight, seeds=[seed], max_features=2, max_depth=6)
            one, other = (forest.tree(0) for forest in (drawn, weighed))
            trees = ((tree.nodes, tree.categories) for tree in (one, other))
            assert same_but_for_ties(X, "gini", target, weight, n_classes, *trees) > 0.3 * len(one.nodes)
            np.testing.assert_allclose(one.value[0], other.value[0])
            np.testing.assert_allclose(one.weight[0], other.weight[0])


@given(st.integers(0, 2**63), st.integers(1, 30), st.integers(0, 60), st.sampled_from(["none", "whole", "real"]))
def test_rows_drawn_equal_the_twins(seed, n, n_draws, kind):
    rng = np.random.default_rng(n)
    weight = {"none": None, "whole": rng.integers(0, 4, n) + 0.0, "real": rng.uniform(0, 2, n)}[kind]
    if weight is not None and not weight.any():
        weight[0] = 1.0
    counts = bootstrap_counts(seed, n, n_draws, None if weight is None else np.cumsum(weight))
    np.testing.assert_array_equal(counts, twin.bootstrap_counts(seed, n, n_draws, weight))
    assert counts.sum() == n_draws
    assert weight is None or not counts[weight == 0].any()


def test_rows_are_drawn_evenly():
    counts = sum(bootstrap_counts(seed, 50, 1000) for seed in range(200))
    assert 4000 * 0.9 < counts.min() <= counts.max() < 4000 * 1.1  # five standard deviations are 316


def fingerprint(n_threads):
    rng = np.random.default_rng(7)
    X = np.stack([column(kind, 5000, rng) for kind in ("many", "few", "missing", "many", "constant", "many")], 1)
    parts = []
    cases = (("gini", 2, 1), ("gini", 5, 1), ("entropy", 3, 2), ("squared_error", 0, 1), ("absolute_error", 0, 1))
    for criterion, n_classes, n_outputs in cases:
        target = target_of(criterion, n_outputs, n_classes, X, rng)
        for o in ({"n_draws": 4000}, {"max_features": 2}, {"random_cuts": 1}, {"max_leaves": 50, "n_draws": 5000}):
            for seeds in (range(5), (3,)):  # a tree by itself is grown by all threads together
                forest = grow(X, criterion, target, n_classes, None, n_threads, seeds=seeds, max_depth=12, **o)
                parts += [forest.nodes.tobytes(), forest.amounts.tobytes(), forest.own.tobytes()]
    return hashlib.sha256(b"".join(parts)).hexdigest()


def test_the_same_bytes_for_any_number_of_threads_and_instruction_set():
    answers = {fingerprint(n_threads) for n_threads in (1, 2, 5)}
    code = "from tests.engines.test_forest_grower import fingerprint; print(fingerprint(2))"
    env = {**os.environ, "FASTML_ISA": "base", "PYTHONPATH": os.pathsep.join(p or "." for p in sys.path)}
    run = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert len(answers | {run.stdout.strip()}) == 1


def test_large_nodes_without_a_cut_stay_leaves_of_a_tree_by_all_threads():
    """They have more rows than threads keep room for in the parts that they share."""
    X = np.repeat([[0.0], [1.0]], 4000, axis=0)
    label = (np.arange(8000) % 3 == 0).astype(np.int32)[None]
    for options in ({}, {"random_cuts": 1}, {"min_samples_leaf": 4001}):
        forests = [grow(X, "gini", label, 2, n_threads=n, **options) for n in (1, 5)]
        assert forests[0].nodes.tobytes() == forests[1].nodes.tobytes()


def test_drawn_columns_are_more_until_one_varies():
    rng = np.random.default_rng(4)
    X = np.ones((200, 30))
    X[:, 17] = rng.normal(size=200)
    label = (X[:, 17] > 0).astype(np.int32)[None]
    forest = grow(X, "gini", label, 2, max_features=1, seeds=range(20))
    assert len(forest.nodes) == 60
    assert set(forest.nodes["feature"][forest.nodes["left"] != 0] & 0x3FFFFFFF) == {17}


def test_codes_that_a_node_lacks_go_with_missing():
    X = np.array([[1.0], [1.0], [2.0], [4.0], [np.nan], [np.nan], [np.nan]])
    y = np.array([[0.0, 0.0, 9.0, 9.0, 9.0, 9.0, 9.0]])
    tree = grow(X, "squared_error", y, categorical=(0,)).tree(0)
    left = goes_left(np.array([1.0, 2.0, 3.0, 4.0, 200.0, np.nan]), tree.nodes[0], tree.categories)
    assert left.tolist() in ([True, False, False, False, False, False], [False, True, True, True, True, True])


@pytest.mark.parametrize("criterion", ["gini", "squared_error", "absolute_error", "poisson"])
def test_predictions_go_with_a_monotone_column(criterion):
    rng = np.random.default_rng(5)
    X = rng.normal(size=(400, 3))
    n_classes = 2 if criterion in CLASS_CRITERIA else 0
    target = target_of(criterion, 1, n_classes, X, rng)
    forest = grow(X, criterion, target, n_classes, monotone=np.array([1, 0, 0], np.int8), min_samples_leaf=3,
                  seeds=range(5), max_features=2)  # fmt: skip
    grid = np.linspace(-3, 3, 60)
    for _ in range(20):
        rows = np.tile(rng.normal(size=3), (60, 1))
        rows[:, 0] = grid
        total = np.zeros((60, forest.width))
        forest.add_shares(rows, total)
        assert (np.diff(total[:, -1]) >= -1e-9).all()
