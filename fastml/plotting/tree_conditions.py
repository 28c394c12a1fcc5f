"""In words, which rows a branch of a binary tree takes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml.tree.structure import CATEGORICAL, FEATURE, MISSING_LEFT

OR_MISSING = " or missing"
MOST_LEVELS = 6
"""Levels that a condition lists; of more it names the first ones and says how many follow."""


def number(x: float, precision: int) -> str:
    """At least so many significant digits, a decimal where there is one; no zeros behind."""
    if x == 0 or not np.isfinite(x):
        return f"{x:g}"
    power = int(np.floor(np.log10(abs(x))))
    if not -5 < power < 12:
        return f"{x:.{precision}g}"
    text = f"{x:.{max(1, precision - 1 - power)}f}"
    return text.rstrip("0").rstrip(".")


class Conditions:
    """Words for the branches: "age <= 30", "carrier in {AA, UA} or missing".

    nodes, categories : as in Forest.  category_codes : of each categorical column the code of each level
    schema : names, kinds and levels of the columns.  names : of the columns, for the picture
    marked : (n_nodes,) splits whose branches say where missing values go
    """

    def __init__(
        self, nodes: NDArray[Any], categories: NDArray[np.uint32], category_codes: Any, schema: Any, names: list[str],
        marked: NDArray[np.bool_], precision: int,
    ) -> None:  # fmt: skip
        self.nodes, self.categories, self.category_codes = nodes, categories, category_codes
        self.schema, self.names, self.marked, self.precision = schema, names, marked, precision

    def of(self, node: int, split: int) -> str:
        """Which rows go from `split` to `node`; "" if split is -1."""
        if split < 0:
            return ""
        record = self.nodes[split]
        feature, goes_left = np.uint32(record["feature"]), node == int(record["left"])
        j = int(feature & FEATURE)
        if not feature & CATEGORICAL and np.isinf(record["value"]):  # what is known against what is missing
            return f"{self.names[j]} is known" if goes_left else f"{self.names[j]} is missing"
        if feature & CATEGORICAL:
            text = self._members(j, int(record["value"]), goes_left)
        else:
            text = f"{self.names[j]} {'<=' if goes_left else '>'} {self._threshold(j, float(record['value']))}"
        takes_missing = bool(feature & MISSING_LEFT) == goes_left
        return text + OR_MISSING if self.marked[split] and takes_missing else text

    def _threshold(self, j: int, x: float) -> str:
        kind = "number" if self.schema.kinds is None else self.schema.kinds[j]
        if kind == "time":
            return str(np.datetime64(int(np.floor(x)), "s")).replace("T", " ").removesuffix(" 00:00:00")
        return number(x, self.precision) + (" s" if kind == "duration" else "")

    def _members(self, j: int, row: int, left: bool) -> str:
        """The levels of a branch, or those that are not among it, whichever are fewer."""
        bits = np.unpackbits(self.categories[row].astype("<u4").view(np.uint8), bitorder="little").astype(bool)
        levels = self.schema.levels[j]
        own = bits[self.category_codes[j][: len(levels)]] == left
        is_in = own.sum() <= len(own) - own.sum()
        listed = [self._level(levels[c]) for c in np.flatnonzero(own if is_in else ~own).tolist()]
        if len(listed) == 1:
            return f"{self.names[j]} {'=' if is_in else 'is not'} {listed[0]}"
        more = len(listed) - MOST_LEVELS
        if more > 1:
            listed = [*listed[:MOST_LEVELS], f"{more} more"]
        return f"{self.names[j]} {'in' if is_in else 'not in'} {{{', '.join(listed)}}}"

    def _level(self, value: Any) -> str:
        return number(float(value), self.precision) if isinstance(value, float | np.floating) else str(value)
