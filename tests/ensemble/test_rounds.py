"""The loop over rounds: progress, budgets, Ctrl-C, XGBoost's and scikit-learn's callbacks."""

import logging
import pickle
import signal
import threading
import time
import warnings

import numpy as np
import pytest

from fastml.base import SKLEARN_VERSION, BaseEstimator, CallbackSupport, RegressorMixin, clone, fit_tasks
from fastml.ensemble.callbacks import LearningRateScheduler, Monitor, ProgressTable, TrainingCallback
from fastml.ensemble.rounds import Rounds
from fastml.exceptions import FitInterrupted


def run(n=5, body=None, **options):
    with Rounds(n, **options) as loop:
        for i in loop:
            if body is not None:
                body(loop, i)
    return loop


def test_plain_loop():
    seen = []
    loop = run(3, lambda _, i: seen.append(i), start=2)
    assert seen == [2, 3, 4]
    assert loop.n_done == 3
    assert loop.stop_reason is None


def test_silent_loop_costs_little():
    run(10)
    best = min(_timed(lambda: run(1000)) for _ in range(5))
    assert best < 0.02  # 20 microseconds a round is far above what it takes: this guards against a slip


def _timed(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def report(loop, i):
    loop.report({"validation_0": {"logloss": 1 / (i + 1), "auc": 0.5}, "validation_1": {"logloss": 2.0}})


def test_verbose_prints_as_xgboost_does(capsys):
    run(5, report, verbose=3)
    assert capsys.readouterr().out.splitlines() == [
        "[0]\tvalidation_0-logloss:1.00000\tvalidation_0-auc:0.50000\tvalidation_1-logloss:2.00000",
        "[3]\tvalidation_0-logloss:0.25000\tvalidation_0-auc:0.50000\tvalidation_1-logloss:2.00000",
        "[4]\tvalidation_0-logloss:0.20000\tvalidation_0-auc:0.50000\tvalidation_1-logloss:2.00000",
    ]
    assert len(run(2, report, verbose=True).evals_log["validation_0"]["auc"]) == 2
    assert len(capsys.readouterr().out.splitlines()) == 2
    run(5, report)
    run(5, verbose=True)
    assert capsys.readouterr().out == ""
    with pytest.raises(ValueError, match="period=-1"):
        run(2, verbose=-1)


def test_max_time_stops_between_rounds_and_after_one_at_least(caplog):
    caplog.set_level(logging.INFO)
    loop = run(1000, lambda *_: time.sleep(0.002), max_time=0.01)
    assert loop.stop_reason == "max_time"
    assert 1 <= loop.n_done <= 6
    assert "stopped after" in caplog.text
    assert run(5, max_time=1e-9).n_done == 1
    assert run(1, max_time=1e-9).stop_reason is None
    for bad in (0, -1, float("nan")):
        with pytest.raises(ValueError, match="max_time="):
            run(1, max_time=bad)


def test_ctrl_c_ends_the_loop_after_the_round_that_is_under_way():
    finished = []

    def body(_, i):
        if i == 2:
            signal.raise_signal(signal.SIGINT)
        finished.append(i)

    with pytest.warns(FitInterrupted, match="interrupted after 3 of 9 rounds"):
        loop = run(9, body)
    assert finished == [0, 1, 2]
    assert loop.stop_reason == "interrupt"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_second_ctrl_c_raises():
    def body(*_):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        run(9, body)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_keyboard_interrupt_in_a_callback_is_ctrl_c():
    class Impatient(TrainingCallback):
        def after_iteration(self, model, epoch, evals_log):
            raise KeyboardInterrupt

    with pytest.warns(FitInterrupted):
        assert run(5, callbacks=[Impatient()]).n_done == 1


def test_an_error_restores_the_handler_and_comes_through():
    with pytest.raises(ZeroDivisionError):
        run(5, lambda *_: 1 / 0)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_foreign_handlers_and_other_threads_are_left_alone():
    def mine(*_):
        pass

    previous = signal.signal(signal.SIGINT, mine)
    try:
        run(1, lambda *_: (signal.getsignal(signal.SIGINT) is mine) or pytest.fail("replaced"))
    finally:
        signal.signal(signal.SIGINT, previous)
    loops = []
    thread = threading.Thread(target=lambda: loops.append(run(3)))
    thread.start()
    thread.join()
    assert loops[0].n_done == 3


class Recorder(TrainingCallback):
    def __init__(self):
        self.calls = []

    def before_training(self, model):
        self.calls.append("before")
        return model

    def after_training(self, model):
        self.calls.append("after")
        return model

    def before_iteration(self, model, epoch, evals_log):
        self.calls.append(("begin", epoch, model.num_boosted_rounds()))
        return epoch == 3

    def after_iteration(self, model, epoch, evals_log):
        self.calls.append(("end", epoch, evals_log["validation_0"]["logloss"][-1]))
        return False


def test_xgboost_hooks_in_order():
    recorder = Recorder()
    loop = run(9, report, callbacks=[recorder], start=1)
    assert recorder.calls == [
        "before", ("begin", 1, 1), ("end", 1, 0.5), ("begin", 2, 2), ("end", 2, 1 / 3), ("begin", 3, 3), "after",
    ]  # fmt: skip
    assert loop.n_done == 2
    assert loop.stop_reason == "callback"


def test_stop_from_the_body():
    loop = run(9, lambda loop, i: loop.stop("converged") if i == 1 else None)
    assert loop.n_done == 2
    assert loop.stop_reason == "converged"


def test_learning_rate_schedule():
    rates = []
    run(3, lambda loop, i: rates.append(loop.learning_rate), callbacks=[LearningRateScheduler([0.3, 0.2, 0.1])])
    assert rates == [0.3, 0.2, 0.1]
    with pytest.raises(ValueError, match="learning_rates has 1 values"):
        run(3, callbacks=[LearningRateScheduler([0.3])])
    with pytest.raises(TypeError, match="learning_rates=3"):
        LearningRateScheduler(3)


def test_xgboost_callback_classes_work(capsys):
    callback = pytest.importorskip("xgboost").callback
    rates = []
    run(
        3,
        lambda loop, i: (report(loop, i), rates.append(loop.learning_rate)),
        callbacks=[callback.LearningRateScheduler(lambda epoch: 0.5**epoch), callback.EvaluationMonitor()],
    )
    assert rates == [None, 1.0, 0.5]
    assert capsys.readouterr().out.splitlines()[1].startswith("[1]\tvalidation_0-logloss:0.50000")


def test_model_seen_by_callbacks():
    class Estimator:
        max_depth = 6

    def after(model, epoch, evals_log):
        assert model.max_depth == 6
        with pytest.raises(ValueError, match="only learning_rate"):
            model.set_param("max_depth", 3)
        with pytest.raises(ValueError, match="must be > 0"):
            model.set_param({"eta": -1})
        with pytest.raises(AttributeError, match="early stopping"):
            model.best_iteration  # noqa: B018
        model.set_attr(note="x")
        assert model.attr("note") == "x"
        assert model.attributes() == {"note": "x"}
        model.set_attr(note=None)
        assert model.attr("note") is None

    callback = TrainingCallback()
    callback.after_iteration = after
    assert run(2, callbacks=[callback], estimator=Estimator()).n_done == 2


def test_what_is_no_callback():
    with pytest.raises(TypeError, match="has none of the methods"):
        run(1, callbacks=[print])
    with pytest.raises(TypeError, match="class Recorder"):
        run(1, callbacks=[Recorder])

    class OfSklearn:
        def on_fit_task_end(self, estimator, context):
            pass

    with pytest.raises(TypeError, match="set_callbacks"):
        run(1, callbacks=[OfSklearn()])


def test_monitor_and_table_of_scikit_learn(capsys):
    def body(loop, i):
        loop.report({"train": {"loss": 1.0, "oob_improvement": 0.25}})

    run(100, body, callbacks=[ProgressTable(100, 1)])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["Iter", "Train", "Loss", "OOB", "Improve", "Remaining", "Time"]
    assert [int(line.split()[0]) for line in lines[1:]] == [*range(1, 11), *range(20, 101, 10)]
    run(12, body, callbacks=[ProgressTable(12, 2)])
    assert len(capsys.readouterr().out.splitlines()) == 13
    estimator = object()
    seen = []
    loop = run(9, callbacks=[Monitor(lambda i, est, local: seen.append(est) or i == 2, estimator)])
    assert loop.n_done == 3
    assert seen == [estimator] * 3
    with pytest.raises(TypeError, match="monitor=1"):
        Monitor(1, None)


class Boosted(CallbackSupport, RegressorMixin, BaseEstimator):
    """The least estimator that uses the loop as a booster does."""

    def __init__(self, n_estimators=5, refit=False):
        self.n_estimators = n_estimators
        self.refit = refit

    def fit(self, X, y, sample_weight=None):
        n, n_loops = self.n_estimators, 1 + self.refit
        with fit_tasks(self, n * n_loops, X=X, y=y, metadata={"sample_weight": sample_weight}) as tasks:
            for _ in range(n_loops):
                self._boost(n, tasks)
        return self

    def _boost(self, n, tasks):
        with Rounds(n, estimator=self, tasks=tasks, fitted=lambda: {"n_": loop.n_done}) as loop:
            for _ in loop:
                pass
        self.n_ = loop.n_done

    def predict(self, X):
        return np.full(len(X), float(self.n_))


needs_callbacks = pytest.mark.skipif(SKLEARN_VERSION < (1, 9), reason="scikit-learn has no callbacks yet")
X, Y = np.zeros((4, 1)), np.arange(4.0)


class Watch:
    """A callback of scikit-learn's protocol that stops after some rounds."""

    def __init__(self, stop_after=None):
        self.stop_after = stop_after
        self.events = []

    def setup(self, estimator, context):
        self.events.append("setup")

    def teardown(self, estimator, context):
        self.events.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        self.events.append(("begin", context.task_name, context.task_id))

    def on_fit_task_end(self, estimator, context, *, X=None, y=None, metadata=None, fitted_estimator=None):
        self.events.append(("end", context.task_name, context.task_id, fitted_estimator.predict(X)[0]))
        return context.task_name == "round" and context.task_id + 1 == self.stop_after


@needs_callbacks
def test_scikit_learn_callback_sees_rounds_and_can_stop():
    watch = Watch(stop_after=2)
    model = Boosted().set_callbacks(watch).fit(X, Y, sample_weight=Y)
    assert model.n_ == 2
    assert watch.events == [
        "setup", ("begin", "fit", 0), ("begin", "round", 0), ("end", "round", 0, 1.0),
        ("begin", "round", 1), ("end", "round", 1, 2.0), ("end", "fit", 0, 2.0), "teardown",
    ]  # fmt: skip
    assert clone(model)._skl_callbacks == model._skl_callbacks
    model.set_callbacks().fit(X, Y)
    assert model.n_ == 5
    assert watch.events[-1] == "teardown"


@needs_callbacks
def test_refit_and_teardown_after_an_error():
    watch = Watch()
    Boosted(n_estimators=2, refit=True).set_callbacks(watch).fit(X, Y)
    begun = [event[1:] for event in watch.events if event[0] == "begin"]
    assert begun == [("fit", 0), ("round", 0), ("round", 1), ("round", 2), ("round", 3)]
    watch = Watch()
    with pytest.raises(TypeError):
        Boosted(n_estimators=2).set_callbacks(watch).fit(X, Y, sample_weight=1).n_ + "error"
    assert watch.events[-1] == "teardown"


@needs_callbacks
def test_scikit_learns_own_callbacks():
    from sklearn.callback import ProgressBar, ScoringMonitor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    monitor = ScoringMonitor(scoring="neg_mean_squared_error")
    Boosted().set_callbacks(monitor).fit(X, Y)
    logged = monitor.get_logs().data
    assert len(logged) == 6  # five rounds and the fit
    pytest.importorskip("rich")
    pipeline = make_pipeline(StandardScaler(), Boosted(refit=True))
    pipeline.set_callbacks(ProgressBar(max_propagation_depth=None))
    assert pipeline.fit(X, Y)[-1].n_ == 5


def test_without_callbacks_nothing_is_loaded_or_kept():
    model = Boosted()
    assert vars(pickle.loads(pickle.dumps(model.fit(X, Y)))).keys() == {"n_estimators", "refit", "n_"}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(X, Y)
