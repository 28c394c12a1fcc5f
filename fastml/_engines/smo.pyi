"""Sequential minimal optimisation of problems whose kernel matrix is at hand.

min 1/2 b'Kb - z'b + epsilon sum |b|, lower <= b <= upper, the sum of b (of each group) unchanged.
"""

import numpy as np

def solve_matrix(
    K: np.ndarray, g_inout: np.ndarray, beta_inout: np.ndarray, lower: np.ndarray, upper: np.ndarray, epsilon: float,
    group: np.ndarray, tol: float, max_iter: int,
) -> tuple[int, float]:
    """Steps made and the gap that is left.

    K : (n, n) float32 or float64, n a multiple of 16 or 8; rows behind the problem's own have lower = upper = 0.
    g_inout : (n,) as K, z - K b.  beta_inout, lower, upper : (n,) float64.
    group : int8 (n,) of 0 and 1, or empty.
    """

def solve_rows(
    rows: np.ndarray, sq: np.ndarray, diagonal: np.ndarray, kind: int, degree: int, gamma: float, coef0: float,
    store: np.ndarray, g_inout: np.ndarray, beta_inout: np.ndarray, lower: np.ndarray, upper: np.ndarray,
    epsilon: float, group: np.ndarray, tol: float, max_iter: int,
) -> tuple[int, float, int]:
    """The same from packed rows (see kernel_rows), whose kernel rows are computed as they are met; and how many were.

    diagonal : (n,), K(x, x).  store : (n * n,) or more, scratch.
    """

def solve_problems(
    rows: np.ndarray, sq: np.ndarray, diagonal: np.ndarray, index: np.ndarray, starts: np.ndarray, kind: int,
    degree: int, gamma: float, coef0: float, g_inout: np.ndarray, beta_inout: np.ndarray, lower: np.ndarray,
    upper: np.ndarray, epsilon: float, tol: float, max_iter: int, steps_out: np.ndarray, gap_out: np.ndarray,
    kernel_rows_out: np.ndarray, n_threads: int = 1,
) -> None:
    """Many problems side by side, in float32; problem k has the variables starts[k] to starts[k + 1].

    rows, sq, diagonal : packed rows, shared.  index : int64, the row of each variable.
    g_inout, beta_inout, lower, upper : float64, of each variable.
    steps_out, kernel_rows_out : int64, gap_out : float64, of each problem.
    """
