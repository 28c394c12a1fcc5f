"""Twin of kd_tree: what the arrays of a tree must be, once the order is known, and what makes an order a good one."""

import numpy as np


def depth_of(n, leaf_size):
    """Levels below the root: leaves of at most leaf_size points, none of them empty."""
    depth = 0
    while -(-n // 2**depth) > leaf_size and n // 2 ** (depth + 1) > 0:
        depth += 1
    return depth


def ranges(n, depth):
    """[begin, end) of every node, level by level."""
    return [(n * j >> level, n * (j + 1) >> level) for level in range(depth + 1) for j in range(2**level)]


def arrays(X, order, depth):
    """(boxes, lowest, packed) of a tree of that order."""
    nodes = ranges(len(X), depth)
    boxes = np.array([[X[order[a:b]].min(axis=0), X[order[a:b]].max(axis=0)] for a, b in nodes], np.float64)
    lowest = np.array([order[a:b].min() for a, b in nodes])
    leaves = nodes[2**depth - 1 :]
    capacity = -(-max(b - a for a, b in leaves) // 8) * 8
    packed = np.full((len(leaves), X.shape[1], capacity), np.nan, X.dtype)
    for leaf, (a, b) in zip(packed, leaves, strict=True):
        leaf[:, : b - a] = X[order[a:b]].T
    return boxes, lowest, packed


def overlap(X, order, depth):
    """How far the halves of any node reach into each other in their best column, in parts of the node's width there."""
    worst = 0.0
    nodes = ranges(len(X), depth)
    for i in range(2**depth - 1):
        (a, middle), (_, b) = nodes[2 * i + 1], nodes[2 * i + 2]
        left, right = X[order[a:middle]].astype(float), X[order[middle:b]].astype(float)
        width = np.maximum(left.max(axis=0), right.max(axis=0)) - np.minimum(left.min(axis=0), right.min(axis=0))
        into = (left.max(axis=0) - right.min(axis=0)) / np.where(width > 0, width, 1.0)
        worst = max(worst, into[width == width.max()].min())
    return worst
