"""Rows of a kernel matrix, computed from packed rows when they are needed: only their weighted sums leave it.

Packed rows are float32 or float64 (n_blocks, d, lanes) with 64 bytes of lanes (16 or 8): row i of the data is
[i // lanes, :, i % lanes], zeros behind the last. Panels are the same with 8 lanes. `sq` is half of each row's squared
norm. Kernels by number: 0 linear x.z, 1 poly (gamma x.z + coef0)^degree, 2 rbf 2^(x.z - sq_x - sq_z), whose rows are
packed with scale sqrt(2 gamma log2(e)), 3 sigmoid tanh(gamma x.z + coef0).
"""

from typing import Any

import numpy as np

def pack_rows(
    X: Any, index: np.ndarray, mean: np.ndarray, scale: float, rows_out: np.ndarray, sq_out: np.ndarray,
    n_threads: int = 1,
) -> None:
    """rows_out = packed (X[index] - mean) * scale, sq_out = half of their squared norms."""

def take_rows(
    rows: np.ndarray, sq: np.ndarray, index: np.ndarray, rows_out: np.ndarray, sq_out: np.ndarray
) -> None:
    """rows_out = the packed rows `index`, in blocks or panels of their own; zeros behind the last."""

def add_kernel(
    rows: np.ndarray, sq: np.ndarray, panels: np.ndarray, panels_sq: np.ndarray, coef: np.ndarray, kind: int,
    degree: int, gamma: float, coef0: float, out: np.ndarray, n_threads: int = 1,
) -> None:
    """out[i] += sum over v of coef[v] K(row i, vector v); out is float64."""

def add_kernel_many(
    rows: np.ndarray, sq: np.ndarray, panels: np.ndarray, panels_sq: np.ndarray, coef: np.ndarray, kind: int,
    degree: int, gamma: float, coef0: float, out: np.ndarray, n_threads: int = 1,
) -> None:
    """out[o, i] += sum over v of coef[panel, o, v] K(row i, vector v of the panel); out is float64."""

def add_sparse(
    indptr: np.ndarray, indices: np.ndarray, values: np.ndarray, sq: np.ndarray, index: np.ndarray, slot_of: np.ndarray,
    panel: np.ndarray, panel_sq: np.ndarray, coef: np.ndarray, kind: int, degree: int, gamma: float, coef0: float,
    out: np.ndarray, n_threads: int = 1,
) -> None:
    """out[i] += sum over v of coef[v] K(row index[i] of a CSR matrix, vector v of a panel); out is float64.

    panel : (n_slots, 256 bytes of vectors), slot 0 zeros.  slot_of : int32 (n_columns,), 0 for a column without a slot.
    """
