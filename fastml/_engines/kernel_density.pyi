"""Kernel densities by a tree."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml._engines.ball_tree import BallTree

def log_densities(
    tree: BallTree, X: NDArray[Any], kernel: int, h: float, log_norm: float, atol: float, rtol: float,
    weights: NDArray[np.float64] | None = ..., n_threads: int = ...,
) -> NDArray[np.float64]:  # fmt: skip
    """log sum_i weights[i] K(d(x, x_i) / h) + log_norm for each query x, (n,).

    kernel : 0 gaussian, 1 tophat, 2 epanechnikov, 3 exponential, 4 linear, 5 cosine
    h : bandwidth, in the units of the distance
    atol, rtol : the density is off by less than atol + rtol * density
    weights : (n_points,) > 0, by row; None: ones
    The same for any number of threads. Raises ValueError; looks for Ctrl-C between queries.
    """
