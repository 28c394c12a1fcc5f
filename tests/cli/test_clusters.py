"""`fastml train --model kmeans` and `fastml predict` on what it saved."""

import numpy as np
import pytest

from fastml.cli import main

pa = pytest.importorskip("pyarrow")
import pyarrow.csv  # noqa: E402
import pyarrow.parquet  # noqa: E402


@pytest.fixture
def run(capsys):
    def run_here(*arguments, code=0):
        found = main([str(argument) for argument in arguments])
        output, errors = capsys.readouterr()
        assert found == code, errors + output
        return output if code == 0 else errors

    return run_here


def points():
    rng = np.random.default_rng(0)
    return np.concatenate([rng.normal([x, 1000 * y], [1, 1000], size=(50, 2)) for x in (0, 20) for y in (0, 20)])


@pytest.fixture
def csv(tmp_path):
    X = points()
    columns = {"x": X[:, 0], "y": X[:, 1], "town": ["Oslo", "Rome"] * 100, "few": [None, 1.5] * 100,
               "open": [True, False] * 100}  # fmt: skip
    pyarrow.csv.write_csv(pa.table(columns), tmp_path / "rows.csv")
    return tmp_path / "rows.csv"


@pytest.mark.parametrize("scale", [[], ["--scale", "none"], ["--scale", "deviation"], ["--scale", "range"]])
@pytest.mark.parametrize("model", ["kmeans", "minibatch", "bisecting"])
def test_labels_come_out_and_new_rows_have_them_too(run, csv, tmp_path, model, scale):
    saved, out, again = tmp_path / "model.fastml", tmp_path / "labels.csv", tmp_path / "again.parquet"
    shown = run(
        "train", csv, "--model", model, "--exclude", "town", "few", "open", "--set", "n_clusters=4", *scale,
        "--jobs", 1, "--save", saved, "--out", out,
    )  # fmt: skip
    assert "200 rows, 2 features: 2 numbers" in shown
    assert "clusters   4, rows of the largest" in shown
    assert "inertia" in shown
    assert ("in units of" in shown) == (scale not in ([], ["--scale", "none"]))
    labels = pyarrow.csv.read_csv(out)["label"].to_numpy()
    if scale and scale[1] != "none":
        assert all(len(set(labels[begin : begin + 50])) == 1 for begin in range(0, 200, 50))
        assert len(set(labels)) == 4
    run("predict", saved, csv, "--out", again, "--jobs", 2)
    np.testing.assert_array_equal(pyarrow.parquet.read_table(again)["label"].to_numpy(), labels)


def test_columns_may_be_booleans(run, csv):
    assert "1 number, 1 boolean" in run("train", csv, "--model", "kmeans", "--exclude", "town", "few", "y")


def test_an_array(run, tmp_path):
    np.savez(tmp_path / "rows.npz", X=points())
    run("train", tmp_path / "rows.npz", "--model", "kmeans", "--save", tmp_path / "m.fastml")
    assert run("predict", tmp_path / "m.fastml", tmp_path / "rows.npz").count("\n") == 201


@pytest.mark.parametrize(("options", "message"), [
    ([], "town of {csv} holds text: --exclude town"),
    (["--exclude", "town"], "column 'few' of {csv} is missing in 100 of 200 rows"),
    (["--exclude", "twon"], "no column 'twon'; did you mean 'town'?"),
    (["--exclude", "town", "few", "x", "y", "open"], "no column left"),
    (["--target", "x"], "--exclude x leaves the column out"),
    (["--valid", "0.1"], "--valid has no meaning for a clustering"),
    (["--plot", "a.png"], "--plot has no meaning"),
    (["--task", "regression"], "--task has no meaning"),
    (["--out", "labels.txt"], "the suffix says what to write"),
    (["--save", "/nowhere/at/all"], "there is no folder"),
    (["--exclude", "town", "few", "--set", "n_clusters=900"], "n_samples=200 should be >= n_clusters=900"),
    (["--exclude", "town", "few", "--set", "min_size=100"], "min_size=100 cannot be met"),
    (["--set", "clusters=9"], "no parameter 'clusters'; did you mean 'n_clusters'"),
])  # fmt: skip
def test_what_cannot_be_is_said_with_a_remedy(run, csv, options, message):
    settings = ["--exclude", "town", "few"] if options[:1] == ["--set"] else []
    assert message.format(csv=csv) in run("train", csv, "--model", "kmeans", *options, *settings, code=2)


@pytest.mark.parametrize(("options", "message"), [
    ([], "--target COLUMN"), (["--target", "x", "--out", "a.csv"], "--out is for clusterings"),
    (["--target", "x", "--scale", "range"], "--scale is for clusterings"),
])  # fmt: skip
def test_models_with_a_target_need_one(run, csv, options, message):
    assert message in run("train", csv, "--model", "tree", *options, code=2)


def test_missing_values_in_new_rows(run, csv, tmp_path):
    saved = tmp_path / "m.fastml"
    run("train", csv, "--model", "kmeans", "--exclude", "town", "few", "open", "--save", saved)
    pyarrow.csv.write_csv(pa.table({"x": [1.0, None], "y": [2.0, 3.0]}), tmp_path / "new.csv")
    assert "NaN" in run("predict", saved, tmp_path / "new.csv", code=2)
