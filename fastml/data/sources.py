"""The door: whatever X is, opened as a 2-D array, a sparse matrix, or a list of columns."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml.data.columns import Column, array_column, as_floats, frame_column
from fastml.data.names import column_label, estimator_name, feature_names

RESHAPE = (
    "Reshape your data either using array.reshape(-1, 1) if your data has a single feature or array.reshape(1, -1) "
    "if it contains a single sample."
)


@dataclass(slots=True)
class Source:
    """X before anyone decides what is a category: exactly one of `dense`, `sparse`, `columns` is there."""

    n_samples: int
    n_features: int
    names: NDArray[np.object_] | None = None
    dense: NDArray[Any] | None = None
    sparse: Any = None
    columns: list[Column] | None = None


def open_source(X: Any, *, allow_sparse: bool = True, ensure_min_samples: int = 1, estimator: Any = None) -> Source:
    """Open X, of any kind.

    Raises
    ------
    ValueError
        X is not 2-D, complex, ragged, or too small; worded as scikit-learn does.
    TypeError
        X is sparse and `allow_sparse` is false, lazy, or its column names are partly strings.
    """
    if isinstance(X, np.ndarray):
        source = _open_array(X)
    elif hasattr(X, "tocsc") and hasattr(X, "nnz"):
        source = _open_sparse(X, allow_sparse)
    elif isinstance(X, (list, tuple)):
        source = _open_array(_array_of_lists(X))
    elif _is_pandas(X):
        source = _open_pandas(X)
    elif _is_frame(X):
        source = _open_frame(X)
    else:
        source = _open_array(_array_of_other(X))
    by = f" by {name}" if (name := estimator_name(estimator)) else ""
    shape = (source.n_samples, source.n_features)
    if source.n_samples < ensure_min_samples:
        raise ValueError(
            f"Found array with {source.n_samples} sample(s) (shape={shape}) while a minimum of "
            f"{ensure_min_samples} is required{by}."
        )
    if source.n_features < 1:
        raise ValueError(f"Found array with 0 feature(s) (shape={shape}) while a minimum of 1 is required{by}.")
    return source


def _open_array(X: Any) -> Source:
    if isinstance(X, np.ma.MaskedArray):
        X = np.ma.filled(X.astype(np.float32 if X.dtype.kind == "f" and X.itemsize <= 4 else np.float64), np.nan)
    X = np.asarray(X)  # np.matrix and np.memmap become plain views
    if X.ndim == 0:
        raise ValueError(f"Expected 2D array, got scalar array instead:\narray={X}.\n{RESHAPE}")
    if X.dtype.kind == "c":
        raise ValueError(f"Complex data not supported\n{X}\n")
    if X.ndim == 1:
        raise ValueError(f"Expected 2D array, got 1D array instead:\narray={X}.\n{RESHAPE}")
    if X.ndim > 2:
        raise ValueError(f"Found array with dim {X.ndim}, while dim <= 2 is required.")
    n_samples, n_features = X.shape
    if X.dtype.kind in "fiub":
        return Source(n_samples, n_features, dense=native_array(X))
    columns = [array_column(X[:, j], column_label(None, j)) for j in range(n_features)]
    if X.dtype.kind == "O" and n_samples and n_features and all(c.kind == "number" for c in columns):
        return Source(n_samples, n_features, dense=np.column_stack([c.numbers() for c in columns]))
    return Source(n_samples, n_features, columns=columns)


def native_array(X: NDArray[Any]) -> NDArray[Any]:
    """Numbers in a type that engines read: the machine's byte order, aligned, no half or long floats, bool as uint8.

    A view wherever the layout allows one.
    """
    if X.dtype.kind == "b":
        return X.view(np.uint8)
    if X.dtype.kind == "f" and X.itemsize not in (4, 8):
        return as_floats(X)
    if not X.dtype.isnative:
        return X.astype(X.dtype.newbyteorder("="))
    return X if X.flags.aligned else X.copy()


def _array_of_lists(X: Any) -> NDArray[Any]:
    try:
        array = np.asarray(X)
    except ValueError as error:
        raise ValueError(f"X is a list whose rows differ in length or depth: {error}") from error
    # NumPy turns the numbers of a mixed list into strings; as objects they stay what they are.
    return np.asarray(X, dtype=object) if array.dtype.kind in "US" else array


def _array_of_other(X: Any) -> NDArray[Any]:
    if len(getattr(X, "shape", ())) == 1 and hasattr(X, "to_frame"):
        raise ValueError(
            f"Expected a 2-dimensional container but got {type(X)} instead. Pass a DataFrame containing a single row "
            f"(i.e. single sample) or a single column (i.e. single feature) instead. {RESHAPE}"
        )
    return np.asarray(X)


def canonical(X: Any, form: str) -> Any:
    """A sparse matrix of numbers in another form, without duplicates and in order; X itself is left alone."""
    if X.ndim != 2:
        raise ValueError(f"Expected 2D input, got input with shape {X.shape}.\n{RESHAPE}")
    if X.dtype.kind == "c":
        raise ValueError(f"Complex data not supported\n{X}\n")
    if X.dtype.kind not in "fiub":
        raise ValueError(f"Sparse data of dtype {X.dtype} are not supported; use numbers.")
    matrix = X.asformat(form)
    if not matrix.has_canonical_format:  # duplicates add up and rows ascend, on a copy: X is the caller's
        matrix = matrix.copy()
        matrix.sum_duplicates()
    return matrix


def _open_sparse(X: Any, allow_sparse: bool) -> Source:
    if not allow_sparse:
        raise TypeError(
            "Sparse data was passed, but dense data is required. Use '.toarray()' to convert to a dense array."
        )
    matrix = canonical(X, "csc")
    values = as_floats(matrix.data)
    if values is not matrix.data or matrix is not X:
        matrix = type(matrix)((values, matrix.indices, matrix.indptr), shape=matrix.shape)
    n_samples, n_features = matrix.shape
    return Source(n_samples, n_features, sparse=matrix)


def _is_frame(X: Any) -> bool:
    if hasattr(X, "collect_schema") and hasattr(X, "collect"):
        raise TypeError("X is a lazy frame: pass X.collect() instead.")
    if not (hasattr(X, "columns") or hasattr(X, "__narwhals_dataframe__")):
        return False
    import narwhals as nw

    return bool(nw.dependencies.is_into_dataframe(X)) or _is_record_batch(X)


def _is_record_batch(X: Any) -> bool:
    pyarrow = sys.modules.get("pyarrow")
    return pyarrow is not None and isinstance(X, pyarrow.RecordBatch)


def _open_frame(X: Any) -> Source:
    import narwhals as nw

    if _is_record_batch(X):
        X = sys.modules["pyarrow"].Table.from_batches([X])
    frame = nw.from_native(X, eager_only=True)
    names = feature_names(list(frame.columns))
    n_samples, n_features = frame.shape
    labels = [column_label(names, j) for j in range(n_features)]
    columns = [frame_column(series, label) for series, label in zip(frame.iter_columns(), labels, strict=True)]
    return Source(n_samples, n_features, names, columns=columns)


def _is_pandas(X: Any) -> bool:
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(X, pandas.DataFrame)


def _open_pandas(X: Any) -> Source:
    """A pandas frame without narwhals where its columns are plain NumPy numbers: each of those is a view."""
    n_samples, n_features = X.shape
    names = feature_names(X.columns.tolist())
    dtypes = X.dtypes.tolist()
    alike = bool(dtypes) and all(dtype == dtypes[0] and _is_plain(dtype) for dtype in dtypes)
    # One block is one array. Several of them are put together while that is a small copy.
    if alike and (X.size <= 1 << 16 or getattr(getattr(X, "_mgr", None), "is_single_block", False)):
        return Source(n_samples, n_features, names, dense=native_array(X.to_numpy()))
    columns = []
    for j, (_, series) in enumerate(X.items()):
        label = column_label(names, j)
        if _is_plain(series.dtype):
            columns.append(array_column(series.to_numpy(), label))
        else:
            import narwhals as nw

            columns.append(frame_column(nw.from_native(series, series_only=True), label))
    return Source(n_samples, n_features, names, columns=columns)


def _is_plain(dtype: Any) -> bool:
    return isinstance(dtype, np.dtype) and dtype.kind in "fiub"
