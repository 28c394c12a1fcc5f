"""Support vector machines of so many rows that working sets, float32 and shrinking come in: their optimum and bits."""

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest
import sklearn.svm
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.metrics.pairwise import pairwise_kernels

from fastml.svm import SVC, SVR, OneClassSVM
from tests.reference import smo as twin

N = 2200  # above what is solved with the whole kernel at hand
CASES = {
    "SVC": SVC(C=10.0, gamma=0.1), "SVR": SVR(C=2.0, gamma=0.1, epsilon=0.2),
    "OneClassSVM": OneClassSVM(nu=0.3, gamma=0.1),
    "linear": SVC(C=0.1, kernel="linear"), "poly": SVC(C=0.5, kernel="poly", degree=2, gamma=0.1, coef0=1.0),
    "pairs": SVC(C=5.0, gamma=0.1),
}  # fmt: skip


def rows(case):
    n_classes = 5 if case == "pairs" else 2
    X, y = make_classification(
        N, 8, n_informative=6, n_redundant=0, n_classes=n_classes, n_clusters_per_class=2, flip_y=0.15, random_state=1
    )
    return X, (X[:, 0] * X[:, 1] + 0.3 * np.sin(9 * X[:, 2]) if case == "SVR" else y)


@pytest.mark.parametrize("case", ["SVC", "SVR", "OneClassSVM", "linear", "poly"])
@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
def test_the_gap_from_scratch_is_at_most_tol(case, kind):
    X, y = rows(case)
    model = clone(CASES[case]).fit(kind(X), y)
    assert model.converged_
    K = pairwise_kernels(X, metric=model.kernel, filter_params=True, gamma=0.1, degree=2, coef0=1.0)
    beta = np.zeros(N)
    coef = model.dual_coef_
    beta[model.support_] = (coef.toarray() if sparse.issparse(coef) else coef)[0]
    if case == "OneClassSVM":
        z, lower, upper, epsilon = np.zeros(N), np.zeros(N), np.ones(N), 0.0
        assert beta.sum() == pytest.approx(0.3 * N)
    elif case == "SVR":
        z, lower, upper, epsilon = y, -2.0 * np.ones(N), 2.0 * np.ones(N), 0.2
    else:
        z = np.where(y == 1, 1.0, -1.0)
        lower, upper, epsilon = model.C * np.minimum(z, 0), model.C * np.maximum(z, 0), 0.0
    assert (beta >= lower).all()
    assert (beta <= upper).all()
    assert twin.kkt_gap(K, z, beta, lower, upper, epsilon) <= 1e-3
    theirs = getattr(sklearn.svm, type(model).__name__)()
    own = {k: v for k, v in model.get_params().items() if k in theirs.get_params() and k != "probability"}
    theirs.set_params(**own).fit(X, y)
    b = np.zeros(N)
    b[theirs.support_] = theirs.dual_coef_[0]
    assert twin.objective(K, z, beta, epsilon) == pytest.approx(twin.objective(K, z, b, epsilon), rel=1e-4)
    said = "predict" if case == "SVR" else "decision_function"
    values, wanted = getattr(model, said)(kind(X)), getattr(theirs, said)(X)
    np.testing.assert_allclose(values, wanted, atol=0.02, rtol=0.01)
    assert np.mean((values > 0) == (wanted > 0)) > 0.998 or case == "OneClassSVM"  # whose vectors lie at 0


def test_a_cache_of_next_to_nothing_gives_the_same_machine():
    X, y = rows("SVC")
    small, large = (SVC(C=10.0, gamma=0.1, tol=1e-4, cache_size=size).fit(X, y) for size in (0.1, 500))
    np.testing.assert_allclose(small.decision_function(X), large.decision_function(X), atol=2e-3)
    assert small.converged_


def fingerprint(case, n_jobs):
    X, y = rows(case)
    model = clone(CASES[case]).set_params(n_jobs=n_jobs).fit(X, y)
    said = model.predict(X) if case == "SVR" else model.decision_function(X)
    parts = (model.support_, model.dual_coef_, model.intercept_, said)
    return hashlib.sha256(b"".join(np.ascontiguousarray(part).tobytes() for part in parts)).hexdigest()


@pytest.mark.parametrize("case", ["SVC", "SVR", "pairs"])
def test_threads_leave_the_bits_alone(case):
    assert len({fingerprint(case, n_jobs) for n_jobs in (1, 2, 5)}) == 1


def test_instruction_sets_leave_the_bits_alone():
    code = "import tests.estimators.test_svm_large as t; print([t.fingerprint(c, 1) for c in ('SVC', 'SVR', 'pairs')])"
    found = set()
    for isa in ("base", "avx2", "avx512"):
        env = {**os.environ, "FASTML_ISA": isa, "PYTHONPATH": os.pathsep.join(p or "." for p in sys.path)}
        done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
        found.add(done.stdout)
    assert len(found) == 1
