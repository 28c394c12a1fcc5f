"""tree_method: which columns trees grow on, and what does not go together with it."""

from __future__ import annotations

from typing import Any

from fastml.data.frames import Table
from fastml.ensemble.binned_columns import BinnedColumns
from fastml.ensemble.sketches import SketchedColumns
from fastml.ensemble.sorted_table import SortedTable, Weight

Columns = BinnedColumns | SortedTable
EXACT_BELOW = 0
DEFAULT_BINS = (None, 255, 256)  # ours and XGBoost's: nobody asked for a number of bins


def resolve(tree_method: str | None, table: Table, max_bin: int | None) -> str:
    """What "auto" means for these rows; None is "hist"."""
    if tree_method == "auto" and max_bin in DEFAULT_BINS and table.n_samples < EXACT_BELOW:
        return "exact"
    return "hist" if tree_method in (None, "auto") else str(tree_method)


def check_exact(tree_method: str | None, max_bin: int | None) -> None:
    """ValueError where bins are asked for and there are none."""
    if tree_method == "exact" and max_bin not in DEFAULT_BINS:
        raise ValueError(
            f"max_bin={max_bin} has no use with tree_method='exact', which tries every threshold: leave it out, or use "
            "'hist'"
        )


def check_sketch(tree_method: str | None, sketch: str, sketch_eps: float | None) -> None:
    """ValueError where a sketch is asked for and there is none."""
    for name, value, default in (("sketch", sketch, "global"), ("sketch_eps", sketch_eps, None)):
        if tree_method != "approx" and value != default:
            raise ValueError(
                f"{name}={value!r} is for tree_method='approx', and tree_method={tree_method!r}: leave it out, or set "
                "tree_method='approx'"
            )


def open_columns(
    method: str, table: Table, weight: Weight, threads: int, max_bins: int, *, before: Any = None,
    sketch: str = "global", sketch_eps: float | None = None,
) -> Columns:  # fmt: skip
    """The columns of a fit by a method that `resolve` gave; before: what an earlier fit left."""
    if method == "hist":
        return BinnedColumns(table, max_bins, weight, threads, before)
    if method == "exact":
        return SortedTable(table, weight, threads, before)
    share = 1.0 / max_bins if sketch_eps is None else float(sketch_eps)
    if sketch == "local":
        return SortedTable(table, weight, threads, before, share)
    return SketchedColumns(table, weight, threads, share, max_bins)
