"""fastml.jit.exponential against NumPy's exponential, and what a user's function sees of it."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastml.jit import compile_loss
from fastml.jit.exponential import vectorised

EXP = vectorised(math.exp)


@given(st.floats(-708.0, 709.7))
def test_it_is_numpy_s_to_two_units_in_the_last_place(x):
    assert abs(EXP(x) - np.exp(x)) <= 2 * np.spacing(np.exp(x))


@pytest.mark.parametrize("x", [0.0, -0.0, 1e-300, -745.1, -740.0, -746.0, 1000.0, -1e308, np.inf, -np.inf, np.nan])
def test_where_numbers_end(x):
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(EXP(x), np.exp(x))


def test_only_the_exponential_is_another():
    assert vectorised(np.exp) is EXP
    assert vectorised(np).exp is EXP
    assert vectorised(np).log1p is np.log1p
    assert vectorised(math).pi == math.pi
    assert vectorised(7) == 7
    with pytest.raises(AttributeError, match="no_such_name"):
        vectorised(math).no_such_name  # noqa: B018


@pytest.mark.parametrize("module", [math, np])
def test_a_loss_by_either_module(module):
    def logistic(y, raw):
        p = 1.0 / (1.0 + module.exp(-raw))
        return p - y, max(p * (1.0 - p), 1e-16) + 0.0 * module.log1p(y)

    y, raw = np.array([0.0, 1.0, 1.0]), np.array([-3.0, 0.5, 40.0])
    gradient, hessian = compile_loss(logistic, y).gradient_hessian(y, raw, None)
    p = 1 / (1 + np.exp(-raw))
    np.testing.assert_allclose(gradient, p - y, rtol=1e-14, atol=1e-16)
    np.testing.assert_allclose(hessian, np.maximum(p * (1 - p), 1e-16), rtol=1e-14)
