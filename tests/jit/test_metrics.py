"""A user's metric: what is asked of it, and that it is the same compiled and in Python."""

import functools
import math

import numpy as np
import pytest

from fastml.jit import compile_metric
from fastml.jit.blocks import jit_is_off

jit_only = pytest.mark.skipif(jit_is_off(), reason="about what Numba compiles")
ROWS = np.random.default_rng(0).normal(size=(20, 3))
OFFSET = 1.5


def city(a, b):
    return abs(a - b).sum()


def powers(a, b, p, scale=1.0):
    return scale * np.sum(np.abs(a - b) ** p) ** (1.0 / p)


def helper(x):
    return x * OFFSET


def loop(a, b):
    total = 0.0
    for i in range(len(a)):
        total += helper(math.fabs(a[i] - b[i]))
    return total


class Called:
    def __call__(self, a, b):
        return float(np.abs(a - b).max())


@pytest.mark.parametrize(
    ("function", "arguments", "wanted"),
    [(city, {}, lambda z: np.abs(z).sum()), (loop, {}, lambda z: OFFSET * np.abs(z).sum()),
     (powers, {"p": 2}, np.linalg.norm), (powers, {"p": 3.0, "scale": 2.0}, lambda z: 2 * np.linalg.norm(z, 3))],
)  # fmt: skip
def test_a_function_compiles(function, arguments, wanted):
    made = compile_metric(function, ROWS, arguments)
    assert made.is_interpreted == jit_is_off()
    assert made.has_triangle
    assert made(ROWS[3], ROWS[7]) == pytest.approx(wanted(ROWS[3] - ROWS[7]), rel=1e-14)
    left = compile_metric(function, ROWS, arguments, compiles=False)
    assert left.is_interpreted
    assert left(ROWS[3], ROWS[7]) == pytest.approx(made(ROWS[3], ROWS[7]), rel=1e-14)


@jit_only
def test_the_same_function_compiles_once():
    one, other = compile_metric(powers, ROWS, {"p": 2.5}), compile_metric(powers, ROWS, {"p": 2.5})
    assert one.address == other.address
    assert compile_metric(powers, ROWS, {"p": 2.75}).address != one.address


@jit_only
@pytest.mark.parametrize("function", [Called(), functools.partial(powers, p=1), lambda a, b: float(str(city(a, b)))])
def test_what_numba_cannot_compile_still_works(function):
    with pytest.warns(UserWarning, match="Numba cannot compile metric"):
        made = compile_metric(function, ROWS)
    assert made.is_interpreted
    assert made(ROWS[0], ROWS[1]) == pytest.approx(function(ROWS[0], ROWS[1]))


def test_squares_have_no_triangle():
    assert not compile_metric(lambda a, b: ((a - b) ** 2).sum(), ROWS).has_triangle


@pytest.mark.parametrize(
    ("function", "error", "says"),
    [
        (lambda a, b: np.nan, ValueError, "is nan at a=.*must be finite"),
        (lambda a, b: abs(a - b).sum() - 0.1, ValueError, "must be >= 0"),
        (lambda a, b: abs(a - b).sum() + 0.1, ValueError, "must be 0 from a row to itself"),
        (lambda a, b: max(a[0] - b[0], 0.0), ValueError, "the other way round at a=.*must be symmetric"),
        (lambda a, b: "1", TypeError, "Custom distance function must accept two vectors and return a float"),
        (lambda a, b: a - b, TypeError, "Custom distance function must accept two vectors and return a float"),
        (lambda a: 1.0, TypeError, "takes 1 positional argument but 2 were given"),
    ],
)
def test_what_is_no_metric_is_refused_with_the_pair(function, error, says):
    with pytest.raises(error, match=says):
        compile_metric(function, ROWS)


@jit_only
def test_an_exception_in_python_comes_back():
    def fails(a, b):
        if a[0] == 7.0:
            raise KeyError("seven")
        return float(str(city(a, b)))

    with pytest.warns(UserWarning, match="cannot compile"):
        made = compile_metric(fails, ROWS)
    assert np.isnan(made(np.array([7.0, 0.0, 0.0]), ROWS[0]))
    with pytest.raises(KeyError, match="seven"):
        made.raise_pending()
    made.raise_pending()
    assert made(ROWS[0], ROWS[0]) == 0.0
