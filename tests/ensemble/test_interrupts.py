"""Ctrl-C inside the growth of one tree: it ends long before the tree would, and what is complete is kept."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from fastml._engines import runtime
from fastml.ensemble import AdaBoostClassifier, AdaBoostRegressor, weight_boosting
from fastml.interrupts import watched
from fastml.tree import DecisionTreeClassifier

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT to a process")

CHILD = """
import sys, warnings
import numpy as np
from fastml.ensemble import *
from fastml.exceptions import FitInterrupted
from fastml.tree import *
rng = np.random.default_rng(0)
X = rng.normal(size=({n}, {d})).astype(np.float32)
y = np.round(X @ rng.normal(size={d}) + rng.normal(size={n}), 2)
class Started:
    def before_iteration(self, *arguments):
        print("started", flush=True)
model = {model}
if hasattr(model, "callbacks"):
    model.callbacks = [Started()]
else:
    print("started", flush=True)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    try:
        model.fit(X, {target})
    except KeyboardInterrupt:
        print("KeyboardInterrupt", flush=True)
        small = {model}.fit(X[:1000], {target}[:1000])  # nothing is left behind
        print(np.isfinite(small.predict(X[:10])).all(), flush=True)
        sys.exit()
print("FitInterrupted" if any(w.category is FitInterrupted for w in caught) else "complete", flush=True)
print({after}, flush=True)
"""


def interrupted_child(model, n, d, target="y", after="np.isfinite(model.predict(X[:100])).all()", seconds=2.0):
    """The lines that a fit prints which gets SIGINT after some seconds; it would take minutes."""
    code = CHILD.format(model=model, n=n, d=d, target=target, after=after)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(p or "." for p in sys.path)}
    child = subprocess.Popen([sys.executable, "-c", code], env=env, stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout.readline() == "started\n"
        time.sleep(seconds)
        child.send_signal(signal.SIGINT)
        said, _ = child.communicate(timeout=60)
    finally:
        child.kill()
        child.wait()
    assert child.returncode == 0
    return said.split()


@pytest.mark.parametrize("model", [
    "DecisionTreeRegressor(criterion='absolute_error', n_jobs=2)",
    "DecisionTreeRegressor(criterion='absolute_error', max_leaf_nodes=100000)",
    "RandomForestRegressor(1, criterion='absolute_error', bootstrap=False, n_jobs=2)",
    "AdaBoostRegressor(DecisionTreeRegressor(criterion='absolute_error'))",
    "BaggingRegressor(DecisionTreeRegressor(criterion='absolute_error'), 4, max_features=0.9)",
])  # fmt: skip
def test_a_tree_that_is_not_complete_is_no_model(model):
    assert interrupted_child(model, 400_000, 15) == ["KeyboardInterrupt", "True"]


@pytest.mark.parametrize("model", [
    "XGBRegressor(n_estimators=1, tree_method='exact', max_depth=0, min_child_weight=0)",
    "XGBRegressor(n_estimators=1, tree_method='exact', max_depth=0, max_leaves=10**6, grow_policy='lossguide')",
    "XGBRegressor(n_estimators=1, tree_method='hist', max_depth=0, min_child_weight=0)",
])  # fmt: skip
def test_a_round_ends_as_it_is(model):
    after = "len(model.forest_.nodes), np.isfinite(model.predict(X[:100])).all()"
    kind, n_nodes, finite = interrupted_child(model, 600_000, 30, after=after, seconds=0.3)
    assert (kind, finite) == ("FitInterrupted", "True")
    assert 1 <= int(n_nodes) < 200_000  # of 340,000


def test_a_forest_keeps_the_trees_that_are_complete():
    after = """len(model.estimators_), (model.predict(X[:500]) == RandomForestRegressor(
        len(model.estimators_), random_state=1, n_jobs=2).fit(X, y).predict(X[:500])).all()"""
    said = interrupted_child("RandomForestRegressor(2000, random_state=1, n_jobs=2)", 20_000, 8, after=after)
    assert said[0] == "FitInterrupted"
    assert 0 < int(said[1]) < 2000
    assert said[2] == "True"


@pytest.mark.parametrize("cls", [AdaBoostClassifier, AdaBoostRegressor])
def test_adaboost_leaves_out_a_member_that_is_not_complete(cls, monkeypatch):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(300, 4)), rng.integers(0, 2, 300)
    answers = iter([False, False, True])
    monkeypatch.setattr(weight_boosting, "interrupted", lambda: next(answers))
    model = cls(n_estimators=10).fit(X, y)
    assert len(model) == 2
    assert model.stop_reason_ == "interrupt"
    monkeypatch.undo()
    np.testing.assert_array_equal(model.predict(X), cls(n_estimators=2).fit(X, y).predict(X))
    answers = iter([True])
    monkeypatch.setattr(weight_boosting, "interrupted", lambda: next(answers))
    with pytest.raises(KeyboardInterrupt):
        cls(n_estimators=10).fit(X, y)


def test_only_who_watches_is_stopped():
    assert runtime.stop_address() == 0
    with watched():
        assert runtime.stop_address() != 0
        assert not runtime.interrupted()
        with watched():  # one is enough
            pass
        assert runtime.stop_address() != 0
    assert runtime.stop_address() == 0
    previous = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        with watched():  # someone else's handler
            assert runtime.stop_address() == 0
            DecisionTreeClassifier().fit([[0], [1]], [0, 1])
    finally:
        signal.signal(signal.SIGINT, previous)


def test_the_handler_is_pythons_again():
    with pytest.raises(KeyboardInterrupt), watched():
        signal.raise_signal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    with watched():
        assert not runtime.interrupted()
