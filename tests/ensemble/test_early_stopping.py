"""Early stopping: the tracker, scikit-learn's rule, and the rows that validate."""

import numpy as np
import pytest
from sklearn.model_selection import GroupShuffleSplit, TimeSeriesSplit

from fastml.ensemble.early_stopping import EarlyStopping, NoChange, split_validation
from fastml.ensemble.rounds import Rounds


def run(stopper, values):
    for i, value in enumerate(values):
        if stopper.update(value, i):
            return i
    return None


def test_stops_after_rounds_without_improvement():
    stopper = EarlyStopping(2, maximize=False)
    assert run(stopper, [3.0, 2.0, 2.0, 1.0, 1.5, 1.2, 0.1]) == 5
    assert (stopper.best_iteration, stopper.best_score) == (3, 1.0)


def test_maximize_and_min_delta():
    stopper = EarlyStopping(2, maximize=True, min_delta=0.1)
    assert run(stopper, [0.5, 0.7, 0.75, 0.79]) == 3
    assert (stopper.best_iteration, stopper.best_score) == (1, 0.7)


def test_nan_is_no_improvement_and_anything_improves_on_it():
    stopper = EarlyStopping(3, maximize=True)
    assert run(stopper, [np.nan, np.nan, 0.4, np.nan, 0.3]) is None
    assert stopper.best_iteration == 2


@pytest.mark.parametrize("rounds", [0, -1, 1.5, True])
def test_rounds_out_of_range(rounds):
    with pytest.raises(ValueError, match="early_stopping_rounds="):
        EarlyStopping(rounds)


def test_as_callback_watches_the_last_metric_of_the_last_data_set_and_can_be_used_again():
    stopper = EarlyStopping(1)
    for _ in range(2):
        with Rounds(10, callbacks=[stopper]) as loop:
            for i in loop:
                loop.report({"a": {"auc": i}, "b": {"logloss": -i, "auc": [0.5, 0.8, 0.7][i]}})
        assert (loop.n_done, loop.stop_reason, stopper.best_iteration) == (3, "early_stopping", 1)


def test_as_callback_says_what_is_missing():
    for stopper, message in [
        (EarlyStopping(1), "needs rows to validate on"),
        (EarlyStopping(1, data_name="test"), "'test' is not among the data sets: valid"),
        (EarlyStopping(1, metric_name="auc"), "'auc' is not among the metrics: rmse"),
    ]:
        evals_log = {} if "needs rows" in message else {"valid": {"rmse": [1.0]}}
        with pytest.raises(ValueError, match=message):
            stopper.after_iteration(None, 0, evals_log)


def test_xgboost_and_this_tracker_stop_at_the_same_round():
    xgboost = pytest.importorskip("xgboost")
    losses = np.round(np.random.default_rng(3).normal(size=60).cumsum(), 1)

    def stop_round(stopper):
        with Rounds(60, callbacks=[stopper]) as loop:
            for i in loop:
                loop.report({"v": {"rmse": losses[i]}})
        return loop.n_done, loop._model.best_iteration, loop._model.best_score

    theirs = xgboost.callback.EarlyStopping(rounds=6, min_delta=0.2)
    assert stop_round(theirs) == stop_round(EarlyStopping(6, min_delta=0.2))


def test_no_change_compares_with_each_of_the_last_losses():
    rule = NoChange(2, tol=0.1)
    assert [rule.update(x) for x in (1.0, 0.95, 0.85, 0.86, 0.86)] == [False, False, False, True, True]


def test_split_is_disjoint_and_complete_and_repeatable():
    y = np.arange(100.0)
    train, validation = split_validation(y, validation_fraction=0.25, random_state=0)
    assert len(validation) == 25
    assert np.array_equal(np.union1d(train, validation), np.arange(100))
    assert np.all(np.diff(train) > 0)
    assert np.all(np.diff(validation) > 0)
    assert np.array_equal(split_validation(y, validation_fraction=0.25, random_state=0)[1], validation)


def test_stratified_split_keeps_proportions_and_single_rows_stay_in_training():
    y = np.r_[np.zeros(80, int), np.ones(20, int), 2]
    train, validation = split_validation(y, validation_fraction=0.2, stratify=True, random_state=0)
    assert np.bincount(y[validation]).tolist() == [16, 4]
    assert 100 in train


def test_a_class_that_leaves_the_training_rows():
    y = np.array([0, 0] + [1] * 8)
    with pytest.raises(ValueError, match="The training data after the early stopping split is missing some classes"):
        split_validation(y, validation_fraction=0.8, stratify=True, random_state=0)
    with pytest.raises(ValueError, match="missing some classes"):
        split_validation(y, splitter=[(np.arange(2, 10), np.arange(2))], stratify=True)


def test_splitters():
    y = np.arange(60.0)
    train, validation = split_validation(y, splitter=TimeSeriesSplit(5))
    assert np.array_equal(validation, np.arange(50, 60))
    assert train.max() == 49
    groups = np.repeat(np.arange(6), 10)
    for splitter in (GroupShuffleSplit(3, random_state=0), None):
        options = {"splitter": splitter, "groups": groups, "validation_fraction": 0.3}
        train, validation = split_validation(y, **options, random_state=0)
        assert not set(groups[train]) & set(groups[validation])
        assert len(train) + len(validation) == 60
    mask = y > 40
    assert np.array_equal(split_validation(y, splitter=[(~mask, mask)])[1], np.flatnonzero(mask))


@pytest.mark.parametrize("fraction", [0, 1, 1.5, -0.1, None, True])
def test_fraction_out_of_range(fraction):
    with pytest.raises(ValueError, match=r"validation_fraction=.*between 0 and 1"):
        split_validation(np.arange(10.0), validation_fraction=fraction)


def test_bad_splits():
    y = np.arange(4.0)
    with pytest.raises(ValueError, match=r"does not split 2 rows|without rows"):
        split_validation(np.arange(2.0), validation_fraction=0.9)
    with pytest.raises(ValueError, match="nothing to validate on"):
        split_validation(np.arange(1.0))
    with pytest.raises(ValueError, match="single row"):
        split_validation(np.arange(4), stratify=True)
    with pytest.raises(ValueError, match="groups has 3 values"):
        split_validation(y, groups=[0, 1, 2])
    with pytest.raises(ValueError, match="must have split"):
        split_validation(y, splitter=3)
    with pytest.raises(ValueError, match="gave no split"):
        split_validation(y, splitter=[])
    with pytest.raises(ValueError, match="both parts"):
        split_validation(y, splitter=[([0, 1, 2], [2, 3])])
    with pytest.raises(ValueError, match="leaves the training part"):
        split_validation(y, splitter=[([], [2, 3])])
    with pytest.raises(ValueError, match="leaves the validation part"):
        split_validation(y, splitter=[([0, 1], [2, 3])], sample_weight=np.array([1.0, 1, 0, 0]))
