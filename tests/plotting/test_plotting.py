"""Pictures: what is drawn is what was given, and bad input is refused with a reason."""

import subprocess
import sys

import numpy as np
import pytest

from fastml import plotting

figure = pytest.importorskip("matplotlib.figure")

EVALS = {
    "training": {"auc": [0.6, 0.7], "logloss": [0.5, 0.4]},
    "validation": {"auc": [0.5, 0.6], "logloss": [0.6, 0.5]},
}


@pytest.fixture
def ax():
    return figure.Figure().subplots()


def test_learning_curve_draws_each_data_set(ax):
    plotting.plot_learning_curve(EVALS, best_iteration=1, ax=ax)
    lines = {line.get_label(): list(line.get_ydata()) for line in ax.lines}
    assert lines["training"] == [0.5, 0.4]  # the last metric is what early stopping watches
    assert lines["validation"] == [0.6, 0.5]
    assert "best round, 2" in lines
    assert ax.get_ylabel() == "logloss"


def test_learning_curve_refuses_what_was_not_recorded(ax):
    with pytest.raises(ValueError, match="metric='rmse' was not recorded; these were: auc, logloss"):
        plotting.plot_learning_curve(EVALS, metric="rmse", ax=ax)
    with pytest.raises(ValueError, match="eval_set"):
        plotting.plot_learning_curve({}, ax=ax)


def test_importances_stand_in_order(ax):
    plotting.plot_importances([0.1, 0.7, 0.2], ["a", "b", "c"], n_shown=2, ax=ax)
    assert [bar.get_width() for bar in ax.patches] == [0.2, 0.7]
    with pytest.raises(ValueError, match="names has 1 entries for 2 importances"):
        plotting.plot_importances([0.5, 0.5], ["a"], ax=ax)


def test_importances_of_an_estimator_take_its_names(ax):
    class Fitted:
        feature_importances_ = np.array([0.4, 0.6])
        feature_names_in_ = np.array(["left", "right"], dtype=object)

    plotting.plot_importances(Fitted(), ax=ax)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["left", "right"]


def test_roc_curve_says_the_area(ax):
    plotting.plot_roc_curve([False, True, False, True], [0.1, 0.9, 0.4, 0.35], ax=ax)
    assert ax.lines[-1].get_label() == "AUC 0.7500"


def test_confusion_matrix_shows_shares(ax):
    plotting.plot_confusion_matrix(["a", "a", "b"], ["a", "b", "b"], classes=["a", "b", "c"], ax=ax)
    assert ax.images[0].get_array().tolist() == [[0.5, 0.5, 0], [0, 1, 0], [0, 0, 0]]


@pytest.mark.parametrize("n_samples", [1, 100, 20_000])
def test_residuals_are_drawn_for_few_and_for_many_rows(ax, n_samples):
    truth = np.random.default_rng(0).normal(size=n_samples)
    plotting.plot_residuals(truth, truth * 0.9, ax=ax)
    assert len(ax.collections) == 1


@pytest.mark.parametrize("n_classes", [None, 2, 3, 60])
@pytest.mark.parametrize("evals", [EVALS, {}])
def test_a_training_becomes_one_picture(tmp_path, n_classes, evals):
    rng = np.random.default_rng(0)
    classes = None if n_classes is None else np.arange(n_classes)
    output = rng.random(90) if classes is None else rng.random((90, n_classes))
    truth = rng.random(90) if classes is None else np.arange(90) % n_classes
    path = tmp_path / "out.png"
    plotting.draw_training(
        str(path), evals_result=evals, best_iteration=None, feature_names=["a", "b"], importances=np.array([0.2, 0.8]),
        y_true=truth, output=output, classes=classes, title="T",
    )
    assert path.read_bytes().startswith(b"\x89PNG")


def test_a_picture_of_an_unknown_kind_is_refused():
    plotting.check_picture("out.png")
    with pytest.raises(ValueError, match=r"out.docx: the suffix says what to draw, one of .*png"):
        plotting.check_picture("out.docx")


def test_the_package_waits_with_loading_matplotlib():
    code = "import sys, fastml.plotting; print('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
