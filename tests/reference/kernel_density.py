"""Twin of kernel_density: the sum over all points."""

import numpy as np

SHAPES = [
    lambda z: np.exp(-0.5 * z * z),
    lambda z: (z < 1) * 1.0,
    lambda z: (z < 1) * (1 - z * z),
    lambda z: np.exp(-z),
    lambda z: (z < 1) * (1 - z),
    lambda z: (z < 1) * np.cos(0.5 * np.pi * z),
]


def densities(distances, kernel, h, log_norm, weights):
    """(m,): sum of weights times kernels of the distances (m, n)."""
    return (SHAPES[kernel](distances / h) * weights).sum(axis=1) * np.exp(log_norm)
