"""Which rows to learn from and which to validate on."""

import numpy as np


def validation_rows(fraction: float, n_samples: int, classes: np.ndarray | None, seed: int) -> np.ndarray:
    """True for the rows to validate on, drawn at random; of each class the same share.

    Parameters
    ----------
    fraction : float in [0, 1)
    n_samples : int
    classes : (n,) labels, or None
        A class with too few rows for the share has none to validate on.
    seed : int
    """
    order = np.random.default_rng(seed).permutation(n_samples)
    chosen = np.zeros(n_samples, bool)
    if classes is None:
        chosen[order[: int(fraction * n_samples)]] = True
        return chosen
    codes = np.unique(classes, return_inverse=True)[1][order]
    by_class = np.argsort(codes, kind="stable")  # the rows of a class stand together, in random order
    counts = np.bincount(codes)
    starts = np.repeat(np.cumsum(counts) - counts, counts)
    rank = np.arange(n_samples) - starts
    chosen[order[by_class]] = rank < np.repeat(np.floor(fraction * counts), counts)
    return chosen
