"""Rows that are there many times count once, with their number as weight: equal points must not cost n^2."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

SAMPLED = 2048
MANY = 20_000
"""Copies of one row from which it pays: 20,000^2 comparisons take as long as to find the copies of a million rows."""


@dataclass(frozen=True)
class Distinct:
    """first : (m,) ascending, a row of each kind.  kind : (n,) which of these each row is.  weight : (m,)"""

    first: NDArray[np.intp]
    kind: NDArray[np.intp]
    weight: NDArray[np.float64]


def distinct_rows(X: NDArray[Any], weight: NDArray[np.float64] | None) -> Distinct | None:
    """The kinds of rows, or None where no row seems to be there MANY times: a sample of the rows tells."""
    n = len(X)
    if n < MANY:
        return None
    sample = _hash(X[:: -(-n // SAMPLED)])
    copies = int(np.unique(sample, return_counts=True)[1].max())
    if copies < 4 or copies * n < MANY * len(sample):
        return None
    hashed = _hash(X)
    order = np.argsort(hashed, kind="stable")
    begins = np.concatenate([[True], hashed[order[1:]] != hashed[order[:-1]]])
    kind_sorted = np.cumsum(begins) - 1
    first = order[begins]  # the sort is stable: a kind's first row
    rank = np.argsort(first, kind="stable")
    place = np.empty_like(rank)
    place[rank] = np.arange(len(rank))
    kind = np.empty(n, dtype=np.intp)
    kind[order] = place[kind_sorted]
    first = first[rank]
    for begin in range(0, n, 1 << 16):
        part = slice(begin, begin + (1 << 16))
        if not (X[part] == X[first[kind[part]]]).all():  # two rows with one hash: all copies stay
            return None
    return Distinct(first, kind, np.bincount(kind, weights=weight, minlength=len(first)).astype(np.float64))


def _hash(X: NDArray[Any]) -> NDArray[np.uint64]:
    """A number of each row; equal rows have equal ones, -0.0 being 0.0."""
    out = np.zeros(len(X), dtype=np.uint64)
    for j in range(X.shape[1]):
        bits = (X[:, j].astype(np.float64) + 0.0).view(np.uint64)
        out = (out ^ bits) * np.uint64(0x9E3779B97F4A7C15)
        out ^= out >> np.uint64(29)
    return out
