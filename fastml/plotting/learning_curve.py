"""Scores round by round."""

from __future__ import annotations

from typing import Any

from fastml.plotting.axes import BLUE, GREY, ORANGE, axes_or_new


def plot_learning_curve(
    evals_result: dict[str, dict[str, Any]],
    *,
    metric: str | None = None,
    best_iteration: int | None = None,
    ax: Any = None,
) -> Any:
    """Draw the scores that a booster recorded after each round.

    Parameters
    ----------
    evals_result : dict
        What `model.evals_result()` gives: {data set: {metric: one score a round}}.
    metric : str, optional
        Which metric; by default the last one, which is what early stopping watches.
    best_iteration : int, optional
        The round to mark, counted from 0.
    ax : matplotlib Axes, optional
        Where to draw; by default on a new figure.

    Returns
    -------
    ax : matplotlib Axes
    """
    ax = axes_or_new(ax)
    if not evals_result:
        raise ValueError("evals_result is empty: fit with eval_set=[(X_valid, y_valid)] to record scores")
    known = list(next(iter(evals_result.values())))
    metric = known[-1] if metric is None else metric
    if metric not in known:
        raise ValueError(f"metric={metric!r} was not recorded; these were: {', '.join(known)}")
    colours = [ORANGE] if len(evals_result) == 1 else [BLUE, ORANGE, GREY]
    for position, (name, recorded) in enumerate(evals_result.items()):
        scores = recorded[metric]
        ax.plot(range(1, len(scores) + 1), scores, label=name, color=colours[position % len(colours)])
    if best_iteration is not None:
        best = best_iteration + 1
        ax.axvline(best, color=GREY, linewidth=1, linestyle=":", label=f"best round, {best}")
    ax.set(title="Learning curve", xlabel="round", ylabel=metric)
    ax.legend(frameon=False)
    return ax
