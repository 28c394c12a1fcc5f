"""Twin of the predictors: one row, one tree, one node at a time, by the float thresholds."""

import numpy as np

from fastml.tree.structure import CATEGORICAL, FEATURE, MISSING_LEFT


def leaf_of(tree, x):
    """Index of the node where a row ends. A categorical column holds codes, 0 or NaN missing."""
    i = 0
    while tree.nodes["left"][i]:
        node = tree.nodes[i]
        value, missing = x[node["feature"] & FEATURE], bool(node["feature"] & MISSING_LEFT)
        if np.isnan(value):
            left = missing
        elif node["feature"] & CATEGORICAL:
            code = int(value)
            word = int(tree.categories[int(node["value"])][code // 32])
            left = missing if code == 0 else bool(word >> (code % 32) & 1)
        else:
            left = value <= node["value"]
        i = int(node["left"]) + (not left)
    return i


def leaves(forest, X):
    """(n, n_trees) node indices."""
    return np.array([[leaf_of(forest.tree(t), x) for t in range(forest.n_trees)] for x in X], np.int32).reshape(
        len(X), forest.n_trees)


def add_trees(forest, X, raw_inout):
    """raw_inout[t % n_outputs, i] += value of row i's leaf, tree after tree."""
    at = leaves(forest, X)
    for t in range(forest.n_trees):
        raw_inout[t % forest.n_outputs] += forest.tree(t).nodes["value"][at[:, t]]
    return raw_inout


def encode(X, edges, is_categorical):
    """(n_features, stride) uint8 codes: 0 missing, else 1 + number of edges below the value."""
    n, d = X.shape
    codes = np.full((d, (n + 63) // 64 * 64 + 64), 7, np.uint8)
    for j in range(d):
        missing = np.isnan(X[:, j])
        codes[j, :n] = np.where(missing, 0, X[:, j]) if is_categorical[j] else 1 + np.searchsorted(edges[j], X[:, j])
        codes[j, :n][missing] = 0
    return codes
