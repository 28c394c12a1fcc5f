"""A user's loss: what is accepted, what it computes, and what is said when something is wrong with it."""

import ctypes
import math
import os
import pickle
import subprocess
import sys
import threading

import numpy as np
import pytest

from fastml.jit import BlockLoss, Loss, compile_loss
from fastml.jit.blocks import jit_is_off
from fastml.jit.starts import newton_start

rng = np.random.default_rng(0)
CODES = (rng.random(200) < 0.3).astype(float)
TARGETS = np.round(rng.normal(size=200) * 10 + 50, 1)
RAW = rng.normal(size=200)

jit_only = pytest.mark.skipif(jit_is_off(), reason="about what Numba compiles")


def logistic(y, raw):
    p = 1.0 / (1.0 + math.exp(-raw))
    return p - y, p * (1.0 - p)


def logistic_value(y, raw):
    return math.log1p(math.exp(-abs(raw))) + max(raw, 0.0) - y * raw


def squared(y, raw):
    return raw - y, 1.0


def expected(y, raw):
    p = 1 / (1 + np.exp(-raw))
    return p - y, p * (1 - p)


def close(pair, other, rtol=1e-12):
    for one, two in zip(pair, other, strict=True):
        np.testing.assert_allclose(one, two, rtol=rtol, atol=rtol)


def call(loss, y, raw):
    """As an engine does: through the address."""
    out = np.full(len(y), 7.0), np.full(len(y), 7.0)
    param = np.array([*loss.params, 0.0])
    pointers = [ctypes.c_void_p] * 4
    function = ctypes.CFUNCTYPE(None, *pointers, ctypes.c_ssize_t, ctypes.c_void_p)(loss.address)
    function(*(a.ctypes.data for a in (y, raw, *out)), len(y), param.ctypes.data)
    return out


def test_scalar_function_becomes_a_block():
    loss = compile_loss(logistic, CODES)
    assert isinstance(loss, BlockLoss)
    assert loss.name == "logistic"
    assert loss.link == "identity"
    assert Loss(gradient_hessian=squared)(1.0, 3.0) == (2.0, 1.0)  # estimators ask whether it is callable
    assert compile_loss(logistic, CODES, link="logistic").link == "logistic"
    assert compile_loss(Loss(gradient_hessian=logistic, link="log"), CODES, link="logistic").link == "log"
    assert loss.params == ()
    close(call(loss, CODES, RAW), expected(CODES, RAW))
    gradient, hessian = loss.gradient_hessian(CODES, RAW, np.full(200, 2.0))
    close((gradient / 2, hessian / 2), expected(CODES, RAW))
    loss.raise_pending()
    loss.fault(CODES, RAW)


def test_pickles_hold_the_function():
    for objective in (logistic, logistic_value):
        loss = compile_loss(objective, CODES)
        again = pickle.loads(pickle.dumps(loss))
        close(again.gradient_hessian(CODES, RAW), loss.gradient_hessian(CODES, RAW))


def test_an_empty_block_and_other_threads():
    loss = compile_loss(squared, TARGETS)
    call(loss, np.empty(0), np.empty(0))
    results = []
    threads = [threading.Thread(target=lambda: results.append(call(loss, TARGETS, RAW))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(g, RAW - TARGETS) and np.array_equal(h, np.ones(200)) for g, h in results)


def test_value_alone_is_differentiated():
    for objective in (logistic_value, Loss(value=logistic_value)):
        loss = compile_loss(objective, CODES)
        assert len(loss.params) == 1
        close(call(loss, CODES, RAW), expected(CODES, RAW), rtol=1e-7)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e6])
def test_numerical_differentiation_in_any_units(scale):
    y = TARGETS * scale
    loss = compile_loss(lambda y, raw: 0.5 * (y - raw) ** 2, y)
    raw = y + RAW * scale
    gradient, hessian = loss.gradient_hessian(y, raw)
    np.testing.assert_allclose(gradient, raw - y, atol=1e-5 * scale)
    np.testing.assert_allclose(hessian, 1.0, rtol=1e-3)
    counts = np.round(np.abs(y)) + 1
    poisson = compile_loss(lambda y, raw: np.exp(raw) - y * raw, counts)
    start = newton_start(poisson, counts)
    assert start == pytest.approx(np.log(counts.mean()), abs=1e-4)
    gradient, hessian = poisson.gradient_hessian(counts, np.full(200, start))
    np.testing.assert_allclose(hessian, counts.mean(), rtol=1e-4)


def test_value_beside_derivatives_is_checked():
    assert isinstance(compile_loss(Loss(logistic_value, logistic), CODES), BlockLoss)
    with pytest.raises(ValueError, match=r"the gradient is .* at y=0.0, raw=-2.937, but differences of the value give"):
        compile_loss(Loss(logistic_value, lambda y, raw: (2 * logistic(y, raw)[0], 1.0)), CODES)
    bound = Loss(logistic_value, lambda y, raw: (logistic(y, raw)[0], 0.25))
    with pytest.raises(ValueError, match=r"the hessian is 0.25 .*surrogate_hessian=True"):
        compile_loss(bound, CODES)
    bound = Loss(logistic_value, bound.gradient_hessian, surrogate_hessian=True)
    assert isinstance(compile_loss(bound, CODES), BlockLoss)


def test_kinks_are_no_errors():
    def value(y, raw):
        return abs(raw - y)

    def pair(y, raw):
        return (1.0 if raw > y else -1.0), 1.0

    y = np.array([-1.013, 0.0, 1.0, 2.0])  # the grid meets the first one right at its kink
    assert isinstance(compile_loss(Loss(value, pair, surrogate_hessian=True), y), BlockLoss)
    with pytest.raises(ValueError, match="hessian is 0 at each"):
        compile_loss(value, y[1:])


def test_bad_values_show_the_point():
    def below(y, raw):
        return math.nan if raw < -2 else raw - y, 1.0

    with pytest.raises(ValueError, match=r"`below`: the gradient is nan at y=0.0, raw=-2.937"):
        compile_loss(below, CODES)
    with pytest.raises(ValueError, match=r"the hessian is -.* at y=.*max\(hessian, 0.0\)"):
        compile_loss(lambda y, raw: (raw, math.cos(raw)), CODES)
    with pytest.raises(ValueError, match="the hessian is inf"):
        compile_loss(lambda y, raw: (raw - y, math.inf if raw > 2 else 1.0), CODES)


def test_rounding_below_zero_becomes_zero():
    loss = compile_loss(lambda y, raw: (raw - y, 1.0 if raw < 3 else -1e-12), CODES)
    assert call(loss, np.zeros(1), np.full(1, 3.5))[1][0] == 0.0


def test_an_exception_in_the_function_is_shown():
    def picky(y, raw):
        if raw > 40:
            raise ValueError("too high")
        return raw - y, 1.0

    loss = compile_loss(picky, CODES)
    y, raw = np.zeros(3), np.array([0.0, 41.0, 1.0])
    gradient, _ = call(loss, y, raw)
    assert np.isnan(gradient[1])
    assert gradient[0] == 0.0
    if jit_is_off():
        with pytest.raises(ValueError, match="too high"):
            loss.raise_pending()
        loss.raise_pending()
        with pytest.raises(ValueError, match="too high"):
            loss.gradient_hessian(y, raw)
    else:
        with pytest.raises(ValueError, match=r"`picky` raised ValueError at y=0.0, raw=41.0: too high"):
            loss.fault(y, raw)


@jit_only
def test_what_numba_cannot_compile_is_said_in_one_line():
    class Box:
        alpha = 0.5

    box = Box()

    def uses_object(y, raw):
        return float(raw) - y * box.alpha, 1.0

    with pytest.raises(ValueError, match=r"Numba cannot compile `uses_object`: .*box.*kind='array'"):
        compile_loss(uses_object, CODES)


@jit_only
def test_equal_functions_share_a_kernel_and_changed_ones_do_not():
    def huber(delta):
        def pair(y, raw):
            r = raw - y
            return max(-delta, min(delta, r)), 1.0

        return pair

    one, same, other = (compile_loss(huber(d), TARGETS) for d in (1.0, 1.0, 2.0))
    assert one.address == same.address != other.address
    assert one.gradient_hessian(np.zeros(1), np.full(1, 9.0))[0] == 1.0
    assert other.gradient_hessian(np.zeros(1), np.full(1, 9.0))[0] == 2.0


@jit_only
def test_functions_that_numba_has_wrapped():
    import numba

    loss = compile_loss(numba.njit(logistic), CODES)
    close(call(loss, CODES, RAW), expected(CODES, RAW))


def sigmoid(x):
    return half_plus(0.5 * math.tanh(0.5 * x))


def half_plus(x):
    return 0.5 + x


def test_helpers_are_compiled_too():
    def inner(p):
        return p * (1.0 - p)

    loss = compile_loss(lambda y, raw: (sigmoid(raw) - y, inner(sigmoid(raw))), CODES)
    assert isinstance(loss, BlockLoss)
    close(call(loss, CODES, RAW), expected(CODES, RAW))
    assert not hasattr(half_plus, "py_func")


FACTOR = 1.0


def scaled(y, raw):
    return FACTOR * (raw - y), FACTOR


def test_a_changed_global_is_seen(monkeypatch):
    assert compile_loss(scaled, TARGETS).gradient_hessian(np.zeros(1), np.ones(1))[1] == 1.0
    monkeypatch.setitem(globals(), "FACTOR", 3.0)
    assert compile_loss(scaled, TARGETS).gradient_hessian(np.zeros(1), np.ones(1))[1] == 3.0


@pytest.mark.parametrize(
    ("objective", "message"),
    [
        (lambda raw: raw, r"must take \(y, raw\)"),
        (lambda y, raw, alpha: raw, r"must take \(y, raw\)"),
        (lambda y, raw: (raw, 1.0, 2.0), "3 values"),
        (lambda y, raw: ("a", "b"), "returned 'a' where a number should be"),
        (lambda y, raw: None, "returned None"),
        (lambda predictions, rows: (predictions - rows.get_label(), 1.0), "native order"),
        (Loss(value=squared), "must return the loss alone"),
        (Loss(gradient_hessian=logistic_value, value=logistic_value), r"must return \(gradient, hessian\)"),
    ],
)
def test_what_is_no_loss(objective, message):
    with pytest.raises(ValueError, match=message):
        compile_loss(objective, CODES)


def test_what_loss_refuses():
    with pytest.raises(TypeError, match="objective='mine'"):
        compile_loss("mine", CODES)
    with pytest.raises(ValueError, match="needs value"):
        Loss()
    with pytest.raises(ValueError, match="kind='rows'"):
        Loss(squared, kind="rows")
    with pytest.raises(ValueError, match="link='logit'"):
        Loss(squared, link="logit")


@jit_only
def test_the_same_with_the_jit_switched_off():
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", os.path.dirname(__file__)],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-3000:]
    assert "%]" in result.stdout  # some were run


def test_numba_is_not_loaded_before_a_function_comes_in():
    code = "import sys, fastml.jit; assert 'numba' not in sys.modules"
    if jit_is_off():  # nor after
        code += "; fastml.jit.compile_loss(lambda y, r: (r - y, 1.0), __import__('numpy').arange(3.0))"
        code += "; assert 'numba' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
