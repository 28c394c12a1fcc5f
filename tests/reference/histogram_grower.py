"""Slow twin of histogram_grower: every split of a column is a table of the 256 codes' directions (True: left)."""

import numpy as np


def leaf_weight(G, H, o):
    """The w in [-max_delta_step, max_delta_step] with the least G w + (H + lambda) w^2 / 2 + alpha |w|."""
    shrunk = np.sign(G) * np.maximum(np.abs(G) - o["reg_alpha"], 0.0)
    curvature = np.asarray(H + o["reg_lambda"], float)
    w = -np.divide(shrunk, curvature, out=np.zeros_like(curvature), where=curvature > 0)
    limit = o["max_delta_step"] or np.inf
    return np.clip(w, -limit, limit)


def score(G, H, o):
    """Twice what a leaf takes off the loss."""
    w = leaf_weight(G, H, o)
    return -2 * G * w - (H + o["reg_lambda"]) * w**2 - 2 * o["reg_alpha"] * np.abs(w)


def directions(G, H, n_bins, categorical, o):
    """All splits of a column (n_splits, 256) from its histograms G, H (256,); column 0 is the way of missing."""
    if categorical:
        seen = np.flatnonzero((G[1:] != 0) | (H[1:] != 0)) + 1
        with np.errstate(divide="ignore"):
            seen = seen[np.argsort(G[seen] / (H[seen] + o["reg_lambda"]), kind="stable")]
        rank = np.full(256, 999)
        rank[seen] = np.arange(len(seen))
        ks = np.arange(len(seen))[:, None]
        right = rank == ks if n_bins <= o["max_cat_to_onehot"] else rank <= ks
        left = right | (rank == 999)  # what is not in the node goes with missing
    else:
        right = left = np.arange(256) <= np.arange(1, n_bins + 1)[:, None]
    right, left = right.copy(), left.copy()
    right[:, 0], left[:, 0] = False, True
    if H[0] != 0 or G[0] != 0:
        return np.concatenate([right, left])
    return np.where((right @ H > H.sum() / 2)[:, None], left, right)  # nothing missing: it goes the heavier way


def splits(codes, g, h, n_bins, categorical, o):
    """(directions, G left, H left, gain) of the splits of a column on some rows; -inf where a side is too light."""
    G, H = (np.bincount(codes, s, 256) for s in (g, h))
    ways = directions(G, H, n_bins, categorical, o)
    GL, HL, least = ways @ G, ways @ H, max(o["min_child_weight"], 1e-30)
    gain = score(GL, HL, o) + score(G.sum() - GL, H.sum() - HL, o) - score(G.sum(), H.sum(), o)
    if categorical and n_bins > o["max_cat_to_onehot"]:  # what sorting the levels gains by noise
        gain -= o.get("noise", 0.0) * (np.count_nonzero((G[1:] != 0) | (H[1:] != 0)) - 1)
    return ways, GL, HL, np.where(np.minimum(HL, H.sum() - HL) >= least, gain, -np.inf)


def best_split(problem, rows, g, h, o):
    """(gain, column, directions) of the first best split, and the margin to the next lower gain."""
    found = [splits(problem.codes[rows, j], g[rows], h[rows], problem.n_bins[j], problem.is_categorical[j], o)
             for j in range(problem.codes.shape[1])]
    gains = np.concatenate([s[3] for s in found])
    first = int(np.argmax(gains))
    j = np.repeat(np.arange(len(found)), [len(s[3]) for s in found])[first]
    margin = min(gains[first] - gains[gains < gains[first]], default=np.inf)
    return gains[first], j, np.concatenate([s[0] for s in found])[first], margin


def grow_tree(problem, g, h, o):
    """[left child or 0, value, column, directions, rows] of every node in the engine's order, and the least margin
    that decided; equal gains go to the first, in both."""
    nodes, depth, waiting, least = [[0, 0.0, -1, None, np.arange(len(g))]], [0], {}, np.inf

    def offer(i):
        rows = nodes[i][4]
        nodes[i][1] = o["learning_rate"] * float(leaf_weight(g[rows].sum(), h[rows].sum(), o))
        if not o["max_depth"] or depth[i] < o["max_depth"]:
            split = best_split(problem, rows, g, h, o)
            if split[0] > 1e-6 and split[0] >= o["min_split_gain"]:
                waiting[i] = split

    offer(0)
    while waiting and (not o["max_leaves"] or len(nodes) < 2 * o["max_leaves"] - 1):
        i = max(waiting, key=lambda i: (waiting[i][0] if o["lossguide"] else -depth[i], -i))
        gain, j, way, margin = waiting.pop(i)
        behind = [gain - other[0] for other in waiting.values() if o["lossguide"] and other[0] < gain]
        least = min(least, margin, *behind)
        rows = nodes[i][4]
        goes_left = way[problem.codes[rows, j]]
        nodes[i][:4] = len(nodes), 0.0, j, way
        for side in (rows[goes_left], rows[~goes_left]):
            nodes.append([0, 0.0, -1, None, side])
            depth.append(depth[i] + 1)
            offer(len(nodes) - 1)
    return nodes, least
