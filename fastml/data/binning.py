"""BinMapper and BinnedMatrix: every value of a table as one byte, in the two layouts that trees grow from."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastml._engines.bin_mapper import KINDS, CodeTables, encode, find_edges, rows_from_columns, sample_rows

MAX_BINS = 255
MAX_LEVELS = 254  # own bins of a categorical feature; the rarer levels share one more
SAMPLE_ROWS = 200_000  # rows of which quantiles are taken: a bin of 1/255 of them is known to 4%
GROUP_BYTES = 32 << 20  # of columns that a frame converts at a time


@dataclass(frozen=True, eq=False)
class BinnedMatrix:
    """One byte a value: code 0 is missing, 1..n_bins[j] the bins of feature j.

    Attributes
    ----------
    codes_by_column : uint8 (n_features, column_stride), column_stride a multiple of 64 and >= n_samples + 64
    codes_by_row : uint8 (n_samples + 1, row_stride), row_stride 8, 12, 16, 32, 48 or a multiple of 64; or None
        where only the column layout was asked for. Both begin at a multiple of 64 bytes and hold zeros past the data.
    n_bins : int32 (n_features,)
    has_missing : bool (n_features,), whether code 0 occurs
    is_categorical : bool (n_features,)
    n_samples : int
    """

    codes_by_column: NDArray[np.uint8]
    codes_by_row: NDArray[np.uint8] | None
    n_bins: NDArray[np.int32]
    has_missing: NDArray[np.bool_]
    is_categorical: NDArray[np.bool_]
    n_samples: int

    @property
    def n_features(self) -> int:
        return len(self.n_bins)

    @property
    def row_stride(self) -> int:
        return 0 if self.codes_by_row is None else self.codes_by_row.shape[1]

    def rows(self, n_threads: int = 1, room: int = 0) -> NDArray[np.uint8]:
        """codes_by_row, made from the columns where it was not asked for, with `room` bytes or more past the codes."""
        if self.codes_by_row is not None and self.row_stride >= self.n_features + room:
            return self.codes_by_row
        by_row = aligned(self.n_samples + 1, row_stride(self.n_features + room))
        by_row[self.n_samples] = 0
        rows_from_columns(self.codes_by_column, self.n_samples, by_row, n_threads)
        return by_row


@dataclass(frozen=True, eq=False)
class BinMapper:
    """Edges of the bins of every feature.

    A number x has code 1 + #{k : edges[j][k] < x}, NaN has code 0. Level l of a categorical feature has code
    category_codes[j][l]; the last entry is for the level numbered n_levels ("other").

    Attributes
    ----------
    edges_flat : float64, edges_start : int64 (n_features + 1,)
        The edges of feature j are edges_flat[edges_start[j]:edges_start[j + 1]], ascending, n_bins[j] - 1 of them.
    n_bins : int32 (n_features,), 1..255
    is_categorical : bool (n_features,)
    category_codes : uint8 (n_levels[j] + 1,) for each categorical feature j, None for the others
    """

    edges_flat: NDArray[np.float64]
    edges_start: NDArray[np.int64]
    n_bins: NDArray[np.int32]
    is_categorical: NDArray[np.bool_]
    category_codes: tuple[NDArray[np.uint8] | None, ...]

    @classmethod
    def fit(
        cls, table: Any, max_bins: int = MAX_BINS, sample_weight: ArrayLike | None = None, n_threads: int = 1
    ) -> "BinMapper":
        """Edges from the rows of a table.

        A feature with at most max_bins distinct values (infinities count) keeps each in a bin of its own, with edges
        halfway between neighbours. Otherwise bins of about equal weight: a value that weighs more than a bin has one
        to itself, the others share the rest. Quantiles are taken of all rows up to 200,000, else of that many, chosen
        by position alone. Rows of weight 0 count as absent, integer weights as repeated rows.

        Parameters
        ----------
        table : Table
        max_bins : int in [2, 255], for number features. A categorical feature has a bin for each level; above 254
            levels the rarest by weight (the later ones among equals) share one bin.
        sample_weight : (n_samples,) >= 0, or None
        n_threads : int >= 1; the result does not depend on it
        """
        return _fit(table, max_bins, sample_weight, n_threads, None)

    @classmethod
    def fit_transform(
        cls, table: Any, max_bins: int = MAX_BINS, sample_weight: ArrayLike | None = None, n_threads: int = 1,
        layout: Literal["both", "column"] = "both",
    ) -> "tuple[BinMapper, BinnedMatrix]":
        """`fit`, then `transform` of the same table; a column that has to be converted is converted once."""
        codes = _Codes(table.n_samples, table.n_features, layout)
        mapper = _fit(table, max_bins, sample_weight, n_threads, codes)
        return mapper, codes.finish(mapper, n_threads)

    def transform(self, table: Any, n_threads: int = 1, layout: Literal["both", "column"] = "both") -> BinnedMatrix:
        """Codes of a table's values, in both layouts or in the column layout alone. O(n_samples n_features)."""
        self._check(table)
        codes = _Codes(table.n_samples, table.n_features, layout)
        for features, columns in _groups(table):
            codes.fill(columns, self._tables, features, features, n_threads)
        return codes.finish(self, n_threads)

    def encode(
        self, table: Any, features: ArrayLike | None = None, start: int = 0, stop: int | None = None, n_threads: int = 1
    ) -> NDArray[np.uint8]:
        """Codes of the rows start .. stop of some features: uint8 (n_features, >= stop - start), the column layout.

        What a predictor asks for, block by block: `features` are those that its trees use.
        """
        self._check(table)
        wanted = np.arange(table.n_features) if features is None else np.asarray(features, dtype=np.int64)
        block = range(*slice(start, stop).indices(table.n_samples))
        codes = _Codes(len(block), len(wanted), "column")
        for own, columns in _groups(table, wanted):
            columns = [column[block.start : block.stop] for column in columns]
            codes.fill(columns, self._tables, wanted[own], own, n_threads)
        return codes.by_column

    def check(self) -> None:
        """Raise ValueError unless the arrays fit together; for arrays that come from a file."""
        n, start = len(self.n_bins), self.edges_start
        sizes = np.diff(start)
        flags = self.is_categorical
        if len(start) != n + 1 or start[0] != 0 or start[-1] != len(self.edges_flat) or len(flags) != n:
            raise ValueError("the bins' arrays differ in length")
        within = np.diff(self.edges_flat, prepend=-np.inf) > 0
        within[start[:-1][sizes > 0]] = True
        if np.any(sizes < 0) or np.any(sizes >= MAX_BINS) or not within.all():
            raise ValueError("the edges of the bins do not ascend")
        if [codes is not None for codes in self.category_codes] != flags.tolist():
            raise ValueError("the codes of the categories are not those of the categorical features")

    @cached_property
    def edges(self) -> list[NDArray[np.float64]]:
        """The edges of each feature: views of edges_flat."""
        return np.split(self.edges_flat, self.edges_start[1:-1]) if len(self.n_bins) else []

    @cached_property
    def _tables(self) -> CodeTables:
        return _tables(self.edges_flat, self.edges_start, self.category_codes)

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    def _check(self, table: Any) -> None:
        if table.n_features != len(self.n_bins):
            raise ValueError(f"X has {table.n_features} features; the bins were fitted on {len(self.n_bins)}")


class _Codes:
    """The two layouts while they are filled."""

    def __init__(self, n_samples: int, n_features: int, layout: str):
        if layout not in ("both", "column"):
            raise ValueError(f"layout={layout!r} must be 'both' or 'column'")
        self.n_samples = n_samples
        self.has_missing = np.zeros(n_features, dtype=np.uint8)
        self.by_column = aligned(n_features, column_stride(n_samples))
        self.by_column[:, n_samples:] = 0
        self.by_row = aligned(n_samples + 1, row_stride(n_features)) if layout == "both" else None
        self.rows_filled = n_features == 0
        if self.by_row is not None:
            self.by_row[n_samples] = 0

    def fill(
        self, columns: list[np.ndarray], tables: CodeTables, features: np.ndarray, places: np.ndarray, n_threads: int
    ) -> None:
        """Column k by the tables of features[k] into places[k]; the places are consecutive."""
        first, stop = int(places[0]), int(places[-1]) + 1
        self.rows_filled = stop - first == len(self.by_column)  # else the rows follow from the columns in `finish`
        encode(
            columns, tables, features, self.by_column[first:stop], self.by_row if self.rows_filled else None,
            self.has_missing[first:stop], n_threads,
        )  # fmt: skip

    def finish(self, mapper: BinMapper, n_threads: int) -> BinnedMatrix:
        if self.by_row is not None and not self.rows_filled:
            rows_from_columns(self.by_column, self.n_samples, self.by_row, n_threads)
        return BinnedMatrix(
            codes_by_column=self.by_column,
            codes_by_row=self.by_row,
            n_bins=mapper.n_bins,
            has_missing=self.has_missing.astype(bool),
            is_categorical=mapper.is_categorical,
            n_samples=self.n_samples,
        )


def _fit(table: Any, max_bins: int, sample_weight: ArrayLike | None, n_threads: int, codes: _Codes | None) -> BinMapper:
    """Fits, group by group; where codes are wanted, encodes each group while it is at hand."""
    if not 2 <= max_bins <= MAX_BINS:
        raise ValueError(f"max_bins={max_bins} must be between 2 and {MAX_BINS}: a code is one byte, 0 is missing")
    weight, rows = _weight_and_rows(sample_weight, table.n_samples)
    is_categorical = np.asarray(table.is_categorical, dtype=bool)
    n_bins = np.ones(table.n_features, dtype=np.int32)
    edges: list[np.ndarray] = [np.empty(0)] * table.n_features
    category_codes: list[NDArray[np.uint8] | None] = [None] * table.n_features
    for features, columns in _groups(table):
        numbers = np.flatnonzero(~is_categorical[features])
        flat, start = find_edges([columns[k] for k in numbers], weight, rows, max_bins, n_threads)
        for k, i in enumerate(numbers):
            edges[features[i]] = flat[start[k] : start[k + 1]]
            n_bins[features[i]] = start[k + 1] - start[k] + 1
        for i in np.flatnonzero(is_categorical[features]):
            j = features[i]
            category_codes[j], n_bins[j] = codes_of_levels(columns[i], len(table.levels[j]), weight)
        if codes is not None:
            own = [edges[j] for j in features]
            tables = _tables(np.concatenate(own), _starts(own), [category_codes[j] for j in features])
            codes.fill(columns, tables, np.arange(len(features)), features, n_threads)
    edges_flat = np.concatenate(edges) if edges else np.empty(0)
    return BinMapper(edges_flat, _starts(edges), n_bins, is_categorical, tuple(category_codes))


def _weight_and_rows(
    sample_weight: ArrayLike | None, n_samples: int
) -> tuple[NDArray[np.float64] | None, NDArray[np.int64] | None]:
    """Weights as the engine takes them (None when all are equal), and the rows of which quantiles are taken."""
    weight, present = None, None
    n_present = n_samples
    if sample_weight is not None:
        weight = np.ascontiguousarray(sample_weight, dtype=np.float64)
        if weight.shape != (n_samples,):
            raise ValueError(f"sample_weight has shape {weight.shape}; it must be ({n_samples},): one weight a row")
        if n_samples and weight.min() == weight.max():
            weight = None
        elif (n_present := int(np.count_nonzero(weight))) < n_samples and n_present > SAMPLE_ROWS:
            present = np.flatnonzero(weight)
    if n_present <= SAMPLE_ROWS:
        return weight, None
    rows = sample_rows(n_present, SAMPLE_ROWS)
    return weight, rows if present is None else present[rows]


def codes_of_levels(
    column: np.ndarray, n_levels: int, weight: NDArray[np.float64] | None
) -> tuple[NDArray[np.uint8], int]:
    """Code of each level and of "other", and the number of bins: the heaviest 254 levels apart, in level order."""
    if n_levels <= MAX_LEVELS:
        return np.append(np.arange(1, n_levels + 1), 0).astype(np.uint8), max(1, n_levels)
    known = (column >= 0) & (column < n_levels)
    counts = np.bincount(column[known], None if weight is None else weight[known], n_levels)
    kept = np.sort(np.argsort(-counts, kind="stable")[:MAX_LEVELS])
    codes = np.full(n_levels + 1, MAX_LEVELS + 1, dtype=np.uint8)
    codes[kept] = np.arange(1, MAX_LEVELS + 1)
    return codes, MAX_LEVELS + 1


def _groups(table: Any, features: NDArray[np.int64] | None = None) -> Iterator[tuple[np.ndarray, list[np.ndarray]]]:
    """Consecutive positions in `features` (default all) and their columns: as many as may be converted at once."""
    wanted = np.arange(table.n_features) if features is None else features
    dense = table.dense if table.dense is not None and table.dense.dtype in KINDS else None
    size = max(1, GROUP_BYTES // (8 * max(1, table.n_samples)))
    if dense is not None and not np.any(table.is_categorical):
        size = table.n_features
    for start in range(0, len(wanted), max(1, size)):
        group = np.arange(start, min(start + size, len(wanted)))
        yield (
            group,
            [
                table.codes(j) if table.is_categorical[j] else table.column(j) if dense is None else dense[:, j]
                for j in wanted[group]
            ],
        )


def _tables(edges_flat: np.ndarray, edges_start: np.ndarray, category_codes: Any) -> CodeTables:
    levels = [np.empty(0, dtype=np.uint8) if codes is None else codes for codes in category_codes]
    return CodeTables(edges_flat, edges_start, np.concatenate([*levels, np.empty(0, dtype=np.uint8)]), _starts(levels))


def _starts(pieces: list[np.ndarray]) -> NDArray[np.int64]:
    return np.cumsum([0, *map(len, pieces)], dtype=np.int64)


def row_stride(size: int) -> int:
    """Bytes from row to row, for rows of `size` bytes: they straddle few cache lines and waste little memory."""
    return next((stride for stride in (8, 12, 16, 32, 48) if size <= stride), -(-size // 64) * 64)


def column_stride(n_samples: int) -> int:
    """64 bytes may be read past the rows; columns a multiple of 4096 apart would evict each other from the cache."""
    stride = -(-(n_samples + 64) // 64) * 64
    return stride + 64 if stride % 4096 == 0 else stride


def aligned(n_rows: int, stride: int) -> NDArray[np.uint8]:
    """uint8 (n_rows, stride), uninitialised, beginning at a multiple of 64 bytes."""
    size = n_rows * stride
    memory = np.empty(size + 64, dtype=np.uint8)
    offset = -memory.ctypes.data % 64
    return memory[offset : offset + size].reshape(n_rows, stride)
