"""Twin of lloyd_sparse: dense rows, all in float64."""

import numpy as np


def labels(X, centres):
    """The centre of the least |c|^2 / 2 - x.c, both summed in the order of columns; ties to the lowest number."""
    half = [0.5 * sum(v * v for v in c) for c in centres.tolist()]
    out = []
    for x in X.astype(np.float64).tolist():
        values = []
        for h, c in zip(half, centres.tolist(), strict=True):
            value = h
            for a, b in zip(x, c, strict=True):
                if a:
                    value -= a * b
            values.append(value)
        out.append(int(np.argmin(values)))
    return np.array(out, np.int32)
