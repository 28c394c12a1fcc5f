"""sketch_binner against its slow twin, and what bins of about equal weight promise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastml._engines.column_sorter import sort_columns
from fastml._engines.sketch_binner import bin_by_weight
from tests.engines.growing import column
from tests.reference.sketch_binner import edges_of


def bin_all(X, weight, share, max_bins, n_threads=1):
    n, d = X.shape
    codes, n_bins, edges = np.zeros((d, n), np.uint8), np.zeros(d, np.int32), np.full((d, 255), np.inf)
    sorted_columns = sort_columns(list(np.ascontiguousarray(X.T)))
    bin_by_weight(*sorted_columns, np.arange(d), weight, share, max_bins, codes, n_bins, edges, n_threads)
    return codes, n_bins, edges


def check_codes(x, codes, n_bins, edges):
    expected = np.where(np.isnan(x), 0, 1 + np.searchsorted(edges[: n_bins - 1], x))
    np.testing.assert_array_equal(codes, expected)


@pytest.mark.hypothesis
@settings(deadline=None)
@given(
    st.lists(st.sampled_from(["few", "many", "constant", "half missing", "all missing", "infinite"]), min_size=1,
             max_size=3),
    st.sampled_from([1, 2, 7, 300, 3000]), st.sampled_from(["equal", "real", "uneven", "zero"]),
    st.sampled_from([0.0, 0.004, 0.1, 0.9]), st.sampled_from([2, 5, 255]), st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_bins_are_those_of_the_twin(kinds, n, weights, share, max_bins, seed):
    rng = np.random.default_rng(seed)
    X = np.stack([column(kind, n, rng)[0] for kind in kinds], axis=1)
    weight = {
        "equal": np.ones(n), "real": rng.exponential(size=n), "uneven": 10.0 ** rng.uniform(-6, 6, n),
        "zero": np.zeros(n),
    }[weights].astype(np.float32)  # fmt: skip
    codes, n_bins, edges = bin_all(X, weight, share, max_bins)
    for j, x in enumerate(X.T):
        assert 1 <= n_bins[j] <= max_bins
        check_codes(x, codes[j], n_bins[j], edges[j])
        np.testing.assert_array_equal(edges[j, : n_bins[j] - 1], edges_of(x, weight, share, max_bins))
    for again in bin_all(X, weight, share, max_bins, n_threads=3), bin_all(X, weight, share, max_bins):
        assert all(a.tobytes() == b.tobytes() for a, b in zip(again, (codes, n_bins, edges), strict=True))


def test_no_rank_is_far_from_an_edge():
    rng = np.random.default_rng(0)
    x, weight = rng.normal(size=20000), rng.exponential(size=20000).astype(np.float32)
    for share in (0.1, 0.02, 1 / 255):
        codes, n_bins, _ = bin_all(x[:, None], weight, share, 255)
        in_bin = np.bincount(codes[0], weight)[1:] / weight.sum()
        assert n_bins[0] == len(in_bin)
        assert in_bin.max() < share + weight.max() / weight.sum()
        assert in_bin[:-1].min() >= share * (1 - 1e-6)


def test_a_heavy_value_has_a_bin_to_itself():
    x = np.concatenate([np.linspace(0, 1, 500), np.full(1000, 0.5), np.linspace(1, 2, 500)])
    codes, _, _ = bin_all(x[:, None], np.ones(len(x), np.float32), 0.1, 255)
    assert set(x[codes[0] == codes[0, 700]]) == {0.5}


def test_limits_are_checked():
    with pytest.raises(ValueError, match="max_bins=256 must be between 2 and 255"):
        bin_all(np.ones((3, 1)), np.ones(3, np.float32), 0.1, 256)
    with pytest.raises(ValueError, match="room for every row"):
        bin_all(np.ones((3, 1)), np.ones(2, np.float32), 0.1, 255)
