"""Twin of the engines of k-means: exact distances in eight lanes, sums in whole numbers of any size."""

import numpy as np


def squared_distance(x, centre):
    """Column j goes to lane j % 8; lanes are added in pairs."""
    lanes = np.zeros(8)
    for j, (a, b) in enumerate(zip(x.tolist(), centre.tolist(), strict=True)):
        lanes[j % 8] += (float(a) - b) * (float(a) - b)
    s = lanes.tolist()
    return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]))


def labels(X, centres):
    """The centre of the least squared distance; ties to the lowest number."""
    centres = np.asarray(centres, np.float64)
    return np.array([np.argmin([squared_distance(x, c) for c in centres]) for x in X], np.int32)


def sums(points, label, k):
    """(k, d + 1) of the clusters' rows in fixed point and their weight."""
    out = np.zeros((k, len(points.offset) + 1), object)
    for i, c in enumerate(label):
        weight = 1.0 if points.weight is None else float(points.weight[i])
        own = (np.asarray(points.X[i], np.float64) - points.offset) * weight * points.scale
        out[c] += [round(v) for v in (*own.tolist(), weight * points.weight_scale)]
    return out.astype(np.int64)


def lloyd(points, centres, n_steps):
    """(labels, centres) after so many steps without a cluster that is empty."""
    for _ in range(n_steps):
        label = labels(points.X, centres)
        total = sums(points, label, len(centres))
        weight = total[:, -1] / points.weight_scale
        centres = points.offset + total[:, :-1] / (points.scale * weight[:, None])
        centres = centres.astype(np.float32 if points.X.dtype == np.float32 else np.float64)
    return label, centres
