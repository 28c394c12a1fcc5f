"""The margin of a support vector machine over two columns, and the rows that hold it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml.base import check_is_fitted
from fastml.plotting.axes import GREY
from fastml.plotting.decision_boundary import plot_decision_boundary

AT_BOUND = 1e-9  # of the largest coefficient: a vector that has it is held by C


def plot_margin(machine: Any, X: Any, y: Any = None, *, resolution: int = 200, cmap: Any = None, ax: Any = None) -> Any:
    """Draw a machine that was fitted on two columns: its boundary, where f is 1 and -1, and its support vectors.

    The picture of `plot_decision_boundary`, of two classes with dashed lines where the decision function is -1 and 1:
    the margin. Support vectors are circled, in grey those at the bound C: inside the margin, or, of a regression,
    outside the tube. Of more than two classes there is one margin a pair, and none is drawn.

    Parameters
    ----------
    machine : fitted SVC, NuSVC, SVR, NuSVR or OneClassSVM, of this library or scikit-learn
        Of any kernel but "precomputed", which knows no columns.
    X : array or frame of shape (n_samples, 2)
    y : (n_samples,) classes or numbers, optional
        Draws the rows in the colours of their true values.
    resolution : int, default=200
        Places on each side of the grid.
    cmap : str or Colormap, optional
    ax : matplotlib Axes, optional
        Where to draw; by default on a new figure.

    Returns
    -------
    ax : matplotlib Axes

    Raises
    ------
    NotFittedError, TypeError, ValueError
        Not a support vector machine, a precomputed kernel, or other than two columns.
    """
    if not hasattr(machine, "predict") or "kernel" not in getattr(machine, "get_params", dict)():
        raise TypeError(f"plot_margin draws a support vector machine, not a {type(machine).__name__}")
    check_is_fitted(machine)
    if machine.kernel == "precomputed":
        raise ValueError("kernel='precomputed' knows no columns to draw over: fit with the kernel itself")
    if np.ndim(X) == 2 and np.shape(X)[1] != 2:
        raise ValueError(
            f"X has {np.shape(X)[1]} columns, and a margin is drawn over two: fit on two of them, or draw a model of "
            "more with plot_decision_boundary"
        )
    vectors = _vectors(machine, X)
    response = "decision_function" if hasattr(machine, "decision_function") else "predict"
    ax = plot_decision_boundary(machine, X, y, response=response, resolution=resolution, cmap=cmap, ax=ax)
    if len(getattr(machine, "classes_", [])) == 2:
        _draw_margin(machine, ax, resolution)
    _draw_vectors(machine, vectors, ax)
    return ax


def _vectors(machine: Any, X: Any) -> NDArray[np.float64]:
    """(n_support, 2)"""
    if callable(machine.kernel):  # the machine keeps no rows, only a matrix
        if len(X) != machine.shape_fit_[0]:
            raise ValueError(
                f"X has {len(X)} rows, and the fit had {machine.shape_fit_[0]}: of a kernel of one's own the support "
                "vectors are rows of the X of the fit"
            )
        return np.asarray(X, dtype=np.float64)[machine.support_]
    found = machine.support_vectors_
    return np.asarray(found.toarray() if hasattr(found, "toarray") else found, dtype=np.float64)


def _draw_margin(machine: Any, ax: Any, resolution: int) -> None:
    across, up = (np.linspace(low, high, resolution) for low, high in (ax.get_xlim(), ax.get_ylim()))
    points = np.column_stack([axis.ravel() for axis in np.meshgrid(across, up)])
    if hasattr(machine, "feature_names_in_"):
        import pandas

        points = pandas.DataFrame(points, columns=machine.feature_names_in_)
    values = machine.decision_function(points).reshape(resolution, resolution)
    levels = [level for level in (-1.0, 1.0) if values.min() < level < values.max()]
    if levels:
        ax.contour(across, up, values, levels=levels, colors="black", linewidths=0.8, linestyles="dashed")


def _draw_vectors(machine: Any, vectors: NDArray[np.float64], ax: Any) -> None:
    coef = machine.dual_coef_
    size = np.abs(np.asarray(coef.toarray() if hasattr(coef, "toarray") else coef)).max(axis=0)
    at_bound = size >= size.max(initial=0.0) * (1.0 - AT_BOUND)
    if not np.isclose(size.max(initial=0.0), getattr(machine, "C", size.max(initial=0.0))):
        at_bound[:] = False  # none reaches the bound
    for own, colour in ((at_bound, GREY), (~at_bound, "black")):
        ax.scatter(*vectors[own].T, s=70, facecolors="none", edgecolors=colour, linewidths=1.1, zorder=4)
