"""A model file of an older release stays readable: the golden file predicts what it predicted when it was written.

`python -m tests.test_golden` writes those that are not there; a new version of the format gets a new name.
"""

from pathlib import Path

import numpy as np
import pytest

from fastml.ensemble import XGBClassifier
from fastml.io import load
from fastml.tree import C45Classifier, CHAIDClassifier

FOLDER = Path(__file__).parent / "golden"


def rows() -> np.ndarray:
    X = np.random.default_rng(7).normal(size=(300, 4))
    X[::7, 1] = np.nan
    return X


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.fastml")), ids=lambda path: path.stem)
def test_old_files_predict_what_they_predicted(path):
    model = load(path)
    expected = np.load(path.with_suffix(".npy"))
    np.testing.assert_array_equal(model.predict_proba(rows())[:20], expected)
    assert model.classes_.tolist() == ["high", "low", "middle"]


def test_there_is_a_golden_file():
    assert list(FOLDER.glob("*.fastml"))


if __name__ == "__main__":
    X = rows()
    y = np.array(["low", "middle", "high"])[np.digitize(np.nan_to_num(X[:, 0] + X[:, 1]), [-0.5, 0.5])]
    models = {
        "xgb_classifier_v1": XGBClassifier(n_estimators=5, max_depth=3),
        "c45_classifier_v1": C45Classifier(),
        "chaid_classifier_v1": CHAIDClassifier(),
    }
    for name, model in models.items():
        if not (FOLDER / f"{name}.fastml").exists():
            model.fit(X, y).save(FOLDER / f"{name}.fastml")
            np.save(FOLDER / f"{name}.npy", model.predict_proba(X)[:20])
