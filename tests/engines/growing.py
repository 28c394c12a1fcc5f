"""Problems for the histogram grower: columns of every ugly kind, and what must hold of a tree grown on them."""

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
from hypothesis import strategies as st

from fastml._engines.histogram_grower import HistogramGrower
from fastml.data.binning import row_stride
from fastml.data.bundles import Bundles
from tests.reference.bin_mapper import edges_of
from tests.reference.histogram_grower import leaf_weight, score, splits
from tests.reference.interactions import allowed_in_nodes

OPTIONS = {
    "max_leaves": 0, "max_depth": 6, "lossguide": 0, "reg_lambda": 1.0, "reg_alpha": 0.0, "min_split_gain": 0.0,
    "min_child_weight": 1.0, "max_delta_step": 0.0, "learning_rate": 0.3, "max_cat_to_onehot": 4,
    "colsample_bytree": 1.0, "colsample_bylevel": 1.0, "colsample_bynode": 1.0, "seed": 0,
}  # fmt: skip
COLUMNS = ("few", "many", "constant", "duplicate", "few missing", "half missing", "all missing", "infinite",
           "category", "one category", "255 categories")  # fmt: skip
LARGEST = float(np.finfo(np.float32).max)
SIZES = (1, 2, 3, 8, 50, 300, 1023, 1024, 1025, 5000)


def aligned(shape):
    """Zeros that begin at a multiple of 64 bytes."""
    size = int(np.prod(shape))
    memory = np.zeros(size + 64, np.uint8)
    start = -memory.ctypes.data % 64
    return memory[start : start + size].reshape(shape)


@dataclass
class Problem:
    X: np.ndarray  # (n, d), NaN missing, categories by their code
    is_categorical: np.ndarray
    grad: np.ndarray  # (n_outputs, n) float32
    hess: np.ndarray | None = None
    weight: np.ndarray | None = None
    sampled: np.ndarray | None = None

    def __post_init__(self):
        n, d = self.X.shape
        self.is_categorical = np.asarray(self.is_categorical, np.uint8)
        kinds = zip(self.X.T, self.is_categorical, strict=True)
        self.edges = [np.empty(0) if categorical else edges_of(x, 255) for x, categorical in kinds]
        self.codes = np.zeros((n, d), np.uint8)
        for j, x in enumerate(self.X.T):
            codes = x if self.is_categorical[j] else 1 + np.searchsorted(self.edges[j], x)
            self.codes[:, j] = np.where(np.isnan(x), 0, codes)
        self.n_bins = np.array([
            max(1, self.codes[:, j].max()) if self.is_categorical[j] else len(self.edges[j]) + 1 for j in range(d)
        ], np.int32)  # fmt: skip
        self.by_row, self.by_column = self.rows(), aligned((d, -(-n // 64) * 64 + 64))
        self.by_column[:, :n] = self.codes.T

    def rows(self, room=0):
        """Codes row by row, with `room` bytes or more past those of a row."""
        n, d = self.codes.shape
        out = aligned((n + 1, row_stride(d + room)))
        out[:n, :d] = self.codes
        return out

    @property
    def n(self):
        return len(self.X)

    def weights(self):
        return np.ones(self.n) if self.weight is None else self.weight

    def gradients(self, k=0):
        """Weighted gradients and hessians in float64."""
        h = np.ones(self.n) if self.hess is None else self.hess[k].astype(float)
        return self.weights() * self.grad[k], self.weights() * h

    def bundles(self, room=0):
        binned = SimpleNamespace(
            n_samples=self.n, n_features=len(self.n_bins), codes_by_column=self.by_column, n_bins=self.n_bins
        )
        return Bundles.of(binned, room=room)

    def grower(self, n_threads=1, bundles=None, room=0, **options):
        start = np.cumsum([0] + [len(e) for e in self.edges], dtype=np.int64)
        by_row = self.rows(room) if room and bundles is None else self.by_row if bundles is None else None
        return HistogramGrower(
            by_row, self.by_column, self.n, self.n_bins, self.is_categorical, np.concatenate(self.edges), start,
            {**OPTIONS, **options}, n_outputs=len(self.grad), n_threads=n_threads,
            bundles=bundles, room=room > 0,
        )  # fmt: skip

    def grow(self, grower):
        """Trees and the leaf of each row."""
        leaf_of = np.full(self.grad.shape, -1, np.int32)
        sums = [self.gradients(k) for k in range(len(self.grad))]
        squares = (self.weights() * self.grad.astype(float) ** 2).sum(axis=1)
        stats = np.array([
            [abs(g).sum(), h.sum(), square, abs(g).max(), h.max()] for (g, h), square in zip(sums, squares, strict=True)
        ])  # fmt: skip
        return grower.grow(self.grad, self.hess, self.weight, self.sampled, stats, leaf_of), leaf_of


def column(kind, n, rng):
    """A column of a kind, and whether it holds categories."""
    x = rng.normal(size=n)
    if kind in ("few", "duplicate"):
        x = rng.integers(0, 3, n) / 2
    elif kind == "constant":
        x[:] = 7.5
    elif kind in ("few missing", "half missing"):
        x[rng.random(n) < (0.5 if kind == "half missing" else 0.01)] = np.nan
    elif kind == "all missing":
        x[:] = np.nan
    elif kind == "infinite":
        x = np.where(x > 1, np.inf, np.where(x < -1, -np.inf, x))
    elif "categor" in kind:
        x = 1.0 + rng.integers(0, {"category": rng.integers(2, 12), "one category": 1}.get(kind, 255), n)
        x[rng.random(n) < rng.choice([0, 0.1])] = np.nan
    return x, "categor" in kind


def problem_of(kinds, n, rng, gradients="normal", hessians="none", weights="none", n_outputs=1, subsample=1.0):
    columns, categorical = zip(*[column(kind, n, rng) for kind in kinds], strict=True)
    X = np.stack(columns, 1)
    for j, kind in enumerate(kinds):
        if kind == "duplicate":
            X[:, j] = X[:, 0] if not categorical[0] else X[:, j]
    signal = np.nan_to_num(X, posinf=2, neginf=-2) @ rng.normal(size=len(kinds))
    grad = rng.normal(size=(n_outputs, n)) + signal / (1 + signal.std())
    if gradients == "integer":
        grad = np.round(2 * grad)
    elif gradients == "zero":
        grad *= 0
    elif gradients == "constant":
        grad[:] = 0.25
    elif gradients == "outlier":
        grad[:, rng.integers(n)] = 1e6
    grad *= {"huge": 1e30, "small": 1e-30}.get(gradients, 1.0)
    hess = {
        "none": None, "uniform": rng.uniform(0.01, 1, (n_outputs, n)), "zero": np.zeros((n_outputs, n)),
        "wide": 10.0 ** rng.uniform(-16, 16, (n_outputs, n)),
    }[hessians]  # fmt: skip
    weight = {"none": None, "integer": rng.integers(0, 4, n) * 1.0, "real": rng.exponential(size=n)}[weights]
    sampled = (rng.random(n) < subsample).astype(np.uint8) if subsample < 1 else None
    as_float = None if hess is None else hess.astype(np.float32)
    return Problem(X, categorical, grad.astype(np.float32), as_float, weight, sampled)


@st.composite
def problems(draw, gradients=("normal", "integer"), hessians=("none", "uniform"), max_columns=8, n_outputs=1):
    n = draw(st.sampled_from(SIZES))
    kinds = draw(st.lists(st.sampled_from(COLUMNS), min_size=1, max_size=max_columns))
    kinds *= draw(st.sampled_from([1, 1, 1, 4 if len(kinds) > 2 else 1]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return problem_of(
        kinds, n, rng, draw(st.sampled_from(gradients)), draw(st.sampled_from(hessians)),
        draw(st.sampled_from(["none", "integer", "real"])), n_outputs, draw(st.sampled_from([1.0, 0.5])),
    )  # fmt: skip


@st.composite
def options(draw):
    """Limits and penalties in every combination."""
    return {
        "max_leaves": draw(st.sampled_from([0, 1, 2, 5, 31])), "max_depth": draw(st.sampled_from([0, 1, 3, 6])),
        "lossguide": draw(st.integers(0, 1)), "reg_lambda": draw(st.sampled_from([0.0, 1.0, 10.0])),
        "reg_alpha": draw(st.sampled_from([0.0, 0.0, 0.5])), "max_delta_step": draw(st.sampled_from([0.0, 0.0, 0.1])),
        "min_child_weight": draw(st.sampled_from([0.0, 1.0, 5.0])), "min_split_gain": draw(st.sampled_from([0.0, 1.0])),
        "max_cat_to_onehot": draw(st.sampled_from([1, 4])),
    }  # fmt: skip


def route(problem, tree, i):
    """Whether each row of X goes left at node i: by the raw values, as a fitted tree has them."""
    nodes, _, _, categories = tree
    feature = int(nodes["feature"][i])
    x, missing_left = problem.X[:, feature & 0x3FFFFFFF], bool(feature >> 31)
    if feature >> 30 & 1:
        code = np.nan_to_num(x).astype(int)
        left = categories[int(nodes["value"][i])][code // 32] >> (code % 32).astype(np.uint32) & 1 == 1
    else:
        left = x <= nodes["value"][i]
    return np.where(np.isnan(x), missing_left, left)


def rows_of(problem, tree):
    """The rows of each node, and its depth; checks that the nodes form a tree in the order of the splits."""
    left = tree[0]["left"]
    n_nodes = len(left)
    rows, depth = {0: np.arange(problem.n)}, {0: 0}
    inner = np.flatnonzero(left)
    assert sorted(left[inner]) == list(range(1, n_nodes, 2))
    for i in inner:
        assert left[i] > i
        goes_left = route(problem, tree, i)[rows[i]]
        for child, side in enumerate((rows[i][goes_left], rows[i][~goes_left])):
            rows[left[i] + child], depth[left[i] + child] = side, depth[i] + 1
    return rows, depth


def check_leaves(problem, tree, leaf_of, o, k=0):
    """Limits on the tree, the partition, and the leaves' values and covers."""
    nodes, gain, cover, _ = tree
    rows, depth = rows_of(problem, tree)
    leaves = np.flatnonzero(nodes["left"] == 0)
    assert not o["max_leaves"] or len(leaves) <= o["max_leaves"]
    assert not o["max_depth"] or max(depth.values()) <= o["max_depth"]
    assert (gain[leaves] == 0).all()
    g, h = problem.gradients(k)
    used = np.ones(problem.n, bool) if problem.sampled is None else problem.sampled > 0
    for i in range(len(nodes)):
        own = rows[i][used[rows[i]]]
        np.testing.assert_allclose(cover[i], h[own].sum(), rtol=1e-6, atol=1e-9 * (len(own) + 1) * h.sum())
        if nodes["left"][i]:
            continue
        assert (leaf_of[rows[i]] == i).all()
        G, H = g[own].sum(), h[own].sum()
        slack = 1e-14 * (abs(g).sum() + abs(G) * h.sum() / max(H, 1e-300)) / max(H + o["reg_lambda"], 1e-300)
        np.testing.assert_allclose(nodes["value"][i], o["learning_rate"] * leaf_weight(G, H, o), rtol=1e-6, atol=slack)


def check_splits(problem, tree, o, k=0):
    """Every node takes the best gain there is, up to fixed point, and no leaf leaves one; the order is right."""
    nodes, gains, _, _ = tree
    rows, depth = rows_of(problem, tree)
    g, h = problem.gradients(k)
    used = np.ones(problem.n, bool) if problem.sampled is None else problem.sampled > 0
    unit_g, unit_h = abs(g).sum() * 2.0**-30, h.sum() * 2.0**-30  # of the fixed point, for n far below 2^30
    left = nodes["left"]
    n_leaves = len(left) // 2 + 1
    full = o["max_leaves"] and n_leaves == o["max_leaves"]
    allowed = allowed_in_nodes(nodes, o.get("interactions"), problem.X.shape[1])
    at_least, at_most = {}, {}  # bounds on each node's best gain
    for i in range(len(nodes)):
        own = rows[i][used[rows[i]]]
        G, H, n = g[own].sum(), h[own].sum(), len(own)

        def error(G, H, n=n):
            w = abs(leaf_weight(G, H, o))
            return n * (2 * w * unit_g + w * w * unit_h) + 1e-6 * w * w * (H + o["reg_lambda"])

        here = float(error(G, H))
        at_least[i] = -np.inf
        if o["max_depth"] and depth[i] >= o["max_depth"]:
            assert left[i] == 0
            continue
        for j in allowed[i]:
            _, GL, HL, gain = splits(
                problem.codes[own, j], g[own], h[own], problem.n_bins[j], problem.is_categorical[j], o
            )
            least = o["min_child_weight"] + (n + 2) * unit_h
            gain = gain - error(GL, HL) - error(G - GL, H - HL) - here
            at_least[i] = max(at_least[i], gain[np.minimum(HL, H - HL) >= least].max(initial=-np.inf))
        if left[i] == 0:
            assert full or at_least[i] <= max(1e-6, o["min_split_gain"])
            continue
        assert int(nodes["feature"][i]) & 0x3FFFFFFF in allowed[i]
        goes = route(problem, tree, i)[own]
        GL, HL = g[own[goes]].sum(), h[own[goes]].sum()
        assert min(HL, H - HL) >= o["min_child_weight"] - n * unit_h
        assert 0 < goes.sum() < len(own)
        chosen = score(GL, HL, o) + score(G - GL, H - HL, o) - score(G, H, o)
        slack = error(GL, HL) + error(G - GL, H - HL) + here
        at_most[i] = chosen + slack
        assert at_most[i] >= at_least[i]
        assert at_most[i] >= max(1e-6, o["min_split_gain"])
        assert abs(gains[i] - min(chosen, LARGEST)) <= slack + 1e-6 * abs(chosen)
    order = sorted(np.flatnonzero(left), key=lambda i: left[i])
    if o["lossguide"]:
        for i in order:
            waiting = [m for m in range(left[i]) if left[m] == 0 or left[m] > left[i]]
            assert at_most[i] >= max((at_least[m] for m in waiting), default=-np.inf)
    else:
        assert order == sorted(order, key=lambda i: (depth[i], i))
