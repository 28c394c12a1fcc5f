"""The edges of one column: between its distinct numbers when they are few, else between quantiles of a sample."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memset

from kernels.column_view cimport INT8, ColumnView, fits_float32, is_byte, key_size, load_values
from kernels.distinct cimport DistinctSet, collect
from kernels.quantile_cuts cimport MAX_CUTS, Mass, edge_between, quantile_cuts
from kernels.radix_sort cimport key32, key64, key_t, number32, number64, radix_sort

cdef struct SortSpace:          # what one thread needs for a column of m keys
    uint64_t *spare             # (m,)
    int32_t *first              # (m + 1,)
    double *below               # (m + 1,) this and what follows only with weights
    uint32_t *order             # (m,)
    uint32_t *spare_order       # (m,)


cdef inline size_t sort_space_bytes(ptrdiff_t m, bint weighted) noexcept nogil:
    return (28 if weighted else 12) * m + 64


cdef inline SortSpace sort_space(uint8_t *memory, ptrdiff_t m) noexcept nogil:
    """Cuts sort_space_bytes(m) bytes into the arrays."""
    cdef SortSpace space
    space.spare = <uint64_t *>memory
    space.first = <int32_t *>(space.spare + m)
    space.below = <double *>(space.spare + m + (m + 2) // 2)
    space.order = <uint32_t *>(space.below + m + 1)
    space.spare_order = space.order + m
    return space


cdef inline void load_keys(
    const ColumnView *view,
    const int64_t *rows,        # (n,) rows to take, or NULL: `first` and those after it
    ptrdiff_t first,
    ptrdiff_t n,
    const double *weight,       # (n,) or NULL
    char *keys_out,             # (n,) bytes as they are; else the keys of float32 or of float64
) noexcept nogil:
    """Of NaN and of weight 0 the largest key, which sorts past all numbers."""
    cdef uint32_t *keys32 = <uint32_t *>keys_out
    cdef uint64_t *keys64 = <uint64_t *>keys_out
    cdef const uint8_t *bytes = <const uint8_t *>view.data
    cdef ptrdiff_t i
    if is_byte(view.kind):
        for i in range(n):
            keys_out[i] = bytes[(first + i if rows == NULL else rows[i]) * view.stride]
    elif fits_float32(view.kind):
        load_values[float](view, rows, first, n, <float *>keys_out)
        for i in range(n):
            keys32[i] = key32((<float *>keys_out)[i])
        if weight != NULL:
            for i in range(n):
                keys32[i] |= <uint32_t>0 - <uint32_t>(weight[i] == 0.0)
    else:
        load_values[double](view, rows, first, n, <double *>keys_out)
        for i in range(n):
            keys64[i] = key64((<double *>keys_out)[i])
        if weight != NULL:
            for i in range(n):
                keys64[i] |= <uint64_t>0 - <uint64_t>(weight[i] == 0.0)


cdef inline int edges_of_distinct(
    const DistinctSet *numbers,
    SortSpace *space,           # of at least MAX_CUTS + 1 keys
    double *edges_out,
) noexcept nogil:
    cdef double values[MAX_CUTS + 1]
    cdef uint64_t keys[MAX_CUTS + 1]
    cdef uint64_t *sorted = keys
    cdef int i, n = collect(numbers, values)
    for i in range(n):
        keys[i] = key64(values[i])
    if radix_sort[uint64_t](keys, space.spare, NULL, NULL, n):
        sorted = space.spare
    for i in range(n - 1):
        edges_out[i] = edge_between(number64(sorted[i]), number64(sorted[i + 1]))
    return max(0, n - 1)


cdef inline int edges_of_bytes(
    const uint8_t *bytes,       # (m,)
    bint is_signed,
    const double *weight,       # (m,) or NULL
    ptrdiff_t m,
    int max_bins,
    double *edges_out,
) noexcept nogil:
    """A byte needs no sorting: the mass of each of 256 values is counted."""
    cdef double count[256]
    cdef double below[257]
    cdef double values[256]
    cdef int32_t cuts[MAX_CUTS]
    cdef int32_t n_values = 0, byte
    cdef int n_cuts, k
    cdef ptrdiff_t i
    cdef Mass mass
    memset(count, 0, sizeof(count))
    for i in range(m):
        count[bytes[i]] += 1.0 if weight == NULL else weight[i]
    below[0] = 0.0
    for k in range(256):
        byte = (k + 128) & 255 if is_signed else k
        if count[byte] > 0:
            values[n_values] = byte - 256 if is_signed and byte > 127 else byte
            n_values += 1
            below[n_values] = below[n_values - 1] + count[byte]
    mass.below = below
    n_cuts = quantile_cuts(&mass, n_values, max_bins, cuts)
    for k in range(n_cuts):
        edges_out[k] = edge_between(values[cuts[k] - 1], values[cuts[k]])
    return n_cuts


cdef inline double number(key_t key) noexcept nogil:
    if key_t is uint32_t:
        return number32(key)
    else:
        return number64(key)


cdef inline int edges_of_keys(
    key_t *keys,                # (m,) overwritten
    const double *weight,       # (m,) or NULL
    uint32_t m,
    int max_bins,
    SortSpace *space,
    double *edges_out,          # (max_bins - 1,)
) noexcept nogil:
    """Sort, find where each distinct number begins and the mass below it, cut, and place an edge at each cut."""
    cdef uint32_t *order = space.order
    cdef int32_t *first = space.first
    cdef int32_t cuts[MAX_CUTS]
    cdef int32_t n_values, k
    cdef int n_cuts
    cdef uint32_t i, n = 0
    cdef double total = 0.0
    cdef Mass mass
    if weight == NULL:
        if radix_sort(keys, <key_t *>space.spare, NULL, NULL, m):
            keys = <key_t *>space.spare
    else:
        for i in range(m):
            order[i] = i
        if radix_sort(keys, <key_t *>space.spare, order, space.spare_order, m):
            keys = <key_t *>space.spare
            order = space.spare_order
    n = m
    while n > 0 and keys[n - 1] == <key_t>0 - 1:  # missing
        n -= 1
    if n == 0:
        return 0
    first[0] = 0
    n_values = 1
    for i in range(1, n):  # written whether a number begins there or not: no branch to guess
        first[n_values] = i
        n_values += keys[i] != keys[i - 1]
    first[n_values] = n
    mass.first = first
    mass.below = NULL
    if weight != NULL:
        k = 0
        for i in range(n):
            if <int32_t>i == first[k]:
                space.below[k] = total
                k += 1
            total += weight[order[i]]
        space.below[n_values] = total
        mass.below = space.below
    n_cuts = quantile_cuts(&mass, n_values, max_bins, cuts)
    for k in range(n_cuts):
        edges_out[k] = edge_between(number(keys[first[cuts[k]] - 1]), number(keys[first[cuts[k]]]))
    return n_cuts


cdef inline void load_sample(
    const ColumnView *views,
    int n_columns,
    const DistinctSet *sets,    # (n_columns,)
    const int64_t *rows,        # (m,) rows of the sample, or NULL: all
    const double *weight,       # (m,) or NULL
    ptrdiff_t first,            # of the sample
    ptrdiff_t stop,
    ptrdiff_t key_bytes,        # of a column of keys
    char *keys_out,             # (n_columns, key_bytes) of the columns that have many values
) noexcept nogil:
    cdef int j
    cdef const int64_t *own_rows = NULL if rows == NULL else rows + first
    cdef const double *own_weight = NULL if weight == NULL else weight + first
    for j in range(n_columns):
        if sets[j].over:
            load_keys(
                &views[j], own_rows, first if rows == NULL else 0, stop - first, own_weight,
                keys_out + j * key_bytes + first * key_size(views[j].kind),
            )


cdef inline int edges_of_column(
    const ColumnView *view,
    const DistinctSet *numbers,
    char *keys,                 # (m,) overwritten
    const double *weight,       # (m,) or NULL
    ptrdiff_t m,
    int max_bins,
    SortSpace space,
    double *edges_out,          # (max_bins - 1,)
) noexcept nogil:
    if not numbers.over:
        return edges_of_distinct(numbers, &space, edges_out)
    if is_byte(view.kind):
        return edges_of_bytes(<uint8_t *>keys, view.kind == INT8, weight, m, max_bins, edges_out)
    if fits_float32(view.kind):
        return edges_of_keys(<uint32_t *>keys, weight, <uint32_t>m, max_bins, &space, edges_out)
    return edges_of_keys(<uint64_t *>keys, weight, <uint32_t>m, max_bins, &space, edges_out)
