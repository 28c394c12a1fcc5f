"""The engine histogram_grower against its twin, and against the optimality that defines a tree."""

import hashlib
import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastml._engines import histogram_grower
from tests.engines.growing import (
    COLUMNS,
    OPTIONS,
    Problem,
    check_leaves,
    check_splits,
    options,
    problem_of,
    problems,
    rows_of,
)  # fmt: skip
from tests.reference.histogram_grower import grow_tree, splits
from tests.reference.interactions import allowed_in_nodes, constraints


def as_bytes(trees, leaf_of):
    return b"".join(b"" if a is None else a.tobytes() for tree in trees for a in tree) + leaf_of.tobytes()


def grown(problem, n_threads=1, **o):
    return problem.grow(problem.grower(n_threads, **o))


@given(problems(gradients=("normal", "integer", "huge", "outlier")), options(), st.sampled_from([1, 2, 5]))
@settings(max_examples=80)
def test_every_split_is_the_best_and_no_leaf_leaves_one(problem, o, n_threads):
    o = {**OPTIONS, **o}
    if len(problem.n_bins) > 8 or problem.n > 2000:
        o["max_leaves"] = o["max_leaves"] or 8
    (tree,), leaf_of = grown(problem, n_threads, **o)
    check_leaves(problem, tree, leaf_of[0], o)
    check_splits(problem, tree, o)


@given(problems(), options(), st.sampled_from([1, 2, 5]), st.data())
@settings(max_examples=60)
def test_every_split_is_the_best_that_its_branch_allows(problem, o, n_threads, data):
    o = {**OPTIONS, **o, "interactions": data.draw(constraints(problem.X.shape[1]))}
    if len(problem.n_bins) > 8 or problem.n > 2000:
        o["max_leaves"] = o["max_leaves"] or 8
    (tree,), leaf_of = grown(problem, n_threads, **o)
    check_leaves(problem, tree, leaf_of[0], o)
    check_splits(problem, tree, o)


@given(problems(max_columns=6), st.sampled_from([0.3, 0.7]), st.data())
@settings(max_examples=30)
def test_columns_are_drawn_from_those_that_a_branch_allows(problem, share, data):
    o = {"interactions": data.draw(constraints(problem.X.shape[1])), "colsample_bynode": share, "max_leaves": 20}
    (tree,), _ = grown(problem, **o)
    for node, allowed in zip(tree[0], allowed_in_nodes(tree[0], o["interactions"], problem.X.shape[1]), strict=True):
        assert node["left"] == 0 or int(node["feature"]) & 0x3FFFFFFF in allowed


@given(
    problems(
        gradients=("normal", "zero", "constant", "outlier", "huge", "small"), hessians=("none", "zero", "wide"),
        n_outputs=2,
    ),
    options(), st.sampled_from([1, 2, 5]),
)  # fmt: skip
def test_leaves_are_newton_steps_whatever_the_gradients(problem, o, n_threads):
    o = {**OPTIONS, **o}
    grower = problem.grower(n_threads, **o)
    for _ in range(2):
        trees, leaf_of = problem.grow(grower)
        for k, tree in enumerate(trees):
            assert np.isfinite(tree[0]["value"][tree[0]["left"] == 0]).all()
            check_leaves(problem, tree, leaf_of[k], o, k)


@pytest.mark.parametrize("lossguide", [0, 1])
@pytest.mark.parametrize("seed", range(12))
def test_it_grows_the_twin_s_tree_where_sums_are_exact(seed, lossguide):
    rng = np.random.default_rng(seed)
    kinds = ["many", "half missing", "few missing", "category", "255 categories", "infinite"]
    problem = problem_of(kinds, [60, 400, 1500][seed % 3], rng, "integer")
    problem.grad = (problem.grad * 8 + rng.integers(-3, 4, problem.grad.shape)).astype(np.float32)
    o = {
        **OPTIONS, "lossguide": lossguide, "max_leaves": [0, 9][seed % 2], "max_depth": [4, 0, 6][seed % 3],
        "reg_alpha": [0.0, 3.0][seed // 6], "min_child_weight": 1.0 + seed, "max_cat_to_onehot": [1, 12][seed % 2],
    }  # fmt: skip
    if o["max_leaves"] == o["max_depth"] == 0:
        o["max_leaves"] = 40
    penalty = [0.0, 0.5][seed % 2]
    (tree,), leaf_of = grown(problem, **o, cat_penalty=penalty)
    o["noise"] = penalty * 2 / np.pi * (problem.grad.astype(float) ** 2).mean()
    twin, margin = grow_tree(problem, *problem.gradients(), o)
    assert margin > 1e-6, "a tie decides: not a fair question"
    assert len(twin) == len(tree[0]) > 3
    assert [node[0] for node in twin] == list(tree[0]["left"])
    rows, _ = rows_of(problem, tree)
    for i, (left, value, j, _, own) in enumerate(twin):
        np.testing.assert_array_equal(rows[i], own)
        if left:
            assert tree[0]["feature"][i] & 0x3FFFFFFF == j
        else:
            np.testing.assert_allclose(tree[0]["value"][i], value, rtol=1e-12)
            assert (leaf_of[0][own] == i).all()


def test_no_subset_of_the_levels_gains_more_than_the_prefix():
    rng = np.random.default_rng(0)
    for _ in range(20):
        problem = Problem(1.0 + rng.integers(0, 7, (80, 1)), [1], rng.normal(size=(1, 80)).astype(np.float32))
        o = {**OPTIONS, "max_leaves": 2, "max_cat_to_onehot": 1, "min_child_weight": 0.0, "reg_lambda": 0.0}
        (tree,), _ = grown(problem, **o)
        g, h = problem.gradients()
        G, H = (np.bincount(problem.codes[:, 0], s, 8)[1:] for s in (g, h))
        subsets = np.array([[m >> c & 1 for c in range(7)] for m in range(1, 127)])
        with np.errstate(invalid="ignore"):
            gain = (subsets @ G) ** 2 / (subsets @ H) + ((1 - subsets) @ G) ** 2 / ((1 - subsets) @ H)
        np.testing.assert_allclose(tree[1][0], np.nanmax(gain) - G.sum() ** 2 / H.sum(), rtol=1e-5)


@given(problems(n_outputs=5, max_columns=4), options())
@settings(max_examples=30)
def test_the_same_bytes_for_any_number_of_threads(problem, o):
    first = as_bytes(*grown(problem, 1, **o))
    for n_threads in (2, 5):  # 5 threads grow 5 trees side by side, 2 share each of them
        assert as_bytes(*grown(problem, n_threads, **o)) == first


def fingerprint(n_threads):
    """A hash over trees on every kind of column; run in processes of their own with other kernels."""
    rng = np.random.default_rng(7)
    parts = []
    for n, o in [
        (1025, {"max_leaves": 31, "lossguide": 1, "max_depth": 0}), (3000, {"reg_alpha": 0.1, "colsample_bynode": 0.7}),
        (5000, {"max_leaves": 31, "min_child_weight": 5.0}), (999, {"max_depth": 0, "min_child_weight": 0.0}),
    ]:  # fmt: skip
        for kinds, outputs in ((COLUMNS, 1), (COLUMNS * 2, 3), (COLUMNS * 7, 1)):
            problem = problem_of(kinds, n, rng, "normal", "uniform", "real", outputs, subsample=0.8)
            grower = problem.grower(n_threads, room=4 * (n == 5000 and outputs == 1), **o)
            parts += [as_bytes(*problem.grow(grower)) for _ in range(2)]
    return hashlib.sha256(b"".join(parts)).hexdigest()


def test_the_same_bytes_for_any_instruction_set():
    code = "from tests.engines.test_histogram_grower import fingerprint; print(fingerprint(2))"
    answers = {fingerprint(1)}
    for isa in ("base", "avx2", "avx512"):
        env = {**os.environ, "FASTML_ISA": isa, "PYTHONPATH": os.pathsep.join(p or "." for p in sys.path)}
        run = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
        answers.add(run.stdout.strip())
    assert len(answers) == 1


def test_outputs_together_are_the_outputs_one_at_a_time():
    problem = problem_of(["many", "few missing", "category"], 1500, np.random.default_rng(3), n_outputs=6)
    together, leaf_of = grown(problem, 2)
    for k in range(6):
        alone = Problem(problem.X, problem.is_categorical, problem.grad[k : k + 1])
        assert as_bytes(*grown(alone)) == as_bytes(together[k : k + 1], leaf_of[k])


@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("limits", [{"max_depth": 0, "min_child_weight": 0.0}, {"max_leaves": 60, "lossguide": 1}])
def test_counting_anew_where_histograms_may_not_be_kept_gives_the_same_tree(monkeypatch, limits, n_threads):
    problem = problem_of(["many", "half missing", "255 categories"] * 8, 2500, np.random.default_rng(5))
    kept = as_bytes(*grown(problem, n_threads, **limits))
    monkeypatch.setattr(histogram_grower, "MAX_HISTOGRAM_BYTES", 0)
    assert as_bytes(*grown(problem, n_threads, **limits)) == kept


@pytest.mark.parametrize("n_threads", [1, 2, 5])
@pytest.mark.parametrize(("subsample", "n_outputs"), [(1.0, 1), (0.7, 1), (1.0, 5)])
def test_counting_by_bundles_gives_the_same_tree(subsample, n_outputs, n_threads):
    rng = np.random.default_rng(8)
    kinds = ["few", "duplicate", "few", "few", "constant", "few missing", "category"]
    problem = problem_of(kinds, 20_000, rng, "normal", "uniform", "real", n_outputs, subsample)
    bundles = problem.bundles()
    assert len(bundles.start) - 1 <= 4
    o = {"max_leaves": 31, "lossguide": 1, "max_depth": 0}
    grower = problem.grower(n_threads, bundles, **o)
    assert as_bytes(*problem.grow(grower)) == as_bytes(*grown(problem, 1, **o))
    assert as_bytes(*problem.grow(grower)) == as_bytes(*problem.grow(problem.grower(1, bundles, **o)))


@pytest.mark.parametrize("n_threads", [1, 2, 5])
@pytest.mark.parametrize("bundled", [False, True])
@pytest.mark.parametrize("hessians", ["none", "uniform"])
def test_gradients_in_the_rows_give_the_same_tree_where_16_bits_hold_them(hessians, bundled, n_threads):
    kinds = ["few", "duplicate", "few", "few", "constant", "few missing", "category"]
    problem = problem_of(kinds, 20_000, np.random.default_rng(9), "normal", hessians)
    problem.grad = np.round(64 * problem.grad.clip(-8, 8)) / 64
    problem.hess = None if problem.hess is None else np.ceil(1024 * problem.hess) / 1024
    bundles = problem.bundles(room=4) if bundled else None
    o = {"max_leaves": 31, "lossguide": 1, "max_depth": 0}
    grower = problem.grower(n_threads, bundles, room=4, **o)
    apart = as_bytes(*grown(problem, 1, **o))
    assert as_bytes(*problem.grow(grower)) == apart
    problem.grad[0, 77] = 1e6  # 16 bits would leave nothing of the others
    apart = as_bytes(*grown(problem, 1, **o))
    again = problem.grower(n_threads, bundles, room=4, **o)
    assert as_bytes(*problem.grow(again)) == apart


def test_gradients_in_the_rows_cost_their_last_bits():
    problem = problem_of(["many", "few missing", "category"], 5000, np.random.default_rng(9), "normal", "uniform")
    o = {"max_leaves": 31, "lossguide": 1, "max_depth": 0}
    (rounded,), leaf_of = grown(problem, room=4, **o)
    (fine,), _ = grown(problem, **o)
    assert rounded[2].tobytes() != fine[2].tobytes(), "covers of 16 bits should differ in their last bits"
    np.testing.assert_allclose(rounded[2][0], fine[2][0], rtol=1e-5)
    rows, _ = rows_of(problem, rounded)
    rounded[2][:] = [problem.hess[0][rows[i]].sum() for i in range(len(rows))]
    check_leaves(problem, rounded, leaf_of[0], {**OPTIONS, **o})


def test_rows_without_room_are_refused():
    problem = problem_of(["many"] * 5, 100, np.random.default_rng(0))
    with pytest.raises(ValueError, match="no room for a gradient"):
        problem.grower(room=1)


def test_it_wants_one_layout_of_rows():
    problem = problem_of(["few", "few"], 10, np.random.default_rng(0))
    problem.by_row = None
    with pytest.raises(ValueError, match="one of codes_by_row and bundles"):
        problem.grower()


def test_bundles_that_join_nothing_are_refused():
    problem = problem_of(["few", "few"], 10, np.random.default_rng(0))
    alone = SimpleNamespace(
        cells_by_row=np.zeros((11, 4), np.uint16), start=np.array([0, 5, 10], np.int32),
        bundle_of=np.array([0, 1], np.int32), codes=np.zeros((2, 10), np.uint8),
    )  # fmt: skip
    with pytest.raises(ValueError, match="fewer bundles than columns"):
        problem.grower(bundles=alone)


def test_unlimited_growth_tells_all_rows_apart():
    rng = np.random.default_rng(2)
    problem = Problem(rng.permutation(200)[:, None] * 1.0, [0], rng.normal(size=(1, 200)).astype(np.float32))
    (tree,), leaf_of = grown(problem, max_depth=0, min_child_weight=0.0, reg_lambda=0.0, learning_rate=1.0)
    assert len(np.unique(leaf_of)) == 200
    np.testing.assert_allclose(tree[0]["value"][leaf_of[0]], -problem.grad[0], rtol=1e-6)


def test_rows_left_out_are_as_rows_of_weight_zero():
    problem = problem_of(["many", "few missing", "category"], 2500, np.random.default_rng(4), "integer", subsample=0.6)
    left_out = as_bytes(*grown(problem, 2))
    problem.weight, problem.sampled = problem.sampled.astype(float), None
    assert as_bytes(*grown(problem)) == left_out


def test_a_node_lighter_than_min_node_weight_is_not_split():
    problem = problem_of(["many", "few"], 400, np.random.default_rng(6))
    (tree,), _ = grown(problem, min_node_weight=50.0, max_depth=0)
    split = tree[0]["left"] > 0
    assert (tree[2][split] >= 50).all()
    assert len(tree[0]) > 5


def test_first_order_trees_split_by_count_and_step_by_the_hessian():
    problem = problem_of(["many", "few missing"], 700, np.random.default_rng(8), hessians="uniform")
    o = {**OPTIONS, "min_child_weight": 20.0, "reg_lambda": 0.0}
    (tree,), leaf_of = grown(problem, first_order=1, **o)
    plain = Problem(problem.X, problem.is_categorical, problem.grad)
    (same,), _ = grown(plain, **o)
    assert (same[0]["left"] == tree[0]["left"]).all()
    check_splits(plain, tree, o)
    g, h = problem.gradients()
    for i in np.unique(leaf_of):
        own = leaf_of[0] == i
        np.testing.assert_allclose(tree[0]["value"][i], -0.3 * g[own].sum() / h[own].sum(), rtol=1e-6)


def test_first_order_trees_do_not_depend_on_the_unit_of_the_target():
    problem = problem_of(["many", "few missing", "category"], 500, np.random.default_rng(10))
    trees = []
    for unit in (1.0, 2.0**-40, 2.0**40):
        scaled = Problem(problem.X, problem.is_categorical, problem.grad * np.float32(unit))
        (tree,), _ = grown(scaled, first_order=1)
        trees.append((*tree[0]["left"], *tree[0]["feature"]))
    assert len(set(trees)) == 1
    assert len(tree[0]) > 20


def used(tree):
    inner = tree[0]["left"] > 0
    return tree[0]["feature"][inner] & 0x3FFFFFFF


def bits(n_columns=8, n=600, n_outputs=1):
    """Columns of 0 and 1 under noise: every column gains something somewhere."""
    rng = np.random.default_rng(11)
    X = rng.integers(0, 2, (n, n_columns)) * 1.0
    return Problem(X, np.zeros(n_columns), rng.normal(size=(n_outputs, n)).astype(np.float32))


@pytest.mark.parametrize("fraction, count", [(0.01, 1), (0.25, 2), (0.5, 4), (0.6, 4), (0.99, 7), (1.0, 8)])
def test_columns_drawn_for_a_tree(fraction, count):
    problem, o = bits(), {"colsample_bytree": fraction, "max_depth": 0, "min_child_weight": 0.0}
    grower = problem.grower(**o)
    sets = [frozenset(used(problem.grow(grower)[0][0])) for _ in range(30)]
    assert {len(s) for s in sets} == {count}
    again = problem.grower(**o)
    assert sets == [frozenset(used(problem.grow(again)[0][0])) for _ in range(30)]
    other = problem.grower(**o, seed=1)
    if count < 8:
        assert set.union(*map(set, sets)) == set(range(8))
        assert sets != [frozenset(used(problem.grow(other)[0][0])) for _ in range(30)]


def test_columns_drawn_for_levels_and_nodes():
    problem = bits()
    (tree,), _ = grown(problem, colsample_bylevel=0.125, max_depth=6)
    _, depth = rows_of(problem, tree)
    inner = np.flatnonzero(tree[0]["left"])
    for level in range(max(depth.values())):
        assert len({tree[0]["feature"][i] & 0x3FFFFFFF for i in inner if depth[i] == level}) == 1
    assert len(set(used(tree))) > 1
    (tree,), _ = grown(problem, colsample_bynode=0.125, max_depth=3)
    assert len(set(used(tree)[3:])) > 1
    o = {"colsample_bytree": 0.5, "colsample_bylevel": 0.5, "colsample_bynode": 0.5, "max_depth": 0}
    grower = problem.grower(**o)
    for _ in range(10):
        (tree,), _ = problem.grow(grower)
        assert len(set(used(tree))) <= 4
        _, depth = rows_of(problem, tree)
        for level in range(max(depth.values())):
            at = [i for i in np.flatnonzero(tree[0]["left"]) if depth[i] == level]
            assert len({tree[0]["feature"][i] & 0x3FFFFFFF for i in at}) <= 2


def test_the_first_column_drawn_is_any_of_them_equally_often():
    problem = bits(n_outputs=2)
    grower = problem.grower(colsample_bynode=0.125, max_depth=1)
    roots = np.bincount([used(tree)[0] for _ in range(200) for tree in problem.grow(grower)[0]], minlength=8)
    assert ((roots - 50.0) ** 2 / 50).sum() < 24.3  # chi squared of 7 degrees, 99.9%


@pytest.mark.parametrize("d", [1, 7, 8, 9, 12, 16, 17, 32, 33, 48, 64, 65, 70, 130])
def test_widths_around_the_tiles(d):
    problem = problem_of(["many"] * d, 1100, np.random.default_rng(d))
    (tree,), leaf_of = grown(problem, 2, max_leaves=4)
    check_leaves(problem, tree, leaf_of[0], {**OPTIONS, "max_leaves": 4})
    check_splits(problem, tree, {**OPTIONS, "max_leaves": 4})


def test_tiny_hessians_under_a_penalty_find_the_best_cut():
    rng = np.random.default_rng(9)
    problem = Problem(rng.normal(size=(300, 3)), [0, 0, 0], rng.normal(size=(1, 300)).astype(np.float32))
    problem.hess = np.full((1, 300), 1e-14, np.float32)
    o = {**OPTIONS, "min_child_weight": 0.0}
    (tree,), leaf_of = grown(problem, **o)
    check_leaves(problem, tree, leaf_of[0], o)
    check_splits(problem, tree, o)


def test_a_category_without_hessian_keeps_its_gradient():
    X = np.repeat([1.0, 2.0, 3.0], 50)[:, None]
    problem = Problem(X, [1], np.repeat([1.0, -1.0, -4.0], 50).astype(np.float32)[None])
    problem.hess = np.repeat([1.0, 1.0, 0.0], 50).astype(np.float32)[None]
    (tree,), leaf_of = grown(problem, max_leaves=2, max_cat_to_onehot=1)
    g, h = problem.gradients()
    _, _, _, gain = splits(problem.codes[:, 0], g, h, 3, True, {**OPTIONS, "max_cat_to_onehot": 1})
    np.testing.assert_allclose(tree[1][0], gain.max(), rtol=1e-5)
    check_leaves(problem, tree, leaf_of[0], {**OPTIONS, "max_leaves": 2})


def test_a_wrong_option_or_too_many_rows_is_an_error():
    problem = bits()
    with pytest.raises(TypeError, match="colour"):
        problem.grower(colour=1)
    with pytest.raises(KeyError, match="reg_lambda"):
        histogram_grower.HistogramGrower(
            problem.by_row, problem.by_column, problem.n, problem.n_bins, problem.is_categorical, np.empty(0),
            np.zeros(9, np.int64), {k: v for k, v in OPTIONS.items() if k != "reg_lambda"},
        )  # fmt: skip
    problem.X = np.broadcast_to(problem.X[:1], (2**30 + 1, 8))
    with pytest.raises(ValueError, match="n_samples"):
        problem.grower()
