"""X as clusterings read it: rows in C order of float32, float64 or bytes, or CSR."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from fastml.base import NotFittedError, check_is_fitted
from fastml.data.frames import Schema, Table
from fastml.data.names import estimator_name
from fastml.data.sources import canonical
from fastml.data.validation import fit_table, predict_table


def fit_rows(estimator: Any, X: Any) -> Any:
    """Open X for a fit: sets `n_features_in_`, `feature_names_in_` and the `_schema` for `predict_rows`.

    float32, float64 and bytes stay what they are, other numbers become float64; CSR keeps the size of its indices.
    """
    if not sp.issparse(X):
        return _array(fit_table(estimator, X))
    rows = _csr(X)
    n_samples, n_features = rows.shape
    for size, what in ((n_samples, "sample"), (n_features, "feature")):
        if size < 1:
            raise ValueError(
                f"Found array with 0 {what}(s) (shape={rows.shape}) while a minimum of 1 is required by "
                f"{estimator_name(estimator)}."
            )
    estimator._schema = Schema(n_features, None, None, (None,) * n_features)
    estimator.n_features_in_ = n_features
    if hasattr(estimator, "feature_names_in_"):  # of an earlier fit
        del estimator.feature_names_in_
    return rows


def predict_rows(estimator: Any, X: Any) -> Any:
    """Open X for a prediction of an estimator that `fit_rows` served; NotFittedError before that."""
    if not sp.issparse(X):
        return _array(predict_table(estimator, X))
    if getattr(estimator, "_schema", None) is None:
        check_is_fitted(estimator)
        raise NotFittedError(f"This {type(estimator).__name__} instance is not fitted yet: call fit first.")
    rows = _csr(X)
    if rows.shape[1] != estimator._schema.n_features:
        raise ValueError(
            f"X has {rows.shape[1]} features, but {type(estimator).__name__} is expecting "
            f"{estimator._schema.n_features} features as input."
        )
    return rows


def rows_of(X: Any) -> Any:
    """Open X where there is no estimator; ValueError where it is not finite."""
    from fastml.cluster.kmeans.lloyd import points_of

    rows = _csr(X) if sp.issparse(X) else _array(Table.from_any(X))
    if min(rows.shape) < 1:
        raise ValueError(f"Found array of shape {rows.shape}: there must be rows and columns.")
    points_of(rows)
    return rows


def _array(table: Table) -> Any:
    X = table.dense if table.dense is not None and not table._columns else table.matrix()
    if X.dtype not in (np.float32, np.float64, np.uint8):
        X = X.astype(np.float64)
    return np.ascontiguousarray(X)


def _csr(X: Any) -> Any:
    """CSR of float32 or float64 without duplicates, both index arrays of one type."""
    rows = canonical(X, "csr")
    data = rows.data if rows.dtype in (np.float32, np.float64) else rows.data.astype(np.float64)
    wide = np.int64 if np.int64 in (rows.indices.dtype, rows.indptr.dtype) else np.int32
    indices, indptr = rows.indices.astype(wide, copy=False), rows.indptr.astype(wide, copy=False)
    if data is rows.data and indices is rows.indices and indptr is rows.indptr:
        return rows
    out = sp.csr_matrix(rows.shape, dtype=data.dtype)
    out.data, out.indices, out.indptr = data, indices, indptr  # the constructor would choose the type of indices
    return out
