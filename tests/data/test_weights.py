"""Weights of samples and classes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight

from fastml.data.weights import check_sample_weight, class_weights, combined_weight


def test_none_stays_none_and_float64_stays_itself():
    assert check_sample_weight(None, 3) is None
    weights = np.array([0.0, 1, 2])
    assert check_sample_weight(weights, 3) is weights


@pytest.mark.parametrize(
    "given_", [[1, 2, 0], (1, 2, 0), np.array([1, 2, 0], dtype="i1"), np.array([1, 9, 2, 9, 0, 9.0])[::2]]
)
def test_anything_becomes_contiguous_float64(given_):
    weights = check_sample_weight(given_, 3)
    assert weights.dtype == np.float64
    assert weights.flags.c_contiguous
    np.testing.assert_array_equal(weights, [1, 2, 0])


def test_a_number_is_for_all():
    np.testing.assert_array_equal(check_sample_weight(2, 3), [2, 2, 2])


@pytest.mark.parametrize(
    "given_, words",
    [
        ([1, 2], r"sample_weight.shape == \(2,\), expected \(3,\)!"),
        ([[1], [2], [3]], "Sample weights must be 1D array or scalar, got 2D array"),
        ([1, -1, 1], r"Negative values in data passed to `sample_weight`: -1\.0 at row 1"),
        ([1, np.nan, 1], "sample_weight contains NaN, first at row 1"),
        ([1, 1, np.inf], "sample_weight contains infinity, first at row 2"),
        ([0, 0, 0], "Sample weights must contain at least one non-zero number"),
        (0, "at least one non-zero"),
        (["a", "b", "c"], "sample_weight must hold one number a sample"),
        ([1j, 1, 1], "sample_weight must hold one number a sample"),
    ],
)
def test_bad_weights(given_, words):
    with pytest.raises(ValueError, match=words):
        check_sample_weight(given_, 3)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=30))
def test_balanced_and_dictionaries_are_scikit_learns(y):
    classes, codes = np.unique(np.array(list("abcd"))[y], return_inverse=True)
    labels = classes[codes]
    for weight in (None, "balanced", {"a": 2.0}, {"a": 1, "b": 2, "c": 3, "d": 4}, {}):
        if weight == {"a": 2.0} and "a" not in classes:
            with pytest.raises(ValueError, match="not in class_weight"):
                class_weights(weight, codes, classes)
        else:
            expected = compute_class_weight(weight, classes=classes, y=labels)
            np.testing.assert_allclose(class_weights(weight, codes, classes), expected)


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3)), min_size=1).filter(lambda rows: any(w for _, w in rows))
)
def test_a_weight_acts_like_repetition(rows):
    codes, weight = np.array(rows).T
    classes = np.arange(3)
    repeated = class_weights("balanced", np.repeat(codes, weight), classes)
    np.testing.assert_allclose(class_weights("balanced", codes, classes, weight.astype(float)), repeated)


@pytest.mark.parametrize("classes, weight", [
    (np.array([False, True]), {True: 3}), (np.array([-1, 5]), {5: 3}), (np.array([-1.0, 5.0]), {5: 3}),
    (np.array(["n", "y"]), {"y": 3}), (np.array(["n", "y"], dtype=object), {np.str_("y"): 3}),
])  # fmt: skip
def test_labels_of_any_kind_name_classes(classes, weight):
    np.testing.assert_array_equal(class_weights(weight, np.array([0, 1]), classes), [1, 3])


@pytest.mark.parametrize(
    "weight, words",
    [
        ("equal", "class_weight='equal' must be None, 'balanced', or a dict"),
        ([1, 2], "must be None"),
        ({"c": 1}, r"class_weight names \['c'\], but y has the classes \['a', 'b'\]"),
        ({"a": 1, "c": 1}, r"\['b'\] are not in class_weight"),
        ({"a": -1}, r"class_weight\['a'\]=-1 must be a finite number >= 0"),
        ({"a": np.nan}, "must be a finite number"),
        ({"a": "x"}, "must be a finite number"),
    ],
)
def test_bad_class_weights(weight, words):
    with pytest.raises(ValueError, match=words):
        class_weights(weight, np.array([0, 1]), np.array(["a", "b"]))


def test_a_fold_may_lack_a_class_that_the_dictionary_has():
    np.testing.assert_array_equal(
        class_weights({"a": 2, "b": 3, "c": 4}, np.array([0, 1]), np.array(["a", "b"])), [2, 3]
    )


def test_both_weights_multiply():
    codes, classes = np.array([0, 1, 1]), np.array(["a", "b"])
    weight = np.array([1.0, 2, 3])
    assert combined_weight(None, codes, classes) is None
    assert combined_weight(None, codes, classes, weight) is weight
    np.testing.assert_array_equal(combined_weight({"a": 5, "b": 7}, codes, classes, weight), [5, 14, 21])
    np.testing.assert_array_equal(combined_weight({"a": 5, "b": 7}, codes, classes), [5, 7, 7])
