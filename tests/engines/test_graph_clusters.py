"""graph_clusters against its twin: directed edges, missing ones, damaged arrays."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from fastml._engines.graph_clusters import reach_by_graph
from tests.reference import graph_clusters as twin


@given(st.integers(0, 2**32 - 1), st.integers(1, 25), st.floats(0, 1))
def test_labels_are_those_of_the_definition(seed, n, density):
    rng = np.random.default_rng(seed)
    near = rng.random((n, n)) < density / 3
    far = rng.random((n, n)) < density / 3
    graph = sparse.csr_matrix(np.where(near, 0.5, np.where(far, 2.0, 0.0)))
    is_core = rng.random(n) < 0.6
    said = reach_by_graph(
        graph.indptr.astype(np.int64), graph.indices.astype(np.int32), graph.data, 0.5, is_core.view(np.uint8)
    )
    assert said.tolist() == twin.reach(near, is_core).tolist()


@pytest.mark.parametrize(
    ("start", "neighbour"), [([0, 3], [0]), ([0, 1], [1]), ([0, 1], [-1]), ([1, 0], [0]), ([0, 1, 1], [0])]
)
def test_damaged_arrays_are_refused(start, neighbour):
    edges = np.array(start, np.int64), np.array(neighbour, np.int32), np.zeros(len(neighbour))
    with pytest.raises(ValueError):
        reach_by_graph(*edges, 1.0, np.ones(1, np.uint8))


def test_no_points():
    edges = np.zeros(1, np.int64), np.empty(0, np.int32), np.empty(0)
    assert reach_by_graph(*edges, 1.0, np.empty(0, np.uint8)).size == 0
