"""Where nodes lie: nothing overlaps, parents stand over their children, as near as can be, in O(nodes)."""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastml.plotting.tree_layout import shares, tidy
from fastml.plotting.tree_outline import Outline


def outline(n_children, size=None):
    """Of nodes numbered level by level, each with so many children."""
    n_children = np.asarray(n_children)
    n = len(n_children)
    first = np.where(n_children > 0, 1 + np.cumsum(n_children) - n_children, 0)
    parent = np.concatenate([[-1], np.repeat(np.arange(n), n_children)])
    depth = np.zeros(n, np.int64)
    for i in range(1, n):
        depth[i] = depth[parent[i]] + 1
    size = np.ones(n) if size is None else size
    return Outline(
        parent, first, n_children, depth, np.arange(n), np.zeros(n, np.int64), size, None, None, np.zeros((n, 1)), None,
        False, "a tree", "values", str,
    )


@st.composite
def trees(draw):
    counts, open_nodes = [], 1
    while open_nodes:
        most = 4 if len(counts) + open_nodes < 60 else 0
        counts.append(draw(st.integers(0, most)))
        open_nodes += counts[-1] - 1
    sizes = draw(st.lists(st.integers(0, 9), min_size=len(counts), max_size=len(counts)))
    return outline(counts, np.array(sizes, float))


def naive(tree):
    """Reingold and Tilford's places by comparing whole subtrees level by level."""

    def place(i):  # {depth: (leftmost, rightmost)}, {node: x}; the root at 0
        children = range(tree.first_child[i], tree.first_child[i] + tree.n_children[i])
        sides, xs = {}, {}
        for k, c in enumerate(children):
            own_sides, own_xs = place(c)
            shift = 0.0 if k == 0 else max(sides[d][1] - own_sides[d][0] + 1 for d in own_sides if d in sides)
            for d, (low, high) in own_sides.items():
                sides[d] = (sides[d][0] if d in sides else low + shift, high + shift)
            xs |= {node: x + shift for node, x in own_xs.items()}
        middle = (xs[children[0]] + xs[children[-1]]) / 2 if children else 0.0
        sides = {d: (low - middle, high - middle) for d, (low, high) in sides.items()}
        return sides | {tree.depth[i]: (0.0, 0.0)}, {node: x - middle for node, x in xs.items()} | {i: 0.0}

    xs = place(0)[1]
    x = np.array([xs[i] for i in range(len(tree))])
    return x - x.min()


@given(trees())
def test_places_are_those_of_comparing_whole_subtrees(tree):
    np.testing.assert_allclose(tidy(tree), naive(tree), atol=1e-9)


@given(trees())
def test_nodes_of_a_level_keep_their_distance_and_parents_stand_in_the_middle(tree):
    x = tidy(tree)
    for level in tree.by_level():
        assert (np.diff(x[level]) >= 1 - 1e-9).all()
    for i in np.flatnonzero(tree.n_children).tolist():
        own = x[tree.first_child[i] : tree.first_child[i] + tree.n_children[i]]
        assert x[i] == pytest.approx((own[0] + own[-1]) / 2)


@given(trees())
def test_bars_of_children_tile_their_parent_by_size(tree):
    low, high = shares(tree)
    assert (low[0], high[0]) == (0, 1)
    for i in np.flatnonzero(tree.n_children).tolist():
        own = slice(tree.first_child[i], tree.first_child[i] + tree.n_children[i])
        ends = np.append(low[own], high[i])
        np.testing.assert_allclose(np.append(low[i], high[own]), ends, atol=1e-12)
        if tree.size[own].sum() > 0:
            expected = (high[i] - low[i]) * tree.size[own] / tree.size[own].sum()
            np.testing.assert_allclose(high[own] - low[own], expected, atol=1e-12)


@pytest.mark.parametrize("shape", ["bushy", "chain"])
def test_many_nodes_take_little_time(shape):
    n = 60_000 if shape == "bushy" else 4_000  # splits
    counts = np.repeat([2, 0], [n, n + 1]) if shape == "bushy" else np.append(np.tile([2, 0], n), 0)
    tree = outline(counts)
    start = time.perf_counter()
    tidy(tree), shares(tree)
    assert time.perf_counter() - start < 5


@given(trees(), st.integers(0, 3), st.integers(0, 100))
def test_a_part_keeps_its_nodes_in_order_and_counts_what_it_hides(tree, max_depth, root):
    root %= len(tree)
    part = tree.below(root, max_depth)

    def walk(t, i, depth):  # as nested lists, from the root
        children = range(t.first_child[i], t.first_child[i] + t.n_children[i]) if depth < max_depth else ()
        return [int(t.number[i]), *(walk(t, c, depth + 1) for c in children)]

    def count(i):
        return 1 + sum(count(c) for c in range(tree.first_child[i], tree.first_child[i] + tree.n_children[i]))

    assert walk(part, 0, 0) == walk(tree, root, 0)
    assert len(part) + part.hidden.sum() == count(root)
    assert part.parent[0] == -1
    assert part.depth[0] == 0
    for i in range(1, len(part)):
        assert 0 <= i - part.first_child[part.parent[i]] < part.n_children[part.parent[i]]
