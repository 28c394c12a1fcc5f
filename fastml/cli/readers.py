"""Files that a command reads: CSV, Parquet, Arrow/Feather, .npz."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from fastml.cli.columns import as_features
from fastml.cli.errors import CommandError
from fastml.extras import require

MISSING = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "?", "#N/A"]
SEPARATORS = ",;\t|"


def read_file(path: str) -> Any:
    """The file as an Arrow table, or for an .npz with a 2-D X as a dictionary of arrays.

    Raises
    ------
    CommandError
        No such file, a kind that is not known, or one that cannot be read.
    """
    kind = _kind(path)
    if not Path(path).is_file():
        raise CommandError(f"there is no file {path}")
    try:
        table = READERS[kind](path)
    except (ValueError, OSError) as error:  # ArrowInvalid is a ValueError
        raise CommandError(f"{path} cannot be read: {error}") from error
    if isinstance(table, dict):
        return table
    twice = sorted({name for name in table.column_names if table.column_names.count(name) > 1})
    if twice:
        raise CommandError(f"{path} has more than one column called {', '.join(twice)}: give each a name of its own")
    if table.num_rows == 0:
        raise CommandError(f"{path} has no rows")
    return as_features(table)


def _kind(path: str) -> str:
    """The suffix that says what the file is, looking through .gz and the like."""
    suffixes = [s.lower() for s in Path(path).suffixes if s.lower() not in {".gz", ".bz2", ".zst", ".lz4"}]
    if suffixes and suffixes[-1] in READERS:
        return suffixes[-1]
    raise CommandError(f"{path}: what kind of file is that? These are known: {', '.join(READERS)}")


def _read_csv(path: str) -> Any:
    pa = require("pyarrow", "cli", "Reading CSV")
    csv = require("pyarrow.csv", "cli", "Reading CSV")
    with pa.input_stream(path) as stream:
        start = stream.read(1 << 16).decode("utf-8", "replace")
    header = start.partition("\n")[0]
    parse = csv.ParseOptions(delimiter=max(SEPARATORS, key=header.count), newlines_in_values='"' in start)
    convert = csv.ConvertOptions(null_values=MISSING, strings_can_be_null=True)
    try:
        return csv.read_csv(path, parse_options=parse, convert_options=convert)
    except pa.ArrowInvalid as error:
        if "conversion error" not in str(error):
            raise
        # Types are guessed from the first block: a column of whole numbers may hold 1.5 further down.
        read = csv.ReadOptions(block_size=2**31 - 1)
        return csv.read_csv(path, read_options=read, parse_options=parse, convert_options=convert)


def _read_parquet(path: str) -> Any:
    return require("pyarrow.parquet", "cli", "Reading Parquet").read_table(path)


def _read_feather(path: str) -> Any:
    return require("pyarrow.feather", "cli", "Reading Arrow files").read_table(path)


def _read_npz(path: str) -> Any:
    with np.load(path, allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    if "X" in arrays and arrays["X"].ndim == 2:
        n_samples = len(arrays["X"])
        if n_samples == 0:
            raise ValueError("X has no rows")
        return {name: array for name, array in arrays.items() if name == "X" or array.shape == (n_samples,)}
    columns = {name: array for name, array in arrays.items() if array.ndim == 1}
    if not columns or len({len(array) for array in columns.values()}) > 1:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
        raise ValueError(f"it needs a 2-D X and a target, or named 1-D arrays of one length; it has {shapes}")
    return require("pyarrow", "cli", "Reading named arrays").table(columns)


READERS: dict[str, Callable[[str], Any]] = {
    ".csv": _read_csv,
    ".tsv": _read_csv,
    ".parquet": _read_parquet,
    ".pq": _read_parquet,
    ".arrow": _read_feather,
    ".feather": _read_feather,
    ".npz": _read_npz,
}
