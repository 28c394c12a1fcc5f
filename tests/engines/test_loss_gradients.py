"""The engine loss_gradients against its twin, finite differences, and itself with other threads and kernels."""

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastml._engines.loss_gradients import LossGradients, builtin_losses
from tests.reference import loss_gradients as twin

LOSSES = ("squared_error", "binary_logistic", "softmax")
SIZES = (1, 2, 7, 8, 9, 1023, 1024, 1025, 5000)


def engine(loss, y, raw, weight=None, n_threads=1, **options):
    address = 0 if loss == "softmax" else builtin_losses()[loss]
    return LossGradients(y, weight, raw.copy(), address, n_threads=n_threads, **options)


def at(loss, y, raw, weight=None, n_threads=1, **options):
    """The engine after one round at raw."""
    e = engine(loss, y, raw, weight, n_threads, **options)
    e.differentiate(None)
    return e


def answers(loss, y, raw, factor=1.0):
    """The twin's loss (n,), gradient and hessian (n_outputs, n)."""
    if loss == "softmax":
        return twin.softmax_cross_entropy(y, raw, factor)
    value, grad, hess = getattr(twin, loss)(y, raw[0])
    return value, grad[None], hess[None]


def draw(loss, n, rng, scale=3.0, n_classes=4):
    """y and raw for a loss."""
    raw = scale * rng.normal(size=(n_classes if loss == "softmax" else 1, n))
    y = {"squared_error": rng.normal(size=n), "binary_logistic": rng.integers(0, 2, n)}.get(
        loss, rng.integers(0, n_classes, n)
    )
    return y.astype(np.float64), raw


@given(
    st.sampled_from(LOSSES), st.sampled_from(SIZES), st.integers(0, 2**32 - 1),
    st.sampled_from([0.0, 1e-8, 1.0, 30.0, 1e3]), st.sampled_from(["none", "real", "some zero"]),
    st.sampled_from([1, 2, 5]), st.sampled_from([np.float32, np.float64]),
)  # fmt: skip
def test_gradients_hessians_and_sums_are_the_twin_s(loss, n, seed, scale, weights, n_threads, dtype):
    rng = np.random.default_rng(seed)
    y, raw = draw(loss, n, rng, scale, n_classes=int(rng.integers(1, 12)))
    y = y.astype(dtype)
    weight = {"none": None, "real": rng.exponential(size=n), "some zero": 1.0 * rng.integers(0, 3, n)}[weights]
    e = at(loss, y, raw, weight, n_threads, softmax_factor=2.0)
    _, grad, hess = answers(loss, y.astype(float), raw, 2.0)
    np.testing.assert_allclose(e.grad, grad, rtol=2e-7, atol=1e-7 * (1 + abs(raw).max() * (loss == "squared_error")))
    np.testing.assert_allclose(e.hess, hess, rtol=1e-6, atol=1e-7)
    for k in range(len(raw)):
        expected = twin.stats(e.grad[k].astype(float), e.hess[k].astype(float), 1.0 if weight is None else weight)
        np.testing.assert_allclose(e.stats[k], expected, rtol=1e-6, atol=1e-30)


@pytest.mark.parametrize("loss", LOSSES)
def test_gradients_are_differences_of_the_loss_and_hessians_of_the_gradient(loss):
    y, raw = draw(loss, 40, np.random.default_rng(0))
    e = at(loss, y, raw, softmax_factor=1.0)
    step = 1e-5
    for k in range(len(raw)):
        up, down = raw.copy(), raw.copy()
        up[k] += step
        down[k] -= step
        (loss_up, grad_up, _), (loss_down, grad_down, _) = (answers(loss, y, r) for r in (up, down))
        np.testing.assert_allclose(e.grad[k], (loss_up - loss_down) / (2 * step), rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(e.hess[k], (grad_up[k] - grad_down[k]) / (2 * step), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("extreme", [1e3, 1e38, 1e300, np.finfo(float).max])
@pytest.mark.parametrize("loss", LOSSES)
def test_extreme_predictions_stay_finite(loss, extreme):
    y, raw = draw(loss, 300, np.random.default_rng(1))
    raw[:] = np.random.default_rng(2).choice([-extreme, 0.0, extreme], raw.shape)
    e = at(loss, y, raw)
    assert np.isfinite(e.grad).all()
    assert np.isfinite(e.hess).all()
    assert np.isfinite(e.stats).all()
    assert (e.hess > 0).all()
    if loss != "squared_error":
        assert (abs(e.grad) <= 1).all()


@pytest.mark.parametrize("loss", LOSSES)
def test_float32_and_float64_targets_give_the_same_bits(loss):
    y, raw = draw(loss, 3000, np.random.default_rng(3))
    y = y.astype(np.float32)
    assert outcome(at(loss, y, raw)) == outcome(at(loss, y.astype(np.float64), raw))


def outcome(e):
    return b"".join(a.tobytes() for a in (e.raw, e.grad, e.stats) if a is not None) + (
        b"" if e.hess is None else e.hess.tobytes()
    )


@given(st.sampled_from(LOSSES), st.sampled_from(SIZES), st.integers(0, 2**32 - 1))
@settings(max_examples=30)
def test_rounds_take_up_the_leaves_whatever_the_threads(loss, n, seed):
    rng = np.random.default_rng(seed)
    y, raw = draw(loss, n, rng)
    weight = rng.exponential(size=n)
    engines = [engine(loss, y, raw, weight, n_threads) for n_threads in (1, 2, 5)]
    expected = raw
    for step in range(3):
        values = rng.normal(size=(len(raw), 6))
        leaf_of = rng.integers(0, 6, raw.shape)
        expected = twin.take_up(expected, values, leaf_of)
        for e in engines:
            e.leaf_of[:] = leaf_of
            e.take_up(values) if step == 1 else e.differentiate(values)
            np.testing.assert_array_equal(e.raw, expected)
    assert len({outcome(e) for e in engines}) == 1


def test_raw_is_updated_in_place_and_a_constant_hessian_is_not_stored():
    y, raw = draw("squared_error", 1500, np.random.default_rng(4))
    e = LossGradients(y, None, raw, builtin_losses()["squared_error"], constant_hessian=True)
    e.leaf_of[:] = 1
    e.differentiate(np.array([[5.0, 0.5]]))
    assert np.shares_memory(e.raw, raw)
    assert e.hess is None
    assert e.stats[0, 1] == 1500
    np.testing.assert_array_equal(e.grad[0], (raw[0] - y).astype(np.float32))


def test_gradients_from_outside_are_taken_as_they_are():
    rng = np.random.default_rng(5)
    y, raw = draw("softmax", 2500, rng, n_classes=3)
    weight = rng.exponential(size=2500)
    e = engine("softmax", y, raw, weight)
    grad, hess = rng.normal(size=(3, 2500)), rng.uniform(size=(3, 2500))
    e.accept(grad, hess)
    np.testing.assert_array_equal(e.grad, grad.astype(np.float32))
    np.testing.assert_array_equal(e.hess, hess.astype(np.float32))
    for k in range(3):
        expected = twin.stats(e.grad[k].astype(float), e.hess[k].astype(float), weight)
        np.testing.assert_allclose(e.stats[k], expected, rtol=1e-12)


def test_hessians_below_zero_count_as_zero_and_what_is_no_number_is_an_error():
    e = engine("squared_error", np.zeros(20), np.zeros((1, 20)))
    hess = np.linspace(-1, 1, 20)[None]
    e.accept(np.ones((1, 20)), hess)
    np.testing.assert_array_equal(e.hess, np.maximum(hess, 0).astype(np.float32))
    for bad in (np.nan, -np.nan):
        for pair in ([[1.0] * 19 + [bad]], np.ones((1, 20))), (np.ones((1, 20)), [[bad] + [1.0] * 19]):
            with pytest.raises(FloatingPointError, match="not a number"):
                e.accept(*map(np.asarray, pair))
    e = engine("squared_error", np.array([0.0, np.nan]), np.zeros((1, 2)))
    with pytest.raises(FloatingPointError):
        e.differentiate(None)


def test_too_many_parameters_are_an_error():
    with pytest.raises(ValueError, match="at most 8"):
        engine("squared_error", np.zeros(3), np.zeros((1, 3)), params=range(9))


def fingerprint(n_threads):
    """A hash over all losses; run in processes of their own with other kernels."""
    rng = np.random.default_rng(6)
    parts = []
    for loss in LOSSES:
        for n in SIZES:
            for scale in (1e-3, 1.0, 40.0, 1e4):
                y, raw = draw(loss, n, rng, scale, n_classes=7)
                parts.append(outcome(at(loss, y, raw, rng.exponential(size=n), n_threads)))
    return hashlib.sha256(b"".join(parts)).hexdigest()


def test_the_same_bytes_for_any_instruction_set():
    code = "from tests.engines.test_loss_gradients import fingerprint; print(fingerprint(2))"
    found = {fingerprint(1)}
    for isa in ("base", "avx2", "avx512"):
        env = {**os.environ, "FASTML_ISA": isa, "PYTHONPATH": os.pathsep.join(p or "." for p in sys.path)}
        run = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
        found.add(run.stdout.strip())
    assert len(found) == 1
