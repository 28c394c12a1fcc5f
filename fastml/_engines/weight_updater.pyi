"""What AdaBoost does to the rows' weights after a member: which rows it gets wrong, its error, the new weights."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

def judge_stump(
    X: NDArray[Any], feature: int, threshold: float, missing_left: bool, left: int, right: int,
    codes: NDArray[np.int32], weight: NDArray[np.float64], wrong_out: NDArray[np.uint8],
) -> tuple[float, float]:  # fmt: skip
    """(weight of the rows that are wrong, of all rows), and wrong_out (n,): which those are.

    X : (n, d) float32 or float64.  A row with X[:, feature] <= threshold, or missing if missing_left, is said to have
    class `left`, others `right`.  codes : (n,) the classes.  Sums as sum_weights has them. O(n).
    Raises ValueError where lengths do not fit.
    """

def judge_leaves(
    leaf_of: NDArray[np.int32], said: NDArray[np.int32], codes: NDArray[np.int32], weight: NDArray[np.float64],
    wrong_out: NDArray[np.uint8],
) -> tuple[float, float]:  # fmt: skip
    """judge_stump for any tree: leaf_of (n,) is each row's node, said (n_nodes,) the class of each node."""

def raise_weights(weight: NDArray[np.float64], wrong: NDArray[np.uint8], factor: float) -> None:
    """Multiplies the weights of rows that are wrong by the factor, in place. O(n)."""

def sum_weights(weight: NDArray[np.float64]) -> float:
    """The sum in twice the precision, rounded at the end. O(n).

    The same for a row of weight 2 as for two rows of weight 1, in any order.
    """
