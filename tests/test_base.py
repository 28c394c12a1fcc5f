"""The seam to scikit-learn: callbacks are heard, asked for what they need, and cost nothing when nobody listens."""

import pytest

from fastml import base
from fastml.base import BaseEstimator, CallbackSupport, clone, fit_tasks

callback = pytest.importorskip("sklearn.callback", reason="scikit-learn >= 1.9 has the protocol")


class Loop(CallbackSupport, BaseEstimator):
    def __init__(self, rounds=3, fail_at=None):
        self.rounds, self.fail_at = rounds, fail_at

    def fit(self, X=None, y=None):
        with fit_tasks(self, self.rounds, X=X, y=y) as tasks:
            for i in range(self.rounds):
                tasks.begin(f"round {i}")
                self.n_rounds_ = i + 1
                if i == self.fail_at:
                    raise KeyboardInterrupt
                if tasks.end(lambda: {"n_rounds_": i + 1}):  # noqa: B023 - called within the round
                    break
        return self


class Recorder:
    def __init__(self, stop_after=None):
        self.stop_after, self.seen = stop_after, []

    def setup(self, estimator, context):
        self.seen.append("setup")

    def teardown(self, estimator, context):
        self.seen.append("teardown")

    def on_fit_task_begin(self, estimator, context, *, X=None):
        self.seen.append(("begin", context.task_name, X))

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        self.seen.append(("end", context.task_name, getattr(fitted_estimator, "n_rounds_", None)))
        return context.task_name == f"round {self.stop_after}"


class Travelling(Recorder):
    max_propagation_depth = None


def test_nobody_listens():
    model = Loop().fit()
    assert model.n_rounds_ == 3
    assert not hasattr(model, "_callback_fit_ctx")


def test_callbacks_hear_every_round():
    recorder = Recorder()
    model = Loop(2).set_callbacks(recorder).fit("X")
    rounds = [(what, f"round {i}", i + 1 if what == "end" else "X") for i in range(2) for what in ("begin", "end")]
    assert recorder.seen == ["setup", ("begin", "fit", "X"), *rounds, ("end", "fit", 2), "teardown"]
    assert not hasattr(model, "_callback_fit_ctx")
    assert clone(model).fit().n_rounds_ == 2  # a clone keeps its callbacks


def test_a_callback_may_stop_the_fit():
    assert Loop(9).set_callbacks(Recorder(stop_after=1)).fit().n_rounds_ == 2


def test_teardown_comes_whatever_happens():
    recorder = Recorder()
    with pytest.raises(KeyboardInterrupt):
        Loop(9, fail_at=1).set_callbacks(recorder).fit()
    assert recorder.seen[-1] == "teardown"


def test_callbacks_can_be_taken_away():
    recorder = Recorder()
    Loop().set_callbacks(recorder).set_callbacks().fit()
    assert recorder.seen == []


def test_what_is_no_callback():
    with pytest.raises(TypeError, match="FitCallback protocol"):
        Loop().set_callbacks(print)


def test_inside_a_pipeline():
    pipeline_module = pytest.importorskip("sklearn.pipeline")
    recorder = Travelling()
    pipeline = pipeline_module.make_pipeline(Loop(2)).set_callbacks(recorder)
    pipeline.steps[0] = ("loop", Loop(2))
    pipeline.fit([[1.0]], [1.0])
    assert ("end", "round 1", 2) in recorder.seen
    pipeline.set_callbacks().fit([[1.0]], [1.0])


def test_without_the_protocol(monkeypatch):
    monkeypatch.setattr(base, "_protocol", lambda: None)
    with pytest.raises(ImportError, match=r"needs scikit-learn >= 1\.9"):
        Loop().set_callbacks(Recorder())
    Loop().set_callbacks().fit()
