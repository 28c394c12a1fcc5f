"""Random forests and rows for the tests of what stands on fitted trees."""

import numpy as np

from fastml.tree.structure import CATEGORICAL, MISSING_LEFT, NODE, ForestBuilder


def random_tree(rng, n_leaves, edges, is_categorical, chain=0.0):
    """(nodes, categories) of a tree that splits a random leaf again and again; `chain` of the time the newest."""
    nodes, categories = np.zeros(2 * n_leaves - 1, NODE), []
    nodes["value"] = rng.normal(size=len(nodes))
    leaves, n = [0], 1
    for _ in range(n_leaves - 1):
        i = leaves.pop(-1 if rng.random() < chain else int(rng.integers(len(leaves))))
        j = int(rng.integers(len(edges)))
        nodes["left"][i] = n
        nodes["feature"][i] = np.uint32(j) | (MISSING_LEFT if rng.random() < 0.5 else np.uint32(0))
        if is_categorical[j]:
            nodes["feature"][i] |= CATEGORICAL
            nodes["value"][i] = len(categories)
            categories.append(rng.integers(0, 2**32, 8, dtype=np.uint32))
        else:
            at = rng.integers(len(edges[j]) + 1)
            nodes["value"][i] = edges[j][at] if at < len(edges[j]) else np.inf
        leaves += [n, n + 1]
        n += 2
    return nodes, np.array(categories, np.uint32).reshape(-1, 8)


def random_forest(rng, n_trees, n_leaves, edges, is_categorical, n_outputs=1, chain=0.0):
    """Forest of n_trees trees; n_leaves is a number, or a function of rng."""
    builder = ForestBuilder(len(edges), n_outputs)
    for _ in range(n_trees):
        size = n_leaves(rng) if callable(n_leaves) else n_leaves
        nodes, categories = random_tree(rng, size, edges, is_categorical, chain)
        split = nodes["left"] != 0
        builder.append(nodes, categories, (rng.random(len(nodes)) * split).astype(np.float32),
                       rng.random(len(nodes)).astype(np.float32))
    return builder.freeze()


def random_columns(rng, n_features, n_edges=30):
    """(edges, is_categorical): distinct sorted edges on a coarse grid, so that rows fall on them."""
    edges = [np.unique(rng.integers(-20, 20, rng.integers(0, n_edges + 1)) / 4.0) for _ in range(n_features)]
    return edges, rng.random(n_features) < 0.3


def random_rows(rng, n, edges, is_categorical):
    """Rows with ties to the edges, infinities, signed zeros and missing values."""
    X = rng.integers(-24, 24, (n, len(edges))) / 4.0
    special = rng.random(X.shape)
    X[special < 0.03] = np.inf
    X[special < 0.02] = -np.inf
    X[special < 0.01] = -0.0
    X[:, is_categorical] = rng.integers(0, 256, (n, int(np.sum(is_categorical))))
    X[special > 0.9] = np.nan
    return X


def flat(edges):
    """(edges_flat, edges_start) as the engines take them."""
    return np.concatenate([np.empty(0), *edges]), np.cumsum([0, *map(len, edges)], dtype=np.int64)
