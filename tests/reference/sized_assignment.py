"""Rows to clusters of bounded sizes as an assignment problem: a column for each place in a cluster (SciPy)."""

import numpy as np
from scipy.optimize import linear_sum_assignment


def least_cost(costs, least, most):
    """The least sum of costs; the first `least` places of a cluster must be taken, `most - least` more may be."""
    n_samples, n_clusters = costs.shape
    reward = 2.0 * n_samples * (np.abs(costs).max() + 1)  # more than anything that a place left free could save
    places = np.concatenate([np.repeat(costs - reward, least, axis=1), np.repeat(costs, most - least, axis=1)], axis=1)
    rows, chosen = linear_sum_assignment(places)
    owner = np.concatenate([np.repeat(np.arange(n_clusters), least), np.repeat(np.arange(n_clusters), most - least)])
    return costs[rows, owner[chosen]].sum()
