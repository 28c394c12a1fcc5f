"""The distinct numbers of a column, given up as soon as there are more than a limit."""

from libc.stdint cimport int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memset

from kernels.column_view cimport FLOAT32, INT8, INT16, INT32, INT64, UINT8, UINT16, UINT32, UINT64, ColumnView, source_t

cdef extern from *:
    """
    #include <stdint.h>
    #include <string.h>
    static inline uint64_t fastml_bits64(double x) { uint64_t b; memcpy(&b, &x, 8); return b; }
    static inline double fastml_from_bits64(uint64_t b) { double x; memcpy(&x, &b, 8); return x; }
    """
    uint64_t bits64 "fastml_bits64"(double x) nogil
    double from_bits64 "fastml_from_bits64"(uint64_t bits) nogil

cdef enum:
    SLOT_BITS = 11          # 8 slots for each of 255 numbers: few share a slot, and 16 KB stay in cache
    N_SLOTS = 1 << SLOT_BITS
    DISTINCT_BLOCK = 1024   # rows of one column at a time

cdef struct DistinctSet:
    uint64_t slots[N_SLOTS]     # bits of a float64; EMPTY where free
    int32_t size
    int32_t limit
    bint over                   # more than `limit` numbers were seen


cdef inline uint64_t empty_slot() noexcept nogil:
    return 0xFFFFFFFFFFFFFFFFULL  # a NaN, and NaNs are not kept


cdef inline void clear(DistinctSet *numbers, int limit) noexcept nogil:
    memset(numbers.slots, 0xFF, sizeof(numbers.slots))
    numbers.size = 0
    numbers.limit = limit
    numbers.over = False


cdef inline void insert(DistinctSet *numbers, double x) noexcept nogil:
    """Adds x unless it is NaN or there; 0.0 and -0.0 are one number."""
    cdef uint64_t bits = bits64(x + 0.0)
    cdef uint64_t slot = (bits * 0x9E3779B97F4A7C15ULL) >> (64 - SLOT_BITS)
    if x != x:
        return
    while numbers.slots[slot] != bits:
        if numbers.slots[slot] == empty_slot():
            if numbers.size == numbers.limit:
                numbers.over = True
                return
            numbers.slots[slot] = bits
            numbers.size += 1
            return
        slot = (slot + 1) & (N_SLOTS - 1)


cdef inline void _insert_rows(
    DistinctSet *numbers,
    const source_t *data,
    ptrdiff_t stride,           # bytes
    const double *weight,       # (n,) rows of weight 0 are not there; or NULL
    ptrdiff_t n,
) noexcept nogil:
    cdef ptrdiff_t i, value
    cdef const char *base = <const char *>data
    cdef uint8_t seen[256]
    if source_t is uint8_t or source_t is int8_t:
        memset(seen, 0, 256)
        for i in range(n):
            if weight == NULL or weight[i] != 0.0:
                seen[(<const uint8_t *>(base + i * stride))[0]] = 1
        for i in range(256):
            if seen[i]:
                value = i - 256 if source_t is int8_t and i > 127 else i
                insert(numbers, <double>value)
    else:
        for i in range(n):
            if weight == NULL or weight[i] != 0.0:
                insert(numbers, <double>(<const source_t *>(base + i * stride))[0])
                if numbers.over:
                    return


cdef inline void insert_rows(
    DistinctSet *numbers,
    const ColumnView *view,
    const double *weight,       # (n_samples,) or NULL
    ptrdiff_t first,
    ptrdiff_t n,
) noexcept nogil:
    """Adds the rows first .. first + n - 1 of a column; O(n), about a nanosecond a row."""
    cdef const char *data = view.data + first * view.stride
    cdef const double *own = NULL if weight == NULL else weight + first
    if view.kind == FLOAT32:
        _insert_rows(numbers, <const float *>data, view.stride, own, n)
    elif view.kind == INT8:
        _insert_rows(numbers, <const int8_t *>data, view.stride, own, n)
    elif view.kind == UINT8:
        _insert_rows(numbers, <const uint8_t *>data, view.stride, own, n)
    elif view.kind == INT16:
        _insert_rows(numbers, <const int16_t *>data, view.stride, own, n)
    elif view.kind == UINT16:
        _insert_rows(numbers, <const uint16_t *>data, view.stride, own, n)
    elif view.kind == INT32:
        _insert_rows(numbers, <const int32_t *>data, view.stride, own, n)
    elif view.kind == UINT32:
        _insert_rows(numbers, <const uint32_t *>data, view.stride, own, n)
    elif view.kind == INT64:
        _insert_rows(numbers, <const int64_t *>data, view.stride, own, n)
    elif view.kind == UINT64:
        _insert_rows(numbers, <const uint64_t *>data, view.stride, own, n)
    else:
        _insert_rows(numbers, <const double *>data, view.stride, own, n)


cdef inline void find_distinct(
    const ColumnView *views,
    int n_columns,
    ptrdiff_t first,            # row
    ptrdiff_t stop,
    const double *weight,       # (n_samples,) or NULL
    int limit,
    DistinctSet *sets_out,      # (n_columns,)
) noexcept nogil:
    cdef int j
    cdef bint all_over = False
    cdef ptrdiff_t n
    for j in range(n_columns):
        clear(&sets_out[j], limit)
    while first < stop and not all_over:  # by blocks: the columns of a row-major array share cache lines
        n = min(stop - first, <ptrdiff_t>DISTINCT_BLOCK)
        all_over = True
        for j in range(n_columns):
            if not sets_out[j].over:
                insert_rows(&sets_out[j], &views[j], weight, first, n)
                all_over = all_over and sets_out[j].over
        first += n


cdef inline int collect(const DistinctSet *numbers, double *values_out) noexcept nogil:
    """The numbers in no order; how many."""
    cdef int i, n = 0
    for i in range(N_SLOTS):
        if numbers.slots[i] != empty_slot():
            values_out[n] = from_bits64(numbers.slots[i])
            n += 1
    return n


cdef inline void merge(DistinctSet *numbers, const DistinctSet *others) noexcept nogil:
    """numbers becomes the union; what it holds does not depend on the order of unions."""
    cdef int i
    numbers.over = numbers.over or others.over
    for i in range(N_SLOTS):
        if not numbers.over and others.slots[i] != empty_slot():
            insert(numbers, from_bits64(others.slots[i]))
