"""The engine against its twin: edges and codes of ugly columns, for every type, stride and number of threads."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fastml._engines.bin_mapper import KINDS, CodeTables, encode, find_edges, rows_from_columns, sample_rows
from tests.reference.bin_mapper import codes_of, edges_of

SEED = 3
UGLY = [np.nan, np.inf, -np.inf, 0.0, -0.0, 5e-324, -5e-324, 2.0**-149, 2.0**127, 1e300, -1.7976931348623157e308, 1.0]


def columns_of_floats(dtype, max_size=400):
    width = np.dtype(dtype).itemsize * 8
    near = st.sampled_from([0.0, 1.0, -1e30]).flatmap(  # neighbours in floating point
        lambda x: st.integers(0, 3).map(lambda steps: _step(dtype(x), steps))
    )
    ugly = [x for x in UGLY if width == 64 or np.isnan(x) or 5e-324 < abs(x) < 1e300 or x in (0, np.inf, -np.inf)]
    element = st.one_of(st.floats(width=width), st.integers(-20, 20).map(float), st.sampled_from(ugly), near)
    return hnp.arrays(dtype, st.integers(1, max_size), elements=element, fill=st.nothing())


def _step(x, steps):
    for _ in range(steps):
        x = np.nextafter(x, x.dtype.type(np.inf))
    return float(x)


def no_levels(n_features):
    return np.empty(0, dtype=np.uint8), np.zeros(n_features + 1, dtype=np.int64)


def encoded(columns, edges_flat, edges_start, n_threads=1, row_stride=None):
    """Codes (n, n_columns) by the engine, checked to be the same in both layouts."""
    n, d = len(columns[0]), len(columns)
    by_column = np.full((d, n + 70), 99, dtype=np.uint8)
    by_row = np.full((n, row_stride or d), 99, dtype=np.uint8)
    missing = np.zeros(d, dtype=np.uint8)
    tables = CodeTables(edges_flat, edges_start, *no_levels(d))
    encode(columns, tables, np.arange(d), by_column, by_row, missing, n_threads)
    np.testing.assert_array_equal(by_column[:, :n].T, by_row[:, :d])
    assert not by_row[:, d:].any()
    assert (by_column[:, n:] == 99).all(), "the engine wrote past the rows"
    np.testing.assert_array_equal(missing, (by_row[:, :d] == 0).any(axis=0))
    return by_row[:, :d]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(data=st.data(), max_bins=st.sampled_from([2, 3, 5, 17, 64, 255]))
def test_edges_and_codes_are_those_of_the_twin(dtype, data, max_bins):
    x = data.draw(columns_of_floats(dtype))
    flat, start = find_edges([x], None, None, max_bins, 1)
    np.testing.assert_array_equal(flat, edges_of(x, max_bins))
    np.testing.assert_array_equal(start, [0, len(flat)])
    np.testing.assert_array_equal(encoded([x], flat, start)[:, 0], codes_of(x, flat))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(data=st.data(), n_edges=st.integers(0, 254))
def test_codes_for_edges_that_are_not_of_the_column(dtype, data, n_edges):
    """Edges a float32 does not hold, edges that coincide as float32, infinities."""
    x = data.draw(columns_of_floats(dtype))
    edges = np.random.default_rng(n_edges).normal(size=n_edges)
    drawn = data.draw(hnp.arrays(float, min(n_edges, 5), elements=st.floats(allow_nan=False, max_value=1.7e308)))
    edges[: len(drawn)] = drawn
    edges = np.unique(np.concatenate([edges, 1 + np.arange(min(3, n_edges)) * 2.0**-50]))[:254]
    np.testing.assert_array_equal(encoded([x], edges, np.array([0, len(edges)]))[:, 0], codes_of(x, edges))


@given(x=columns_of_floats(np.float64, 60), max_bins=st.integers(2, 20), data=st.data())
def test_integer_weights_repeat_rows_and_weight_zero_removes_them(x, max_bins, data):
    weight = data.draw(hnp.arrays(np.int64, len(x), elements=st.integers(0, 4)))
    weighted, _ = find_edges([x], weight.astype(float), None, max_bins, 1)
    repeated, _ = find_edges([np.repeat(x, weight)], None, None, max_bins, 1)
    np.testing.assert_array_equal(weighted, repeated)
    np.testing.assert_array_equal(weighted, edges_of(x, max_bins, weight))


@given(n_values=st.integers(1, 600), heavy=st.integers(0, 30), max_bins=st.integers(2, 255), seed=st.integers(0, 99))
@example(n_values=256, heavy=0, max_bins=255, seed=0)
def test_no_bin_is_wasted_and_heavy_values_stand_alone(n_values, heavy, max_bins, seed):
    rng = np.random.default_rng(seed)
    values = np.arange(n_values)
    counts = rng.integers(1, 4, n_values)
    counts[rng.choice(n_values, min(heavy, n_values), replace=False)] += 10 * n_values
    x = rng.permutation(np.repeat(values, counts)).astype(np.float32)
    flat, _ = find_edges([x], None, None, max_bins, 1)
    assert len(flat) == min(n_values, max_bins) - 1
    n_heavy = (counts > 10 * n_values).sum()
    if 2 * n_heavy + 1 <= max_bins:
        bins = np.searchsorted(flat, values)
        assert all((bins == bins[v]).sum() == 1 for v in values[counts > 10 * n_values])


def test_equal_mass_without_ties():
    x = np.random.default_rng(SEED).normal(size=51_000)
    flat, start = find_edges([x], None, None, 255, 1)
    assert set(np.bincount(encoded([x], flat, start)[:, 0])[1:]) == {200}


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_every_type_and_stride(kind):
    rng = np.random.default_rng(SEED)
    low, high = (-1e4, 1e4) if kind.kind == "f" else (max(np.iinfo(kind).min, -70_000), min(np.iinfo(kind).max, 70_000))
    wide = rng.integers(low, high, size=(1500, 2 * 21), endpoint=True).astype(kind)
    X = wide[:, ::2]
    for variant in (X, np.ascontiguousarray(X), np.asfortranarray(X), X[::-1], X[::3]):
        variant.flags.writeable = False
        columns = [variant[:, j] for j in range(variant.shape[1])]
        flat, start = find_edges(columns, None, None, 100, 2)
        got = encoded(columns, flat, start, 2, row_stride=32)
        for j, column in enumerate(columns):
            edges = flat[start[j] : start[j + 1]]
            np.testing.assert_array_equal(edges, edges_of(column, 100))
            np.testing.assert_array_equal(got[:, j], codes_of(column, edges))


@pytest.mark.parametrize("row_stride", [8, 12, 16, 32, 64])
def test_row_strides_and_rows_from_columns(row_stride):
    rng = np.random.default_rng(SEED)
    for n in (1, 15, 16, 17, 511, 512, 1025):
        for d in {1, row_stride - 3, row_stride}:
            columns = list(rng.integers(-3, 4, size=(d, n)).astype(np.float32))
            flat, start = find_edges(columns, None, None, 255, 1)
            codes = encoded(columns, flat, start, 2, row_stride)
            rows = np.full((n + 1, row_stride), 99, dtype=np.uint8)
            rows_from_columns(np.ascontiguousarray(codes.T), n, rows, 2)
            np.testing.assert_array_equal(rows[:n, :d], codes)
            assert not rows[:n, d:].any()
            assert (rows[n] == 99).all()


@pytest.mark.parametrize("layout", ["C", "F"])
@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8", "int32"])
def test_same_bits_for_any_number_of_threads(layout, dtype):
    rng = np.random.default_rng(SEED)
    X = np.asarray(rng.normal(100, 30, size=(20_000, 18)), dtype=dtype, order=layout)
    X[:, 3] = np.round(X[:, 3] / 10)
    weight = rng.random(len(X)) * (rng.random(len(X)) < 0.9)
    rows = sample_rows(len(X), 5000)
    columns = [X[:, j] for j in range(X.shape[1])]
    flat, start = find_edges(columns, weight, rows, 63, 1)
    codes = encoded(columns, flat, start, 1, 32)
    for n_threads in (2, 5):
        other, other_start = find_edges(columns, weight, rows, 63, n_threads)
        np.testing.assert_array_equal(other, flat)
        np.testing.assert_array_equal(other_start, start)
        np.testing.assert_array_equal(encoded(columns, flat, start, n_threads, 32), codes)


def test_quantiles_are_those_of_the_sampled_rows_and_distinct_values_those_of_all():
    rng = np.random.default_rng(SEED)
    many, few = rng.normal(size=9000), np.zeros(9000)
    few[17] = 1
    rows = sample_rows(9000, 1000)
    flat, start = find_edges([many, few], None, rows, 20, 1)
    np.testing.assert_array_equal(flat[: start[1]], edges_of(many[rows], 20))
    np.testing.assert_array_equal(flat[start[1] :], [0.5])


@given(n=st.integers(1, 5000), data=st.data())
def test_sampled_rows_are_one_a_stretch(n, data):
    size = data.draw(st.integers(1, n))
    rows = sample_rows(n, size)
    bounds = n * np.arange(size + 1) // size
    assert (rows >= bounds[:-1]).all()
    assert (rows < bounds[1:]).all()


def test_levels_have_the_codes_of_the_table():
    levels = np.array([0, 3, np.nan, 2, 1, 4, 5, -1, np.inf], dtype=np.float32)
    tables = CodeTables(np.empty(0), np.zeros(2, np.int64), np.array([9, 8, 7, 6, 5], np.uint8), np.array([0, 5]))
    codes, missing = np.empty((1, 9), dtype=np.uint8), np.zeros(1, dtype=np.uint8)
    encode([levels], tables, np.zeros(1, np.int64), codes, None, missing, 1)
    np.testing.assert_array_equal(codes[0], [9, 6, 0, 7, 8, 5, 0, 0, 0])
    assert missing[0]


@pytest.mark.parametrize(
    ("columns", "max_bins", "weight", "error", "words"),
    [
        ([np.zeros(3)], 256, None, ValueError, "max_bins=256"),
        ([np.zeros(3)], 1, None, ValueError, "max_bins=1"),
        ([np.zeros(3), np.zeros(4)], 9, None, ValueError, r"columns\[1\]"),
        ([np.zeros(3, dtype=">f8")], 9, None, TypeError, "dtype"),
        ([np.zeros((3, 1))], 9, None, ValueError, "shape"),
        ([np.zeros(3)], 9, np.ones(2), ValueError, "weight has 2"),
    ],
)
def test_wrong_arguments_are_named(columns, max_bins, weight, error, words):
    with pytest.raises(error, match=words):
        find_edges(columns, weight, None, max_bins, 1)
