"""scikit-learn's tests of boosting and of trees pass on fastml's classes."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = [
    "sklearn.cluster.tests.test_hdbscan",
    "sklearn.ensemble.tests.test_gradient_boosting",
    "sklearn.ensemble._hist_gradient_boosting.tests.test_gradient_boosting",
    "sklearn.ensemble.tests.test_forest",
    "sklearn.ensemble.tests.test_weight_boosting",
    "sklearn.ensemble.tests.test_bagging",
    "sklearn.ensemble.tests.test_stacking",
    "sklearn.ensemble.tests.test_voting",
    "sklearn.neighbors.tests.test_ball_tree",
    "sklearn.neighbors.tests.test_kd_tree",
    "sklearn.neighbors.tests.test_neighbors_tree",
    "sklearn.tree.tests.test_tree",
    "sklearn.tree.tests.test_monotonic_tree",
    "sklearn.tree.tests.test_export",
]


WITHOUT_FITS = "sklearn.utils.tests.test_bunch"


def run_upstream(module):
    """In a process of its own: the plugin replaces classes of scikit-learn for good."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "tests.upstream.plugin",
        "-p",
        "no:cacheprovider",
        "--pyargs",
        module,
    ]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


@pytest.mark.parametrize("module", MODULES)
def test_scikit_learns_own_tests_pass(module):
    done = run_upstream(module)
    assert done.returncode == 0, f"{module}\n{done.stdout[-8000:]}{done.stderr[-2000:]}"


def test_a_run_without_a_fit_of_ours_fails():
    done = run_upstream(WITHOUT_FITS)
    assert "0 fits went through fastml" in done.stdout
    assert "failed" not in done.stdout
    assert done.returncode == pytest.ExitCode.TESTS_FAILED
