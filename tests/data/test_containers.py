"""pandas, polars and pyarrow frames: every type of column gives the same Table, whatever carried it."""

import datetime as dt
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastml.data.frames import Table
from fastml.data.levels import places

pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")

NAN = np.nan
EPOCH = dt.datetime(1970, 1, 1)

# One column of each type in each library: its values, and what column(j) and levels[j] have to be.
PANDAS = {
    "int8": (np.array([1, 2, 3], dtype="i1"), [1, 2, 3], None),
    "float16": (np.array([1, NAN, 3], dtype="f2"), [1, NAN, 3], None),
    "Int64": (lambda: pd.array([1, None, 3], dtype="Int64"), [1, NAN, 3], None),
    "boolean": (lambda: pd.array([True, None, False], dtype="boolean"), [1, NAN, 0], None),
    "bool": ([True, True, False], [1, 1, 0], None),
    "object bools": (lambda: np.array([True, None, False], dtype=object), [1, NAN, 0], None),
    "text": (["b", None, "a"], [1, NAN, 0], ["a", "b"]),
    "string": (lambda: pd.array(["b", None, "a"], dtype="string"), [1, NAN, 0], ["a", "b"]),
    "arrow text": (lambda: pd.array(["b", None, "a"], dtype="string[pyarrow]"), [1, NAN, 0], ["a", "b"]),
    "object text": (lambda: np.array(["b", None, "a"], dtype=object), [1, NAN, 0], ["a", "b"]),
    "category": (lambda: pd.Categorical(["b", None, "a"], categories=["z", "b", "a"]), [1, NAN, 0], ["a", "b"]),
    "number category": (lambda: pd.Categorical([30, None, 10]), [1, NAN, 0], [10, 30]),
    "intervals": (lambda: pd.cut([1, 2, 3], [0, 1, 3]), [0, 1, 1], ["(0, 1]", "(1, 3]"]),
    "arrow int": (lambda: pd.array([1, None, 3], dtype="int64[pyarrow]"), [1, NAN, 3], None),
    "arrow bool": (lambda: pd.array([True, None, False], dtype="bool[pyarrow]"), [1, NAN, 0], None),
    "arrow dictionary": (
        lambda: pd.array(["b", None, "a"], dtype=pd.ArrowDtype(pa.dictionary(pa.int8(), pa.string()))),
        [1, NAN, 0],
        ["a", "b"],
    ),
    "datetime": (lambda: pd.to_datetime(["1970-01-02", None, "1969-12-31"]), [86400, NAN, -86400], None),
    "utc": (lambda: pd.to_datetime(["1970-01-02", None, "1969-12-31"], utc=True), [86400, NAN, -86400], None),
    "berlin": (
        lambda: pd.to_datetime(["1970-01-02", None, "1970-01-01"]).tz_localize("Europe/Berlin"),
        [82800, NAN, -3600],
        None,
    ),
    "timedelta": (lambda: pd.to_timedelta([1.5, None, 2], unit="s"), [1.5, NAN, 2], None),
    "dates": (lambda: np.array([dt.date(1970, 1, 2), None, EPOCH], dtype=object), [86400, NAN, 0], None),
    "sparse": (lambda: pd.arrays.SparseArray([0, 0, 1.5]), [0, 0, 1.5], None),
    "nothing": ([None, None, None], [NAN, NAN, NAN], None),
}
POLARS = {
    "int": (pl.Int64, [1, None, 3], [1, NAN, 3], None),
    "uint8": (pl.UInt8, [1, None, 3], [1, NAN, 3], None),
    "float32": (pl.Float32, [1.5, None, NAN], [1.5, NAN, NAN], None),
    "bool": (pl.Boolean, [True, None, False], [1, NAN, 0], None),
    "text": (pl.String, ["b", None, "a"], [1, NAN, 0], ["a", "b"]),
    "categorical": (pl.Categorical, ["b", None, "a"], [1, NAN, 0], ["a", "b"]),
    "enum": (pl.Enum(["z", "b", "a"]), ["b", None, "a"], [1, NAN, 0], ["a", "b"]),
    "date": (pl.Date, [dt.date(1970, 1, 2), None, dt.date(1970, 1, 1)], [86400, NAN, 0], None),
    "datetime": (pl.Datetime("ms"), [dt.datetime(1970, 1, 2), None, EPOCH], [86400, NAN, 0], None),
    "duration": (pl.Duration, [dt.timedelta(1), None, dt.timedelta(0)], [86400, NAN, 0], None),
    "time": (pl.Time, [dt.time(1), None, dt.time(0, 0, 1)], [3600, NAN, 1], None),
    "nothing": (pl.Null, [None, None, None], [NAN, NAN, NAN], None),
}


def check(table, j, values, levels):
    np.testing.assert_array_equal(table.column(j).astype(np.float64), np.array(values, dtype=np.float64))
    assert table.is_categorical[j] == (levels is not None)
    if levels is not None:
        assert table.levels[j].tolist() == levels


@pytest.mark.parametrize("name", PANDAS)
def test_pandas(name):
    made, values, levels = PANDAS[name]
    frame = pd.DataFrame({"other": [0.5, 1, 2], "x": made() if callable(made) else made})
    if name == "nothing":  # pandas 3 may call it text: a category without levels
        frame["x"] = frame["x"].astype(object)
        table = Table.from_any(frame, "auto")
        np.testing.assert_array_equal(table.column(1), values)
    else:
        table = Table.from_any(frame, "auto")
        check(table, 1, values, levels)
    for unseen in ("missing", "error"):
        later = table.schema(unseen).apply(frame.iloc[[2, 0]])
        np.testing.assert_array_equal(later.column(1), table.column(1)[[2, 0]])
    np.testing.assert_array_equal(table.take(np.array([2, 0])).matrix(), table.matrix()[[2, 0]])


@pytest.mark.parametrize("name", POLARS)
@pytest.mark.parametrize("library", ["polars", "pyarrow", "record batch"])
def test_polars_and_pyarrow(name, library):
    dtype, given_values, values, levels = POLARS[name]
    frame = pl.DataFrame({"x": pl.Series(given_values, dtype=dtype)})
    frame = frame if library == "polars" else frame.to_arrow()
    if library == "record batch":
        frame = frame.combine_chunks().to_batches()[0]
    table = Table.from_any(frame, "auto")
    check(table, 0, values, levels)
    later = table.schema("error").apply(frame.slice(1, 2))
    np.testing.assert_array_equal(later.column(0), table.column(0)[1:])


def test_decimals():
    values = pl.Series(["1.5", None, "2"]).cast(pl.Decimal(10, 2))
    for frame in (pl.DataFrame({"x": values}), pl.DataFrame({"x": values}).to_arrow()):
        check(Table.from_any(frame), 0, [1.5, NAN, 2], None)


@given(st.lists(st.one_of(st.none(), st.text("abcß", max_size=2)), min_size=1, max_size=30), st.integers(1, 29))
def test_chunks_and_slices_do_not_matter(values, cut):
    whole = Table.from_any(pa.table({"x": pa.array(values, pa.string())}), "auto").column(0)
    head, tail = pa.array(values[:cut], pa.string()), pa.array(values[cut:], pa.string())
    for chunks in (
        pa.chunked_array([head, tail]),
        pa.chunked_array([head.dictionary_encode(), tail.dictionary_encode()]),
    ):
        np.testing.assert_array_equal(Table.from_any(pa.table({"x": chunks}), "auto").column(0), whole)
    long = pl.DataFrame({"x": pl.Series(values[:cut], dtype=pl.String)})
    long = pl.concat([long, pl.DataFrame({"x": pl.Series(values[cut:], dtype=pl.String)})], rechunk=False)
    np.testing.assert_array_equal(Table.from_any(long, "auto").column(0), whole)
    np.testing.assert_array_equal(Table.from_any(long.cast(pl.Categorical), "auto").column(0), whole)
    texts = pd.DataFrame({"x": pd.array(values, "string")})
    np.testing.assert_array_equal(Table.from_any(texts, "auto").column(0), whole)


def test_the_container_may_change_between_fit_and_predict():
    rows = {"s": ["b", "a", "c"], "x": [1.0, 2.0, 3.0]}
    frames = [pd.DataFrame(rows), pl.DataFrame(rows), pa.table(rows), pl.DataFrame(rows).cast({"s": pl.Categorical}),
              pd.DataFrame(rows).astype({"s": "category"})]  # fmt: skip
    expected = [[1, 1], [0, 2], [2, 3]]
    for fit in frames:
        schema = Table.from_any(fit, "auto").schema("error")
        for later in frames:
            np.testing.assert_array_equal(schema.apply(later).matrix(), expected)


def test_names_are_kept_and_checked():
    frame = pd.DataFrame({"b": [1.0], "a": [2.0]})
    schema = Table.from_any(frame).schema()
    assert schema.names.tolist() == ["b", "a"]
    assert schema.names.dtype == object
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        schema.apply(frame)
    with pytest.raises(ValueError, match=r"(?s)should match those.*same order as they were in fit"):
        schema.apply(frame[["a", "b"]])
    with pytest.raises(ValueError, match=r"(?s)unseen at fit time:\n- c\n.*yet now missing:\n- a\n"):
        schema.apply(frame.rename(columns={"a": "c"}))
    with pytest.warns(UserWarning, match="X does not have valid feature names, but Model was fitted with"):
        schema.apply(frame.to_numpy(), "Model")
    plain = Table.from_any(frame.to_numpy()).schema()
    with pytest.warns(UserWarning, match="X has feature names, but Model was fitted without feature names"):
        plain.apply(frame, "Model")


def test_names_that_are_numbers_are_no_names_and_mixed_ones_an_error():
    assert Table.from_any(pd.DataFrame([[1.0, 2.0]])).names is None
    with pytest.raises(TypeError, match=r"only supported if all input features have string names.*\['int', 'str'\]"):
        Table.from_any(pd.DataFrame([[1.0, 2.0]], columns=["a", 1]))


def test_categories_by_name():
    frame = pd.DataFrame({"a": [1, 2], "b": [5, 5]})
    np.testing.assert_array_equal(Table.from_any(frame, ["b"]).is_categorical, [False, True])
    np.testing.assert_array_equal(Table.from_any(frame, "b").is_categorical, [False, True])
    with pytest.raises(ValueError, match=r"categorical names \['c'\], but the columns of X are \['a', 'b'\]"):
        Table.from_any(frame, ["c"])


def test_a_frame_of_one_number_type_is_not_copied():
    X = np.ones((100_000, 2))
    table = Table.from_any(pd.DataFrame(X, copy=False))
    assert np.shares_memory(table.dense, X)
    several = pd.DataFrame({"a": X[:, 0], "b": X[:, 1].astype("f4")}, copy=False)
    table = Table.from_any(several)
    assert table.dense is None
    assert np.shares_memory(table.column(0), several["a"].to_numpy())
    floats = pl.DataFrame({"a": X[:, 0]})
    assert np.shares_memory(Table.from_any(floats).column(0), floats["a"].to_numpy())


def test_text_where_numbers_are_needed_names_the_column():
    frame = pd.DataFrame({"age": ["12", "old"], "x": [1, 2]})
    with pytest.raises(ValueError, match="could not convert string to float: 'old' in column 'age'"):
        Table.from_any(frame)
    np.testing.assert_array_equal(Table.from_any(frame.replace("old", "3")).matrix(), [[12, 1], [3, 2]])


@pytest.mark.parametrize(
    "make, error, words",
    [
        (lambda: pd.Series([1.0]), ValueError, "Expected a 2-dimensional container.*Reshape your data"),
        (lambda: pl.Series([1.0]), ValueError, "Expected a 2-dimensional container"),
        (lambda: pl.LazyFrame({"a": [1]}), TypeError, "lazy"),
        (lambda: pd.DataFrame({"a": [1j]}), ValueError, "Complex data not supported"),
        (lambda: pl.DataFrame({"a": [[1, 2]]}), TypeError, r"column 'a' has type List"),
        (lambda: pd.DataFrame({"a": []}), ValueError, r"0 sample\(s\)"),
        (lambda: pd.DataFrame(index=[1, 2]), ValueError, r"0 feature\(s\) \(shape=\(2, 0\)\)"),
        (lambda: pl.DataFrame(), ValueError, r"0 sample\(s\)"),
    ],
)
def test_frames_that_cannot_be_read_say_why(make, error, words):
    with pytest.raises(error, match=f"(?s){words}"):
        Table.from_any(make(), "auto")


def test_type_change_names_the_column():
    frame = pd.DataFrame({"city": ["b", "a"], "n": [1.0, 2.0]})
    schema = Table.from_any(frame, "auto").schema()
    with pytest.raises(ValueError, match="column 'city' held text during fit and holds numbers now"):
        schema.apply(frame.assign(city=[1, 2]))
    with pytest.raises(ValueError, match="column 'n' held numbers during fit and holds text now"):
        schema.apply(frame.assign(n=["u", "v"]))
    with pytest.raises(ValueError, match="column 'n' held numbers during fit and holds dates or times now"):
        schema.apply(frame.assign(n=pd.to_datetime(["2020-01-01"] * 2)))


def test_the_order_of_ordered_types_is_kept():
    pd, pl = pytest.importorskip("pandas"), pytest.importorskip("polars")
    values = ["mid", "low", None, "mid"]
    frames = [
        pd.DataFrame({"a": pd.Categorical(values, ["low", "mid", "top"], ordered=True), "b": values}),
        pl.DataFrame({"a": pl.Series(values, dtype=pl.Enum(["low", "mid", "top"])), "b": values}),
    ]
    for frame in frames:
        table = Table.from_any(frame, categorical="auto")
        assert table.orders == {0: ("low", "mid", "top")}
        assert table.take(np.array([0])).orders == table.orders
    assert Table.from_any(frames[0].astype("str"), categorical="auto").orders == {}
    np.testing.assert_array_equal(places(np.array(["a", "b", "c"], object), ["c", "z", "a", "b"]), [1, 2, 0])


def test_intervals_have_the_same_labels_in_few_and_in_many_rows():
    pd = pytest.importorskip("pandas")
    x = np.tile([1.0, 5.0, 20.0], 500)
    tables = [Table.from_any(pd.DataFrame({"x": pd.cut(x[:n], [0, 3, 10, 30])}), "auto") for n in (30, 1500)]
    assert tables[0].levels[0].tolist() == tables[1].levels[0].tolist()
    np.testing.assert_array_equal(places(tables[0].levels[0], tables[0].orders[0])[tables[0].codes(0)[:3]], [0, 1, 2])
