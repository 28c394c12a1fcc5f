"""Support vector machines: their optimum recomputed from scratch, scikit-learn's results, weights, model files."""

import pickle
import warnings
from itertools import combinations

import numpy as np
import pytest
import sklearn.svm
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_iris, make_classification, make_regression
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics.pairwise import pairwise_kernels

import fastml.svm
from fastml import io
from fastml.svm import SVC, NuSVC, OneClassSVM
from tests.reference import smo as twin

TYPES = ["SVC", "NuSVC", "SVR", "NuSVR", "OneClassSVM"]
KERNELS = {
    "linear": {}, "rbf": {"gamma": 0.3}, "poly": {"gamma": 0.2, "degree": 2, "coef0": 1.0},
    "sigmoid": {"gamma": 0.02, "coef0": 0.1},
}  # fmt: skip


def data(name, seed=0, n=120, n_classes=3):
    if name in ("SVR", "NuSVR"):
        X, y = make_regression(n, 5, noise=60.0, random_state=seed)
        return X, y / y.std()
    X, y = make_classification(n, 5, n_informative=4, n_redundant=0, n_classes=n_classes, flip_y=0.1, random_state=seed)
    return X, y


def matrix(kernel, X, Z=None):
    return pairwise_kernels(X, X if Z is None else Z, metric=kernel, **KERNELS[kernel])


def problems(model, name, y, weight):
    """(rows, z, beta, lower, upper, epsilon, groups) of each problem, from public attributes."""
    C = getattr(model, "C", 1.0)
    beta = np.zeros((model.dual_coef_.shape[0], len(weight)))
    beta[:, model.support_] = model.dual_coef_
    if name in ("SVR", "NuSVR", "OneClassSVM"):
        all_rows = np.flatnonzero(weight > 0)
        w = weight[all_rows]
        b = beta[0, all_rows]
        if name == "SVR":
            yield all_rows, y[all_rows], b, -C * w, C * w, model.epsilon, None
        elif name == "NuSVR":
            yield all_rows, y[all_rows], b, -C * w, C * w, None, None
        else:
            yield all_rows, np.zeros(len(w)), b, np.zeros(len(w)), w, 0.0, None
        return
    sign = -1.0 if len(model.classes_) == 2 else 1.0
    for i, j in combinations(range(len(model.classes_)), 2):
        rows = np.flatnonzero(np.isin(y, model.classes_[[i, j]]) & (weight > 0))
        s = np.where(y[rows] == model.classes_[i], 1.0, -1.0)
        b = sign * np.where(s > 0, beta[j - 1, rows], beta[i, rows])
        bound = C * weight[rows]
        yield rows, s, b, np.where(s > 0, 0.0, -bound), np.where(s > 0, bound, 0.0), 0.0, s


@pytest.mark.parametrize("C", [0.01, 1.0, 1000.0])
@pytest.mark.parametrize("kernel", ["linear", "rbf", "poly"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", ["SVC", "SVR"])
def test_the_gap_from_scratch_is_at_most_tol(name, kernel, C, weighted):
    X, y = data(name)
    weight = np.random.default_rng(1).choice([0.0, 0.5, 1.0, 3.0], len(X)) if weighted else np.ones(len(X))
    model = getattr(fastml.svm, name)(kernel=kernel, C=C, tol=1e-3, **KERNELS[kernel]).fit(X, y, weight)
    assert model.converged_
    assert model.fit_status_ == 0
    K = matrix(kernel, X)
    gaps = []
    for rows, z, b, lower, upper, epsilon, _ in problems(model, name, y, weight):
        assert (b >= lower - 1e-12 * C).all()
        assert (b <= upper + 1e-12 * C).all()
        assert abs(b.sum()) <= 1e-9 * max(1.0, C)
        gaps.append(twin.kkt_gap(K[np.ix_(rows, rows)], z, b, lower, upper, epsilon))
    scale = np.abs(K).max() * C * len(X)
    assert max(gaps) <= 1e-3 + 1e-13 * scale
    assert model.gap_ == pytest.approx(max(gaps), abs=1e-12 * scale)


@pytest.mark.parametrize("kernel", ["linear", "rbf"])
@pytest.mark.parametrize(
    ("name", "C"), [("NuSVC", 1.0), ("OneClassSVM", 1.0), ("NuSVR", 0.01), ("NuSVR", 1.0), ("NuSVR", 4.0)]
)
def test_the_gap_from_scratch_with_nu_is_at_most_tol(name, kernel, C):
    X, y = data(name, n_classes=2)
    own = {"C": C} if name == "NuSVR" else {}
    model = getattr(fastml.svm, name)(nu=0.4, kernel=kernel, tol=1e-3, **own, **KERNELS[kernel]).fit(X, y)
    assert model.converged_
    weight, K = np.ones(len(X)), matrix(kernel, X)
    ((_, z, b, lower, upper, _, side),) = problems(model, name, y, weight)
    if name == "OneClassSVM":
        assert b.sum() == pytest.approx(0.4 * len(X))
        assert twin.kkt_gap(K, z, b, lower, upper) <= 1e-3 + 1e-9
    elif name == "NuSVR":  # above and below the tube apart
        half = 0.4 * C * len(X) / 2
        assert b.clip(0).sum() == pytest.approx(half, rel=1e-6)
        assert (-b).clip(0).sum() == pytest.approx(half, rel=1e-6)
        both, none = np.concatenate([b.clip(0), -(-b).clip(0)]), np.zeros(len(b))
        group = np.repeat([0, 1], len(b))
        twice = np.tile(K, (2, 2))
        gap = twin.kkt_gap(
            twice, np.tile(y, 2), both, np.concatenate([none, lower]), np.concatenate([upper, none]), 0.0, group
        )
        assert gap <= 1e-3 + 1e-9 * C
    else:  # divided by the margin, so that the bound is what the rows at it say
        bound = np.abs(b).max()
        margin = 1.0 / bound
        group = (side < 0).astype(int)
        gap = twin.kkt_gap(K, none_of(b), b, np.where(side > 0, 0, -bound), np.where(side > 0, bound, 0), 0.0, group)
        assert gap * margin <= 1e-3 + 1e-9
        assert np.abs(b).sum() * margin == pytest.approx(0.4 * len(X))


def none_of(b):
    return np.zeros(len(b))


@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize("kernel", sorted(KERNELS))
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # LIBSVM's rounding ends some above tol
def test_scikit_learn_finds_the_same(name, kernel, weighted):
    X, y = data(name, seed=3, n=80)
    weight = np.random.default_rng(2).uniform(0.8, 1.2, len(X)) if weighted else None
    own = {"nu": 0.6} if "nu" in getattr(fastml.svm, name)().get_params() else {}
    ours, theirs = (
        getattr(package, name)(kernel=kernel, tol=1e-6, max_iter=100_000, **own, **KERNELS[kernel])
        .fit(X, y, sample_weight=weight)
        for package in (fastml.svm, sklearn.svm)
    )
    said = "decision_function" if hasattr(ours, "decision_function") else "predict"
    np.testing.assert_allclose(getattr(ours, said)(X), getattr(theirs, said)(X), atol=2e-5, rtol=1e-5)
    for attribute in ("support_", "n_support_"):
        wanted = getattr(theirs, attribute)
        np.testing.assert_array_equal(getattr(ours, attribute), wanted)
        assert getattr(ours, attribute).dtype == wanted.dtype
    assert ours.dual_coef_.shape == theirs.dual_coef_.shape
    np.testing.assert_allclose(ours.dual_coef_, theirs.dual_coef_, atol=2e-4)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, atol=1e-4)
    np.testing.assert_array_equal(ours.support_vectors_, theirs.support_vectors_)
    if kernel == "linear":
        np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-4)
    assert ours.shape_fit_ == theirs.shape_fit_
    assert type(ours.n_iter_) is type(theirs.n_iter_)


@pytest.mark.parametrize("name", ["SVC", "SVR"])
def test_the_dual_objective_is_scikit_learns_at_the_default_tol(name):
    X, y = data(name, seed=5, n=300, n_classes=2)
    ours, theirs = (getattr(package, name)().fit(X, y) for package in (fastml.svm, sklearn.svm))
    K = pairwise_kernels(X, metric="rbf", gamma=theirs._gamma)
    z = np.where(y == 0, -1.0, 1.0) if name == "SVC" else y

    def objective(model):
        b = np.zeros(len(X))
        b[model.support_] = model.dual_coef_[0]
        return twin.objective(K, z, b, getattr(model, "epsilon", 0.0))

    assert objective(ours) == pytest.approx(objective(theirs), rel=1e-4)
    assert ours.objective_[0] == pytest.approx(objective(ours), rel=1e-6)


@pytest.mark.parametrize("break_ties", [False, True])
@pytest.mark.parametrize("shape", ["ovr", "ovo"])
@pytest.mark.parametrize("n_classes", [2, 3, 5])
def test_votes_and_scores_are_scikit_learns(n_classes, shape, break_ties):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(150, 3)), np.array(["a", "b", "c", "d", "e"])[rng.integers(0, n_classes, 150)]
    options = {"decision_function_shape": shape, "break_ties": break_ties, "tol": 1e-8, "gamma": 2.0}
    ours, theirs = (package.SVC(**options).fit(X, y) for package in (fastml.svm, sklearn.svm))
    points = rng.normal(size=(200, 3)) * 3
    np.testing.assert_allclose(ours.decision_function(points), theirs.decision_function(points), atol=1e-6)
    if break_ties and shape == "ovo":
        with pytest.raises(ValueError, match="break_ties must be False"):
            ours.predict(points)
    else:
        np.testing.assert_array_equal(ours.predict(points), theirs.predict(points))


@pytest.mark.parametrize("class_weight", ["balanced", {0: 3.0, 2: 0.5}])
def test_class_weights_are_scikit_learns(class_weight):
    X, y = data("SVC", seed=8)
    ours, theirs = (
        package.SVC(class_weight=class_weight, tol=1e-8).fit(X, y) for package in (fastml.svm, sklearn.svm)
    )
    np.testing.assert_allclose(ours.class_weight_, theirs.class_weight_)
    np.testing.assert_allclose(ours.decision_function(X), theirs.decision_function(X), atol=1e-6)


@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.csc_array, sparse.coo_array])
def test_sparse_rows_give_what_dense_ones_give(name, kind):
    X, y = data(name, seed=4)
    X = np.where(np.abs(X) > 0.6, X, 0.0)
    own = {"nu": 0.3} if "nu" in getattr(fastml.svm, name)().get_params() else {}
    dense, thin = (getattr(fastml.svm, name)(tol=1e-8, **own).fit(rows, y) for rows in (X, kind(X)))
    said = "decision_function" if hasattr(dense, "decision_function") else "predict"
    np.testing.assert_allclose(getattr(thin, said)(kind(X)), getattr(dense, said)(X), atol=1e-6)
    np.testing.assert_allclose(getattr(thin, said)(X), getattr(dense, said)(X), atol=1e-6)
    np.testing.assert_allclose(thin.support_vectors_.toarray(), dense.support_vectors_)
    np.testing.assert_allclose(thin.dual_coef_.toarray(), dense.dual_coef_, atol=1e-5)
    with pytest.raises(ValueError, match="cannot use sparse input"):
        dense.predict(kind(X))


@pytest.mark.parametrize("name", TYPES)
def test_float32_rows_are_kept_as_they_are(name):
    X, y = data(name, seed=6)
    model = getattr(fastml.svm, name)(nu=0.3) if name.startswith("Nu") else getattr(fastml.svm, name)()
    small = clone(model).fit(X.astype(np.float32), y)
    assert small.support_vectors_.dtype == np.float32
    np.testing.assert_allclose(small._gamma, model.fit(X, y)._gamma, rtol=1e-6)
    assert np.mean(small.predict(X.astype(np.float32)) == model.predict(X)) > 0.98 or name.endswith("SVR")


def test_a_matrix_and_functions_give_what_the_named_kernel_gives():
    iris = load_iris()
    X, y = iris.data, iris.target
    named = SVC(kernel="linear", tol=1e-10).fit(X, y)
    given = SVC(kernel="precomputed", tol=1e-10).fit(X @ X.T, y)
    called = SVC(kernel=lambda A, B: A @ B.T, tol=1e-10).fit(X, y)
    for other, points in ((given, X[:20] @ X.T), (called, X[:20])):
        np.testing.assert_array_equal(other.support_, named.support_)
        np.testing.assert_allclose(other.intercept_, named.intercept_, atol=1e-6)
        np.testing.assert_allclose(other.decision_function(points), named.decision_function(X[:20]), atol=1e-6)
        assert not hasattr(other, "coef_")


def test_a_row_of_weight_2_is_a_row_given_twice():
    X, y = data("SVC", seed=9, n=60)
    weight = np.random.default_rng(0).integers(0, 3, 60)
    options = {"gamma": 0.2, "tol": 1e-10}
    for name in TYPES:
        model = getattr(fastml.svm, name)(**options, **({"nu": 0.2} if name.startswith("Nu") else {}))
        weighted = clone(model).fit(X, y, sample_weight=weight)
        twice = clone(model).fit(np.repeat(X, weight, axis=0), np.repeat(y, weight))
        said = "decision_function" if hasattr(model, "decision_function") else "predict"
        np.testing.assert_allclose(getattr(weighted, said)(X), getattr(twice, said)(X), atol=1e-7)
        assert not set(weighted.support_) & set(np.flatnonzero(weight == 0))


@pytest.mark.parametrize("n_classes", [2, 3, 4])
def test_against_the_rest_is_one_machine_a_class(n_classes):
    X, y = data("SVC", seed=2, n=200, n_classes=n_classes)
    model = SVC(multi_class="ovr", tol=1e-8).fit(X, y)
    apart = np.column_stack([
        sklearn.svm.SVC(tol=1e-8).fit(X, y == k).decision_function(X) for k in range(n_classes)
    ])
    if n_classes == 2:
        np.testing.assert_allclose(model.decision_function(X), apart[:, 1], atol=1e-6)
        return
    np.testing.assert_allclose(model.decision_function(X), apart, atol=1e-6)
    np.testing.assert_array_equal(model.predict(X), model.decision_function(X).argmax(axis=1))
    assert model.dual_coef_.shape == (n_classes, len(model.support_))
    assert model.intercept_.shape == model.n_iter_.shape == (n_classes,)
    with pytest.raises(ValueError, match="multi_class='ovo'"):
        SVC(multi_class="ovr", decision_function_shape="ovo").fit(X, y)


def test_nu_bounds_the_share_of_rows_outside():
    X, _ = data("OneClassSVM", seed=1, n=900)
    for nu in (0.05, 0.3, 0.7):
        model = OneClassSVM(nu=nu).fit(X)
        assert np.mean(model.predict(X) == -1) <= nu + 1e-12
        assert len(model.support_) >= nu * 900 - 1e-9
        np.testing.assert_allclose(model.score_samples(X) - model.offset_, model.decision_function(X))


def test_balanced_classes_make_every_nu_possible():
    X, y = data("SVC", n_classes=2, n=100)
    few = np.concatenate([np.flatnonzero(y == 0), np.flatnonzero(y == 1)[:8]])
    with pytest.raises(ValueError, match=r"specified nu is infeasible: nu=0.6 must be at most 0\.\d+"):
        NuSVC(nu=0.6).fit(X[few], y[few])
    assert NuSVC(nu=0.6, class_weight="balanced").fit(X[few], y[few]).converged_


@pytest.mark.parametrize("name", TYPES)
def test_models_outlive_a_file_and_a_pickle(name, tmp_path):
    X, y = data(name, seed=7)
    probability = {"probability": True} if name.endswith("SVC") else {}
    for rows in (X, sparse.csr_matrix(X)):
        own = {"nu": 0.3} if name.startswith("Nu") else {}
        model = getattr(fastml.svm, name)(**own, **probability).fit(rows, y)
        said = "predict_proba" if probability else "predict"
        wanted = getattr(model, said)(rows)
        again = pickle.loads(pickle.dumps(model))
        np.testing.assert_array_equal(getattr(again, said)(rows), wanted)
        model.save(tmp_path / "model")
        np.testing.assert_array_equal(getattr(io.load(tmp_path / "model"), said)(rows), wanted)


def test_nothing_is_said_where_all_is_well():
    X, y = data("SVC")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = SVC().fit(X, y)
    assert model.stop_reason_ is None
    assert model.gap_ <= model.tol
    assert model.n_kernel_rows_ > 0
    with pytest.warns(ConvergenceWarning, match=r"max_iter=3.*KKT gap is \d"):
        early = SVC(max_iter=3).fit(X, y)
    assert not early.converged_
    assert early.fit_status_ == 1
    assert early.gap_ > early.tol
    assert (early.n_iter_ == 3).all()
