"""BinMapper and BinnedMatrix: layouts, containers, weights, categories, and what a pickle holds."""

import pickle

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from fastml.data import binning
from fastml.data.binning import BinMapper
from fastml.data.frames import Table
from tests.reference.bin_mapper import codes_of, edges_of

SEED = 5


def numbers(n=700, d=5, dtype=np.float64):
    rng = np.random.default_rng(SEED)
    X = rng.normal(size=(n, d))
    X[:, d // 3] = np.round(X[:, d // 3])
    X[rng.random((n, d)) < 0.1] = np.nan
    return X.astype(dtype)


def check_against_the_twin(X, mapper, binned, max_bins=255):
    n, d = X.shape
    for j in range(d):
        np.testing.assert_array_equal(mapper.edges[j], edges_of(X[:, j], max_bins))
        np.testing.assert_array_equal(binned.codes_by_column[j, :n], codes_of(X[:, j], mapper.edges[j]))
    np.testing.assert_array_equal(mapper.n_bins, [1 + len(edges) for edges in mapper.edges])
    np.testing.assert_array_equal(binned.has_missing, np.isnan(X).any(axis=0))
    check_layouts(binned)


def check_layouts(binned):
    n, d = binned.n_samples, binned.n_features
    stride = binned.codes_by_column.shape[1]
    assert stride % 64 == 0
    assert stride >= n + 64
    assert binned.codes_by_column.ctypes.data % 64 == 0
    assert not binned.codes_by_column[:, n:].any()
    if binned.codes_by_row is not None:
        assert binned.row_stride in (8, 12, 16, 32, 48) or binned.row_stride % 64 == 0
        assert binned.codes_by_row.shape == (n + 1, binned.row_stride)
        assert binned.codes_by_row.ctypes.data % 64 == 0
        np.testing.assert_array_equal(binned.codes_by_row[:n, :d], binned.codes_by_column[:, :n].T)
        assert not binned.codes_by_row[:, d:].any()
        assert not binned.codes_by_row[n].any()


CONTAINERS = {
    "array": lambda X: X,
    "fortran": np.asfortranarray,
    "float32": lambda X: X.astype(np.float32),
    "big-endian": lambda X: X.astype(">f8"),
    "float16": lambda X: X.astype(np.float16),
    "sliced": lambda X: np.repeat(X, 2, axis=0)[::2],
    "pandas": lambda X: pd.DataFrame(X).add_prefix("c"),
    "csc": lambda X: sp.csc_matrix(np.nan_to_num(X, nan=0.0)),
    "csr": lambda X: sp.csr_array(np.nan_to_num(X, nan=0.0)),
    "lists": lambda X: X.tolist(),
}


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("max_bins", [4, 255])
def test_every_container_gives_the_codes_of_its_values(container, max_bins):
    X = CONTAINERS[container](numbers())
    table = Table.from_any(X)
    plain = np.column_stack([table.column(j).astype(float) for j in range(table.n_features)])
    mapper, binned = BinMapper.fit_transform(table, max_bins)
    check_against_the_twin(plain, mapper, binned, max_bins)
    again = BinMapper.fit(table, max_bins).transform(table, layout="column")
    np.testing.assert_array_equal(again.codes_by_column, binned.codes_by_column)
    assert again.codes_by_row is None
    assert again.row_stride == 0


@pytest.mark.parametrize("d", [1, 8, 9, 13, 17, 33, 65])
def test_row_strides(d):
    X = numbers(70, d)
    mapper, binned = BinMapper.fit_transform(Table.from_any(X), n_threads=2)
    check_against_the_twin(X, mapper, binned)


def test_groups_of_columns_give_what_all_at_once_gives(monkeypatch):
    X = numbers(300, 7)
    mapper, binned = BinMapper.fit_transform(Table.from_any(X))
    monkeypatch.setattr(binning, "GROUP_BYTES", 8 * 300 * 3)
    grouped_mapper, grouped = BinMapper.fit_transform(Table.from_any(pd.DataFrame(X).add_prefix("c")), n_threads=2)
    np.testing.assert_array_equal(grouped_mapper.edges_flat, mapper.edges_flat)
    np.testing.assert_array_equal(grouped.codes_by_row, binned.codes_by_row)
    check_layouts(grouped)


def test_columns_without_information_cost_nothing():
    X = np.column_stack([np.full(50, 3.0), np.full(50, np.nan), np.where(np.arange(50) % 2, 7, np.nan)])
    mapper, binned = BinMapper.fit_transform(Table.from_any(X))
    np.testing.assert_array_equal(mapper.n_bins, [1, 1, 1])
    assert len(mapper.edges_flat) == 0
    np.testing.assert_array_equal(np.unique(binned.codes_by_column[:, :50], axis=1).T, [[1, 0, 0], [1, 0, 1]])


def test_infinities_have_bins_of_their_own():
    X = np.array([[-np.inf], [-1.7976931348623157e308], [0.0], [1.7976931348623157e308], [np.inf], [np.nan]])
    mapper, binned = BinMapper.fit_transform(Table.from_any(X))
    np.testing.assert_array_equal(binned.codes_by_column[0, :6], [1, 2, 3, 4, 5, 0])
    assert not np.isnan(mapper.edges_flat).any()


def test_one_row():
    _, binned = BinMapper.fit_transform(Table.from_any(np.array([[1.0, np.nan]])), n_threads=4)
    np.testing.assert_array_equal(binned.codes_by_row[0, :2], [1, 0])
    check_layouts(binned)


def test_no_rows_to_transform():
    table = Table.from_any(np.ones((3, 2)))
    mapper = BinMapper.fit(table)
    assert mapper.transform(table.take(np.arange(0))).n_samples == 0


# ---- weights and samples ----


def test_weight_zero_is_absence_even_where_rows_are_sampled(monkeypatch):
    monkeypatch.setattr(binning, "SAMPLE_ROWS", 300)
    rng = np.random.default_rng(SEED)
    X = rng.normal(size=(2000, 3))
    weight = rng.random(2000) * (rng.random(2000) < 0.7)
    weighted = BinMapper.fit(Table.from_any(X), 16, weight)
    removed = BinMapper.fit(Table.from_any(X[weight > 0]), 16, weight[weight > 0])
    np.testing.assert_array_equal(weighted.edges_flat, removed.edges_flat)


def test_equal_weights_weigh_nothing():
    table = Table.from_any(numbers())
    weighted = BinMapper.fit(table, 16, np.full(700, 0.1))
    np.testing.assert_array_equal(weighted.edges_flat, BinMapper.fit(table, 16).edges_flat)


def test_the_sample_does_not_depend_on_the_layout(monkeypatch):
    monkeypatch.setattr(binning, "SAMPLE_ROWS", 256)
    X = numbers(3000, 4)
    first = BinMapper.fit(Table.from_any(X), 32)
    second = BinMapper.fit(Table.from_any(pd.DataFrame(np.asfortranarray(X)).add_prefix("c")), 32, n_threads=3)
    np.testing.assert_array_equal(first.edges_flat, second.edges_flat)


# ---- categories ----


def test_levels_have_codes_in_their_order():
    frame = pd.DataFrame({"color": ["red", None, "blue", "green", "blue"], "size": [1.0, 2.0, np.nan, 1.0, 3.0]})
    table = Table.from_any(frame, categorical="auto")
    mapper, binned = BinMapper.fit_transform(table)
    np.testing.assert_array_equal(binned.codes_by_column[0, :5], [3, 0, 1, 2, 1])
    np.testing.assert_array_equal(binned.n_bins, [3, 3])
    np.testing.assert_array_equal(binned.is_categorical, [True, False])
    np.testing.assert_array_equal(mapper.category_codes[0], [1, 2, 3, 0])
    assert mapper.category_codes[1] is None
    other = table.schema(unseen="other").apply(pd.DataFrame({"color": ["pink", "red"], "size": [9.0, 1.0]}))
    np.testing.assert_array_equal(mapper.transform(other).codes_by_column[0, :2], [0, 3])


def test_rare_levels_share_a_bin():
    rng = np.random.default_rng(SEED)
    counts = rng.integers(1, 6, size=400)
    column = rng.permutation(np.repeat(np.arange(400), counts)).astype(float)
    table = Table.from_any(column[:, None], categorical=[0])
    mapper, binned = BinMapper.fit_transform(table)
    kept = np.sort(np.lexsort((np.arange(400), -counts))[:254])
    expected = np.full(401, 255)
    expected[kept] = np.arange(1, 255)
    np.testing.assert_array_equal(mapper.category_codes[0], expected)
    np.testing.assert_array_equal(binned.n_bins, [255])
    np.testing.assert_array_equal(binned.codes_by_column[0, : len(column)], expected[column.astype(int)])
    by_weight = BinMapper.fit(table, sample_weight=np.where(column == 0, 50.0, column < 300)).category_codes[0]
    assert by_weight[0] == 1
    assert (by_weight[300:] == 255).all()


def test_declared_categories_of_an_array_stand_beside_its_numbers():
    X = np.column_stack([[30.0, 10, 20, 10], [0.5, 0.25, 0.5, np.nan]])
    table = Table.from_any(X, categorical=[0])
    _, binned = BinMapper.fit_transform(table)
    np.testing.assert_array_equal(binned.codes_by_row[:4, :2], [[3, 2], [1, 1], [2, 2], [1, 0]])


# ---- later data, and what is kept ----


def test_encode_gives_rows_and_features_on_demand():
    X = numbers(1000, 6)
    table = Table.from_any(X)
    mapper, binned = BinMapper.fit_transform(table)
    codes = mapper.encode(table, [4, 1], start=100, stop=350)
    assert codes.shape[0] == 2
    np.testing.assert_array_equal(codes[:, :250], binned.codes_by_column[[4, 1], 100:350])
    np.testing.assert_array_equal(mapper.encode(table)[:, :1000], binned.codes_by_column[:, :1000])


def test_a_pickle_holds_small_arrays_and_maps_alike():
    X = numbers(20_000, 4)
    mapper, binned = BinMapper.fit_transform(Table.from_any(X))
    stored = pickle.dumps(mapper)
    assert len(stored) < 10_000
    again = pickle.loads(stored).transform(Table.from_any(X))
    np.testing.assert_array_equal(again.codes_by_row, binned.codes_by_row)


def test_wrong_arguments_are_named():
    table = Table.from_any(numbers())
    with pytest.raises(ValueError, match="max_bins=256 must be between 2 and 255"):
        BinMapper.fit(table, 256)
    with pytest.raises(ValueError, match=r"sample_weight has shape \(3,\)"):
        BinMapper.fit(table, sample_weight=np.ones(3))
    with pytest.raises(ValueError, match="4 features; the bins were fitted on 5"):
        BinMapper.fit(table).transform(Table.from_any(numbers(d=4)))
    with pytest.raises(ValueError, match="layout='row'"):
        BinMapper.fit(table).transform(table, layout="row")
