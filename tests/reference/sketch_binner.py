"""Slow twin of sketch_binner: the distinct values of a column dealt out to bins of about equal weight."""

import numpy as np


def edges_of(x, weight, share, max_bins):
    """Edges between bins, ascending; weights in the order of the values."""
    order = np.argsort(x, kind="stable")
    order = order[~np.isnan(x[order])]
    values, first = np.unique(x[order], return_index=True)
    heavy = [sum(map(float, part)) for part in np.split(weight[order], first[1:])]
    total = sum(map(float, weight[order]))
    rest, held, bins, edges, full = total, 0.0, 1, [], False
    for k, own in enumerate(heavy):
        need = max(share * total, rest / (max_bins - bins + 1))
        if k and bins < max_bins and (full or (held > 0 and own >= need)):
            edges.append(middle(values[k - 1], values[k]))
            bins, rest, held = bins + 1, rest - held, 0.0
            need = max(share * total, rest / (max_bins - bins + 1))
        held += own
        full = held >= need
    return np.array(edges)


def middle(low, high):
    with np.errstate(invalid="ignore"):
        between = low / 2 + high / 2
    return between if low < between < high else low
