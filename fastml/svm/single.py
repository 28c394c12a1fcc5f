"""Machines of one problem: numbers, or one class."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml.svm.base import SupportVectorMachine
from fastml.svm.tasks import Answers, Formulation, Task

Floats = NDArray[np.float64]


class SingleMachine(SupportVectorMachine):
    """One problem over all rows that weigh anything."""

    def _formulation(self, y: Any, weight: Floats) -> Formulation:
        raise NotImplementedError

    def _tasks(self, y: Any, weight: Floats) -> list[Task]:
        self._n_rows = len(weight)
        index = np.flatnonzero(weight)
        return [Task(index, self._formulation(None if y is None else y[index], weight[index]))]

    def _codes(self) -> NDArray[np.int32]:
        return np.zeros(self._n_rows, dtype=np.int32)

    def _keep(self, rows: Any, tasks: list[Task], answers: Answers) -> None:
        super()._keep(rows, tasks, answers)
        self._n_support = self._n_support[:1]
        self._overlap = answers.fitted[0].overlap
        self.n_iter_ = int(self._n_steps[0])
