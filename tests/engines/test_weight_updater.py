"""weight_updater against its slow twin."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastml._engines.weight_updater import judge_leaves, judge_stump, raise_weights, sum_weights
from tests.reference.weight_updater import judged, raised, stump_says


@st.composite
def rows(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.sampled_from([1, 2, 3, 5, 8, 1000]))
    X = np.round(rng.normal(size=(n, 3)), 1).astype(draw(st.sampled_from([np.float32, np.float64])))
    X[rng.random(X.shape) < draw(st.sampled_from([0.0, 0.3, 1.0]))] = np.nan
    X = draw(st.sampled_from([X, np.asfortranarray(X), np.repeat(X, 2, axis=0)[::2]]))
    X.setflags(write=False)
    weight = rng.exponential(size=n) * draw(st.sampled_from([1.0, 1e-300, 1e200]))
    return X, rng.integers(0, 3, n).astype(np.int32), weight


@given(rows(), st.sampled_from([-0.5, 0.1, 0.3, np.inf]), st.booleans(), st.integers(0, 2), st.integers(0, 2))
def test_stumps_and_leaves(problem, threshold, missing_left, left, right):
    X, codes, weight = problem
    threshold = float(X.dtype.type(threshold))
    said = stump_says(X[:, 1].astype(float), threshold, missing_left, left, right)
    wrong, error, total = judged(said, codes, weight)
    out = np.full(len(X), 9, np.uint8)
    np.testing.assert_allclose(
        judge_stump(X, 1, threshold, missing_left, left, right, codes, weight, out), (error, total), rtol=1e-12
    )
    np.testing.assert_array_equal(out, wrong)
    again = np.full(len(X), 9, np.uint8)
    leaf_of = np.random.default_rng(0).integers(0, 2, len(X)).astype(np.int32) * 3 + said.astype(np.int32)
    says = np.array([0, 1, 2, 0, 1, 2], np.int32)
    np.testing.assert_allclose(judge_leaves(leaf_of, says, codes, weight, again), (error, total), rtol=1e-12)
    np.testing.assert_array_equal(again, wrong)
    expected = raised(weight, wrong, 2.5)
    raise_weights(weight, again, 2.5)
    np.testing.assert_array_equal(weight, expected)


@pytest.mark.parametrize("n", [1, 2, 3, 7, 1000, 50_001])
def test_a_sum_does_not_depend_on_order_or_on_how_weights_are_parted(n):
    rng = np.random.default_rng(n)
    weight = rng.exponential(size=n) * 10.0 ** rng.integers(-9, 3, n)
    assert sum_weights(weight) == math.fsum(weight)
    assert sum_weights(rng.permutation(np.repeat(weight, 2))) == sum_weights(2 * weight)


def test_lengths_that_do_not_fit():
    X, codes, weight, out = np.zeros((3, 2)), np.zeros(3, np.int32), np.ones(3), np.zeros(3, np.uint8)
    for feature, rows_of_weight in ((2, 3), (-1, 3), (0, 2)):
        with pytest.raises(ValueError, match="does not fit 3 rows"):
            judge_stump(X, feature, 0.0, False, 0, 1, codes, weight[:rows_of_weight], out)
    with pytest.raises(ValueError, match="do not fit 3"):
        judge_leaves(codes[:2], codes, codes, weight, out)
    with pytest.raises(ValueError, match="2 flags do not fit 3"):
        raise_weights(weight, out[:2], 2.0)
