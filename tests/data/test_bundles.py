"""Bundles: when there are any, and that a feature's codes follow from them."""

import numpy as np
import pytest

from fastml.data.binning import BinMapper
from fastml.data.bundles import MAX_FEATURES, MIN_SAMPLES, Bundles
from fastml.data.frames import Table


def binned(X):
    return BinMapper.fit_transform(Table.from_any(X))[1]


def test_codes_follow_from_cells():
    rng = np.random.default_rng(0)
    X = rng.integers(0, 12, (MIN_SAMPLES, 9)).astype(np.float32)
    X[:, 3] = X[:, 2] // 3
    X[rng.random(X.shape) < 0.02] = np.nan
    X[:, 8] = rng.normal(size=len(X))
    matrix = binned(X)
    bundles = Bundles.of(matrix)
    n_bundles = len(bundles.start) - 1
    assert n_bundles < 7
    assert np.diff(bundles.start).max() <= 1024
    assert not bundles.cells_by_row[matrix.n_samples :].any()
    for j, b in enumerate(bundles.bundle_of):
        cells = bundles.cells_by_row[: matrix.n_samples, b]
        assert ((bundles.start[b] <= cells) & (cells < bundles.start[b + 1])).all()
        np.testing.assert_array_equal(bundles.codes[j, cells], matrix.codes_by_column[j, : matrix.n_samples])


@pytest.mark.parametrize(
    "X",
    [
        np.zeros((MIN_SAMPLES - 1, 4)),
        np.zeros((MIN_SAMPLES, MAX_FEATURES + 1)),
        np.random.default_rng(1).normal(size=(MIN_SAMPLES, 4)),
    ],
    ids=["few rows", "many features", "nothing goes together"],
)
def test_none_where_they_do_not_pay(X):
    assert Bundles.of(binned(X)) is None
