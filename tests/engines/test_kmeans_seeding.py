"""The engine of k-means++ against its twin, over ugly points."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fastml._engines.kmeans_seeding import DenseSeeds, SparseSeeds
from tests.reference import kmeans_seeding as reference

DTYPES = (np.float32, np.float64, np.uint8)
WHOLE = st.integers(0, 3)  # ties everywhere, and distances without rounding


def opened(kind, X, weight, k, n_threads=1):
    if kind == "sparse":
        return SparseSeeds(sp.csr_matrix(X), weight, k, n_threads)
    return DenseSeeds(X, weight, k, kind == "sorted", n_threads)


@st.composite
def points(draw):
    n, d = draw(st.integers(1, 300)), draw(st.sampled_from([1, 2, 3, 8, 9, 17]))
    X = draw(arrays(np.float64, (n, d), elements=WHOLE, fill=WHOLE))
    weight = draw(st.none() | arrays(np.float64, n, elements=st.integers(0, 2), fill=WHOLE))
    return X, weight


@settings(max_examples=60, deadline=None)
@given(points(), st.sampled_from(["sorted", "as it is", "sparse"]), st.sampled_from(DTYPES), st.data())
def test_whole_numbers_are_as_the_twin_has_them(given_points, kind, dtype, data):
    X, weight = given_points
    if kind == "sparse" and dtype == np.uint8:
        dtype = np.float64
    rows = data.draw(st.lists(st.integers(0, len(X) - 1), min_size=1, max_size=12))
    seeds, twin = opened(kind, X.astype(dtype), weight, len(rows)), reference.Seeds(X, weight)
    for row in rows:
        seeds.add(row)
        twin.add(row)
        np.testing.assert_array_equal(seeds.nearest, twin.nearest)
        assert seeds.potential == twin.potential
        candidates = np.array(rows)
        np.testing.assert_array_equal(seeds.gains(candidates), twin.gains(candidates))
        values = np.arange(1, twin.potential + 1)[:50]
        np.testing.assert_array_equal(seeds.draw(values), twin.draw(values))


@pytest.mark.parametrize("scale", [1e-100, 1.0, 1e100])
@pytest.mark.parametrize("kind", ["sorted", "as it is", "sparse"])
@pytest.mark.parametrize("d", [1, 3, 20])
def test_real_numbers_are_the_twins_to_rounding(kind, d, scale):
    rng = np.random.default_rng(d)
    X, weight = rng.normal(size=(3000, d)) * scale, rng.random(3000)
    seeds, twin = opened(kind, X, weight, 40), reference.Seeds(X, weight)
    for row in rng.integers(0, 3000, 40):
        seeds.add(row)
        twin.add(row)
    candidates = rng.integers(0, 3000, 8)
    largest = np.max(X * X) * d
    np.testing.assert_allclose(seeds.nearest, twin.nearest, rtol=1e-12, atol=largest * 1e-14)
    np.testing.assert_allclose(seeds.gains(candidates), twin.gains(candidates), rtol=1e-10, atol=largest * 1e-12)


@pytest.mark.parametrize("kind", ["sorted", "as it is", "sparse"])
@pytest.mark.parametrize("d", [2, 12])
def test_bits_do_not_depend_on_threads(kind, d):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20_000, d)).astype(np.float32)
    found = []
    for n_threads in (1, 2, 3):
        seeds = opened(kind, X, None, 50, n_threads)
        for row in range(0, 5000, 100):
            seeds.add(row, n_threads)
        found.append((seeds.nearest, seeds.potential, seeds.gains(np.arange(7), n_threads)))
    for other in found[1:]:
        for one, two in zip(found[0], other, strict=True):
            np.testing.assert_array_equal(one, two)


def test_order_and_boxes_do_not_change_distances():
    rng = np.random.default_rng(1)
    X = np.concatenate([rng.normal(size=(5000, 3)), rng.normal(size=(3, 3)) * 1e9, np.ones((500, 3))])
    one, other = opened("sorted", X, None, 100), opened("as it is", X, None, 100)
    for row in rng.integers(0, len(X), 100):
        one.add(row)
        other.add(row)
    np.testing.assert_array_equal(one.nearest, other.nearest)
    assert one.potential == other.potential


@pytest.mark.parametrize("kind", ["sorted", "sparse"])
def test_a_row_without_weight_is_never_drawn(kind):
    X = np.arange(10.0)[:, None] * 3
    weight = np.array([1.0, 0, 0, 1, 0, 0, 1, 0, 1, 0])
    seeds = opened(kind, X, weight, 2)
    seeds.add(0)
    drawn = seeds.draw(np.linspace(1e-9, 1.1, 40) * seeds.potential)
    assert set(drawn.tolist()) == {3, 6, 8}


@pytest.mark.parametrize("make", [
    lambda: DenseSeeds(np.ones((2, 2), np.int64), None, 1),
    lambda: DenseSeeds(np.ones((2, 4))[:, ::2], None, 1),
    lambda: DenseSeeds(np.ones((0, 2)), None, 1),
    lambda: DenseSeeds(np.ones((2, 2)), np.ones(3), 1),
    lambda: DenseSeeds(np.ones((2, 2)), None, 0),
    lambda: DenseSeeds(np.ones((2, 2)), None, 1).add(2),
    lambda: DenseSeeds(np.ones((2, 2)), None, 1).gains(np.array([-1])),
])  # fmt: skip
def test_what_does_not_fit_is_refused(make):
    with pytest.raises(ValueError, match=r"must|none of|there"):
        make()


@pytest.mark.parametrize("make", [lambda X: DenseSeeds(X, None, 1), lambda X: SparseSeeds(sp.csr_matrix(X), None, 1)])
def test_there_are_no_more_centres_than_room(make):
    seeds = make(np.eye(3))
    seeds.add(0)
    with pytest.raises(ValueError, match="room for 1"):
        seeds.add(1)


@pytest.mark.parametrize(("name", "value"), [("indices", 7), ("indptr", 9)])
def test_damaged_sparse_rows_are_refused(name, value):
    X = sp.csr_matrix(np.eye(4))
    getattr(X, name)[1] = value
    with pytest.raises(ValueError, match="damaged"):
        SparseSeeds(X, None, 1)
