"""Functions of whole arrays as objectives, and where boosting starts with a user's loss."""

import pickle

import numpy as np
import pytest

from fastml.jit import ArrayLoss, BlockLoss, Loss, compile_loss
from fastml.jit.starts import newton_start
from tests.jit.test_losses import CODES, RAW, TARGETS, logistic, rng, squared


def of_arrays(y_true, y_pred):
    return y_pred - y_true, np.ones(len(y_true))


def centred(y, raw):
    return raw - np.mean(y), np.ones_like(raw)


def weighing(y_true, y_pred, sample_weight=None):
    w = np.ones(len(y_true)) if sample_weight is None else sample_weight
    return w * (y_pred - y_true), w


OWN = np.arange(200.0)


def holding(y, raw):
    return OWN * (raw - y), OWN


@pytest.mark.parametrize("function", [of_arrays, centred, weighing, holding])
def test_array_functions_are_found_out(function):
    loss = compile_loss(function, TARGETS)
    assert isinstance(loss, ArrayLoss)
    assert loss.address is None
    weight = np.arange(200.0)
    gradient, hessian = loss.gradient_hessian(TARGETS, RAW, weight)
    np.testing.assert_allclose(hessian, weight * (OWN if function is holding else 1.0))
    assert gradient.shape == (200,)
    again = pickle.loads(pickle.dumps(loss))
    np.testing.assert_array_equal(again.gradient_hessian(TARGETS, RAW, weight)[0], gradient)


def test_the_kind_can_be_said():
    assert isinstance(compile_loss(squared, TARGETS), BlockLoss)
    loss = compile_loss(Loss(gradient_hessian=lambda y, r: (r - y, 0 * r + 1), kind="array"), TARGETS)
    assert isinstance(loss, ArrayLoss)
    np.testing.assert_allclose(loss.gradient_hessian(TARGETS, RAW)[0], RAW - TARGETS)
    with pytest.raises(ValueError, match="with two floats it raised TypeError"):
        compile_loss(Loss(gradient_hessian=of_arrays, kind="scalar"), TARGETS)


def test_many_outputs():
    y = rng.integers(0, 3, 100).astype(float)
    raw = rng.normal(size=(3, 100))

    def softmax(y, raw):
        assert raw.shape == (len(y), 3)
        assert raw.flags.c_contiguous
        p = np.exp(raw)
        p /= p.sum(axis=1, keepdims=True)
        return p - np.eye(3)[y.astype(int)], p * (1 - p)

    def flat(y, raw):
        return tuple(part.ravel() for part in softmax(y, raw))

    for function in (softmax, flat):
        loss = compile_loss(function, y, n_outputs=3)
        gradient, hessian = loss.gradient_hessian(y, raw, np.full(100, 2.0))
        assert gradient.shape == hessian.shape == (3, 100)
        assert gradient.flags.c_contiguous
        np.testing.assert_allclose(gradient.sum(axis=0), 0, atol=1e-12)
        np.testing.assert_allclose(gradient.T, 2 * softmax(y, np.ascontiguousarray(raw.T))[0])
    with pytest.raises(ValueError, match=r"the gradient has shape \(100,\); it must be \(100, 3\)"):
        compile_loss(lambda y, r: (r[:, 0], r[:, 0]), y, n_outputs=3)


def test_array_functions_are_checked_each_round():
    state = {"bad": False}

    def late(y, raw):
        hessian = np.ones(len(y))
        if state["bad"]:
            hessian[3] = state["bad"]
        return raw - y, hessian

    loss = compile_loss(late, TARGETS)
    state["bad"] = np.nan
    with pytest.raises(ValueError, match=r"`late`: the hessian is nan at y=.*, raw="):
        loss.gradient_hessian(TARGETS, RAW)
    state["bad"] = -1.0
    with pytest.warns(UserWarning, match="negative hessian; it counts as 0"):
        assert loss.gradient_hessian(TARGETS, RAW)[1][3] == 0.0
    assert loss.gradient_hessian(TARGETS, RAW)[1][3] == 0.0  # said once


def test_array_functions_may_write_into_what_they_get():
    def greedy(y, raw):
        raw -= y
        y[:] = 1.0
        return raw, y

    loss = compile_loss(greedy, TARGETS)
    y, raw = TARGETS.copy(), RAW.copy()
    np.testing.assert_allclose(loss.gradient_hessian(y, raw)[0], RAW - TARGETS)
    assert np.array_equal(raw, RAW)
    assert np.array_equal(y, TARGETS)


def test_array_value_is_checked_too():
    def value(y, raw):
        return 0.5 * (raw - y) ** 2

    assert isinstance(compile_loss(Loss(value, of_arrays), TARGETS), ArrayLoss)
    held = Loss(lambda y, r: OWN * value(y, r), holding)
    assert isinstance(compile_loss(held, TARGETS), ArrayLoss)
    with pytest.raises(ValueError, match="differences of the value"):
        compile_loss(Loss(value, lambda y, r: (2 * (r - y), np.ones(len(y)))), TARGETS)
    with pytest.raises(ValueError, match="give gradient_hessian as well"):
        compile_loss(Loss(value=lambda y, r: value(y, r) + 0 * y.sum(), kind="array"), TARGETS)


def test_start_is_where_the_gradient_sums_to_zero():
    weight = rng.random(200)
    p = np.average(CODES, weights=weight)
    assert newton_start(compile_loss(logistic, CODES), CODES, weight) == pytest.approx(np.log(p / (1 - p)), abs=1e-6)
    assert newton_start(compile_loss(squared, TARGETS), TARGETS) == pytest.approx(TARGETS.mean())
    far = TARGETS * 1e5
    absolute = compile_loss(lambda y, raw: ((1.0 if raw > y else -1.0), 1.0), far)
    assert newton_start(absolute, far) == pytest.approx(np.median(far), rel=1e-3)
    assert compile_loss(of_arrays, far).start(far) == pytest.approx(np.mean(far))
    rates = compile_loss(lambda y, raw: (np.exp(raw) - y * np.ones(len(y)), np.exp(raw)), far)
    assert rates.start(np.abs(far)) == pytest.approx(np.log(np.abs(far).mean()), rel=1e-5)
    many = (rng.random(40_000) < 0.2).astype(float)
    many[::3] *= rng.random(len(many[::3])) < 0.5  # what a sample finds is not what all rows say
    exact = np.log(many.mean() / (1 - many.mean()))
    assert compile_loss(logistic, many).start(many) == pytest.approx(exact, abs=1e-6)
    one_class = newton_start(compile_loss(logistic, CODES), np.ones(10))
    assert np.isfinite(one_class)
    assert one_class > 5
