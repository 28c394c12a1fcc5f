"""Slow twin of multiway_grower: the split of one node from the formulas, by NumPy and scipy.stats."""

import math
from itertools import pairwise

import numpy as np
from scipy import stats
from scipy.special import xlogy

CLOSE, LENIENT = 1e-10, 1e-3


def entropy(label, weight, n_classes):
    p = np.bincount(label, weight, n_classes) / weight.sum()
    return -xlogy(p, p).sum() / np.log(2)


def split_info(parts, total):
    p = np.array(parts) / total
    return -xlogy(p, p).sum() / np.log(2)


def branches_worth(codes, missing, label, weight, n_classes, c45, min_leaf):
    """(gain, split information) of one branch a level, or None where that is no split."""
    total = weight.sum()
    parts = {level: codes == level for level in np.unique(codes)}
    info = split_info([weight[rows].sum() for rows in parts.values()], total)
    if c45:
        parts.pop(missing, None)
    if len(parts) < 2 or (c45 and sum(weight[rows].sum() >= min_leaf - CLOSE for rows in parts.values()) < 2):
        return None
    known = np.logical_or.reduce(list(parts.values()))
    within = sum(weight[r].sum() * entropy(label[r], weight[r], n_classes) for r in parts.values())
    return (weight[known].sum() * entropy(label[known], weight[known], n_classes) - within) / total, info


def threshold_worth(x, values, label, weight, n_classes, min_leaf, mdl):
    """(gain, split information, threshold) of the best threshold, or None. values: of the whole training column."""
    known, total = ~np.isnan(x), weight.sum()
    side = max(min_leaf, min(25.0, 0.1 * weight[known].sum() / n_classes)) - CLOSE
    own = np.unique(x[known])
    cuts = []
    for low, high in pairwise(own):
        left, right = known & (x <= low), known & (x > low)
        if weight[left].sum() >= side and weight[right].sum() >= side:
            mass = sum(weight[r].sum() * entropy(label[r], weight[r], n_classes) for r in (left, right))
            cuts.append((mass, low, high, weight[left].sum(), weight[right].sum()))
    if not cuts:
        return None
    best = cuts[0]
    for cut in cuts[1:]:
        if cut[0] < best[0] - CLOSE * weight[known].sum():
            best = cut
    gain = (weight[known].sum() * entropy(label[known], weight[known], n_classes) - best[0]) / total
    gain -= math.log2(len(cuts)) / total if mdl else 0.0
    if gain <= CLOSE:
        return None
    info = split_info([best[3], best[4], max(total - best[3] - best[4], 0.0)], total)
    return gain, info, values[values <= (best[1] + best[2]) / 2].max()


def ratios(worths, many):
    """Gain ratio of each column with at least the average gain; -1 for the others. many: those with very many levels,
    which the average leaves out unless all are such."""
    gains = [w[0] for w, is_many in zip(worths, many, strict=True) if w is not None and (all(many) or not is_many)]
    mean = np.mean(gains) if gains else np.inf
    return [w[0] / w[1] if w is not None and w[0] >= max(mean - LENIENT, CLOSE) else -1.0 for w in worths]


def squares(y, weight):
    return weight @ (y - np.average(y, weights=weight)) ** 2


def f_log_p(groups, y, weight):
    """log p of the F test of groups (lists of row numbers)."""
    rows = np.concatenate(groups)
    df1, df2 = len(groups) - 1, weight[rows].sum() - len(groups)
    within = sum(squares(y[g], weight[g]) for g in groups)
    between = squares(y[rows], weight[rows]) - within
    scale = weight @ (y - np.average(y, weights=weight)) ** 2
    if df2 <= 0 or between <= 1e-12 * scale:
        return 0.0
    return -np.inf if within <= 1e-12 * scale else stats.f.logsf(between / df1 / (within / df2), df1, df2)


def chi2(groups, label, weight, n_classes):
    table = np.array([np.bincount(label[g], weight[g], n_classes) for g in groups])
    table = table[:, table.sum(axis=0) > 0]
    return stats.chi2_contingency(table, correction=False).statistic if table.shape[1] > 1 else 0.0


def beats(x, best):
    return x > best and (best == -np.inf or x - best > CLOSE * (1 + abs(best)))


def groupings(c, r):
    """Ways to group c categories into r, by Kass's sum in whole numbers."""
    return sum((-1) ** i * (r - i) ** c * math.comb(r, i) for i in range(r)) // math.factorial(r)


def cuts_of(group, floating, codes, target, weight, n_classes):
    """The splits in two of a group that are looked at: of ordered levels (floating: the missing one) all cuts, else
    those in order of the mean or of the share of a class."""
    if floating is not None:
        known = [level for level in group if level != floating]
        cuts = [(group[:i], group[i:]) for i in range(1, len(group))]
        if len(known) < len(group):
            cuts += [([*known[:i], floating], known[i:]) for i in range(1, len(known))]
        return cuts
    cuts = []
    for k in range(n_classes if n_classes > 2 else 1):
        key = {}
        for level in group:
            rows = codes == level
            key[level] = np.average(target[rows] == k if n_classes else target[rows], weights=weight[rows])
        order = sorted(group, key=lambda level: (round(key[level], 12), level))
        cuts += [(order[:i], order[i:]) for i in range(1, len(order))]
    return cuts


def separation(a, b, codes, target, weight, n_classes):
    """F or chi-square of two sets of levels."""
    pair = [np.flatnonzero(np.isin(codes, part)) for part in (a, b)]
    if n_classes:
        return chi2(pair, target, weight, n_classes)
    log_p = f_log_p(pair, target, weight)
    n = weight[np.concatenate(pair)].sum()
    return 0.0 if log_p == 0 else stats.f.isf(np.exp(log_p), 1, n - 2) if log_p > -700 else -log_p


def halves_of(group, floating, codes, target, weight, n_classes):
    """The most significant split of a group, the part with its first level first."""
    best = None
    for a, b in cuts_of(group, floating, codes, target, weight, n_classes):
        found = separation(a, b, codes, target, weight, n_classes)
        if best is None or beats(found, best[0]):
            best = found, a, b
    return sorted(best[1:], key=min)


def merge(codes, missing, target, weight, n_classes, ordinal, options):
    """(log of the adjusted p-value, groups of levels) of CHAID for one column; 0.0 with one group."""
    levels = np.unique(codes)
    groups = [[level] for level in levels]
    df = len(np.unique(target[weight > 0])) - 1 if n_classes else 0

    def rows(group):
        return np.flatnonzero(np.isin(codes, group))

    def likeness(a, b):
        pair = [rows(a), rows(b)]
        return -chi2(pair, target, weight, n_classes) if n_classes else f_log_p(pair, target, weight)

    def log_p_of(like):
        return stats.chi2.logsf(-like, df) if n_classes else like

    def allowed(i, j):
        floats = [missing] in groups
        return not ordinal or j == i + 1 or (floats and j == len(groups) - 1)

    def first_best(pairs):
        best = None
        for i, j in pairs:
            like = likeness(groups[i], groups[j])
            if best is None or beats(like, best[0]):
                best = like, i, j
        return best

    def join(i, j):
        groups[i] = groups[i] + groups[j]
        del groups[j]

    resplits = 0
    while len(groups) > 2:
        n = len(groups)
        like, i, j = first_best([(i, j) for i in range(n) for j in range(i + 1, n) if allowed(i, j)])
        if log_p_of(like) <= options["log_alpha_merge"]:
            break
        join(i, j)
        alpha = options.get("log_alpha_resplit", -np.inf)
        if len(groups[i]) > 2 and alpha > -np.inf and resplits < len(levels):
            halves = halves_of(sorted(groups[i]), missing if ordinal else None, codes, target, weight, n_classes)
            if log_p_of(likeness(*halves)) <= alpha:
                resplits += 1
                groups[i : i + 1] = halves
                groups.sort(key=min)
    while len(groups) > 1:
        own = [weight[rows(g)].sum() for g in groups]
        small = int(np.argmin(own))
        if own[small] >= options["min_leaf"] - CLOSE:
            break
        others = [tuple(sorted((small, k))) for k in range(len(groups)) if k != small]
        _, i, j = first_best([pair for pair in others if allowed(*pair)])
        join(i, j)
    r, c = len(groups), len(levels)
    if r < 2:
        return 0.0, groups
    parts = [rows(g) for g in groups]
    log_p = (
        stats.chi2.logsf(chi2(parts, target, weight, n_classes), (r - 1) * df) if n_classes
        else f_log_p(parts, target, weight)
    )  # fmt: skip
    if options["bonferroni"]:
        if not ordinal:
            ways = groupings(c, r)
        elif missing in levels:
            ways = math.comb(c - 2, r - 2) + r * math.comb(c - 2, r - 1)
        else:
            ways = math.comb(c - 1, r - 1)
        log_p += math.log(ways)
    return min(log_p, 0.0), groups
