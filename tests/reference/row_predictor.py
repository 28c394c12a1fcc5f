"""Twin of row_predictor: the walk of forest_predictor's twin, then the link."""

import numpy as np

from tests.reference.forest_predictor import add_trees


def with_codes(X, is_categorical, category_codes):
    """X with level numbers replaced by codes; an unknown level is missing."""
    X = np.array(X, np.float64)
    for j in np.flatnonzero(is_categorical):
        codes = np.append(np.asarray(category_codes[j], np.float64), 0.0)
        known = (X[:, j] >= 0) & (X[:, j] < len(codes) - 1)
        X[:, j] = codes[np.where(known, X[:, j], -1).astype(int)]
    return X


def predict(forest, X, base=0.0, link="identity"):
    """(n, n_outputs)."""
    raw = np.empty((forest.n_outputs, len(X)))
    raw[:] = np.broadcast_to(base, forest.n_outputs)[:, None]
    raw = add_trees(forest, X, raw).T
    if link == "sigmoid":
        return 1 / (1 + np.exp(-raw))
    if link == "softmax":
        e = np.exp(raw - raw.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)
    return raw
