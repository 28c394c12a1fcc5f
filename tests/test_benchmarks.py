"""The benchmarks: cases are complete, made data never change, and a slowdown is told from noise."""

import json

import numpy as np
import pandas as pd
import pytest

from benchmarks import bench_peers, compare, datasets, measure, multiway, plot
from benchmarks.registry import CASES, cases

LIBRARIES = ["fastml", "xgboost", "lightgbm", "lightgbm quantised", "scikit-learn", "catboost"]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_every_case_has_its_libraries(case):
    trees = ["fastml", "scikit-learn", "scikit-learn-intelex"]
    alone = {name: ["fastml"] for name in ("id3", "c45", "chaid")}
    means = ["fastml", "scikit-learn", "scikit-learn elkan", "scikit-learn-intelex", "faiss-cpu"]
    alone |= {name: means for name in CASES if name.startswith("kmeans_")}
    others = trees if case.name.startswith(("tree_", "forest_")) else LIBRARIES
    two = dict.fromkeys(("adaboost", "bagging", "exact_first_order", "minibatch", "seeding"), trees[:2])
    expected = (two | {"exact": LIBRARIES[:2], "approx": LIBRARIES[:2]} | alone).get(case.name, others)
    assert list(case.estimators) == expected
    assert case.name == next(name for name, other in CASES.items() if other is case)
    assert case.title
    assert case.fits >= 1


def test_an_unknown_case_is_named_beside_the_known():
    with pytest.raises(KeyError, match=r"no case named moon; there are flights"):
        cases(["flights", "moon"])


def test_made_data_are_the_same_every_time():
    one, two = datasets.synthetic.__wrapped__(2000), datasets.synthetic.__wrapped__(2000)
    np.testing.assert_array_equal(one.X, two.X)
    np.testing.assert_array_equal(one.y, two.y)
    assert one.X.shape == (2000, 28)
    assert one.X.dtype == np.float32
    assert np.isfinite(one.X).all()
    assert 0.4 < one.y.mean() < 0.6


def test_missing_data_say_where_they_are_looked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("FASTML_DATA", str(tmp_path))
    with pytest.raises(datasets.DataMissing, match=rf"FASTML_DATA={tmp_path} has no letter\.npz"):
        datasets.letter.__wrapped__()
    monkeypatch.delenv("FASTML_DATA")
    with pytest.raises(datasets.DataMissing, match="set FASTML_DATA"):
        datasets.letter.__wrapped__()


def test_multiway_trees_over_more_and_more_rows(monkeypatch, capsys):
    X = pd.DataFrame({"day": np.arange(300) % 7, "from": np.arange(300) % 9}).astype({"from": str})
    data = datasets.Dataset(X, (np.arange(300) % 7 > 4).astype(np.int32), "binary")
    monkeypatch.setattr(datasets, "airline_named", lambda _: data)
    assert multiway.main(["--sizes", "300", "--repeat", "1"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[1:]] == [
        "ID3Classifier", "C45Classifier", "CHAIDClassifier", "CHAIDRegressor",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "base, head, verdict",
    [
        (1.0, 1.1, False),
        (1.0, 1.2, True),
        (0.1, 0.14, False),
        (0.1, 0.16, True),
        (10.0, 11.0, False),
        (2.0, 1.0, False),
    ],
)
def test_slower_needs_both_the_share_and_the_seconds(base, head, verdict):
    assert compare.slower(base, head) is verdict


def test_a_peer_runs_and_the_results_become_a_picture_and_a_table(tmp_path, capsys):
    result, out = tmp_path / "result.json", tmp_path / "picture.svg"
    arguments = ["--cases", "small", "--libraries", "scikit-learn", "--repeat", "1", "--threads", "1"]
    assert bench_peers.main([*arguments, "--json", str(result)]) == 0
    record = json.loads(result.read_text())["records"][0]
    assert record["ratio"] == 1
    assert record["score"] > 0.5
    assert measure.installed("scikit-learn") in result.read_text()
    readme = tmp_path / "README.md"
    readme.write_text(f"above\n{plot.BEGIN}\nold\n{plot.END}\nbelow\n")
    assert plot.main([str(result), "--out", str(out), "--readme", str(readme)]) == 0
    assert "100 rows x 5" in out.read_text()
    assert "scikit-learn" in readme.read_text()
    assert "old" not in readme.read_text()
    assert readme.read_text().startswith("above\n")
    assert readme.read_text().endswith("\nbelow\n")
