"""A user's own metric: what is asked of it before the fit, and whether it can be compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml.cluster.dbscan_metrics import Metric

ASKED = 24


def check_own_metric(metric: Metric, X: NDArray[Any]) -> None:
    """Ask the function about some pairs of rows.

    Raises
    ------
    ValueError
        It raises, gives no number, NaN or a negative number, or is not symmetric; with the rows.
    """
    function = metric.function
    name = getattr(function, "__name__", None) or type(function).__name__
    rng = np.random.default_rng(0)
    pairs = rng.integers(0, len(X), (ASKED, 2))
    for a, b in [(0, 0), *pairs.tolist()]:
        there, back = (_ask(metric, name, X, *pair) for pair in ((a, b), (b, a)))
        if np.isnan(there) or np.isnan(back) or there < 0:
            raise ValueError(
                f"metric `{name}` gives {there} for the rows {a} and {b}; a distance must be a number >= 0"
            )
        if abs(there - back) > 1e-7 * max(abs(there), abs(back), 1e-300) and not np.isinf(there):
            raise ValueError(
                f"metric `{name}` is not symmetric: {there} from row {a} to row {b}, {back} back; "
                "return the mean or the smaller of both ways"
            )


def _ask(metric: Metric, name: str, X: NDArray[Any], a: int, b: int) -> float:
    assert metric.function is not None  # noqa: S101 - the metric says so by its name
    try:
        said = metric.function(X[a], X[b], **metric.params)
        return float(said)
    except Exception as error:
        raise ValueError(
            f"metric `{name}` raised {type(error).__name__} for the rows {a} and {b}: {error}. It must take two rows, "
            "arrays of n_features numbers, and return a number"
        ) from error
