"""Ugly points for the engines of k-means: ties, constants, duplicates, columns far from 0, points far out."""

import numpy as np
from hypothesis import strategies as st

from fastml.cluster.kmeans.points import Points

KINDS = ("normal", "grid", "duplicates", "constant", "shifted", "outlier", "tiny")


def points_of(seed, n, d, kind, dtype, weighted):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) * 40 + 120
    if kind == "grid":
        X = np.round(X / 60) * 60
    elif kind == "duplicates":
        X = X[rng.integers(0, max(1, n // 3), n)]
    elif kind == "constant":
        X[:, rng.random(d) < 0.7] = 7
    elif kind == "shifted":
        X += 1e6
    elif kind == "outlier":
        X[rng.integers(0, n)] *= 1e6
    elif kind == "tiny":
        X *= 1e-30
    if dtype == np.uint8:
        X = np.clip(X, 0, 255)
    X = np.ascontiguousarray(X.astype(dtype))
    weight = None
    if weighted:
        weight = rng.exponential(size=n) * (rng.random(n) < 0.8)
        weight[0] = 1.0
    return Points.of(X, weight), rng


def start(points, k, rng):
    """Rows, some of them twice."""
    dtype = points.X.dtype if points.X.dtype != np.uint8 else np.float64
    return points.X[rng.integers(0, len(points.X), k)].astype(dtype)


cases = st.tuples(
    st.integers(0, 2**32), st.integers(1, 300), st.sampled_from(KINDS),
    st.sampled_from([np.float32, np.float64, np.uint8]), st.booleans(),
)  # fmt: skip
