"""The engine multiway_grower against its twin: every node is what it says, every split is the best there is."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from fastml._engines.multiway_grower import MultiwayGrower, MultiwayWalker, log_groupings, log_p_chi2, log_p_f
from tests.reference import multiway_grower as twin

KINDS = ("few", "many", "constant", "missing", "all missing")


class Data:
    """Random columns of one node problem, as codes and as numbers."""

    def __init__(self, seed, n, numbers, n_classes, weighted, columns=KINDS):
        rng = np.random.default_rng(seed)
        self.n, self.n_classes = n, n_classes
        self.kinds, self.codes, self.values, self.x, self.n_levels = [], [], [], [], []
        for _ in range(int(rng.integers(1, 5))):
            self.add(rng, rng.choice(columns), "nominal" if rng.random() < 0.5 else numbers)
        signal = sum(c % 3 for c in self.codes) + rng.normal(scale=0.7, size=n)
        self.y = np.round(signal, 1) if rng.random() < 0.9 else np.full(n, 0.1)
        self.label = (np.digitize(self.y, [1.0, 2.5])[:n] % max(n_classes, 1)).astype(np.int32)
        self.weight = rng.choice([0.0, 1.0, 2.0, 0.7], n) if weighted else None
        if weighted:
            self.weight[rng.integers(n)] = 1.0

    def add(self, rng, column, kind):
        m = {"few": 4, "eight": 8, "many": 300, "constant": 1}.get(column, 5)
        codes = rng.integers(0, m, self.n)
        known = np.ones(self.n, bool)
        if column == "missing":
            known = rng.random(self.n) < 0.7
        elif column == "all missing":
            known[:] = False
        x = np.where(known, codes.astype(float) ** 1.5, np.nan)
        values = None
        if kind == "number":
            values, ranks = np.unique(x[known], return_inverse=True)
            m, codes = len(values), codes.copy()
            codes[known] = ranks
        codes[~known] = m
        dtype = np.uint8 if m < 256 and rng.random() < 0.7 else rng.choice([np.uint16, np.int32])
        self.codes.append(codes.astype(dtype))
        self.kinds.append(kind)
        self.values.append(values)
        self.n_levels.append(m)
        self.x.append(x)

    def grow(self, method, options):
        grower = MultiwayGrower(self.codes, self.kinds, self.n_levels, self.values)
        if self.n_classes:
            return grower.grow(method, options, label=self.label, n_classes=self.n_classes, weight=self.weight)
        return grower.grow(method, options, y=self.y, weight=self.weight)

    @property
    def target(self):
        return self.label if self.n_classes else self.y


def table_of(data, tree, node):
    """Branch of each code of a split by levels."""
    entries = slice(tree["table"][node], tree["table"][node] + tree["n_entries"][node])
    assert (np.diff(tree["levels"][entries]) > 0).all()
    dense = np.full(data.n_levels[tree["feature"][node]] + 1, -1)
    dense[tree["levels"][entries]] = tree["branches"][entries]
    return dense


def branch_of(data, tree, node):
    """(n,) branch, -1 or -2 of every row at a split."""
    j = tree["feature"][node]
    if tree["table"][node] >= 0:
        return table_of(data, tree, node)[data.codes[j]]
    return np.where(np.isnan(data.x[j]), -2, data.x[j] > tree["threshold"][node])


def weights_of(data, tree):
    """Weight of each row in each node, (n_nodes, n)."""
    weight = np.zeros((len(tree["feature"]), data.n))
    weight[0] = 1.0 if data.weight is None else data.weight
    for t in np.flatnonzero(tree["feature"] >= 0):
        branch, own = branch_of(data, tree, t), weight[t]
        children = tree["first_child"][t] + np.arange(tree["n_children"][t])
        assert (children > t).all()
        assert (tree["parent"][children] == t).all()
        share = np.array([own[branch == k].sum() for k in range(len(children))])
        share /= share.sum()
        for k, child in enumerate(children):
            weight[child] = np.where(branch == k, own, np.where(branch == -2, own * share[k], 0.0))
        assert not own[branch == -1].any()
    return weight


def check_node(data, method, o, tree, t, own, used, depth):
    rows = np.flatnonzero(own > 0)
    weight, target = own[rows], data.target[rows]
    assert tree["weight"][t] == pytest.approx(weight.sum())
    assert tree["n_node_samples"][t] == len(rows)
    if data.n_classes:
        shares = np.bincount(target, weight, data.n_classes) / weight.sum()
        np.testing.assert_allclose(tree["value"][t], shares, atol=1e-12)
        impurity = twin.entropy(target, weight, data.n_classes)
    else:
        np.testing.assert_allclose(tree["value"][t], [np.average(target, weights=weight)], atol=1e-12)
        impurity = twin.squares(target, weight) / weight.sum()
    assert tree["impurity"][t] == pytest.approx(impurity, abs=1e-12)
    feature = tree["feature"][t]
    deep = o["max_depth"] and depth >= o["max_depth"]
    if impurity < 1e-12 or deep or weight.sum() < o.get("min_split", 0) - 1e-9:
        assert feature < 0
        return
    free = [j not in used for j in range(len(data.codes))]
    found = [split_of(data, method, o, j, rows, weight, target) if is_free else None for j, is_free in enumerate(free)]
    if method == "chaid":
        scores = [-f[0] if f is not None and len(f[1]) > 1 and f[0] <= o["log_alpha_split"] else -1.0 for f in found]
    elif method == "id3":
        scores = [f[0] if f is not None and f[0] >= o["min_gain"] - 1e-10 else -1.0 for f in found]
    else:
        few = 0.3 * tree["weight"][0]
        many = [kind == "nominal" and n >= few for kind, n in zip(data.kinds, data.n_levels, strict=True)]
        scores = twin.ratios(found, many)
    best = max(scores)
    if best < 0:
        assert feature < 0
        return
    assert feature >= 0
    assert scores[feature] == pytest.approx(best, rel=1e-8, abs=1e-9)
    assert abs(tree["score"][t]) == pytest.approx(best, rel=1e-8, abs=1e-9)
    branch = branch_of(data, tree, t)[rows]
    if tree["table"][t] < 0:
        assert tree["threshold"][t] == found[feature][2]
    elif method == "chaid":
        codes = data.codes[feature][rows]
        groups = {tuple(sorted(np.unique(codes[branch == k]))) for k in range(tree["n_children"][t])}
        assert groups == {tuple(sorted(g)) for g in found[feature][1]}


def split_of(data, method, o, j, rows, weight, target):
    codes, missing = data.codes[j][rows].astype(int), data.n_levels[j]
    if method == "chaid":
        return twin.merge(codes, missing, target, weight, data.n_classes, data.kinds[j] == "ordinal", o)
    if data.kinds[j] == "number":
        return twin.threshold_worth(
            data.x[j][rows], data.values[j], target, weight, data.n_classes, o["min_leaf"], o["mdl"]
        )
    c45 = method == "c4.5"
    return twin.branches_worth(codes, missing, target, weight, data.n_classes, c45, o.get("min_leaf", 0.0))


def check_tree(data, method, options):
    tree = data.grow(method, options)
    weight = weights_of(data, tree)
    used, depth = {0: set()}, {0: 0}
    for t in range(len(weight)):
        check_node(data, method, options, tree, t, weight[t], used[t] if method != "chaid" else set(), depth[t])
        for child in range(tree["first_child"][t], tree["first_child"][t] + tree["n_children"][t]):
            used[child] = used[t] | ({tree["feature"][t]} if tree["table"][t] >= 0 else set())
            depth[child] = depth[t] + 1


SEED, ROWS = st.integers(0, 2**32 - 1), st.sampled_from([1, 2, 3, 12, 60])


@given(SEED, ROWS, st.booleans(), st.sampled_from([0, 2]), st.sampled_from([0.0, 0.1]))
def test_id3(seed, n, weighted, max_depth, min_gain):
    data = Data(seed, n, "nominal", 3, weighted)
    check_tree(data, "id3", {"max_depth": max_depth, "min_split": 3.0, "min_gain": min_gain})


@given(SEED, ROWS, st.booleans(), st.booleans(), st.sampled_from([1.0, 2.0, 5.0]))
def test_c45(seed, n, weighted, mdl, min_leaf):
    data = Data(seed, n, "number", 3, weighted)
    check_tree(data, "c4.5", {"max_depth": 0, "min_split": 2 * min_leaf, "min_leaf": min_leaf, "mdl": int(mdl)})


@given(
    SEED, ROWS, st.booleans(), st.sampled_from([0, 2, 3]), st.booleans(), st.sampled_from([0.05, 0.5]),
    st.sampled_from([0.0, 0.04, 0.4]),
)  # fmt: skip
def test_chaid(seed, n, weighted, n_classes, bonferroni, alpha, alpha_resplit):
    data = Data(seed, n, "ordinal", n_classes, weighted)
    check_tree(data, "chaid", {
        "max_depth": 2, "min_split": 4.0, "min_leaf": 2.0, "bonferroni": int(bonferroni),
        "log_alpha_merge": math.log(alpha), "log_alpha_split": math.log(0.5),
        "log_alpha_resplit": math.log(alpha_resplit) if alpha_resplit and alpha_resplit < alpha else -math.inf,
    })  # fmt: skip


@given(SEED, st.sampled_from([0, 2, 3]), st.booleans())
def test_chaid_splits_merged_groups_again(seed, n_classes, weighted):
    data = Data(seed, 200, "ordinal", n_classes, weighted, ("eight", "missing"))
    check_tree(data, "chaid", {
        "max_depth": 2, "min_split": 4.0, "min_leaf": 2.0, "bonferroni": 0, "log_alpha_merge": math.log(0.1),
        "log_alpha_split": 0.0, "log_alpha_resplit": math.log(0.09),
    })  # fmt: skip


@given(SEED, st.sampled_from([0, 2]))
def test_no_other_split_of_a_group_is_better_than_one_in_order(seed, n_classes):
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 5, 40)
    target = rng.integers(0, 2, 40) if n_classes else rng.normal(size=40)
    group, args = sorted(set(codes.tolist())), (codes, target, np.ones(40), n_classes)
    every = [
        (list(a), [level for level in group if level not in a])
        for r in range(1, len(group)) for a in itertools.combinations(group, r)
    ]  # fmt: skip
    best = max(twin.separation(*halves, *args) for halves in every)
    assert twin.separation(*twin.halves_of(group, None, *args), *args) == pytest.approx(best)


@given(SEED, st.sampled_from([3, 40]))
def test_rows_end_where_their_branches_lead(seed, n):
    """Shares and the heaviest branch, recomputed node by node from the arrays."""
    data = Data(seed, n, "number", 3, False)
    tree = data.grow("c4.5", {"max_depth": 0, "min_split": 2.0, "min_leaf": 1.0, "mdl": 0})
    weight = weights_of(data, tree)
    leaf = tree["feature"] < 0
    expected = weight[leaf].T @ tree["value"][leaf]
    share = np.ones(len(leaf))
    heaviest = np.zeros(len(leaf), np.int32)
    for t in np.flatnonzero(~leaf):
        own = slice(tree["first_child"][t], tree["first_child"][t] + tree["n_children"][t])
        share[own] = tree["weight"][own] / tree["weight"][own].sum()
        heaviest[t] = np.argmax(share[own])
    names = ("feature", "first_child", "n_children", "table", "n_entries", "threshold")
    last = (tree["value"], tree["levels"], tree["branches"])
    walker = MultiwayWalker(*(tree[name] for name in names), share, heaviest, *last)
    codes, x = np.array(data.codes, np.int32), np.array(data.x)
    rows = codes, x, np.arange(len(codes), dtype=np.int32), np.array(data.n_levels, np.int32)
    np.testing.assert_allclose(walker.shares(*rows), expected, atol=1e-12)
    ends = walker.leaves(*rows)
    assert leaf[ends].all()
    whole = weight[leaf].max(axis=0) == 1  # rows that never parted
    np.testing.assert_array_equal(ends[whole], np.flatnonzero(leaf)[weight[leaf].argmax(axis=0)[whole]])


@pytest.mark.parametrize("df", [1, 2, 7, 300])
def test_tails_of_chi_square_and_f(df):
    x = np.array([1e-9, 0.3, 1.0, df * 0.9, df * 1.1, df + 40.0])
    np.testing.assert_allclose([log_p_chi2(v, df) for v in x], stats.chi2.logsf(x, df), rtol=1e-10, atol=1e-14)
    for df2 in (1, 5, 20000):
        f = np.array([1e-9, 0.5, 0.99, 1.5, 4.0])
        np.testing.assert_allclose([log_p_f(v, df, df2) for v in f], stats.f.logsf(f, df, df2), rtol=1e-9, atol=1e-13)


def test_tails_below_the_smallest_double():
    assert log_p_chi2(1e5, 2) == pytest.approx(-5e4)
    assert log_p_f(300.0, 2, 1e5) == pytest.approx(-5e4 * math.log1p(600 / 1e5))
    assert (log_p_chi2(0.0, 3), log_p_f(0.0, 2, 3)) == (0.0, 0.0)
    assert log_p_f(math.inf, 1, 1) == -math.inf


def test_ways_to_group_categories():
    for c in range(1, 12):
        for r in range(1, c + 1):
            assert log_groupings(c, r) == pytest.approx(math.log(twin.groupings(c, r)), abs=1e-12)
    assert log_groupings(300, 7) == pytest.approx(math.log(twin.groupings(300, 7)))


def test_what_is_no_code_is_refused():
    with pytest.raises(ValueError, match=r"codes\[0\] must hold 2 codes in \[0, 1\]"):
        MultiwayGrower([np.array([0, 2], np.uint8)], ["nominal"], [1], [None])
