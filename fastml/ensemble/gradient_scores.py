"""The losses of each round of first-order boosting: `train_score_`, and those of the rows out of bag."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml.ensemble.rows import Rows
from fastml.losses import Loss


@dataclass
class Scores:
    """One number a round; out of bag 0 for rounds that saw every row."""

    train: list[float] = field(default_factory=list)
    out_of_bag: list[float] = field(default_factory=list)
    improvement: list[float] = field(default_factory=list)
    before: float = 0.0  # out of bag after the last round; before the first one, of its rows

    @classmethod
    def of(cls, estimator: Any) -> Scores:
        """What a fit so far has left in an estimator, to go on with."""
        train = list(getattr(estimator, "train_score_", []))
        out_of_bag = list(getattr(estimator, "oob_scores_", np.zeros(len(train))))
        improvement = list(getattr(estimator, "oob_improvement_", np.zeros(len(train))))
        return cls(train, out_of_bag, improvement, out_of_bag[-1] if out_of_bag else 0.0)

    def start(self, loss: Loss, rows: Rows, raw: NDArray[np.float64], drawn: NDArray[np.uint8]) -> None:
        """The loss before the first round, of the rows that it will not see."""
        self.before = score_rows(loss, rows, raw, np.flatnonzero(drawn == 0))

    def add(self, loss: Loss, rows: Rows, raw: NDArray[np.float64], drawn: NDArray[np.uint8] | None) -> None:
        """The losses after a round, in bag and out of it."""
        if drawn is None:
            self.train.append(loss.score(rows.y, raw, rows.weight))
            self.out_of_bag.append(0.0)
            self.improvement.append(0.0)
            return
        self.train.append(score_rows(loss, rows, raw, np.flatnonzero(drawn)))
        self.out_of_bag.append(score_rows(loss, rows, raw, np.flatnonzero(drawn == 0)))
        self.improvement.append(self.before - self.out_of_bag[-1])
        self.before = self.out_of_bag[-1]

    def last(self) -> dict[str, float]:
        """What the progress table shows."""
        shown = {"loss": self.train[-1]}
        return shown | {"oob_improvement": self.improvement[-1]} if any(self.out_of_bag) else shown

    def attributes(self, estimator: Any) -> dict[str, Any]:
        """As fitted attributes; those out of bag only if there are any."""
        attributes: dict[str, Any] = {"train_score_": np.array(self.train)}
        if self.train and (estimator.subsample < 1.0 or hasattr(estimator, "oob_scores_")):
            attributes["oob_scores_"] = np.array(self.out_of_bag)
            attributes["oob_improvement_"] = np.array(self.improvement)
            attributes["oob_score_"] = self.out_of_bag[-1]
        return attributes


def score_rows(loss: Loss, rows: Rows, raw: NDArray[np.float64], chosen: NDArray[np.int64]) -> float:
    """The loss of some of the rows."""
    weight = None if rows.weight is None else rows.weight[chosen]
    return loss.score(rows.y[chosen], raw[:, chosen], weight)
