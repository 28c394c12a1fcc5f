"""The engine column_bundler against its twin."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastml._engines.column_bundler import bundle_columns
from tests.reference.column_bundler import bundles_of


def columns_that_go_together(n, d, rng):
    """Codes (d, n): columns of few and many values, some a function of another, some nearly so, some constant."""
    codes = np.empty((d, n), np.uint8)
    for j in range(d):
        kind = rng.integers(5) if j else 0
        if kind < 2:
            codes[j] = rng.integers(0, rng.choice([2, 5, 30, 256]), n)
        elif kind == 2:
            codes[j] = codes[rng.integers(j)] // rng.integers(1, 9)
        elif kind == 3:
            codes[j] = np.where(rng.random(n) < 0.02, rng.integers(0, 256, n), codes[rng.integers(j)])
        else:
            codes[j] = rng.integers(256)
    return codes


@given(
    st.integers(0, 2**32 - 1), st.sampled_from([1, 2, 100, 4096, 4097, 9000]), st.integers(1, 9),
    st.sampled_from([256, 300, 1024]),
)  # fmt: skip
def test_bundles_are_the_twin_s(seed, n, d, max_cells):
    rng = np.random.default_rng(seed)
    codes = columns_that_go_together(n, d, rng)
    n_bins = np.maximum(codes.max(axis=1), 1).astype(np.int32)
    padded = np.pad(codes, ((0, 0), (0, 70)), constant_values=77)  # what lies behind the rows does not matter
    found = bundle_columns(padded, n, n_bins, max_cells)
    expected = bundles_of(codes, n_bins, max_cells)
    assert [columns for columns, _, _, _ in found] == [columns for columns, _, _ in expected]
    assert sorted(j for columns, _, _, _ in found for j in columns) == list(range(d))
    for (columns, cells, n_cells, of_cell), (_, numbers, distinct) in zip(found, expected, strict=True):
        assert n_cells == distinct.shape[1] <= max_cells
        np.testing.assert_array_equal(of_cell, distinct)
        np.testing.assert_array_equal(cells, numbers)
        np.testing.assert_array_equal(of_cell[:, cells], codes[columns])


@pytest.mark.parametrize(("d", "max_cells"), [(65, 1024), (2, 255), (2, 65536)])
def test_what_it_cannot_number_is_refused(d, max_cells):
    with pytest.raises(ValueError, match="at most 64 columns"):
        bundle_columns(np.zeros((d, 10), np.uint8), 10, np.ones(d, np.int32), max_cells)
