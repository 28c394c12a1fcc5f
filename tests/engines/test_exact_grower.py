"""The engine exact_grower against its twin: every node is what it says, every split is the best there is."""

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastml._engines.column_sorter import sort_columns
from fastml._engines.exact_grower import ExactGrower
from fastml.jit import compile_criterion
from fastml.tree.interactions import Interactions
from tests.reference.exact_grower import gains, impurity, value_of
from tests.reference.interactions import allowed_in_nodes, constraints

OPTIONS = {
    "max_depth": 0, "max_leaves": 0, "min_samples_split": 2, "min_samples_leaf": 1, "min_weight_leaf": 0.0,
    "min_impurity_decrease": 0.0, "max_features": 2**31 - 1, "random_cuts": 0, "seed": 0,
}  # fmt: skip
CLASS_CRITERIA, NUMBER_CRITERIA = ("gini", "entropy"), ("squared_error", "poisson", "absolute_error")
KINDS = ("many", "few", "constant", "missing", "all missing")


def column(kind, n, rng):
    x = rng.normal(size=n)
    if kind == "few":
        x = np.round(x)
    elif kind == "constant":
        x[:] = 3.0
    elif kind == "missing":
        x[rng.random(n) < 0.3] = np.nan
    elif kind == "all missing":
        x[:] = np.nan
    elif kind.startswith("category"):
        x = rng.integers(1, 5, n) + 0.0
        if kind.endswith("missing"):
            x[rng.random(n) < 0.2] = np.nan
    return x


def target_of(criterion, n_outputs, n_classes, X, rng):
    signal = np.nan_to_num(X, nan=0.7) @ rng.normal(size=(X.shape[1], n_outputs)) + rng.normal(size=(len(X), n_outputs))
    if criterion in CLASS_CRITERIA:
        edges = np.quantile(signal, np.arange(1, n_classes) / n_classes)
        return np.ascontiguousarray(np.digitize(signal, edges).T.astype(np.int32))
    return np.ascontiguousarray((np.exp(signal) if criterion == "poisson" else np.round(signal, 1)).T)


def grow(
    X, criterion, target, n_classes=0, weight=None, n_threads=1, monotone=None, categorical=(), **options
):  # fmt: skip
    flags = np.isin(np.arange(X.shape[1]), categorical).astype(np.uint8) if len(categorical) else None
    grower = ExactGrower(*sort_columns(list(X.T), n_threads), n_threads, flags)
    if n_classes:
        two = target.astype(float) if n_classes == 2 and len(target) == 1 else None
        return grower.grow(criterion, {**OPTIONS, **options}, target, n_classes, two, weight, monotone)
    return grower.grow(criterion, {**OPTIONS, **options}, None, 0, target, weight, monotone)


def goes_left(x, node, categories):
    """Whether values of a column go left at a node."""
    missing_left = bool(node["feature"] >> 31)
    if node["feature"] >> 30 & 1:
        bits, code = categories[int(node["value"])], np.nan_to_num(x).astype(int)
        left = bits[code // 32] >> (code % 32).astype(np.uint32) & 1 == 1
    else:
        left = x <= node["value"]
    return np.where(np.isnan(x), missing_left, left).astype(bool)


def rows_of(X, nodes, weight, categories=None):
    """Rows with a weight in each node, and its depth."""
    used = np.arange(len(X)) if weight is None else np.flatnonzero(weight)
    rows, depth = {0: used}, {0: 0}
    for i in np.flatnonzero(nodes["left"]):
        x = X[rows[i], nodes["feature"][i] & 0x3FFFFFFF]
        left = goes_left(x, nodes[i], categories)
        child = nodes["left"][i]
        assert child > i
        rows[child], rows[child + 1] = rows[i][left], rows[i][~left]
        depth[child] = depth[child + 1] = depth[i] + 1
    assert sorted(rows) == list(range(len(nodes)))
    return rows, depth


def check_tree(X, criterion, target, n_classes, weight, grown, options, categorical=()):
    o = {**OPTIONS, **options}
    nodes, categories, found_impurity, n_samples, node_weight, sums = grown
    rows, depth = rows_of(X, nodes, weight, categories)
    # Sets of levels are searched in one order, which finds the best for one output of numbers or two classes.
    is_best = not len(categorical) or (len(target) == 1 and n_classes < 3 and criterion != "absolute_error")
    w = np.ones(len(X)) if weight is None else weight
    leaves = np.flatnonzero(nodes["left"] == 0)
    columns = allowed_in_nodes(nodes, o.get("interactions"), X.shape[1])
    assert not o["max_leaves"] or len(leaves) <= o["max_leaves"]
    for i in range(len(nodes)):
        own = rows[i]
        part, part_weight = target[:, own], w[own]
        assert n_samples[i] == len(own)
        assert node_weight[i] == pytest.approx(part_weight.sum(), rel=1e-12)
        expected = impurity(criterion, part, part_weight, n_classes)
        scale = 1.0 if n_classes else np.abs(target).max() ** (2 if criterion == "squared_error" else 1)
        assert found_impurity[i] == pytest.approx(expected, rel=1e-9, abs=1e-12 * scale)
        value = sums[i].reshape(len(target), -1) / (1.0 if criterion == "absolute_error" else part_weight.sum())
        np.testing.assert_allclose(value, value_of(criterion, part, part_weight, n_classes), rtol=1e-9, atol=1e-12)
        if (o["max_depth"] and depth[i] >= o["max_depth"]) or len(own) < o["min_samples_split"]:
            assert nodes["left"][i] == 0
            continue
        slack = 1e-9 * scale
        found = gains(X[own], criterion, part, part_weight, n_classes, o, categorical)
        allowed = [g for g, j, _ in found if j in columns[i]]
        best = max(allowed, default=-np.inf)
        share = part_weight.sum() / w.sum()
        if nodes["left"][i] == 0:
            full = o["max_leaves"] and len(leaves) == o["max_leaves"]
            assert full or not allowed or expected <= slack or share * best <= o["min_impurity_decrease"] + slack
            continue
        sides = rows[nodes["left"][i]], rows[nodes["left"][i] + 1]
        assert int(nodes["feature"][i]) & 0x3FFFFFFF in columns[i]
        assert min(len(s) for s in sides) >= o["min_samples_leaf"]
        assert min(w[s].sum() for s in sides) >= o["min_weight_leaf"] - 1e-9
        chosen = expected - sum(
            w[s].sum() / part_weight.sum() * impurity(criterion, target[:, s], w[s], n_classes) for s in sides
        )
        assert share * chosen >= o["min_impurity_decrease"] - slack
        assert chosen >= best - slack or not is_best


@st.composite
def problems(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.sampled_from([1, 2, 3, 10, 40, 90]))
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=4))
    X = np.stack([column(kind, n, rng) for kind in kinds], 1)
    criterion = draw(st.sampled_from(CLASS_CRITERIA + NUMBER_CRITERIA))
    n_classes = draw(st.integers(2, 4)) if criterion in CLASS_CRITERIA else 0
    target = target_of(criterion, draw(st.sampled_from([1, 1, 2])), n_classes, X, rng)
    weight = draw(st.sampled_from([None, rng.integers(0, 3, n) + 0.0, rng.uniform(0.5, 2, n)]))
    if weight is not None and not weight.any():
        weight[0] = 1.0
    options = {
        "max_depth": draw(st.sampled_from([0, 0, 3])), "max_leaves": draw(st.sampled_from([0, 0, 5])),
        "min_samples_leaf": draw(st.sampled_from([1, 1, 4])), "min_samples_split": draw(st.sampled_from([2, 8])),
        "min_weight_leaf": draw(st.sampled_from([0.0, 2.5])),
        "min_impurity_decrease": draw(st.sampled_from([0.0, 0.0, 0.02])),
    }  # fmt: skip
    return X, criterion, target, n_classes, weight, options


@given(problems(), st.sampled_from([1, 2, 5]))
@settings(max_examples=150)
def test_every_node_is_what_it_says_and_every_split_is_the_best(problem, n_threads):
    X, criterion, target, n_classes, weight, options = problem
    grown = grow(X, criterion, target, n_classes, weight, n_threads, **options)
    check_tree(X, criterion, target, n_classes, weight, grown, options)


@given(problems(), st.sampled_from([1, 2, 5]), st.data())
def test_every_split_is_the_best_that_its_branch_allows(problem, n_threads, data):
    X, criterion, target, n_classes, weight, options = problem
    options = options | {"interactions": data.draw(constraints(X.shape[1]))}
    grown = grow(X, criterion, target, n_classes, weight, n_threads, **options)
    check_tree(X, criterion, target, n_classes, weight, grown, options)


@pytest.mark.parametrize("groups", [[{0, 1}, {1, 2}, {3, 4, 5}], [{0}, {1, 2, 3, 4, 5}], [{0, 5}]])
def test_columns_are_drawn_from_those_that_a_branch_allows(groups):
    """Some 9,000 rows: subtrees grow by themselves and know what lies above them."""
    rng = np.random.default_rng(3)
    X = np.stack([column(kind, 9000, rng) for kind in ("many", "few", "missing", "many", "constant", "many")], 1)
    target = target_of("gini", 1, 3, X, rng)
    constraints, trees = Interactions.of(groups, 6), set()
    for n_threads in (1, 2, 5):
        for options in ({"max_features": 2}, {}, {"max_leaves": 300}):
            grown = grow(X, "gini", target, 3, None, n_threads, interactions=constraints, max_depth=12, **options)
            nodes = grown[0]
            for node, allowed in zip(nodes, allowed_in_nodes(nodes, constraints, 6), strict=True):
                assert node["left"] == 0 or int(node["feature"]) & 0x3FFFFFFF in allowed
            trees.add(nodes.tobytes())
    assert len(trees) == 3


@given(
    st.integers(0, 2**32 - 1), st.sampled_from(CLASS_CRITERIA + NUMBER_CRITERIA), st.sampled_from([2, 2, 3]),
    st.sampled_from([1, 1, 2]), st.sampled_from([0, 6]), st.booleans(), st.sampled_from([1, 2]),
)  # fmt: skip
def test_no_set_of_levels_is_better(seed, criterion, n_classes, n_outputs, max_leaves, random_cuts, n_threads):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([2, 12, 60]))
    X = np.stack([column(kind, n, rng) for kind in ("category", "category missing", "many")], 1)
    n_classes = n_classes if criterion in CLASS_CRITERIA else 0
    target = target_of(criterion, n_outputs, n_classes, X, rng)
    weight = rng.integers(1, 4, n) + 0.0 if seed % 2 else None
    options = {"max_leaves": max_leaves, "random_cuts": int(random_cuts), "seed": seed % 1000}
    grown = grow(X, criterion, target, n_classes, weight, n_threads, categorical=(0, 1), **options)
    if random_cuts:
        rows, _ = rows_of(X, grown[0], weight, grown[1])
        assert all(len(own) for own in rows.values())
    else:
        check_tree(X, criterion, target, n_classes, weight, grown, options, (0, 1))


def error_rate(share):
    return 1.0 - share.max()


def distance(weight, sum_wy, sum_wyy):
    square = sum_wyy / weight - (sum_wy / weight) ** 2
    return np.sqrt(square) if square * weight > 1e-9 * sum_wyy else 0.0  # what is left of a pure node by rounding


@given(problems(), st.sampled_from([1, 2]))
def test_impurities_of_the_users_own(problem, n_threads):
    X, _, target, n_classes, weight, options = problem
    function = error_rate if n_classes else distance
    shape = (1, n_classes) if n_classes else (1, 3)
    own = compile_criterion(function, "classes" if n_classes else "numbers", np.full(shape, 1.0 / shape[1]))
    w = np.ones(len(X)) if weight is None else weight
    label, y = (target, None) if n_classes else (None, target)
    grower = ExactGrower(*sort_columns(list(X.T), n_threads), n_threads)
    grown = grower.grow("own", {**OPTIONS, **options}, label, n_classes, y, weight, own=own)
    if not n_classes:
        sums = grown[5]
        rows, _ = rows_of(X, grown[0], weight, grown[1])
        for i, own_rows in rows.items():
            np.testing.assert_allclose(sums[i, len(y) :], (y[:, own_rows] ** 2) @ w[own_rows], rtol=1e-9)
        grown = (*grown[:5], sums[:, : len(y)])
    check_tree(X, function, target, n_classes, weight, grown, options)


def test_levels_that_a_node_lacks_go_with_missing():
    X = np.array([[1.0], [1.0], [2.0], [4.0], [np.nan], [np.nan], [np.nan]])
    y = np.array([[0.0, 0.0, 9.0, 9.0, 9.0, 9.0, 9.0]])
    nodes, categories, *_ = grow(X, "squared_error", y, categorical=(0,))
    assert len(nodes) == 3
    left = goes_left(np.array([1.0, 2.0, 3.0, 4.0, 200.0, np.nan]), nodes[0], categories)
    assert left.tolist() in ([True, False, False, False, False, False], [False, True, True, True, True, True])


def fingerprint(n_threads):
    rng = np.random.default_rng(7)
    X = np.stack([column(kind, 9000, rng) for kind in ("many", "few", "missing", "many", "constant", "many")], 1)
    parts = []
    cases = (("gini", 2, 1), ("entropy", 3, 2), ("squared_error", 0, 1), ("poisson", 0, 2), ("absolute_error", 0, 1))
    for criterion, n_classes, n_outputs in cases:
        target = target_of(criterion, n_outputs, n_classes, X, rng)
        weight = rng.uniform(0.5, 2, len(X)) if n_outputs == 1 else None
        for o in ({}, {"max_features": 2, "seed": 3}, {"random_cuts": 1, "max_features": 3}, {"max_leaves": 50}):
            parts += [a.tobytes() for a in grow(X, criterion, target, n_classes, weight, n_threads, **o)]
    return hashlib.sha256(b"".join(parts)).hexdigest()


def test_the_same_bytes_for_any_number_of_threads_and_instruction_set():
    answers = {fingerprint(n_threads) for n_threads in (1, 2, 5)}
    code = "from tests.engines.test_exact_grower import fingerprint; print(fingerprint(2))"
    env = {**os.environ, "FASTML_ISA": "base", "PYTHONPATH": os.pathsep.join(p or "." for p in sys.path)}
    run = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert len(answers | {run.stdout.strip()}) == 1


@pytest.mark.parametrize("criterion", ["gini", "squared_error", "absolute_error"])
def test_random_cuts_lie_between_the_values_and_split_all_there_is(criterion):
    rng = np.random.default_rng(2)
    X = np.stack([column(kind, 300, rng) for kind in ("many", "few", "missing")], 1)
    n_classes = 3 if criterion == "gini" else 0
    target = target_of(criterion, 1, n_classes, X, rng)
    seen = set()
    for seed in range(5):
        grown = grow(X, criterion, target, n_classes, random_cuts=1, max_features=2, seed=seed)
        nodes = grown[0]
        rows, _ = rows_of(X, nodes, None)
        for i in np.flatnonzero(nodes["left"]):
            x = X[rows[i], nodes["feature"][i] & 0x3FFFFFFF]
            assert np.nanmin(x) <= nodes["value"][i] <= np.nanmax(x)
            assert len(rows[nodes["left"][i]]) * len(rows[nodes["left"][i] + 1]) > 0
        leaves = np.flatnonzero(nodes["left"] == 0)
        assert all(grown[2][i] < 1e-12 or len(np.unique(X[rows[i]], axis=0)) <= 1 for i in leaves)
        seen.add(nodes.tobytes())
    assert len(seen) == 5


def test_drawn_columns_are_those_that_vary():
    rng = np.random.default_rng(4)
    X = np.ones((200, 30))
    X[:, 17] = rng.normal(size=200)
    y = (X[:, 17] > 0).astype(np.int32)[None]
    nodes, *_ = grow(X, "gini", y, 2, max_features=1)
    assert len(nodes) == 3
    assert nodes["feature"][0] & 0x3FFFFFFF == 17


@pytest.mark.parametrize("criterion", ["gini", "entropy", "squared_error", "absolute_error", "poisson"])
def test_predictions_go_with_a_monotone_column(criterion):
    rng = np.random.default_rng(5)
    X = rng.normal(size=(400, 3))
    n_classes = 2 if criterion in CLASS_CRITERIA else 0
    target = target_of(criterion, 1, n_classes, X, rng)
    for rises in (1, -1):
        monotone = np.array([rises, 0, 0], np.int8)
        nodes, _, _, _, weight, sums = grow(X, criterion, target, n_classes, monotone=monotone, min_samples_leaf=3)
        value = sums[:, -1] / (1.0 if criterion == "absolute_error" else weight)
        grid = np.linspace(-3, 3, 60)
        for _ in range(20):
            row = rng.normal(size=3)
            path = []
            for x in grid:
                row[0], i = x, 0
                while nodes["left"][i]:
                    goes_left = row[nodes["feature"][i] & 0x3FFFFFFF] <= nodes["value"][i]
                    i = nodes["left"][i] + (0 if goes_left else 1)
                path.append(value[i])
            assert (rises * np.diff(path) >= -1e-12).all()


def test_no_row_has_a_weight():
    with pytest.raises(ValueError, match="no row has a weight"):
        grow(np.ones((3, 1)), "squared_error", np.ones((1, 3)), weight=np.zeros(3))


def test_unknown_options_are_refused():
    with pytest.raises(TypeError, match="unknown options: max_size"):
        grow(np.ones((3, 1)), "squared_error", np.ones((1, 3)), max_size=3)
