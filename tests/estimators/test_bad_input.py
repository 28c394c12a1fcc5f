"""What boosters refuse, before any work, and ugly data that they just take."""

import numpy as np
import pandas as pd
import pytest

from fastml import io
from fastml.ensemble import GradientBoostingClassifier, GradientBoostingRegressor, XGBClassifier, XGBRegressor

CLASSIFIERS = [XGBClassifier, GradientBoostingClassifier]
REGRESSORS = [XGBRegressor, GradientBoostingRegressor]
EVERY = CLASSIFIERS + REGRESSORS
RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4))
Y = (X[:, 0] > 0).astype(int)
FRAME = pd.DataFrame(X, columns=list("abcd"))
TEXT = FRAME.assign(a=np.where(Y == 1, "u", "v"))


def with_value(value):
    y = Y.astype(float)
    y[7] = value
    return y


@pytest.mark.parametrize(
    ("estimators", "y", "fit", "words"),
    [
        (EVERY, None, {}, "requires y to be passed"),
        (CLASSIFIERS, np.zeros(60), {}, "class"),
        (EVERY, with_value(np.nan), {}, "y contains NaN"),
        (REGRESSORS, with_value(np.inf), {}, "y contains infinity"),
        (REGRESSORS, with_value(-2e38), {}, r"y holds -2e\+38.*scale y"),
        (EVERY, Y, {"sample_weight": -np.ones(60)}, "Negative values.*sample_weight"),
        (EVERY, Y, {"sample_weight": np.zeros(60)}, "at least one non-zero"),
        (EVERY, Y, {"sample_weight": np.ones(59)}, "sample_weight.shape"),
        ([XGBClassifier], Y, {"eval_set": [(X[:, :2], Y)]}, "2 features, but XGBClassifier is expecting 4"),
        ([XGBClassifier], Y, {"eval_set": [X]}, r"must be a pair \(X, y\)"),
        ([XGBClassifier], Y, {"eval_set": [(X, Y[:-1])]}, "eval_set"),
    ],
)
def test_targets_weights_and_evaluation_sets_are_refused(estimators, y, fit, words):
    for estimator in estimators:
        with pytest.raises(ValueError, match=words):
            estimator().fit(X, y, **fit)


@pytest.mark.parametrize(
    ("estimators", "parameters", "words"),
    [
        ([XGBClassifier], {"objective": "nope"}, "'objective'.*must be one of.*'binary:logistic'"),
        ([XGBClassifier], {"early_stopping_rounds": 3}, "needs rows to score"),
        (CLASSIFIERS[1:], {"loss": "nope"}, "'loss'.*must be one of.*'log_loss'"),
        (EVERY, {"learning_rate": -1.0}, "'learning_rate'"),
        (EVERY, {"n_estimators": 0}, "'n_estimators'"),
        (EVERY, {"max_depth": -3}, "'max_depth'"),
        (EVERY, {"subsample": 0.0}, "'subsample'"),
    ],
)
def test_parameters_out_of_range_or_in_contradiction_are_refused(estimators, parameters, words):
    for estimator in estimators:
        with pytest.raises(ValueError, match=words):
            estimator(**parameters).fit(X, Y)


def test_an_unknown_metric_names_the_known_ones():
    with pytest.raises(ValueError, match=r"eval_metric='nope' is not known.*logloss.*auc"):
        XGBClassifier(eval_metric="nope").fit(X, Y, eval_set=[(X, Y)])


def test_two_ways_to_hold_rows_out_are_one_too_many():
    model = XGBClassifier(early_stopping_rounds=3, validation_fraction=0.2)
    with pytest.raises(ValueError, match="not both"):
        model.fit(X, Y, eval_set=[(X, Y)])


@pytest.mark.parametrize("estimator", EVERY)
@pytest.mark.parametrize(
    ("seen", "given", "words"),
    [
        (X, X[:, :3], "3 features"),
        (FRAME, FRAME.rename(columns={"a": "z"}), "unseen at fit time"),
        (FRAME, FRAME[list("bacd")], "same order"),
        (TEXT, FRAME, "'a' held text during fit and holds numbers"),
        (FRAME, TEXT, "'a' held numbers during fit and holds text"),
    ],
    ids=["width", "names", "order", "numbers for text", "text for numbers"],
)
def test_other_columns_at_predict_are_refused(estimator, seen, given, words):
    model = estimator(n_estimators=2).fit(seen, Y)
    with pytest.raises(ValueError, match=words):
        model.predict(given)


@pytest.mark.parametrize("estimator", EVERY)
def test_a_damaged_file_is_refused(estimator, tmp_path):
    path = tmp_path / "model"
    io.save(estimator(n_estimators=2).fit(X, Y), path)
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 2], b"", b"hello world" * 10):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="not a model file"):
            io.load(path)


def read_only(a):
    a = a.copy()
    a.setflags(write=False)
    return a


@pytest.mark.parametrize(
    "convert",
    [
        lambda a: a.astype(np.float16), lambda a: a.astype(">f8"), lambda a: a.astype(">f4"), np.asfortranarray,
        read_only, lambda a: np.repeat(a, 2, axis=0)[::2], lambda a: np.repeat(a, 2, axis=1)[:, ::2],
        lambda a: a[::-1][::-1],
    ],
    ids=["float16", "big-endian double", "big-endian float", "Fortran", "read-only", "rows strided",
         "columns strided", "reversed twice"],
)  # fmt: skip
@pytest.mark.parametrize("estimator", EVERY)
def test_arrays_of_any_make_give_the_same_model(estimator, convert):
    as_float16 = X.astype(np.float16).astype(float)  # which every type here holds
    expected = estimator(n_estimators=3, random_state=0).fit(as_float16, Y).predict(as_float16)
    given = convert(as_float16)
    np.testing.assert_array_equal(estimator(n_estimators=3, random_state=0).fit(given, Y).predict(given), expected)


@pytest.mark.parametrize("estimator", EVERY)
def test_columns_all_missing_or_constant_change_nothing(estimator):
    ugly = np.column_stack([np.full(60, np.nan), X[:, 0], np.full(60, 3.0), X[:, 1]])
    plain = estimator(n_estimators=5, random_state=0).fit(X[:, :2], Y)
    np.testing.assert_array_equal(
        estimator(n_estimators=5, random_state=0).fit(ugly, Y).predict(ugly), plain.predict(X[:, :2])
    )


@pytest.mark.parametrize("estimator", REGRESSORS)
def test_one_row_and_one_target(estimator):
    np.testing.assert_allclose(estimator(n_estimators=3).fit(X[:1], [2.5]).predict(X[:3]), 2.5)
    np.testing.assert_allclose(estimator(n_estimators=3).fit(X, np.full(60, -7.0)).predict(X), -7.0)


@pytest.mark.parametrize("estimator", CLASSIFIERS)
def test_300_classes(estimator):
    rng = np.random.default_rng(1)
    y = np.arange(600) % 300
    wide = y[:, None] + rng.normal(scale=0.01, size=(600, 1))
    light = {"min_child_weight": 0.001} if estimator is XGBClassifier else {}  # a class weighs 2 / 300 here
    model = estimator(n_estimators=2, **light).fit(wide, y)
    assert model.predict_proba(wide).shape == (600, 300)
    assert model.score(wide, y) > 0.5


@pytest.mark.parametrize("estimator", EVERY)
def test_10_000_columns(estimator):
    rng = np.random.default_rng(2)
    wide = rng.normal(size=(80, 10_000))
    y = (wide[:, 9_876] > 0).astype(int)
    model = estimator(n_estimators=3, max_depth=1).fit(wide, y)
    assert int(np.argmax(model.feature_importances_)) == 9_876
