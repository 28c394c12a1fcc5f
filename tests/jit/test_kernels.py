"""A kernel of one's own, of two rows: the built-in kernel's machine where it says the same, and what is refused."""

import math
import pickle

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import make_classification

from fastml.jit import compile_kernel
from fastml.jit.blocks import jit_is_off
from fastml.svm import SVC, SVR

X, Y = make_classification(150, 5, random_state=0)
jit_only = pytest.mark.skipif(jit_is_off(), reason="about what Numba compiles")
GAMMA = 0.2


def squared(x, z):
    total = 0.0
    for j in range(len(x)):
        total += (x[j] - z[j]) ** 2
    return total


def gaussian(x, z):
    return math.exp(-GAMMA * squared(x, z))


def test_the_machine_is_that_of_the_built_in_kernel():
    own, built_in = SVC(kernel=compile_kernel(gaussian), tol=1e-8).fit(X, Y), SVC(gamma=GAMMA, tol=1e-8).fit(X, Y)
    np.testing.assert_array_equal(own.support_, built_in.support_)
    points = np.random.default_rng(0).normal(size=(40, 5))
    np.testing.assert_allclose(own.decision_function(points), built_in.decision_function(points), atol=1e-6)
    assert SVR(kernel=compile_kernel(gaussian)).fit(X, X[:, 0]).score(X, X[:, 0]) > 0.5


@pytest.mark.parametrize("n", [1, 2, 17, 150])
def test_a_matrix_is_the_functions_values_for_any_number_of_threads(n):
    wanted = np.array([[gaussian(x, z) for z in X[:n]] for x in X[:n]])
    for n_jobs in (1, 3):
        kernel = compile_kernel(gaussian, n_jobs)
        np.testing.assert_allclose(kernel(X[:n], X[:n]), wanted, rtol=1e-14)
        same = X[:n]
        np.testing.assert_allclose(kernel(same, same), wanted, rtol=1e-14)
        np.testing.assert_allclose(kernel(X[:n], X[:7]), kernel(X[:7], X[:n]).T, rtol=1e-14)
    assert kernel(X[:0], X).shape == (0, 150)


def test_kernels_are_copied_pickled_and_told_apart():
    kernel = compile_kernel(gaussian)
    assert repr(kernel) == "compile_kernel(gaussian)"
    assert clone(SVC(kernel=kernel)).kernel is kernel
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(kernel))(X, X), kernel(X, X))


def lopsided(x, z):
    return x[0] - z[1]


def logarithm(x, z):
    return math.log(x[0] * z[0]) if x[0] * z[0] > 0 else math.nan


def of_text(x, z):
    return "near"


def late(x, z):  # fine on the rows that are tried, not on all
    return np.nan if x[0] == X[1, 0] and z[0] == X[1, 0] else 1.0


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lopsided, r"kernel `lopsided` is not symmetric: .* of the rows \[.*in the other order"),
        (logarithm, r"kernel `logarithm` is nan of the rows \[.*must be finite"),
        (of_text, "kernel `of_text` returned 'near'"),
        (lambda x, z: x[99], "kernel `<lambda>` raised IndexError of the rows"),
        (late, "kernel `late` gave nan for row 1 of X and row 1 of the fit"),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_what_is_no_kernel_is_refused(function, message):
    with pytest.raises(ValueError, match=message):
        SVC(kernel=compile_kernel(function)).fit(X, Y)


@jit_only
def test_what_numba_cannot_compile_is_named():
    def odd(x, z):
        return float({"a": len(x)}["a"] if sorted(object.__dir__(x)) else 0)

    with pytest.raises(ValueError, match="Numba cannot compile kernel `odd`"):
        compile_kernel(odd)(X, X)


def test_arguments_are_checked():
    with pytest.raises(TypeError, match="function of two rows, not a str"):
        compile_kernel("rbf")
    with pytest.raises(ValueError, match="must take two rows"):
        compile_kernel(lambda x: 1.0)
    kernel = compile_kernel(gaussian)
    with pytest.raises(TypeError, match="dense rows"):
        kernel(sparse.csr_matrix(X), X)
    with pytest.raises(ValueError, match="4 columns"):
        kernel(X[:, :4], X)
