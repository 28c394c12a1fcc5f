"""What a model predicts over two columns, all others held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml.base import check_is_fitted
from fastml.extras import require
from fastml.plotting.answers import RESPONSES, Answers, answers
from fastml.plotting.axes import GREY, axes_or_new
from fastml.plotting.colours import by_class, draw_classes, draw_scale, hues, scale
from fastml.plotting.grid import Side, labels_of, pair_of, rows_of, side_of
from fastml.plotting.held_columns import open_columns

MOST_POINTS = 1000
"""Rows that are drawn as points, evenly drawn from all."""
MOST_OUTLINED = 20
"""Classes up to which boundaries are lines."""
N_CONTOURS = 16


def plot_decision_boundary(
    estimator: Any,
    X: Any,
    y: Any = None,
    *,
    features: Sequence[Any] | None = None,
    held: int | Mapping[Any, Any] | None = None,
    response: str = "auto",
    resolution: int = 200,
    class_names: Sequence[str] | None = None,
    cmap: Any = None,
    key: bool = True,
    ax: Any = None,
) -> Any:
    """Draw what a model predicts over two columns.

    Two classes: from one colour over white to the other, by the probability of the second, with a line at one half.
    More classes: a colour each, the paler the less likely, with lines where the likeliest changes. Numbers: filled
    contours.

    Parameters
    ----------
    estimator : fitted estimator with predict, predict_proba or decision_function
        Of this library, scikit-learn, or any other that is called alike.
    X : array or frame of shape (n_samples, n_features), as for predict
        Says which values occur: the picture reaches from the least to the largest, and 5% beyond.
    y : (n_samples,) classes or numbers, optional
        Draws the rows as points in the colours of their true values.
    features : two column numbers or names, optional
        The columns across and up; categories are allowed. By default the only two, or the two that are most important
        by the model's `feature_importances_`.
    held : int or {column: value}, optional
        The number of a row of X whose values the other columns have; or values of some of them. By default columns of
        numbers are held at their median, others at what is most frequent.
    response : {"auto", "predict_proba", "decision_function", "predict"}, default="auto"
        What is drawn; "auto": the first of these that a classifier has, and predict of a regressor. Scores of several
        classes are drawn as  exp s_k / sum_l exp s_l.
    resolution : int, default=200
        Places on each side of the grid; the model is asked once, for all their pairs.
    class_names : sequence of str, optional
        By default the classes.
    cmap : str or Colormap, optional
        Of numbers, of the probability of the second of two classes, or the classes' colours.
    key : bool, default=True
        Whether to draw a colour bar, or the classes' colours.
    ax : matplotlib Axes, optional
        Where to draw; by default on a new figure.

    Returns
    -------
    ax : matplotlib Axes

    Raises
    ------
    NotFittedError, TypeError, ValueError
    """
    if hasattr(estimator, "__sklearn_tags__"):  # others know best themselves
        check_is_fitted(estimator)
    if response not in RESPONSES:
        raise ValueError(f"response={response!r} must be one of {', '.join(map(repr, RESPONSES))}")
    if not isinstance(resolution, int | np.integer) or isinstance(resolution, bool) or resolution < 2:
        raise ValueError(f"resolution={resolution!r} must be a whole number >= 2: places on each side")
    columns = open_columns(X)
    expected = getattr(estimator, "n_features_in_", columns.n_features)
    if columns.n_features != expected:
        raise ValueError(f"X has {columns.n_features} columns, and {type(estimator).__name__} was fitted on {expected}")
    truth = None if y is None else np.asarray(y)
    if truth is not None and truth.shape != (columns.n_samples,):
        raise ValueError(f"y has shape {truth.shape} for the {columns.n_samples} rows of X: give a value each")
    labels = labels_of(estimator, columns)
    pair = pair_of(features, estimator, columns, labels)
    coded = getattr(getattr(estimator, "_schema", None), "levels", None)  # numbers that the fit was told are names
    values = [columns.values(j, coded is not None and coded[j] is not None) for j in range(columns.n_features)]
    across, up = (side_of(values[j], labels[j], int(resolution)) for j in pair)
    said = answers(estimator, rows_of(columns, values, labels, pair, (across, up), held), response)
    names = [] if said.classes is None else [str(name) for name in said.classes]
    if class_names is not None:
        if len(class_names) != len(names):
            raise ValueError(f"class_names has {len(class_names)} entries for {len(names)} classes")
        names = [str(name) for name in class_names]
    ax = axes_or_new(ax)
    draw = _draw_classes if said.shares is not None and len(names) != 2 else _draw_scale
    colours_of = draw(ax, across, up, said, names, truth, cmap, key)
    if truth is not None:
        _draw_points(ax, across, up, colours_of(truth))
    for side, axis, limit in ((across, ax.xaxis, ax.set_xlim), (up, ax.yaxis, ax.set_ylim)):
        _label(side, axis, limit)
    title = "\n".join([type(estimator).__name__, *_held_words(columns.n_features - 2, held)])
    ax.set_title(title, fontsize=9, parse_math=False)
    return ax


def _draw_classes(
    ax: Any, across: Side, up: Side, said: Answers, names: list[str], truth: Any, cmap: Any, key: bool
) -> Any:
    """Several classes, or one; returns what gives true classes their colours."""
    shares: NDArray[np.float64] = said.shares  # type: ignore[assignment]
    shape, own = (len(up.at), len(across.at)), hues(len(names), cmap)
    faces = by_class(shares, own).reshape(*shape, 3)
    ax.pcolormesh(across.at, up.at, faces, shading="nearest", rasterized=True)
    if 1 < len(names) <= MOST_OUTLINED:
        for k in range(len(names)):
            lead = shares[:, k] - np.delete(shares, k, axis=1).max(axis=1)
            _line(ax, across, up, lead.reshape(shape), 0.0)
    if key:
        draw_classes(ax, own, names, shares.mean(axis=0))
    return lambda truth: _class_colours(truth, said.classes, own)


def _draw_scale(
    ax: Any, across: Side, up: Side, said: Answers, names: list[str], truth: Any, cmap: Any, key: bool
) -> Any:
    """Two classes, scores or numbers; returns what gives true values their colours."""
    of_numbers = said.shares is None and not said.signed
    z = np.asarray(said.numbers if said.shares is None else said.shares[:, 1]).reshape(len(up.at), len(across.at))
    low, high = (0.0, 1.0) if said.shares is not None else _range(z, truth if of_numbers else None, said.signed)
    colours = scale(low, high, cmap, two_sided=not of_numbers)
    if of_numbers and not (across.is_level or up.is_level) and np.ptp(z) > 0:
        levels = np.linspace(low, high, N_CONTOURS + 1)
        ax.contourf(across.at, up.at, z, levels=levels, cmap=colours.cmap, norm=colours.norm)
    else:
        ax.pcolormesh(across.at, up.at, z, shading="nearest", cmap=colours.cmap, norm=colours.norm, rasterized=True)
    if not of_numbers:
        _line(ax, across, up, z, 0.0 if said.signed else 0.5)
    if key:
        above = f", above 0: {names[-1]}" if names else ""
        draw_scale(ax, colours, f"{said.says} {names[1]}" if said.shares is not None else said.says + above)
    if of_numbers:
        return lambda truth: colours.to_rgba(truth.astype(np.float64))[:, :3]
    ends = colours.to_rgba([low, high])[:, :3]
    return lambda truth: _class_colours(truth, np.unique(truth) if said.classes is None else said.classes, ends)


def _range(z: NDArray[np.float64], truth: Any, signed: bool) -> tuple[float, float]:
    known = z.ravel() if truth is None else np.concatenate([z.ravel(), truth.astype(np.float64)])
    known = known[np.isfinite(known)]
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    if signed:
        low, high = -max(abs(low), abs(high)), max(abs(low), abs(high))
    return (low, high) if low < high else (low - 0.5, high + 0.5)


def _line(ax: Any, across: Side, up: Side, z: NDArray[np.float64], level: float) -> None:
    """Where z crosses the level; between categories there is no place for it."""
    if not (across.is_level or up.is_level) and z.min() < level < z.max():
        ax.contour(across.at, up.at, z, levels=[level], colors="black", linewidths=0.8)


def _class_colours(truth: NDArray[Any], classes: Any, own: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, 3), grey for a class that the model does not know."""
    out = np.tile(require("matplotlib.colors", "cli", "Drawing").to_rgb(GREY), (len(truth), 1))
    for name, colour in zip(classes, own, strict=False):
        out[truth == name] = colour
    return out


def _draw_points(ax: Any, across: Side, up: Side, colours: NDArray[np.float64]) -> None:
    n = len(colours)
    rows = np.unique(np.linspace(0, n - 1, min(n, MOST_POINTS)).astype(np.int64))
    places = []
    for side, step in ((across, 0.6180339887), (up, 0.7548776662)):
        spread = ((rows * step) % 1 - 0.5) * 0.7 if side.is_level else 0.0  # rows of one level beside each other
        places.append(side.values.places[rows] + spread)
    size = 24 if n <= 300 else 10
    ax.scatter(*places, c=colours[rows], s=size, edgecolors="black", linewidths=0.4, zorder=3)


def _label(side: Side, axis: Any, limit: Any) -> None:
    axis.set_label_text(side.label, parse_math=False)
    levels = side.values.levels
    if levels is None:
        limit(side.at[0], side.at[-1])
        return
    names = [str(level) for level in levels]
    turned = axis.axis_name == "x" and sum(map(len, names)) > 60
    axis.set_ticks(side.at, names, rotation=90 if turned else 0, parse_math=False)
    limit(-0.5, len(names) - 0.5)


def _held_words(n: int, held: Any) -> list[str]:
    if n == 0:
        return []
    others = "other column held" if n == 1 else f"{n} other columns held"
    if held is None or (isinstance(held, Mapping) and not held):
        return [f"{others} at median or most frequent value"]
    if not isinstance(held, Mapping):
        return [f"{others} as in row {held}"]
    usual = [] if len(held) == n else ["the rest at median or most frequent value"]
    return [f"{others}: {', '.join([*(f'{name} = {value}' for name, value in held.items()), *usual])}"]
