"""Interaction constraints: which columns may meet on one branch of a tree."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

WORDS = {"no_interactions": 1, "pairwise": 2}
"""How many different columns a branch may have."""


@dataclass(frozen=True, eq=False)
class Interactions:
    """After splits on some columns a branch may use these, and every set that holds all of them.

    n_features : columns
    sets : uint64 (n_sets, words), bit j % 64 of word j // 64: column j is in it
    most : columns of a branch, whichever they are; 0: the sets say
    """

    n_features: int
    sets: NDArray[np.uint64]
    most: int = 0

    @classmethod
    def of(cls, groups: Iterable[Iterable[int]], n_features: int) -> Interactions | None:
        """Of sets of columns; None where one of them holds all, so that nothing is ruled out."""
        distinct = sorted({tuple(sorted(set(group))) for group in groups})
        if not distinct or any(len(group) == n_features for group in distinct):
            return None
        sets = np.zeros((len(distinct), -(-n_features // 64)), np.uint64)
        for own, group in zip(sets, distinct, strict=True):
            columns = np.array(group)
            np.bitwise_or.at(own, columns // 64, np.uint64(1) << (columns % 64).astype(np.uint64))
        return cls(n_features, sets)

    @classmethod
    def at_most(cls, most: int, n_features: int) -> Interactions | None:
        """So many columns of a branch, whichever they are."""
        if most >= n_features:
            return None
        return cls(n_features, np.zeros((0, -(-n_features // 64)), np.uint64), most)

    def groups(self) -> list[list[int]]:
        """The sets as lists of columns."""
        columns = np.arange(self.n_features)
        inside = self.sets[:, columns // 64] >> (columns % 64).astype(np.uint64) & np.uint64(1)
        return [np.flatnonzero(row).tolist() for row in inside]

    def as_parameter(self) -> Any:
        """The same as `interaction_cst` says it."""
        return {most: word for word, most in WORDS.items()}[self.most] if self.most else self.groups()

    def take(self, features: NDArray[np.integer]) -> Interactions | None:
        """What holds for a table of these columns; one that is there twice is one column."""
        of = features.tolist()
        if self.most and len(set(of)) == len(of):
            return self.at_most(self.most, len(of))
        groups: Iterable[Iterable[int]] = combinations(sorted(set(of)), self.most) if self.most else self.groups()
        members = [set(group) for group in groups]
        return self.of(([k for k, j in enumerate(of) if j in group] for group in members), len(of))


def interaction_cst(value: Any, n_features: int, names: Iterable[str] | None) -> Interactions | None:
    """What scikit-learn's parameter `interaction_cst` says: columns in none of its sets are in one more."""
    if value is None:
        return None
    if isinstance(value, str):
        if value not in WORDS:
            raise ValueError(
                f"interaction_cst={value!r} must be 'pairwise', 'no_interactions', None, or a sequence of sets of "
                "columns"
            )
        return Interactions.at_most(WORDS[value], n_features)
    groups = _groups("interaction_cst", value, n_features, names)
    rest = set(range(n_features)).difference(*groups)
    return Interactions.of([*groups, rest] if rest else groups, n_features)


def interaction_constraints(value: Any, n_features: int, names: Iterable[str] | None) -> Interactions | None:
    """What XGBoost's parameter `interaction_constraints` says: a column in none of its sets meets no other."""
    if value is None or (isinstance(value, str) and value.strip() in ("", "[]")):
        return None
    if isinstance(value, str):
        try:
            value = json.loads(value.replace("'", '"').replace("(", "[").replace(")", "]"))
        except json.JSONDecodeError as error:
            raise ValueError(
                f"interaction_constraints={value!r} is no list of lists: write it as \"[[0, 2], [1, 3]]\" ({error})"
            ) from error
    groups = _groups("interaction_constraints", value, n_features, names)
    alone = set(range(n_features)).difference(*groups)
    return Interactions.of([*groups, *({j} for j in alone)], n_features) if groups else None


def _groups(parameter: str, value: Any, n_features: int, names: Iterable[str] | None) -> list[set[int]]:
    """Sets of columns that are given by number or by name."""
    is_groups = isinstance(value, Iterable) and not isinstance(value, (dict, bytes))
    groups = list(value) if is_groups else []
    if not is_groups or any(isinstance(own, (str, bytes)) or not isinstance(own, Iterable) for own in groups):
        raise ValueError(
            f"Interaction constraints must be a sequence of tuples or lists, got: {parameter}={value!r}."
        )
    place = {} if names is None else {str(name): j for j, name in enumerate(names)}
    out = []
    for i, group in enumerate(groups):
        own = set()
        for member in group:
            if isinstance(member, str):
                if member not in place:
                    known = "X has no names" if names is None else f"the columns are {', '.join(list(place)[:20])}"
                    raise ValueError(f"{parameter}[{i}] names {member!r}, which is no column: {known}")
                own.add(place[member])
            elif isinstance(member, Integral) and not isinstance(member, bool) and 0 <= int(member) < n_features:
                own.add(int(member))
            else:
                raise ValueError(
                    "Interaction constraints must consist of integer indices in [0, n_features - 1] = "
                    f"[0, {n_features - 1}], specifying the position of features, got: {parameter}[{i}] with "
                    f"{member!r}. Names of columns are taken too."
                )
        if not own:
            raise ValueError(f"{parameter}[{i}] is an empty set: name its columns, or leave it out")
        out.append(own)
    return out
