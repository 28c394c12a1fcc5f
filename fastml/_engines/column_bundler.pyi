"""Columns that go together become one."""

import numpy as np
from numpy.typing import NDArray

Bundle = tuple[list[int], NDArray[np.uint16], int, NDArray[np.uint8]]

def bundle_columns(
    codes_by_column: NDArray[np.uint8], n_samples: int, n_bins: NDArray[np.int32], max_cells: int
) -> list[Bundle]:
    """Bundles of columns with at most max_cells combinations of codes: (columns, cells, n_cells, codes).

    cells : (n_samples,), number of the row's combination, in the order in which they first occur.
    codes : (len(columns), n_cells), codes[m, c] that of columns[m] in combination c.
    Greedy: a bundle begins with the column of most bins that is left and takes in the one that adds fewest
    combinations, on 4096 rows, as long as they are at most max_cells on all. At most 64 columns.
    """
