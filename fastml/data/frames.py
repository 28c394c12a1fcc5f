"""Table, what every estimator sees of X, and Schema, what a fitted model keeps of it to read later data alike."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fastml.data.columns import HOLDS, Column, Floats, as_floats, codes_as_floats
from fastml.data.levels import recode
from fastml.data.names import check_same_names, column_label, declared_mask, estimator_name
from fastml.data.sources import Source, open_source

Unseen = Literal["missing", "other", "error"]
Levels = Sequence[NDArray[Any] | None]
_FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


class Table:
    """X, whatever it was, one column at a time; nothing is copied that can be read where it lies.

    Attributes
    ----------
    n_samples, n_features : int
    names : (n_features,) object array of str, or None
        As scikit-learn's `feature_names_in_`.
    dense : 2-D float32, float64 or integer ndarray, or None
        X itself where it was such an array (booleans seen as uint8). Declared categories stand in it as they came.
    sparse : CSC array or matrix, or None
        float32 or float64, sorted, without duplicates. A zero that is not stored is a zero.
    is_categorical : (n_features,) bool
    levels : sequence of (arrays or None)
        Of each categorical column the values in code order: ascending strings (object array) or numbers.
    kinds : tuple of str, or None
        Of each column "number", "time", "duration", "category" or "empty"; None where all are numbers.
    orders : dict
        Column -> its type's categories in their order, where they have one (pandas' ordered, polars' Enum); of a fit.

    Notes
    -----
    Booleans in a frame become 0 and 1. Dates and times become seconds since 1970-01-01 UTC, durations and times of
    day become seconds. Levels are those that occur, ascending, whatever order a category type lists them in.
    """

    __slots__ = (
        "_columns", "dense", "is_categorical", "kinds", "levels", "n_features", "n_samples", "names", "orders",
        "sparse",
    )  # fmt: skip

    n_samples: int
    n_features: int
    names: NDArray[np.object_] | None
    dense: NDArray[Any] | None
    sparse: Any
    is_categorical: NDArray[np.bool_]
    levels: Levels
    kinds: tuple[str, ...] | None
    orders: dict[int, tuple[Any, ...]]
    _columns: dict[int, Column | NDArray[Any]]

    @classmethod
    def from_any(
        cls,
        X: Any,
        categorical: Any = None,
        *,
        allow_sparse: bool = True,
        ensure_min_samples: int = 1,
        estimator: Any = None,
    ) -> Table:
        """Open X for a fit.

        Parameters
        ----------
        X : array-like, sparse matrix or frame of shape (n_samples, n_features)
        categorical : None, "auto", or a mask, indices or names of columns
            None reads every column as numbers. "auto" makes categories of strings and of what the container calls
            categorical; a mask, indices or names do that too and add the columns they name.
        allow_sparse : bool
        ensure_min_samples : int
        estimator : estimator, class or str, optional
            Named in errors.

        Raises
        ------
        ValueError, TypeError
            As `fastml.data.sources.open_source`; or text where numbers are needed; or `categorical` names no column.
        """
        source = open_source(X, allow_sparse=allow_sparse, ensure_min_samples=ensure_min_samples, estimator=estimator)
        declared = declared_mask(categorical, source.names, source.n_features)
        table = cls._of(source)
        if source.columns is None and not declared.any():
            table.kinds = None
            table.is_categorical, table.levels = declared, (None,) * source.n_features
            return table
        auto = categorical is not None
        kinds: list[str] = []
        levels: list[NDArray[Any] | None] = []
        for j in range(source.n_features):
            column = _column(source, j)
            if declared[j] or (auto and column.kind in ("text", "category")):
                declared[j] = True
                table._columns[j], known = column.coded()
                levels.append(known)
                if column.order is not None:
                    table.orders[j] = column.order
                kinds.append("category")
            else:
                if column.kind in ("text", "category"):  # text that spells numbers; converted once, to fail now
                    table._columns[j] = _number_column(column)
                elif source.columns is not None:
                    table._columns[j] = column
                levels.append(None)
                kinds.append("number" if column.kind in ("text", "category") else column.kind)
        table.is_categorical, table.levels, table.kinds = declared, tuple(levels), tuple(kinds)
        return table

    @classmethod
    def _of(cls, source: Source) -> Table:
        table = cls.__new__(cls)
        table.n_samples, table.n_features, table.names = source.n_samples, source.n_features, source.names
        table.dense, table.sparse, table._columns, table.orders = source.dense, source.sparse, {}, {}
        return table

    def column(self, j: int) -> Floats:
        """Column j, (n_samples,) float32 or float64, NaN for missing; of a category its level numbers."""
        held = self._columns.get(j)
        if held is None:
            return as_floats(self.dense[:, j] if self.dense is not None else _sparse_column(self.sparse, j))
        return held.numbers() if isinstance(held, Column) else codes_as_floats(held)

    def codes(self, j: int) -> NDArray[np.signedinteger[Any]]:
        """Level numbers of categorical column j, (n_samples,) int8, int16 or int32, -1 for missing."""
        held = self._columns.get(j)
        if not self.is_categorical[j] or held is None or isinstance(held, Column):
            raise ValueError(f"{column_label(self.names, j)} is not categorical: read it with column({j})")
        return held

    def matrix(self) -> Floats:
        """All columns, (n_samples, n_features) float32 or float64 in C order, NaN for missing.

        float32 where that loses nothing, else float64. `dense` itself where it is such an array.
        """
        dense = self.dense
        if dense is not None:
            if not self._columns and dense.dtype in _FLOATS and dense.flags.c_contiguous:
                return dense
            matrix = np.ascontiguousarray(dense, dtype=as_floats(dense[:0]).dtype)
            if not self._columns:
                return matrix
            if np.shares_memory(matrix, dense):
                matrix = matrix.copy()
            filled = list(self._columns)
        else:
            matrix = np.empty((self.n_samples, self.n_features), dtype=np.float32)
            filled = list(range(self.n_features))
        for j in filled:
            column = self.column(j)
            if column.dtype.itemsize > matrix.dtype.itemsize:  # the first float64 column widens the ones before it
                narrow, matrix = matrix, np.empty(matrix.shape)
                matrix[:, :j] = narrow[:, :j]
            matrix[:, j] = column
        return matrix

    def schema(self, unseen: Unseen = "missing") -> Schema:
        """What a model has to keep to read later data as these were read."""
        return Schema(self.n_features, self.names, self.kinds, self.levels, unseen)

    def take(self, rows: NDArray[Any]) -> Table:
        """The rows with the given numbers (or in the mask), with the same names, kinds and levels."""
        rows = np.flatnonzero(rows) if rows.dtype == bool else rows
        part = Table.__new__(Table)
        part.n_samples, part.n_features, part.names = len(rows), self.n_features, self.names
        part.is_categorical, part.levels, part.kinds = self.is_categorical, self.levels, self.kinds
        part.orders = self.orders
        part.dense = None if self.dense is None else self.dense[rows]
        part.sparse = None if self.sparse is None else self.sparse[rows].tocsc()
        part._columns = {
            j: _rows_of(held, rows) if isinstance(held, Column) else held[rows] for j, held in self._columns.items()
        }
        return part

    def __repr__(self) -> str:
        return f"Table({self.n_samples} x {self.n_features}, {int(self.is_categorical.sum())} categorical)"


class Schema:
    """Names, kinds and levels of the columns of a fit; `apply` reads later data with the same coding.

    Parameters
    ----------
    n_features : int
    names : (n_features,) object array of str, or None
    kinds : tuple of str, or None
        As in Table.
    levels : sequence of (arrays or None)
    unseen : "missing", "other" or "error"
        What a level becomes that the fit did not see: missing; the level number n_levels; an error.
    """

    __slots__ = ("_is_categorical", "_plain", "_ranks", "kinds", "levels", "n_features", "names", "unseen")

    def __init__(
        self,
        n_features: int,
        names: NDArray[np.object_] | None,
        kinds: tuple[str, ...] | None,
        levels: Levels,
        unseen: Unseen = "missing",
    ) -> None:
        if unseen not in ("missing", "other", "error"):
            raise ValueError(f"unseen={unseen!r} must be 'missing', 'other' or 'error'")
        self.n_features, self.names, self.kinds, self.levels = n_features, names, kinds, levels
        self.unseen: Unseen = unseen
        self._is_categorical = np.array([known is not None for known in levels], dtype=bool)
        self._plain = kinds is None and names is None
        self._ranks: dict[int, dict[Any, int]] = {}  # level -> code, of the columns that were asked for

    def apply(self, X: Any, estimator: Any = None, *, allow_sparse: bool = True) -> Table:
        """Open X for a prediction.

        Parameters
        ----------
        X : as for the fit; a categorical column may come in another container
        estimator : estimator, class or str, optional
            Named in errors.

        Returns
        -------
        Table
            With the fit's levels and codes.

        Raises
        ------
        ValueError
            Other names, another number of columns, a column of another type, or an unseen level if unseen="error".
        """
        if (
            self._plain
            and type(X) is np.ndarray
            and X.ndim == 2
            and X.dtype in _FLOATS
            and X.shape[1] == self.n_features
            and X.shape[0]
            and X.flags.aligned
        ):  # one row of a plain array has no time for more
            table = Table.__new__(Table)
            table.n_samples, table.n_features = X.shape
            table.dense, table.names, table.sparse, table.kinds = X, None, None, None
            table.is_categorical, table.levels, table._columns = self._is_categorical, self.levels, {}
            table.orders = {}
            return table
        source = open_source(X, allow_sparse=allow_sparse, estimator=estimator)
        self._check_names(source, estimator)
        table = Table._of(source)
        table.names, table.kinds = self.names, self.kinds
        table.is_categorical, table.levels = self._is_categorical, self.levels
        if source.columns is None and self.kinds is None:
            return table
        for j in range(self.n_features):
            if (held := self._read(_column(source, j), j, source.columns is not None)) is not None:
                table._columns[j] = held
        return table

    def _check_names(self, source: Source, estimator: Any) -> None:
        name = estimator_name(estimator) or "the model"
        if source.names is not None and self.names is not None:
            check_same_names(self.names, source.names)
        elif source.names is not None:
            warnings.warn(f"X has feature names, but {name} was fitted without feature names", stacklevel=4)
        elif self.names is not None:
            warnings.warn(
                f"X does not have valid feature names, but {name} was fitted with feature names", stacklevel=4
            )
        if source.n_features != self.n_features:
            raise ValueError(
                f"X has {source.n_features} features, but {name} is expecting {self.n_features} features as input."
            )

    def _read(self, column: Column, j: int, apart: bool) -> Column | NDArray[Any] | None:
        """Column j as the fit read it; None where `dense` or `sparse` says it already."""
        kind = "number" if self.kinds is None else self.kinds[j]
        known = self.levels[j]
        if self.names is not None:
            column.label = column_label(self.names, j)
        if known is not None:
            return self._codes(column, known, j)
        if kind == "empty":  # the fit saw nothing in it, so there is nothing that its values could mean
            return _constant_column(column, "empty")
        if column.kind in ("text", "category"):
            levels = column.coded()[1]
            try:
                numbers = _number_column(column)
            except ValueError as error:
                raise self._changed(column, kind, levels[0]) from error
            if kind != "number" and len(levels):
                raise self._changed(column, kind, levels[0])
            return numbers
        if column.kind in (kind, "empty") or np.isnan(column.numbers()).all():
            return column if apart else None
        raise self._changed(column, kind)

    def _changed(self, column: Column, kind: str, example: Any = None) -> ValueError:
        shown = "" if example is None else f", such as {example!r}"
        return ValueError(
            f"{column.label} held {HOLDS[kind]} during fit and holds {HOLDS[column.kind]} now{shown}: convert it to "
            "the type that it had."
        )

    def _codes(self, column: Column, known: NDArray[Any], j: int) -> NDArray[Any]:
        """Codes of a categorical column in the fit's levels."""
        text = known.dtype.kind == "O"
        if column.kind in ("text", "category"):
            codes, levels = column.coded()
            if len(known) and len(levels) and (levels.dtype.kind == "O") != text:
                raise self._changed(column, "text" if text else "number", levels[0])
        else:
            if text and len(known) and not np.isnan(numbers := column.numbers()).all():
                raise self._changed(column, "text", float(numbers[~np.isnan(numbers)][0]))
            codes, levels = column.coded()
        if j not in self._ranks:
            self._ranks[j] = {level: code for code, level in enumerate(known.tolist())}
        rank = self._ranks[j]
        codes = recode(codes, levels, rank, {"missing": -1, "other": len(known), "error": -2}[self.unseen])
        if self.unseen == "error" and (codes == -2).any():
            new = [level for level in levels.tolist() if level not in rank]
            raise ValueError(
                f"{column.label} has {len(new)} level(s) that the fit did not see: {', '.join(map(repr, new[:5]))}"
                f"{', ...' if len(new) > 5 else ''}. Use unseen='missing' or unseen='other' to predict them."
            )
        return codes

    def to_json(self) -> dict[str, Any]:
        """Plain lists, strings and numbers, for a model file."""
        return {
            "n_features": self.n_features,
            "names": None if self.names is None else self.names.tolist(),
            "kinds": None if self.kinds is None else list(self.kinds),
            "levels": {
                str(j): {"dtype": known.dtype.str, "values": known.tolist()}
                for j, known in enumerate(self.levels)
                if known is not None
            },
            "unseen": self.unseen,
        }

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Schema:
        """The schema that `to_json` wrote."""
        levels: list[NDArray[Any] | None] = [None] * stored["n_features"]
        for j, known in stored["levels"].items():
            levels[int(j)] = _filled(known["values"], np.dtype(known["dtype"]))
        names = None if stored["names"] is None else _filled(stored["names"], np.dtype(object))
        kinds = None if stored["kinds"] is None else tuple(stored["kinds"])
        return cls(stored["n_features"], names, kinds, tuple(levels), stored["unseen"])

    def __repr__(self) -> str:
        return f"Schema({self.n_features} features, {int(self._is_categorical.sum())} categorical, {self.unseen=})"


def _filled(values: list[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    array = np.empty(len(values), dtype=dtype)
    array[:] = values
    return array


def _column(source: Source, j: int) -> Column:
    if source.columns is not None:
        return source.columns[j]
    dense, sparse = source.dense, source.sparse
    read = (lambda: dense[:, j]) if dense is not None else (lambda: _sparse_column(sparse, j))
    return Column("number", column_label(source.names, j), read)


def _sparse_column(matrix: Any, j: int) -> Floats:
    start, stop = matrix.indptr[j], matrix.indptr[j + 1]
    column: Floats = np.zeros(matrix.shape[0], dtype=matrix.data.dtype)
    column[matrix.indices[start:stop]] = matrix.data[start:stop]
    return column


def _number_column(column: Column) -> Column:
    numbers = column.numbers()
    return Column("number", column.label, lambda: numbers)


def _constant_column(column: Column, kind: Literal["empty"]) -> Column:
    n_samples = len(column.coded()[0]) if column.kind in ("text", "category") else len(column.numbers())
    nothing = np.full(n_samples, np.nan, dtype=np.float32)
    return Column(kind, column.label, lambda: nothing)


def _rows_of(column: Column, rows: NDArray[Any]) -> Column:
    return Column(column.kind, column.label, lambda: column._read()[rows])
