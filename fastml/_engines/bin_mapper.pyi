"""Edges of number columns, and values to one-byte codes in both layouts."""

import numpy as np
from numpy.typing import NDArray

KINDS: tuple[np.dtype, ...]

class CodeTables:
    def __init__(
        self,
        edges_flat: NDArray[np.float64],
        edges_start: NDArray[np.int64],
        level_codes: NDArray[np.uint8],
        level_start: NDArray[np.int64],
    ) -> None: ...

def find_edges(
    columns: list[np.ndarray],
    weight: NDArray[np.float64] | None,
    rows: NDArray[np.int64] | None,
    max_bins: int,
    n_threads: int,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]: ...
def sample_rows(n: int, size: int) -> NDArray[np.int64]: ...
def encode(
    columns: list[np.ndarray],
    tables: CodeTables,
    features: NDArray[np.int64],
    codes_by_column: NDArray[np.uint8],
    codes_by_row: NDArray[np.uint8] | None,
    has_missing: NDArray[np.uint8],
    n_threads: int,
) -> None: ...
def rows_from_columns(
    codes_by_column: NDArray[np.uint8], n_samples: int, codes_by_row: NDArray[np.uint8], n_threads: int
) -> None: ...
