"""Trees of any thresholds on one byte a value: runs of rounds that have few enough thresholds in each column."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml._engines.forest_predictor import CompiledForest
from fastml.data.binning import MAX_BINS, BinMapper
from fastml.tree.structure import CATEGORICAL, FEATURE, Forest


@dataclass(frozen=True, eq=False)
class Group:
    """Trees begin .. end - 1, on the codes that their own thresholds make of the values.

    mapper, compiled : None where one round alone has too many thresholds; its trees are walked
    """

    begin: int
    end: int
    mapper: BinMapper | None
    compiled: CompiledForest | None


def group_trees(forest: Forest, category_codes: tuple[NDArray[np.uint8] | None, ...]) -> list[Group]:
    """All trees in groups, as long as they may be. O(splits)."""
    k = forest.n_outputs
    groups: list[Group] = []
    for first, stop, thresholds in _runs(forest):
        begin, end = first * k, stop * k
        if thresholds is None:
            groups.append(Group(begin, end, None, None))
            continue
        mapper = _mapper(thresholds, category_codes)
        part = forest.slice(begin, end)
        compiled = CompiledForest(
            part.nodes, part.tree_start, part.categories, k, mapper.edges_flat, mapper.edges_start
        )
        groups.append(Group(begin, end, mapper, compiled))
    return groups


def _runs(forest: Forest) -> Iterator[tuple[int, int, list[set[float]] | None]]:
    """(first round, stop, thresholds of each column), greedily; None: of one round, too many."""
    k, most = forest.n_outputs, MAX_BINS - 1
    so_far: list[set[float]] = [set() for _ in range(forest.n_features)]
    first, n_rounds = 0, forest.n_trees // k
    for r in range(n_rounds):
        own = _thresholds(forest, r * k, (r + 1) * k)
        if any(len(so_far[j] | values) > most for j, values in own.items()):
            if r > first:
                yield first, r, so_far
            so_far, first = [set() for _ in range(forest.n_features)], r
            if any(len(values) > most for values in own.values()):
                yield r, r + 1, None
                first = r + 1
                continue
        for j, values in own.items():
            so_far[j] |= values
    if n_rounds > first:
        yield first, n_rounds, so_far


def _thresholds(forest: Forest, begin: int, end: int) -> dict[int, set[float]]:
    """Of each column that the trees split by number; without infinity, which parts what is missing from the rest."""
    nodes = forest.nodes[forest.tree_start[begin] : forest.tree_start[end]]
    nodes = nodes[(nodes["left"] != 0) & ((nodes["feature"] & CATEGORICAL) == 0) & (nodes["value"] != np.inf)]
    out: dict[int, set[float]] = {}
    for j, value in zip((nodes["feature"] & FEATURE).tolist(), nodes["value"].tolist(), strict=True):
        out.setdefault(j, set()).add(value)
    return out


def _mapper(thresholds: list[set[float]], category_codes: Any) -> BinMapper:
    edges = [np.array(sorted(values), np.float64) for values in thresholds]
    n_bins = [len(e) + 1 if c is None else max(1, int(c.max())) for e, c in zip(edges, category_codes, strict=True)]
    start = np.cumsum([0, *map(len, edges)], dtype=np.int64)
    is_categorical = np.array([codes is not None for codes in category_codes])
    flat = np.concatenate([np.empty(0), *edges])
    return BinMapper(flat, start, np.array(n_bins, np.int32), is_categorical, category_codes)
