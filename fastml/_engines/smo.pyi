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
