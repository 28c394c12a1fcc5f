"""A pytest plugin: scikit-learn's test modules, but the public classes they import are fastml's.

    pytest -p tests.upstream.plugin --pyargs sklearn.ensemble.tests.test_gradient_boosting

The classes are replaced when the plugin is loaded, before any test module is. Every fit that returns is counted; a
run in which none did has tested scikit-learn, not us, and fails. Tests that cannot apply stand in skips.toml, each
with its reason; a skip that matches no test is an error, so that the list cannot outlive what it lists.
"""

import functools
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sklearn.cluster
import sklearn.ensemble
import sklearn.neighbors
import sklearn.neighbors._ball_tree
import sklearn.neighbors._kd_tree
import sklearn.tree

import fastml.cluster
import fastml.ensemble
import fastml.neighbors
import fastml.tree
from tests.upstream.hist_adapter import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from tests.upstream.neighbors_adapter import BallTree32, KDTree32

FORESTS = ("ExtraTreesClassifier", "ExtraTreesRegressor", "RandomForestClassifier", "RandomForestRegressor")
TREES = ("DecisionTreeClassifier", "DecisionTreeRegressor", "ExtraTreeClassifier", "ExtraTreeRegressor")
REPLACED = {
    sklearn.cluster: {"HDBSCAN": fastml.cluster.HDBSCAN},
    sklearn.ensemble: {
        "AdaBoostClassifier": fastml.ensemble.AdaBoostClassifier,
        "AdaBoostRegressor": fastml.ensemble.AdaBoostRegressor,
        "BaggingClassifier": fastml.ensemble.BaggingClassifier,
        "BaggingRegressor": fastml.ensemble.BaggingRegressor,
        "GradientBoostingClassifier": fastml.ensemble.GradientBoostingClassifier,
        "GradientBoostingRegressor": fastml.ensemble.GradientBoostingRegressor,
        "HistGradientBoostingClassifier": HistGradientBoostingClassifier,
        "HistGradientBoostingRegressor": HistGradientBoostingRegressor,
        **{name: getattr(fastml.ensemble, name) for name in FORESTS},
    },
    sklearn.neighbors: {"BallTree": fastml.neighbors.BallTree, "KDTree": fastml.neighbors.KDTree},
    sklearn.neighbors._ball_tree: {
        "BallTree": fastml.neighbors.BallTree, "BallTree64": fastml.neighbors.BallTree, "BallTree32": BallTree32,
    },
    sklearn.neighbors._kd_tree: {
        "KDTree": fastml.neighbors.KDTree, "KDTree64": fastml.neighbors.KDTree, "KDTree32": KDTree32,
    },
    sklearn.tree: {name: getattr(fastml.tree, name) for name in (*TREES, "export_text", "plot_tree")},
}
OURS = [
    fastml.cluster.HDBSCAN,
    fastml.ensemble.AdaBoostClassifier,
    fastml.ensemble.AdaBoostRegressor,
    fastml.ensemble.BaggingClassifier,
    fastml.ensemble.BaggingRegressor,
    fastml.ensemble.GradientBoostingClassifier,
    fastml.ensemble.GradientBoostingRegressor,
    fastml.ensemble.XGBClassifier,
    fastml.ensemble.XGBRegressor,
    fastml.ensemble.forest_base.FittableForestClassifier,
    fastml.ensemble.forest_base.FittableForestRegressor,
    fastml.tree.cart._TreeClassifier,
    fastml.tree.cart._TreeRegressor,
]
SKIPS = tomllib.loads((Path(__file__).parent / "skips.toml").read_text(encoding="utf-8"))

n_fits = 0


def _counted(fit: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(fit)
    def counting_fit(*args: Any, **kwargs: Any) -> Any:
        global n_fits
        result = fit(*args, **kwargs)
        n_fits += 1
        return result

    return counting_fit


for ours in OURS:
    ours.fit = _counted(ours.fit)
for tree in (fastml.neighbors.BallTree, fastml.neighbors.KDTree):  # what a tree does in place of a fit
    tree.__init__ = _counted(tree.__init__)  # type: ignore[method-assign]
for package, replacements in REPLACED.items():
    for name, replacement in replacements.items():
        setattr(package, name, replacement)


@pytest.hookimpl(tryfirst=True)  # before -k and -m take tests away
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what skips.toml lists, by a test's name (all its parameters) or by name and parameters."""
    unused = {(module, test) for module, skips in SKIPS.items() for test in skips}
    for item in items:
        module = item.module.__name__  # type: ignore[attr-defined]
        names = (item.name, item.originalname)  # type: ignore[attr-defined]
        for test in dict.fromkeys(name for name in names if name in SKIPS.get(module, {})):
            unused.discard((module, test))
            item.add_marker(pytest.mark.skip(reason=SKIPS[module][test]))
    whole = {item.module.__name__ for item in items}  # type: ignore[attr-defined]
    stale = sorted(f"{module}::{test}" for module, test in unused if module in whole)
    if stale and not any("::" in argument for argument in config.args):
        raise pytest.UsageError(f"skips.toml lists tests that do not exist: {', '.join(stale)}")


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """A run without a fit of ours is a failure."""
    if exitstatus == pytest.ExitCode.OK and n_fits == 0 and not session.config.option.collectonly:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.write_line(f"{n_fits} fits went through fastml")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Some of these tests draw without a seed, and once in a while draw a target of one class."""
    np.random.seed(1)  # noqa: NPY002 - it is what they draw from
