"""Files of every kind become the same table; bad ones are refused with a reason."""

import datetime
import gzip

import numpy as np
import pytest

from fastml.cli.columns import describe, split_target, take_rows
from fastml.cli.errors import CommandError
from fastml.cli.readers import read_file

pa = pytest.importorskip("pyarrow")
import pyarrow.feather  # noqa: E402
import pyarrow.parquet  # noqa: E402

TABLE = {"size": [1.5, None, 3.0], "count": [1, 2, 3], "town": ["Oslo", None, "Rome"], "open": [True, False, True]}


def write(path, kind):
    table = pa.table(TABLE)
    if kind == "parquet":
        pyarrow.parquet.write_table(table, path)
    elif kind in ("feather", "arrow"):
        pyarrow.feather.write_feather(table, path)
    else:
        separator = {"csv": ",", "tsv": "\t", "csv.gz": ";"}[kind]
        rows = ["size,count,town,open", "1.5,1,Oslo,true", "NA,2,,false", "3.0,3,Rome,true"]
        text = "\n".join(rows).replace(",", separator)
        path.write_bytes(gzip.compress(text.encode()) if kind == "csv.gz" else text.encode())


@pytest.mark.parametrize("kind", ["csv", "csv.gz", "tsv", "parquet", "feather", "arrow"])
def test_every_kind_of_file_gives_the_same_table(tmp_path, kind):
    path = tmp_path / f"rows.{kind}"
    write(path, kind)
    table = read_file(str(path))
    assert table.to_pydict() == TABLE
    assert pa.types.is_dictionary(table["town"].type)
    assert describe(table) == "2 numbers, 1 category, 1 boolean"


def test_npz_with_x_and_y(tmp_path):
    path = tmp_path / "rows.npz"
    np.savez(path, X=np.eye(3), y=[0, 1, 0], w=[1.0, 2.0, 3.0], n_train=2)
    X, y = split_target(read_file(str(path)), "y", [], "rows.npz")
    assert X.shape == (3, 3)
    assert y.tolist() == [0, 1, 0]
    with pytest.raises(CommandError, match=r"rows.npz has no column 'z'. It has: X, y, w"):
        split_target(read_file(str(path)), "z", [], "rows.npz")


def test_npz_with_named_arrays(tmp_path):
    path = tmp_path / "rows.npz"
    np.savez(path, a=[1.0, 2.0], b=[3, 4], c=["x", "y"])
    table = read_file(str(path))
    assert table.to_pydict() == {"a": [1.0, 2.0], "b": [3, 4], "c": ["x", "y"]}


def test_a_column_that_turns_to_fractions_far_down_is_read(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("a,b\n" + "1,2\n" * 600_000 + "1.5,2\n")
    assert read_file(str(path))["a"][-1].as_py() == 1.5


def test_dates_and_times_become_numbers(tmp_path):
    path = tmp_path / "rows.parquet"
    day = datetime.date(1970, 1, 11)
    noon = datetime.datetime(1970, 1, 2, 12)
    columns = {
        "day": [day, None], "moment": [noon, noon], "wait": [datetime.timedelta(hours=36)] * 2,
        "clock": [datetime.time(6, 30)] * 2, "empty": [None, None],
        "aware": [noon.replace(tzinfo=datetime.UTC)] * 2,
    }
    pyarrow.parquet.write_table(pa.table(columns), path)
    table = read_file(str(path)).to_pydict()
    assert table["day"] == [10.0, None]
    assert table["moment"] == table["wait"] == table["aware"] == [1.5, 1.5]
    assert table["clock"] == [6.5, 6.5]
    assert table["empty"] == [None, None]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("rows.csv", None, "there is no file .*rows.csv"),
        ("rows.xlsx", b"", "what kind of file is that.*csv, .*parquet"),
        ("rows.csv", b"", "cannot be read: Empty CSV"),
        ("rows.csv", b"a,b\n", "has no rows"),
        ("rows.csv", b"a,a\n1,2\n", "more than one column called a"),
        ("rows.csv", b"a,b\n1,2\n3\n", "cannot be read: .*Expected 2 columns"),
        ("rows.parquet", b"nonsense", "cannot be read"),
        ("rows.npz", b"nonsense", "cannot be read"),
    ],
)
def test_bad_files_are_refused_with_a_reason(tmp_path, name, content, message):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CommandError, match=message):
        read_file(str(path))


def test_bad_arrays_are_refused_with_a_reason(tmp_path):
    path = str(tmp_path / "rows.npz")
    np.savez(path, a=[1, 2], b=[1, 2, 3])
    with pytest.raises(CommandError, match=r"named 1-D arrays of one length; it has a \(2,\), b \(3,\)"):
        read_file(path)
    np.savez(path, a=np.array([object()]))
    with pytest.raises(CommandError, match="cannot be read"):
        read_file(path)


def test_a_column_of_lists_is_refused_by_name(tmp_path):
    path = tmp_path / "rows.parquet"
    pyarrow.parquet.write_table(pa.table({"a": [1], "path": [[1, 2]]}), path)
    with pytest.raises(CommandError, match=r"column 'path' holds list.*--exclude path"):
        read_file(str(path))


def test_columns_that_are_not_there_are_named_with_those_that_are():
    table = pa.table({"late": [1], "month": [2], "day": [3]})
    with pytest.raises(CommandError, match="has no column 'lat'; did you mean 'late'\\? It has: late, month, day"):
        split_target(table, "lat", [], "rows.csv")
    with pytest.raises(CommandError, match="has no column 'dy'; did you mean 'day'"):
        split_target(table, "late", ["dy"], "rows.csv")
    with pytest.raises(CommandError, match="no column to learn from"):
        split_target(table, "late", ["day", "month"], "rows.csv")
    with pytest.raises(CommandError, match="'late' cannot be the target and be excluded"):
        split_target(table, "late", ["late"], "rows.csv")
    X, y = split_target(table, "late", ["day"], "rows.csv")
    assert (X.column_names, y.to_pylist()) == (["month"], [1])


def test_rows_are_taken_from_tables_columns_and_arrays():
    keep = np.array([True, False, True])
    assert take_rows(pa.table({"a": [1, 2, 3]}), keep).to_pydict() == {"a": [1, 3]}
    assert take_rows(pa.chunked_array([[1, 2], [3]]), keep).to_pylist() == [1, 3]
    assert take_rows(np.arange(3), keep).tolist() == [0, 2]
