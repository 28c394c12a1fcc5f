"""Table and Schema: one door for every container, and later data read as the fit's were."""

import copy
import json
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fastml.data.frames import Schema, Table

NUMBER_TYPES = ["f2", "f4", "f8", ">f4", ">f8", "g", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", ">i4", "?"]


@st.composite
def arrays(draw, dtypes=tuple(NUMBER_TYPES)):
    """2-D arrays of every type and layout: Fortran, strided, reversed, read-only, unaligned."""
    dtype = np.dtype(draw(st.sampled_from(dtypes)))
    shape = draw(st.tuples(st.integers(1, 6), st.integers(1, 5)))
    width = {"elements": st.floats(width=16)} if dtype.kind == "f" else {}
    X = draw(hnp.arrays(dtype, shape, **width))
    layout = draw(st.sampled_from(["C", "F", "strided", "reversed", "readonly", "unaligned"]))
    if layout == "F":
        X = np.asfortranarray(X)
    elif layout == "strided":
        X = np.repeat(np.repeat(X, 2, axis=0), 3, axis=1)[::2, ::3]
    elif layout == "reversed":
        X = X[::-1, ::-1].copy()[::-1, ::-1]
    elif layout == "readonly":
        X.flags.writeable = False
    elif layout == "unaligned":
        room = np.zeros(X.nbytes + 1, dtype=np.uint8)
        held = np.frombuffer(room.data, dtype=dtype, count=X.size, offset=1).reshape(X.shape)
        held[...] = X
        X = held
    return X


@given(arrays())
def test_columns_of_any_array_are_its_values(X):
    table = Table.from_any(X)
    expected = X.astype(np.float64)
    for j in range(X.shape[1]):
        column = table.column(j)
        assert column.dtype in (np.float32, np.float64)
        assert column.ndim == 1
        np.testing.assert_array_equal(column.astype(np.float64), expected[:, j])
    matrix = table.matrix()
    assert matrix.flags.c_contiguous
    np.testing.assert_array_equal(matrix.astype(np.float64), expected)
    assert table.dense is not None
    assert table.dense.dtype.isnative
    assert table.dense.flags.aligned
    again = table.schema().apply(X)
    np.testing.assert_array_equal(again.matrix(), matrix)


@pytest.mark.parametrize("dtype", ["f4", "f8", "i1", "i2", "i4", "i8", "u1"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_numbers_are_not_copied(dtype, order):
    X = np.ones((5, 3), dtype=dtype, order=order)
    table = Table.from_any(X)
    assert table.dense is X
    if dtype in ("f4", "f8"):
        assert np.shares_memory(table.column(1), X)
        assert (table.matrix() is X) == (order == "C")


def test_booleans_of_an_array_are_a_view_of_zeros_and_ones():
    X = np.array([[True, False], [False, True]])
    table = Table.from_any(X)
    assert table.dense.dtype == np.uint8
    assert np.shares_memory(table.dense, X)
    np.testing.assert_array_equal(table.column(0), [1, 0])


@given(arrays(dtypes=("f4", "f8", "i4")))
def test_sparse_columns_are_the_dense_ones(X):
    sparse = pytest.importorskip("scipy.sparse")
    X = np.nan_to_num(X, posinf=7, neginf=-7)
    reference = Table.from_any(X)
    for kind in (sparse.csr_matrix, sparse.csc_array, sparse.coo_array, sparse.lil_matrix, sparse.dok_array):
        table = Table.from_any(kind(X))
        assert table.dense is None
        for j in range(X.shape[1]):
            np.testing.assert_array_equal(table.column(j), reference.column(j))
        np.testing.assert_array_equal(table.matrix(), X)


def test_sparse_input_is_put_in_order_on_a_copy():
    sparse = pytest.importorskip("scipy.sparse")
    X = sparse.csc_array(
        (np.array([1.0, 2, 3]), np.array([2, 0, 0], dtype=np.int64), np.array([0, 3, 3], dtype=np.int64)), shape=(3, 2)
    )
    table = Table.from_any(X)
    np.testing.assert_array_equal(table.column(0), [5, 0, 1])
    np.testing.assert_array_equal(X.data, [1, 2, 3])
    np.testing.assert_array_equal(table.take(np.array([2, 0])).matrix(), [[1, 0], [5, 0]])
    with pytest.raises(TypeError, match=r"[Ss]parse"):
        Table.from_any(X, allow_sparse=False)


def test_lists_objects_masks_and_anything_with_an_array():
    class Other(np.ndarray):
        pass

    class Wrapped:
        def __array__(self, dtype=None, copy=None):
            return np.array([[1.0, 2.0]])

    np.testing.assert_array_equal(Table.from_any([[1, 2], [3, None]]).matrix(), [[1, 2], [3, np.nan]])
    np.testing.assert_array_equal(Table.from_any(Wrapped()).matrix(), [[1, 2]])
    np.testing.assert_array_equal(Table.from_any(np.array([[1, 2]]).view(Other)).matrix(), [[1, 2]])
    masked = np.ma.array([[1, 2]], mask=[[False, True]])
    np.testing.assert_array_equal(Table.from_any(masked).matrix(), [[1, np.nan]])
    objects = np.array([[1, 2.5], [True, None]], dtype=object)
    assert Table.from_any(objects).dense.dtype == np.float64
    mixed = Table.from_any([["b", 1], ["a", 2]], "auto")
    np.testing.assert_array_equal(mixed.is_categorical, [True, False])
    np.testing.assert_array_equal(mixed.matrix(), [[1, 1], [0, 2]])
    np.testing.assert_array_equal(Table.from_any([["1", "2.5"]]).matrix(), [[1, 2.5]])  # as scikit-learn reads it


def test_times_are_seconds():
    X = np.array([["1970-01-02", "NaT"]], dtype="M8[D]")
    np.testing.assert_array_equal(Table.from_any(X).matrix(), [[86400, np.nan]])
    np.testing.assert_array_equal(Table.from_any(np.array([[1500]], dtype="m8[ms]")).matrix(), [[1.5]])


@pytest.mark.parametrize(
    "X, error, words",
    [
        (np.arange(3.0), ValueError, "Reshape your data"),
        (3.0, ValueError, "scalar array"),
        (None, ValueError, "scalar array"),
        (np.zeros((2, 2, 2)), ValueError, "dim 3"),
        (np.zeros((0, 3)), ValueError, r"0 sample\(s\) \(shape=\(0, 3\)\) while a minimum of 1 is required by Model"),
        (np.zeros((3, 0)), ValueError, r"0 feature\(s\) \(shape=\(3, 0\)\) while a minimum of 1 is required"),
        (np.array([[1j]]), ValueError, "Complex data not supported"),
        (np.array([[1j, "a"]], dtype=object), ValueError, "Complex data not supported"),
        ([[1, 2], [3]], ValueError, "differ in length"),
        (np.array([[{"a": 1}, 2]], dtype=object), TypeError, "argument must be a string or a real number"),
        (np.array([["a", "1"]]), ValueError, r"could not convert string to float: .*'a'.* in column 0"),
    ],
)
def test_what_cannot_be_read_says_why(X, error, words):
    with pytest.raises(error, match=words):
        Table.from_any(X, estimator="Model")


def test_too_few_samples():
    with pytest.raises(ValueError, match=r"1 sample\(s\) .* minimum of 2"):
        Table.from_any([[1.0]], ensure_min_samples=2)


@pytest.mark.parametrize("declared", [[False, True], [1], np.array([1], dtype=np.uint8)])
def test_declared_categories_of_an_array(declared):
    X = np.array([[1.0, 30], [2, 10], [3, np.nan], [4, 30]])
    table = Table.from_any(X, declared)
    np.testing.assert_array_equal(table.is_categorical, [False, True])
    np.testing.assert_array_equal(table.levels[1], [10, 30])
    np.testing.assert_array_equal(table.column(1), [1, 0, np.nan, 1])
    np.testing.assert_array_equal(table.codes(1), [1, 0, -1, 1])
    np.testing.assert_array_equal(table.matrix()[:, 1], table.column(1))
    np.testing.assert_array_equal(X[:, 1], [30, 10, np.nan, 30])  # X is the caller's
    later = table.schema("other").apply(np.array([[0.0, 20], [0, 10]]))
    np.testing.assert_array_equal(later.column(1), [2, 0])


@pytest.mark.parametrize(
    "declared, words",
    [
        ([True], "mask of 1 columns, but X has 2"),
        ([2], r"\[0, 1\]"),
        ([-1], r"\[0, 1\]"),
        (["a"], "no column names"),
        ([[0]], "must be None"),
    ],
)
def test_bad_declarations(declared, words):
    with pytest.raises(ValueError, match=words):
        Table.from_any(np.zeros((2, 2)), declared)


texts = st.one_of(st.text(max_size=3), st.none(), st.just(float("nan")))


@given(st.lists(texts, min_size=1, max_size=20), st.lists(texts, min_size=1, max_size=20))
def test_levels_decode_to_the_values_and_unseen_ones_follow_the_policy(fit, later):
    def column(values):
        array = np.empty((len(values), 1), dtype=object)
        array[:, 0] = values
        return array

    table = Table.from_any(column(fit), "auto")
    if not table.is_categorical[0]:
        assert np.isnan(table.column(0)).all()
        return
    levels = table.levels[0].tolist()
    assert levels == sorted({v for v in fit if isinstance(v, str)})
    for code, value in zip(table.column(0), fit, strict=True):
        assert np.isnan(code) if not isinstance(value, str) else levels[int(code)] == value
    for unseen, expected in (("missing", np.nan), ("other", len(levels))):
        got = table.schema(unseen).apply(column(later)).column(0)
        want = [np.nan if not isinstance(v, str) else levels.index(v) if v in levels else expected for v in later]
        np.testing.assert_array_equal(got, np.array(want, dtype=np.float32))
    new = {v for v in later if isinstance(v, str)} - set(levels)
    if new:
        with pytest.raises(ValueError, match=r"column 0 has .* level"):
            table.schema("error").apply(column(later))
    else:
        table.schema("error").apply(column(later))


def test_other_columns_or_types_at_predict():
    table = Table.from_any(np.array([["a", 1.0], ["b", 2.0]], dtype=object), "auto")
    schema = table.schema()
    with pytest.raises(ValueError, match="X has 1 features, but Model is expecting 2 features as input"):
        schema.apply([["a"]], "Model")
    with pytest.raises(ValueError, match=r"column 0 held text during fit and holds numbers now, such as 7\.0"):
        schema.apply([[7, 1.0]])
    with pytest.raises(ValueError, match="column 1 held numbers during fit and holds text now, such as 'x'"):
        schema.apply([["a", "x"]])
    numeric = Table.from_any(np.array([[1.0], [2.0]]), [0]).schema()
    with pytest.raises(ValueError, match="column 0 held numbers during fit and holds text now"):
        numeric.apply([["x"]])
    dates = Table.from_any(np.array([["2020-01-01"]], dtype="M8[D]")).schema()
    with pytest.raises(ValueError, match="held dates or times during fit and holds numbers"):
        dates.apply([[1.0]])
    np.testing.assert_array_equal(schema.apply([[None, None]]).matrix(), [[np.nan, np.nan]])


def test_an_empty_column_of_the_fit_means_nothing_later():
    table = Table.from_any(np.array([[None, 1], [None, 2]], dtype=object), "auto")
    np.testing.assert_array_equal(table.column(0), [np.nan, np.nan])
    assert np.isnan(table.schema().apply(np.array([["x", 1]], dtype=object)).column(0)[0])


def test_strings_and_numbers_in_one_column_are_an_error_that_names_it():
    with pytest.raises(TypeError, match=r"column 1: argument must be uniformly strings or a number.*'a'.*3"):
        Table.from_any(np.array([[1, "a"], [2, 3]], dtype=object), "auto")


@pytest.mark.parametrize("unseen", ["missing", "other", "error"])
def test_a_schema_survives_json_pickle_and_copy(unseen):
    X = np.array([["b", 1.0, 5], ["a", 2.0, 7], [None, 3.0, 5]], dtype=object)
    schema = Table.from_any(X, [2]).schema(unseen)
    expected = schema.apply(X).matrix()
    stored = json.loads(json.dumps(schema.to_json()))
    for twin in (Schema.from_json(stored), pickle.loads(pickle.dumps(schema)), copy.deepcopy(schema)):
        np.testing.assert_array_equal(twin.apply(X).matrix(), expected)
        assert twin.unseen == unseen
    with pytest.raises(ValueError, match="unseen='often' must be"):
        Table.from_any(X, "auto").schema("often")


def test_rows_can_be_taken():
    X = np.array([["b", 1.0], ["a", 2.0], ["b", 3.0]], dtype=object)
    table = Table.from_any(X, "auto")
    part = table.take(np.array([2, 1]))
    np.testing.assert_array_equal(part.matrix(), [[1, 3], [0, 2]])
    np.testing.assert_array_equal(table.take(np.array([True, False, True])).matrix(), [[1, 1], [1, 3]])
    dense = Table.from_any(np.arange(6.0).reshape(3, 2)).take(np.array([1]))
    np.testing.assert_array_equal(dense.matrix(), [[2, 3]])


def test_more_levels_than_float32_has_whole_numbers_keep_apart():
    from fastml.data.columns import codes_as_floats

    codes = np.array([2**24 + 1, 0, -1], dtype=np.int32)
    np.testing.assert_array_equal(codes_as_floats(codes), [2**24 + 1, 0, np.nan])


def test_codes_are_for_categories():
    with pytest.raises(ValueError, match="column 0 is not categorical"):
        Table.from_any([[1.0]]).codes(0)
