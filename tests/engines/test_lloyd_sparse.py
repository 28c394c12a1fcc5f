"""The engine lloyd_sparse against its twin: labels, distances and sums of CSR, with both sizes of indices."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from fastml._engines.lloyd_sparse import SparseLloyd, add_moved, sparse_labels, squared_distances, squares
from fastml.cluster.kmeans.sparse_points import SparsePoints
from tests.reference import lloyd as dense_twin
from tests.reference import lloyd_sparse as twin


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 60), st.integers(1, 20), st.integers(1, 12), st.integers(1, 3),
       st.sampled_from([np.float32, np.float64]), st.sampled_from([np.int32, np.int64]), st.booleans())  # fmt: skip
def test_labels_and_sums_equal_the_twins(seed, n, d, k, n_threads, dtype, index, weighted):
    rng = np.random.default_rng(seed)
    X = (np.round(rng.normal(size=(n, d)) * 2) * (rng.random((n, d)) < 0.4)).astype(dtype)
    csr = sp.csr_matrix(X)
    indices, indptr = csr.indices.astype(index), csr.indptr.astype(index)
    weight = rng.random(n) if weighted else None
    points = SparsePoints.of(csr, weight)
    state = SparseLloyd(csr.data, indices, indptr, weight, points.scale, points.weight_scale, k)
    for _ in range(2):
        centres = rng.normal(size=(k, d)) if rng.random() < 0.5 else X[rng.integers(0, n, k)].astype(np.float64)
        state.step(centres, n_threads)
        wanted = twin.labels(X, centres)
        np.testing.assert_array_equal(state.labels, wanted)
        np.testing.assert_array_equal(sparse_labels(csr.data, indices, indptr, centres, n_threads), wanted)
        whole = SparsePoints(X, weight, points.offset, points.scale, points.weight_scale)
        np.testing.assert_array_equal(state.sums[:, :-1], dense_twin.sums(whole, wanted, k))
        sq = ((X.astype(np.float64) - centres[wanted]) ** 2).sum(axis=1)
        found = squared_distances(csr.data, indices, indptr, wanted, centres, n_threads)
        np.testing.assert_allclose(found, sq, atol=1e-12 * (1 + np.abs(centres).max() ** 2) * d)
    assert state.step(centres) == 0
    fixed = np.array([points.fixed(i) for i in range(n)])
    np.testing.assert_array_equal(fixed.sum(axis=0), state.sums[:, :-1].sum(axis=0))


def test_squared_norms_are_summed_in_order():
    for shape in ((3, 70), (70, 3), (1, 1)):
        values = np.random.default_rng(0).normal(size=shape)
        np.testing.assert_array_equal(squares(values), [sum(v * v for v in row) for row in values.tolist()])


def test_damaged_input_is_refused():
    data, good = np.ones(2), (np.array([0, 1], np.int32), np.array([0, 1, 2], np.int32))
    centres = np.zeros((2, 2))
    with pytest.raises(ValueError, match="an index is 5"):
        sparse_labels(data, np.array([0, 5], np.int32), good[1], centres)
    with pytest.raises(ValueError, match="indptr falls at row 0"):
        sparse_labels(data, good[0], np.array([0, -1, 2], np.int32), centres)
    with pytest.raises(ValueError, match="indptr does not fit"):
        sparse_labels(data, good[0], np.array([0, 1, 3], np.int32), centres)
    with pytest.raises(ValueError, match="must be a centre"):
        sparse_labels(data, *good, centres[:0])
    with pytest.raises(ValueError, match="no number of a centre"):
        squared_distances(data, *good, np.array([0, 2], np.int32), centres)
    with pytest.raises(ValueError, match="as many weights"):
        SparseLloyd(data, *good, np.ones(3), np.ones(2), 1.0, 2)
    state = SparseLloyd(data, *good, None, np.ones(2), 1.0, 2)
    with pytest.raises(ValueError, match="must be of shape"):
        state.step(np.zeros((2, 3)))
    assert add_moved(data, *good, None, np.ones(2), 1.0, state.labels, state.labels, state.sums) == 0
