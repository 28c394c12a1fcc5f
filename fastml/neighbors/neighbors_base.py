"""What all estimators of neighbours share: parameters, the points they keep, and the search that answers for them."""

from __future__ import annotations

import warnings
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array, validate_data

from fastml.base import (
    BaseEstimator,
    DataConversionWarning,
    HasMethods,
    Interval,
    StrOptions,
    check_is_fitted,
    is_classifier,
)
from fastml.data.validation import check_parameters
from fastml.io import ModelFiles
from fastml.neighbors.choice import BRUTE_METRICS, check_name, check_sparse_name, choose, effective, make_search
from fastml.neighbors.metrics import BALL_TREE_METRICS
from fastml.neighbors.searches import as_csr
from fastml.neighbors.trees import BallTree, KDTree


class NeighborsBase(ModelFiles, BaseEstimator):
    """Parameters and points of an estimator of neighbours.

    Parameters
    ----------
    algorithm : {"auto", "ball_tree", "kd_tree", "brute"}
        How neighbours are found; all give the same answers. "auto" follows the rule of `fastml.neighbors.choice`.
    leaf_size : int
        Points of a tree's leaf, about; the trees raise it to what is fastest.
    metric : str, callable or DistanceMetric
        "minkowski" (with `p`), "euclidean", "manhattan", "chebyshev", "cosine", "haversine", "hamming", and all others
        of scikit-learn's; "precomputed" for X of distances; or a function of two rows, which `fastml.jit` compiles.
    p : float > 0
        Minkowski's power.
    metric_params : dict or None
        Further arguments of the metric: w, V, VI.
    units : {"radians", "degrees", "km", "miles"} or float
        Of the haversine distance. "radians": angles in, an angle out. "degrees": both in degrees. "km" and "miles":
        degrees in, a length on the Earth out; or the radius of a sphere.
    n_jobs : int or None
        Threads; None takes as many as the work is worth. The answers are the same for any number.
    """

    _parameter_constraints: dict[str, list[Any]] = {
        "n_neighbors": [Interval(Integral, 1, None, closed="left"), None],
        "radius": [Interval(Real, 0, None, closed="both"), None],
        "algorithm": [StrOptions({"auto", "ball_tree", "kd_tree", "brute"})],
        "leaf_size": [Interval(Integral, 1, None, closed="left")],
        "p": [Interval(Real, 0, None, closed="right"), None],
        "metric": [StrOptions({*BRUTE_METRICS, *BALL_TREE_METRICS}), callable, HasMethods("pairwise")],
        "metric_params": [dict, None],
        "units": [StrOptions({"radians", "degrees", "km", "miles"}), Interval(Real, 0, None, closed="neither")],
        "n_jobs": [Integral, None],
    }
    _parameter_notes = {
        "radius": "it is a distance in the units of the metric",
        "units": "or the radius of the sphere",
    }

    def _fit(self, X: Any, y: Any = None) -> Any:
        check_parameters(self)
        if self.units != "radians" and self.metric != "haversine":
            raise ValueError(f"units={self.units!r} belong to metric='haversine', not to metric={self.metric!r}")
        self.__dict__.pop("_search", None)
        self._own_tree = False
        X = self._opened(X, y)
        check_name(self.metric, self.algorithm)
        self.effective_metric_, self.effective_metric_params_ = effective(self.metric, self.p, self.metric_params)
        if self._own_tree:
            self._take_over(X)
            return self
        if self.metric == "precomputed":
            X = check_precomputed(X)
            if X.shape[0] != X.shape[1]:
                raise ValueError(f"Precomputed matrix must be square. Input is a {X.shape[0]}x{X.shape[1]} matrix.")
            self.n_features_in_ = X.shape[1]
        self._fit_data: Any
        self.n_samples_fit_ = X.shape[0]
        if hasattr(X, "tocsr"):
            self._keep_sparse(X)
        else:
            self._fit_data = as_floats(X)
            self._fit_method = choose(
                self.effective_metric_, self.effective_metric_params_, self.algorithm, self._fit_data,
                getattr(self, "n_neighbors", None),
            )  # fmt: skip
        self._searcher()  # errors of the metric come now
        return self

    def _opened(self, X: Any, y: Any) -> Any:
        """X as an array or a sparse matrix, y where there is one."""
        self._own_tree = isinstance(X, (KDTree, BallTree, NeighborsBase))
        wanted = {"accept_sparse": "csr", "order": "C", "ensure_all_finite": self._finite()}
        if not self.__sklearn_tags__().target_tags.required:
            return X if self._own_tree else validate_data(self, X, **wanted)
        if self._own_tree:
            y = np.asarray(y)
        else:
            X, y = validate_data(self, X, y, multi_output=True, **wanted)
        self._keep_targets(y)
        return X

    def _keep_targets(self, y: NDArray[Any]) -> None:
        if not is_classifier(self):
            self._y = y
            return
        self.outputs_2d_ = y.ndim == 2 and y.shape[1] != 1
        if y.ndim == 2 and not self.outputs_2d_:
            warnings.warn(
                "A column-vector y was passed when a 1d array was expected. Please change the shape of y to "
                "(n_samples,), for example using ravel().",
                DataConversionWarning, stacklevel=4,
            )  # fmt: skip
        columns = y.reshape(len(y), -1)
        check_classification_targets(columns)
        found = [np.unique(column, return_inverse=True) for column in columns.T]
        codes = np.column_stack([code for _, code in found]).astype(np.intp)
        self.classes_: Any = [classes for classes, _ in found] if self.outputs_2d_ else found[0][0]
        self._y = codes if self.outputs_2d_ else codes.ravel()

    def _keep_sparse(self, X: Any) -> None:
        if self.algorithm not in ("auto", "brute"):
            warnings.warn("cannot use tree with sparse input: using brute force", stacklevel=4)
        check_sparse_name(self.effective_metric_)
        X = X if self.metric == "precomputed" else as_csr(X)
        self._fit_data = (X.data, X.indices, X.indptr, X.shape)
        self._fit_method = "brute"

    def _take_over(self, X: Any) -> None:
        """The points of a tree or of another estimator."""
        if isinstance(X, NeighborsBase):
            check_is_fitted(X)
            for name in ("_fit_data", "_fit_method", "n_samples_fit_", "n_features_in_"):
                setattr(self, name, getattr(X, name))
            return
        self._fit_data = np.ascontiguousarray(X.data)
        self._fit_method = "kd_tree" if isinstance(X, KDTree) else "ball_tree"
        self.n_samples_fit_, self.n_features_in_ = self._fit_data.shape

    @property
    def _fit_X(self) -> Any:
        """The points: an array or a CSR matrix."""
        data = self._fit_data
        if not isinstance(data, tuple):
            return data
        from scipy.sparse import csr_array

        return csr_array(data[:3], shape=data[3], copy=False)

    def _searcher(self) -> Any:
        """What answers for the points; made anew after a model was loaded."""
        if "_search" not in self.__dict__:
            self._search = make_search(
                self._fit_X, self.effective_metric_, self.effective_metric_params_, self._fit_method, self.leaf_size,
                self.units, self.n_jobs,
            )  # fmt: skip
        return self._search

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        return {name: value for name, value in state.items() if name != "_search"}

    def _asked(self, X: Any) -> Any:
        """Queries as the search takes them."""
        if X is None:
            return None
        if self.metric == "precomputed":
            X = check_precomputed(X)
            if X.shape[1] != self.n_samples_fit_:
                raise ValueError(
                    f"X has {X.shape[1]} columns; with metric='precomputed' it must have the distances to all "
                    f"{self.n_samples_fit_} points"
                )
            return X
        X = validate_data(self, X, accept_sparse="csr", reset=False, order="C", ensure_all_finite=self._finite())
        if not hasattr(X, "tocsr"):
            return as_floats(X)
        if self._fit_method != "brute":
            raise ValueError(
                f"{self._fit_method} does not work with sparse matrices. Densify the data, or set algorithm='brute'"
            )
        return as_csr(X)

    def _finite(self) -> Any:
        return "allow-nan" if self.metric == "nan_euclidean" else True

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.pairwise = tags.input_tags.positive_only = self.metric == "precomputed"
        tags.input_tags.allow_nan = self.metric == "nan_euclidean"
        tags.target_tags.multi_output = True
        return tags


def as_floats(X: NDArray[Any]) -> NDArray[Any]:
    """X itself where it is float32 or float64 in C order; what float32 holds exactly becomes that, all else float64."""
    if X.dtype not in (np.float32, np.float64):
        small = X.dtype.kind == "b" or (X.dtype.kind in "iuf" and X.dtype.itemsize <= 2)
        X = X.astype(np.float32 if small else np.float64)
    return np.require(X, X.dtype.newbyteorder("="), ["C", "A"])


def check_precomputed(X: Any) -> Any:
    """Distances as they were computed: an array, or CSR with each row in their order; not negative."""
    from scipy.sparse import issparse
    from sklearn.neighbors import sort_graph_by_row_values

    if not issparse(X):
        return as_floats(check_array(X, ensure_non_negative=True, input_name="X", order="C"))
    if X.format not in ("csr", "csc", "coo", "lil"):
        raise TypeError(f"Sparse matrix in {X.format!r} format is not supported due to its handling of explicit zeros")
    copied = X.format != "csr"
    graph = check_array(X, accept_sparse="csr", ensure_non_negative=True, input_name="precomputed distance matrix")
    return sort_graph_by_row_values(graph, copy=not copied, warn_when_not_sorted=True)
