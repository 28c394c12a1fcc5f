"""Boruvka over the kd-tree against Kruskal over all pairs: the very same edges."""

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.spatial.distance import cdist

from fastml._engines.kd_tree import KdTree
from fastml._engines.mutual_reachability_tree import LEAF_SIZE, ReachabilityTree
from tests.reference import mutual_reachability_tree as reference

METRICS = [("euclidean", 2.0), ("manhattan", 1.0), ("chebyshev", 1.0), ("minkowski", 3.0)]


def grown(X, min_samples, metric="euclidean", power=2.0, scale=1.0, leaf_size=32, n_threads=1):
    found = ReachabilityTree(KdTree(np.ascontiguousarray(X, float), leaf_size), min_samples, metric, power, scale)
    found.find_core_distances(0, found.n_leaves, n_threads)
    while found.n_components > 1:
        before = found.n_components
        assert found.join(n_threads) < before
    return found


def as_dict(first, second, weight, length):
    ends = zip(np.minimum(first, second).tolist(), np.maximum(first, second).tolist(), strict=True)
    return dict(zip(ends, zip(weight.tolist(), length.tolist(), strict=True), strict=True))


@st.composite
def points(draw, most=90):
    """Points in few columns: apart, on a coarse grid, on top of each other, in crowds, in a line, far out."""
    n, d = draw(st.integers(1, most)), draw(st.sampled_from([1, 2, 3, 4, 9]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    kind = draw(st.sampled_from(["normal", "grid", "equal", "crowds", "line", "far", "offset"]))
    X = rng.normal(size=(n, d))
    if kind == "grid":
        X = rng.integers(0, 4, (n, d)).astype(float)
    elif kind == "equal":
        X = np.ones((n, d))
    elif kind == "crowds":
        X = rng.normal(size=(3, d))[rng.integers(0, 3, n)]
    elif kind == "line":
        X[:, 1:] = 0.0
    elif kind == "far":
        X = X * 10.0 ** rng.integers(-60, 60, (n, 1))
    elif kind == "offset":
        X = np.round(X, 1) + 1e8
    return X


@settings(deadline=None, max_examples=300)
@given(points(), st.integers(1, 12), st.sampled_from(METRICS), st.sampled_from([8, 16, LEAF_SIZE]),
       st.sampled_from([1.0, 0.25, 4.0]))  # fmt: skip
def test_the_tree_is_that_of_all_pairs(X, min_samples, metric, leaf_size, scale):
    min_samples = min(min_samples, len(X))
    found = grown(X, min_samples, *metric, scale, leaf_size)
    D = reference.distances(X, *metric)
    core = reference.core_distances(D, min_samples)
    rtol = 1e-13 if metric[0] == "minkowski" else 0  # the C library's power is not NumPy's
    np.testing.assert_allclose(found.core_distances(), core, rtol=rtol)
    if rtol == 0:
        assert as_dict(*found.edges()) == reference.spanning_tree(D, core, scale)
    else:
        wanted = sorted(weight for weight, _ in reference.spanning_tree(D, core, scale).values())
        np.testing.assert_allclose(np.sort(found.edges()[2]), wanted, rtol=rtol)


@pytest.mark.parametrize("d", [2, 3, 5, 20])
@pytest.mark.parametrize("min_samples", [1, 2, 5, 30])
def test_the_total_is_scipys(d, min_samples):
    X = np.random.default_rng(d).normal(size=(700, d)) ** 3
    D = cdist(X, X)
    core = np.sort(D, axis=1)[:, min_samples - 1]
    wanted = minimum_spanning_tree(np.maximum(np.maximum(core[:, None], core), D)).data
    first, second, weight, length = grown(X, min_samples).edges()
    np.testing.assert_allclose(np.sort(np.sqrt(weight)), np.sort(wanted), rtol=1e-12)
    np.testing.assert_allclose(np.sqrt(length), D[first, second], rtol=1e-12)


def big(kind):
    rng = np.random.default_rng(7)
    if kind == "blobs":
        return np.concatenate([rng.normal(c, s, (3000, 3)) for c, s in ((0, 1), (9, 2), (-5, 0.1))])
    return np.stack(np.meshgrid(np.arange(90.0), np.arange(100.0)), -1).reshape(-1, 2)  # a grid: all edges are equal


@pytest.mark.parametrize("kind", ["blobs", "grid"])
def test_threads_and_leaves_make_no_difference(kind):
    one, three, small = (
        as_dict(*grown(big(kind), 5, n_threads=n, leaf_size=size).edges()) for n, size in ((1, 32), (3, 32), (2, 8))
    )
    assert one == three == small


def test_instruction_sets_make_no_difference():
    code = (
        "import hashlib, numpy as np; from tests.engines.test_mutual_reachability_tree import big, grown\n"
        "print([hashlib.sha256(b''.join(a.tobytes() for a in grown(X, k, m, 3.0).edges())).hexdigest()"
        " for X in (big('blobs'), big('grid')) for k in (1, 6) for m in ('euclidean', 'chebyshev', 'manhattan')])"
    )
    found = set()
    for isa in ("base", "avx2", "avx512"):
        env = {**os.environ, "FASTML_ISA": isa, "PYTHONPATH": os.pathsep.join(p or "." for p in sys.path)}
        run = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
        found.add(run.stdout)
    assert len(found) == 1


def test_a_great_many_equal_points_take_no_quadratic_time():
    n = 300_000
    X = np.zeros((n, 2))
    X[-1] = 1.0
    first, second, weight, _ = grown(X, 5).edges()
    assert as_dict(first, second, weight, weight)[0, n - 1] == (2.0, 2.0)
    assert np.count_nonzero(weight) == 1
    assert (first == 0).sum() >= n - 2


def test_core_distances_in_parts():
    X = big("blobs")
    found = ReachabilityTree(KdTree(X, 16), 4)
    for begin in range(0, found.n_leaves, 100):
        found.find_core_distances(begin, min(begin + 100, found.n_leaves), 2)
    np.testing.assert_array_equal(found.core_distances(), grown(X, 4).core_distances())


def test_what_does_not_fit_is_refused():
    tree = KdTree(np.zeros((200, 2)), 32)
    for arguments, text in (
        ((0,), "min_samples=0"),
        ((201,), "min_samples=201"),
        ((5, "cosine"), "metric='cosine'"),
        ((5, "minkowski", 0.5), "power=0.5"),
        ((5, "euclidean", 2.0, 0.0), "scale=0.0"),
    ):
        with pytest.raises(ValueError, match=text):
            ReachabilityTree(tree, *arguments)
    with pytest.raises(ValueError, match="leaves of at most"):
        ReachabilityTree(KdTree(np.zeros((1000, 2)), 128), 5)
    with pytest.raises(ValueError, match="leaves 0 to 99"):
        ReachabilityTree(tree, 5).find_core_distances(0, 99)
    with pytest.raises(ValueError, match="200 components are left"):
        ReachabilityTree(tree, 5).edges()
    with pytest.raises(ValueError, match="float"):  # float32 points have another layout
        ReachabilityTree(KdTree(np.zeros((200, 2), np.float32), 32), 5)
