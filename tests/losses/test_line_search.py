"""Line searches against their slow twin, and against the loss that they are to take down."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastml._engines.loss_gradients import LossGradients
from fastml.losses import (
    AbsoluteError,
    BinaryLogistic,
    Exponential,
    Huber,
    Leaves,
    Quantile,
    Softmax,
    SquaredError,
)  # fmt: skip
from tests.reference.line_search import line_search

LOSSES = {
    "squared_error": SquaredError(), "absolute_error": AbsoluteError(), "quantile": Quantile(0.8),
    "huber": Huber(0.7), "binary": BinaryLogistic(), "exponential": Exponential(), "softmax": Softmax(4),
}  # fmt: skip
WEIGHTS = ("none", "integer", "real")


def draw(loss, n, rng, scale=1.0):
    """y, raw (n_outputs, n); targets with ties."""
    raw = scale * rng.normal(size=(loss.n_outputs, n))
    classes = {"logistic": 2, "softmax": loss.n_outputs}.get(loss.link)
    y = np.round(rng.normal(size=n), 1) if classes is None else rng.integers(0, classes, n).astype(float)
    return y, raw


def weights(kind, n, rng):
    return {"none": None, "integer": 1.0 * rng.integers(1, 4, n), "real": rng.exponential(size=n) + 1e-3}[kind]


@given(
    st.sampled_from(list(LOSSES)), st.integers(1, 200), st.integers(1, 9), st.integers(0, 2**32 - 1),
    st.sampled_from(WEIGHTS), st.sampled_from([0.0, 1.0, 20.0]),
)  # fmt: skip
def test_values_of_leaves_are_the_twin_s(name, n, n_nodes, seed, weight, scale):
    rng, loss = np.random.default_rng(seed), LOSSES[name]
    y, raw = draw(loss, n, rng, scale)
    w = weights(weight, n, rng)
    loss.adapt(y, raw, w)
    nodes = rng.integers(0, n_nodes, (loss.n_outputs, n)).astype(np.int32)
    found = loss.line_search(y, raw, w, [Leaves(node, n_nodes) for node in nodes])
    expected = line_search(loss, y, raw, w, nodes, n_nodes)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("weight", WEIGHTS)
@pytest.mark.parametrize("name", ["squared_error", "absolute_error", "quantile", "huber"])
def test_no_other_value_has_a_smaller_loss(name, weight):
    rng, loss = np.random.default_rng(0), LOSSES[name]
    y, raw = draw(loss, 101, rng)
    w = weights(weight, 101, rng)
    loss.adapt(y, raw, w)
    (value,) = loss.line_search(y, raw, w, [Leaves(np.zeros(101, np.int32), 1)])[0]
    least = loss.score(y, raw + value, w)
    slack = 0.02 if name == "huber" else 1e-12  # one step of Huber's iteration from the median
    for step in (-1.0, -0.1, -0.01, 0.01, 0.1, 1.0):
        assert loss.score(y, raw + value + step, w) >= least - slack


@pytest.mark.parametrize("weight", WEIGHTS)
@pytest.mark.parametrize("name", list(LOSSES))
def test_the_start_is_the_best_constant(name, weight):
    rng, loss = np.random.default_rng(1), LOSSES[name]
    y, _ = draw(loss, 201, rng)
    w = weights(weight, 201, rng)
    start = loss.start(y, w)
    raw = np.repeat(start[:, None], 201, axis=1)
    loss.adapt(y, raw, w)
    slack = 0.02 if name == "huber" else 1e-12
    for k in range(loss.n_outputs):
        for step in (-0.3, -0.01, 0.01, 0.3):
            moved = raw.copy()
            moved[k] += step
            assert loss.score(y, moved, w) >= loss.score(y, raw, w) - slack


@pytest.mark.parametrize("name", list(LOSSES))
def test_the_kernel_s_gradient_is_a_difference_of_the_loss(name):
    rng, loss = np.random.default_rng(2), LOSSES[name]
    y, raw = draw(loss, 500, rng)
    loss.adapt(y, raw, None)
    gradients = LossGradients(y, None, raw.copy(), loss.address, loss.params, True)
    gradients.differentiate(None)
    for k in range(loss.n_outputs):
        step = np.zeros_like(raw)
        step[k] = 1e-6
        slope = (loss.each(y, raw + step) - loss.each(y, raw - step)) / 2e-6
        smooth = np.abs(y - raw[0]) > 1e-5 if loss.link == "identity" else slice(None)
        np.testing.assert_allclose(gradients.grad[k][smooth], slope[smooth], rtol=1e-5, atol=1e-7)


def test_a_steep_exponential_stays_finite():
    loss = Exponential()
    y, raw = np.array([1.0, 0.0, 1.0]), np.array([[-1e4, 1e4, 0.0]])
    gradients = LossGradients(y, None, raw.copy(), loss.address, (), True)
    gradients.differentiate(None)
    assert np.isfinite(gradients.grad).all()
    assert np.isfinite(loss.each(y, raw)).all()
    assert np.isfinite(loss.line_search(y, raw, None, [Leaves(np.zeros(3, np.int32), 1)])[0]).all()
