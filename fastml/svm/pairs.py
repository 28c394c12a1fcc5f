"""Many classes as problems of two: every class against every other, or against the rest; and their coefficients as
scikit-learn lays them out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Decomposition:
    """The problems of two that n_classes classes make.

    Of a pair (i, j), i < j, class i is the positive one. `support` below are the rows with a coefficient in any
    problem, class after class; `coef` is (n_classes - 1, n_support) for pairs, in which a vector of class i has its
    coefficient against class j in row j - 1 if i < j, else in row j; (n_classes, n_support) against the rest.
    """

    n_classes: int
    against_rest: bool = False

    @property
    def sides(self) -> list[tuple[int, int]]:
        """(positive class, negative class or -1 for the rest) of each problem."""
        k = self.n_classes
        if self.against_rest:
            return [(i, -1) for i in range(k)]
        return [(i, j) for i in range(k) for j in range(i + 1, k)]

    def rows(self, codes: NDArray[np.integer[Any]], kept: NDArray[np.bool_]) -> list[tuple[NDArray[np.int64], Floats]]:
        """(rows, y of 1 and -1) of each problem: the positive class's rows, then the others, in their order."""
        of_class = [np.flatnonzero((codes == i) & kept) for i in range(self.n_classes)]
        found = []
        for i, j in self.sides:
            others = of_class[j] if j >= 0 else np.flatnonzero((codes != i) & kept)
            index = np.concatenate([of_class[i], others])
            found.append((index, np.repeat([1.0, -1.0], [len(of_class[i]), len(others)])))
        return found

    def layout(
        self, codes: NDArray[np.integer[Any]], rows: list[NDArray[np.int64]], betas: list[Floats]
    ) -> tuple[NDArray[np.int32], NDArray[np.int32], Floats]:
        """(support, how many of each class, coef) from each problem's coefficients."""
        used = np.zeros(len(codes), dtype=bool)
        for index, beta in zip(rows, betas, strict=True):
            used[index[beta != 0]] = True
        support = np.flatnonzero(used)
        support = support[np.argsort(codes[support], kind="stable")]
        place = np.full(len(codes), -1, dtype=np.int64)
        place[support] = np.arange(len(support))
        coef = np.zeros((self.n_classes if self.against_rest else self.n_classes - 1, len(support)))
        for problem, ((i, j), index, beta) in enumerate(zip(self.sides, rows, betas, strict=True)):
            own = beta != 0
            at, of_class = place[index[own]], codes[index[own]]
            row = np.full(len(at), problem) if j < 0 else np.where(of_class == i, j - 1, i)
            coef[row, at] = beta[own]
        n_support = np.bincount(codes[support], minlength=self.n_classes)
        return support.astype(np.int32), n_support.astype(np.int32), coef

    def by_problem(self, coef: Floats, n_support: NDArray[np.integer[Any]]) -> Any:
        """(n_problems, n_support) from scikit-learn's layout: an array for one problem or against the rest; CSR."""
        if self.against_rest or self.n_classes == 2:
            return coef
        from scipy.sparse import csr_array

        ends = np.cumsum(n_support)
        begins = ends - n_support
        data, places, starts = [], [], [0]
        for i, j in self.sides:
            for own, row in ((i, j - 1), (j, i)):
                values = coef[row, begins[own] : ends[own]]
                data.append(values)
                places.append(np.arange(begins[own], ends[own]))
            starts.append(starts[-1] + int(n_support[i] + n_support[j]))
        n = coef.shape[1]
        made = csr_array((np.concatenate(data), np.concatenate(places), np.array(starts)), shape=(len(self.sides), n))
        made.eliminate_zeros()
        return made
