"""Twin of vote_predictor: one row and one tree at a time."""

import numpy as np

from tests.reference.forest_predictor import leaves


def leaf_numbers(forest, X):
    """(n, n_trees) number of each row's leaf in its tree."""
    at = leaves(forest, X)
    return np.array([[forest.tree(t).nodes["value"][i] for t, i in enumerate(row)] for row in at]).reshape(at.shape)


def add_shares(leaf_of, leaf_start, shares, share_start, classes, total, use):
    """total (n, width) += what the rows' leaves say; leaf_of: (n, n_trees)."""
    for r in np.flatnonzero(use):
        for t, number in enumerate(leaf_of[r]):
            k = leaf_start[t] + int(number)
            if share_start is None:
                total[r] += shares[k * total.shape[1] : (k + 1) * total.shape[1]]
            else:
                own = slice(share_start[k], share_start[k + 1])
                total[r, classes[own]] += shares[own]
