"""Kernels of density estimation: their names, their norms."""

from __future__ import annotations

from math import lgamma, log, pi

KERNELS = ("gaussian", "tophat", "epanechnikov", "exponential", "linear", "cosine")
"""In the order of the engine's numbers."""


def log_norm(kernel: str, h: float, d: int) -> float:
    """-log of the integral of K(|x| / h) over d columns; with it, densities integrate to the sum of the weights.

    h : bandwidth, > 0, in the units of the columns. Source: the integral in polar coordinates.
    """
    if kernel == "gaussian":
        integral = 0.5 * d * log(2.0 * pi)
    elif kernel == "tophat":
        integral = _log_ball(d)
    elif kernel == "epanechnikov":
        integral = _log_ball(d) + log(2.0 / (d + 2.0))
    elif kernel == "exponential":
        integral = _log_sphere(d - 1) + lgamma(d)
    elif kernel == "linear":
        integral = _log_ball(d) - log(d + 1.0)
    else:  # the integral of r^(d - 1) cos(pi r / 2) from 0 to 1, by parts
        term, total = 2.0 / pi, 0.0
        for k in range(1, d + 1, 2):
            total += term
            term *= -(d - k) * (d - k - 1) * (2.0 / pi) ** 2
        integral = log(total) + _log_sphere(d - 1)
    return -integral - d * log(h)


def _log_ball(d: int) -> float:
    """log of the volume of the unit ball in d columns."""
    return 0.5 * d * log(pi) - lgamma(0.5 * d + 1.0)


def _log_sphere(d: int) -> float:
    """log of the area of the unit sphere around a ball of d + 1 columns."""
    return log(2.0 * pi) + _log_ball(d - 1)
