"""k-means++ by its definition: distances of all rows to all centres, cumulative sums, one candidate after the other."""

import numpy as np


class Seeds:
    """What the engine's classes have, without anything that is left out."""

    def __init__(self, X, weight=None):
        self.X = np.asarray(X.toarray() if hasattr(X, "toarray") else X, np.float64)
        self.weight = np.ones(len(self.X)) if weight is None else weight
        self.nearest = np.full(len(self.X), np.inf)

    def to(self, row):
        return ((self.X - self.X[row]) ** 2).sum(axis=1)

    @property
    def potential(self):
        return (self.weight * self.nearest).sum()

    def draw(self, values):
        return np.minimum(np.searchsorted(np.cumsum(self.weight * self.nearest), values), len(self.X) - 1)

    def gains(self, candidates):
        return np.array([(self.weight * np.maximum(self.nearest - self.to(c), 0)).sum() for c in candidates])

    def add(self, row):
        self.nearest = np.minimum(self.nearest, self.to(row))


def pick_rows(X, n_clusters, weight, random_state, n_local_trials):
    """Greedy k-means++, with the draws of the library."""
    seeds = Seeds(X, weight)
    picked = [random_state.choice(len(seeds.X), p=seeds.weight / seeds.weight.sum())]
    seeds.add(picked[0])
    while len(picked) < n_clusters:
        candidates = seeds.draw(random_state.uniform(size=n_local_trials) * seeds.potential)
        picked.append(candidates[np.argmax(seeds.gains(candidates))])
        seeds.add(picked[-1])
    return np.array(picked)
