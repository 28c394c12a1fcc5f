"""presorted_grower against its slow twin: every node takes the best cut there is, and no leaf leaves one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastml._engines.column_sorter import sort_columns
from fastml._engines.presorted_grower import PresortedGrower
from tests.engines.growing import OPTIONS, options, problem_of, route, rows_of
from tests.reference.interactions import allowed_in_nodes, constraints
from tests.reference.presorted_grower import candidates, leaf_weight, score

KINDS = ("few", "many", "constant", "duplicate", "few missing", "half missing", "all missing", "infinite", "category",
         "one category", "255 categories")  # fmt: skip


@st.composite
def problems(draw, n_outputs=1, sizes=(1, 2, 3, 8, 50, 120), max_columns=5):
    n = draw(st.sampled_from(sizes))
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=max_columns))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    problem = problem_of(
        kinds, n, rng, draw(st.sampled_from(["normal", "integer"])), draw(st.sampled_from(["none", "uniform"])),
        draw(st.sampled_from(["none", "integer", "real"])), n_outputs, draw(st.sampled_from([1.0, 0.5])),
    )  # fmt: skip
    if problem.weight is not None:
        problem.weight[:] = np.where(problem.weight == 0, 2.0, problem.weight)  # absent rows are taken off before
    return problem


def grower_of(problem, n_threads=1, share=0.0, **more):
    entries, values, start = sort_columns(list(np.ascontiguousarray(problem.X.T)))
    categorical = problem.is_categorical if problem.is_categorical.any() else None
    return PresortedGrower(
        entries, values, start, {**OPTIONS, **more}, categorical, len(problem.grad), n_threads, 0, share
    )


def sums_of(problem, k=0):
    """Weighted gradients and hessians, and which rows were drawn."""
    g, h = problem.gradients(k)
    used = np.ones(problem.n, bool) if problem.sampled is None else problem.sampled > 0
    return g, h, used


def check(problem, tree, leaf_of, o, k=0):
    nodes, gains, cover, _ = tree
    g, h, used = sums_of(problem, k)
    o = {"dispersion": (problem.weights() * problem.grad[k].astype(float) ** 2).sum() / h.sum(), **o}
    n_levels = [len(np.unique(x[~np.isnan(x)])) for x in problem.X.T]
    rows, depth = rows_of(problem, tree)
    left = nodes["left"]
    n_leaves = len(left) // 2 + 1
    assert not o["max_leaves"] or n_leaves <= o["max_leaves"]
    assert not o["max_depth"] or max(depth.values()) <= o["max_depth"]
    allowed = allowed_in_nodes(nodes, o.get("interactions"), problem.X.shape[1])
    best, chosen = {}, {}
    for i in range(len(nodes)):
        own = rows[i][used[rows[i]]]
        G, H = g[own].sum(), h[own].sum()
        np.testing.assert_allclose(cover[i], H, rtol=1e-6, atol=1e-9)
        found = []
        if not o["max_depth"] or depth[i] < o["max_depth"]:
            found = candidates(problem.X[own], problem.is_categorical, g[own], h[own], n_levels, o)
            found = [c for c in found if c[1] in allowed[i]]
        best[i] = max((c[0] for c in found), default=-np.inf)
        slack = 1e-9 * (1 + abs(score(G, H, o)) + abs(best[i])) if np.isfinite(best[i]) else 0.0
        if left[i] == 0:
            assert (leaf_of[own] == i).all()
            np.testing.assert_allclose(
                nodes["value"][i], o["learning_rate"] * leaf_weight(G, H, o), rtol=1e-9, atol=1e-12
            )
            full = o["max_leaves"] and n_leaves == o["max_leaves"]
            assert full or best[i] - slack <= max(1e-6, o["min_split_gain"])
            assert gains[i] == 0
            continue
        goes = route(problem, tree, i)[own]
        same = [c for c in found if (c[2] == goes).all() and (c[3] is None or c[3] == nodes["value"][i])]
        assert same, "a cut that there is, with its threshold"
        chosen[i] = max(c[0] for c in same)
        assert chosen[i] >= best[i] - slack
        np.testing.assert_allclose(gains[i], chosen[i], rtol=1e-6, atol=1e-9 + slack)
        pruned_later = not o["lossguide"] and not o["max_leaves"] and not o.get("first_order")
        is_lowest = left[left[i]] == 0 and left[left[i] + 1] == 0
        if is_lowest or not pruned_later:
            assert chosen[i] >= o["min_split_gain"] - slack
    order = sorted(np.flatnonzero(left), key=lambda i: left[i])
    if o["lossguide"]:
        for i in order:
            waiting = [m for m in range(left[i]) if (left[m] == 0 or left[m] > left[i]) and best[m] > 1e-6]
            assert chosen[i] >= max((best[m] for m in waiting), default=-np.inf) - 1e-6 * (1 + chosen[i])
    else:
        assert order == sorted(order, key=lambda i: (depth[i], i))


@pytest.mark.hypothesis
@settings(deadline=None)
@given(problems(), options())
def test_every_node_takes_the_best_cut(problem, o):
    o = {**OPTIONS, **o}
    trees, leaf_of = problem.grow(grower_of(problem, **o))
    check(problem, trees[0], leaf_of[0], o)


@pytest.mark.hypothesis
@settings(deadline=None)
@given(problems(), options(), st.data())
def test_every_node_takes_the_best_cut_that_its_branch_allows(problem, o, data):
    o = {**OPTIONS, **o, "interactions": data.draw(constraints(problem.X.shape[1]))}
    trees, leaf_of = problem.grow(grower_of(problem, **o))
    check(problem, trees[0], leaf_of[0], o)


@pytest.mark.hypothesis
@settings(deadline=None)
@given(problems(), st.sampled_from([1, 3, 10]), st.sampled_from([0, 4]), st.sampled_from([0.0, 2.0]))
def test_first_order_trees_count_rows(problem, least, max_leaves, min_gain):
    o = {**OPTIONS, "first_order": 1, "min_samples_leaf": least, "max_leaves": max_leaves, "lossguide": max_leaves > 0,
         "reg_lambda": 0.0, "min_child_weight": 0.0, "min_split_gain": min_gain, "max_cat_to_onehot": 1}  # fmt: skip
    problem.hess = None
    trees, leaf_of = problem.grow(grower_of(problem, **o))
    check(problem, trees[0], leaf_of[0], o)


@pytest.mark.hypothesis
@settings(deadline=None)
@given(problems(n_outputs=2, sizes=(300, 20000)), options(), st.sampled_from([0.0, 0.05]))
def test_threads_make_no_difference(problem, o, share):
    o["colsample_bynode"], o["colsample_bytree"] = 0.7, 0.9
    one, leaf_of = problem.grow(grower_of(problem, 1, share, **o))
    more, leaf_of_more = problem.grow(grower_of(problem, 3, share, **o))
    np.testing.assert_array_equal(leaf_of, leaf_of_more)
    for a, b in zip(one, more, strict=True):
        for x, y in zip(a, b, strict=True):
            assert (x is None and y is None) or x.tobytes() == y.tobytes()


def test_a_weight_is_repetition_to_the_bit():
    rng = np.random.default_rng(4)
    problem = problem_of(["many", "few missing", "category", "few"], 500, rng, hessians="uniform")
    times = rng.integers(1, 5, 500)
    repeated = problem_of(["many", "few missing", "category", "few"], 500, np.random.default_rng(4), hessians="uniform")
    repeated.X = np.repeat(problem.X, times, axis=0)
    repeated.grad, repeated.hess = np.repeat(problem.grad, times, axis=1), np.repeat(problem.hess, times, axis=1)
    problem.weight = times.astype(float)
    for more in ({}, {"reg_alpha": 0.1}):
        (weighted,), _ = problem.grow(grower_of(problem, **more))
        (rows,), _ = repeated.grow(grower_of(repeated, **more))
        assert all(a.tobytes() == b.tobytes() for a, b in zip(weighted, rows, strict=True))


@pytest.mark.parametrize("kinds", [["category", "many"], ["255 categories", "few missing"]])
def test_sorted_levels_pay_for_noise(kinds):
    problem = problem_of(kinds, 400, np.random.default_rng(3), hessians="uniform")
    o = {**OPTIONS, "cat_penalty": 1.0, "max_cat_to_onehot": 1}
    trees, leaf_of = problem.grow(grower_of(problem, **o))
    check(problem, trees[0], leaf_of[0], o)


def test_a_tree_is_the_same_after_others():
    rng = np.random.default_rng(0)
    problem = problem_of(["many", "few missing"], 2000, rng)
    grower = grower_of(problem)
    first, _ = problem.grow(grower)
    problem.sampled = (rng.random(2000) < 0.5).astype(np.uint8)
    problem.grow(grower)
    problem.sampled = None
    again, _ = problem.grow(grower)
    assert all(a.tobytes() == b.tobytes() for a, b in zip(first[0][:3], again[0][:3], strict=True))


def test_wide_shares_try_few_thresholds():
    problem = problem_of(["many"], 3000, np.random.default_rng(1), hessians="uniform")
    h = problem.gradients()[1]
    order = np.argsort(problem.X[:, 0])
    below = np.cumsum(h[order])
    trees, _ = problem.grow(grower_of(problem, share=0.25, max_depth=1))
    place = np.searchsorted(problem.X[order, 0], trees[0][0]["value"][0])
    quarters = [np.searchsorted(below, below[-1] * k / 4) for k in (1, 2, 3)]
    assert min(abs(place - q) for q in quarters) <= 4


def test_what_cannot_be_split_is_refused():
    with pytest.raises(ValueError, match=r"entries of shape \(0, 0\)"):
        PresortedGrower(np.empty((0, 0), np.uint64), np.empty(0), np.zeros(1, np.int64), OPTIONS)
    with pytest.raises(TypeError, match="unknown options: max_size"):
        grower_of(problem_of(["many"], 5, np.random.default_rng(0)), max_size=3)
