"""The engine smo: the optimum by its own conditions, by its twin and by a QP; over matrices and over rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastml._engines.smo import solve_matrix, solve_problems, solve_rows
from tests.reference import kernel_rows
from tests.reference import smo as twin

LANES = 8


def case(seed, n, kind, grouped, epsilon, levels=0):
    """(K, z, beta, lower, upper, group) of a problem of n rows, some of them equal, some held."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3))
    if levels:
        X = np.round(X * levels) / levels
    X[n // 2 :: 3] = X[0]  # rows that come several times
    K = kernel_rows.kernel(X, X, "rbf" if kind == "rbf" else "linear", 3, 0.5, 0.0)
    if kind == "indefinite":
        K = np.tanh(K - 1.0)
    elif kind == "constant":
        K = np.ones((n, n))
    z = rng.choice([-1.0, 1.0], n) if epsilon == 0 else rng.normal(size=n)
    lower, upper = -rng.choice([0.0, 1.0, 5.0], n), rng.choice([0.0, 1.0, 5.0], n)
    group = rng.integers(0, 2, n).astype(np.int8) if grouped else np.empty(0, np.int8)
    beta = np.where(rng.random(n) < 0.5, 0.0, lower + rng.random(n) * (upper - lower))
    return K, z, beta, lower, upper, group


def solve(K, z, beta, lower, upper, epsilon, group, tol=1e-9, max_iter=10**6, dtype=np.float64):
    n = len(z)
    m = n + -n % 16
    whole = np.zeros((m, m), dtype)
    whole[:n, :n] = K
    wide = [np.concatenate([v, np.zeros(m - n)]) for v in (z - K @ beta, beta, lower, upper)]
    g = wide[0].astype(dtype)
    sides = np.concatenate([group, np.zeros(m - n, np.int8)]).astype(np.int8) if len(group) else group
    steps, gap = solve_matrix(whole, g, wide[1], wide[2], wide[3], epsilon, sides, tol, max_iter)
    assert not wide[1][n:].any()
    return wide[1][:n], g[:n], steps, gap


@given(st.integers(0, 2**32), st.integers(1, 40), st.sampled_from(["rbf", "linear", "constant"]), st.booleans(),
       st.sampled_from([0.0, 0.1, 2.0]), st.sampled_from([0, 1]))  # fmt: skip
def test_the_optimum_is_the_twins(seed, n, kind, grouped, epsilon, levels):
    K, z, start, lower, upper, group = case(seed, n, kind, grouped, epsilon, levels)
    beta, g, _, gap = solve(K, z, start, lower, upper, epsilon, group)
    assert gap <= 1e-9
    assert (beta >= lower).all()
    assert (beta <= upper).all()
    for k in (0, 1):
        own = group == k if len(group) else np.full(n, k == 0)
        assert beta[own].sum() == pytest.approx(start[own].sum(), abs=1e-9)
    assert twin.kkt_gap(K, z, beta, lower, upper, epsilon, group) <= 1e-8
    np.testing.assert_allclose(g, z - K @ beta, atol=1e-8)
    other, _ = twin.solve(K, z, start, lower, upper, epsilon, group)
    best = twin.objective(K, z, other, epsilon)
    assert twin.objective(K, z, beta, epsilon) == pytest.approx(best, rel=1e-7, abs=1e-7)


@given(st.integers(0, 2**32), st.integers(2, 9), st.booleans(), st.sampled_from([0.0, 0.2]))
def test_the_optimum_is_that_of_a_qp(seed, n, grouped, epsilon):
    K, z, start, lower, upper, group = case(seed, n, "rbf", grouped, epsilon)
    beta, *_ = solve(K, z, start, lower, upper, epsilon, group)
    other = twin.solve_qp(K, z, start, lower, upper, epsilon, group)
    best = twin.objective(K, z, other, epsilon)
    assert twin.objective(K, z, beta, epsilon) <= best + 1e-6
    assert twin.objective(K, z, beta, epsilon) == pytest.approx(best, abs=1e-5)


@given(st.integers(0, 2**32), st.integers(2, 40), st.booleans())
def test_a_step_never_leaves_the_box_nor_makes_it_worse(seed, n, indefinite):
    K, z, beta, lower, upper, group = case(seed, n, "indefinite" if indefinite else "rbf", True, 0.3)
    value = twin.objective(K, z, beta, 0.3)
    for _ in range(30):
        beta, _, steps, _ = solve(K, z, beta, lower, upper, 0.3, group, max_iter=1)
        assert steps <= 1
        assert (beta >= lower).all()
        assert (beta <= upper).all()
        now = twin.objective(K, z, beta, 0.3)
        assert now <= value + 1e-9
        value = now


def test_float32_ends_at_the_same_place():
    K, z, start, lower, upper, group = case(3, 100, "rbf", False, 0.0)
    fine, *_ = solve(K, z, start, lower, upper, 0.0, group)
    coarse, *_ = solve(K, z, start, lower, upper, 0.0, group, tol=1e-4, dtype=np.float32)
    assert twin.kkt_gap(K, z, coarse, lower, upper) <= 2e-4
    assert twin.objective(K, z, coarse) == pytest.approx(twin.objective(K, z, fine), rel=1e-4)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_no_number_ends_it(bad):
    K, z, _, lower, upper, group = case(5, 20, "rbf", False, 0.0)
    K[3, 4] = K[4, 3] = bad
    _, _, steps, _ = solve(K, z, np.zeros(20), np.minimum(lower, -1), np.maximum(upper, 1), 0.0, group, max_iter=1000)
    assert steps <= 1000


def test_nothing_to_do():
    empty = np.empty(0)
    assert solve_matrix(np.empty((0, 0)), empty, empty, empty, empty, 0.0, np.empty(0, np.int8), 1e-3, 9) == (0, 0.0)
    K, z, start, _, _, group = case(1, 12, "rbf", False, 0.0)
    beta, _, steps, _ = solve(K, z, start, start, start, 0.0, group)  # all held
    assert steps == 0
    np.testing.assert_array_equal(beta, start)


@given(st.integers(0, 2**32), st.integers(1, 60), st.integers(1, 5), st.sampled_from(["linear", "rbf", "poly"]))
def test_rows_that_are_computed_on_the_way_give_the_matrixs_solution(seed, n, d, kind):
    rng = np.random.default_rng(seed)
    X, gamma = np.round(rng.normal(size=(n, d)) * 4) / 4, 0.25
    scale = np.sqrt(2 * gamma * np.log2(np.e)) if kind == "rbf" else 1.0
    rows, sq = kernel_rows.packed(X, LANES, scale=scale)
    m = len(sq)
    K = np.zeros((m, m))
    K[:n, :n] = kernel_rows.kernel(X, X, kind, 2, gamma, 1.0)
    y = rng.choice([-1.0, 1.0], n)
    g = np.concatenate([y, np.zeros(m - n)])
    lower, upper = np.minimum(g, 0) * 3, np.maximum(g, 0) * 3
    diagonal = K.diagonal().copy()
    numbers = ({"linear": 0, "poly": 1, "rbf": 2}[kind], 2, gamma, 1.0)
    beta, store, none = np.zeros(m), np.empty(m * m), np.empty(0, np.int8)
    _, gap, n_rows = solve_rows(
        rows, sq, diagonal, *numbers, store, g, beta, lower, upper, 0.0, none, 1e-6, 10**6
    )
    assert gap <= 1e-6
    assert n_rows <= n
    assert twin.kkt_gap(K[:n, :n], y, beta[:n], lower[:n], upper[:n]) <= 1e-5


def test_arrays_that_do_not_fit_are_refused():
    K, v, none = np.zeros((8, 8)), np.zeros(8), np.empty(0, np.int8)
    short = np.zeros(7)
    for arguments in ((np.zeros((8, 16)), v, v, v, v), (K, short, v, v, v), (K, v, short, v, v), (K, v, v, v, short)):
        with pytest.raises(ValueError, match=r"must be square|needs its"):
            solve_matrix(*arguments, 0.0, none, 1e-3, 10)
    with pytest.raises(ValueError, match="needs its"):
        solve_matrix(K, v, v, v, v, 0.0, np.zeros(3, np.int8), 1e-3, 10)


@given(st.integers(0, 2**32), st.integers(1, 6), st.integers(1, 3), st.sampled_from([0.0, 0.1]))
def test_problems_side_by_side_are_those_alone(seed, n_problems, n_threads, epsilon):
    rng = np.random.default_rng(seed)
    X, gamma = rng.normal(size=(80, 4)), 0.25
    rows, sq = kernel_rows.packed(X, 16, scale=np.sqrt(2 * gamma * np.log2(np.e)))
    sizes = rng.integers(1, 50, n_problems)
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    index = np.concatenate([rng.permutation(80)[:size] for size in sizes]).astype(np.int64)
    z = rng.choice([-1.0, 1.0], len(index))
    lower, upper = np.full(len(z), -2.0), np.full(len(z), 2.0)
    if epsilon == 0:
        lower, upper = np.minimum(z, 0) * 2, np.maximum(z, 0) * 2
    g, beta = z.copy(), np.zeros(len(z))
    steps, n_rows, gap = np.zeros(n_problems, np.int64), np.zeros(n_problems, np.int64), np.zeros(n_problems)
    solve_problems(
        rows.astype(np.float32), sq.astype(np.float32), np.ones(len(sq), np.float32), index, starts, 2, 3, gamma, 0.0,
        g, beta, lower, upper, epsilon, 1e-3, 10**6, steps, gap, n_rows, n_threads,
    )  # fmt: skip
    assert (gap <= 1e-3).all()
    for k in range(n_problems):
        own = slice(starts[k], starts[k + 1])
        K = kernel_rows.kernel(X[index[own]], X[index[own]], "rbf", 3, gamma, 0.0)
        assert twin.kkt_gap(K, z[own], beta[own], lower[own], upper[own], epsilon) <= 1.2e-3
        assert beta[own].sum() == pytest.approx(0.0, abs=1e-9)
        other, _ = twin.solve(K, z[own], np.zeros(sizes[k]), lower[own], upper[own], epsilon)
        best = twin.objective(K, z[own], other, epsilon)
        assert twin.objective(K, z[own], beta[own], epsilon) == pytest.approx(best, rel=1e-3, abs=1e-2)
