"""Edges and codes of one column, in NumPy, from the definitions."""

import numpy as np


def edges_of(x, max_bins, weight=None):
    """Edges between all distinct values if there are at most max_bins, else between those around the quantiles."""
    x = np.asarray(x, dtype=float)
    weight = np.ones(len(x)) if weight is None else np.asarray(weight, dtype=float)
    present = ~np.isnan(x) & (weight > 0)
    values, place = np.unique(x[present] + 0.0, return_inverse=True)
    mass = np.bincount(place, weight[present], len(values))
    if len(values) <= max_bins:
        cuts = range(1, len(values))
    else:
        cuts = quantile_cuts(mass, max_bins)
    return np.array([edge_between(values[c - 1], values[c]) for c in cuts])


def edge_between(a, b):
    """Halfway from a up to b, or the largest finite number next to an infinity; a where that rounds to b."""
    largest = np.finfo(float).max
    with np.errstate(over="ignore", invalid="ignore"):
        middle = 0.5 * (a + b)
        if np.isfinite(a) and np.isfinite(b) and not np.isfinite(middle):
            middle = 0.5 * a + 0.5 * b
    if np.isinf(a) or np.isinf(b):
        middle = np.clip(a, -largest, largest) if np.isinf(a) else np.clip(b, -largest, largest)
        if np.isinf(a) and np.isinf(b):
            middle = 0.0
    return middle if a <= middle < b else a


def quantile_cuts(mass, max_bins):
    """Cuts c, each between the values c - 1 and c, for exactly max_bins bins of more than max_bins values."""
    heavy = heavy_values(mass, max_bins)
    while len(segments := light_segments(heavy, len(mass))) > max_bins - len(heavy):
        del heavy[int(np.argmin(mass[heavy]))]  # too few bins to keep all apart
    n_bins = np.ones(len(segments), dtype=int)
    sizes = np.array([stop - start for start, stop in segments])
    masses = np.array([mass[start:stop].sum() for start, stop in segments])
    for _ in range(max_bins - len(heavy) - len(segments)):
        n_bins[np.argmax(np.where(n_bins < sizes, masses / n_bins, -1))] += 1
    cuts = {c for h in heavy for c in (h, h + 1)}
    for (start, stop), n in zip(segments, n_bins, strict=True):
        cuts |= set(nearest_cuts(mass, start, stop, n))
    return sorted(cuts - {0, len(mass)})


def heavy_values(mass, max_bins):
    """Values that alone hold the mean mass of the bins left to the values that are not heavy; at most max_bins - 1."""
    heavy = []
    while len(heavy) < max_bins - 1:
        rest = mass.sum() - mass[heavy].sum()
        found = list(np.flatnonzero(mass >= rest / (max_bins - len(heavy)))[: max_bins - 1])
        if len(found) <= len(heavy):
            break
        heavy = found
    return heavy


def light_segments(heavy, n):
    """Stretches (start, stop) between heavy values."""
    starts, stops = [0, *(h + 1 for h in heavy)], [*heavy, n]
    return [(start, stop) for start, stop in zip(starts, stops, strict=True) if stop > start]


def nearest_cuts(mass, start, stop, n_bins):
    """n_bins - 1 cuts inside a stretch, nearest to its quantiles; the lower of two that are equally near."""
    below = np.concatenate([[0], np.cumsum(mass)])
    low, cuts = start + 1, []
    for b in range(1, n_bins):
        wanted = below[start] + (below[stop] - below[start]) * b / n_bins
        candidates = np.arange(low, stop - (n_bins - b) + 1)
        cuts.append(int(candidates[np.argmin(np.abs(below[candidates] - wanted))]))
        low = cuts[-1] + 1
    return cuts


def codes_of(x, edges):
    """0 for NaN, else 1 + the number of edges below x."""
    x = np.asarray(x, dtype=float)
    return np.where(np.isnan(x), 0, 1 + np.searchsorted(edges, x, side="left")).astype(np.uint8)
