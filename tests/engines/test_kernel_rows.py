"""The engine kernel_rows: values and sums of values against the formulas, for rows of any number and either type."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from fastml._engines import kernel_rows as engine
from tests.reference import kernel_rows as twin

KINDS = {"linear": 0, "poly": 1, "rbf": 2, "sigmoid": 3}
TOLERANCE = {np.float32: 2e-5, np.float64: 1e-12}
GAMMA, COEF0, DEGREE = 0.2, 0.5, 3


def lanes_of(dtype):
    return 64 // np.dtype(dtype).itemsize


def scale_of(kind):
    return float(np.sqrt(2 * GAMMA * np.log2(np.e))) if kind == "rbf" else 1.0


def packed(X, dtype, kind="linear", mean=None, lanes=None, n_threads=1):
    lanes = lanes or lanes_of(dtype)
    n_blocks = -(-len(X) // lanes)
    rows, sq = np.full((n_blocks, X.shape[1], lanes), np.nan, dtype), np.full(n_blocks * lanes, np.nan, dtype)
    mean = np.zeros(X.shape[1]) if mean is None else mean
    engine.pack_rows(X, np.arange(len(X)), mean, scale_of(kind), rows, sq, n_threads)
    return rows, sq


def data(seed, n, d):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    X[::4] = 0.0
    return X


def values(rows, sq, panels, panels_sq, kernel, dtype, n_threads=1):
    """(vectors, rows) kernel values: sums whose only coefficient is 1."""
    n = len(panels_sq)
    coef = np.ascontiguousarray(np.eye(n).reshape(n, len(panels), 8).transpose(1, 0, 2), dtype)
    out = np.zeros((n, len(sq)))
    engine.add_kernel_many(rows, sq, panels, panels_sq, coef, *kernel, out, n_threads)
    return out


cases = given(
    st.integers(0, 2**32), st.integers(1, 150), st.integers(1, 40), st.integers(1, 9), st.sampled_from(sorted(KINDS)),
    st.sampled_from([np.float32, np.float64]), st.integers(1, 3),
)  # fmt: skip


@cases
def test_values_are_the_formulas(seed, n, m, d, kind, dtype, n_threads):
    X, Z = data(seed, n, d), data(seed + 1, m, d)
    rows, sq = packed(X, dtype, kind)
    panels, panels_sq = packed(Z, dtype, kind, lanes=8)
    out = values(rows, sq, panels, panels_sq, (KINDS[kind], DEGREE, GAMMA, COEF0), dtype, n_threads)
    wanted = twin.kernel(X, Z, kind, DEGREE, GAMMA, COEF0)
    np.testing.assert_allclose(out[:m, :n], wanted.T, rtol=50 * TOLERANCE[dtype], atol=20 * TOLERANCE[dtype])


@cases
def test_sums_are_those_of_the_values(seed, n, m, d, kind, dtype, n_threads):
    X, Z = data(seed, n, d), data(seed + 1, m, d)
    rows, sq = packed(X, dtype, kind)
    panels, panels_sq = packed(Z, dtype, kind, lanes=8)
    coef = np.zeros(len(panels_sq), dtype)
    coef[:m] = np.random.default_rng(seed).normal(size=m)
    out = np.ones(len(sq))
    engine.add_kernel(rows, sq, panels, panels_sq, coef, KINDS[kind], DEGREE, GAMMA, COEF0, out, n_threads)
    K = twin.kernel(X, Z, kind, DEGREE, GAMMA, COEF0)
    size = np.abs(K) @ np.abs(coef[:m]) + 1.0
    assert (np.abs(out[:n] - 1.0 - K @ coef[:m].astype(float)) <= 50 * TOLERANCE[dtype] * size).all()


@given(st.integers(0, 2**32), st.integers(1, 100), st.integers(1, 6), st.sampled_from([np.float32, np.float64]),
       st.sampled_from([np.float32, np.float64]), st.sampled_from("CFS"))  # fmt: skip
def test_rows_are_packed_and_taken_as_the_twin_does(seed, n, d, dtype, given_dtype, layout):
    X = data(seed, n, d).astype(given_dtype)
    passed = np.repeat(X, 2, axis=1)[:, ::2] if layout == "S" else np.asarray(X, order=layout)
    passed.flags.writeable = False
    mean = X.mean(axis=0, dtype=np.float64)
    rows, sq = packed(passed, dtype, mean=mean)
    wanted, wanted_sq = twin.packed(X.astype(np.float64), lanes_of(dtype), mean)
    np.testing.assert_array_equal(rows, wanted.astype(dtype))
    np.testing.assert_allclose(sq, wanted_sq, rtol=10 * TOLERANCE[dtype])
    index = np.random.default_rng(seed).integers(0, n, 11)
    few, few_sq = np.full((2, d, 8), np.nan, dtype), np.full(16, np.nan, dtype)
    engine.take_rows(rows, sq, index, few, few_sq)
    wanted, _ = twin.packed((X.astype(np.float64) - mean)[index], 8)
    np.testing.assert_array_equal(few, wanted.astype(dtype))
    np.testing.assert_array_equal(few_sq[:11], sq[index])
    assert not few_sq[11:].any()


def test_threads_leave_the_bits_alone():
    X = data(1, 3000, 5)
    rows, sq = packed(X, np.float32, "rbf")
    panels, panels_sq = packed(X[:400], np.float32, "rbf", lanes=8)
    coef = np.random.default_rng(0).normal(size=400).astype(np.float32)
    found = []
    for n_threads in (1, 2, 5):
        out = np.zeros(len(sq))
        engine.add_kernel(rows, sq, panels, panels_sq, coef, 2, 3, GAMMA, 0.0, out, n_threads)
        found.append(out)
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rbf_of_rows_far_apart_is_0_and_of_equal_ones_1(dtype):
    X = np.array([[0.0], [1e3], [1e18]])
    rows, sq = packed(X, dtype, "rbf")
    panels, panels_sq = packed(X, dtype, "rbf", lanes=8)
    out = values(rows, sq, panels, panels_sq, (2, 3, GAMMA, 0.0), dtype)
    np.testing.assert_allclose(out[:2, :2], np.eye(2), atol=1e-30)
    assert np.isfinite(out[:3, :3]).all()
    assert ((out[:3, :3] >= 0) & (out[:3, :3] <= 1)).all()


def test_arrays_that_do_not_fit_are_refused():
    X = data(0, 20, 3)
    rows, sq = packed(X, np.float64)
    with pytest.raises(ValueError, match="room"):
        engine.pack_rows(X, np.arange(20), np.zeros(3), 1.0, rows[:1], sq)
    with pytest.raises(ValueError, match="room"):
        engine.take_rows(rows, sq, np.arange(20), rows[:1].copy(), sq.copy())
    with pytest.raises(ValueError, match="room"):
        engine.add_kernel_many(rows, sq, rows, sq, np.zeros((3, 3, 8)), 0, 3, 1.0, 0.0, np.zeros((3, 3)))
    with pytest.raises(ValueError, match="room"):
        engine.add_kernel(rows, sq, rows, sq, np.zeros(3), 0, 3, 1.0, 0.0, np.zeros(len(sq)))


@given(
    st.integers(0, 2**32), st.integers(1, 150), st.integers(1, 40), st.integers(1, 9), st.integers(1, 5),
    st.sampled_from(sorted(KINDS)), st.sampled_from([np.float32, np.float64]), st.integers(1, 3),
)  # fmt: skip
def test_sums_of_many_problems_are_those_of_each(seed, n, m, d, n_problems, kind, dtype, n_threads):
    X, Z = data(seed, n, d), data(seed + 1, m, d)
    rows, sq = packed(X, dtype, kind)
    panels, panels_sq = packed(Z, dtype, kind, lanes=8)
    coef = np.zeros((n_problems, len(panels_sq)), dtype)
    coef[:, :m] = np.random.default_rng(seed).normal(size=(n_problems, m))
    in_panels = np.ascontiguousarray(coef.reshape(n_problems, len(panels), 8).transpose(1, 0, 2))
    out = np.ones((n_problems, len(sq)))
    engine.add_kernel_many(rows, sq, panels, panels_sq, in_panels, KINDS[kind], DEGREE, GAMMA, COEF0, out, n_threads)
    K = twin.kernel(X, Z, kind, DEGREE, GAMMA, COEF0)
    wanted = coef[:, :m].astype(float) @ K.T
    size = np.abs(coef[:, :m]) @ np.abs(K.T) + 1.0
    assert (np.abs(out[:, :n] - 1.0 - wanted) <= 50 * TOLERANCE[dtype] * size).all()


@given(
    st.integers(0, 2**32), st.integers(1, 60), st.integers(1, 30), st.integers(1, 30), st.floats(0, 1),
    st.sampled_from(sorted(KINDS)), st.sampled_from([np.float32, np.float64]), st.integers(1, 3),
)  # fmt: skip
def test_sums_over_sparse_rows_are_those_of_dense_ones(seed, n, m, d, density, kind, dtype, n_threads):
    rng = np.random.default_rng(seed)
    X, Z = (rng.normal(size=(k, d)) * (rng.random((k, d)) < density) for k in (n, m))
    index = rng.permutation(n)[: rng.integers(1, n + 1)].astype(np.int64)
    matrix, width = sparse.csr_array(X), 256 // np.dtype(dtype).itemsize
    scale = scale_of(kind)
    used = np.flatnonzero((Z != 0).any(axis=0))
    slot_of = np.zeros(d, np.int32)
    slot_of[used] = np.arange(1, len(used) + 1)
    panel, panel_sq, coef = np.zeros((len(used) + 1, width), dtype), np.zeros(width, dtype), np.zeros(width, dtype)
    panel[1:, :m] = (Z[:, used] * scale).T
    panel_sq[:m] = ((Z * scale) ** 2).sum(axis=1) / 2
    coef[:m] = rng.normal(size=m)
    out = np.ones(len(index))
    engine.add_sparse(
        matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32), (matrix.data * scale).astype(dtype),
        (((X * scale) ** 2).sum(axis=1) / 2).astype(dtype), index, slot_of, panel, panel_sq, coef, KINDS[kind], DEGREE,
        GAMMA, COEF0, out, n_threads,
    )  # fmt: skip
    K = twin.kernel(X[index], Z, kind, DEGREE, GAMMA, COEF0)
    size = np.abs(K) @ np.abs(coef[:m]) + 1.0
    assert (np.abs(out - 1.0 - K @ coef[:m].astype(float)) <= 100 * TOLERANCE[dtype] * size).all()
