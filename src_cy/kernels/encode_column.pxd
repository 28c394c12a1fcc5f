"""A stretch of a column to codes, by the way that its type allows; and the tree of edges that the search reads."""

from libc.math cimport INFINITY
from libc.stdint cimport int64_t, uint8_t

from kernels.column_view cimport FLOAT32, FLOAT64, ColumnView, fits_float32, is_byte, load_values
from simd.simd cimport fastml_bin_search, fastml_kernels

cdef extern from *:
    """
    #include <math.h>
    /* The largest float32 that is not above x. */
    static inline float fastml_round_down(double x) {
        float f = (float)x; return (double)f > x ? nextafterf(f, -INFINITY) : f;
    }
    """
    float round_down "fastml_round_down"(double x) nogil


cdef inline int levels_of(ptrdiff_t n_edges) noexcept nogil:
    """Levels of the tree that holds the edges and one +inf: 4 at least, the size of a register; 0 without edges."""
    cdef int levels = 4
    if n_edges == 0:
        return 0
    while (1 << levels) <= n_edges:
        levels += 1
    return levels


cdef inline void plant(
    const double *edges,        # (n_edges,)
    ptrdiff_t n_edges,
    float *floats_out,          # (2, 1 << levels) the tree and the sorted edges
    double *sorted_out,         # (1 << levels,)
    fastml_bin_search *search,
) noexcept nogil:
    """Some edges as the search reads them; see struct fastml_bin_search."""
    cdef int level, i, k, levels = levels_of(n_edges), size = 1 << levels
    cdef float *tree = floats_out
    cdef float *sorted32 = floats_out + size
    search.levels = levels
    search.tree = tree
    search.sorted32 = sorted32
    search.sorted = sorted_out
    search.apart_in_f32 = True
    for k in range(size):
        sorted_out[k] = edges[k] if k < n_edges else INFINITY
        sorted32[k] = round_down(sorted_out[k])
        if 0 < k < n_edges and sorted32[k] == sorted32[k - 1]:
            search.apart_in_f32 = False
    tree[0] = 0
    for level in range(levels):
        for i in range(1 << level):
            tree[(1 << level) + i] = sorted32[((2 * i + 1) << (levels - 1 - level)) - 1]


cdef inline void encode_levels(
    const float *levels,        # (n,) number of a level; NaN is missing
    ptrdiff_t n,
    const uint8_t *codes,       # (n_codes,) of each level
    int64_t n_codes,
    uint8_t *codes_out,         # (n,)
) noexcept nogil:
    cdef ptrdiff_t i
    for i in range(n):
        codes_out[i] = codes[<int64_t>levels[i]] if 0 <= levels[i] < n_codes else 0


cdef inline void encode_column(
    const fastml_kernels *simd,
    const ColumnView *view,
    const fastml_bin_search *search,
    const uint8_t *level_codes,     # (n_level_codes,) of a categorical column
    int64_t n_level_codes,          # 0 for a number column
    const uint8_t *byte_codes,      # (256,) code of each byte, for values of 8 bits
    ptrdiff_t n,
    double *scratch,            # (n,)
    uint8_t *codes_out,         # (n,) of the first n rows
) noexcept nogil:
    cdef const float *x32 = <const float *>scratch
    cdef const double *x64 = scratch
    cdef ptrdiff_t i
    if n_level_codes > 0:
        load_values[float](view, NULL, 0, n, <float *>scratch)
        encode_levels(x32, n, level_codes, n_level_codes, codes_out)
    elif is_byte(view.kind):
        for i in range(n):
            codes_out[i] = byte_codes[(<const uint8_t *>view.data)[i * view.stride]]
    elif fits_float32(view.kind):
        if view.kind == FLOAT32 and view.stride == sizeof(float):
            x32 = <const float *>view.data
        else:
            load_values[float](view, NULL, 0, n, <float *>scratch)
        simd.bin_encode_f32(x32, n, search, codes_out)
    else:
        if view.kind == FLOAT64 and view.stride == sizeof(double):
            x64 = <const double *>view.data
        else:
            load_values[double](view, NULL, 0, n, scratch)
        simd.bin_encode_f64(x64, n, search, codes_out)


cdef inline bint any_missing(const uint8_t *codes, ptrdiff_t n) noexcept nogil:
    cdef ptrdiff_t i
    cdef uint8_t least = 255
    for i in range(n):
        least = min(least, codes[i])
    return least == 0
