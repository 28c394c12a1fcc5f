"""Slow twin of presorted_grower: every cut of every column of a node, with what it takes off the loss."""

import numpy as np

from tests.reference.exact_grower import cuts
from tests.reference.histogram_grower import leaf_weight, score

__all__ = ["candidates", "leaf_weight", "score", "sets"]


def sets(codes, g, h, n_levels, o):
    """(goes left, gain to pay, missing goes left) of the level sets that are tried: each level alone where there are
    few, else the first levels in the order of G / (H + lambda)."""
    present = ~np.isnan(codes)
    levels = np.unique(codes[present])
    G, H = (np.array([s[codes == level].sum() for level in levels]) for s in (g, h))
    levels = levels[np.argsort(G / (H + o["reg_lambda"]), kind="stable")]
    alone = n_levels <= o["max_cat_to_onehot"]
    toll = 0.0 if alone else 2 / np.pi * (len(levels) - 1) * o.get("cat_penalty", 0.0) * o.get("dispersion", 0.0)
    for k in range(len(levels)):
        left = np.isin(codes, levels[k] if alone else levels[: k + 1])
        for missing_left in (False, True) if not present.all() else (False,):
            goes_left = np.where(present, left, missing_left)
            if 0 < goes_left.sum() < len(codes):
                yield goes_left, toll, missing_left


def candidates(X, is_categorical, g, h, n_levels, o):
    """(gain, column, goes left, threshold or None) of every cut that keeps to the limits."""
    G, H = g.sum(), h.sum()
    for j, x in enumerate(X.T):
        if is_categorical[j]:
            found = [(left, toll, None) for left, toll, _ in sets(x, g, h, n_levels[j], o)]
        else:
            found = [(left, 0.0, threshold) for left, threshold, _ in cuts(x)]
        for left, toll, threshold in found:
            GL, HL, n_left = g[left].sum(), h[left].sum(), left.sum()
            if min(HL, H - HL) < o["min_child_weight"] * (1 - 1e-9):
                continue
            if min(n_left, len(x) - n_left) < max(1, o.get("min_samples_leaf", 0)):
                continue
            yield score(GL, HL, o) + score(G - GL, H - HL, o) - score(G, H, o) - toll, j, left, threshold
