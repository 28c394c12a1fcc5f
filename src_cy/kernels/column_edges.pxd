"""The edges of one column: between its distinct numbers when they are few, else between quantiles of a sample."""

from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t

from kernels.column_view cimport ColumnView, fits_float32
from kernels.distinct cimport DistinctSet, collect
from kernels.quantile_cuts cimport MAX_CUTS, edge_between, quantile_cuts
from kernels.radix_sort cimport key32, key64, number32, number64, radix_sort

cdef struct SortSpace:          # what one thread needs to sort a column of m values
    uint64_t *keys              # (m,)
    uint64_t *spare             # (m,)
    double *values              # (m,)
    double *below               # (m + 1,)
    uint32_t *order             # (m,)
    uint32_t *spare_order       # (m,)


cdef inline size_t sort_space_bytes(ptrdiff_t m) noexcept nogil:
    return 40 * m + 128


cdef inline SortSpace sort_space(uint8_t *memory, ptrdiff_t m) noexcept nogil:
    """Cuts sort_space_bytes(m) bytes into the arrays."""
    cdef SortSpace space
    memory += (64 - <size_t>memory % 64) % 64
    space.keys = <uint64_t *>memory
    space.spare = space.keys + m
    space.values = <double *>(space.spare + m)
    space.below = space.values + m
    space.order = <uint32_t *>(space.below + m + 1)
    space.spare_order = space.order + m
    return space


cdef inline int edges_of_distinct(
    const DistinctSet *numbers,
    SortSpace *space,
    double *edges_out,
) noexcept nogil:
    cdef int i, n = collect(numbers, space.values)
    cdef uint64_t *keys = space.keys
    for i in range(n):
        keys[i] = key64(space.values[i])
    if radix_sort[uint64_t](keys, space.spare, NULL, NULL, n):
        keys = space.spare
    for i in range(n - 1):
        edges_out[i] = edge_between(number64(keys[i]), number64(keys[i + 1]))
    return max(0, n - 1)


cdef inline int edges_of_sample(
    const char *sample,         # (m,) float32 or float64; NaN is not there
    bint is_float32,
    const double *weight,       # (m,) rows of weight 0 are not there; or NULL
    uint32_t m,
    int max_bins,
    SortSpace *space,
    double *edges_out,          # (max_bins - 1,)
) noexcept nogil:
    """Sort, sum the mass of each distinct value in ascending order, cut, and place an edge at each cut."""
    cdef uint32_t n = 0, i
    cdef uint32_t *order = NULL if weight == NULL else space.order
    cdef uint32_t *keys32 = <uint32_t *>space.keys
    cdef uint64_t *keys64 = space.keys
    cdef const float *values32 = <const float *>sample
    cdef const double *values64 = <const double *>sample
    cdef int32_t cuts[MAX_CUTS]
    cdef int32_t n_values = 0
    cdef int n_cuts, k
    cdef bint swapped
    cdef double x, mass = 0.0
    for i in range(m):
        if weight != NULL:
            if weight[i] == 0.0:
                continue
            order[n] = i
        if is_float32:
            keys32[n] = key32(values32[i])
            n += values32[i] == values32[i]
        else:
            keys64[n] = key64(values64[i])
            n += values64[i] == values64[i]
    if is_float32:
        swapped = radix_sort[uint32_t](keys32, <uint32_t *>space.spare, order, space.spare_order, n)
    else:
        swapped = radix_sort[uint64_t](keys64, space.spare, order, space.spare_order, n)
    if swapped:
        keys32 = <uint32_t *>space.spare
        keys64 = space.spare
        order = space.spare_order
    for i in range(n):
        x = <double>number32(keys32[i]) if is_float32 else number64(keys64[i])
        if n_values == 0 or x != space.values[n_values - 1]:
            space.values[n_values] = x
            space.below[n_values] = mass
            n_values += 1
        mass += 1.0 if weight == NULL else weight[order[i]]
    space.below[n_values] = mass
    n_cuts = quantile_cuts(space.below, n_values, max_bins, cuts)
    for k in range(n_cuts):
        edges_out[k] = edge_between(space.values[cuts[k] - 1], space.values[cuts[k]])
    return n_cuts
