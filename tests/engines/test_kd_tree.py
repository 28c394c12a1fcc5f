"""The engine kd_tree against its twin: a permutation, halves that lie apart, arrays that follow from the order."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastml._engines.kd_tree import KdTree
from tests.reference import kd_tree as twin

KINDS = ("normal", "lattice", "constant", "one column", "huge", "tiny", "far off", "clusters", "heavy tails")


def points(seed, n, d, kind):
    """(n, d) rows of a kind that is hard on trees."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    match kind:
        case "lattice":
            X = np.round(X)
        case "constant":
            X[:] = rng.normal(size=d)
        case "one column":
            X[:, 1:] = 3.0
        case "huge":
            X *= 1e300
        case "tiny":
            X *= 1e-310
        case "far off":
            X = X * 1e-6 + 1e6 * rng.normal(size=d)
        case "clusters":
            X = X * 1e-9 + rng.integers(0, 3, size=(n, 1)) * 1e3
        case "heavy tails":
            X = np.exp(8.0 * X)
    return X


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 300), st.integers(1, 20), st.sampled_from(KINDS), st.integers(1, 40),
       st.sampled_from([np.float32, np.float64]))  # fmt: skip
def test_arrays_are_the_twins(seed, n, d, kind, leaf_size, dtype):
    X = points(seed, n, d, kind)
    X = np.ascontiguousarray(np.clip(X, -3e38, 3e38) if dtype == np.float32 else X, dtype)
    tree = KdTree(X, leaf_size)
    assert tree.depth == twin.depth_of(n, leaf_size)
    np.testing.assert_array_equal(np.sort(tree.order), np.arange(n))
    begins = [a for a, _ in twin.ranges(n, tree.depth)[2**tree.depth - 1 :]]
    np.testing.assert_array_equal(tree.begins(), [*begins, n])
    for begin, end in zip(begins, [*begins[1:], n], strict=True):
        assert np.all(np.diff(tree.order[begin:end]) > 0)
    boxes, lowest, packed = twin.arrays(X, tree.order, tree.depth)
    np.testing.assert_array_equal(tree.boxes, boxes)
    np.testing.assert_array_equal(tree.lowest, lowest)
    np.testing.assert_array_equal(tree.packed, packed)
    assert tree.packed.dtype == dtype
    assert tree.leaf_capacity == packed.shape[2]


@pytest.mark.parametrize("n", [100, 5_000, 20_001])
@pytest.mark.parametrize("d", [1, 2, 3, 7])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("constant", "one column")])
def test_halves_lie_apart(n, d, kind):
    X = points(n + d, n, d, kind)
    assert twin.overlap(X, KdTree(X, 16).order, KdTree(X, 16).depth) < 1e-3


@pytest.mark.parametrize("kind", KINDS)
def test_threads_change_nothing(kind):
    X = points(5, 30_000, 3, kind)
    one, others = KdTree(X, 20, 1), [KdTree(X, 20, threads) for threads in (2, 5)]
    for name in ("order", "packed", "boxes", "lowest"):
        for other in others:
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_equal_points_keep_their_order():
    tree = KdTree(np.full((100_000, 2), 0.1), 32)
    np.testing.assert_array_equal(tree.order, np.arange(100_000))


def test_an_outlier_does_not_spoil_the_rest():
    X = np.random.default_rng(0).random((5000, 2))
    X[17] = 1e30
    tree = KdTree(X, 16)
    widths = (tree.boxes[2**tree.depth - 1 :, 1] - tree.boxes[2**tree.depth - 1 :, 0]).max(axis=1)
    assert np.mean(widths > 0.3) < 0.02


@pytest.mark.parametrize(
    "X",
    [np.zeros(3), np.zeros((3, 2), np.int64), np.asfortranarray(np.zeros((3, 2))), np.zeros((0, 2)), np.zeros((2, 0)),
     np.array([[0.0, np.nan]]), np.array([[0.0, -np.inf]]), [[1.0]]],
)  # fmt: skip
def test_what_is_no_set_of_points_is_refused(X):
    with pytest.raises(ValueError, match="X "):
        KdTree(X)


def test_leaf_size_is_positive():
    with pytest.raises(ValueError, match="leaf_size=0"):
        KdTree(np.zeros((3, 2)), 0)
