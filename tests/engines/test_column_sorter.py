"""The engine column_sorter against its twin."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fastml._engines.column_sorter import add_to_hash, merge_ranks, order_of, ranks_of, sort_columns
from tests.reference.column_sorter import MISSING, merged, ranks, sort_column


def check(columns, n_threads=1):
    entries, values, start = sort_columns(columns, n_threads)
    assert len(start) == len(columns) + 1
    for j, x in enumerate(columns):
        expected, distinct = sort_column(x)
        np.testing.assert_array_equal(entries[j], expected)
        np.testing.assert_array_equal(values[start[j] : start[j + 1]], distinct)


@given(
    st.sampled_from([np.float32, np.float64]).flatmap(
        lambda dtype: hnp.arrays(dtype, st.tuples(st.integers(1, 4), st.integers(1, 80)))
    ),
    st.sampled_from([1, 3]),
)
def test_any_numbers(X, n_threads):
    check(list(X), n_threads)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_many_rows_and_columns_of_two_types(dtype):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(70, 5000)).astype(dtype)
    X[3] = np.round(X[3])
    X[4, rng.random(5000) < 0.3] = np.nan
    X[5] = np.nan
    X[6] = -0.0
    X[6, ::2] = 0.0
    check([*X, X[0].astype(np.float32), X[1, ::-1]], 2)


def test_no_rows_and_no_columns():
    assert sort_columns([np.empty(0)])[0].shape == (1, 0)
    assert sort_columns([])[0].shape == (0, 0)


@given(hnp.arrays(np.float64, st.tuples(st.integers(1, 3), st.integers(1, 60))), st.booleans(), st.sampled_from([1, 3]))
def test_ranks_of_rows_that_are_moved(X, wide, n_threads):
    place = np.random.default_rng(0).permutation(X.shape[1]).astype(np.int32)
    found = ranks_of(sort_columns(list(X))[0], 10**6 if wide else X.shape[1], place, n_threads)
    assert found.dtype == (np.uint32 if wide else np.uint16)
    for j, x in enumerate(X):
        wanted = ranks(x)
        wanted[wanted == MISSING] = np.iinfo(found.dtype).max
        np.testing.assert_array_equal(found[j, place], wanted)


@given(
    hnp.arrays(np.float64, st.tuples(st.integers(1, 3), st.integers(1, 60))), st.integers(2, 30), st.booleans(),
    st.sampled_from([1, 3]),
)  # fmt: skip
def test_bins_in_place_of_ranks(X, max_bins, keeps, n_threads):
    X = np.concatenate([X, np.resize(np.arange(40.0), (1, X.shape[1])) ** 2])
    entries, values, start = sort_columns(list(X))
    keep = (np.arange(len(X)) == 0).astype(np.uint8) if keeps else None
    smallest, largest, start = merge_ranks(entries, values, start, max_bins, keep, n_threads)
    for j, x in enumerate(X):
        wanted = merged(x, 10**6 if keeps and j == 0 else max_bins)
        for found, expected in zip(
            (entries[j], smallest[start[j] : start[j + 1]], largest[start[j] : start[j + 1]]), wanted, strict=True
        ):
            np.testing.assert_array_equal(found, expected)


def test_more_bins_than_a_byte_holds():
    x = np.concatenate([np.repeat(np.arange(500.0), 20), np.random.default_rng(0).normal(size=5000)])
    entries, values, start = sort_columns([x])
    smallest, largest, start = merge_ranks(entries, values, start, 1000)
    assert start.tolist() == [0, 1000]
    assert (smallest <= largest).all()
    assert (largest[:-1] < smallest[1:]).all()
    np.testing.assert_array_equal(entries[0], merged(x, 1000)[0])


def test_equal_rows_have_equal_hashes_wherever_they_are():
    rng = np.random.default_rng(0)
    X = rng.integers(0, 4, (3000, 5)) + 0.0
    X[X == 3] = np.nan
    X[rng.random(X.shape) < 0.2] *= -1.0  # also -0.0
    key = np.zeros(len(X), np.uint64)
    for j in range(5):
        add_to_hash(np.ascontiguousarray(X[:, j]), j, key, 2)
    distinct = np.unique(np.nan_to_num(X, nan=9.0) + 0.0, axis=0)
    assert len(np.unique(key)) == len(distinct)
    order = order_of(key.copy())
    np.testing.assert_array_equal(order, np.argsort(key, kind="stable"))
    swapped = np.zeros(len(X), np.uint64)
    for j in range(5):  # columns in another order are other rows
        add_to_hash(np.ascontiguousarray(X[:, j]), 4 - j, swapped)
    assert (swapped != key).mean() > 0.9


def test_a_hash_array_of_another_length():
    with pytest.raises(ValueError, match="must have 3 numbers"):
        add_to_hash(np.zeros(3), 0, np.zeros(2, np.uint64))
