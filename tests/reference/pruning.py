"""Slow twin of pruning: weakest links first, as Breiman and others have it."""

import numpy as np


def pruned_leaves(left, gain, alpha):
    """Nodes that are leaves of the pruned tree: collapse the split whose subtree gains the least per leaf, while that
    is at most alpha."""
    left = left.copy()

    def below(t):
        """(gain, splits) of the subtree of t."""
        if left[t] == 0:
            return 0.0, 0
        (g1, n1), (g2, n2) = below(left[t]), below(left[t] + 1)
        return gain[t] + g1 + g2, 1 + n1 + n2

    def reachable(t):
        return [t] if left[t] == 0 else [t, *reachable(left[t]), *reachable(left[t] + 1)]

    while True:
        splits = [t for t in reachable(0) if left[t] != 0]
        links = {t: below(t)[0] / below(t)[1] for t in splits}
        weakest = min(links.values(), default=np.inf)
        if weakest > alpha:
            return sorted(t for t in reachable(0) if left[t] == 0)
        left[next(t for t in splits if links[t] == weakest)] = 0
