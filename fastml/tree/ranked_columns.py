"""The columns of a table as ranks of their values, for forests."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fastml._engines.column_sorter import add_to_hash, merge_ranks, order_of, ranks_of, sort_columns
from fastml._engines.forest_grower import ForestGrower
from fastml.data.frames import Table
from fastml.threads import effective_threads
from fastml.tree.sorted_columns import coded_column

GROUP = 64  # columns sorted together: entries take 8 bytes a value, ranks that stay 2 or 4


@dataclass(frozen=True, eq=False)
class RankedColumns:
    """What forests grow on; sorting is O(n_samples) a column, 2 bytes a value or 4 where a column has 65,535 or more.

    Rows lie in the order of a hash of their values and targets, so that what is drawn and how sums round does not
    depend on the order in which they were given, and a row given twice is one of weight 2.

    grower : the engine over the ranks
    order : (n_samples,) int32, which row lies at each place
    category_codes : for each categorical column the code of each level, 1 to 255, and 0; None for the others
    ranks, values, values_start, largest : what the grower reads
    """

    grower: ForestGrower
    order: NDArray[np.int32]
    category_codes: tuple[NDArray[np.uint8] | None, ...]
    ranks: NDArray[np.unsignedinteger]
    values: NDArray[np.float64]
    values_start: NDArray[np.int64]
    largest: NDArray[np.float64]

    @classmethod
    def of(
        cls, table: Table, target: NDArray[np.float64], n_jobs: int | None, work: float = float("inf"),
        max_bins: int | None = None,
    ) -> RankedColumns:  # fmt: skip
        """target : (n_outputs, n_samples).  work : element operations of the fit, by which threads are chosen.
        max_bins : of a column of numbers; None: each value has its rank
        """
        d = table.n_features
        threads = effective_threads(n_jobs, 20.0 * table.n_samples * d)
        order = _order(table, target, threads)
        place = np.empty(len(order), np.int32)
        place[order] = np.arange(len(order), dtype=np.int32)
        ranks, values, largest, starts, codes = [], [], [], [np.zeros(1, np.int64)], []
        for first in range(0, d, GROUP):
            group = range(first, min(d, first + GROUP))
            columns, own_codes = zip(*[coded_column(table, j) for j in group], strict=True)
            entries, own, start = sort_columns(columns, threads)
            last = own
            if max_bins is not None:
                keep = np.array([codes_of is not None for codes_of in own_codes], np.uint8)
                own, last, start = merge_ranks(entries, own, start, max_bins, keep, threads)
            ranks.append(ranks_of(entries, int(np.diff(start).max(initial=0)), place, threads))
            values.append(own)
            largest.append(last)
            starts.append(start[1:] + starts[-1][-1])
            codes += own_codes
        widest = max((own.dtype for own in ranks), key=lambda dtype: dtype.itemsize)
        together = [_widened(own, widest) for own in ranks]
        return cls._over(
            together[0] if len(together) == 1 else np.concatenate(together), np.concatenate(values),
            np.concatenate(starts), np.concatenate(largest), order, tuple(codes), effective_threads(n_jobs, work),
        )  # fmt: skip

    @classmethod
    def _over(
        cls, ranks: NDArray[np.unsignedinteger], values: NDArray[np.float64], starts: NDArray[np.int64],
        largest: NDArray[np.float64], order: NDArray[np.int32], codes: tuple[NDArray[np.uint8] | None, ...],
        n_threads: int,
    ) -> RankedColumns:  # fmt: skip
        categorical = np.array([own is not None for own in codes], np.uint8)
        flags = categorical if categorical.any() else None
        grower = ForestGrower(ranks, values, starts, n_threads, flags, largest)
        return cls(grower, order, codes, ranks, values, starts, largest)

    def take(self, features: NDArray[np.integer]) -> RankedColumns:
        """Some of the columns, once or more often, as copies: 2 or 4 bytes a value; for one thread."""
        start = self.values_start
        own, last = ([of[start[j] : start[j + 1]] for j in features.tolist()] for of in (self.values, self.largest))
        return self._over(
            self.ranks[features], np.concatenate(own), np.cumsum([0, *map(len, own)], dtype=np.int64),
            np.concatenate(last), self.order,
            tuple(self.category_codes[j] for j in features.tolist()), 1,
        )  # fmt: skip

    @property
    def n_samples(self) -> int:
        return len(self.order)


def _order(table: Table, target: NDArray[np.float64], n_threads: int) -> NDArray[np.int32]:
    """Rows by a hash of what is in them."""
    key = np.zeros(table.n_samples, np.uint64)
    for j in range(table.n_features):
        add_to_hash(coded_column(table, j)[0].astype(np.float64), j, key, n_threads)
    for k, own in enumerate(target):
        add_to_hash(np.ascontiguousarray(own, np.float64), table.n_features + k, key, n_threads)
    return order_of(key)


def _widened(ranks: NDArray[np.unsignedinteger], dtype: np.dtype) -> NDArray[np.unsignedinteger]:
    """The same ranks in another dtype, in which the largest number means missing too."""
    if ranks.dtype == dtype:
        return ranks
    return np.where(ranks == np.iinfo(ranks.dtype).max, np.iinfo(dtype).max, ranks).astype(dtype)
