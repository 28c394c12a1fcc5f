"""What each member of a bagging ensemble sees: rows and columns, drawn by its seed."""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml._engines.column_sorter import add_to_hash, order_of
from fastml._engines.forest_grower import bootstrap_counts
from fastml.ensemble.forest_fit import seeds_of
from fastml.ensemble.forest_parameters import in_units

MOST_UNITS = 2**31  # whole weights that sum to less count rows


def member_state(seed: int) -> int:
    """The random_state that a member with this seed gets, where it has one such parameter."""
    return int(np.random.RandomState(seed).randint(np.iinfo(np.int32).max))


@dataclass(frozen=True, eq=False)
class Draws:
    """Rows and columns of the members.

    Rows lie in the order of a hash of what is in them, so that what is drawn does not depend on the order in which they
    were given; weights that are whole multiples of a unit draw as so many rows would.

    order : (n,) int32, which row lies at each place
    weight : (n,) of the rows at each place, by which they are drawn, in units; None: all alike
    n_draws : rows that a member sees; 0: every row, weighed
    bootstrap, bootstrap_features : whether rows and columns are drawn with replacement
    n_features, n_columns : columns, and how many of them a member sees
    """

    order: NDArray[np.int32]
    weight: NDArray[np.float64] | None
    n_draws: int
    bootstrap: bool
    n_features: int
    n_columns: int
    bootstrap_features: bool

    def check(self) -> None:
        """Raise ValueError unless the rows are in some order and columns can be drawn; for what comes from a file."""
        n = len(self.order)
        if not n or (np.bincount(self.order, minlength=n) != 1).any() or not 0 < self.n_columns <= self.n_features:
            raise ValueError("the rows or columns of a bagging's members are damaged")
        if self.weight is not None and (len(self.weight) != n or not (self.weight >= 0).all()):
            raise ValueError("the weights of a bagging's rows are damaged")

    @property
    def all_columns(self) -> bool:
        return not self.bootstrap_features and self.n_columns == self.n_features

    @property
    def counts_rows(self) -> bool:
        """Whether every member sees each row a whole number of times."""
        return self.n_draws > 0 or self.weight is None or _is_whole(self.weight)

    def features(self, seed: int) -> NDArray[np.int64]:
        """The columns of a member: those that scikit-learn draws by the seed."""
        if self.all_columns:
            return np.arange(self.n_features)
        state = np.random.RandomState(seed)
        if self.bootstrap_features:
            return state.randint(0, self.n_features, self.n_columns)
        from sklearn.utils.random import sample_without_replacement

        drawn: NDArray[np.int64] = sample_without_replacement(self.n_features, self.n_columns, random_state=state)
        return drawn.astype(np.int64)

    def counts(self, seed: int) -> NDArray[np.float64]:
        """How often a member sees the row at each place, (n,)."""
        n, weight = len(self.order), self.weight
        if self.n_draws == 0:
            return np.ones(n) if weight is None else weight
        own = int(seeds_of(np.array([member_state(seed)]))[0])
        if self.bootstrap:
            return bootstrap_counts(own, n, self.n_draws, None if weight is None else np.cumsum(weight))
        state = np.random.RandomState(own)
        if weight is not None and not _is_whole(weight):  # one after the other by weight: Efraimidis, Spirakis 2006
            out = np.zeros(n)
            with np.errstate(divide="ignore"):
                key = np.where(weight > 0, np.log(1.0 - state.random_sample(n)) / weight, -np.inf)
            out[np.argsort(-key, kind="stable")[: self.n_draws]] = 1.0
            return out
        from sklearn.utils.random import sample_without_replacement

        units = sample_without_replacement(n if weight is None else int(weight.sum()), self.n_draws, random_state=state)
        rows = units if weight is None else np.searchsorted(np.cumsum(weight), units, side="right")
        return np.bincount(rows, minlength=n).astype(np.float64)

    def in_bag(self, seed: int) -> NDArray[np.float64]:
        """How often a member sees each row, in the order in which rows were given."""
        out = np.empty(len(self.order))
        out[self.order] = self.counts(seed)
        return out

    def samples(self, seed: int) -> NDArray[np.int32]:
        """The rows of a member, each as often as it sees it; once where weights count no rows."""
        counts = self.counts(seed)
        return np.repeat(self.order, (counts if self.counts_rows else counts > 0).astype(np.int64))


def _is_whole(weight: NDArray[np.float64]) -> bool:
    return bool((weight == np.rint(weight)).all()) and float(weight.sum()) < MOST_UNITS


def draws_of(
    ensemble: Any, order: NDArray[np.int32], weight: NDArray[np.float64] | None, n_features: int
) -> Draws:
    """The draws that an ensemble's parameters ask for; weight: of the rows as they were given.

    Raises ValueError where more rows or columns are asked for than there are.
    """
    n, max_samples, max_features = len(order), ensemble.max_samples, ensemble.max_features
    weight = None if weight is None else in_units(weight)[order]
    whole = weight is None or _is_whole(weight)
    total = float(n) if weight is None else float(weight.sum())
    if max_samples is None:
        n_draws = 0 if not ensemble.bootstrap else int(total) if whole else n
    elif isinstance(max_samples, Integral):
        n_draws = int(max_samples)
    else:
        n_draws = max(int(max_samples * total), 1)
        if n_draws < max(10, n ** (1 / 3)):
            what = "number of samples" if weight is None else "total sum of sample weights"
            warnings.warn(
                f"Using the fractional value max_samples={max_samples} when the {what} is {total:g} results in a low "
                f"number ({n_draws}) of bootstrap samples. We recommend passing `max_samples` as an integer instead.",
                stacklevel=5,
            )
    if not ensemble.bootstrap:
        available = int(total) if weight is None or whole else int(np.count_nonzero(weight))
        if n_draws > available:
            raise ValueError(
                f"Effective max_samples={n_draws} must be <= n_samples={available} to be able to sample without "
                "replacement."
            )
        if whole and n_draws == available:
            n_draws = 0
    n_columns = int(max_features) if isinstance(max_features, Integral) else max(1, int(max_features * n_features))
    if n_columns > n_features:
        raise ValueError(f"max_features must be <= n_features: max_features={max_features}, and X has {n_features}")
    return Draws(
        order, weight, n_draws, bool(ensemble.bootstrap), n_features, n_columns, bool(ensemble.bootstrap_features)
    )


def order_by_content(X: Any, targets: Sequence[NDArray[Any]], n_threads: int) -> NDArray[np.int32]:
    """Rows by a hash of what is in them: X an array or a sparse matrix, which give one order; targets arrays (n,)."""
    n, d = X.shape
    key = np.zeros(n, np.uint64)
    if hasattr(X, "tocsr"):
        _add_sparse(X.tocsc(), key)
    else:
        for j in range(d):
            add_to_hash(_as_numbers(X[:, j]), j, key, n_threads)
    for k, values in enumerate(targets):
        add_to_hash(_as_numbers(values), d + k, key, n_threads)
    return order_of(key)


def _as_numbers(values: NDArray[Any]) -> NDArray[np.float64]:
    """Numbers as they are, anything else by its text."""
    try:
        return np.ascontiguousarray(values, np.float64)
    except (TypeError, ValueError):
        return np.array([zlib.crc32(repr(value).encode()) for value in values.tolist()], np.float64)


def _add_sparse(X: Any, key: NDArray[np.uint64]) -> None:
    """The hash of the same matrix with its zeros: theirs to all rows, and in their place that of each other entry."""
    data, zero = X.data.astype(np.float64), np.zeros(1)
    of_zeros = np.zeros(1, np.uint64)
    for j in range(X.shape[1]):
        own = slice(X.indptr[j], X.indptr[j + 1])
        before = of_zeros.copy()
        add_to_hash(zero, j, of_zeros)
        if own.start < own.stop:
            hashed = np.zeros(own.stop - own.start, np.uint64)
            add_to_hash(data[own], j, hashed)
            key[X.indices[own]] += hashed - (of_zeros - before)
    key += of_zeros
