"""A multiway tree in words: a rule for each leaf, or its branches as lines."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml.tree.multiway_structure import MultiwayTree


def rules_of(words: Words) -> str:
    """One line IF ... THEN ... a leaf, in the order of the branches."""
    lines: list[str] = []
    stack: list[tuple[int, list[tuple[int, int]]]] = [(0, [])]
    while stack:
        node, path = stack.pop()
        if words.tree.feature[node] < 0:
            lines.append(words.rule(node, path))
        stack += [(c, [*path, (node, k)]) for k, c in reversed(list(enumerate(words.tree.children(node))))]
    return "\n".join(lines)


def text_of(words: Words) -> str:
    """The branches as lines, each further in than the one that it belongs to, as C4.5 and Weka print them."""
    tree = words.tree
    if tree.feature[0] < 0:
        return f": {words.says(0)}"
    lines: list[str] = []
    stack = [(child, 0, 0, k) for k, child in reversed(list(enumerate(tree.children(0))))]
    while stack:
        node, depth, split, k = stack.pop()
        leaf = f": {words.says(node)}" if tree.feature[node] < 0 else ""
        lines.append("|   " * depth + words.condition(split, k) + leaf)
        stack += [(c, depth + 1, node, i) for i, c in reversed(list(enumerate(tree.children(node))))]
    return "\n".join(lines)


class Words:
    """What a tree says, in words. `levels` of the columns, as in Table; `classes` None for a regressor."""

    def __init__(
        self, tree: MultiwayTree, names: NDArray[np.object_] | None, levels: Sequence[NDArray[Any] | None],
        classes: NDArray[Any] | None, decimals: Any,
    ) -> None:  # fmt: skip
        if not isinstance(decimals, Integral) or decimals < 0:
            raise ValueError(f"decimals={decimals!r} must be a whole number >= 0: the decimals that numbers show")
        self.tree = tree
        self.levels = levels
        self.classes = classes
        self.decimals = int(decimals)
        self.labels = [f"x{j}" for j in range(len(levels))] if names is None else [str(name) for name in names]

    def number(self, x: float) -> str:
        text = f"{x:.{self.decimals}f}"
        return text.rstrip("0").rstrip(".") if "." in text else text

    def level(self, value: Any) -> str:
        return self.number(float(value)) if isinstance(value, float) else str(value)

    def says(self, node: int) -> str:
        """Class or number, and the rows behind it."""
        value, weight = self.tree.value[node], self.number(float(self.tree.weight[node]))
        if self.classes is None:
            return f"{self.number(float(value[0]))} ({weight} rows)"
        best = int(value.argmax())
        return f"{self.classes[best]} ({weight} rows, share {self.number(float(value[best]))})"

    def condition(self, split: int, branch: int) -> str:
        """Which rows go down a branch."""
        j = int(self.tree.feature[split])
        if self.tree.table[split] >= 0:
            return self.members(j, self.tree.branches_of(split) == branch)
        cut = float(self.tree.threshold[split])
        return self.interval(j, -np.inf, cut) if branch == 0 else self.interval(j, cut, np.inf)

    def rule(self, node: int, path: list[tuple[int, int]]) -> str:
        """The rule of a leaf; the last of several splits by a column's levels says all that the first ones did."""
        then = self.says(node)
        between: dict[int, list[float]] = {}
        sets: dict[int, NDArray[np.bool_]] = {}
        order: list[int] = []
        for split, branch in path:
            j = int(self.tree.feature[split])
            if j not in order:
                order.append(j)
            if self.tree.table[split] < 0:
                low, high = between.get(j, [-np.inf, np.inf])
                cut = float(self.tree.threshold[split])
                between[j] = [low, min(high, cut)] if branch == 0 else [max(low, cut), high]
            else:
                own = self.tree.branches_of(split) == branch
                sets[j] = sets[j] & own if j in sets else own
        said = [self.interval(j, *between[j]) if j in between else self.members(j, sets[j]) for j in order]
        return f"IF {' AND '.join(said)} THEN {then}" if said else f"THEN {then}"

    def interval(self, j: int, low: float, high: float) -> str:
        name = self.labels[j]
        if np.isinf(low):
            return f"{name} <= {self.number(high)}"
        if np.isinf(high):
            return f"{name} > {self.number(low)}"
        return f"{self.number(low)} < {name} <= {self.number(high)}"

    def members(self, j: int, held: NDArray[np.bool_]) -> str:
        """Levels of a branch; bins next to each other as an interval."""
        name, missing = self.labels[j], bool(held[-1])
        codes = np.flatnonzero(held[:-1])
        edges, levels = self.tree.coding.edges[j], self.levels[j]
        parts = []
        if edges is not None:
            bounds = np.concatenate([[-np.inf], edges, [np.inf]])
            for run in np.split(codes, np.flatnonzero(np.diff(codes) > 1) + 1) if len(codes) else []:
                low, high = float(bounds[run[0]]), float(bounds[run[-1] + 1])
                parts.append(f"{name} is known" if np.isinf(low) and np.isinf(high) else self.interval(j, low, high))
        elif levels is not None and len(codes):
            texts = [self.level(levels[c]) for c in self.tree.coding.level_numbers(j, codes).tolist()]
            parts.append(f"{name} = {texts[0]}" if len(texts) == 1 else f"{name} in {{{', '.join(texts)}}}")
        if missing:
            parts.append(f"{name} is missing")
        return parts[0] if len(parts) == 1 else f"({' OR '.join(parts)})"
