"""Bins sorted columns anew for a tree, so that each bin holds about the same sum of weights (hessians).

The columns lie sorted, so that one pass gives the weighted quantiles without error and writes the codes: nothing is
sketched. Limit: for each entry 8 bytes in order, a weight and a code anywhere in the cache.
"""

from cython.parallel cimport prange
from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t

from kernels.sorted_runs cimport count_present, rank_of, row_of


cdef int bin_column(
    const uint64_t *entries,        # (present,)  of one column, in order
    ptrdiff_t present,
    const double *values,           # of each rank
    const float *weight,            # of each row
    double share,                   # of the column's weight that a bin holds at least
    int max_bins,
    uint8_t *codes_out,             # of each row; rows that are not present are left alone
    double *edges_out,              # (max_bins - 1,)  ascending
) noexcept nogil:
    """Returns the number of bins.

    A bin ends behind the value that fills it, and before a value that would fill one alone. Bins that are still to
    come share what is left, so that there are never more than max_bins.
    """
    cdef ptrdiff_t i = 0, stop, k
    cdef double total = 0.0, held = 0.0, own, need, below, middle
    cdef int bins = 1
    cdef bint ends = False
    for k in range(present):
        total += weight[row_of(entries[k])]
    cdef double rest = total        # that no bin before the present one holds
    while i < present:
        own = 0.0
        stop = i
        while stop < present and rank_of(entries[stop]) == rank_of(entries[i]):
            own += weight[row_of(entries[stop])]
            stop += 1
        need = max(share * total, rest / (max_bins - bins + 1))
        if i > 0 and bins < max_bins and (ends or (held > 0.0 and own >= need)):
            below = values[rank_of(entries[i - 1])]
            middle = below / 2.0 + values[rank_of(entries[i])] / 2.0
            edges_out[bins - 1] = middle if below < middle < values[rank_of(entries[i])] else below
            bins += 1
            rest -= held
            held = 0.0
            need = max(share * total, rest / (max_bins - bins + 1))
        held += own
        ends = held >= need
        for k in range(i, stop):
            codes_out[row_of(entries[k])] = <uint8_t> bins
        i = stop
    return bins


def bin_by_weight(
    const uint64_t[:, ::1] entries, const double[::1] values, const int64_t[::1] values_start,
    const int64_t[::1] columns, const float[::1] weight, double share, int max_bins,
    uint8_t[:, ::1] codes_inout, int32_t[::1] n_bins_inout, double[:, ::1] edges_inout, int n_threads=1,
):
    """Bin some of the columns; see sketch_binner.pyi."""
    cdef ptrdiff_t c, j, present, n = entries.shape[1]
    if not 2 <= max_bins <= 255:
        raise ValueError(f"max_bins={max_bins} must be between 2 and 255: a code is one byte, 0 is missing")
    if codes_inout.shape[1] < n or weight.shape[0] != n or edges_inout.shape[1] < max_bins:
        raise ValueError("codes, weights and edges must have room for every row and bin")
    for c in prange(columns.shape[0], nogil=True, num_threads=max(n_threads, 1), schedule="dynamic", chunksize=1):
        j = columns[c]
        n_bins_inout[j] = 1          # a column without any value, which may have no place among the values either
        present = count_present(&entries[j, 0], n)
        if present > 0:
            n_bins_inout[j] = bin_column(
                &entries[j, 0], present, &values[values_start[j]], &weight[0], share, max_bins, &codes_inout[j, 0],
                &edges_inout[j, 0],
            )
