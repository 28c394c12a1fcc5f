"""Support vector machines that are watched, stopped and resumed; bad input; probabilities that agree with labels."""

import os
import signal
import threading
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.exceptions import ConvergenceWarning

import fastml.io
import fastml.svm
import fastml.svm.precision
from fastml.ensemble.callbacks import TrainingCallback
from fastml.exceptions import FitInterrupted
from fastml.svm import SVC, SVR, NuSVC, NuSVR, OneClassSVM
from fastml.svm.calibration import agreeing, coupled, fit_slopes
from fastml.svm.mixed import MixedSVC, MixedSVR
from fastml.svm.starts import feasible

TYPES = ["SVC", "NuSVC", "SVR", "NuSVR", "OneClassSVM"]


def data(n=200, n_classes=2, seed=0):
    return make_classification(n, 6, n_informative=5, n_redundant=0, n_classes=n_classes, flip_y=0.2, random_state=seed)


@pytest.fixture
def frequent_looks(monkeypatch):
    """A solver that looks up after every few steps, so that small fits can be watched."""
    monkeypatch.setattr(fastml.svm.precision, "STEPS_BETWEEN_LOOKS", 1.0)
    return 256


class Recorder(TrainingCallback):
    def __init__(self, stop_after=None):
        self.gaps, self.stop_after = [], stop_after

    def after_iteration(self, model, epoch, evals_log):
        self.gaps.append(evals_log["training"]["gap"][-1])
        return self.stop_after is not None and len(self.gaps) >= self.stop_after


@pytest.mark.parametrize("name", TYPES)
def test_a_fit_that_was_stopped_goes_on_where_it_was(name):
    X, y = data()
    own = {"C": 50.0} if name in ("SVC", "SVR") else {}
    steps = 20 if name == "OneClassSVM" else 150
    model = getattr(fastml.svm, name)(max_iter=steps, warm_start=True, tol=1e-5, **own)
    gaps = []
    with pytest.warns(ConvergenceWarning, match="terminated early"):
        model.fit(X, y)
    said = "decision_function" if hasattr(model, "decision_function") else "predict"
    assert np.isfinite(getattr(model, said)(X)).all()
    assert not model.converged_
    for _ in range(500):
        gaps.append(model.gap_)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(X, y)
        if model.converged_:
            break
    assert model.converged_
    assert gaps[0] > model.tol
    whole = clone(model).set_params(max_iter=-1).fit(X, y)
    np.testing.assert_allclose(getattr(model, said)(X), getattr(whole, said)(X), atol=5e-4)


def test_a_warm_start_along_C_takes_few_steps():
    X, y = data(400)
    warm = SVC(C=1.0, warm_start=True, tol=1e-4).fit(X, y)
    warm.fit(X, y)
    assert warm.n_iter_[0] == 0
    warm.set_params(C=1.1).fit(X, y)
    cold = SVC(C=1.1, tol=1e-4).fit(X, y)
    assert warm.n_iter_[0] < cold.n_iter_[0]
    assert warm.objective_[0] == pytest.approx(cold.objective_[0], rel=1e-5)
    with pytest.raises(ValueError, match="warm_start=True goes on from a fit of 400 rows"):
        warm.fit(X[:50], y[:50])


def test_a_time_budget_ends_a_fit(frequent_looks):
    X, y = data(300)
    with pytest.warns(ConvergenceWarning, match=r"max_time=1e-06.*gap is"):
        model = SVR(C=1e4, gamma=1.0, max_time=1e-6, tol=1e-9).fit(X, y)
    assert model.stop_reason_ == "max_time"
    assert model.n_iter_ == frequent_looks
    assert model.gap_ > model.tol
    assert np.isfinite(model.predict(X)).all()


def test_a_callback_sees_the_gap_and_can_stop(frequent_looks):
    X, y = data(300)
    seen = Recorder()
    model = SVR(C=1e3, tol=1e-6, callbacks=[seen]).fit(X, y)
    assert len(seen.gaps) > 3
    assert seen.gaps[-1] == model.gap_
    assert model.stop_reason_ is None
    with pytest.warns(ConvergenceWarning, match="stopped early"):
        stopped = SVR(C=1e3, tol=1e-6, callbacks=[Recorder(stop_after=2)]).fit(X, y)
    assert stopped.stop_reason_ == "callback"
    assert stopped.n_iter_ == 2 * frequent_looks


def test_ctrl_c_leaves_a_model(frequent_looks):
    X, y = data(300, n_classes=3)

    class Interrupts(TrainingCallback):
        def after_iteration(self, model, epoch, evals_log):
            os.kill(os.getpid(), signal.SIGINT)
            return False

    if threading.current_thread() is not threading.main_thread():
        pytest.skip("signals reach the main thread only")
    model = SVC(C=1e4, tol=1e-7, callbacks=[Interrupts()])
    with pytest.warns(FitInterrupted, match=r"interrupted after .* gap of .* of problem 1 of 3"):
        model.fit(X, y)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert model.stop_reason_ == "interrupt"
    assert not model.converged_
    assert set(model.predict(X)) <= set(model.classes_)


def test_verbose_prints_the_gap(capsys, frequent_looks):
    X, y = data()
    SVC(verbose=True).fit(X, y)
    assert "training-gap:" in capsys.readouterr().out
    SVC().fit(X, y)
    assert capsys.readouterr().out == ""


@given(st.integers(0, 2**32), st.integers(1, 20), st.floats(-1, 1))
def test_a_start_is_inside_and_has_its_sum(seed, n, share):
    rng = np.random.default_rng(seed)
    lower, upper = -rng.choice([0.0, 1.0, 3.0], n), rng.choice([0.0, 1.0, 3.0], n)
    total = share * (upper.sum() if share > 0 else -lower.sum())
    found = feasible(rng.normal(size=n) * 3, lower, upper, total)
    assert (found >= lower).all()
    assert (found <= upper).all()
    assert found.sum() == pytest.approx(total, abs=1e-9)


# What is refused, and how

BAD = [
    ({"C": 0.0}, "'C' parameter of SVC must be .* Got 0.0"),
    ({"C": -1.0}, "'C' parameter"),
    ({"gamma": 0.0}, "'gamma' parameter of SVC must be .* Got 0.0"),
    ({"gamma": "scales"}, "Did you mean 'scale'"),
    ({"tol": 0.0}, "'tol' parameter"),
    ({"kernel": "rbff"}, "Did you mean 'rbf'"),
    ({"cache_size": 1e-4}, r"cache_size=0.0001 MB is less than two rows.*at least 0.0015 MB"),
    ({"max_time": 0}, "'max_time' parameter"),
    ({"class_weight": {7: 2.0}}, "class_weight names"),
]


@pytest.mark.parametrize(("parameters", "message"), BAD)
def test_bad_parameters_are_named(parameters, message):
    X, y = data()
    with pytest.raises(ValueError, match=message):
        SVC(**parameters).fit(X, y)


def test_bad_matrices_are_named():
    X, y = data(40)
    K = X @ X.T
    with pytest.raises(ValueError, match=r"square matrix. Input is a 40x30 matrix"):
        SVC(kernel="precomputed").fit(K[:, :30], y)
    K[3, 5] += 0.25
    with pytest.raises(ValueError, match=r"not symmetric: K\[.*0.25 apart; symmetrise"):
        SVC(kernel="precomputed").fit(K, y)
    with pytest.raises(ValueError, match="kernel `lopsided` is not symmetric"):
        SVC(kernel=lopsided).fit(X, y)
    with pytest.raises(ValueError, match="kernel `broken` gave nan for row 0 of X and row 0 of the fit"):
        SVC(kernel=broken).fit(X, y)
    with pytest.raises(ValueError, match=r"kernel `short` gave a matrix of shape \(1, 40\)"):
        SVC(kernel=short).fit(X, y)


def lopsided(X, Z):
    return X @ Z.T + np.arange(len(X))[:, None]


def broken(X, Z):
    return np.full((len(X), len(Z)), np.nan)


def short(X, Z):
    return (X @ Z.T)[:1]


@pytest.mark.parametrize("name", TYPES)
def test_bad_rows_and_weights_are_named(name):
    X, y = data(40)
    model = getattr(fastml.svm, name)()
    for bad, message in ((np.inf, "infinity"), (np.nan, "NaN")):
        broken_X = X.copy()
        broken_X[3, 2] = bad
        with pytest.raises(ValueError, match=message):
            model.fit(broken_X, y)
    with pytest.raises(ValueError, match="could not convert string"):
        model.fit(np.where(X > 0, "a", "b"), y)
    for weight, message in (
        (np.zeros(40), "zero or negative weights|infeasible"), (np.ones(39), "incompatible shapes"),
        (np.full(40, np.nan), "sample_weight contains NaN"), (np.ones((40, 2)), "1D"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=message):
            model.fit(X, y, sample_weight=weight)


@pytest.mark.parametrize("Classifier", [SVC, NuSVC])
def test_classes_that_cannot_be_told_apart_are_named(Classifier):
    X, y = data(60, n_classes=3)
    with pytest.raises(ValueError, match=r"greater than one; got 1 class: y holds \[1\]"):
        Classifier().fit(X, np.ones(60, int))
    with pytest.raises(ValueError, match=r"classes \[2\] have zero or negative weights|infeasible"):
        Classifier().fit(X, y, sample_weight=(y != 2).astype(float))


def test_columns_of_unlike_scales_are_named_once():
    X, y = data()
    X[:, 2] *= 1e5
    with pytest.warns(UserWarning, match=r"column 2 of X spreads about 10.*StandardScaler") as said:
        SVC().fit(X, y)
    assert len(said) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        SVC().fit(X / X.std(axis=0), y)
    with pytest.raises(ValueError, match=r"not finite.*scale the data"):
        SVC().fit(np.where(X[0, 0] == X, 1e300, X), y)


# Probabilities


@pytest.mark.parametrize("n_classes", [2, 3, 5])
@pytest.mark.parametrize("options", [{}, {"multi_class": "ovr"}, {"break_ties": True}, {"kernel": "linear", "C": 0.01}])
@pytest.mark.parametrize("Classifier", [SVC, NuSVC])
def test_the_largest_probability_is_the_label(Classifier, options, n_classes):
    X, y = data(150, n_classes, seed=3)
    own = {"nu": 0.3, **{k: v for k, v in options.items() if k != "C"}} if Classifier is NuSVC else options
    model = Classifier(probability=True, random_state=0, **own).fit(X, y)
    points = np.concatenate([X, np.random.default_rng(0).normal(size=(500, 6)) * 4, X * 1e6])
    share = model.predict_proba(points)
    assert share.shape == (len(points), n_classes)
    assert (share >= 0).all()
    np.testing.assert_allclose(share.sum(axis=1), 1.0, atol=1e-12)
    np.testing.assert_array_equal(model.classes_[share.argmax(axis=1)], model.predict(points))
    np.testing.assert_allclose(np.exp(model.predict_log_proba(points)), share)
    again = clone(model).fit(X, y)
    np.testing.assert_array_equal(again.predict_proba(points), share)


def test_probabilities_say_how_often():
    X, y = make_classification(3000, 4, n_informative=3, n_redundant=0, flip_y=0.3, random_state=0)
    model = SVC(probability=True, random_state=0).fit(X[:1000], y[:1000])
    share = model.predict_proba(X[1000:])[:, 1]
    for low, high in ((0.0, 0.25), (0.75, 1.0)):
        own = (share >= low) & (share <= high)
        assert own.sum() > 100
        assert np.mean(y[1000:][own]) == pytest.approx(share[own].mean(), abs=0.05)


def test_probabilities_exist_where_they_are_asked_for():
    X, y = data()
    model = SVC().fit(X, y)
    assert not hasattr(model, "predict_proba")
    assert hasattr(SVC(probability=True), "predict_log_proba")


def test_classes_of_one_row_have_probabilities():
    X = np.arange(12.0).reshape(6, 2)
    model = SVC(probability=True).fit(X, [0, 1, 1, 1, 2, 2])
    np.testing.assert_array_equal(model.predict_proba(X).argmax(axis=1), model.predict(X))


@settings(max_examples=100)
@given(st.integers(0, 2**32), st.integers(2, 6), st.booleans())
def test_agreeing_changes_no_more_than_it_must(seed, k, ties):
    rng = np.random.default_rng(seed)
    share = rng.dirichlet(np.ones(k), 20)
    if ties:
        share = np.round(share * 4) + 1.0
        share /= share.sum(axis=1, keepdims=True)
    said = rng.integers(0, k, 20)
    found = agreeing(share.copy(), said)
    np.testing.assert_array_equal(found.argmax(axis=1), said)
    np.testing.assert_allclose(found.sum(axis=1), 1.0, atol=1e-12)
    for before, after, c in zip(share, found, said, strict=True):
        if before.argmax() == c:
            np.testing.assert_allclose(after, before, atol=1e-15)
        apart = ((after - before) ** 2).sum()  # nearest: no other point with its top at c is closer
        for _ in range(20):
            other = rng.dirichlet(np.ones(k))
            if other.argmax() == c:
                mixed = 0.999 * after + 0.001 * other
                assert ((mixed - before) ** 2).sum() >= apart - 1e-12


def test_coupling_of_pairs_that_agree_gives_their_classes_back():
    share = np.random.default_rng(0).dirichlet(np.ones(4), 30)
    pairs = [share[:, i] / (share[:, i] + share[:, j]) for i in range(4) for j in range(i + 1, 4)]
    np.testing.assert_allclose(coupled(np.stack(pairs, axis=1), 4), share, atol=1e-6)


def test_slopes_maximise_the_likelihood_of_their_side():
    rng = np.random.default_rng(0)
    values = rng.normal(size=4000) * 2
    truth = np.where(rng.random(4000) < 1 / (1 + np.exp(-np.where(values > 0, 0.5, 2.0) * values)), 1.0, -1.0)
    np.testing.assert_allclose(fit_slopes(values, truth, np.ones(4000)), [0.5, 2.0], rtol=0.15)
    np.testing.assert_array_equal(fit_slopes(np.ones(5), -np.ones(5), np.ones(5)), [0.0, 0.0])  # always wrong
    np.testing.assert_array_equal(fit_slopes(np.zeros(3), np.ones(3), np.ones(3)), [1.0, 1.0])  # nothing to go by


def test_an_estimator_of_numbers_and_one_of_one_class_have_no_probabilities():
    assert not any(hasattr(model(), "predict_proba") for model in (SVR, NuSVR, OneClassSVM))


# Frames of numbers and categories, as the command line has them


def test_mixed_columns_are_scaled_and_spread(tmp_path):
    pandas = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    frame = pandas.DataFrame({
        "size": rng.normal(size=200) * 1e6, "town": rng.choice(["Oslo", "Rome", "Bonn"], 200),
        "open": rng.random(200) < 0.5,
    })
    y = (frame["size"] > 0) ^ (frame["town"] == "Rome")
    frame.loc[::9, "size"] = np.nan
    model = MixedSVC(probability=True).fit(frame, y)
    assert model.score(frame, y) > 0.9
    assert model.feature_names_in_.tolist() == ["size", "town", "open"]
    assert model.n_features_in_ == 3
    assert model.support_vectors_.shape[1] == 5
    model.save(tmp_path / "model")
    again = fastml.io.load(tmp_path / "model")
    np.testing.assert_array_equal(again.predict_proba(frame), model.predict_proba(frame))
    other = frame.assign(town="Lima")
    assert set(model.predict(other)) <= {False, True}
    assert MixedSVR(C=10.0).fit(frame, y.astype(float)).score(frame, y.astype(float)) > 0.5
    with pytest.raises(ValueError, match="use SVC or SVR"):
        MixedSVC(kernel="precomputed").fit(frame, y)
    with pytest.raises(ValueError, match="infinity"):
        MixedSVC().fit(frame.assign(size=np.inf), y)
