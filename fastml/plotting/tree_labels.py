"""What is written at a node, and how much of it fits into a box."""

from __future__ import annotations

import textwrap
from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastml.extras import require
from fastml.plotting.tree_conditions import OR_MISSING, number
from fastml.plotting.tree_outline import Outline

SHOW = ("prediction", "rows", "share", "values", "impurity", "number")
LINE = 1.2
"""Height of a line in font sizes."""


class Labels:
    """Lines of text of each node: its condition, and what `show` names; made when asked for."""

    def __init__(self, tree: Outline, show: Sequence[str], precision: int) -> None:
        show = (show,) if isinstance(show, str) else tuple(show)
        if unknown := [name for name in show if name not in SHOW]:
            raise ValueError(f"show={unknown[0]!r} is unknown: choose from {', '.join(SHOW)}")
        self.tree, self.show, self.precision = tree, show, precision
        self.whole = float(tree.size[0])
        self.nothing = 1e-6 * float(np.ptp(tree.value))  # less than that is rounding

    def condition(self, i: int) -> str:
        """Which rows come here."""
        return self.tree.condition(int(self.tree.number[i])) or "all rows"

    def lines(self, i: int) -> list[str]:
        """Everything, the most important first."""
        said = [self.condition(i), *(line for what in self.show if (line := self._line(what, i)))]
        return [*said, f"{self.tree.hidden[i]:,} nodes below"] if self.tree.hidden[i] else said

    def _line(self, what: str, i: int) -> str:
        tree, value = self.tree, self.tree.value[i]
        if what == "prediction":
            if tree.classes is None:
                if abs(value[0]) < self.nothing:
                    return "0"
                return f"{value[0]:+.{self.precision}g}" if tree.signed else number(float(value[0]), self.precision)
            best = int(value.argmax())
            name = tree.classes[best]
            is_number = name.lstrip("-").replace(".", "", 1).isdigit()
            return f"{'class ' if is_number else ''}{name} {percent(float(value[best]))}"
        if what == "values":
            if tree.classes is None:
                return ""
            return ", ".join(f"{c} {percent(p)}" for c, p in zip(tree.classes, value.tolist(), strict=True) if p > 0)
        if what == "rows":
            count = None if tree.rows is None else int(tree.rows[i])
            return f"cover {number(float(tree.size[i]), 3)}" if count is None else f"{count:,} row{'s' * (count != 1)}"
        if what == "share":
            return f"{percent(float(tree.size[i]) / self.whole if self.whole > 0 else 0.0)} of rows"
        if what == "impurity":
            return "" if tree.impurity is None else f"impurity {number(float(tree.impurity[i]), 3)}"
        return f"node {tree.number[i]}"


def percent(share: float) -> str:
    """In whole per cent, except that only all is 100% and only none 0%."""
    if 0.995 <= share < 1:
        return ">99%"
    return "<1%" if 0 < share < 0.005 else f"{100 * share:.0f}%"


@lru_cache(100_000)
def measure(text: str) -> float:
    """Width of a line in font sizes."""
    prop = require("matplotlib.font_manager", "cli", "Drawing").FontProperties(size=20)
    return require("matplotlib.textpath", "cli", "Drawing").text_to_path.get_text_width_height_descent(
        text, prop, ismath=False
    )[0] / 20  # fmt: skip


def width(text: str, size: float) -> float:
    """Of a line in points."""
    return measure(text) * size if text else 0.0


def extent(lines: Sequence[str], size: float) -> tuple[float, float]:
    """Width and height of lines in points."""
    return max((width(line, size) for line in lines), default=0.0), LINE * size * len(lines)


def fit(lines: Sequence[str], room: tuple[float, float], size: float) -> list[str]:
    """As many of the lines as have room; the first one is wrapped, and where it is still too long ends in "…". [] where
    hardly anything has room.

    room : width and height in points
    """
    across, n_lines = room[0], int(room[1] / (LINE * size))
    if n_lines < 1 or not lines:
        return []
    wrapped = _wrap(lines[0], across, size)
    out = wrapped if wrapped and len(wrapped) <= n_lines else _shortened(lines[0], wrapped, n_lines, across, size)
    if not out:
        return []
    for line in lines[1:]:
        if len(out) == n_lines or width(line, size) > across:
            break
        out.append(line)
    return out


def _wrap(line: str, across: float, size: float) -> list[str]:
    """Between words into lines that are at most `across` points wide; [] if a word is wider."""
    full = width(line, size)
    if full <= across:
        return [line]
    chars = int(len(line) * across / full)
    if chars < 4:
        return []
    wrapped = textwrap.wrap(line, chars, break_long_words=False, break_on_hyphens=False)
    return wrapped if all(width(part, size) <= across for part in wrapped) else []


def _shortened(line: str, wrapped: list[str], n_lines: int, across: float, size: float) -> list[str]:
    """What of the beginning fits into the lines, with "…" behind; [] if that is less than eight letters. A number is
    shown whole or not at all, and that missing values come here is always said."""
    kept = wrapped[: n_lines - 1]
    whole = " ".join(wrapped[len(kept) :]) if kept else line
    body = whole.removesuffix(OR_MISSING)
    end = "…" + whole[len(body) :]
    length = bisect_right(range(1, len(body)), across, key=lambda n: width(body[:n] + end, size))
    rest = body[:length]
    begun = rest.rpartition(" ")[2]
    if rest != body and body[length] != " " and begun.lstrip("-{")[:1].isdigit():
        rest = rest[: len(rest) - len(begun)]
    rest = rest.rstrip(" <>={")
    return [*kept, rest + end] if kept or len(rest) >= 8 else []


def put(ax: Any, x: float, y: float, text: str, /, **options: Any) -> Any:
    """A text as it stands: a dollar in a name is no formula."""
    return ax.text(x, y, text, parse_math=False, linespacing=LINE, **options)


def points(ax: Any) -> NDArray[np.float64]:
    """Width and height of the axes in points."""
    box = ax.get_window_extent()
    return np.array([box.width, box.height]) * 72 / ax.figure.dpi
