"""The margin of a support vector machine: lines where f is 1 and -1, rings on the support vectors, errors by name."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import sklearn.svm
from matplotlib.collections import PathCollection
from sklearn.datasets import make_blobs

from fastml.plotting import plot_margin
from fastml.svm import SVC, SVR, NuSVC, OneClassSVM


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


def data(n_classes=2):
    return make_blobs(80, 2, centers=n_classes, random_state=3, cluster_std=2.0)


def rings(ax):
    points = [c for c in ax.collections if isinstance(c, PathCollection) and not len(c.get_facecolors())]
    return np.concatenate([c.get_offsets() for c in points])


def dashed(ax):
    return [c for c in ax.collections if hasattr(c, "levels") and list(c.levels) in ([-1.0, 1.0], [-1.0], [1.0])]


@pytest.mark.parametrize("model", [SVC(kernel="linear"), SVC(), NuSVC(nu=0.2), sklearn.svm.SVC()])
def test_two_classes_have_a_margin_and_rings(model):
    X, y = data()
    ax = plot_margin(model.fit(X, y), X, y)
    assert len(dashed(ax)) == 1
    drawn = rings(ax)
    assert sorted(map(tuple, drawn.tolist())) == sorted(map(tuple, model.support_vectors_.tolist()))


def test_frames_and_axes_of_ones_own():
    pandas = pytest.importorskip("pandas")
    X, y = data()
    frame = pandas.DataFrame(X, columns=["wide", "high"])
    _, own = plt.subplots()
    ax = plot_margin(SVC().fit(frame, y), frame, y, ax=own)
    assert ax is own
    assert ax.get_xlabel() == "wide"


@pytest.mark.parametrize("model", [SVR(), OneClassSVM(nu=0.2), SVC(C=2.0)])
def test_other_machines_have_rings_only(model):
    X, y = data(3)
    ax = plot_margin(model.fit(X, y), X)
    assert not dashed(ax)
    assert len(rings(ax)) == len(model.support_)


def test_a_function_as_kernel_has_the_rows_of_the_fit():
    X, y = data()
    model = SVC(kernel=lambda A, B: np.asarray(A) @ np.asarray(B).T).fit(X, y)
    assert len(rings(plot_margin(model, X, y))) == len(model.support_)
    with pytest.raises(ValueError, match="X has 5 rows, and the fit had 80"):
        plot_margin(model, X[:5])


def test_what_cannot_be_drawn_is_named():
    X, y = data()
    with pytest.raises(ValueError, match="3 columns"):
        plot_margin(SVC().fit(np.column_stack([X, X[:, 0]]), y), np.column_stack([X, X[:, 0]]))
    with pytest.raises(ValueError, match="precomputed"):
        plot_margin(SVC(kernel="precomputed").fit(X @ X.T, y), X)
    with pytest.raises(TypeError, match="not a list"):
        plot_margin([], X)
