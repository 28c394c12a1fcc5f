"""Which task a target asks for, and which rows are drawn to validate on."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastml.cli.errors import CommandError
from fastml.cli.settings import parse_settings
from fastml.cli.split import validation_rows
from fastml.cli.target import missing_values, recognise

pa = pytest.importorskip("pyarrow")


@pytest.mark.parametrize(
    ("values", "task"),
    [
        ([True, False, True], "binary"),
        (["no", "yes", "no"], "binary"),
        (["a", "b", "c"], "multiclass"),
        ([0, 1, 1, 0], "binary"),
        ([0.0, 1.0, 1.0], "binary"),
        (list(range(5)) * 10, "multiclass"),
        (list(range(26)) * 20, "multiclass"),
        (list(range(100)) * 20, "regression"),
        (list(range(5)), "regression"),  # as many values as rows: nothing suggests classes
        ([1.5, 2.5, 3.5], "regression"),
        ([1.0, 2.0, 3.0] * 50, "regression"),
        ([7, 7, 7], "regression"),
    ],
)
def test_the_task_is_recognised(values, task):
    assert recognise(pa.chunked_array([values]), "y", None).task == task
    assert recognise(np.array(values), "y", None).task == task


def test_the_task_can_be_said():
    assert recognise(np.arange(5), "y", "classification").task == "multiclass"
    assert recognise(np.arange(5) % 2, "y", "regression").task == "regression"
    with pytest.raises(CommandError, match="target 'y' holds text, which --task regression cannot learn"):
        recognise(np.array(["a", "b"]), "y", "regression")


def test_a_target_says_what_it_is():
    column = pa.chunked_array([["a", "b"], ["b", "b"]]).dictionary_encode()
    found = str(recognise(column, "y", None))
    assert found == "y, text with 2 distinct values (a 25.0%, b 75.0%): binary classification"
    assert str(recognise(np.array([1.5, 20.25]), "y", None)) == "y, numbers from 1.5 to 20.25: regression"
    many = np.repeat([f"c{k}" for k in range(6)], 2)
    assert str(recognise(many, "y", None)).endswith("and 2 more): multiclass classification")


def test_a_constant_class_is_refused():
    with pytest.raises(CommandError, match="target 'y' is True in all 3 rows"):
        recognise(np.array([True] * 3), "y", None)


def test_missing_values_are_found_in_every_kind_of_column():
    assert missing_values(pa.chunked_array([[1.0, None, float("nan")]])).tolist() == [False, True, True]
    assert missing_values(pa.chunked_array([["a", None]]).dictionary_encode()).tolist() == [False, True]
    assert missing_values(np.array([1.0, np.nan])).tolist() == [False, True]
    assert missing_values(np.array([1, 2])).tolist() == [False, False]


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=60), st.floats(0, 0.99), st.integers(0, 5))
def test_every_class_gives_its_share_of_rows(classes, fraction, seed):
    classes = np.array(classes)
    chosen = validation_rows(fraction, len(classes), classes, seed)
    for label in np.unique(classes):
        assert chosen[classes == label].sum() == int(fraction * np.sum(classes == label))
    assert np.array_equal(chosen, validation_rows(fraction, len(classes), classes, seed))


def test_rows_of_a_regression_are_drawn_at_random():
    chosen = validation_rows(0.25, 1000, None, 0)
    assert chosen.sum() == 250
    assert not np.array_equal(chosen, validation_rows(0.25, 1000, None, 1))


PARAMETERS = {"rate": 0.3, "depth": 6, "flag": False, "method": "hist", "limit": None}


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("rate=0.1", 0.1),
        ("rate=1", 1.0),
        ("depth=8", 8),
        ("depth=none", None),
        ("flag=true", True),
        ("flag=False", False),
        ("method=exact", "exact"),
        ("method=1", "1"),
        ("method=none", None),
        ("limit=3", 3),
        ("limit=1e-3", 1e-3),
        ("limit=[0, 1]", [0, 1]),
        ("limit=a=b", "a=b"),
        (" limit = x ", "x"),
    ],
)
def test_settings_take_the_type_of_the_parameter(setting, value):
    (found,) = parse_settings([setting], PARAMETERS, "Model").values()
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("rat=1", r"Model has no parameter 'rat'; did you mean 'rate'"),
        ("nonsense=1", r"Model has no parameter 'nonsense'\. It has: rate, depth, flag"),
        ("rate", "write name=value"),
        ("=1", "write name=value"),
        ("flag=7", "flag is true or false"),
    ],
)
def test_settings_that_make_no_sense_are_refused(setting, message):
    with pytest.raises(CommandError, match=message):
        parse_settings([setting], PARAMETERS, "Model")
