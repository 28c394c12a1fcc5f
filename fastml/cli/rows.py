"""Rows to learn from and rows to validate on, as the options ask for them."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastml.cli.columns import describe, names_of, split_target, take_rows
from fastml.cli.errors import CommandError, unknown
from fastml.cli.readers import read_file
from fastml.cli.split import validation_rows
from fastml.cli.target import Target, missing_values, recognise, target_values


@dataclass
class Rows:
    """Features and the target's values, row by row."""

    X: Any
    y: Any

    def __len__(self) -> int:
        return len(self.y)

    def where(self, keep: np.ndarray) -> Rows:
        """The rows where `keep` is true."""
        return Rows(take_rows(self.X, keep), take_rows(self.y, keep))


@dataclass
class TrainingData:
    """All that a fit needs to know of its files."""

    train: Rows
    valid: Rows | None
    target: Target
    feature_names: list[str]
    facts: dict[str, str]  # title -> line of the report


def load(options: Namespace) -> TrainingData:
    """Read the file or files, recognise the target, split.

    Raises
    ------
    CommandError
        A file or a column that is not there, a target with missing values, rows too few to split.
    """
    rows, n_dropped = _rows_of(options.file, options)
    target = recognise(rows.y, options.target, options.task)
    rows.y = target.values
    facts = {"data": f"{options.file}: {len(rows):,} rows, {rows.X.shape[1]:,} features: {describe(rows.X)}"}
    if n_dropped:
        facts["data"] += f"; {n_dropped:,} rows without a target dropped"
    facts["target"] = str(target)
    names = [f"x{j}" for j in range(rows.X.shape[1])] if isinstance(rows.X, np.ndarray) else rows.X.column_names
    if isinstance(options.valid, str):
        train, valid = rows, _other_rows(options, rows.X, target)
        facts["split"] = f"{len(train):,} rows to learn from, {len(valid):,} of {options.valid} to validate on"
        return TrainingData(train, valid, target, names, facts)
    chosen = validation_rows(options.valid, len(rows), rows.y if target.is_classification else None, options.seed)
    if not chosen.any():
        if options.valid:
            raise CommandError(f"--valid {options.valid} of {len(rows):,} rows is none: give more rows, or --valid 0")
        facts["split"] = "no rows to validate on: the scores below are those of the training rows"
        return TrainingData(rows, None, target, names, facts)
    train, valid = rows.where(~chosen), rows.where(chosen)
    facts["split"] = (
        f"{len(train):,} rows to learn from, {len(valid):,} to validate on ({options.valid:.0%} at random, "
        f"seed {options.seed})"
    )
    return TrainingData(train, valid, target, names, facts)


def _rows_of(path: str, options: Namespace) -> tuple[Rows, int]:
    """The rows of a file, and how many were dropped because their target is missing."""
    X, y = split_target(read_file(path), options.target, options.exclude, path)
    rows = Rows(X, y)
    missing = missing_values(y)
    n_missing = int(missing.sum())
    if n_missing == len(rows):
        raise CommandError(f"target {options.target!r} is missing in all {len(rows):,} rows of {path}")
    if n_missing and not options.drop_missing_target:
        raise CommandError(
            f"target {options.target!r} is missing in {n_missing:,} of {len(rows):,} rows of {path}: "
            "--drop-missing-target leaves them out"
        )
    return (rows.where(~missing) if n_missing else rows), n_missing


def _other_rows(options: Namespace, like: Any, target: Target) -> Rows:
    """The rows of `--valid FILE`, with the columns of the training file, in their order."""
    path = options.valid
    rows, _ = _rows_of(path, options)
    if isinstance(like, np.ndarray) != isinstance(rows.X, np.ndarray):
        raise CommandError(f"{options.file} and {path} must be of one kind: a table, or an .npz with X")
    if not isinstance(like, np.ndarray):
        for name in like.column_names:
            if name not in rows.X.column_names:
                raise unknown("column", name, names_of(rows.X), path)
        rows.X = rows.X.select(like.column_names)
    values = target_values(rows.y)
    if target.classes is not None:
        strange = sorted(set(values.tolist()) - set(target.classes.tolist()))
        if strange:
            raise CommandError(f"target {target.name!r} of {path} has values that {options.file} lacks: {strange[:5]}")
    return Rows(rows.X, values)
