"""Early stopping: which rows validate, and when the score has stopped to improve."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from typing import Any

import numpy as np

from fastml.ensemble.callbacks import EvalsLog, TrainingCallback


class EarlyStopping(TrainingCallback):
    """Stop when a score has not improved for `rounds` rounds; XGBoost's callback of this name.

    An improvement is a score better than the best one so far by more than `min_delta`; NaN is none.

    Parameters
    ----------
    rounds : int
        Rounds without improvement after which to stop, >= 1.
    metric_name, data_name : str, optional
        The score to watch; default: the last metric of the last data set.
    maximize : bool, optional
        Whether greater is better; None looks the metric's name up.
    save_best : bool
        Whether the model should keep only the rounds up to the best one (the booster does it).
    min_delta : float
        In units of the score, >= 0.

    Attributes
    ----------
    best_iteration : int or None
        Number of the round with the best score, from 0.
    best_score : float or None
    """

    stop_reason = "early_stopping"

    def __init__(
        self,
        rounds: int,
        *,
        metric_name: str | None = None,
        data_name: str | None = None,
        maximize: bool | None = None,
        save_best: bool = False,
        min_delta: float = 0.0,
    ) -> None:
        if isinstance(rounds, bool) or int(rounds) != rounds or rounds < 1:
            raise ValueError(f"early_stopping_rounds={rounds!r} must be an integer >= 1; None for no early stopping")
        if not min_delta >= 0:
            raise ValueError(f"min_delta={min_delta!r} must be >= 0: it is in units of the score")
        self.rounds = int(rounds)
        self.metric_name = metric_name
        self.data_name = data_name
        self.maximize = maximize
        self.save_best = save_best
        self.min_delta = float(min_delta)
        self._reset()

    def _reset(self) -> None:
        self.best_iteration: int | None = None
        self.best_score: float | None = None
        self.n_since_best = 0

    def update(self, score: float, iteration: int) -> bool:
        """Take the score of a round; True if it is time to stop."""
        if self.best_score is None or self._improves(score, self.best_score):
            self.best_score, self.best_iteration, self.n_since_best = float(score), iteration, 0
        else:
            self.n_since_best += 1
        return self.n_since_best >= self.rounds

    def _improves(self, score: float, best: float) -> bool:
        if math.isnan(best):
            return not math.isnan(score)
        return score - self.min_delta > best if self.maximize else score + self.min_delta < best

    def before_training(self, model: Any) -> Any:
        self._reset()  # the object may have served another fit
        return model

    def after_iteration(self, model: Any, epoch: int, evals_log: EvalsLog) -> bool:
        if not evals_log:
            raise ValueError(
                "early_stopping_rounds needs rows to validate on: "
                "give eval_set, X_val and y_val, or validation_fraction"
            )
        data = self.data_name if self.data_name is not None else list(evals_log)[-1]
        if data not in evals_log:
            raise ValueError(f"data_name={data!r} is not among the data sets: {', '.join(evals_log)}")
        metric = self.metric_name if self.metric_name is not None else list(evals_log[data])[-1]
        if metric not in evals_log[data]:
            raise ValueError(f"metric_name={metric!r} is not among the metrics: {', '.join(evals_log[data])}")
        if self.maximize is None:
            from fastml.ensemble.metrics import is_greater_better

            self.maximize = is_greater_better(metric)
        stop = self.update(evals_log[data][metric][-1], epoch)
        if self.n_since_best == 0:
            model.set_attr(best_iteration=self.best_iteration, best_score=self.best_score)
        return stop


class NoChange:
    """scikit-learn's rule for `n_iter_no_change`: stop when the loss beats none of the last n by `tol`."""

    def __init__(self, n_iter_no_change: int, tol: float = 1e-4) -> None:
        self.tol = tol
        self._past: deque[float] = deque([math.inf] * n_iter_no_change, maxlen=n_iter_no_change)

    def update(self, loss: float) -> bool:
        """Take the validation loss of a round; True if it is time to stop."""
        if not any(loss + self.tol < past for past in self._past):
            return True
        self._past.append(loss)
        return False


def split_validation(
    y: np.ndarray,
    *,
    validation_fraction: float | None = 0.1,
    splitter: Any = None,
    groups: Any = None,
    stratify: bool = False,
    sample_weight: np.ndarray | None = None,
    random_state: Any = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Rows to train on and rows to validate on.

    Parameters
    ----------
    y : (n,) array
        Class codes, or the target.
    validation_fraction : float in (0, 1)
        Used without a splitter.
    splitter : object with `split(X, y, groups)`, or an iterable of (train, validation) index pairs, optional
        Any of scikit-learn's, such as TimeSeriesSplit or GroupShuffleSplit; its last split counts.
    groups : (n,) array, optional
        Rows of a group stay together; without a splitter, `GroupShuffleSplit` keeps them so.
    stratify : bool
        y is class codes: keep their proportions, and ask that each class stays in the training rows.
        A class with a single row stays there whole.
    sample_weight : (n,) array, optional
        Neither side may be left with no weight.

    Returns
    -------
    train, validation : int arrays, ascending

    Raises
    ------
    ValueError
        A side without rows or weight, rows on both sides, or a class that left the training rows.
    """
    n = len(y)
    if groups is not None and len(groups) != n:
        raise ValueError(f"groups has {len(groups)} values and y has {n}: give one for each row")
    if splitter is not None:
        train, validation = _last_split(splitter, y, groups)
    else:
        train, validation = _shuffled(y, validation_fraction, groups, stratify, random_state)
    train, validation = np.sort(train), np.sort(validation)
    for name, rows in (("training", train), ("validation", validation)):
        if len(rows) == 0 or (sample_weight is not None and not np.any(sample_weight[rows])):
            raise ValueError(
                f"the early stopping split leaves the {name} part without rows of positive weight "
                f"(validation_fraction={validation_fraction!r}, splitter={splitter!r}, {n} rows): change the split"
            )
    if np.intersect1d(train, validation).size:
        raise ValueError(f"splitter={splitter!r} puts some rows into both parts: their score would not be honest")
    if stratify:
        lost = np.setdiff1d(y, y[train])
        if lost.size:
            raise ValueError(
                f"The training data after the early stopping split is missing some classes (codes {_some(lost)}). "
                "Use another random seed, a smaller validation_fraction or another splitter."
            )
    return train, validation


def _last_split(splitter: Any, y: np.ndarray, groups: Any) -> tuple[np.ndarray, np.ndarray]:
    if hasattr(splitter, "split") and not isinstance(splitter, str):
        splits: Iterable = splitter.split(np.zeros((len(y), 1)), y, groups)
    elif isinstance(splitter, Iterable) and not isinstance(splitter, str):
        splits = splitter
    else:
        raise ValueError(
            f"splitter={splitter!r} must have split(X, y, groups), as scikit-learn's splitters do, "
            "or be an iterable of (train, validation) index arrays"
        )
    last = deque(splits, maxlen=1)
    if not last:
        raise ValueError(f"splitter={splitter!r} gave no split")
    train, validation = (np.asarray(rows) for rows in last[0])
    return tuple(np.flatnonzero(rows) if rows.dtype == bool else rows for rows in (train, validation))  # type: ignore[return-value]


def _shuffled(
    y: np.ndarray, fraction: float | None, groups: Any, stratify: bool, random_state: Any
) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.model_selection import GroupShuffleSplit, train_test_split

    if fraction is None or isinstance(fraction, bool) or not 0 < fraction < 1:
        raise ValueError(f"validation_fraction={fraction!r} must lie between 0 and 1: it is a share of the rows")
    rows = np.arange(len(y))
    if groups is not None:
        one = GroupShuffleSplit(n_splits=1, test_size=fraction, random_state=random_state)
        return next(one.split(rows, y, groups))
    if len(y) < 2:
        raise ValueError(f"y has {len(y)} row: there is nothing to validate on; switch early stopping off")
    alone = np.empty(0, dtype=rows.dtype)
    if stratify:  # scikit-learn would refuse classes of one row; where else than in training could it be?
        codes, counts = np.unique(y, return_counts=True)
        is_alone = np.isin(y, codes[counts == 1])
        alone, rows = rows[is_alone], rows[~is_alone]
        if len(rows) == 0:
            raise ValueError("each class has a single row: there is nothing to validate on; switch early stopping off")
    labels = y[rows] if stratify else None
    try:
        train, validation = train_test_split(rows, test_size=fraction, random_state=random_state, stratify=labels)
    except ValueError as error:
        raise ValueError(f"validation_fraction={fraction!r} does not split {len(rows)} rows: {error}") from error
    return np.concatenate([train, alone]), validation


def _some(values: np.ndarray) -> str:
    return ", ".join(str(v) for v in values[:5]) + (", ..." if len(values) > 5 else "")
