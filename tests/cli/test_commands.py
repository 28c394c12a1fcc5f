"""`fastml train`, `fastml predict`, `fastml info`: run as a user runs them."""

import signal
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest

import fastml
from fastml.cli import main

pa = pytest.importorskip("pyarrow")
import pyarrow.csv  # noqa: E402
import pyarrow.parquet  # noqa: E402

HAS_FILES = find_spec("fastml.io") is not None
needs_files = pytest.mark.skipif(not HAS_FILES, reason="model files are on their way")

FEW = ["--set", "n_estimators=12"]


def shell(*arguments, code=0):
    """Output of the command in a process of its own, or its errors if it is to fail."""
    done = subprocess.run([sys.executable, "-m", "fastml", *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == code, done.stderr + done.stdout
    assert "Traceback" not in done.stderr
    return done.stdout if code == 0 else done.stderr


@pytest.fixture
def run(capsys):
    """The same in this process, which has imported everything already."""

    def run_here(*arguments, code=0):
        try:
            found = main([str(argument) for argument in arguments])
        except SystemExit as exit:  # argparse's way to show help or to complain
            found = exit.code
        output, errors = capsys.readouterr()
        assert found == code, errors + output
        return output if code == 0 else errors

    return run_here


def rows(n_samples=400):
    """Columns of every kind, and three targets that depend on them."""
    rng = np.random.default_rng(0)
    size = np.round(rng.normal(size=n_samples), 3)
    town = rng.choice(["Oslo", "Rome", "Bonn"], n_samples)
    return {
        "size": [None if k % 17 == 0 else float(x) for k, x in enumerate(size)],
        "town": town.tolist(),
        "open": (rng.random(n_samples) < 0.5).tolist(),
        "price": (2 * size + (town == "Rome") + 0.1 * rng.normal(size=n_samples)).tolist(),
        "sold": ((size > 0) ^ (town == "Rome")).tolist(),
        "grade": np.where(size > 0.5, "high", np.where(town == "Bonn", "low", "mid")).tolist(),
    }


@pytest.fixture
def csv(tmp_path):
    path = tmp_path / "rows.csv"
    pyarrow.csv.write_csv(pa.table(rows()), path)
    return path


@pytest.mark.parametrize(
    ("target", "others", "task", "score"),
    [
        ("sold", ["price", "grade"], "binary classification", "AUC"),
        ("grade", ["price", "sold"], "multiclass classification", "accuracy"),
        ("price", ["sold", "grade"], "regression", "R2"),
    ],
)
@pytest.mark.parametrize("model", ["xgb", "gbdt", "tree", "forest", "adaboost", "svm"])
@needs_files
def test_train_and_predict(run, csv, tmp_path, target, others, task, score, model):
    saved, picture, out = tmp_path / "model.fastml", tmp_path / "out.png", tmp_path / "out.csv"
    shown = run(
        "train", csv, "--target", target, "--exclude", *others, *(FEW if model not in ("tree", "svm") else []),
        "--model", model, "--save", saved, "--plot", picture,
    )
    assert f": {task}" in shown
    assert "400 rows, 3 features: 1 number, 1 category, 1 boolean" in shown
    assert "320 rows to learn from, 80 to validate on" in shown or target == "grade"
    assert f"{score} " in shown
    assert f"saved to {saved}" in shown
    assert ("support vectors, a KKT gap of " if model == "svm" else "size") in shown
    assert "read " in shown
    assert "fit " in shown
    if model == "xgb":
        assert "of 12   validation " in shown
    assert picture.read_bytes().startswith(b"\x89PNG")

    assert run("predict", saved, csv, "--out", out) == ""
    table = pyarrow.csv.read_csv(out)
    truth = rows()[target]
    predicted = table["prediction"].to_pylist()
    least = 0.6 if model == "adaboost" else 0.8  # twelve stumps
    if task == "regression":
        assert np.corrcoef(truth, predicted)[0, 1] > least
    else:
        assert np.mean([p == t for p, t in zip(predicted, truth, strict=True)]) > least
        names = [f"probability_{c}" for c in sorted(set(truth))]
        assert table.column_names == ["prediction", *names]
        assert np.allclose(np.sum([table[name].to_numpy() for name in names], axis=0), 1, atol=1e-5)


@needs_files
@pytest.mark.parametrize(
    ("model", "exclude", "target"),
    [("c45", [], "sold"), ("chaid", [], "sold"), ("chaid", [], "price"), ("id3", ["size"], "grade")],
)
def test_multiway_trees(run, csv, tmp_path, model, exclude, target):
    saved = tmp_path / "model.fastml"
    others = [name for name in ("sold", "price", "grade") if name != target]
    shown = run("train", csv, "--target", target, "--exclude", *others, *exclude, "--model", model, "--save", saved)
    assert "leaves, " in shown
    assert f"saved to {saved}" in shown
    predicted = run("predict", saved, csv).splitlines()
    assert predicted[0].startswith('"prediction"')
    assert len(predicted) == 401


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--target", "price", "--model", "c45"], "C45Classifier predicts classes, and the target is price"),
        (["--target", "sold", "--model", "id3"], "holds numbers, and ID3Classifier splits categories"),
    ],
)
def test_multiway_trees_say_what_they_do_not_take(run, csv, arguments, message):
    assert message in run("train", csv, *arguments, code=2)


def test_the_same_command_gives_the_same_model(run, csv):
    def scores(*more):
        lines = run("train", csv, "--target", "sold", *FEW, *more).splitlines()
        return [line for line in lines if line.startswith(("  round", "scores", "  "))]

    assert scores() == scores("--jobs", "1")
    assert scores() != scores("--seed", "1")


def test_a_file_to_validate_on(run, csv, tmp_path):
    other = tmp_path / "valid.parquet"
    pyarrow.parquet.write_table(pa.table(rows(90)), other)
    shown = run("train", csv, "--target", "sold", *FEW, "--valid", other)
    assert f"400 rows to learn from, 90 of {other} to validate on" in shown
    pyarrow.parquet.write_table(pa.table(rows(90)).drop_columns(["town"]), other)
    assert "has no column 'town'" in run("train", csv, "--target", "sold", "--valid", other, code=2)


def test_no_rows_to_validate_on(run, csv):
    shown = run("train", csv, "--target", "sold", *FEW, "--valid", "0")
    assert "(training rows)" in shown


@needs_files
def test_npz(run, tmp_path):
    path, saved, out = tmp_path / "rows.npz", tmp_path / "model.fastml", tmp_path / "out.parquet"
    X = np.random.default_rng(0).normal(size=(300, 4)).astype(np.float32)
    np.savez(path, X=X, y=(X[:, 1] > 0).astype(int) + (X[:, 2] > 0))
    shown = run("train", path, "--target", "y", *FEW, "--save", saved)
    assert "multiclass classification" in shown
    assert "x1" in shown
    run("predict", saved, path, "--out", out)
    probabilities = [f"probability_{c}" for c in range(3)]
    assert pyarrow.parquet.read_table(out).column_names == ["prediction", *probabilities]


@needs_files
def test_predictions_go_to_standard_output_without_out(csv, tmp_path):
    saved = tmp_path / "model.fastml"
    shell("train", csv, "--target", "sold", *FEW, "--save", saved)
    lines = shell("predict", saved, csv).splitlines()
    assert len(lines) == 401
    assert lines[0].replace('"', "") == "prediction,probability_False,probability_True"


def test_rows_without_a_target(run, tmp_path):
    table = pa.table(rows())
    sold = pa.array([None if k < 7 else v for k, v in enumerate(table["sold"].to_pylist())])
    path = tmp_path / "gaps.parquet"
    pyarrow.parquet.write_table(table.set_column(table.column_names.index("sold"), "sold", sold), path)
    assert "missing in 7 of 400 rows" in (message := run("train", path, "--target", "sold", code=2))
    assert "--drop-missing-target" in message
    assert "393 rows" in run("train", path, "--target", "sold", *FEW, "--drop-missing-target")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--target", "sole"], "has no column 'sole'; did you mean 'sold'? It has: size, town, open"),
        (["--target", "sold", "--exclude", "tow"], "has no column 'tow'; did you mean 'town'"),
        (["--target", "sold", "--set", "n_estimator=5"], "no parameter 'n_estimator'; did you mean 'n_estimators'"),
        (["--target", "sold", "--set", "learning_rate=-1"], "learning_rate"),
        (["--target", "sold", "--model", "xbg"], "no model 'xbg'; did you mean 'xgb'"),
        (["--target", "sold", "--valid", "1.5"], "must be at least 0 and less than 1"),
        (["--target", "sold", "--valid", "0.0001"], "of 400 rows is none"),
        (["--target", "sold", "--valid", "nothing.csv"], "there is no file nothing.csv"),
        (["--target", "sold", "--save", "no/such/folder/m"], "there is no folder"),
        (["--target", "sold", "--plot", "out.docx"], "the suffix says what to draw"),
        (["--target", "grade", "--task", "regression"], "holds text"),
        ([], "--target"),
    ],
)
def test_what_the_caller_can_mend_is_said_without_a_traceback(run, csv, arguments, message):
    assert message in run("train", csv, *arguments, code=2)


@needs_files
def test_predict_says_what_is_wrong(run, csv, tmp_path):
    saved, other = tmp_path / "model.fastml", tmp_path / "other.csv"
    run("train", csv, "--target", "sold", *FEW, "--save", saved)
    other.write_text("size,open\n1,true\n")
    assert "lacks town" in run("predict", saved, other, code=2)
    assert "there is no model" in run("predict", tmp_path / "nothing", csv, code=2)
    assert "the suffix says what to write" in run("predict", saved, csv, "--out", "out.xlsx", code=2)
    saved.write_bytes(b"nonsense")
    assert str(saved) in run("predict", saved, csv, code=2)


def test_info_shows_the_configuration(run):
    shown = run("info")
    assert f"{'fastml':<16} {fastml.__version__}" in shown
    assert "instruction set" in shown


def test_version_and_help(run):
    assert run("--version") == f"fastml {fastml.__version__}\n"
    assert "train" in run("--help")
    assert "COMMAND" in run(code=2)


def test_a_process_of_its_own_ends_with_the_exit_code():
    assert "instruction set" in shell("info")
    assert "there is no file nothing.csv" in shell("train", "nothing.csv", "--target", "y", code=2)


def test_traceback_is_shown_on_request():
    command = [sys.executable, "-m", "fastml", "--traceback", "train", "nothing.csv", "--target", "y"]
    assert "Traceback" in subprocess.run(command, capture_output=True, text=True).stderr


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT for one process there")
def test_ctrl_c_leaves_the_rounds_that_were_done(csv):
    command = [sys.executable, "-m", "fastml", "train", csv, "--target", "sold", "--valid", "0"]
    command += ["--set", "n_estimators=1000000"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    while not process.stdout.readline().startswith("  round"):
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert errors.startswith("fastml: ")
    assert "Traceback" not in errors
    assert "rounds" in output
    assert "accuracy" in output
