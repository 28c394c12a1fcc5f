"""Files that a command writes: columns of predictions."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

from fastml.cli.errors import CommandError
from fastml.extras import require

KINDS = (".csv", ".parquet", ".feather", ".arrow")


def check_output(path: str | None) -> None:
    """Whether the output can be written, before any work; None is standard output."""
    if path is None:
        return
    if Path(path).suffix.lower() not in KINDS:
        raise CommandError(f"--out {path}: the suffix says what to write, one of {', '.join(KINDS)}")
    if not Path(path).absolute().parent.is_dir():
        raise CommandError(f"--out {path}: there is no folder {Path(path).absolute().parent}")


def write_columns(columns: dict[str, np.ndarray], path: str | None) -> None:
    """Write the columns as the suffix says, or as CSV to standard output."""
    table = require("pyarrow", "cli", "Writing predictions").table(columns)
    kind = ".csv" if path is None else Path(path).suffix.lower()
    try:
        _write(table, path, kind)
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            raise
        raise CommandError(f"{path} cannot be written: {error}") from error


def _write(table: Any, path: str | None, kind: str) -> None:
    if kind == ".parquet":
        require("pyarrow.parquet", "cli", "Writing Parquet").write_table(table, path)
    elif kind == ".csv":
        csv = require("pyarrow.csv", "cli", "Writing CSV")
        options = csv.WriteOptions(quoting_style="needed", quoting_header="needed")
        if path is None:
            sys.stdout.flush()
        csv.write_csv(table, path or sys.stdout.buffer, options)
    else:
        require("pyarrow.feather", "cli", "Writing Arrow files").write_feather(table, path)
