"""The engine column_sorter against its twin."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fastml._engines.column_sorter import sort_columns
from tests.reference.column_sorter import sort_column


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
