"""Columns that go together become one: a bundle, whose cells are the combinations of codes that occur.

A histogram of a bundle takes one update a row for all of its columns, and theirs follow from it exactly. Flights'
eleven columns make five bundles of at most 1,024 cells: the hour follows from the time, the distance from where to.
Exclusive features (Ke et al. 2017) are the special case where all columns but one are zero.

Limit: for each row and column a load, and now and then a store, in a table of max_cells * 256 words: 1 to 2 ns.
"""

from libc.stdint cimport int32_t, uint8_t, uint16_t, uint32_t

import numpy as np

cdef enum:
    SAMPLE = 4096                   # rows on which combinations are counted before all are
    MAX_COLUMNS = 64
    CODES = 256


cdef class _Pairs:
    """Numbers pairs (cell, code) in the order in which they occur.

    One table serves every count: an entry is (stamp of the count << 16) + number.
    """

    cdef uint32_t[::1] table
    cdef uint32_t stamp
    cdef int max_cells

    def __cinit__(self, int max_cells):
        self.table = np.zeros(max_cells * CODES, np.uint32)
        self.max_cells = max_cells

    cdef int count(
        self, const uint16_t[::1] cells, const uint8_t[::1] codes, ptrdiff_t n, ptrdiff_t step,
        uint16_t[::1] numbers_out,  # (n,) or None
    ) noexcept nogil:
        """How many pairs the rows 0, step, 2 step, ... hold; more than max_cells count as max_cells + 1."""
        cdef int found = 0
        cdef ptrdiff_t i = 0
        cdef uint32_t pair, stamp
        self.stamp += 1
        stamp = self.stamp << 16
        while i < n:
            pair = <uint32_t> cells[i] * CODES + codes[i]
            if self.table[pair] < stamp:
                if found == self.max_cells:
                    return found + 1
                self.table[pair] = stamp + <uint32_t> found
                found += 1
            if numbers_out is not None:
                numbers_out[i] = <uint16_t> self.table[pair]
            i += step
        return found


def bundle_columns(const uint8_t[:, ::1] codes, ptrdiff_t n, const int32_t[::1] n_bins, int max_cells):
    """See column_bundler.pyi."""
    cdef int d = codes.shape[0]
    if d > MAX_COLUMNS or not CODES <= max_cells <= 65535:
        raise ValueError(f"at most {MAX_COLUMNS} columns and {CODES} to 65535 cells, got {d} and {max_cells}")
    cdef _Pairs pairs = _Pairs(max_cells)
    cdef ptrdiff_t step = max(1, n // SAMPLE)
    left = sorted(range(d), key=lambda j: -n_bins[j])
    bundles = []
    while left:
        members = [left.pop(0)]
        cells, other = np.zeros(n, np.uint16), np.empty(n, np.uint16)
        n_cells = pairs.count(cells, codes[members[0]], n, 1, other)
        cells, other = other, cells
        candidates = list(left)
        while candidates:
            counts = {j: pairs.count(cells, codes[j], n, step, None) for j in candidates}
            candidates = [j for j in candidates if counts[j] <= max_cells]
            candidates.sort(key=counts.get)
            for j in list(candidates):
                candidates.remove(j)
                found = pairs.count(cells, codes[j], n, 1, other)
                if found <= max_cells:
                    cells, other = other, cells
                    n_cells = found
                    members.append(j)
                    left.remove(j)
                    break
        bundles.append((members, cells, n_cells, decode(codes, cells, members, n_cells)))
    return bundles


cdef object decode(const uint8_t[:, ::1] codes, const uint16_t[::1] cells, list members, int n_cells):
    """Code of each member in each cell, (n_members, n_cells)."""
    out = np.empty((len(members), n_cells), np.uint8)
    cdef uint8_t[:, ::1] view = out
    cdef ptrdiff_t i
    cdef int m, j, found = 0
    for i in range(cells.shape[0]):  # cells are numbered as they first occur
        if cells[i] == found:
            for m, j in enumerate(members):
                view[m, found] = codes[j, i]
            found += 1
            if found == n_cells:
                break
    return out
