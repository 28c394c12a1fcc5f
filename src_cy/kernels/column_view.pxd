"""A column of any number type and stride, read as float32 (8 and 16 bits, float32) or float64 (the rest)."""

from libc.stdint cimport (
    int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t,
)

ctypedef fused source_t:
    int8_t
    uint8_t
    int16_t
    uint16_t
    int32_t
    uint32_t
    int64_t
    uint64_t
    float
    double

ctypedef fused real_t:
    float
    double

cdef enum Kind:  # in the order of bin_mapper.KINDS
    INT8, UINT8, INT16, UINT16, FLOAT32, INT32, UINT32, INT64, UINT64, FLOAT64

cdef struct ColumnView:
    const char *data
    ptrdiff_t stride    # bytes from a value to the next
    int kind


cdef inline bint is_byte(int kind) noexcept nogil:
    return kind == INT8 or kind == UINT8


cdef inline ptrdiff_t size_of(int kind) noexcept nogil:
    """Bytes a value."""
    if is_byte(kind):
        return 1
    if kind == INT16 or kind == UINT16:
        return 2
    return 4 if kind == FLOAT32 or kind == INT32 or kind == UINT32 else 8


cdef inline ptrdiff_t key_size(int kind) noexcept nogil:
    """Bytes that a value takes as float32 or float64, or as the byte that it is."""
    return 1 if is_byte(kind) else 4 if fits_float32(kind) else 8


cdef inline bint side_by_side(const ColumnView *views, ptrdiff_t n) noexcept nogil:
    """Whether the columns are neighbours in the rows of one array, in order."""
    cdef ptrdiff_t j, size = size_of(views[0].kind)
    for j in range(1, n):
        if (
            views[j].kind != views[0].kind or views[j].stride != views[0].stride
            or views[j].data != views[0].data + j * size
        ):
            return False
    return n > 1


cdef inline bint fits_float32(int kind) noexcept nogil:
    return kind <= FLOAT32


cdef inline void _load(
    const source_t *data,       # first value
    ptrdiff_t stride,           # bytes
    const int64_t *rows,        # (n,) rows to take, or NULL: the first n
    ptrdiff_t n,
    real_t *values_out,         # (n,)
) noexcept nogil:
    cdef ptrdiff_t i
    cdef const char *base = <const char *>data
    if rows != NULL:
        for i in range(n):
            values_out[i] = <real_t>(<const source_t *>(base + rows[i] * stride))[0]
    elif stride == sizeof(source_t):
        for i in range(n):
            values_out[i] = <real_t>data[i]
    else:
        for i in range(n):
            values_out[i] = <real_t>(<const source_t *>(base + i * stride))[0]


cdef inline void load_values(
    const ColumnView *view,
    const int64_t *rows,        # (n,) rows to take, or NULL: `first` and those after it
    ptrdiff_t first,
    ptrdiff_t n,
    real_t *values_out,         # (n,)
) noexcept nogil:
    cdef const char *data = view.data + first * view.stride
    if view.kind == FLOAT32:
        _load(<const float *>data, view.stride, rows, n, values_out)
    elif view.kind == FLOAT64:
        _load(<const double *>data, view.stride, rows, n, values_out)
    elif view.kind == INT8:
        _load(<const int8_t *>data, view.stride, rows, n, values_out)
    elif view.kind == UINT8:
        _load(<const uint8_t *>data, view.stride, rows, n, values_out)
    elif view.kind == INT16:
        _load(<const int16_t *>data, view.stride, rows, n, values_out)
    elif view.kind == UINT16:
        _load(<const uint16_t *>data, view.stride, rows, n, values_out)
    elif view.kind == INT32:
        _load(<const int32_t *>data, view.stride, rows, n, values_out)
    elif view.kind == UINT32:
        _load(<const uint32_t *>data, view.stride, rows, n, values_out)
    elif view.kind == INT64:
        _load(<const int64_t *>data, view.stride, rows, n, values_out)
    else:
        _load(<const uint64_t *>data, view.stride, rows, n, values_out)
