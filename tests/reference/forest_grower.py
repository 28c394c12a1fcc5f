"""Slow twin of what forest_grower adds to exact_grower: rows drawn for a tree, and classes made even among them."""

import numpy as np

WORD = 2**64 - 1
GOLDEN = 0x9E3779B97F4A7C15
ROWS_STREAM = 0x526F7773


def mix(z):
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & WORD
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB & WORD
    return z ^ (z >> 31)


def random_bits(seed, stream, counter):
    return mix(mix(mix(seed + GOLDEN & WORD) + stream * GOLDEN & WORD) + (counter + 1) * GOLDEN & WORD)


def bootstrap_counts(seed, n, n_draws, weight=None):
    """Of each row; weights that are whole numbers draw from as many rows, each given so often."""
    rows = np.arange(n)
    total = n if weight is None else weight.sum()
    counts = np.zeros(n)
    for i in range(n_draws):
        bits = random_bits(seed, ROWS_STREAM, i)
        if weight is None:
            counts[(bits >> 32) * n >> 32] += 1
        elif total == int(total):
            counts[np.repeat(rows, weight.astype(int))[(bits >> 32) * int(total) >> 32]] += 1
        else:
            counts[np.searchsorted(np.cumsum(weight), (bits >> 11) / 2**53 * total, side="right")] += 1
    return counts


def balanced(counts, label):
    """Counts times n_draws / (classes drawn * rows of the class) in 24 bits, for each output."""
    weight = counts.copy()
    for own in label:
        rows = np.bincount(own, counts)
        weight *= (counts.sum() / ((rows > 0).sum() * np.where(rows > 0, rows, 1.0)[own])).astype(np.float32)
    return weight
