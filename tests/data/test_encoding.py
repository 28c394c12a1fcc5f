"""Labels and levels: every kind of value to codes and back, and targets of numbers."""

import datetime as dt
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.exceptions import DataConversionWarning

from fastml.data.encoding import check_target_regression, encode_labels
from fastml.data.levels import encode_numbers, encode_values, is_missing, order_levels

pytestmark = pytest.mark.filterwarnings("ignore:The number of unique classes")

labels = st.one_of(
    st.lists(st.text(max_size=3), min_size=1),
    st.lists(st.booleans(), min_size=1),
    st.lists(st.integers(-5, 5), min_size=1),
    st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1),
    st.lists(st.integers(-(2**40), 2**40).map(float), min_size=1),
)


@given(labels)
def test_labels_decode_to_themselves_whatever_carries_them(y):
    pd, pl = pytest.importorskip("pandas"), pytest.importorskip("polars")
    expected = np.unique(np.array(y))
    carriers = [
        y,
        tuple(y),
        np.array(y),
        np.array(y, dtype=object),
        pd.Series(y),
        pl.Series(y),
        pd.Series(y, dtype="category"),
    ]
    if not isinstance(y[0], str):
        carriers.append(np.array(y).astype(np.array(y).dtype.newbyteorder(">")))
    for carrier in carriers:
        codes, classes = encode_labels(carrier)
        assert codes.dtype == np.int32
        assert classes.tolist() == expected.tolist()
        assert [classes.tolist()[code] for code in codes] == list(y)


@pytest.mark.parametrize("dtype", ["i1", "u1", "i8", "u8", ">i4", "f4", "f2", "U2", "M8[D]", "?"])
def test_classes_keep_their_type(dtype):
    y = np.array([1, 0, 1, 0]).astype(dtype)
    codes, classes = encode_labels(y)
    assert classes.dtype == y.dtype.newbyteorder("=")
    np.testing.assert_array_equal(classes[codes], y)


def test_whole_numbers_at_the_ends_of_their_types():
    for dtype in ("i1", "i8", "u8", "u1"):
        ends = np.iinfo(dtype)
        for y in ([ends.min, ends.max, ends.min], [ends.max - 2, ends.max, ends.max - 2], [ends.min + 1, ends.min]):
            codes, classes = encode_labels(np.array(y, dtype=dtype))
            assert classes[codes].tolist() == y


def test_a_column_is_ravelled_with_a_warning():
    with pytest.warns(DataConversionWarning, match="A column-vector y was passed when a 1d array was expected"):
        codes, _ = encode_labels([["a"], ["b"]])
    assert codes.tolist() == [0, 1]


def test_many_classes_are_doubted():
    with pytest.warns(UserWarning, match="unique classes is greater than 50%"):
        encode_labels(np.arange(30))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        encode_labels(np.arange(1000) % 300)


@pytest.mark.parametrize(
    "y, error, words",
    [
        (None, ValueError, "This Model estimator requires y to be passed, but the target y is None"),
        ([0.5, 1.0], ValueError, "Unknown label type: continuous"),
        ([0, np.nan], ValueError, "Input y contains NaN"),
        ([0, np.inf], ValueError, "Input y contains infinity or a value too large for dtype\\('float64'\\)"),
        (["a", None], ValueError, "Input y contains NaN"),
        (np.array(["a", np.nan], dtype=object), ValueError, "Input y contains NaN"),
        (np.array([1, None], dtype=object), ValueError, "Input y contains NaN"),
        (np.array([1, "a"], dtype=object), ValueError, "Unknown label type: unknown.*int, str"),
        (np.array([{}, []], dtype=object), ValueError, "Unknown label type"),
        (np.array([0.5, 1], dtype=object), ValueError, "Unknown label type: continuous"),
        (np.array(["NaT"], dtype="M8[D]"), ValueError, "NaN"),
        ([1j], ValueError, "Complex data not supported"),
        ([b"a", b"b"], TypeError, "bytes is not supported"),
        (np.array([b"a"], dtype=object), TypeError, "bytes is not supported"),
        ([[1, 2], [3, 4]], ValueError, r"y should be a 1d array, got an array of shape \(2, 2\)"),
        ([[1], [2, 3]], ValueError, "y should be a 1d array"),
        ("abc", ValueError, "Expected array-like"),
        (3, ValueError, "Expected array-like"),
        ([7, 7], ValueError, r"y holds one class only \(7\), and Model needs at least 2 classes"),
        ([], ValueError, "y holds no class"),
    ],
)
def test_bad_labels(y, error, words):
    with pytest.raises(error, match=words):
        encode_labels(y, "Model", min_classes=2)


def test_missing_labels_of_frames():
    pd, pl, pa = (pytest.importorskip(name) for name in ("pandas", "polars", "pyarrow"))
    for y in (pd.array([1, None], dtype="Int64"), pd.Series(["a", None], dtype="category"), pl.Series([1, None]),
              pl.Series(["a", None]), pa.chunked_array([pa.array(["a", None, "b"]).dictionary_encode()])):  # fmt: skip
        with pytest.raises(ValueError, match="Input y contains NaN"):
            encode_labels(y)
    codes, classes = encode_labels(pa.chunked_array([pa.array(["b", "a"]).dictionary_encode()]))
    assert classes[codes].tolist() == ["b", "a"]


@given(st.lists(st.one_of(st.floats(allow_infinity=False, allow_nan=False), st.integers(-100, 100)), min_size=1))
def test_a_target_of_numbers_is_float64_of_whatever_carries_it(y):
    pd, pl = pytest.importorskip("pandas"), pytest.importorskip("polars")
    expected = np.array(y, dtype=np.float64)
    for carrier in (y, expected, np.array(y, dtype=object), pd.Series(y), pl.Series(expected), expected.astype(">f8"),
                    np.repeat(expected, 2)[::2], [str(v) for v in y]):  # fmt: skip
        got = check_target_regression(carrier)
        assert got.dtype == np.float64
        assert got.flags.c_contiguous
        assert got.dtype.isnative
        np.testing.assert_array_equal(got, expected)
    assert check_target_regression(expected) is expected


@pytest.mark.parametrize(
    "y, error, words",
    [
        (None, ValueError, "requires y to be passed"),
        ([1.0, np.nan], ValueError, "Input y contains NaN"),
        ([1.0, None], ValueError, "Input y contains NaN"),
        ([1.0, -np.inf], ValueError, "Input y contains infinity"),
        (["a", "b"], ValueError, "could not convert string to float.*y must hold numbers for Model"),
        (np.array(["2020-01-01"], dtype="M8[D]"), ValueError, "Model needs numbers"),
        ([1j], ValueError, "Complex data not supported"),
        ([[1, 2], [3, 4]], ValueError, "y should be a 1d array"),
        (np.array([{}], dtype=object), TypeError, "must be a string or a real number"),
    ],
)
def test_bad_targets_of_numbers(y, error, words):
    with pytest.raises(error, match=words):
        check_target_regression(y, "Model")


@given(st.lists(st.one_of(st.none(), st.sampled_from("abcd")), max_size=30))
def test_levels_are_those_that_occur_in_order(values):
    codes, levels = encode_values(values)
    assert levels.tolist() == sorted({v for v in values if v is not None})
    assert [levels[c] if c >= 0 else None for c in codes] == values


def test_labels_may_be_unused_repeated_or_missing():
    codes, levels = order_levels(np.array([0, 1, 2, 3, -1]), ["b", "a", "b", None, "unused"])
    assert levels.tolist() == ["a", "b"]
    assert codes.tolist() == [1, 0, 1, -1, -1]


@given(st.lists(st.one_of(st.floats(), st.just(np.nan)), max_size=20))
def test_number_levels(values):
    array = np.array(values, dtype=np.float64)
    codes, levels = encode_numbers(array)
    assert (np.diff(levels) > 0).all()
    np.testing.assert_array_equal(np.append(levels, np.nan)[codes], array)


def test_what_is_missing():
    pd = pytest.importorskip("pandas")
    for value in (None, float("nan"), np.float32("nan"), pd.NA, pd.NaT, np.datetime64("NaT")):
        assert is_missing(value)
    for value in (0, "", "nan", False, np.array([1, 2]), dt.date(2020, 1, 1), float("inf")):
        assert not is_missing(value)
