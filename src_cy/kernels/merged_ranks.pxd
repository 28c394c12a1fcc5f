"""Bins of about equally many rows in place of the ranks of a sorted column."""

from libc.stdint cimport int32_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc

from kernels.quantile_cuts cimport Mass, Segment, quantile_cuts_by
from kernels.sorted_runs cimport MISSING, count_present, rank_of, row_of


cdef inline int32_t merge_column(
    uint64_t *entries,              # (n,)  in place: in a bin in the order of the rows
    ptrdiff_t n,
    const double *values,           # (n_values,)
    int32_t n_values,               # > max_bins
    int max_bins,
    double *smallest_out,           # (max_bins,)  value of each bin
    double *largest_out,
) noexcept nogil:
    """How many bins there are; -1 where there is no memory.

    Rows that lie in order make what a tree reads of each row come in order, too.
    """
    cdef int32_t *first = <int32_t *> malloc((n_values + 1) * sizeof(int32_t))
    cdef int32_t *bin_of_row = <int32_t *> malloc(n * sizeof(int32_t))
    cdef int32_t *memory = <int32_t *> malloc(2 * (max_bins + 2) * sizeof(int32_t))
    cdef Segment *segments = <Segment *> malloc((max_bins + 1) * sizeof(Segment))
    cdef int32_t *cuts = memory     # then where the next row of each bin goes; the last: of those that are missing
    cdef int32_t n_cuts = -1, b = 0, last = -1, rank, present
    cdef ptrdiff_t i, row
    cdef Mass mass
    if first != NULL and bin_of_row != NULL and memory != NULL and segments != NULL:
        present = <int32_t> count_present(entries, n)
        for i in range(present):
            rank = <int32_t> rank_of(entries[i])
            if rank != last:
                first[rank] = <int32_t> i
                last = rank
        first[n_values] = present
        mass.first = first
        mass.below = NULL
        n_cuts = quantile_cuts_by(&mass, n_values, max_bins, memory + max_bins + 2, segments, cuts)
        smallest_out[0] = values[0]
        for b in range(n_cuts):
            largest_out[b] = values[cuts[b] - 1]
            smallest_out[b + 1] = values[cuts[b]]
        largest_out[n_cuts] = values[n_values - 1]
        b = 0
        for i in range(present):
            while b < n_cuts and <int32_t> rank_of(entries[i]) >= cuts[b]:
                b += 1
            bin_of_row[row_of(entries[i])] = b
        for i in range(present, n):
            bin_of_row[row_of(entries[i])] = n_cuts + 1
        for b in range(n_cuts, 0, -1):
            cuts[b] = first[cuts[b - 1]]
        cuts[0] = 0
        cuts[n_cuts + 1] = present
        for row in range(n):
            b = bin_of_row[row]
            i = cuts[b]
            cuts[b] += 1
            entries[i] = (<uint64_t> (b if b <= n_cuts else <uint32_t> MISSING) << 32) | <uint64_t> row
    free(first)
    free(bin_of_row)
    free(memory)
    free(segments)
    return n_cuts + 1 if n_cuts >= 0 else -1
